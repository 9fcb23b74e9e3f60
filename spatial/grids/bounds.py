"""What no plan can beat: possible counts, least violation, least extra pieces.

Counts: a total H fits k parts of [lower, upper] when k·lower ≤ H ≤ k·upper.

Extra pieces: link every part with the groups it touches.  A connected component of these links joins a
connected set C of groups with k_C parts and needs at least |C| + k_C − 1 links, and its weight fits
k_C parts.  So the least number of pieces for k parts is N + k − (most such sets the groups can be cut
into), N the number of groups: the cluster step of Shahmizad and Buchanan, "Political districting to
minimize county splits" (2023), with an unsymmetric window and every k at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spatial.grids.instance import FloatArray, Instance, IntArray

__all__ = ["GroupGraph", "PieceTable", "group_graph", "least_violation", "piece_table", "possible_counts"]

_SLACK = 1e-9
_DYNAMIC_LIMIT = 18


def possible_counts(total: float, lower: float, upper: float) -> range:
    """Return the counts k with k·lower ≤ total ≤ k·upper; empty when no count fits."""
    fewest = int(np.ceil(total / upper - _SLACK))
    most = int(np.floor(total / lower + _SLACK)) if lower > 0 else max(fewest, 1) + 10**6
    return range(max(fewest, 1), most + 1)


def least_violation(weights: FloatArray, parts: int, lower: float, upper: float) -> float:
    """Least weight that must lie outside the window when the weights form `parts` parts.

    A unit above `upper` exceeds by its own surplus wherever it stands; what is left is short of, or
    beyond, what the other parts can hold.
    """
    heavy = weights[weights > upper]
    others = parts - heavy.size
    rest = float(weights.sum() - heavy.sum())
    surplus = float((heavy - upper).sum())
    return surplus + max(0.0, rest - max(others, 0) * upper) + max(0.0, others * lower - rest)


@dataclass(frozen=True, eq=False)
class GroupGraph:
    """Groups as nodes; a unit of no group is a node of its own.

    Attributes
    ----------
    node : (n,) node of each unit
    weights : (nodes,) weight of each node
    adjacency : (nodes, nodes) bool
    """

    node: IntArray
    weights: FloatArray
    adjacency: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


def group_graph(instance: Instance) -> GroupGraph:
    """Return the graph of groups of an instance."""
    node = instance.groups.copy()
    alone = np.flatnonzero(node < 0)
    node[alone] = instance.group_count + np.arange(alone.size)
    nodes = instance.group_count + alone.size
    source = np.repeat(np.arange(instance.units), np.diff(instance.pointers))
    adjacency = np.zeros((nodes, nodes), dtype=np.bool_)
    adjacency[node[source], node[instance.neighbours]] = True
    np.fill_diagonal(adjacency, val=False)
    weights = np.bincount(node, weights=instance.weights, minlength=nodes).astype(np.float64)
    return GroupGraph(node, weights, adjacency)


@dataclass(frozen=True, eq=False)
class PieceTable:
    """Most clusters that sets of groups can be cut into.

    Attributes
    ----------
    most : (2^nodes, counts + 1), for each set of groups (as bits) and number of parts; −1 = cannot be
    fewest, largest : (2^nodes,) parts that a set can form as one cluster; largest < fewest = none
    node : (n,) group of each unit; a unit of no group is one of its own
    charge_free : pieces that cost nothing: Σ max(1, ceil(weight / upper)) over groups
    """

    most: NDArray[np.int16]
    fewest: NDArray[np.int16]
    largest: NDArray[np.int16]
    node: IntArray
    charge_free: int

    @property
    def nodes(self) -> int:
        """Number of groups."""
        return int(self.most.shape[0]).bit_length() - 1

    def pieces(self, parts: int) -> int | None:
        """Least pieces of a lawful plan of `parts` parts, ungrouped units included; None if it has none."""
        clusters = int(self.most[-1, parts]) if parts < self.most.shape[1] else -1
        return None if clusters < 0 else self.nodes + parts - clusters

    def extra_pieces(self, parts: int) -> int | None:
        """Least extra pieces of a lawful plan of `parts` parts; None when it has none."""
        pieces = self.pieces(parts)
        return None if pieces is None else max(0, pieces - self.charge_free)

    def useful(self, parts: int) -> list[tuple[int, int]]:
        """Clusters (groups as bits, count) of plans with fewest pieces."""
        full = self.most.shape[0] - 1
        found = []
        for mask in np.flatnonzero(self.fewest <= self.largest):
            for own in range(int(self.fewest[mask]), min(int(self.largest[mask]), parts) + 1):
                rest = self.most[full ^ mask, parts - own]
                if rest >= 0 and rest + 1 == self.most[full, parts]:
                    found.append((int(mask), own))
        return found


def piece_table(instance: Instance, graph: GroupGraph, parts_at_most: int) -> PieceTable | None:
    """Return the table of an instance; None where its groups are too many to be enumerated."""
    nodes = graph.weights.size
    if instance.group_count == 0 or nodes > _DYNAMIC_LIMIT:
        return None
    bits = (graph.adjacency * (1 << np.arange(nodes))).sum(axis=1).astype(np.int64)
    most, fewest, largest = most_clusters(graph.weights, bits, parts_at_most, instance.lower, instance.upper)
    charge_free = int(instance.group_allowance().sum()) + nodes - instance.group_count
    return PieceTable(most, fewest, largest, graph.node, charge_free)


@njit(cache=True)
def connected_masks(bits: IntArray) -> NDArray[np.int8]:
    """For each set of nodes as a bit mask: 1 when it is connected, else 0."""
    nodes = bits.size
    connected = np.zeros(1 << nodes, dtype=np.int8)
    for mask in range(1, 1 << nodes):
        reached = mask & -mask
        grown = 0
        while grown != reached:
            grown = reached
            for node in range(nodes):
                if reached >> node & 1:
                    reached |= bits[node] & mask
        connected[mask] = 1 if reached == mask else 0
    return connected


@njit(cache=True)
def most_clusters(  # noqa: C901 - one dynamic programme
    weights: FloatArray, bits: IntArray, parts: int, lower: float, upper: float
) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int16]]:
    """Return the arrays `most`, `fewest` and `largest` of a `PieceTable`."""
    nodes = bits.size
    connected = connected_masks(bits)
    fewest = np.ones(1 << nodes, dtype=np.int16)
    largest = np.zeros(1 << nodes, dtype=np.int16)
    for mask in range(1, 1 << nodes):
        if connected[mask]:
            weight = 0.0
            for node in range(nodes):
                if mask >> node & 1:
                    weight += weights[node]
            fewest[mask] = max(1, int(np.ceil(weight / upper - 1e-9)))
            largest[mask] = parts if lower <= 0 else min(parts, int(np.floor(weight / lower + 1e-9)))
    most = np.full((1 << nodes, parts + 1), -1, dtype=np.int16)
    most[0, 0] = 0
    for mask in range(1, 1 << nodes):
        lowest = mask & -mask
        rest = mask ^ lowest
        others = rest
        while True:
            cluster = lowest | others
            for own in range(fewest[cluster], largest[cluster] + 1):
                for k in range(parts + 1 - own):
                    if most[mask ^ cluster, k] >= 0:
                        most[mask, k + own] = max(most[mask, k + own], most[mask ^ cluster, k] + 1)
            if others == 0:
                break
            others = (others - 1) & rest
    return most, fewest, largest
