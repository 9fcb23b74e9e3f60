"""Workers to grids, against every assignment there is and against another solver."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.ledgers import match

_NOBODY = -1


def _all_assignments(walk_m, load, most_grids, most_load):
    grids, workers = walk_m.shape
    for one in itertools.product(range(workers), repeat=grids):
        chosen = np.array(one)
        if not np.isfinite(walk_m[np.arange(grids), chosen]).all():
            continue
        held = np.bincount(chosen, minlength=workers)
        loads = np.bincount(chosen, weights=load, minlength=workers)
        if (held <= most_grids).all() and (loads <= most_load).all():
            yield chosen


def _value(chosen, walk_m, today):
    grids = np.arange(chosen.size)
    changes = int(((today >= 0) & (today != chosen)).sum())
    return changes, round(float(walk_m[grids, chosen].sum()), 1)


@st.composite
def problems(draw):
    grids, workers = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    walks = st.one_of(st.integers(0, 40), st.just(np.inf))
    walk_m = np.array(
        draw(st.lists(st.lists(walks, min_size=workers, max_size=workers), min_size=grids, max_size=grids)),
        float,
    )
    load = np.array(draw(st.lists(st.integers(1, 9), min_size=grids, max_size=grids)), float)
    most_grids = np.array(draw(st.lists(st.integers(0, 3), min_size=workers, max_size=workers)))
    limit = st.one_of(st.integers(3, 18).map(float), st.just(np.inf))
    most_load = np.array(draw(st.lists(limit, min_size=workers, max_size=workers)))
    today = np.array(draw(st.lists(st.integers(-1, workers - 1), min_size=grids, max_size=grids)))
    worth = draw(st.one_of(st.none(), st.integers(0, 30)))
    return walk_m, load, most_grids, most_load, today, worth


@settings(max_examples=80, deadline=None)
@given(problems())
def test_the_best_of_all_assignments_is_found_and_proved(problem):
    walk_m, load, most_grids, most_load, today, worth = problem
    found = match(walk_m, load, most_grids=most_grids, most_load=most_load, today=today, change_worth_m=worth)
    every = list(_all_assignments(walk_m, load, most_grids, most_load))
    if not every:
        assert found.status == "infeasible"
        assert found.worker is None
        _assert_witness(found.shortage, walk_m, load, most_grids, most_load)
        return
    values = [_value(one, walk_m, today) for one in every]
    assert any((found.worker == one).all() for one in every)
    assert found.status == "optimal"
    mine = _value(found.worker, walk_m, today)
    assert mine == (found.changes, found.walk_m) == (found.changes_bound, found.walk_bound_m)
    if worth is None:
        assert mine == min(values)
    else:
        assert mine[1] + worth * mine[0] == pytest.approx(min(walk + worth * some for some, walk in values))


def _assert_witness(shortage, walk_m, load, most_grids, most_load):
    able = np.isfinite(walk_m) & (load[:, None] <= most_load[None, :]) & (most_grids > 0)[None, :]
    assert len(shortage.grids) > 0
    if shortage.kind == "reach":
        assert set(np.flatnonzero(able[shortage.grids].any(axis=0))) == set(shortage.workers)
        assert shortage.capacity == np.minimum(most_grids, len(load))[shortage.workers].sum()
        assert shortage.capacity < len(shortage.grids)
        assert shortage.lacking >= len(shortage.grids) - shortage.capacity


def test_hundreds_of_grids_agree_with_the_simplex_method_for_networks():
    rng = np.random.default_rng(3)
    grids, workers = 60, 70
    walk_m = np.rint(rng.random((grids, workers)) * 3000)
    today = np.where(rng.random(grids) < 0.8, rng.permutation(workers)[:grids], _NOBODY)
    found = match(
        walk_m,
        np.ones(grids),
        most_grids=np.ones(workers, int),
        most_load=np.full(workers, np.inf),
        today=today,
        change_worth_m=500,
    )
    graph = nx.DiGraph()
    graph.add_node("end", demand=grids)
    for grid in range(grids):
        graph.add_node(("g", grid), demand=-1)
        for worker in range(workers):
            changed = today[grid] not in {_NOBODY, worker}
            graph.add_edge(
                ("g", grid), ("w", worker), weight=int(walk_m[grid, worker]) + 500 * changed, capacity=1
            )
    for worker in range(workers):
        graph.add_edge(("w", worker), "end", weight=0, capacity=1)
    assert found.status == "optimal"
    assert found.walk_m + 500 * found.changes == nx.min_cost_flow_cost(graph)


def test_todays_worker_stays_however_far_unless_a_change_is_worth_it():
    walk_m = np.array([[900.0, 10.0], [10.0, 900.0]])
    common = {"most_grids": np.ones(2, int), "most_load": np.full(2, np.inf), "today": np.array([0, 1])}
    assert match(walk_m, np.ones(2), **common).worker.tolist() == [0, 1]
    assert match(walk_m, np.ones(2), **common, change_worth_m=889).worker.tolist() == [1, 0]
    assert match(walk_m, np.ones(2), **common, change_worth_m=891).worker.tolist() == [0, 1]


def test_loads_that_do_not_fit_together_are_proved_not_to():
    # Three grids of 2 and two workers of 3 each: grids for both, room for two.
    found = match(
        np.zeros((3, 2)),
        np.full(3, 2.0),
        most_grids=np.array([2, 2]),
        most_load=np.array([3.0, 3.0]),
        today=np.full(3, _NOBODY),
    )
    assert (found.status, found.shortage.kind) == ("infeasible", "load")


def test_no_grids_need_nobody_and_nobody_serves_no_grid():
    nobody = {"most_grids": np.empty(0, int), "most_load": np.empty(0), "today": np.full(2, _NOBODY)}
    found = match(np.empty((2, 0)), np.ones(2), **nobody)
    assert (found.status, found.shortage.capacity, found.shortage.lacking) == ("infeasible", 0, 2)
    found = match(np.empty((0, 0)), np.empty(0), **{**nobody, "today": np.empty(0, int)})
    assert (found.status, found.worker.size) == ("optimal", 0)
