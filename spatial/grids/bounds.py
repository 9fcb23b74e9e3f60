"""What no plan can beat: possible counts, least violation, least extra pieces.

Counts: a total H fits k parts of [lower, upper] when k·lower ≤ H ≤ k·upper.

Extra pieces: link every part with the groups it touches.  A connected component of these links joins a
connected set C of groups with k_C parts and needs at least |C| + k_C − 1 links, and its weight fits
k_C parts.  So the least number of pieces for k parts is N + k − (most such sets the groups can be cut
into), N the number of groups: the cluster step of Shahmizad and Buchanan, "Political districting to
minimize county splits" (2023), with an unsymmetric window and every k at once.  A set that can be cut
into two such sets is never needed, which leaves few.  Where units of no group are many, they are no
nodes but a store of weight: a set of groups may draw on those its hubs (connected units of no group)
can reach, all sets together on no more than there is; the bound stays one, and may be below the least.
"""
# ruff: noqa: C901, PLR0912, PLR0915, PLR0917 - kernels take plain arrays and branch for the compiler

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, reverse_cuthill_mckee

from spatial.grids.instance import FloatArray, Instance, IntArray

__all__ = [
    "NODES_HURRIED",
    "GroupGraph",
    "PieceTable",
    "group_graph",
    "least_violation",
    "piece_table",
    "possible_counts",
]

NODES_HURRIED = 18
"""groups beyond which a table takes more than a moment"""

_SLACK = 1e-9
_NODES_AT_MOST = 24
_NODES_WITH_STORE = 18
_HUBS_AT_MOST = 62
_CLUSTERS_AT_MOST = 400_000
_STATES_AT_MOST = 2_000_000
_STEPS_AT_MOST = 3_000_000_000
_SPLITTERS = 3
# Prices of a household drawn from the store, as shares of a cluster per household of the lower bound.
_STORE_PRICES = (0.0, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0)


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
    """Most clusters that the groups can be cut into, for each number of parts.

    Attributes
    ----------
    node : (n,) group of each unit; a unit of no group is one of its own when `exact`, else −1
    most : (counts + 1,) clusters for each number of parts; −1 = no lawful plan has so many
    exact : whether plans with fewest pieces are made of `useful` clusters alone
    charge_free : pieces that cost nothing: Σ max(1, ceil(weight / upper)) over groups
    """

    node: IntArray
    most: IntArray
    exact: bool
    charge_free: int
    _nodes: int
    _clusters: _Clusters
    _states: _States | None

    @property
    def nodes(self) -> int:
        """Number of groups, units of no group counted."""
        return self._nodes

    def clusters(self, parts: int) -> int:
        """Most clusters of a lawful plan of `parts` parts, −1 when it has none."""
        return int(self.most[parts]) if 0 <= parts < self.most.size else -1

    def pieces(self, parts: int) -> int | None:
        """Least pieces of a lawful plan of `parts` parts, ungrouped units included; None if it has none."""
        clusters = self.clusters(parts)
        return None if clusters < 0 else self.nodes + parts - clusters

    def extra_pieces(self, parts: int) -> int | None:
        """Least extra pieces of a lawful plan of `parts` parts; None when it has none."""
        pieces = self.pieces(parts)
        return None if pieces is None else max(0, pieces - self.charge_free)

    def useful(self, parts: int) -> list[tuple[int, int]]:
        """Clusters (groups as bits, count) of plans with fewest pieces."""
        if self._states is None or self.clusters(parts) < 0:
            return []
        clusters, states = self._clusters, self._states
        chosen = clusters_in_use(
            clusters.masks, clusters.parts, clusters.begin, states.index, states.value, parts
        )
        return sorted(
            (int(mask), int(own))
            for mask, own in zip(clusters.masks[chosen], clusters.parts[chosen], strict=True)
        )


@dataclass(frozen=True, eq=False)
class _Clusters:
    """Sets of groups as bits with a number of parts each, sorted by lowest bit.

    Attributes
    ----------
    begin : (nodes + 1,) first cluster of each lowest bit
    need : weight that each draws on the store at least
    """

    masks: IntArray
    parts: IntArray
    need: FloatArray
    begin: IntArray


