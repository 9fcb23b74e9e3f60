"""Walks equal those reckoned by hand, and on real towns those of an independent computation on split edges."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import shapely

from spatial.lifecircle import assess_coverage
from spatial.network import build_network
from tests.real_streets import real_town
from tests.streets import barrier, box, building, estate, facility, gate, service, street, street_town

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


ROAD = street("road", (0, 0), (400, 0), (1000, 0))
LANE = street("lane", (400, 0), (400, 200))
COMPOUND = estate("E", box(300, 50, 500, 250))
RIVER = barrier("river", (-50, 60), (1050, 60))


def over(**columns):
    """A street from the road across the river to its other bank, and the two halves of that bank."""
    return [
        street("over", (0, 0), (0, 100), **columns),
        street("bank", (0, 100), (500, 100), (1000, 100)),
    ]


# What stands in the town beside the road, where the home is and where the service, and the walk by hand.
BY_HAND = {
    "on one edge": ({}, (100, 30), (350, -20), 30 + 250 + 20),
    "on one edge, one place": ({}, (100, 30), (100, -20), 30 + 20),
    "a building on a junction": ({"streets": [LANE]}, (400, 0), (400, 150), 150),
    "a building beside a junction": ({"streets": [LANE]}, (390, -10), (405, 150), 10 + 10 + 150 + 5),
    "through the gate": (
        {"streets": [LANE], "estates": [COMPOUND], "gates": [gate("g", "E", 400, 50)]},
        (410, 150), (600, -10), 10 + 150 + 200 + 10,
    ),
    "round by the gate that is open": (
        {
            "streets": [LANE, street("north", (400, 200), (400, 300), (1000, 300), (1000, 0))],
            "estates": [COMPOUND],
            "gates": [gate("g", "E", 400, 50, is_open=False), gate("h", "E", 400, 250)],
        },
        (410, 150), (690, -10), 10 + 150 + 600 + 300 + 310 + 10,
    ),
    "a gate a few steps from the street, by links": (
        {"streets": [street("yard", (350, 90), (450, 90))], "estates": [COMPOUND], "gates": [gate("g", "E", 370, 50)]},
        (440, 100), (600, 0), 10 + 70 + 40 + 50 + 230,
    ),
    "no street in the estate: straight to the gate": (
        {"estates": [COMPOUND], "gates": [gate("g", "E", 370, 50)]}, (400, 90), (600, 0), 50 + 50 + 230,
    ),
    "behind a wall without an open gate": (
        {"streets": [LANE], "estates": [COMPOUND], "gates": [gate("g", "E", 400, 50, is_open=False)]},
        (410, 150), (600, -10), None,
    ),
    "not to the nearer street behind a wall": (
        {"streets": [street("near", (0, 80), (1000, 80))], "barriers": [barrier("wall", (-50, 70), (1050, 70))]},
        (500, 65), (700, 10), 65 + 200 + 10,
    ),
    "over the bridge": (
        {"streets": over(bridge=True), "barriers": [RIVER]}, (200, 90), (300, -10), 10 + 200 + 100 + 300 + 10,
    ),
    "through the tunnel": (
        {"streets": over(tunnel=True), "barriers": [RIVER]}, (200, 90), (300, -10), 10 + 200 + 100 + 300 + 10,
    ),
    "no bridge, no way": ({"streets": over(), "barriers": [RIVER]}, (200, 90), (300, -10), None),
    "a railway stops nobody that says so": (
        {"streets": over(), "barriers": [barrier("railway", (-50, 60), (1050, 60), blocks_walking=False)]},
        (200, 90), (300, -10), 10 + 200 + 100 + 300 + 10,
    ),
    "a bridge over a street does not meet it": (
        {"streets": [street("above", (700, -300), (700, 300), bridge=True)]}, (705, 250), (600, 10), None,
    ),
    "an island is not used where town is in reach": (
        {"streets": [street("islet", (480, 50), (520, 50))]}, (500, 60), (700, 10), 60 + 200 + 10,
    ),
    "a home on an island": ({"streets": [street("isle", (0, 900), (1000, 900))]}, (500, 890), (500, 10), None),
}  # fmt: skip


@pytest.mark.parametrize("case", BY_HAND)
def test_walks_equal_those_reckoned_by_hand(case):
    more, home, shop, expected_m = BY_HAND[case]
    rows = {"streets": [], **more}
    town = street_town(
        **{**rows, "streets": [ROAD, *rows["streets"]]},
        buildings=[building("b", *home)],
        facilities=[facility("f", *shop)],
        services=[service("f")],
    )
    walk_m = assess_coverage(town).walks["walk_m"].tolist()
    if expected_m is None:
        assert walk_m == [None] or str(walk_m[0]) == "<NA>"
    else:
        assert walk_m == [pytest.approx(expected_m, abs=1e-3)]


@pytest.mark.parametrize(
    ("slope", "up", "down"), [(5.0, 1.19, 0.90), (-15.0, 1.05, 1.69), (10.0, 1.44, 0.975)]
)
def test_a_slope_counts_by_the_direction_of_walking(slope, up, down):
    town = street_town(
        streets=[ROAD, street("hill", (1000, 0), (1000, 300), slope=slope)],
        buildings=[building("below", 1000, 0), building("above", 1000, 300)],
        facilities=[facility("foot", 990, 0), facility("top", 1000, 300)],
        services=[service("foot"), service("top", "pharmacy")],
    )
    walks = assess_coverage(town, pace="adult").walks.set_index(["building_id", "category"])["walk_m"]
    assert walks["above", "kindergarten"] == pytest.approx(300 * down + 10, abs=1e-3)
    assert walks["below", "pharmacy"] == pytest.approx(300 * up, abs=1e-3)


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
