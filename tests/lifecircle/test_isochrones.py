"""What is reached from a place: streets cut at the limit, and the way to the nearest service."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
import shapely

from spatial.errors import UsageError
from spatial.lifecircle import Survey, assess_coverage, reach_from, reach_from_estate, reach_from_facility
from spatial.network import BARRED, attach
from spatial.scenario import apply, close_street
from tests.lifecircle.test_whatif import lattice
from tests.streets import box, building, estate, facility, gate, service, street, street_town


def test_streets_are_cut_at_the_limit():
    town = street_town(streets=[street("a", (0, 0), (1000, 0)), street("b", (1000, 0), (1000, 500))])
    reach = reach_from(Survey.of(town), (900, 20), 200.0)
    parts = shapely.union_all(reach.streets())
    assert parts.length == pytest.approx(180 + 100 + 80)
    assert shapely.distance(parts, shapely.Point(1000, 80)) < 1e-6
    assert shapely.contains(reach.polygon(), shapely.Point(900, 20))


def test_slope_counts_in_the_direction_of_walking():
    town = street_town(streets=[street("hill", (0, 0), (1000, 0), slope=5.0)])
    from spatial.network import pace_named

    survey = Survey.of(town, pace_named("adult"))
    ends = shapely.get_coordinates(shapely.union_all(reach_from(survey, (500, 0), 100.0).streets()))[:, 0]
    assert ends.max() - 500 == pytest.approx(100 / 1.19, abs=1e-3)
    assert 500 - ends.min() == pytest.approx(100 / 0.90, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_the_way_to_the_nearest_is_as_long_as_the_walk(seed):
    town = lattice(np.random.default_rng(seed))
    survey = Survey.of(town)
    walks = assess_coverage(town).walks.set_index(["building_id", "category"])
    compared = 0
    for name, home in town.buildings.geometry.items():
        try:
            found = reach_from(survey, (home.x, home.y), 1000.0).nearest()
        except UsageError:
            continue
        for category, row in found.iterrows():
            expected = walks.loc[(name, category)]
            assert row["walk_m"] == pytest.approx(expected["walk_m"], abs=1e-3)
            assert row["facility_id"] == expected["facility_id"]
            assert row["geometry"].length == pytest.approx(row["walk_m"], abs=1e-2)
            compared += 1
    assert compared > 5


@pytest.mark.parametrize("seed", range(5))
def test_as_much_street_is_reached_as_of_streets_cut_to_short_pieces(seed):
    rng = np.random.default_rng(seed)
    town = lattice(rng)
    closing = close_street(town, str(rng.choice(town.streets.index)))
    survey = Survey.of(apply(town, closing))
    network, limit_m, pieces = survey.network, 400.0, 60
    xy = town.buildings.geometry.iloc[0]
    way = attach(network, np.array([[xy.x, xy.y]])).chosen(np.array([0]))
    graph, walked = nx.Graph(), []
    for edge in np.flatnonzero(network.is_entered()).tolist():
        start, end = network.edge_nodes[edge].tolist()
        length_m, barred = float(network.length_m[edge]), network.closed_by[edge] == BARRED
        nodes = [start, *((edge, at) for at in range(1, pieces)), end]
        # Nobody passes a closed street: from the place it is walked on, and from its ends into it.
        for at, (one, other) in enumerate(pairwise(nodes)):
            if not barred or at != pieces // 2 or edge == way.edge[0]:
                graph.add_edge(one, other, m=length_m / pieces)
            walked.append((one, other, length_m / pieces))
    nearest = round(float(way.offset_m[0]) / float(network.length_m[way.edge[0]]) * pieces)
    ends = network.edge_nodes[way.edge[0]].tolist()
    start = {0: ends[0], pieces: ends[1]}.get(nearest, (int(way.edge[0]), nearest))
    found = nx.single_source_dijkstra_path_length(graph, start, weight="m")
    left_m = limit_m - float(way.access_m[0])
    expected_m = sum(
        length_m
        for one, other, length_m in walked
        if max(found.get(one, 1e9), found.get(other, 1e9)) <= left_m
    )
    reached_m = shapely.length(reach_from(survey, (xy.x, xy.y), limit_m).streets()).sum()
    assert expected_m > 100
    # Each street is cut to 2.5 m: what lies beyond the last whole piece, and where the walk starts, differ.
    assert reached_m == pytest.approx(expected_m, abs=5.0 * len(walked) / pieces)
    assert reached_m == pytest.approx(expected_m, rel=0.05)


def test_a_place_off_the_network_is_refused():
    town = street_town(
        streets=[street("a", (0, 0), (9, 0))], buildings=[building("b", 0, 0)],
        facilities=[facility("f", 0, 0)], services=[service("f")],
    )  # fmt: skip
    with pytest.raises(UsageError, match="5000"):
        reach_from(Survey.of(town), (5000, 0), 100.0)


def test_from_an_estate_one_walks_through_its_open_gates():
    town = street_town(
        streets=[street("road", (0, 0), (500, 0), (1000, 0)), street("yard", (500, 0), (500, 150))],
        estates=[
            estate("E", box(400, 50, 600, 200)), estate("shut", box(700, 50, 800, 200)),
            estate("open", box(820, 10, 900, 40), walled=False),
        ],
        gates=[gate("g", "E", 500, 50), gate("h", "E", 600, 100, is_open=False), gate("s", "shut", 750, 50, is_open=False)],
        facilities=[facility("f", 300, 0)], services=[service("f")],
    )  # fmt: skip
    found = reach_from_estate(town, "E", 260.0)
    assert found.nearest().loc["kindergarten", "walk_m"] == pytest.approx(250, abs=1e-3)
    streets = shapely.union_all(found.streets())
    assert streets.length == pytest.approx(2 * 210 + 50 + 100, abs=1e-2)
    # Without a wall the outline is the way out: 10 m from the street.
    found = reach_from_estate(town, "open", 100.0)
    assert shapely.union_all(found.streets()).bounds[0] == pytest.approx(820 - 90, abs=1e-3)
    with pytest.raises(UsageError, match="shut"):
        reach_from_estate(town, "shut", 100.0)
    with pytest.raises(UsageError, match="nowhere"):
        reach_from_estate(town, "nowhere", 100.0)


def test_from_a_facility_one_walks_from_every_entrance():
    town = street_town(
        streets=[street("road", (0, 0), (1000, 0))],
        facilities=[facility("f", 500, 20), facility("g", 100, 0)], services=[service("g")],
        entrances=[
            {"entrance_id": one, "facility_id": "f", "geometry": shapely.Point(x, 10)}
            for one, x in (("west", 400), ("east", 600))
        ],
    )  # fmt: skip
    found = reach_from_facility(Survey.of(town), "f", 310.0)
    assert shapely.union_all(found.streets()).bounds == pytest.approx((100, 0, 900, 0), abs=1e-3)
    row = found.nearest().loc["kindergarten"]
    assert row["walk_m"] == pytest.approx(310, abs=1e-3)
    assert row["geometry"].length == pytest.approx(310, abs=1e-2)
    assert row["geometry"].coords[0] == (400, 10)
    with pytest.raises(UsageError, match="none"):
        reach_from_facility(Survey.of(town), "none", 100.0)
