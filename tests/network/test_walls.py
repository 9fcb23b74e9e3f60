"""Hand-made networks: gates, walls, bridges, barriers, islands, and where points are attached."""

from __future__ import annotations

import numpy as np
import pytest

from spatial.network import KINDS, attach, build_network
from tests.streets import barrier, box, estate, gate, street, street_town

WALLED = estate("E", box(50, 50, 150, 150))
ROADS = [street("out", (0, 0), (100, 0), (800, 0)), street("in", (100, 0), (100, 100), (100, 140))]


def joined(network, one: int, other: int) -> bool:
    return bool(network.component[one] == network.component[other])


def node_at(network, x: float, y: float, side: int = 0) -> int:
    """Return a node at a place that an edge of a side ends at."""
    here = np.flatnonzero(np.hypot(*(network.node_xy - (x, y)).T) < 1e-6)
    ends = network.edge_nodes[(network.side == side) & (network.street >= 0)]
    return next(int(node) for node in here if node in ends)


def test_streets_meet_at_shared_vertices_only():
    town = street_town(
        streets=[
            street("a", (0, 0), (50, 0), (100, 0)),
            street("b", (50, 0), (50, 50)),
            street("c", (70, -9), (70, 9)),
        ]
    )
    network = build_network(town)
    assert joined(network, node_at(network, 0, 0), node_at(network, 50, 50))
    assert not joined(network, node_at(network, 0, 0), node_at(network, 70, 9))


def test_repeated_points_and_lines_without_length_do_no_harm():
    town = street_town(
        streets=[street("a", (0, 0), (0, 0), (9, 0), (9, 0), (20, 0)), street("b", (5, 5), (5, 5))]
    )
    network = build_network(town)
    assert network.length_m.tolist() == [20.0]


def test_a_walled_estate_is_entered_by_its_open_gate_only():
    for is_open, reaches in ((True, True), (False, False), (None, True)):
        town = street_town(streets=ROADS, estates=[WALLED], gates=[gate("g", "E", 100, 50, is_open=is_open)])
        network = build_network(town)
        assert joined(network, node_at(network, 0, 0), node_at(network, 100, 140, side=1)) is reaches


def test_a_wall_without_a_gate_cuts_the_street_and_says_so():
    network = build_network(street_town(streets=ROADS, estates=[WALLED]))
    assert not joined(network, node_at(network, 0, 0), node_at(network, 100, 140, side=1))
    assert network.report.of_rule("walled_without_gates")[0].statement.ids == ("E",)
    assert network.report.of_rule("cut_wall")[0].statement.ids == ("in",)


@pytest.mark.parametrize("walled", [None, False])
def test_an_estate_not_said_to_be_walled_is_open(walled):
    network = build_network(
        street_town(streets=ROADS, estates=[estate("E", box(50, 50, 150, 150), walled=walled)])
    )
    assert joined(network, node_at(network, 0, 0), node_at(network, 100, 140))


def test_a_gate_without_a_crossing_street_is_linked_to_both_sides():
    roads = [ROADS[0], street("yard", (60, 70), (140, 70))]
    town = street_town(streets=roads, estates=[WALLED], gates=[gate("g", "E", 80, 50)])
    network = build_network(town)
    assert joined(network, node_at(network, 0, 0), node_at(network, 140, 70, side=1))
    ways = attach(network, np.array([[140.0, 80.0]]))
    assert network.street_id[ways.edge[0]] == "yard"


def test_an_estate_without_streets_is_left_straight_to_the_gates():
    town = street_town(
        streets=[ROADS[0]],
        estates=[WALLED],
        gates=[gate("g", "E", 80, 50), gate("h", "E", 120, 50, is_open=False)],
    )
    network = build_network(town)
    ways = attach(network, np.array([[80.0, 90.0]]))
    assert sorted(network.gate_id[ways.edge]) == ["g", "h"]
    assert ways.access_m.tolist() == pytest.approx([40.0, np.hypot(40, 40)])


def test_a_gate_far_from_any_street_leads_nowhere_and_one_off_the_outline_is_not_used():
    gates = [gate("far", "E", 100, 150), gate("off", "E", 400, 400), gate("g", "E", 100, 50)]
    report = build_network(street_town(streets=ROADS, estates=[WALLED], gates=gates)).report
    assert report.of_rule("gate_leads_nowhere")[0].statement.ids == ("far",)
    assert report.of_rule("gate_off_outline")[0].statement.ids == ("off",)


def test_a_street_along_the_wall_is_outside_and_not_cut():
    roads = [street("edge", (0, 50), (50, 50), (100, 50), (200, 50)), street("in", (100, 50), (100, 100))]
    network = build_network(street_town(streets=roads, estates=[WALLED]))
    assert joined(network, node_at(network, 0, 50), node_at(network, 200, 50))
    assert not joined(network, node_at(network, 0, 50), node_at(network, 100, 100, side=1))


