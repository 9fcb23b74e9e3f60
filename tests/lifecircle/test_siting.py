"""Siting: every model against brute force and an independent integer programme, and honest proofs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import dijkstra

from spatial.errors import UsageError
from spatial.lifecircle.siting import locate
from spatial.messages import LANGUAGES, use_language

MODELS = ("lscp", "mclp", "p_median", "p_center")


def measured(model, distances, weights, opened, limit_m):
    """Return the objective of a choice by its definition."""
    asking = (weights > 0) & (distances <= limit_m).any(axis=1) & np.isfinite(distances).any(axis=1)
    near = distances[asking][:, opened].min(axis=1, initial=np.inf)
    near = np.where(near <= limit_m, near, np.inf)
    if model == "mclp":
        return weights[asking][np.isfinite(near)].sum()
    if model == "p_median":
        return (weights[asking] * near).sum()
    longest = near.max(initial=0.0)
    return longest if model == "p_center" else (len(opened) if np.isfinite(longest) else np.inf)


def best_by_trying_all(model, distances, weights, count, *, limit_m, existing):
    new = [site for site in range(distances.shape[1]) if site not in existing]
    sizes = range(len(new) + 1) if model == "lscp" else [count]
    tried = [
        measured(model, distances, weights, [*chosen, *existing], limit_m)
        for size in sizes
        for chosen in combinations(new, size)
    ]
    if model == "lscp":
        return min(tried) - len(existing)
    return max(tried) if model == "mclp" else min(tried)


def stored(distances):
    reached = np.isfinite(distances)
    return sparse.csr_array((distances[reached], np.nonzero(reached)), shape=distances.shape)


@st.composite
def instances(draw):
    """Small instances with ties, twins, unreachable pairs, zero weights and existing sites."""
    demand, sites = draw(st.integers(0, 8)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    whole = draw(st.booleans())
    distances = rng.integers(0, 6, (demand, sites)) * 1.0 if whole else rng.random((demand, sites)) * 6
    distances[rng.random((demand, sites)) < draw(st.sampled_from([0, 0.3, 0.7]))] = np.inf
    weights = (rng.integers(0, 4, demand) * 1.0 if whole else rng.random(demand)) * (rng.random(demand) < 0.8)
    if draw(st.booleans()) and sites > 1:
        distances[:, 1] = distances[:, 0]
    if draw(st.booleans()) and demand > 1:
        distances[1] = distances[0]
    existing = rng.choice(sites, draw(st.integers(0, sites - 1)), replace=False).tolist()
    count = draw(st.integers(0, sites - len(existing)))
    return distances, weights, count, draw(st.sampled_from([1.0, 2.5, 4.0])), existing


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=150, deadline=None)
@given(instance=instances())
def test_every_model_equals_trying_all_choices(model, instance):
    distances, weights, count, limit_m, existing = instance
    count = None if model == "lscp" else count
    found = locate(model, distances, weights, count=count, limit_m=limit_m, existing=existing)
    expected = best_by_trying_all(model, distances, weights, count, limit_m=limit_m, existing=existing)

    assert found.objective == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert found.proven
    assert not set(found.sites.tolist()) & set(existing)
    if found.feasible:
        opened = [*found.sites.tolist(), *existing]
        again = measured(model, distances, weights, opened, limit_m)
        assert found.objective == pytest.approx(again - (len(existing) if model == "lscp" else 0))
    within = (distances <= limit_m).any(axis=1)
    assert found.unreachable.tolist() == np.flatnonzero((weights > 0) & ~within).tolist()


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=60, deadline=None)
@given(instance=instances(), seed=st.integers(0, 2**32 - 1))
def test_neither_storage_nor_order_changes_the_objective(model, instance, seed):
    distances, weights, count, limit_m, existing = instance
    count = None if model == "lscp" else count
    dense = locate(model, distances, weights, count=count, limit_m=limit_m, existing=existing)
    thin = locate(model, stored(distances), weights, count=count, limit_m=limit_m, existing=existing)
    assert thin.sites.tolist() == dense.sites.tolist()
    assert thin.unreachable.tolist() == dense.unreachable.tolist()
    assert thin.objective == dense.objective

    rng = np.random.default_rng(seed)
    rows, columns = (rng.permutation(size) for size in distances.shape)
    places = np.argsort(columns)[existing].tolist()
    mixed = locate(
        model,
        distances[rows][:, columns],
        weights[rows],
        count=count,
        limit_m=limit_m,
        existing=places,
    )
    assert mixed.objective == pytest.approx(dense.objective, rel=1e-9, abs=1e-12)


def programme(model, distances, weights, count, limit_m):
    """Solve by the textbook formulation with scipy's interface, for instances where all is reached."""
    demand, sites = distances.shape
    if model in {"lscp", "mclp"}:
        reach = (distances <= limit_m).astype(float)
    if model == "lscp":
        return milp(np.ones(sites), constraints=LinearConstraint(reach, 1), integrality=1, bounds=(0, 1)).fun
    opened = LinearConstraint(np.append(np.ones(sites), np.zeros(demand))[None], 0, count)
    if model == "mclp":
        return -milp(
            np.append(np.zeros(sites), -weights),
            constraints=[LinearConstraint(np.hstack([reach, -np.eye(demand)]), 0), opened],
            integrality=1,
            bounds=(0, 1),
            options={"mip_rel_gap": 0},
        ).fun
    pairs = demand * sites
    row, site = np.divmod(np.arange(pairs), sites)
    once = sparse.csr_array((np.ones(pairs), (row, sites + np.arange(pairs))), shape=(demand, sites + pairs))
    only_open = sparse.hstack(
        [
            sparse.csr_array((-np.ones(pairs), (np.arange(pairs), site)), shape=(pairs, sites)),
            sparse.eye_array(pairs),
        ]
    )
    return milp(
        np.append(np.zeros(sites), (distances * weights[:, None]).ravel()),
        constraints=[
            LinearConstraint(once, 1, 1),
            LinearConstraint(only_open, -np.inf, 0),
            LinearConstraint(np.append(np.ones(sites), np.zeros(pairs))[None], count, count),
        ],
        integrality=np.append(np.ones(sites), np.zeros(pairs)),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0},
    ).fun


