"""Walking: distances along streets and paths, exact enough to decide where a shop would open.

This is the made-up county's own idea of a walk, from the nearest junction to the nearest junction;
what the planning core measures on the finished town is exact and independent of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

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
    points : (k,) junctions
    lot : (k,) the lot a junction lies in, -1 on a public street
    graph : lengths between them in metres
    """

    points: NDArray[np.object_]
    lot: NDArray[np.int64]
    graph: csr_matrix

    @classmethod
    def of(cls, streets: gpd.GeoDataFrame) -> Walking:
        """Build the graph of noded streets with the column ``lot``."""
        lines = streets.geometry.to_numpy()
        ends = np.concatenate(
            [shapely.get_coordinates(shapely.get_point(lines, 0)), shapely.get_coordinates(shapely.get_point(lines, -1))]
        )
        xy, node = np.unique(np.round(ends, 2), axis=0, return_inverse=True)
        start, end = node.reshape(2, -1)
        lot = np.full(len(xy), -1)
        # A junction within a lot belongs to it; where a path meets a street, to the street.
        own = streets["lot"].to_numpy()
        for nodes in (start, end):
            lot[nodes] = np.maximum(lot[nodes], own)
        public = own < 0
        lot[start[public]] = -1
        lot[end[public]] = -1
        graph = csr_matrix((shapely.length(lines), (start, end)), (len(xy), len(xy)))
        return cls(shapely.points(xy), lot, graph)

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
        reach = dijkstra(self.graph, directed=False, indices=sources, limit=limit_m)
        walk_m: NDArray[np.float64] = reach[place][:, second.node] + first.leg_m[:, None] + second.leg_m[None, :]
        return walk_m
