"""Walking: distances along streets and paths, exact enough to decide where a shop would open.

This is the made-up county's own idea of a walk, from the nearest junction to the nearest junction;
what the planning core measures on the finished town is exact and independent of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from shapely import Point

__all__ = ["Door", "Walking"]


@dataclass(frozen=True)
class Door:
    """Where places meet the network.

    Attributes
    ----------
    node : (n,) nearest junction
    leg_m : (n,) straight way to it
    """

    node: NDArray[np.int64]
    leg_m: NDArray[np.float64]


@dataclass(frozen=True)
class Walking:
    """Junctions and the stretches between them.

    Attributes
    ----------
    lines : (m,) stretches
    start, end : (m,) junctions they join
    shut : (m,) whether a shut gate bars a stretch
    points : (k,) junctions
    lot : (k,) the lot a junction lies in, -1 on a public street
    """

    lines: NDArray[np.object_]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    shut: NDArray[np.bool_]
    points: NDArray[np.object_]
    lot: NDArray[np.int64]

    @classmethod
    def of(cls, streets: gpd.GeoDataFrame, shut_gates: Sequence[Point] = ()) -> Walking:
        """Build the network of noded streets with the column ``lot``, less the stretches of shut gates."""
        lines = streets.geometry.to_numpy()
        own = streets["lot"].to_numpy()
        ends = shapely.get_coordinates(np.concatenate([shapely.get_point(lines, place) for place in (0, -1)]))
        xy, node = np.unique(np.round(ends, 2), axis=0, return_inverse=True)
        start, end = node.reshape(2, -1)
        # A junction on a public street belongs to no lot, whatever path meets it there.
        lot = np.full(len(xy), -1)
        for nodes in (start, end):
            lot[nodes] = own
        for nodes in (start, end):
            lot[nodes[own < 0]] = -1
        points = np.asarray(shapely.points(xy), object)
        walking = cls(lines, start, end, np.zeros(len(lines), bool), points, lot)
        return walking.with_gates({walking.stretch_at(gate): True for gate in shut_gates})

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.lines)

    def stretch_at(self, gate: Point) -> int:
        """Return the stretch that passes a gate."""
        return int(self._tree.nearest(gate))

    def with_gates(self, shut: Mapping[int, bool]) -> Walking:
        """Return the network with gates shut or opened, by stretch."""
        changed = self.shut.copy()
        changed[list(shut)] = list(shut.values())
        return replace(self, shut=changed)

    def doors(self, places: NDArray[np.object_], lot: NDArray[np.int64]) -> Door:
        """Return where places meet the network: within their own lot where it has paths."""
        node = np.zeros(len(places), np.int64)
        for number in np.unique(lot):
            own = np.flatnonzero(self.lot == number)
            if len(own) == 0:
                own = np.flatnonzero(self.lot == -1)
            here = lot == number
            node[here] = own[shapely.STRtree(self.points[own]).nearest(places[here])]
        return Door(node, shapely.distance(places, self.points[node]))

    def between(self, first: Door, second: Door, limit_m: float) -> NDArray[np.float64]:
        """Return the walks from each of one set of doors to each of another, infinite beyond the limit."""
        sources, place = np.unique(first.node, return_inverse=True)
        free = ~self.shut
        size = len(self.points)
        graph = csr_matrix(
            (shapely.length(self.lines[free]), (self.start[free], self.end[free])), (size, size)
        )
        reach = dijkstra(graph, directed=False, indices=sources, limit=limit_m)
        walk_m: NDArray[np.float64] = (
            reach[place][:, second.node] + first.leg_m[:, None] + second.leg_m[None, :]
        )
        return walk_m