@dataclass(frozen=True, eq=False)
class _States:
    """Sets of groups left when clusters are taken away in the order of their lowest bit.

    Attributes
    ----------
    index : (2^nodes,) number of each set, −1 where none is left like that
    value : (states, counts + 1) most clusters of the set for each number of parts, −inf = cannot be
    """

    index: NDArray[np.int32]
    value: NDArray[np.float32]


def piece_table(
    instance: Instance, graph: GroupGraph, parts_at_most: int, *, hurried: bool = False
) -> PieceTable | None:
    """Return the table of an instance; None where its groups are too many to be searched.

    Hurried, fewer groups are already too many: each more than doubles the time.
    """
    if instance.group_count == 0:
        return None
    singles = graph.weights.size - instance.group_count
    charge_free = int(instance.group_allowance().sum()) + singles
    if graph.weights.size <= (NODES_HURRIED if hurried else _NODES_AT_MOST):
        order = _along(graph.adjacency)
        weights, bits = graph.weights[order], _bits(graph.adjacency[np.ix_(order, order)])
        clusters = _listed(
            weights, bits, np.zeros(0), np.zeros_like(bits), instance, parts_at_most, needed_only=True
        )
        states = None if clusters is None else _searched(clusters, bits.size, parts_at_most, np.ones(1))
        if clusters is not None and states is not None:
            position = np.empty(order.size, dtype=np.int64)
            position[order] = np.arange(order.size)
            value = states.value[0]
            most = np.where(np.isfinite(value), value, -1.0).astype(np.int64)
            return PieceTable(position[graph.node], most, True, charge_free, bits.size, clusters, states)
    return _table_with_store(instance, graph, parts_at_most, charge_free) if singles else None


