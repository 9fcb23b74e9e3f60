"""The walking search equals scipy's, keeps its ties, and does not depend on how it is run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from spatial.errors import UsageError
from spatial.network import Network
from spatial.search import walk


@st.composite
def networks(draw):
    """A random network with whole lengths in centimetres, some of them zero, parallel edges and loops."""
    nodes = draw(st.integers(1, 30))
    edges = draw(st.lists(st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1)), max_size=80))
    lengths = draw(st.lists(st.integers(1, 5000), min_size=len(edges), max_size=len(edges)))
    seeds = draw(st.lists(st.tuples(st.integers(0, nodes - 1), st.integers(0, 3000)), max_size=12))
    limit = draw(st.integers(0, 20000))
    coordinates = np.random.default_rng(draw(st.integers(0, 99))).random((nodes, 2)) * 1000
    return (
        nodes,
        np.array(edges, int).reshape(-1, 2),
        np.array(lengths) / 100,
        seeds,
        limit / 100,
        coordinates,
    )


def scipy_walk(nodes, edges, lengths, seeds, limit_m):
    """Distances from each seed by scipy, and the first seed among the nearest."""
    best, nearest = np.full(nodes, np.inf), np.full(nodes, -1)
    shortest = {}
    for (one, other), length in zip(edges, lengths, strict=True):
        key = min(one, other), max(one, other)
        shortest[key] = min(length, shortest.get(key, np.inf))
    pairs = np.array([*shortest]).reshape(-1, 2).astype(int)
    graph = coo_array(
        (np.array([*shortest.values()], float), (pairs[:, 0], pairs[:, 1])), shape=(nodes, nodes)
    ).tocsr()
    for number, (node, start_cm) in enumerate(seeds):
        distance = dijkstra(graph, directed=False, indices=node) + start_cm / 100
        better = (distance < best - 1e-6) & (distance <= limit_m + 1e-6)
        best[better], nearest[better] = distance[better], number
    return best, nearest


@settings(max_examples=150, deadline=None)
@given(networks())
def test_equals_scipy_and_ties_go_to_the_lower_seed(case):
    nodes, edges, lengths, seeds, limit_m, coordinates = case
    network = Network.of_edges(edges, lengths, node_count=nodes, coordinates=coordinates)
    numbers = [node for node, _ in seeds], [start_cm / 100 for _, start_cm in seeds]
    distance, nearest = walk(network, numbers, limit_m)
    expected, seed = scipy_walk(nodes, edges, lengths, seeds, limit_m)
    assert np.allclose(distance, expected, atol=1e-3)
    assert np.array_equal(nearest, seed)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_order_of_storage_does_not_matter(case):
    nodes, edges, lengths, seeds, limit_m, coordinates = case
    numbers = [node for node, _ in seeds], [start_cm / 100 for _, start_cm in seeds]
    plain = walk(Network.of_edges(edges, lengths, node_count=nodes), numbers, limit_m)
    curved = walk(
        Network.of_edges(edges, lengths, node_count=nodes, coordinates=coordinates), numbers, limit_m
    )
    assert np.array_equal(plain[0], curved[0])
    assert np.array_equal(plain[1], curved[1])


@settings(max_examples=60, deadline=None)
@given(networks())
def test_one_more_seed_and_a_longer_limit_only_help(case):
    nodes, edges, lengths, seeds, limit_m, _ = case
    network = Network.of_edges(edges, lengths, node_count=nodes)
    starts = [node for node, _ in seeds], [start_cm / 100 for _, start_cm in seeds]
    fewer, _ = walk(network, (starts[0][:-1], starts[1][:-1]), limit_m)
    more, _ = walk(network, starts, limit_m)
    farther, _ = walk(network, starts, limit_m * 1.5)
    assert (more <= fewer).all()
    assert (farther <= more).all()
    assert np.array_equal(farther[np.isfinite(more)], more[np.isfinite(more)])


def test_the_limit_itself_is_within_the_limit():
    network = Network.of_edges([(0, 1), (1, 2)], [100.0, 50.0])
    assert walk(network, ([0], [0.0]), 150.0)[0].tolist() == [0.0, 100.0, 150.0]
    assert walk(network, ([0], [0.0]), 149.9999)[0].tolist() == [0.0, 100.0, np.inf]


@pytest.mark.parametrize(
    ("edges", "lengths"), [([(0, 1)], [-1.0]), ([(0, 1)], [np.nan]), ([(0, -1)], [1.0]), ([(0, 1)], [3e5])]
)
def test_what_is_no_network_is_refused(edges, lengths):
    with pytest.raises(UsageError):
        Network.of_edges(edges, lengths)


def test_a_seed_that_is_no_node_is_refused():
    network = Network.of_edges([(0, 1)], [1.0])
    with pytest.raises(UsageError, match="起点"):
        walk(network, ([2], [0.0]), 10.0)