def street_network(nodes, rng):
    """Return shortest paths of a random connected network: each node joined to its four nearest."""
    place = rng.random((nodes, 2)) * 3000
    apart = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    row, column = np.nonzero(np.argsort(np.argsort(apart, axis=1), axis=1) <= 4)
    chain = np.argsort(place[:, 0])
    row, column = np.append(row, chain[:-1]), np.append(column, chain[1:])
    return dijkstra(sparse.csr_array((apart[row, column], (row, column)), shape=apart.shape), directed=False)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("model", ["lscp", "mclp", "p_median"])
def test_covers_and_medians_equal_the_textbook_programme(model, seed):
    rng = np.random.default_rng(seed)
    demand, sites = rng.random((90, 1, 2)) * 1000, rng.random((1, 40, 2)) * 1000
    distances = np.abs(demand - sites).sum(axis=2)
    distances = np.rint(distances) if seed % 2 else distances
    distances[:, 0] = np.minimum(distances[:, 0], 200 + rng.random(90))
    weights = rng.integers(1, 60, 90).astype(float)
    limit_m = None if model == "p_median" else 210.0
    count = None if model == "lscp" else 6
    distances = distances[(distances <= 210).any(axis=1)]
    weights = weights[: len(distances)]
    found = locate(model, distances, weights, count=count, limit_m=limit_m)
    assert found.proven
    assert found.objective == pytest.approx(programme(model, distances, weights, 6, limit_m), rel=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_a_p_center_is_the_least_radius_whose_cover_needs_no_more_sites(seed):
    rng = np.random.default_rng(seed)
    distances = street_network(80, rng)
    found = locate("p_center", distances, np.ones(80), count=5)
    assert found.proven
    assert distances[:, found.sites].min(axis=1).max() == found.objective
    smaller = np.unique(distances[distances < found.objective])[-1]
    assert programme("lscp", distances, None, None, found.objective) <= 5
    assert programme("lscp", distances, None, None, smaller) > 5


@pytest.mark.parametrize(("nodes", "count"), [(100, 5), (100, 20), (160, 12)])
def test_a_p_median_on_a_network_is_the_proven_optimum(nodes, count):
    rng = np.random.default_rng(nodes + count)
    distances = street_network(nodes, rng)
    weights = rng.integers(1, 200, nodes).astype(float)
    found = locate("p_median", distances, weights, count=count)
    assert found.proven
    assert found.bound == pytest.approx(found.objective, rel=1e-9)
    assert found.objective == pytest.approx(programme("p_median", distances, weights, count, None), rel=1e-7)


def programme_of_the_nearest(distances, weights, count, kept):
    """Solve a p-median with the nearest sites of each demand alone, all others at the cost of the next one.

    Returns a bound on the least total, and whether no demand went to the others: then it is the least total.
    """
    demand, sites = distances.shape
    order = np.argsort(distances, axis=1, kind="stable")[:, : kept + 1]
    near = np.take_along_axis(distances, order, axis=1) * weights[:, None]
    site, row, pairs = order[:, :kept].ravel(), np.repeat(np.arange(demand), kept), demand * kept
    ones, columns = np.ones(pairs), np.arange(pairs)
    once = sparse.hstack([
        sparse.csr_array((demand, sites)),
        sparse.csr_array((ones, (row, columns)), shape=(demand, pairs)),
        sparse.eye_array(demand),
    ])  # fmt: skip
    only_open = sparse.hstack([
        sparse.csr_array((-ones, (columns, site)), shape=(pairs, sites)),
        sparse.eye_array(pairs),
        sparse.csr_array((pairs, demand)),
    ])  # fmt: skip
    rest = np.zeros(pairs + demand)
    opened = sparse.csr_array(np.append(np.ones(sites), rest)[None])
    found = milp(
        np.concatenate([np.zeros(sites), near[:, :kept].ravel(), near[:, kept]]),
        constraints=[
            LinearConstraint(once, 1, 1),
            LinearConstraint(only_open, -np.inf, 0),
            LinearConstraint(opened, count, count),
        ],
        integrality=np.append(np.ones(sites), rest),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )
    return found.fun, found.x[-demand:].max() < 1e-9


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["weighted", "unweighted", "ties"])
@pytest.mark.parametrize(("nodes", "count"), [(200, 20), (200, 40), (300, 30), (400, 20), (400, 40)])
def test_p_medians_of_hundreds_of_nodes_equal_an_independent_programme(nodes, count, kind, seed):
    rng = np.random.default_rng((nodes, count, seed))
    distances = street_network(nodes, rng)
    distances = np.rint(distances / 20) * 20 if kind == "ties" else distances
    weights = np.ones(nodes) if kind == "unweighted" else rng.integers(1, 200, nodes).astype(float)
    found = locate("p_median", distances, weights, count=count)
    assert found.proven
    total, is_least = programme_of_the_nearest(distances, weights, count, 4 * nodes // count)
    assert is_least
    assert found.objective == pytest.approx(total, rel=1e-7)


@pytest.mark.parametrize("count", [10, 40])
def test_a_p_median_of_400_nodes_is_proven(count):
    rng = np.random.default_rng(count)
    distances = street_network(400, rng)
    weights = rng.integers(1, 200, 400).astype(float)
    found = locate("p_median", distances, weights, count=count)
    assert found.proven
    assert measured("p_median", distances, weights, found.sites, np.inf) == pytest.approx(found.objective)


def test_an_answer_without_time_for_a_proof_is_not_called_proven():
    rng = np.random.default_rng(5)
    distances = street_network(300, rng)
    weights = rng.integers(1, 200, 300).astype(float)
    quick = locate("p_median", distances, weights, count=30, time_limit_s=0)
    full = locate("p_median", distances, weights, count=30)
    assert full.proven
    assert not quick.proven
    assert quick.gap > 0
    assert quick.bound <= full.objective <= quick.objective
    assert quick.objective < 1.05 * full.objective


@pytest.mark.parametrize("model", MODELS)
def test_bounds_without_time_still_hold(model):
    rng = np.random.default_rng(11)
    distances = street_network(60, rng)
    weights = rng.integers(1, 20, 60).astype(float)
    settings_ = {
        "count": None if model == "lscp" else 4,
        "limit_m": 600.0 if model in {"lscp", "mclp"} else None,
    }
    quick = locate(model, distances, weights, **settings_, time_limit_s=0)
    full = locate(model, distances, weights, **settings_)
    better = -1 if model == "mclp" else 1
    assert better * quick.bound <= better * full.objective <= better * quick.objective
    assert full.proven


def test_demand_out_of_reach_is_named_and_the_rest_is_served():
    distances = np.array([[100.0, np.inf], [np.inf, 200.0], [np.inf, np.inf], [np.inf, 900.0]])
    found = locate("lscp", distances, np.array([1.0, 1.0, 1.0, 1.0]), limit_m=500.0)
    assert found.unreachable.tolist() == [2, 3]
    assert found.sites.tolist() == [0, 1]
    assert found.proven


@pytest.mark.parametrize("model", ["p_median", "p_center"])
def test_too_few_sites_to_reach_all_is_proved_and_gives_no_sites(model):
    distances = np.where(np.eye(3) > 0, 10.0, np.inf)
    found = locate(model, distances, np.ones(3), count=2)
    assert not found.feasible
    assert found.proven
    assert found.sites.size == 0
    assert found.unreachable.size == 0


def test_a_feasible_choice_is_found_where_greedy_misses_it():
    # Greedy takes the middle site, which reaches most; only the two others together reach all.
    distances = np.full((6, 3), np.inf)
    distances[[0, 1, 2], 0] = 10.0
    distances[[3, 4, 5], 1] = 10.0
    distances[[1, 2, 3, 4], 2] = 1.0
    found = locate("p_median", distances, np.ones(6), count=2)
    assert found.sites.tolist() == [0, 1]
    assert found.objective == 60.0


def test_existing_sites_are_open_and_not_counted():
    distances = np.array([[0.0, 300.0, 900.0], [300.0, 0.0, 600.0], [900.0, 600.0, 0.0]])
    found = locate("p_median", distances, np.ones(3), count=1, existing=[0])
    assert found.sites.tolist() == [2]
    assert found.objective == 300.0
    assert locate("lscp", distances, np.ones(3), limit_m=300.0, existing=[0]).sites.tolist() == [2]


def test_a_stored_zero_is_a_walk_of_nothing_and_the_shorter_of_two_entries_holds():
    entries = sparse.coo_array(([0.0, 700.0, 300.0], ([0, 1, 1], [0, 0, 0])), shape=(2, 1))
    found = locate("p_median", entries, np.array([5.0, 2.0]), count=1)
    assert found.objective == 600.0
    assert found.unreachable.size == 0


def test_nothing_to_serve_and_no_sites_are_answers():
    assert locate("p_median", np.empty((0, 3)), np.empty(0), count=2).objective == 0.0
    assert locate("p_center", np.empty((0, 3)), np.empty(0), count=2).proven
    nothing = locate("lscp", np.empty((2, 0)), np.ones(2), limit_m=1.0)
    assert nothing.unreachable.tolist() == [0, 1]


def test_inputs_are_left_as_they_were():
    distances, weights = stored(street_network(30, np.random.default_rng(1))), np.ones(30)
    before = distances.copy()
    locate("p_median", distances, weights, count=3)
    locate("p_center", distances, weights, count=3)
    assert (distances != before).nnz == 0
    assert (weights == 1).all()


NEAR = np.ones((2, 2))
WRONG = [
    ("unknown_model", ("p_hub", NEAR, [1, 1]), {}),
    ("weights_shape", ("mclp", NEAR, [[1, 1]]), {"count": 1, "limit_m": 1}),
    ("wrong_weight", ("mclp", NEAR, [1, np.nan]), {"count": 1, "limit_m": 1}),
    ("wrong_weight", ("mclp", NEAR, [1, -1]), {"count": 1, "limit_m": 1}),
    ("distances_shape", ("mclp", NEAR, [1, 1, 1]), {"count": 1, "limit_m": 1}),
    ("distances_shape", ("mclp", np.ones(2), [1, 1]), {"count": 1, "limit_m": 1}),
    ("wrong_distance", ("p_median", [[1, np.nan], [1, 1]], [1, 1]), {"count": 1}),
    ("wrong_distance", ("p_median", sparse.csr_array([[1.0, -2.0], [1.0, 1.0]]), [1, 1]), {"count": 1}),
    ("wrong_existing", ("p_median", NEAR, [1, 1]), {"count": 1, "existing": [2]}),
    ("wrong_existing", ("p_median", NEAR, [1, 1]), {"count": 1, "existing": [0.5]}),
    ("count_with_lscp", ("lscp", NEAR, [1, 1]), {"count": 1, "limit_m": 1}),
    ("wrong_count", ("p_median", NEAR, [1, 1]), {}),
    ("wrong_count", ("p_median", NEAR, [1, 1]), {"count": -1}),
    ("wrong_count", ("p_median", NEAR, [1, 1]), {"count": 1.5}),
    ("count_above_candidates", ("p_median", NEAR, [1, 1]), {"count": 2, "existing": [0]}),
    ("limit_missing", ("mclp", NEAR, [1, 1]), {"count": 1}),
    ("wrong_limit", ("mclp", NEAR, [1, 1]), {"count": 1, "limit_m": -1}),
    ("wrong_limit", ("mclp", NEAR, [1, 1]), {"count": 1, "limit_m": np.nan}),
    ("wrong_time_limit", ("p_median", NEAR, [1, 1]), {"count": 1, "time_limit_s": -1}),
]


@pytest.mark.parametrize(("rule", "arguments", "keywords"), WRONG)
def test_wrong_arguments_are_refused_in_both_languages(rule, arguments, keywords):
    with pytest.raises(UsageError) as caught:
        locate(*arguments, **keywords)
    assert caught.value.statement.key == f"siting.{rule}"
    for language in LANGUAGES:
        with use_language(language):
            assert "{" not in str(caught.value)
