"""Figures of a town made another way: walks by networkx on street segments, sums by pandas and shapely.

Nothing here asks the walking engine or the rating.  A walk leads from the centre of a building by the
nearest segment that it sees without a wall, river or railway between, along the segments, to an entrance;
segments are cut where they cross a wall away from a gate, or a river or railway without a bridge or tunnel.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd
import shapely

from spatial.town import Town

_SEEN_M = 250.0
_NEAREST = 25
_AT_GATE_M = 1.0
_CUT_M = 0.01


@dataclass(frozen=True)
class _Ways:
    """Of points: which segment each is joined to, how far that is, and where along it."""

    point: np.ndarray
    segment: np.ndarray
    leg_m: np.ndarray
    along_m: np.ndarray


class Walker:
    """The streets of a town for walks by networkx."""

    def __init__(self, town: Town) -> None:
        self.town = town
        walled = town.estates.loc[town.estates["walled"].fillna(value=False).astype(bool)]
        gates = town.gates.loc[town.gates["open"].fillna(value=True).astype(bool)]
        outlines = shapely.boundary(walled.geometry.to_numpy())
        waters = town.barriers.geometry.to_numpy()
        self.walls = np.concatenate([outlines, waters])
        xy, street = shapely.get_coordinates(town.streets.geometry.to_numpy(), return_index=True)
        joined = street[1:] == street[:-1]
        begin, end, street = xy[:-1][joined], xy[1:][joined], street[:-1][joined]
        segments = shapely.linestrings(np.stack([begin, end], axis=1))
        passing = town.streets["bridge"].fillna(value=False) | town.streets["tunnel"].fillna(value=False)
        segment, wall = shapely.STRtree(outlines).query(segments, predicate="intersects")
        points, of = shapely.get_parts(
            shapely.intersection(segments[segment], outlines[wall]), return_index=True
        )
        far = shapely.distance(points, shapely.union_all(gates.geometry.to_numpy())) > _AT_GATE_M
        cuts = list(zip(segment[of[far]], points[far], strict=True))
        segment, water = shapely.STRtree(waters).query(segments, predicate="intersects")
        wet = ~passing.to_numpy(bool)[street[segment]]
        cuts += list(
            zip(segment[wet], shapely.intersection(segments[segment], waters[water])[wet], strict=True)
        )
        out, pieces = np.zeros(len(segments), bool), []
        for number in {number for number, _ in cuts}:
            out[number] = True
            hole = shapely.union_all([shape for other, shape in cuts if other == number]).buffer(_CUT_M)
            pieces += [
                one
                for one in shapely.get_parts(shapely.difference(segments[number], hole))
                if one.length > _CUT_M
            ]
        ends = shapely.get_coordinates(pieces).reshape(-1, 2, 2)
        self.segments = np.concatenate([segments[~out], pieces])
        self.begin = np.concatenate([begin[~out], ends[:, 0]])
        self.end = np.concatenate([end[~out], ends[:, 1]])
        self.length_m = shapely.length(self.segments)
        self.graph = nx.Graph()
        for u, v, length_m in zip(map(_node, self.begin), map(_node, self.end), self.length_m, strict=True):
            if not self.graph.has_edge(u, v) or self.graph[u][v]["weight"] > length_m:
                self.graph.add_edge(u, v, weight=length_m)
        self.homes = self._ways(shapely.centroid(town.buildings.geometry.to_numpy()))

    def _ways(self, points: np.ndarray) -> _Ways:
        point, segment = shapely.STRtree(self.segments).query(points, predicate="dwithin", distance=_SEEN_M)
        leg_m = shapely.distance(points[point], self.segments[segment])
        order = np.lexsort((leg_m, point))
        point, segment, leg_m = point[order], segment[order], leg_m[order]
        first = np.searchsorted(point, np.arange(len(points)))
        near = np.arange(len(point)) - first[point] < _NEAREST
        point, segment, leg_m = point[near], segment[near], leg_m[near]
        along_m = shapely.line_locate_point(self.segments[segment], points[point])
        foot = shapely.line_interpolate_point(self.segments[segment], along_m)
        ends = [shapely.get_coordinates(points[point]), shapely.get_coordinates(foot)]
        legs = shapely.linestrings(np.stack(ends, axis=1))
        leg, wall = shapely.STRtree(self.walls).query(legs, predicate="intersects")
        behind = shapely.distance(shapely.intersection(legs[leg], self.walls[wall]), foot[leg]) > 0.05
        seen = np.ones(len(point), bool)
        seen[leg[behind]] = False
        point, segment, leg_m, along_m = point[seen], segment[seen], leg_m[seen], along_m[seen]
        best = np.unique(point, return_index=True)[1]
        return _Ways(point[best], segment[best], leg_m[best], along_m[best])

    def walks_m(self, categories: Iterable[str]) -> pd.Series:
        """Return the walk of every building to the nearest public service of some categories, metres."""
        town = self.town
        offering = town.services.loc[town.services["category"].isin(list(categories)), "facility_id"]
        places = town.facilities.loc[town.facilities.index.isin(offering)]
        places = places.loc[places["closed"].isna() & (places["access"] != "estate")]
        entrances = town.layer("entrances")
        entrances = entrances.loc[entrances["facility_id"].isin(places.index)]
        others = places.loc[~places.index.isin(entrances["facility_id"])]
        assert (others.geometry.geom_type == "Point").all()
        goals = self._ways(np.concatenate([entrances.geometry.to_numpy(), others.geometry.to_numpy()]))
        graph = self.graph.copy()
        on_segment: dict[int, list[tuple[float, float]]] = {}
        rows = zip(goals.point, goals.segment, goals.leg_m, goals.along_m, strict=True)
        for goal, segment, leg_m, along_m in rows:
            rest_m = self.length_m[segment] - along_m
            graph.add_edge(("goal", int(goal)), _node(self.begin[segment]), weight=leg_m + along_m)
            graph.add_edge(("goal", int(goal)), _node(self.end[segment]), weight=leg_m + rest_m)
            on_segment.setdefault(segment, []).append((leg_m, along_m))
        sources = [("goal", int(goal)) for goal in goals.point]
        reach_m = nx.multi_source_dijkstra_path_length(graph, sources, weight="weight")
        found = np.full(len(town.buildings), np.inf)
        homes = zip(self.homes.point, self.homes.segment, self.homes.leg_m, self.homes.along_m, strict=True)
        for home, segment, leg_m, along_m in homes:
            ends = (
                reach_m.get(_node(self.begin[segment]), np.inf) + along_m,
                reach_m.get(_node(self.end[segment]), np.inf) + self.length_m[segment] - along_m,
                *(other_m + abs(along_m - at_m) for other_m, at_m in on_segment.get(segment, ())),
            )
            found[home] = leg_m + min(ends)
        return pd.Series(found, index=town.buildings.index)


def _node(xy: np.ndarray) -> tuple[float, float]:
    return round(float(xy[0]), 3), round(float(xy[1]), 3)


def services_in(town: Town, area: shapely.Geometry, *categories: str) -> pd.DataFrame:
    """Return the public services of some categories whose facility has its centre in an area."""
    inside = shapely.contains(area, shapely.centroid(town.facilities.geometry.to_numpy()))
    there = town.facilities.index[inside & (town.facilities["access"] != "estate").to_numpy(bool)]
    services = town.services
    return services.loc[services["category"].isin(categories) & services["facility_id"].isin(there)]
