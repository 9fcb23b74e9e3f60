"""Chains: runs of nodes with two neighbours, folded into single edges between junctions.

Most vertices of a street map only bend a street.  A search over junctions alone, filled in along the
chains afterwards, gives every vertex its label at a fraction of the cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from spatial.network.cost import CLOSED
from spatial.network.curve import morton_order

__all__ = ["Chains", "fold"]

Numbers = npt.NDArray[np.int32]
Words = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Chains:
    """Junctions in spatial order, and the chains between them.

    Attributes
    ----------
    junction : (j,) node of each junction
    place : (n,) junction number of a node, or -1 - its place among the inner nodes
    ends : (c, 2) junctions at the start and end of each chain
    cost : (c, 2) steps along the whole chain and against it
    first : (c + 1,) first inner node of each chain
    inner : (i,) nodes inside chains, in order along each
    chain : (i,) the chain of each inner node
    back, on : (i,) steps from an inner node to the one before it, and to the one after it
    from_start, from_end : (i,) steps from either end of the chain to the inner node
    """

    junction: Numbers
    place: Numbers
    ends: Numbers
    cost: Numbers
    first: Words
    inner: Numbers
    chain: Numbers
    back: Numbers
    on: Numbers
    from_start: Numbers
    from_end: Numbers


def fold(edge_nodes: Numbers, cost: Numbers, node_xy: npt.NDArray[np.float64]) -> Chains:
    """Fold the nodes at just two edge ends into chains; a ring keeps one node as a junction."""
    count = len(node_xy)
    nodes = np.flatnonzero(_junctions(edge_nodes, count)).astype(np.int32)
    if not np.isnan(node_xy[nodes]).any():
        nodes = nodes[morton_order(node_xy[nodes])]
    return Chains(*_fold(edge_nodes, cost, count, nodes))


@numba.njit(cache=True, nogil=True)
def _junctions(edge_nodes: Numbers, count: int) -> npt.NDArray[np.bool_]:
    ends = np.zeros(count, np.int64)
    for edge in range(len(edge_nodes)):
        one, other = edge_nodes[edge, 0], edge_nodes[edge, 1]
        ends[one] += 1
        ends[other] += 1
        if one == other:
            ends[one] += 1  # the node of a loop is a junction
    return ends != 2  # type: ignore[no-any-return]


@numba.njit(cache=True, nogil=True)
def _ends_by_node(edge_nodes: Numbers, count: int) -> tuple[Words, Words]:
    """Return the edge ends at every node; end 0 of edge 5 is 10, end 1 is 11."""
    start = np.zeros(count + 1, np.int64)
    for edge in range(len(edge_nodes)):
        for end in range(2):
            start[edge_nodes[edge, end] + 1] += 1
    for node in range(count):
        start[node + 1] += start[node]
    filled = start[:-1].copy()
    at = np.empty(2 * len(edge_nodes), np.int64)
    for edge in range(len(edge_nodes)):
        for end in range(2):
            node = edge_nodes[edge, end]
            at[filled[node]] = 2 * edge + end
            filled[node] += 1
    return start, at


@numba.njit(cache=True, nogil=True)
def _fold(  # noqa: C901, PLR0915
    edge_nodes: Numbers, cost: Numbers, count: int, nodes: Numbers
) -> tuple[Numbers, Numbers, Numbers, Numbers, Words, Numbers, Numbers, Numbers, Numbers, Numbers, Numbers]:
    start, at = _ends_by_node(edge_nodes, count)
    unseen = np.int32(-count - 1)
    place = np.full(count, unseen, np.int32)
    place[nodes] = np.arange(len(nodes), dtype=np.int32)
    junction = np.empty(count, np.int32)
    junction[: len(nodes)] = nodes
    used = np.zeros(len(edge_nodes), np.bool_)
    ends = np.empty((len(edge_nodes), 2), np.int32)
    whole = np.empty((len(edge_nodes), 2), np.int32)
    first = np.empty(len(edge_nodes) + 1, np.int64)
    inner, chain = np.empty(count, np.int32), np.empty(count, np.int32)
    back, on = np.empty(count, np.int32), np.empty(count, np.int32)
    from_start, from_end = np.empty(count, np.int32), np.empty(count, np.int32)
    junctions, chains, filled, ring = len(nodes), 0, 0, 0
    first[0] = 0
    number = 0
    while True:
        if number == junctions:
            # What is left are rings: the first node of each becomes a junction.
            while ring < count and place[ring] != unseen:
                ring += 1
            if ring == count:
                break
            junction[junctions] = ring
            place[ring] = junctions
            junctions += 1
        for begin in range(start[junction[number]], start[junction[number] + 1]):
            edge, end = at[begin] // 2, at[begin] % 2
            if used[edge]:
                continue
            ahead, behind = 0, 0
            while True:
                used[edge] = True
                step, step_back = cost[edge, end], cost[edge, 1 - end]
                node = edge_nodes[edge, 1 - end]
                if filled > first[chains]:
                    on[filled - 1] = step
                ahead = min(ahead + step, CLOSED)
                behind = min(behind + step_back, CLOSED)
                if place[node] >= 0:
                    break
                place[node] = -1 - filled
                inner[filled], chain[filled] = node, chains
                back[filled], from_start[filled] = step_back, ahead
                filled += 1
                other = at[start[node]]
                if other // 2 == edge:
                    other = at[start[node] + 1]
                edge, end = other // 2, other % 2
            rest = int(step_back)
            for here in range(filled - 1, first[chains] - 1, -1):
                from_end[here] = min(rest, CLOSED)
                rest += back[here]
            ends[chains, 0], ends[chains, 1] = number, place[node]
            whole[chains, 0], whole[chains, 1] = ahead, behind
            chains += 1
            first[chains] = filled
        number += 1
    return (
        junction[:junctions],
        place,
        ends[:chains],
        whole[:chains],
        first[: chains + 1],
        inner[:filled],
        chain[:filled],
        back[:filled],
        on[:filled],
        from_start[:filled],
        from_end[:filled],
    )
