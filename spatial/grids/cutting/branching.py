"""The least cut of each choice that heavy units leave, and so of all.

A unit that almost fills a part has few lawful parts, whatever they cut; often none, and then there is no
plan.  While some unit has few, each of its parts is a branch, and what is left is divided on.  The branch
whose bound is least goes on first, until no branch can hold a better plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spatial.grids.cutting.listing import Listing, members_of
from spatial.grids.cutting.proof import LeastCut
from spatial.grids.instance import Instance, IntArray

__all__ = ["Branches"]

# Heaviest units whose parts are counted; steps of counting, and parts that are still few.
_UNITS_TRIED = 4
_STEPS, _FEW = 40_000, 24
_BRANCHES_AT_MOST, _COUNTED_AT_MOST = 150, 1_500_000


@dataclass(frozen=True, eq=False)
class _Branch:
    """Parts that are chosen, and the proof for what is left.

    Attributes
    ----------
    units : that are left
    labels : (n,) of the units of parts chosen; others 0
    spent : edge costs cut by them
    proof : of the units left
    """

    units: IntArray
    labels: IntArray
    spent: float
    proof: LeastCut

    @property
    def bound(self) -> float:
        """No plan of the branch cuts less; infinity where there is none that matters."""
        return np.inf if self.proof.settled else self.spent + self.proof.bound


class Branches:
    """What is proved of the cuts of plans with so many parts.

    Attributes
    ----------
    labels, cut : the best plan known; None and infinity while there is none
    nodes : steps of the searches so far
    """

    def __init__(self, instance: Instance, parts: int) -> None:
        self.labels: IntArray | None = None
        self.cut = np.inf
        self._instance = instance
        self._parts = parts
        self._counted = 0
        self._branches: list[_Branch] | None = None
        self._bound = 0.0

    @property
    def nodes(self) -> int:
        """Steps of the searches so far."""
        return self._counted + sum(one.proof.nodes for one in self._branches or [])

    @property
    def bound(self) -> float:
        """No plan cuts less."""
        if self._branches is not None:
            self._bound = max(self._bound, min([self.cut, *(one.bound for one in self._branches)]))
        return self._bound if np.isfinite(self._bound) else 0.0

    @property
    def none(self) -> bool:
        """Whether it is proved that there is no plan."""
        branches = self._branches
        return self.labels is None and branches is not None and all(one.proof.none for one in branches)

    @property
    def settled(self) -> bool:
        """Whether the plan is proved best, or that there is none."""
        return self._branches is not None and all(one.proof.settled for one in self._branches)

    def offer(self, labels: IntArray, cut: float) -> None:
        """Take note of a lawful plan found elsewhere."""
        if cut < self.cut:
            self.labels, self.cut = labels.copy(), cut
            for one in self._branches or []:
                one.proof.beat(cut - one.spent)

    def raise_limit(self, out_of_time: Callable[[], bool], nodes_at_most: int) -> bool:
        """Go on with the branch whose bound is least; False when it was left unfinished."""
        if out_of_time():
            return False
        if self._branches is None:
            self._branches = self._divided(out_of_time)
            if self.settled:
                return True
        branch = min(self._branches, key=lambda one: one.bound)
        spent = self.nodes - branch.proof.nodes
        done = branch.proof.raise_limit(out_of_time, nodes_at_most - spent)
        found = branch.proof.labels
        if found is not None and branch.spent + branch.proof.cut < self.cut:
            labels = branch.labels.copy()
            labels[branch.units] = found
            self.offer(labels, branch.spent + branch.proof.cut)
        return done

    def _divided(self, out_of_time: Callable[[], bool]) -> list[_Branch]:
        """Return the branches: parts of units that have few, chosen one after the other."""
        everyone = np.arange(self._instance.units)
        open_ones = [self._branch(everyone, np.zeros(everyone.size, dtype=np.int64), 0.0, self._parts)]
        closed: list[_Branch] = []
        while (
            open_ones
            and len(open_ones) + len(closed) < _BRANCHES_AT_MOST
            and self._counted < _COUNTED_AT_MOST
            and not out_of_time()
        ):
            branch = open_ones.pop()
            if branch.proof.parts == 1:
                self._whole(branch)
                continue
            few = None if branch.proof.parts == 2 else self._few(branch.proof)
            if few is None:
                closed.append(branch)
                continue
            sets = members_of(few.sets, branch.units.size).toarray() > 0
            for inside, cut in zip(sets, few.cuts, strict=True):
                labels = branch.labels.copy()
                labels[branch.units[inside]] = branch.proof.parts - 1
                left = branch.units[~inside]
                open_ones.append(
                    self._branch(left, labels, branch.spent + float(cut), branch.proof.parts - 1)
                )
        return closed + open_ones

    def _branch(self, units: IntArray, labels: IntArray, spent: float, parts: int) -> _Branch:
        proof = LeastCut(self._instance.restricted(units), parts)
        proof.beat(self.cut - spent)
        return _Branch(units, labels, spent, proof)

    def _whole(self, branch: _Branch) -> None:
        """Offer the plan whose last part is all that is left."""
        held = branch.proof.instance.fixed
        if np.unique(held[held >= 0]).size < 2:
            self.offer(branch.labels, branch.spent)

    def _few(self, proof: LeastCut) -> Listing | None:
        """Return the parts of the unit that has fewest, if these are few."""
        few: Listing | None = None
        units = proof.instance.units
        for at in np.argsort(-proof.instance.weights, kind="stable")[:_UNITS_TRIED]:
            order = np.append(at, np.delete(np.arange(units), at))
            listing = Listing(proof.instance, order, 0, proof.parts, proof.highest)
            most = _FEW if few is None else few.found - 1
            steps = 0
            while not listing.done and listing.found <= most and steps < _STEPS:
                steps += listing.advance()
            self._counted += steps
            if listing.done and listing.found <= most:
                few = listing
            if few is not None and few.found < 2:
                break
        return few
