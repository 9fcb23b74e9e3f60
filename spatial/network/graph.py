"""The walking network as arrays: nodes, edges, and the arcs that a search reads.

Lengths are in metres; costs are whole *steps* of a tenth of a millimetre, so that sums are exact and
a search gives the same answer on every machine.  In distance mode the cost of an edge is its length;
with a pace profile (`spatial.network.paces`) it is the length a walker of that profile would cover on
the level in the same time, and may differ by direction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numba
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spatial.errors import UsageError
from spatial.network.chains import Chains, fold
from spatial.network.cost import CLOSED, steps

__all__ = ["Arcs", "Network"]

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int32]
Words = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """Nodes joined by edges that can be walked.

    Attributes
    ----------
    edge_nodes : (m, 2) node numbers of each edge, from and to
    length_m : (m,) length of each edge, metres
    cost : (m, 2) steps along the edge and against it; `CLOSED` where it may not be walked
    node_xy : (n, 2) coordinates in metres; not-a-number where unknown
    """

    edge_nodes: Numbers
    length_m: Floats
    cost: Numbers
    node_xy: Floats

    @classmethod
    def of_edges(
        cls,
        edges: npt.ArrayLike,
        length_m: npt.ArrayLike,
        *,
        node_count: int | None = None,
        coordinates: npt.ArrayLike | None = None,
    ) -> Network:
        """Make a network of plain arrays, walked both ways.

        Parameters
        ----------
        edges : (m, 2) node numbers from 0
        length_m : (m,) lengths, metres
        node_count : number of nodes; one more than the greatest number in ``edges`` when None
        coordinates : (n, 2) in metres; they only speed up the search

        Raises
        ------
        UsageError
            If a length is negative, not a number or beyond 107 km, or a node number out of range.
        """
        ends = np.ascontiguousarray(np.asarray(edges).reshape(-1, 2), np.int32)
        lengths = np.asarray(length_m, float)
        count = node_count if node_count is not None else int(ends.max(initial=-1)) + 1
        xy = np.full((count, 2), np.nan) if coordinates is None else np.asarray(coordinates, float)
        if (
            len(ends) != len(lengths)
            or len(xy) != count
            or ends.min(initial=0) < 0
            or ends.max(initial=-1) >= count
        ):
            raise UsageError("network.arrays_disagree", edges=len(ends), lengths=len(lengths), nodes=count)
        one_way = steps(lengths)
        cost = np.repeat(one_way[:, None], 2, axis=1)
        return cls(edge_nodes=ends, length_m=lengths, cost=cost, node_xy=xy)

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.node_xy)

    def passing(self, edges: Words | slice = slice(None)) -> Numbers:
        """Return the cost (k, 2) of passing edges whole."""
        return self.cost[edges]

    @cached_property
    def arcs(self) -> Arcs:
        """The arcs by the node they stand at, for the search."""
        return Arcs.of(self.edge_nodes, self.passing(), self.node_count)

    @cached_property
    def chains(self) -> Chains:
        """The network with its nodes of two neighbours folded into chains, for searches to every node."""
        return fold(self.edge_nodes, self.passing(), self.node_xy)

    @cached_property
    def folded(self) -> Arcs:
        """The arcs between the junctions of the chains."""
        return Arcs.of(self.chains.ends, self.chains.cost, len(self.chains.junction))

    @cached_property
    def component(self) -> Numbers:
        """(n,) number of the connected piece each node lies in, by what may be walked."""
        return self.components_of(self.passing()[:, 0] != CLOSED)

    def components_of(self, edges: npt.NDArray[np.bool_]) -> Numbers:
        """Return the connected piece of each node when only the marked edges are walked."""
        ends = self.edge_nodes[edges]
        joined = coo_array(
            (np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(self.node_count, self.node_count)
        )
        labels: Numbers = connected_components(joined, directed=False)[1].astype(np.int32)
        return labels

    def with_cost(self, cost: Numbers) -> Self:
        """Return the network with other costs on the same edges."""
        return replace(self, cost=cost)


@dataclass(frozen=True, eq=False)
class Arcs:
    """Both directions of every edge, by the node they stand at.

    An arc is one number: steps in the upper half, the node at the other end in the lower.

    Attributes
    ----------
    start : (n + 1,) first arc of each node
    inward : (a,) arcs with the steps from the other node to this one
    outward : (a,) arcs with the steps from this node to the other; the same array where all edges cost
        the same both ways
    """

    start: Words
    inward: Words
    outward: Words

    @classmethod
    def of(cls, ends: Numbers, cost: Numbers, count: int) -> Arcs:
        """Sort both directions of the edges by the node they stand at."""
        start, inward, outward = _sort_arcs(ends, cost, count)
        return cls(start, inward, inward if np.array_equal(cost[:, 0], cost[:, 1]) else outward)

    def with_costs(self, ends: Numbers, before: Numbers, cost: Numbers) -> Arcs:
        """Return the arcs with other costs (k, 2) on edges that join ``ends`` (k, 2) at costs ``before``."""
        inward = self.inward.copy()
        _reprice(self.start, inward, ends, before[:, ::-1].copy(), cost[:, ::-1].copy())
        if self.outward is self.inward and np.array_equal(cost[:, 0], cost[:, 1]):
            return Arcs(self.start, inward, inward)
        outward = self.outward.copy()
        _reprice(self.start, outward, ends, before, cost)
        return Arcs(self.start, inward, outward)

    def with_edges(self, ends: Numbers, cost: Numbers, count: int, shut: Numbers, before: Numbers) -> Arcs:
        """Return the arcs of ``count`` nodes with further edges (k, 2) at costs (k, 2), and others shut.

        ``shut`` (s, 2) are the nodes that those join, ``before`` (s, 2) what they cost.
        """
        closed = np.full_like(before, CLOSED)

        def longer(arcs: Words, order: slice) -> tuple[Words, Words]:
            start, fresh = _inserted(self.start, arcs, ends, cost[:, order].copy(), count)
            _reprice(start, fresh, shut, before[:, order].copy(), closed)
            return start, fresh

        backwards = slice(None, None, -1)
        start, inward = longer(self.inward, backwards)
        if self.outward is self.inward and np.array_equal(cost[:, 0], cost[:, 1]):
            return Arcs(start, inward, inward)
        return Arcs(start, inward, longer(self.outward, slice(None))[1])


@numba.njit(cache=True, nogil=True)
def _sort_arcs(ends: Numbers, cost: Numbers, count: int) -> tuple[Words, Words, Words]:
    start = np.zeros(count + 1, np.int64)
    for edge in range(len(ends)):
        start[ends[edge, 0] + 1] += 1
        start[ends[edge, 1] + 1] += 1
    for node in range(count):
        start[node + 1] += start[node]
    filled = start[:-1].copy()
    inward = np.empty(2 * len(ends), np.int64)
    outward = np.empty(2 * len(ends), np.int64)
    for edge in range(len(ends)):
        for end in range(2):
            here, there = ends[edge, end], np.int64(ends[edge, 1 - end])
            arc = filled[here]
            filled[here] += 1
            outward[arc] = (np.int64(cost[edge, end]) << 32) | there
            inward[arc] = (np.int64(cost[edge, 1 - end]) << 32) | there
    return start, inward, outward


@numba.njit(cache=True, nogil=True)
def _reprice(start: Words, arcs: Words, ends: Numbers, before: Numbers, cost: Numbers) -> None:
    """Replace the costs of edges, by the node they stand at; of two alike edges either will do."""
    for edge in range(len(ends)):
        for end in range(2):
            here, there = ends[edge, end], np.int64(ends[edge, 1 - end])
            old = (np.int64(before[edge, end]) << 32) | there
            for arc in range(start[here], start[here + 1]):
                if arcs[arc] == old:
                    arcs[arc] = (np.int64(cost[edge, end]) << 32) | there
                    break


@numba.njit(cache=True, nogil=True)
def _inserted(start: Words, arcs: Words, ends: Numbers, cost: Numbers, count: int) -> tuple[Words, Words]:
    """Return the arcs with those of further edges behind the old ones of each node."""
    old_count = len(start) - 1
    fresh_start = np.empty(count + 1, np.int64)
    fresh_start[: old_count + 1] = start
    fresh_start[old_count + 1 :] = start[old_count]
    nodes = np.sort(ends.copy().ravel())
    for place in range(len(nodes)):  # all nodes after one with a new arc begin one later
        last = nodes[place + 1] if place + 1 < len(nodes) else count
        for node in range(nodes[place], last):
            fresh_start[node + 1] += place + 1
    fresh = np.empty(len(arcs) + len(nodes), np.int64)
    done = 0
    for place in range(len(nodes) + 1):
        stop = start[min(nodes[place] + 1, old_count)] if place < len(nodes) else len(arcs)
        fresh[done + place : stop + place] = arcs[done:stop]
        done = stop
    filled = np.empty(len(nodes), np.int64)
    for place in range(len(nodes)):
        # The gaps of one node stand side by side at the end of its arcs.
        first = place
        while first > 0 and nodes[first - 1] == nodes[place]:
            first -= 1
        filled[place] = fresh_start[nodes[place] + 1] - 1 - (place - first)
    used = np.zeros(len(nodes), np.bool_)
    for edge in range(len(ends)):
        for end in range(2):
            here, there = ends[edge, end], np.int64(ends[edge, 1 - end])
            place = np.searchsorted(nodes, here)
            while used[place]:
                place += 1
            used[place] = True
            fresh[filled[place]] = (np.int64(cost[edge, end]) << 32) | there
    return fresh_start, fresh
