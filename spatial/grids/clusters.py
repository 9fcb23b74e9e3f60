"""The exact way to a plan with fewest extra pieces: clusters of groups, each solved alone.

A plan with the least number of pieces cuts the groups into as many clusters as can be, each with its
own parts (see `spatial.grids.bounds`).  So the most compact of these plans is the cheapest choice of
clusters that covers all groups, where the cost of a cluster is its own most compact plan.  Clusters are
small: many are one part, whose cost is known, the others a few estates in two to four parts, and each
has a draft, a bound and, if the bound does not rule it out, a proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spatial.grids.bounds import PieceTable
from spatial.grids.clock import Clock
from spatial.grids.columns import parts_below
from spatial.grids.compactness import HessModel, Prices, raise_bound
from spatial.grids.covers import best_cover
from spatial.grids.draft import annealed_drafts
from spatial.grids.instance import Instance, IntArray, part_inertia, plan_inertia, touched_pieces, unit_costs

__all__ = ["ClusterProof", "Report", "prove_as_one", "prove_by_clusters"]

Report = Callable[[IntArray | None, float, float], None]

_TOLERANCE = 1e-7
_DRAFTS = 4
_UNITS_AT_MOST = 2_500
# Beyond so many units every better part can only be listed when a plan and a bound are near each other.
_UNITS_SEARCHED = 100
_GAP_SEARCHED = 0.06
_STEPS = 800
_COLUMNS_AT_MOST = 1_500_000
_NODES_AT_MOST = 5_000_000
_NODES_A_SECOND = 1_000_000
_AIMS = 4


@dataclass(eq=False)
class Cluster:
    """Some groups and the number of parts they form together.

    Attributes
    ----------
    mask : groups as bits
    units : units of the community
    parts, pieces : parts, and the pieces they may have; None when there are no groups
    total : weight of the community
    rough : cost of a plan that may break the window
    lower, upper : bound on the cost of its plans, and the cost of the best one known
    labels : the best plan known
    prices : those that prove `lower`, when it is not exact
    """

    mask: int
    units: IntArray
    instance: Instance
    parts: int
    pieces: int | None
    total: float
    rough: float = np.inf
    lower: float = 0.0
    upper: float = np.inf
    labels: IntArray | None = None
    model: HessModel | None = None
    prices: Prices | None = None
    tired: bool = False

    @property
    def settled(self) -> bool:
        """Whether its least cost is known."""
        return self.lower >= self.upper * (1 - _TOLERANCE) or self.lower == np.inf

    def measure(self) -> None:
        """One part: its cost is its inertia, or nothing if it is not connected."""
        connected = len(self.instance.components()) == 1
        cost = part_inertia(self.instance, np.arange(self.units.size))[0] / self.total
        self.lower = self.upper = cost if connected else np.inf
        self.labels = np.zeros(self.units.size, dtype=np.int64) if connected else None

    def allows(self, labels: IntArray) -> bool:
        """Whether a lawful plan has few enough pieces."""
        ungrouped = int((self.instance.groups < 0).sum())
        return self.pieces is None or touched_pieces(self.instance, labels).sum() + ungrouped <= self.pieces

    def draft(self, rng: np.random.Generator, drafts: int, clock: Clock) -> None:
        """Find a plan by annealing."""
        places = len(self.instance.components())
        if places > self.parts:
            self.lower = np.inf
            return
        if places > 1:
            # an estate in several places: plans are not drawn, but listed from its parts
            label = np.zeros(self.units.size, dtype=np.int64)
            for place, units in enumerate(self.instance.components()):
                label[units] = place
            self.rough = plan_inertia(self.instance, label) * self.instance.total / self.total
            return
        share = self.instance.total / self.total
        tried = annealed_drafts(self.instance, self.parts, rng, clock=clock)
        for _, draft in zip(range(drafts), tried, strict=False):
            self.rough = min(self.rough, draft.key[-1] * share)
            if draft.lawful and self.allows(draft.labels) and draft.key[-1] * share < self.upper:
                self.upper, self.labels = draft.key[-1] * share, draft.labels

    def bound(self, goal: float, clock: Clock) -> None:
        """Raise the lower bound by prices."""
        if self.model is None:
            self.model = HessModel.of(self.instance, self.total)
        # a goal well above the bound only makes the first steps long
        goal = min(goal, self.upper, 2 * self.rough)
        start = goal * self.instance.weights / max(self.instance.total, 1e-9)
        if self.labels is not None:
            # a unit is worth what it costs, and its share of what its part costs
            start = 0.5 * start + unit_costs(self.instance, self.labels) / self.total
        self.prices = raise_bound(
            self.model,
            self.parts,
            pieces=self.pieces,
            goal=goal,
            start=start[self.model.order],
            steps=_STEPS,
            clock=clock,
        )
        self.lower = max(self.lower, self.prices.bound)

    def close(self, goal: float, clock: Clock) -> None:
        """Find its best plan below `goal`, or prove that there is none."""
        if self.prices is None or self.model is None:
            return
        aim = min(goal, self.upper * (1 - _TOLERANCE / 2))
        if aim == np.inf and self.lower < 2 * self.rough:
            # without a plan to beat, look for cheap ones before looking for all
            aim = 2 * self.rough
        order, wanted = self.model.order, aim
        columns = None
        for _ in range(_AIMS):
            columns = parts_below(
                self.instance.restricted(order),
                self.model,
                self.prices,
                self.parts,
                pieces=self.pieces,
                goal=aim,
                columns_at_most=_COLUMNS_AT_MOST,
                nodes_at_most=clock.budget(_NODES_AT_MOST, _NODES_A_SECOND),
            )
            if columns is not None or clock.out():
                break
            # too many: look for less at a time
            aim = self.prices.bound + (min(aim, 2 * self.rough) - self.prices.bound) / 4
        if columns is None:
            self.tired = True
            return
        ceiling = aim if aim < np.inf else 1.0 + self.parts * float(columns.cost.max(initial=0.0))
        cover = best_cover(
            self.instance.restricted(order),
            columns,
            self.model.cost,
            self.parts,
            pieces=self.pieces,
            goal=ceiling,
            clock=clock,
        )
        if cover.labels is not None:
            found = np.empty(self.units.size, dtype=np.int64)
            found[order] = cover.labels
            cost = plan_inertia(self.instance, found) * self.instance.total / self.total
            if cost < self.upper:
                self.upper, self.labels = cost, found
        lower = np.inf if aim == np.inf and cover.proven and cover.labels is None else cover.lower
        # a shorter list was looked through: the longer one would be too long again
        shortened = aim < wanted and cover.labels is None
        self.tired = not cover.proven or lower <= self.lower or shortened
        self.lower = max(self.lower, lower)


@dataclass(eq=False)
class ClusterProof:
    """What is known of the plans with fewest pieces.

    Attributes
    ----------
    lower : bound on their inertia; inf when it is proved that there are none
    upper, labels : the best of them
    """

    lower: float
    upper: float
    labels: IntArray | None


class _Covers:
    """Cheapest choice of so many clusters for the groups and parts that are left, by a dynamic programme."""

    def __init__(self, clusters: list[Cluster], value: Callable[[Cluster], float]) -> None:
        self.by_lowest: dict[int, list[tuple[Cluster, float]]] = {}
        for cluster in clusters:
            worth = value(cluster)
            if worth < np.inf:
                self.by_lowest.setdefault(cluster.mask & -cluster.mask, []).append((cluster, worth))
        self.known: dict[tuple[int, int, int], tuple[float, Cluster | None]] = {}

    def least(self, mask: int, parts: int, number: int) -> float:
        return self._look(mask, parts, number)[0]

    def choice(self, mask: int, parts: int, number: int) -> list[Cluster]:
        chosen = []
        while mask:
            cluster = self._look(mask, parts, number)[1]
            if cluster is None:
                return []
            chosen.append(cluster)
            mask, parts, number = mask ^ cluster.mask, parts - cluster.parts, number - 1
        return chosen

    def _look(self, mask: int, parts: int, number: int) -> tuple[float, Cluster | None]:
        if mask == 0:
            return (0.0 if parts == number == 0 else np.inf), None
        if number <= 0 or parts < number:
            return np.inf, None
        key = (mask, parts, number)
        if key not in self.known:
            best: tuple[float, Cluster | None] = (np.inf, None)
            for cluster, worth in self.by_lowest.get(mask & -mask, ()):
                if cluster.mask & mask == cluster.mask and worth < best[0]:
                    cost = worth + self._look(mask ^ cluster.mask, parts - cluster.parts, number - 1)[0]
                    if cost < best[0]:
                        best = (cost, cluster)
            self.known[key] = best
        return self.known[key]


def prove_by_clusters(
    instance: Instance,
    table: PieceTable,
    parts: int,
    rng: np.random.Generator,
    *,
    clock: Clock,
    report: Report,
    drafts_only: bool = False,
) -> ClusterProof:
    """Find the most compact plan with `parts` parts and fewest pieces, with its bound.

    Parameters
    ----------
    instance : connected
    table : most clusters for each set of groups and count
    clock : asked between steps whether to end the search
    drafts_only : whether to leave it at the best plan made of drafted clusters
    report : told (labels, upper, lower) after each step
    """
    clusters = _drafted(instance, table, parts, rng, clock)
    full, number = (1 << table.nodes) - 1, table.clusters(parts)
    proof = ClusterProof(0.0, np.inf, None)
    while True:
        upper = _Covers(clusters, lambda one: one.upper)
        lower = _Covers(clusters, lambda one: one.lower)

        def beside(one: Cluster, lower: _Covers = lower) -> float:
            return lower.least(full ^ one.mask, parts - one.parts, number - 1)

        if upper.least(full, parts, number) < proof.upper:
            proof.upper = upper.least(full, parts, number)
            proof.labels = _joined(instance, upper.choice(full, parts, number))
        # clusters left out below cannot be part of a better plan
        proof.lower = min(lower.least(full, parts, number), proof.upper)
        report(proof.labels, proof.upper, proof.lower)
        settled = proof.lower >= proof.upper * (1 - _TOLERANCE) or proof.lower == np.inf
        if settled or drafts_only or clock.out():
            return proof
        clusters = [one for one in clusters if one.lower + beside(one) < proof.upper * (1 - _TOLERANCE)]
        open_ones = [one for one in lower.choice(full, parts, number) if not one.settled and not one.tired]
        if not open_ones:
            open_ones = [one for one in clusters if not one.settled and not one.tired]
        if not open_ones:
            return proof
        for one in open_ones:
            goal = proof.upper - beside(one)
            if one.prices is None:
                one.bound(goal, clock)
            else:
                one.close(goal, clock)


def _drafted(
    instance: Instance,
    table: PieceTable,
    parts: int,
    rng: np.random.Generator,
    clock: Clock,
) -> list[Cluster]:
    """Return every cluster of plans with fewest pieces, each with a plan if one was found."""
    clusters: list[Cluster] = []
    if clock.out():
        return clusters
    for mask, count in table.useful(parts):
        units = np.flatnonzero((mask >> table.node) & 1)
        pieces = mask.bit_count() + count - 1
        cluster = Cluster(
            mask, units, instance.restricted(units).tightened(count), count, pieces, instance.total
        )
        if count == 1:
            cluster.measure()
        elif not clock.out():
            cluster.draft(rng, _DRAFTS, clock)
        clusters.append(cluster)
    return clusters


def prove_as_one(
    instance: Instance,
    parts: int,
    rng: np.random.Generator,
    *,
    pieces: int | None = None,
    known: IntArray | None = None,
    clock: Clock,
    report: Report,
) -> ClusterProof:
    """Find the most compact plan with at most `pieces` pieces, with its bound.

    For instances without groups, where ungrouped units are many, and where no clusters reach the least
    number of pieces.

    Parameters
    ----------
    known : a plan to start from, if it has few enough pieces
    """
    whole = Cluster(0, np.arange(instance.units), instance.tightened(parts), parts, pieces, instance.total)
    if parts == 1:
        whole.measure()
        return ClusterProof(whole.lower, whole.upper, whole.labels)
    whole.draft(rng, _DRAFTS, clock)
    if known is not None and whole.allows(known):
        value = plan_inertia(instance, known)
        if value < whole.upper:
            whole.upper, whole.labels = value, known
    report(whole.labels, whole.upper, 0.0)
    small = instance.units <= _UNITS_SEARCHED
    if instance.units <= _UNITS_AT_MOST and (small or whole.labels is not None):
        if not clock.out():
            whole.bound(whole.upper, clock)
            report(whole.labels, whole.upper, whole.lower)
        near = whole.lower >= (1 - _GAP_SEARCHED) * whole.upper
        while (small or near) and not whole.settled and not whole.tired and not clock.out():
            whole.close(whole.upper, clock)
            report(whole.labels, whole.upper, whole.lower)
    return ClusterProof(min(whole.lower, whole.upper), whole.upper, whole.labels)


def _joined(instance: Instance, clusters: list[Cluster]) -> IntArray:
    labels = np.full(instance.units, -1, dtype=np.int64)
    offset = 0
    for cluster in clusters:
        if cluster.labels is not None:
            labels[cluster.units] = cluster.labels + offset
            offset += cluster.parts
    return labels
