"""Capped least cost, solved: greedy and exchange at once, then proof by branch and bound.

A Lagrangian bound (`lagrange`) comes with a bound for every site open and every site closed.  A site
whose bound is no better than the best solution is fixed; open sites live on in the caps, so the problem
shrinks.  Where no more can be fixed, a site is opened in one branch and closed in the other (Beasley
1985): of a few that promise, the one whose two sides rise most in some steps of trial (strong branching;
Applegate, Bixby, Chvátal and Cook 1995).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from spatial.lifecircle.siting import kernels
from spatial.lifecircle.siting.lagrange import Climb, climb_prices
from spatial.lifecircle.siting.problem import CLOSED, OPENED, Flags, Floats, Integers, Problem, Rows

__all__ = ["Answer", "prove", "quick"]

# Two totals that are closer than this, relative to their size, are one.
_RELATIVE_TOLERANCE = 1e-9

# Share of the least difference between two totals that sums of prices may be off by rounding.
_ROUNDING = 1e-3

# Subgradient steps of a round, and the sizes of the first step and of that which ends a climb.
_ROUND = 60
_ROOT_STEP, _ROOT_END = 1.0, 1e-3
_BRANCH_STEP, _BRANCH_END = 0.3, 0.02

# Sites tried by each of two measures before a branch is parted, and the steps of a trial.
_TRIED = 5
_TRIAL = 12


@dataclass(frozen=True)
class Answer:
    """The best sites known and what is proved about them.

    Attributes
    ----------
    sites : site numbers, ascending
    total : what they cost
    bound : no choice costs less
    """

    sites: Integers
    total: float
    bound: float


def quick(problem: Problem, start: Integers | None = None) -> tuple[Integers, float]:
    """Return a good choice and its total at once: greedy, or ``start``, then exchange."""
    chosen = kernels.greedy(*problem.by_site, problem.cap, problem.count) if start is None else start
    chosen, total = kernels.exchange(*problem.by_site, problem.cap, chosen)
    return chosen, float(total)


def prove(problem: Problem, chosen: Integers, total: float, deadline: float) -> Answer:
    """Return the best choice found by the deadline (`time.monotonic`) and the bound proved by then.

    ``chosen`` and its ``total`` are the start; the answer is proved when bound and total are equal.
    """
    search = _Search(problem, chosen, total)
    bound = search.run(_Branch.root(problem, chosen), deadline)
    return Answer(np.sort(search.chosen), search.total, min(bound, search.total))


@dataclass(frozen=True, eq=False)
class _Branch:
    """A part of all choices: what is open for good, and what is left to choose.

    Attributes
    ----------
    rows, cap, count : what is left of the problem
    numbers : (sites,), number of each site that is left in the whole problem
    opened : numbers of the sites that are open for good
    prices : (demand,), Lagrangian prices
    bound : no choice of this part costs less
    """

    rows: Rows
    cap: Floats
    count: int
    numbers: Integers
    opened: Integers
    prices: Floats
    bound: float

    @classmethod
    def root(cls, problem: Problem, chosen: Integers) -> _Branch:
        """Return the branch of all choices, without the sites that another site makes needless."""
        rows = (problem.costs.indptr.astype(np.int64), problem.costs.indices.astype(np.int64))
        held = kernels.dominated_lines(*problem.by_site, *rows, False)
        # Prices between the nearest and the second nearest open site are a fair first guess.
        first, _, second = kernels.two_nearest(*problem.by_site, problem.cap, chosen)
        farthest = np.zeros(problem.cap.size)
        _, row, cost = problem.by_site
        np.maximum.at(farthest, row, cost)
        prices = (first + np.minimum(second, np.maximum(first, farthest))) / 2
        numbers = np.arange(problem.sites)
        none = np.empty(0, np.int64)
        whole = cls(problem.by_demand, problem.cap, problem.count, numbers, none, prices, 0.0)
        return whole.fixed(np.zeros_like(held), held)

    @property
    def forced(self) -> bool:
        """Whether there is nothing left to choose."""
        return self.count == 0 or self.numbers.size <= self.count

    def fixed(self, opened: Flags, closed: Flags) -> _Branch:
        """Return the part with some sites open and others closed for good."""
        kept = ~(opened | closed)
        number = np.where(opened, OPENED, CLOSED)
        number[kept] = np.arange(np.count_nonzero(kept))
        rows, cap = self.rows.restricted(self.cap, number)
        return replace(
            self,
            rows=rows,
            cap=cap,
            count=self.count - int(np.count_nonzero(opened)),
            numbers=self.numbers[kept],
            opened=np.concatenate([self.opened, self.numbers[opened]]),
        )

    def climb(self, total: float, step: float, steps: int) -> Climb:
        """Raise the bound of what is left to choose."""
        return climb_prices(
            self.rows,
            self.cap,
            self.numbers.size,
            self.count,
            prices=self.prices,
            total=total,
            step=step,
            steps=steps,
        )

    def climbed(self, climb: Climb) -> _Branch:
        """Return the branch with what a climb has brought."""
        return replace(self, prices=climb.prices, bound=max(self.bound, climb.bound))


class _Search:
    """Branch and bound, depth first: the best solution, and how good another would have to be."""

    def __init__(self, problem: Problem, chosen: Integers, total: float) -> None:
        self.problem = problem
        self.chosen = chosen
        self.total = total
        self.tried: set[bytes] = set()

    @property
    def cutoff(self) -> float:
        """A branch whose bound reaches this holds no better solution."""
        if self.problem.granularity:
            return self.total - self.problem.granularity * (1.0 - _ROUNDING)
        return self.total - _RELATIVE_TOLERANCE * max(1.0, self.total)

    def run(self, root: _Branch, deadline: float) -> float:
        """Search until nothing is left or the deadline is met; return the bound."""
        step, end = _ROOT_STEP, _ROOT_END
        waiting = [root]
        while waiting:
            branch = waiting.pop()
            if branch.bound >= self.cutoff:
                continue
            waiting.extend(self._split(branch, step, end, deadline))
            step, end = _BRANCH_STEP, _BRANCH_END
            if time.monotonic() >= deadline:
                break
        return min((branch.bound for branch in waiting if branch.bound < self.cutoff), default=self.total)

    def _split(self, branch: _Branch, step: float, end: float, deadline: float) -> list[_Branch]:
        """Raise the bound of a branch, fixing sites on the way; return its parts, the better one last.

        Nothing is left of a branch that holds no better solution, and the branch itself is returned
        when the deadline ends the climb.
        """
        while not branch.forced:
            climb = branch.climb(self.total, step, _ROUND)
            branch = branch.climbed(climb)
            for sites in (climb.chosen, np.argsort(-climb.often, kind="stable")[: branch.count]):
                self._try(np.concatenate([branch.opened, branch.numbers[sites]]))
            if branch.bound >= self.cutoff:
                return []
            opened, closed = climb.if_closed >= self.cutoff, climb.if_open >= self.cutoff
            if (opened & closed).any() or np.count_nonzero(opened) > branch.count:
                return []
            step = climb.step
            if opened.any() or closed.any():
                branch = branch.fixed(opened, closed)
            elif step <= end:
                return self._parts(branch, climb)
            if time.monotonic() >= deadline:
                return [branch]
        left = branch.numbers if branch.count else branch.numbers[:0]
        self._offer(np.concatenate([branch.opened, left]))
        return []

    def _parts(self, branch: _Branch, climb: Climb) -> list[_Branch]:
        """Part a branch by a site whose two sides promise, or were tried and rose, most."""
        promising = np.argsort(-np.minimum(climb.if_open, climb.if_closed), kind="stable")[:_TRIED]
        undecided = np.argsort(np.abs(climb.often - 0.5), kind="stable")[:_TRIED]
        best: list[_Branch] = []
        most = -np.inf
        for site in np.unique(np.concatenate([promising, undecided])):
            this, none = np.zeros((2, branch.numbers.size), bool)
            this[site] = True
            parts = [
                self._trial(branch.fixed(none, this), float(climb.if_closed[site])),
                self._trial(branch.fixed(this, none), float(climb.if_open[site])),
            ]
            # The product prefers two sides that rise to one that rises alone.
            least = 1e-9 * max(1.0, self.total)
            rise = math.prod(max(least, min(part.bound, self.cutoff) - branch.bound) for part in parts)
            if rise > most:
                best, most = parts, rise
        return sorted(best, key=lambda part: -part.bound)

    def _trial(self, part: _Branch, bound: float) -> _Branch:
        part = replace(part, bound=max(part.bound, bound))
        if part.forced or part.bound >= self.cutoff:
            return part
        return part.climbed(part.climb(self.total, _BRANCH_STEP, _TRIAL))

    def _try(self, sites: Integers) -> None:
        """Improve a set of sites by exchange, unless it was tried before."""
        name = np.sort(sites).tobytes()
        if name not in self.tried:
            self.tried.add(name)
            self._keep(*quick(self.problem, sites))

    def _offer(self, sites: Integers) -> None:
        self._keep(sites, self.problem.total(sites))

    def _keep(self, sites: Integers, total: float) -> None:
        if total < self.total:
            self.chosen, self.total = sites, total
