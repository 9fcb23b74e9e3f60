"""Capacity: 2SFCA and E2SFCA against their formulas, and what a town is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from spatial.errors import UsageError
from spatial.lifecircle.capacity import assess_capacity, two_step_access
from spatial.messages import LANGUAGES, use_language
from tests.streets import building, facility, service, street, street_town

TWO_STEP = ((500.0, 1.0),)
ENHANCED = ((300.0, 1.0), (600.0, 0.68), (1000.0, 0.22))


@st.composite
def instances(draw):
    demand, services = draw(st.integers(1, 12)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    walks = np.rint(rng.random((demand, services)) * 12) * 100
    walks[rng.random(walks.shape) < 0.3] = np.inf
    return walks, rng.integers(0, 50, demand) * 1.0, rng.integers(0, 40, services) * 1.0


def stored(walks):
    reached = np.isfinite(walks)
    return sparse.csr_array((walks[reached], np.nonzero(reached)), shape=walks.shape)


def weight_of(walk_m, zones):
    return next((weight for limit_m, weight in zones if walk_m <= limit_m), 0.0)


@pytest.mark.parametrize("zones", [TWO_STEP, ENHANCED])
@settings(max_examples=80, deadline=None)
@given(instance=instances())
def test_access_follows_the_two_steps(zones, instance):
    walks, demand, capacity = instance
    found = two_step_access(stored(walks), demand, capacity, zones)
    weights = np.array([[weight_of(walk_m, zones) for walk_m in row] for row in walks])
    asked = [sum(weights[i, j] * demand[i] for i in range(len(demand))) for j in range(len(capacity))]
    for i in range(len(demand)):
        served = sum(weights[i, j] * capacity[j] / asked[j] for j in range(len(capacity)) if asked[j] > 0)
        assert found.access[i] == pytest.approx(served)
    assert found.demand_in_reach == pytest.approx(asked)


@pytest.mark.parametrize("zones", [TWO_STEP, ENHANCED])
@settings(max_examples=80, deadline=None)
@given(instance=instances())
def test_what_demand_can_count_on_adds_up_to_the_capacity_that_is_reached(zones, instance):
    walks, demand, capacity = instance
    found = two_step_access(stored(walks), demand, capacity, zones)
    assert demand @ found.access == pytest.approx(capacity[found.demand_in_reach > 0].sum())
    assert found.nearest_demand.sum() == pytest.approx(demand[(walks <= zones[-1][0]).any(axis=1)].sum())


def test_an_unknown_capacity_makes_access_unknown_where_it_is_in_reach():
    walks = np.array([[100.0, 200.0], [100.0, np.inf], [np.inf, np.inf]])
    found = two_step_access(stored(walks), [10.0, 10.0, 10.0], [20.0, np.nan], TWO_STEP)
    assert np.isnan(found.access[0])
    assert found.access_at_least.tolist() == [1.0, 1.0, 0.0]
    assert found.access[1:].tolist() == [1.0, 0.0]
    assert np.isnan(found.ratio[1])
    assert not found.overloaded[1]


def test_a_service_is_overloaded_by_the_demand_that_has_it_nearest():
    walks = np.array([[0.0, 300.0], [100.0, 100.0], [400.0, 300.0]])
    found = two_step_access(stored(walks), [30.0, 20.0, 10.0], [35.0, 100.0], TWO_STEP)
    assert found.nearest_demand.tolist() == [40.0, 20.0]
    assert found.overloaded.tolist() == [True, False]


def two_schools():
    return street_town(
        streets=[street("s", (0, 0), (1000, 0))],
        buildings=[building("b1", 100, 5, 40), building("b2", 500, 5, 20), building("b3", 900, 5, None)],
        facilities=[facility("near", 200, 0), facility("far", 800, 0), facility("shop", 500, 0)],
        services=[
            service("near", capacity=30),
            service("near", "library"),
            service("far", capacity=None),
            service("shop", "supermarket", capacity=1),
        ],
    )


def test_a_town_is_told_its_capacity_by_service_and_building():
    report = assess_capacity(two_schools(), "kindergarten", [(350.0, 1.0)])
    near = report.services.loc["near"]
    assert (near["capacity"], near["demand_in_reach"], near["ratio"]) == (30, 60, 0.5)
    assert bool(near["overloaded"])
    assert report.services.loc["far"].isna().tolist() == [True, False, True, False, True]
    assert report.buildings["access"].isna().tolist() == [False, True, True]
    assert report.buildings["access_at_least"].tolist() == [0.5, 0.5, 0.0]
    assert (report.demand, report.capacity, report.unknown_capacity, report.unknown_demand) == (60, 30, 1, 1)


def test_demand_may_ask_for_less_than_one_each():
    report = assess_capacity(two_schools(), "kindergarten", [(350.0, 1.0)], demand_each=0.5)
    assert report.services.loc["near", "ratio"] == 1.0
    assert not report.services.loc["near", "overloaded"]


@pytest.mark.parametrize(
    ("rule", "call"),
    [
        ("distances_shape", lambda: two_step_access(sparse.csr_array((2, 1)), [1], [1], TWO_STEP)),
        ("negative", lambda: two_step_access(sparse.csr_array((1, 1)), [-1], [1], TWO_STEP)),
        ("negative", lambda: two_step_access(sparse.csr_array((1, 1)), [np.nan], [1], TWO_STEP)),
        ("negative", lambda: two_step_access(sparse.csr_array((1, 1)), [1], [-1], TWO_STEP)),
        ("wrong_zones", lambda: two_step_access(sparse.csr_array((1, 1)), [1], [1], ((5, 1), (3, 0.5)))),
        ("wrong_zones", lambda: two_step_access(sparse.csr_array((1, 1)), [1], [1], ((3, 0.5), (5, 1)))),
        ("unknown_basis", lambda: assess_capacity(two_schools(), "kindergarten", TWO_STEP, basis="age 0-3")),
        ("no_service", lambda: assess_capacity(two_schools(), "hospital", TWO_STEP)),
    ],
)
def test_wrong_arguments_are_refused_in_both_languages(rule, call):
    with pytest.raises(UsageError) as caught:
        call()
    assert caught.value.statement.key == f"capacity.{rule}"
    for language in LANGUAGES:
        with use_language(language):
            assert "{" not in str(caught.value)
