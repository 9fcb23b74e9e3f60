"""Walks on real towns equal those of an independent computation on physically split edges."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import shapely

from spatial.lifecircle import assess_coverage
from spatial.network import build_network
from tests.real_streets import real_town

MAX_ACCESS_M = 250.0
ISLET_M = 500.0
TOLERANCE_M = 0.1


class SplitGraph:
    """Street segments as a graph; points are put in by splitting the segment that is nearest."""

    def __init__(self, lines) -> None:
        segments = {}
        for line in lines:
            ends = [tuple(np.round(xy, 3)) for xy in line.coords]
            for one, other in pairwise(ends):
                if one != other:
                    segments[min(one, other), max(one, other)] = None
        self.graph = nx.Graph()
        self.graph.add_weighted_edges_from((a, b, np.hypot(*np.subtract(a, b))) for a, b in segments)
        used = []
        for piece in nx.connected_components(self.graph):
            part = self.graph.subgraph(piece)
            if part.size("weight") >= ISLET_M:
                used += [tuple(sorted(edge)) for edge in part.edges]
        self.segments = used
        self.lines = shapely.linestrings(np.array(used))
        self.on_segment = {}

    def attach(self, name, xy) -> bool:
        distance = shapely.distance(self.lines, shapely.Point(xy))
        nearest = int(np.argmin(distance))
        if distance[nearest] > MAX_ACCESS_M:
            return False
        along = self.lines[nearest].project(shapely.Point(xy))
        self.on_segment.setdefault(nearest, []).append((along, name))
        self.graph.add_edge(name, ("foot", name), weight=float(distance[nearest]))
        return True

    def split(self) -> None:
        for number, points in self.on_segment.items():
            start, end = self.segments[number]
            length = self.lines[number].length
            stops = [
                (0.0, start),
                *((along, ("foot", name)) for along, name in sorted(points, key=str)),
                (length, end),
            ]
            stops.sort(key=lambda stop: stop[0])
            for (here, one), (there, other) in pairwise(stops):
                self.graph.add_edge(one, other, weight=there - here)


@pytest.mark.parametrize("name", ["singapore-punggol", "helsinki-centre", "beijing-wudaokou"])
def test_walks_equal_those_on_split_edges(shared_data, name):
    town = real_town(shared_data, name)
    network = build_network(town)
    coverage = assess_coverage(town)
    kept = town.streets.loc[~town.streets.index.isin(network.removed["street_id"])]
    split = SplitGraph(kept.geometry)
    homes = [
        home
        for home in town.buildings.index
        if split.attach(("b", home), _centre(town.buildings.geometry[home]))
    ]
    shops = {
        shop
        for shop in town.facilities.index
        if split.attach(("f", shop), _centre(town.facilities.geometry[shop]))
    }
    split.split()

    compared = flips = 0
    for category, rows in coverage.walks.groupby("category"):
        offering = set(town.services.loc[town.services["category"] == category, "facility_id"]) & shops
        # Walks pass along streets, never through another building or shop: those are leaves of the graph.
        truth = nx.multi_source_dijkstra_path_length(
            split.graph, {("f", shop) for shop in offering}, cutoff=3000
        )
        found = rows.set_index("building_id")["walk_m"].astype("Float64")
        for home in homes:
            walk_m, expected = found[home], truth.get(("b", home))
            if expected is None or expected > 2999:
                assert np.ma.is_masked(walk_m) or str(walk_m) == "<NA>" or walk_m > 2998
                continue
            compared += 1
            assert walk_m == pytest.approx(expected, abs=TOLERANCE_M), (category, home)
            for limit_m in (300, 500, 1000):
                if (walk_m <= limit_m) != (expected <= limit_m):
                    flips += 1
                    assert abs(expected - limit_m) <= TOLERANCE_M
    print(f"{name}: {compared} walks compared, {flips} flips")
    assert compared > 1000


def _centre(shape):
    middle = shape.centroid
    return (middle if shape.intersects(middle) else shape.point_on_surface()).coords[0]
