"""The problem of drawing grids on plain arrays: units, weights, neighbours.

An *instance* is one community as the solver sees it: units 0 … n − 1, each with a weight
(households) and a place, joined by undirected edges.  A *part* is a set of units, a plan a label per
unit.  Groups are estates; sides are the parts of the community as cut by its main roads.  The
*squared distance* between two units is (straight distance + ``side_penalty_m`` when their sides
differ)², in m².
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from spatial.errors import UsageError

__all__ = [
    "Instance",
    "Objective",
    "extra_pieces",
    "part_inertia",
    "plan_inertia",
    "plan_objective",
    "touched_pieces",
    "unit_costs",
]

Objective = Literal["inertia", "cut"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Instance:
    """Validated arrays of one problem.

    Attributes
    ----------
    weights : (n,) float, households per unit, ≥ 0
    pointers, neighbours, costs : the graph in compressed rows; costs is the edge cost
    coordinates : (n, 2) float in metres, or zeros when none were given
    groups : (n,) int, 0 … number of groups − 1, −1 = none
    sides : (n,) int
    fixed, previous : (n,) int labels, −1 = none
    lower, upper : window of a part's weight, both inclusive
    """

    weights: FloatArray
    pointers: IntArray
    neighbours: IntArray
    costs: FloatArray
    coordinates: FloatArray
    groups: IntArray
    sides: IntArray
    side_penalty_m: float
    fixed: IntArray
    previous: IntArray
    lower: float
    upper: float
    objective: Objective

    @classmethod
    def build(
        cls,
        weights: ArrayLike,
        edges: ArrayLike,
        *,
        lower: float,
        upper: float,
        coordinates: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        sides: ArrayLike | None = None,
        side_penalty_m: float = 0.0,
        edge_cost: ArrayLike | None = None,
        fixed: ArrayLike | None = None,
        previous: ArrayLike | None = None,
        objective: Objective = "inertia",
    ) -> Instance:
        """Check the arrays of a problem and keep them.

        Raises
        ------
        UsageError
            If an array has another shape than its neighbours ask for, a weight is negative or
            unknown, an edge names a unit that is not there, or the window is empty.
        """
        weight = np.asarray(weights, dtype=np.float64)
        if weight.ndim != 1 or weight.size == 0:
            raise UsageError("partition.shape", array="weights", shape="(n,)", found=weight.shape)
        if not np.all(np.isfinite(weight)) or np.any(weight < 0):
            bad = np.flatnonzero(~np.isfinite(weight) | (weight < 0))
            raise UsageError("partition.weight", unit=int(bad[0]), found=float(weight[bad[0]]))
        if not 0 <= lower <= upper or upper <= 0:
            raise UsageError("partition.window", lower=lower, upper=upper)
        if objective not in ("inertia", "cut"):
            raise UsageError("partition.objective", found=objective)
        count = weight.size
        pairs = np.asarray(edges, dtype=np.int64).reshape(-1, 2)
        if pairs.size and (pairs.min() < 0 or pairs.max() >= count):
            bad_edge = pairs[(pairs < 0).any(axis=1) | (pairs >= count).any(axis=1)][0]
            raise UsageError("partition.edge", edge=tuple(int(v) for v in bad_edge), units=count)
        cost = np.ones(len(pairs)) if edge_cost is None else np.asarray(edge_cost, dtype=np.float64)
        if cost.shape != (len(pairs),) or not np.all(np.isfinite(cost)) or np.any(cost < 0):
            raise UsageError("partition.shape", array="edge_cost", shape="(m,) ≥ 0", found=cost.shape)
        if coordinates is None:
            if objective == "inertia":
                raise UsageError("partition.coordinates")
            place = np.zeros((count, 2))
        else:
            place = np.asarray(coordinates, dtype=np.float64)
            if place.shape != (count, 2) or not np.all(np.isfinite(place)):
                raise UsageError("partition.shape", array="coordinates", shape="(n, 2)", found=place.shape)
        pointers, neighbours, costs = _compressed(count, pairs, cost)
        return cls(
            weights=weight,
            pointers=pointers,
            neighbours=neighbours,
            costs=costs,
            coordinates=place,
            groups=_renumbered(_labels("groups", groups, count)),
            sides=_labels("sides", sides, count),
            side_penalty_m=float(side_penalty_m),
            fixed=_labels("fixed", fixed, count),
            previous=_labels("previous", previous, count),
            lower=float(lower),
            upper=float(upper),
            objective=objective,
        )

    @property
    def units(self) -> int:
        """Number of units."""
        return int(self.weights.size)

    @property
    def total(self) -> float:
        """Weight of all units."""
        return float(self.weights.sum())

    @property
    def group_count(self) -> int:
        """Number of groups."""
        return int(self.groups.max()) + 1

    def group_allowance(self) -> IntArray:
        """Parts each group may touch at no charge: max(1, ceil(weight / upper)), shape (groups,)."""
        grouped = self.groups >= 0
        weight = np.bincount(self.groups[grouped], weights=self.weights[grouped], minlength=self.group_count)
        return np.maximum(1, np.ceil(weight / self.upper - 1e-9)).astype(np.int64)

    def squared_distances(self) -> FloatArray:
        """Squared distance between every two units, shape (n, n), m²."""
        straight = np.hypot(
            self.coordinates[:, None, 0] - self.coordinates[None, :, 0],
            self.coordinates[:, None, 1] - self.coordinates[None, :, 1],
        )
        if self.side_penalty_m:
            straight += self.side_penalty_m * (self.sides[:, None] != self.sides[None, :])
        return straight * straight

    def components(self) -> list[IntArray]:
        """Units of each connected component, heaviest component first."""
        piece = self.pieces(np.zeros(self.units, dtype=np.int64))
        weight = np.bincount(piece, weights=self.weights)
        return [np.flatnonzero(piece == one) for one in np.argsort(-weight, kind="stable")]

    def pieces(self, labels: IntArray) -> IntArray:
        """Return the connected piece (n,) of each unit among those of its label; without one it is a piece."""
        source = np.repeat(np.arange(self.units), np.diff(self.pointers))
        inside = (labels[source] == labels[self.neighbours]) & (labels[source] >= 0)
        graph = csr_array(
            (np.ones(int(inside.sum()), dtype=np.int8), (source[inside], self.neighbours[inside])),
            shape=(self.units, self.units),
        )
        return connected_components(graph, directed=False)[1].astype(np.int64)

    def restricted(self, units: IntArray) -> Instance:
        """Return the instance of some units alone, in the order given; groups are renumbered."""
        position = np.full(self.units, -1, dtype=np.int64)
        position[units] = np.arange(units.size)
        source = np.repeat(np.arange(self.units), np.diff(self.pointers))
        inside = (position[source] >= 0) & (position[self.neighbours] >= 0) & (source < self.neighbours)
        pairs = np.stack([position[source[inside]], position[self.neighbours[inside]]], axis=1)
        pointers, neighbours, costs = _compressed(units.size, pairs, self.costs[inside])
        return Instance(
            weights=self.weights[units],
            pointers=pointers,
            neighbours=neighbours,
            costs=costs,
            coordinates=self.coordinates[units],
            groups=_renumbered(self.groups[units]),
            sides=self.sides[units],
            side_penalty_m=self.side_penalty_m,
            fixed=self.fixed[units],
            previous=self.previous[units],
            lower=self.lower,
            upper=self.upper,
            objective=self.objective,
        )

    def tightened(self, parts: int) -> Instance:
        """Return the instance with the window that its total leaves to each of so many parts.

        When the other parts hold all they may, a part still holds total − (parts − 1)·upper; and no
        more than total − (parts − 1)·lower.
        """
        others = parts - 1
        lower = max(self.lower, self.total - others * self.upper)
        upper = min(self.upper, self.total - others * self.lower)
        return replace(self, lower=lower, upper=upper) if lower <= upper else self

    def ungrouped(self) -> Instance:
        """Return the same instance without its groups."""
        return replace(self, groups=np.full(self.units, -1, dtype=np.int64))

    def canonical_order(self) -> IntArray:
        """Units ordered by what neither numbering, shift nor rotation changes.

        Distance from the weighted centre (to the millimetre), then weight, then degree: a plan
        found in this order does not depend on how the caller numbered or placed the units.
        """
        share = self.weights / self.total if self.total else np.full(self.units, 1 / self.units)
        radius = np.hypot(*(self.coordinates - share @ self.coordinates).T)
        degree = np.diff(self.pointers)
        strength = np.add.reduceat(np.append(self.costs, 0.0), self.pointers[:-1]) * (degree > 0)
        around = np.array(
            [
                self.weights[self.neighbours[a:b]].sum()
                for a, b in zip(self.pointers[:-1], self.pointers[1:], strict=True)
            ]
        )
        return np.lexsort((around, strength, degree, self.weights, np.round(radius, 3)))


def _compressed(count: int, pairs: IntArray, cost: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Rows of neighbours from an edge list; loops fall away, parallel edges add their costs."""
    real = pairs[:, 0] != pairs[:, 1]
    low, high = pairs[real].min(axis=1, initial=count), pairs[real].max(axis=1, initial=-1)
    key, place = np.unique(low * count + high, return_inverse=True)
    summed = np.bincount(place, weights=cost[real], minlength=key.size)
    low, high = key // count, key % count
    source, target = np.concatenate([low, high]), np.concatenate([high, low])
    order = np.lexsort((target, source))
    pointers = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=count))])
    return pointers.astype(np.int64), target[order], np.concatenate([summed, summed])[order]


