"""Closed streets: where they are barred, and that nothing else changes."""

from __future__ import annotations

import numpy as np

from spatial.network import BARRED, CLOSED, attach, build_network
from tests.network.test_walls import joined, node_at
from tests.streets import barrier, box, estate, gate, street, street_town

ROUND = [
    street("shut", (0, 0), (300, 0), access="closed"),
    street("round", (0, 0), (0, 99), (300, 99), (300, 0)),
]


def barred_places(network) -> list[tuple[float, float]]:
    """Return the middles of the barred edges."""
    edges = np.flatnonzero(network.closed_by == BARRED)
    return sorted(tuple(one) for one in network.node_xy[network.edge_nodes[edges]].mean(axis=1).tolist())


def test_a_closed_street_is_not_passed_but_left_by_either_end():
    network = build_network(street_town(streets=ROUND))
    assert barred_places(network) == [(150.0, 0.0)]
    edge = int(np.flatnonzero(network.closed_by == BARRED)[0])
    assert attach(network, np.array([[100.0, 5.0]])).edge.tolist() == [edge]
    assert network.cost[edge].tolist() == [3_000_000, 3_000_000]
    assert network.passing()[edge].tolist() == [CLOSED, CLOSED]


def test_it_is_barred_between_any_two_side_streets():
    side = [street("side", (100, 0), (100, 50)), street("other", (250, 0), (250, 50), access="closed")]
    shut = street("shut", (0, 0), (100, 0), (250, 0), (300, 0), access="closed")
    network = build_network(street_town(streets=[shut, *side]))
    assert barred_places(network) == [(50.0, 0.0), (175.0, 0.0), (250.0, 25.0), (275.0, 0.0)]
    # A side street that is closed itself counts: what bars one street does not hang on another.
    alone = build_network(street_town(streets=[shut, side[0], street("other", (250, 0), (250, 50))]))
    assert barred_places(alone) == [(50.0, 0.0), (175.0, 0.0), (275.0, 0.0)]


def test_from_a_gate_the_nearer_end_stays_open():
    walled = estate("E", box(50, 20, 150, 90))
    network = build_network(
        street_town(streets=[ROUND[0], street("round", (0, 0), (0, 199), (300, 199), (300, 0))],
                    estates=[walled], gates=[gate("g", "E", 100, 20)])
    )  # fmt: skip
    assert barred_places(network) == [(200.0, 0.0)]
    at_gate = network.edge_nodes[network.gate >= 0].ravel()
    west, landing = node_at(network, 0, 0), node_at(network, 100, 0)
    assert joined(network, west, landing)
    assert all(joined(network, int(one), west) for one in at_gate)


def test_what_a_river_cuts_is_barred_on_either_bank():
    river = barrier("river", (120, -50), (120, 50))
    network = build_network(street_town(streets=ROUND[:1], barriers=[river]))
    assert barred_places(network) == [(60.0, 0.0), (210.0, 0.0)]