def test_rivers_part_and_bridges_and_tunnels_pass():
    river = barrier("river", (-10, 30), (300, 30))
    for column, reaches in ((None, False), ("bridge", True), ("tunnel", True)):
        over = street("over", (100, 0), (100, 60), **({column: True} if column else {}))
        town = street_town(streets=[ROADS[0], over, street("far", (100, 60), (200, 60))], barriers=[river])
        network = build_network(town)
        assert joined(network, node_at(network, 0, 0), node_at(network, 200, 60)) is reaches


def test_a_river_drawn_as_an_area_closes_what_lies_in_it():
    river = barrier("river", (-10, 20), (300, 20), (300, 40), (-10, 40), area=True)
    network = build_network(street_town(streets=[street("s", (100, 0), (100, 60))], barriers=[river]))
    closed = [KINDS[kind] for kind in network.closed_by if kind]
    assert closed == ["river"]
    assert network.length_m[network.closed_by > 0].tolist() == [pytest.approx(20.0)]
    assert not joined(network, node_at(network, 100, 0), node_at(network, 100, 60))


def test_a_junction_on_a_barrier_joins_each_bank_with_itself():
    roads = [
        street("west", (-50, 40), (0, 0)), street("west2", (-50, -40), (0, 0)),
        street("east", (0, 0), (50, 40)), street("east2", (0, 0), (50, -40)),
        street("bridge", (0, 0), (0, 100), bridge=True),
    ]  # fmt: skip
    rail = barrier("railway", (0, -100), (0, 200))
    network = build_network(street_town(streets=roads[:4], barriers=[rail]))
    assert joined(network, node_at(network, -50, 40), node_at(network, -50, -40))
    assert joined(network, node_at(network, 50, 40), node_at(network, 50, -40))
    assert not joined(network, node_at(network, -50, 40), node_at(network, 50, 40))
    # A bridge that ends on the railway's line comes down on both hands.
    network = build_network(street_town(streets=roads, barriers=[rail]))
    assert joined(network, node_at(network, -50, 40), node_at(network, 50, 40))


@pytest.mark.parametrize(
    ("kind", "stated", "blocks"),
    [("main_road", None, False), ("main_road", True, True), ("wall", None, True), ("railway", False, False)],
)
def test_a_barrier_blocks_by_its_kind_unless_it_says_otherwise(kind, stated, blocks):
    line = barrier(kind, (50, -50), (50, 50), blocks_walking=stated)
    network = build_network(street_town(streets=[street("s", (0, 0), (100, 0))], barriers=[line]))
    assert joined(network, node_at(network, 0, 0), node_at(network, 100, 0)) is not blocks


def test_a_gate_opens_a_wall_drawn_beside_its_outline():
    wall = barrier("wall", (40, 45), (160, 45))
    for is_open in (True, False):
        town = street_town(
            streets=ROADS, estates=[WALLED], gates=[gate("g", "E", 100, 50, is_open=is_open)], barriers=[wall]
        )
        network = build_network(town)
        assert joined(network, node_at(network, 0, 0), node_at(network, 100, 140, side=1)) is is_open


def test_rules_remove_streets_and_log_them():
    roads = [
        street("kept", (0, 0), (9, 0), foot="yes"), street("drawn", (0, 1), (9, 1), role="outline"),
        street("shut", (0, 2), (9, 2), foot="no"), street("fast", (0, 3), (9, 3), **{"class": "motorway"}),
        street("pavement", (0, 4), (9, 4), foot="designated", **{"class": "motorway"}),
    ]  # fmt: skip
    network = build_network(street_town(streets=roads))
    assert sorted(network.street_id) == ["kept", "pavement"]
    assert dict(zip(network.removed["street_id"], network.removed["rule"], strict=True)) == {
        "drawn": "outline_only", "shut": "foot_forbidden", "fast": "class_without_walkers",
    }  # fmt: skip


def test_points_take_the_nearest_edge_that_no_barrier_hides_and_no_islet():
    roads = [
        street("main", (0, 0), (600, 0)), street("bank", (0, 60), (600, 60)), street("islet", (100, 25), (120, 25)),
    ]  # fmt: skip
    river = barrier("river", (0, 50), (600, 50))
    network = build_network(street_town(streets=roads, barriers=[river]))
    ways = attach(network, np.array([[300.0, 45.0], [110.0, 26.0], [300.0, 400.0]]))
    used = ways.chosen(ways.rank == 0)
    assert used.point.tolist() == [0, 1]
    assert [network.street_id[edge] for edge in used.edge] == ["main", "main"]
    assert used.access_m.tolist() == pytest.approx([45.0, 26.0])
    assert used.offset_m.tolist() == pytest.approx([300.0, 110.0])


def test_nothing_walkable_is_said():
    network = build_network(street_town(streets=[street("s", (0, 0), (9, 0), role="outline")]))
    assert network.report.of_rule("nothing_walkable")
    assert len(attach(network, np.array([[1.0, 1.0]]))) == 0
