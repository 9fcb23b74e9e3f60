"""Labels repaired after an edit equal labels searched from scratch, edit upon edit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.network import CLOSED, Network, steps
from spatial.search import Labels, Repair, Seeds, label

LIMIT_M = 400.0


def some_network(rng, nodes):
    """Join nodes at random by about two edges each; lengths are few, so that many walks are equally long."""
    ends = rng.integers(0, nodes, (2 * nodes, 2))
    return Network.of_edges(
        ends[ends[:, 0] != ends[:, 1]],
        rng.choice([50.0, 100.0, 150.0], (ends[:, 0] != ends[:, 1]).sum()),
        node_count=nodes,
    )


def some_seeds(rng, network, numbers):
    """Put a seed of every number on a node."""
    node = rng.integers(0, network.node_count, len(numbers)).astype(np.int32)
    return Seeds.sorted(node, steps(rng.choice([0.0, 50.0], len(numbers))), numbers.astype(np.int32))


def edited(rng, network):
    """Close an edge, open another, and add a node on two new edges; return the network and both sets of edges."""
    is_closed = network.cost[:, 0] == CLOSED
    closed = rng.choice(np.flatnonzero(~is_closed), 1)
    opened = rng.permutation(np.flatnonzero(is_closed))[:1]
    cost = network.cost.copy()
    cost[closed] = CLOSED
    cost[opened] = steps(network.length_m[opened])[:, None]
    new = network.node_count
    ends = np.array([[rng.integers(new), new], [new, rng.integers(new)]], np.int32)
    after = replace(
        network,
        edge_nodes=np.concatenate([network.edge_nodes, ends]),
        length_m=np.append(network.length_m, [50.0, 50.0]),
        cost=np.concatenate([cost, np.repeat(steps([50.0, 50.0])[:, None], 2, axis=1)]),
        node_xy=np.full((new + 1, 2), np.nan),
    )
    return after, closed, np.append(opened, len(cost) + np.arange(2))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 60), st.integers(1, 4))
def test_labels_repaired_edit_upon_edit_equal_labels_from_scratch(seed, nodes, edits):
    rng = np.random.default_rng(seed)
    network = some_network(rng, nodes)
    seeds = some_seeds(rng, network, np.arange(5))
    labels = label(network, seeds, LIMIT_M)
    first = labels.words.copy()
    held = labels
    for _ in range(edits):
        after, closed, opened = edited(rng, network)
        moved = rng.integers(5)
        gone = seeds.numbered(np.array([moved]))
        kept = seeds.numbered(np.delete(np.arange(5), moved))
        come = some_seeds(rng, after, np.array([moved]))
        now = Seeds(np.append(kept.node, come.node), np.append(kept.label, come.label))
        repaired, changed = Repair(network, after, closed, opened).repaired(labels, now, LIMIT_M, gone)

        anew = label(after, now, LIMIT_M)
        assert np.array_equal(repaired.words, anew.words)
        assert np.array_equal(repaired.at(np.arange(after.node_count)), anew.words)
        before = Labels.of(np.append(labels.words, Labels.empty(1).words))
        assert np.array_equal(changed, np.flatnonzero(before.words != anew.words))
        network, seeds, labels = after, now, repaired
    assert np.array_equal(held.words, first), "labels before an edit stay as they are"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 30))
def test_an_edit_that_concerns_no_label_changes_none(seed, nodes):
    rng = np.random.default_rng(seed)
    network = some_network(rng, nodes)
    seeds = some_seeds(rng, network, np.arange(3))
    labels = label(network, seeds, LIMIT_M)
    cost = network.cost.copy()
    closed = rng.choice(len(cost), 2, replace=False)
    cost[closed] = CLOSED
    after = network.with_cost(cost)
    none = np.zeros(0, np.int64)
    same = np.array_equal(label(after, seeds, LIMIT_M).words, labels.words)
    assert same or Repair(network, after, closed, none).concerns(labels)
    back = label(after, seeds, LIMIT_M)
    assert same or Repair(after, network, none, closed).concerns(back)
