"""The walking network as arrays: nodes, edges, and the arcs that a search reads.

Lengths are in metres; costs are whole *steps* of a tenth of a millimetre, so that sums are exact and
a search gives the same answer on every machine.  In distance mode the cost of an edge is its length;
with a pace profile (`spatial.network.paces`) it is the length a walker of that profile would cover on
the level in the same time, and may differ by direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numba
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spatial.errors import UsageError

__all__ = ["CLOSED", "STEPS_PER_M", "Network", "morton_order", "steps"]

STEPS_PER_M = 10_000
CLOSED = np.iinfo(np.int32).max
"""Cost of an edge that may not be walked; larger than every limit."""

_MORTON_BITS = 16

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int32]


def steps(length_m: npt.ArrayLike) -> Numbers:
    """Return lengths in whole steps, at least one each, so that no edge is free.

    Raises
    ------
    UsageError
        If a length is negative, not a number, or longer than a cost can hold (about 200 km).
    """
    lengths = np.asarray(length_m, float)
    wrong = ~((lengths >= 0) & (lengths * STEPS_PER_M < CLOSED - 1))
    if wrong.any():
        raise UsageError("network.length_out_of_range", count=int(wrong.sum()), edge=int(np.argmax(wrong)))
    rounded: Numbers = np.maximum(np.rint(lengths * STEPS_PER_M), 1).astype(np.int32)
    return rounded


@dataclass(frozen=True, eq=False, kw_only=True)
class Network:
    """Nodes joined by edges that can be walked.

    Attributes
    ----------
    edge_nodes : (m, 2) node numbers of each edge, from and to
    length_m : (m,) length of each edge, metres
    cost : (m, 2) steps along the edge and against it; `CLOSED` where it may not be walked
    node_xy : (n, 2) coordinates in metres; not-a-number where unknown
    slot : (n,) place of each node in the order in which the search stores nodes, near ones together
    """

    edge_nodes: Numbers
    length_m: Floats
    cost: Numbers
    node_xy: Floats
    slot: Numbers

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
            If a length is negative, not a number or beyond 200 km, or a node number out of range.
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
        slot = np.arange(count, dtype=np.int32)
        if coordinates is not None:
            slot[morton_order(xy)] = np.arange(count, dtype=np.int32)
        cost = np.repeat(one_way[:, None], 2, axis=1)
        return cls(edge_nodes=ends, length_m=lengths, cost=cost, node_xy=xy, slot=slot)

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.node_xy)

    @property
    def symmetric(self) -> bool:
        """Whether every edge costs the same both ways."""
        return bool(np.array_equal(self.cost[:, 0], self.cost[:, 1]))

    @cached_property
    def arcs(self) -> Arcs:
        """The arcs by the slot they leave, for the search."""
        return Arcs.of(self.slot[self.edge_nodes], self.cost, self.node_count)

    @cached_property
    def component(self) -> Numbers:
        """(n,) number of the connected piece each node lies in, by what may be walked."""
        return self.components_of(self.cost[:, 0] != CLOSED)

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
    """Arcs by the slot they stand at: both directions of every edge.

    Attributes
    ----------
    start : (n + 1,) first arc of each slot
    inward : (a, 2) neighbouring slot, and the steps from the neighbour to the slot
    outward : (a, 2) neighbouring slot, and the steps from the slot to the neighbour
    of_edge : (m, 2) the arc at the start and the arc at the end of each edge
    """

    start: npt.NDArray[np.int64]
    inward: Numbers
    outward: Numbers
    of_edge: npt.NDArray[np.int64] = field(repr=False)

    @classmethod
    def of(cls, ends: Numbers, cost: Numbers, count: int) -> Arcs:
        """Sort both directions of the edges by the slot they leave."""
        start, inward, outward, of_edge = _sort_arcs(ends, cost, count)
        return cls(start, inward, outward, of_edge)


@numba.njit(cache=True, nogil=True)
def _sort_arcs(
    ends: Numbers, cost: Numbers, count: int
) -> tuple[npt.NDArray[np.int64], Numbers, Numbers, npt.NDArray[np.int64]]:
    start = np.zeros(count + 1, np.int64)
    for edge in range(len(ends)):
        start[ends[edge, 0] + 1] += 1
        start[ends[edge, 1] + 1] += 1
    for slot in range(count):
        start[slot + 1] += start[slot]
    filled = start[:-1].copy()
    inward = np.empty((2 * len(ends), 2), np.int32)
    outward = np.empty((2 * len(ends), 2), np.int32)
    of_edge = np.empty((len(ends), 2), np.int64)
    for edge in range(len(ends)):
        for end in range(2):
            here, there = ends[edge, end], ends[edge, 1 - end]
            arc = filled[here]
            filled[here] += 1
            inward[arc, 0] = there
            outward[arc, 0] = there
            outward[arc, 1] = cost[edge, end]
            inward[arc, 1] = cost[edge, 1 - end]
            of_edge[edge, end] = arc
    return start, inward, outward, of_edge


def morton_order(xy: Floats) -> npt.NDArray[np.int64]:
    """Return the order of points along a Z-shaped curve: points near in the plane stand near in it."""
    if len(xy) == 0:
        return np.zeros(0, np.int64)
    low = np.nanmin(xy, axis=0)
    span = max(float((np.nanmax(xy, axis=0) - low).max()), 1e-9)
    cells = np.nan_to_num((xy - low) / span * (2**_MORTON_BITS - 1)).astype(np.uint64)
    order: npt.NDArray[np.int64] = np.argsort(
        _spread(cells[:, 0]) | (_spread(cells[:, 1]) << np.uint64(1)), kind="stable"
    )
    return order


def _spread(cells: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return numbers with a zero between any two of their bits."""
    steps_and_masks: Sequence[tuple[int, int]] = (
        (8, 0x00FF00FF),
        (4, 0x0F0F0F0F),
        (2, 0x33333333),
        (1, 0x55555555),
    )
    spread = cells
    for shift, mask in steps_and_masks:
        spread = (spread | (spread << np.uint64(shift))) & np.uint64(mask)
    return spread
