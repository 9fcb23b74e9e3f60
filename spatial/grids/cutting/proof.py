"""The least cut proved: parts listed up to a limit on their cut, plans made of them, the limit raised.

A plan better than the best known is one of three kinds: all its parts are listed; all but one are; or
two or more are not, the *holes*, and each of these cuts more than the limit.  The first two kinds are
searched through (`spatial/grids/cutting/covering.py`).  The third is bounded
(`spatial/grids/cutting/bounding.py`): once no such plan can be better, the best plan known is the best
there is.  Until then the limit is raised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, dijkstra

from spatial.grids.cutting.bounding import priced
from spatial.grids.cutting.covering import Covering
from spatial.grids.cutting.listing import Listing, Words, members_of
from spatial.grids.cutting.pricing import Pricing
from spatial.grids.instance import FloatArray, Instance, IntArray

__all__ = ["LeastCut"]

_SLACK = 1e-9
_WHOLE = 1.0
# The first limit, as a share of the mean cut of a part, and how it grows.
_FIRST = 0.9
_RAISED = 1.12
_RAISED_LEAST = 1.03
_PARTS_AT_MOST = 1_500_000
# Steps of the levels from which prices are tried; for so many times as many, and for such a share of
# those still to come, each level taking so many times those of the one before.
_PRICED_FROM = 30_000
_PRICED_STEPS = 10
_PRICED_SHARE, _GROWTH, _STEPS_FORESEEN = 0.5, 1.9, 30
# By what share of the bound plans of parts listed by prices may first be above it.
_WIDENED = 0.02
# Steps of the covering that take as long as a node of the listing.
_WORK_PER_NODE = 300


def _least_step(costs: FloatArray) -> float:
    """Least difference of two cuts: the greatest common divisor of whole costs, else next to nothing."""
    whole = np.rint(costs).astype(np.int64)
    if costs.size and np.abs(costs - whole).max() < _SLACK and whole.max() > 0:
        return float(np.gcd.reduce(whole))
    return 1e-8 * float(costs.sum()) / 2


class LeastCut:
    """What is proved of the cuts of plans with so many parts, raised level by level.

    Attributes
    ----------
    labels : the best plan known; None while there is none
    cut : of it, or the cut to beat
    bound : no plan cuts less
    none : whether it is proved that there is no plan, or none below the cut to beat
    nodes : steps of the searches so far
    """

    def __init__(self, instance: Instance, parts: int) -> None:
        self.instance = instance
        self.parts = parts
        self.labels: IntArray | None = None
        self.cut = np.inf
        self.bound = 0.0
        self.none = False
        self.nodes = 0
        self._order = np.argsort(-np.diff(instance.pointers), kind="stable")
        self._sweep = _sweep(instance)
        self._near = _near(instance)
        self._step = _least_step(instance.costs) or _WHOLE
        # costs that are not whole leave a limit, a multiple of the step, a little below what it stands for
        self._slack = max(_SLACK, 2 * self._step) if self._step < _WHOLE else _SLACK
        self._everything = float(instance.costs.sum()) / 2
        self._limit = -1.0
        self._pricing = Pricing(instance, self._order, parts)
        self._spent = 0  # steps of pricing
        self._before = 0  # steps of the levels before the last

    @property
    def settled(self) -> bool:
        """Whether the plan is proved best, or that there is none."""
        return self.none or self.bound >= self.cut - self._slack

    def offer(self, labels: IntArray, cut: float) -> None:
        """Take note of a lawful plan found elsewhere."""
        if cut < self.cut - _SLACK:
            self.labels, self.cut = labels.copy(), cut

    def beat(self, cut: float) -> None:
        """Look only for plans that cut less."""
        self.cut = min(self.cut, cut)

    @property
    def highest(self) -> float:
        """The greatest cut of a plan that matters."""
        return self._goal() - self._step

    def raise_limit(self, out_of_time: Callable[[], bool], nodes_at_most: int) -> bool:
        """List and cover at the next limit; False when it was left unfinished."""
        limit = self._next_limit()
        listed = self._listed(limit, out_of_time, nodes_at_most)
        if listed is None:
            return False
        sets, cuts = listed
        members = members_of(sets, self.instance.units)
        hole_cut = limit + self._step
        if self.parts == 2:
            self._limit = limit
            self._take_half(members, cuts)
            self.none = self.labels is None and limit >= self._everything - self._slack
            self.bound = min(self.cut, hole_cut)
            return True
        for holes in (0, 1):
            if not self._covered(listed, members, holes, hole_cut, out_of_time, nodes_at_most):
                return False
        self._limit = limit
        if limit >= self._goal() - self._step - self._slack:
            # two parts beyond the limit make a plan no better
            self.none = self.labels is None
            self.bound = max(self.bound, min(self.cut, self._goal()))
            return True
        beyond = priced(
            self.instance,
            members,
            cuts,
            self.parts,
            holes=(2, self.parts),
            hole_cut=hole_cut,
            ceiling=2 * self._goal(),
            out_of_time=out_of_time,
        )
        if beyond is None:
            return False
        self._proved(beyond.value / 2)
        if not self.settled:
            self._by_prices(members, cuts, lambda: self.nodes <= nodes_at_most and not out_of_time())
        return True

    def _take_half(self, members: csr_array, cuts: FloatArray) -> None:
        """Offer the plan of two parts whose first part is listed and cuts least."""
        fixed = self.instance.fixed
        for at in np.argsort(cuts, kind="stable"):
            labels = np.ones(self.instance.units, dtype=np.int64)
            labels[members.indices[members.indptr[at] : members.indptr[at + 1]]] = 0
            if np.unique(fixed[(labels == 1) & (fixed >= 0)]).size < 2:
                self.offer(labels, float(cuts[at]))
                return

    def _first_rank(self, members: csr_array) -> IntArray:
        """Return the rank in the sweep of the first unit of each part."""
        rank = np.empty(self.instance.units, dtype=np.int64)
        rank[self._sweep] = np.arange(self.instance.units)
        first: IntArray = np.minimum.reduceat(np.append(rank[members.indices], 0), members.indptr[:-1])
        return first

    def _covered(  # noqa: PLR0917 - one step of a level
        self,
        listed: tuple[Words, FloatArray],
        members: csr_array,
        holes: int,
        hole_cut: float,
        out_of_time: Callable[[], bool],
        nodes_at_most: int,
    ) -> bool:
        """Look at every plan of listed parts and so many others; False when it was left unfinished."""
        sets, cuts = listed
        bound = priced(
            self.instance,
            members,
            cuts,
            self.parts,
            holes=(holes, holes),
            hole_cut=hole_cut,
            ceiling=2 * self._goal(),
            out_of_time=out_of_time,
        )
        if bound is None:
            return False
        hole_rises = bound.hole_rises if holes else None
        return self._searched(
            sets,
            cuts,
            members,
            bound.value,
            bound.rises,
            hole_rises,
            lambda: self.nodes <= nodes_at_most and not out_of_time(),
        )

    def _searched(  # noqa: PLR0917 - the arrays of a covering
        self,
        sets: Words,
        cuts: FloatArray,
        members: csr_array,
        value: float,
        rises: FloatArray,
        hole_rises: FloatArray | None,
        goes_on: Callable[[], bool],
    ) -> bool:
        """Look at the covers that could be below the goal; False when it was left unfinished."""
        rank = self._first_rank(members)
        order = np.lexsort((rises, rank))
        chosen = order[value + rises[order] <= 2 * (self._goal() - self._step) + _SLACK]
        covering = Covering(
            self.instance,
            self._sweep,
            self.parts,
            sets[chosen],
            cuts[chosen],
            np.searchsorted(rank[chosen], np.arange(self.instance.units + 1)),
            value,
            rises[chosen],
            hole_rises,
            self._near,
            step=self._step,
            cut=self._goal(),
        )
        while not covering.done:
            self.nodes += covering.advance() // _WORK_PER_NODE
            if covering.labels is not None:
                self.offer(covering.labels, covering.cut)
            if not covering.done and not goes_on():
                return False
        return True

    def _by_prices(self, members: csr_array, cuts: FloatArray, goes_on: Callable[[], bool]) -> None:
        """List parts by their prices instead, as long as levels would take longer."""
        pricing = self._pricing
        levels = self.nodes - self._spent
        last, self._before = levels - self._before, levels
        if levels < _PRICED_FROM or self._spent > levels:
            return
        to_go = min((self._goal() - self.bound) / self._step, _STEPS_FORESEEN)
        most = min(_PRICED_STEPS * levels, last * _GROWTH**to_go * _PRICED_SHARE)
        begin, before = pricing.nodes, self.nodes

        def may_go_on() -> bool:
            steps = self.nodes - before + pricing.nodes - begin
            return steps <= most and goes_on()

        self._widened(pricing, members, cuts, may_go_on)
        self.nodes += pricing.nodes - begin
        self._spent += self.nodes - before

    def _widened(
        self, pricing: Pricing, members: csr_array, cuts: FloatArray, goes_on: Callable[[], bool]
    ) -> None:
        """Search plans of parts near their prices, of more and more parts, until the goal is reached."""
        if not pricing.settle(members, cuts, 2 * self._goal(), goes_on):
            return
        self._proved(pricing.value / 2)
        share = _WIDENED
        while not self.settled:
            aim = np.ceil(pricing.value / 2 * (1 + share) / self._step - 1e-7) * self._step
            most = 2 * min(float(aim), self._goal() - self._step)
            worth = pricing.worthwhile(most, _PARTS_AT_MOST, goes_on)
            if worth is None:
                return
            rows = members_of(worth.sets, self.instance.units)
            if not self._searched(worth.sets, worth.cuts, rows, worth.value, worth.rises, None, goes_on):
                return
            self._proved(np.inf if most / 2 >= self._everything else most / 2 + self._step)
            share *= 2

    def _proved(self, least: float) -> None:
        """Take note that no plan cuts less."""
        least = float(np.ceil(least / self._step - 1e-7)) * self._step
        self.none = self.labels is None and not np.isfinite(least)
        if not self.none:
            self.bound = max(self.bound, min(self.cut, least))

    def _goal(self) -> float:
        """Return the cut that a plan must be below to matter."""
        return min(self.cut, self._everything + self._step)

    def _next_limit(self) -> float:
        if self._limit < 0:
            # the mean cut of a part, or a guess at it
            mean = 2 * self.cut if np.isfinite(self.cut) else self._everything / 4
            raised = mean / self.parts * _FIRST
        else:
            # with each step of the limit the bound rises by one at least
            raised = min(self._limit * _RAISED, self._limit + self._goal() - self.bound)
            raised = max(raised, self._limit * _RAISED_LEAST, self._limit + self._step)
        # two parts beyond the limit alone make a plan no better than the one known
        raised = min(raised, self._goal() - self._step)
        return max(float(np.floor(raised / self._step + 1e-7)), 0.0) * self._step

    def _listed(
        self, limit: float, out_of_time: Callable[[], bool], nodes_at_most: int
    ) -> tuple[Words, FloatArray] | None:
        """Return the parts up to a limit: their sets and cuts."""
        units = self.instance.units
        sets, cuts = [], []
        found = 0
        # of two parts one has the first unit, and the other is what is left
        for rank in range(1 if self.parts == 2 else units):
            listing = Listing(self.instance, self._order, rank, self.parts, limit)
            while not listing.done:
                self.nodes += listing.advance()
                crowded = found + listing.found > _PARTS_AT_MOST
                if crowded or self.nodes > nodes_at_most or out_of_time():
                    return None
            sets.append(listing.sets)
            cuts.append(listing.cuts)
            found += listing.found
        return np.concatenate(sets), np.concatenate(cuts)


def _near(instance: Instance) -> Words:
    """Return for each unit, as bits, those that could share a part with it: a path of at most `upper`."""
    source = np.repeat(np.arange(instance.units), np.diff(instance.pointers))
    step = np.maximum(instance.weights[instance.neighbours], _SLACK)
    graph = csr_array((step, (source, instance.neighbours)), shape=(instance.units, instance.units))
    path = dijkstra(graph) + instance.weights[:, None]
    near = path <= instance.upper * (1 + _SLACK) + instance.units * _SLACK
    octets = np.packbits(near, axis=1, bitorder="little")
    padded = np.zeros((instance.units, (instance.units + 63) // 64 * 8), dtype=np.uint8)
    padded[:, : octets.shape[1]] = octets
    return padded.view(np.uint64)


def _sweep(instance: Instance) -> IntArray:
    """Return the units from one end of the graph to the other, by hops."""
    graph: Any = csr_array(
        (np.ones(instance.neighbours.size), instance.neighbours, instance.pointers),
        shape=(instance.units, instance.units),
    )
    swept = []
    for piece in instance.components():
        end = int(piece[0])
        for _ in range(3):
            order, _ = breadth_first_order(graph, end, directed=False)
            end = int(order[-1])
        swept.append(order.astype(np.int64))
    return np.concatenate(swept)