def _table_with_store(
    instance: Instance, graph: GroupGraph, parts_at_most: int, charge_free: int
) -> PieceTable | None:
    """Return the table with the units of no group as a store of weight."""
    groups = instance.group_count
    if groups > _NODES_WITH_STORE:
        return None
    loose = csr_array(graph.adjacency[groups:, groups:].astype(np.int8))
    number, hub = connected_components(loose, directed=False)
    touches = np.zeros((groups, number), dtype=np.bool_)
    at_group, at_single = np.nonzero(graph.adjacency[:groups, groups:])
    touches[at_group, hub[at_single]] = True
    hubs = np.bincount(hub, weights=graph.weights[groups:], minlength=number).astype(np.float64)
    adjacency = graph.adjacency[:groups, :groups] | (touches.astype(np.int64) @ touches.T > 0)
    np.fill_diagonal(adjacency, val=False)
    if number > _HUBS_AT_MOST:
        # more than a word holds: taken as one
        hubs, touches = np.array([hubs.sum()]), (touches.sum(axis=1) > 0)[:, None]
    reach = (touches * (1 << np.arange(hubs.size))).sum(axis=1).astype(np.int64)
    order = _along(adjacency)
    weights, bits = graph.weights[:groups][order], _bits(adjacency[np.ix_(order, order)])
    clusters = _listed(weights, bits, hubs, reach[order], instance, parts_at_most, needed_only=False)
    if clusters is None:
        return None
    store = float(hubs.sum())
    most = np.full(parts_at_most + 1, np.inf)
    for rate in _STORE_PRICES:
        price = rate / max(instance.lower, 1.0)
        states = _searched(clusters, groups, parts_at_most, 1.0 - price * clusters.need)
        if states is None:
            return None
        value = states.value[0].astype(np.float64)
        # parts of the store alone
        for _ in range(min(parts_at_most, int(store // max(instance.lower, 1.0)))):
            value[1:] = np.maximum(value[1:], value[:-1] + 1.0 - rate)
        most = np.minimum(most, value + price * store)
    whole = np.where(np.isfinite(most), np.floor(most + 1e-4), -1.0).astype(np.int64)
    most_of_all = np.minimum(whole, np.arange(whole.size))
    return PieceTable(instance.groups, most_of_all, False, charge_free, graph.weights.size, clusters, None)


def _along(adjacency: NDArray[np.bool_]) -> IntArray:
    """Nodes in an order in which neighbours are near, so that few sets are left between two of them."""
    numbers: IntArray = np.empty(adjacency.shape[0], dtype=np.int64)
    numbers[:] = reverse_cuthill_mckee(csr_array(adjacency.astype(np.int8)), symmetric_mode=True)
    return numbers


def _bits(adjacency: NDArray[np.bool_]) -> IntArray:
    bits: IntArray = (adjacency * (1 << np.arange(adjacency.shape[0]))).sum(axis=1).astype(np.int64)
    return bits


def _listed(
    weights: FloatArray,
    bits: IntArray,
    hubs: FloatArray,
    reach: IntArray,
    instance: Instance,
    parts: int,
    *,
    needed_only: bool,
) -> _Clusters | None:
    """Return the clusters of a graph of groups; those that cannot be cut when `needed_only`."""
    connected = connected_masks(bits)
    masks, own, need = list_clusters(
        connected,
        weights,
        hubs,
        reach,
        parts,
        instance.lower,
        instance.upper,
        needed_only,
        _SPLITTERS,
        _CLUSTERS_AT_MOST,
    )
    if masks.size == 0 and own.size:
        return None
    lowest = np.log2((masks & -masks).astype(np.float64)).astype(np.int64)
    order = np.argsort(lowest, kind="stable")
    begin = np.searchsorted(lowest[order], np.arange(bits.size + 1))
    return _Clusters(masks[order], own[order], need[order], begin)


def _searched(clusters: _Clusters, nodes: int, parts: int, worth: FloatArray) -> _States | None:
    each = np.broadcast_to(worth, clusters.masks.shape).astype(np.float32)
    found, index, value = most_clusters(
        clusters.masks, clusters.parts, each, clusters.begin, nodes, parts, _STATES_AT_MOST, _STEPS_AT_MOST
    )
    return _States(index, value) if found else None


@njit(cache=True)
def connected_masks(bits: IntArray) -> NDArray[np.bool_]:
    """For each set of nodes as a bit mask: whether it is connected."""
    nodes = bits.size
    connected = np.zeros(1 << nodes, dtype=np.bool_)
    for mask in range(1, 1 << nodes):
        rest = mask
        while rest:
            own = rest & -rest
            rest ^= own
            others = mask ^ own
            if others == 0:
                connected[mask] = True
                break
            # a connected set has a node that it does not need
            if connected[others]:
                node = 0
                while not own >> node & 1:
                    node += 1
                if bits[node] & others:
                    connected[mask] = True
                    break
    return connected


@njit(cache=True)
def list_clusters(
    connected: NDArray[np.bool_],
    weights: FloatArray,
    hubs: FloatArray,
    reach: IntArray,
    parts: int,
    lower: float,
    upper: float,
    needed_only: bool,
    splitters: int,
    clusters_at_most: int,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Return sets, numbers of parts and weight drawn on the store; no set but one number when too many.

    With `needed_only`, sets that a connected set of at most `splitters` nodes cuts into two clusters are
    left out for the numbers of parts that the two can form.
    """
    nodes = weights.size
    fewest = np.ones(1 << nodes, dtype=np.int16)
    largest = np.zeros(1 << nodes, dtype=np.int16)
    small = np.empty(1 << nodes if nodes < 12 else 200_000, dtype=np.int64)
    smalls = 0
    masks = np.empty(clusters_at_most, dtype=np.int64)
    own = np.empty(clusters_at_most, dtype=np.int64)
    need = np.empty(clusters_at_most)
    found = 0
    for mask in range(1, 1 << nodes):
        if not connected[mask]:
            continue
        weight, reached, size = 0.0, 0, 0
        for node in range(nodes):
            if mask >> node & 1:
                weight += weights[node]
                reached |= reach[node]
                size += 1
        more = 0.0
        for hub in range(hubs.size):
            if reached >> hub & 1:
                more += hubs[hub]
        fewest[mask] = max(1, int(np.ceil(weight / upper - 1e-9)))
        largest[mask] = parts if lower <= 0 else min(parts, int(np.floor((weight + more) / lower + 1e-9)))
        if size <= splitters and fewest[mask] <= largest[mask] and smalls < small.size:
            small[smalls] = mask
            smalls += 1
    for mask in range(1, 1 << nodes):
        if not connected[mask] or fewest[mask] > largest[mask]:
            continue
        weight = 0.0
        for node in range(nodes):
            if mask >> node & 1:
                weight += weights[node]
        low, high = int(fewest[mask]), int(largest[mask])
        if needed_only:
            # counts that two clusters can form are intervals; take them off both ends
            changed = True
            while changed and low <= high:
                changed = False
                for at in range(smalls):
                    one = small[at]
                    other = mask ^ one
                    if one & mask == one and other and connected[other] and fewest[other] <= largest[other]:
                        a, b = fewest[one] + fewest[other], largest[one] + largest[other]
                        if a <= low <= b:
                            low = b + 1
                            changed = True
                        if a <= high <= b:
                            high = a - 1
                            changed = True
                        if low > high:
                            break
        for count in range(low, high + 1):
            if found == clusters_at_most:
                return masks[:0], own[:1], need[:0]
            masks[found] = mask
            own[found] = count
            need[found] = max(0.0, lower * count - weight)
            found += 1
    return masks[:found], own[:found], need[:found]


@njit(cache=True)
def most_clusters(
    masks: IntArray,
    own: IntArray,
    worth: NDArray[np.float32],
    begin: IntArray,
    nodes: int,
    parts: int,
    states_at_most: int,
    steps_at_most: int,
) -> tuple[bool, NDArray[np.int32], NDArray[np.float32]]:
    """Return whether the search was done, and the arrays of `_States`; its state 0 is the whole."""
    full = (1 << nodes) - 1
    index = np.full(1 << nodes, -1, dtype=np.int32)
    sets = np.empty(states_at_most, dtype=np.int64)
    nothing = np.zeros((0, 0), dtype=np.float32)
    sets[0] = full
    index[full] = 0
    head, tail = 0, 1
    steps = 0
    while head < tail:
        mask = sets[head]
        head += 1
        if mask == 0:
            continue
        node = 0
        while not mask >> node & 1:
            node += 1
        steps += begin[node + 1] - begin[node]
        if steps > steps_at_most:
            return False, index, nothing
        for at in range(begin[node], begin[node + 1]):
            if masks[at] & mask == masks[at] and index[mask ^ masks[at]] < 0:
                if tail == states_at_most:
                    return False, index, nothing
                index[mask ^ masks[at]] = tail
                sets[tail] = mask ^ masks[at]
                tail += 1
    value = np.full((tail, parts + 1), -np.inf, dtype=np.float32)
    if index[0] >= 0:
        value[index[0], 0] = 0.0
    # what is left after a cluster has a higher lowest bit
    for node in range(nodes - 1, -1, -1):
        for state in range(tail):
            mask = sets[state]
            if mask >> node & 1 and not mask & ((1 << node) - 1):
                for at in range(begin[node], begin[node + 1]):
                    if masks[at] & mask == masks[at]:
                        rest = index[mask ^ masks[at]]
                        for k in range(own[at], parts + 1):
                            gained = value[rest, k - own[at]] + worth[at]
                            value[state, k] = max(value[state, k], gained)
    return True, index, value


@njit(cache=True)
def clusters_in_use(
    masks: IntArray,
    own: IntArray,
    begin: IntArray,
    index: NDArray[np.int32],
    value: NDArray[np.float32],
    parts: int,
) -> NDArray[np.bool_]:
    """Whether each cluster is in a choice of most clusters for the whole and `parts` parts."""
    states, counts = value.shape
    sets = np.zeros(states, dtype=np.int64)
    for mask in range(index.size):
        if index[mask] >= 0:
            sets[index[mask]] = mask
    wanted = np.zeros((states, counts), dtype=np.bool_)
    wanted[0, parts] = True
    used = np.zeros(masks.size, dtype=np.bool_)
    # a state is reached only from states of lower lowest bit
    for node in range(begin.size - 1):
        for state in range(states):
            mask = sets[state]
            if not mask >> node & 1 or mask & ((1 << node) - 1):
                continue
            for at in range(begin[node], begin[node + 1]):
                if masks[at] & mask != masks[at]:
                    continue
                rest = index[mask ^ masks[at]]
                for k in range(own[at], counts):
                    if wanted[state, k] and value[rest, k - own[at]] + 1.0 == value[state, k]:
                        wanted[rest, k - own[at]] = True
                        used[at] = True
    return used
