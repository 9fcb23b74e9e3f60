"""Siting under a budget and with capacities, against every choice with its least transport."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from spatial.errors import UsageError
from spatial.lifecircle.proposal import site_facilities
from spatial.lifecircle.siting import locate
from spatial.messages import LANGUAGES, use_language
from tests.lifecircle.test_proposal import covered, random_town, with_services

LIMIT_M = 4.0


def served(model, walks, weights, opened, capacities):
    """Return the least total of shares from demand to open sites; None where not all can be served."""
    pairs = [(i, j) for i in range(len(weights)) for j in opened if walks[i, j] <= LIMIT_M]
    if not pairs:
        return 0.0 if model == "mclp" or not len(weights) else None
    each = {"mclp": lambda i, j: -weights[i], "p_median": lambda i, j: weights[i] * walks[i, j]}
    total = [each.get(model, lambda i, j: 0.0)(i, j) for i, j in pairs]
    of_demand = [[float(a == i) for a, _ in pairs] for i in range(len(weights))]
    loads = [[weights[a] * (b == j) for a, b in pairs] for j in opened if np.isfinite(capacities[j])]
    room = [capacities[j] for j in opened if np.isfinite(capacities[j])]
    if model == "mclp":
        found = linprog(total, A_ub=of_demand + loads, b_ub=[1.0] * len(of_demand) + room, bounds=(0, 1))
    else:
        found = linprog(
            total, A_ub=loads or None, b_ub=room or None, A_eq=of_demand, b_eq=[1.0] * len(of_demand), bounds=(0, 1)
        )  # fmt: skip
    return found.fun if found.status == 0 else None


def best_by_trying_all(model, walks, weights, *, count, costs, budget, capacities, existing):
    asking = (weights > 0) & (walks <= LIMIT_M).any(axis=1)
    new = [j for j in range(walks.shape[1]) if j not in existing]
    best = None
    for size in range(count + 1):
        for chosen in combinations(new, size):
            paid = costs[list(chosen)].sum()
            total = served(model, walks[asking], weights[asking], [*chosen, *existing], capacities)
            if total is not None and paid <= budget:
                best = min(np.inf if best is None else best, paid if model == "lscp" else total)
    return best


@st.composite
def instances(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    demand, sites = draw(st.integers(0, 5)), draw(st.integers(1, 4))
    walks = rng.integers(0, 6, (demand, sites)) * 1.0
    walks[rng.random((demand, sites)) < 0.3] = np.inf
    existing = rng.choice(sites, draw(st.integers(0, sites - 1)), replace=False).tolist()
    return walks, rng.integers(0, 5, demand) * 1.0, {
        "count": draw(st.integers(0, sites - len(existing))),
        "costs": rng.integers(0, 4, sites) * 1.0,
        "budget": draw(st.sampled_from([np.inf, 0.0, 2.0, 5.0])),
        "capacities": np.where(rng.random(sites) < 0.5, np.inf, rng.integers(0, 9, sites)),
        "existing": existing,
    }  # fmt: skip


@pytest.mark.parametrize("model", ["lscp", "mclp", "p_median"])
@settings(max_examples=40, deadline=None)
@given(instance=instances())
def test_every_model_equals_trying_all_choices(model, instance):
    walks, weights, limits = instance
    if model == "lscp":
        limits["count"] = walks.shape[1] - len(limits["existing"])
    expected = best_by_trying_all(model, walks, weights, **limits)
    asked = limits | {"count": None if model == "lscp" else limits["count"]}
    found = locate(model, walks, weights, limit_m=LIMIT_M, **asked)
    assert found.proven
    if expected is None:
        assert found.status == "infeasible"
        return
    assert found.objective == pytest.approx(abs(expected), abs=1e-6)
    assert limits["costs"][found.sites].sum() <= limits["budget"]
    assert len(found.sites) <= limits["count"]
    assert set(found.sites).isdisjoint(limits["existing"])


def test_without_time_the_greedy_answer_keeps_its_limits_and_its_bound():
    rng = np.random.default_rng(3)
    walks, weights = rng.random((200, 30)) * 2000, rng.integers(1, 60, 200) * 1.0
    limits = {"costs": rng.integers(1, 9, 30), "budget": 20.0, "capacities": np.full(30, 400.0)}
    quick = locate("mclp", walks, weights, limit_m=500.0, time_limit_s=0, **limits)
    proven = locate("mclp", walks, weights, limit_m=500.0, **limits)
    assert proven.proven
    assert 0 < quick.objective <= proven.objective <= quick.bound
    assert limits["costs"][quick.sites].sum() <= 20.0
    assert quick.objective <= 400.0 * len(quick.sites)


def test_a_town_spends_no_more_than_its_budget():
    town, _ = random_town(7)
    sites = town.layer("sites")
    priced = sites.assign(cost=np.arange(len(sites)) % 3 + 1.0)
    found = site_facilities(town, "kindergarten", None, candidates=priced, budget=4.0)
    chosen = found.sites["candidate_id"]
    assert found.summary["status"].iloc[0] == "optimal"
    assert 0 < priced.loc[chosen, "cost"].sum() <= 4.0
    built = with_services(town, found.sites.geometry)
    assert found.summary["covered_after"].iloc[0] == covered(built, "kindergarten", 300.0)
    small = site_facilities(town, "kindergarten", 3, capacity=1.0).summary.iloc[0]
    assert small["objective"] <= small["covered_before"] + 3


WRONG = [
    ("limits_with_center", ("p_center", {"count": 1, "budget": 1})),
    ("wrong_budget", ("mclp", {"limit_m": 1, "budget": -1})),
    ("by_site_shape", ("mclp", {"limit_m": 1, "count": 1, "costs": [1]})),
    ("wrong_by_site", ("mclp", {"limit_m": 1, "count": 1, "costs": [1, np.inf]})),
    ("wrong_by_site", ("lscp", {"limit_m": 1, "capacities": [1, -1]})),
]


@pytest.mark.parametrize(("rule", "asked"), WRONG)
def test_wrong_limits_are_refused_in_both_languages(rule, asked):
    model, keywords = asked
    with pytest.raises(UsageError) as caught:
        locate(model, np.ones((2, 2)), [1, 1], **keywords)
    assert caught.value.statement.key == f"siting.{rule}"
    for language in LANGUAGES:
        with use_language(language):
            assert "{" not in str(caught.value)


def test_a_budget_asks_for_the_cost_of_every_candidate():
    town, _ = random_town(7)
    with pytest.raises(UsageError) as caught:
        site_facilities(town, "kindergarten", None, budget=4.0)
    assert caught.value.statement.key == "siting.no_costs"
    for language in LANGUAGES:
        with use_language(language):
            assert "cost" in str(caught.value)