def _labels(name: str, values: ArrayLike | None, count: int) -> IntArray:
    if values is None:
        return np.full(count, -1, dtype=np.int64)
    label = np.asarray(values)
    if label.shape != (count,) or not np.issubdtype(label.dtype, np.integer):
        raise UsageError(
            "partition.shape", array=name, shape="(n,) int", found=(label.shape, str(label.dtype))
        )
    return np.maximum(label.astype(np.int64), -1)


def _renumbered(labels: IntArray) -> IntArray:
    known = np.unique(labels[labels >= 0])
    return np.where(labels >= 0, np.searchsorted(known, labels), -1)


def touched_pieces(instance: Instance, labels: IntArray) -> IntArray:
    """Parts that each group touches, shape (groups,)."""
    grouped = instance.groups >= 0
    pairs = np.unique(np.stack([instance.groups[grouped], labels[grouped]]), axis=1)
    return np.bincount(pairs[0], minlength=instance.group_count).astype(np.int64)


def extra_pieces(instance: Instance, labels: IntArray) -> int:
    """Sum over groups of max(0, parts touched − max(1, ceil(weight / upper)))."""
    surplus = touched_pieces(instance, labels) - instance.group_allowance()
    return int(np.maximum(0, surplus).sum())


def part_inertia(instance: Instance, members: IntArray) -> tuple[float, int]:
    """Least over a centre of the part of Σ weight × squared distance, and that centre.

    Not divided by the total weight of the instance.
    """
    part = instance.restricted(members)
    moment = part.weights @ part.squared_distances()
    centre = int(moment.argmin())
    return float(moment[centre]), int(members[centre])


def plan_inertia(instance: Instance, labels: IntArray) -> float:
    """Sum over parts of their inertia / total weight, m²."""
    moments = (part_inertia(instance, np.flatnonzero(labels == part))[0] for part in np.unique(labels))
    return sum(moments) / max(instance.total, 1e-300)


def plan_objective(instance: Instance, labels: IntArray) -> float:
    """Inertia of a plan, or the cost of the edges it cuts."""
    if instance.objective == "inertia":
        return plan_inertia(instance, labels)
    source = np.repeat(np.arange(instance.units), np.diff(instance.pointers))
    return float(instance.costs[labels[source] != labels[instance.neighbours]].sum() / 2)


def unit_costs(instance: Instance, labels: IntArray) -> FloatArray:
    """Weight × squared distance of each unit to the centre of its part, not divided by the total weight."""
    costs = np.empty(instance.units)
    for part in np.unique(labels):
        own = np.flatnonzero(labels == part)
        alone = instance.restricted(own)
        distance = alone.squared_distances()
        costs[own] = alone.weights * distance[int((alone.weights @ distance).argmin())]
    return costs
