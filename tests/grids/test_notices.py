"""What goes out to people: boundaries in words, who moves and why, parents, alternatives, joined estates."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from spatial.errors import UsageError
from spatial.grids import (
    GridRules,
    alternative_rules,
    boundaries_in_words,
    draw_alternatives,
    draw_plan,
    evaluate_plan,
    explain_redraw,
    merge_estates,
)
from tests.grids.plans import assigned, codes
from tests.towns import drawn_town

TOWN = "AABB/AABB"
ROAD = {"line": [(0, 2), (2, 2)], "class": "residential", "name": "人民路"}
RIVER = {"line": [(2, 0), (2, 4)], "kind": "river", "name": "清水河"}


def draw(town, rules=None, **more):
    return draw_plan(town, rules, rng=np.random.default_rng(0), **more)


# boundaries


def test_a_boundary_is_said_by_the_streets_and_rivers_it_follows():
    town = drawn_town(TOWN, streets=[ROAD], barriers=[RIVER])
    plan = evaluate_plan(town, assigned(town, "1122/1122")).plan
    words = boundaries_in_words(town, plan, "zh-CN")
    assert words["1"] == "东至人民路，南至清水河，西至社区界，北至社区界"
    assert boundaries_in_words(town, plan, "en")["2"] == (
        "East to the community boundary, south to 清水河, west to 人民路, north to the community boundary"
    )


def test_where_no_street_runs_the_neighbour_is_named():
    town = drawn_town(TOWN)
    plan = evaluate_plan(town, assigned(town, "1122/1122")).plan
    assert boundaries_in_words(town, plan, "zh-CN").tolist() == [
        "东至2网格，南至社区界，西至社区界，北至社区界",
        "东至社区界，南至社区界，西至1网格，北至社区界",
    ]


# who moves and why


def test_a_redrawing_says_who_moves_and_why():
    households = {"A": 100, "B": 100, "b00": 160, "b01": 160, "b10": 140, "b11": 60}
    before = draw(drawn_town(TOWN))
    town = drawn_town(TOWN, households=households)
    after = draw(town, previous=before)
    report = explain_redraw(town, before, after, language="zh-CN")
    assert report.moved["building_id"].tolist() == ["b11"]
    assert report.households == 60
    assert report.moved["reason"].tolist() == ["001 户数超出：520 户，高于上限 20 户"]
    assert report.unchanged == ()
    assert explain_redraw(town, before, before).moved.empty


def test_a_new_building_is_new_and_does_not_move():
    first = draw(drawn_town("AABB/AABB/____", communities="1111/1111/1111"))
    town = drawn_town("AABB/AABB/A___", communities="1111/1111/1111", households={"A": 90, "B": 100})
    report = explain_redraw(town, first, draw(town, previous=first), language="en")
    assert report.moved["reason"].tolist() == ["new building"]
    assert report.households == 0


# levels


@pytest.mark.parametrize("parents", ["community", "subdistrict"])
def test_parents_are_grids_of_level_one(parents):
    town = drawn_town("AABB/AABB/CCDD/CCDD", communities="1111/1111/2222/2222")
    rules = GridRules(parents=parents)
    plan = draw(town, rules)
    upper = plan.grids[plan.grids["level"] == 1]
    lower = plan.grids[plan.grids["level"] == 2]
    assert len(upper) == 2
    assert upper["households"].sum() == lower["households"].sum() == 1600
    assert set(lower["parent_id"]) == set(upper.index)
    for name, outline in upper.geometry.items():
        own = shapely.union_all(lower.geometry[lower["parent_id"] == name].to_numpy())
        assert outline.symmetric_difference(own).area < 1e-3
    # parents are no grids that rules or scores count
    evaluation = evaluate_plan(town, plan, rules)
    assert evaluation.broken == ()
    assert evaluation.scores["grids"].sum() == len(lower)
    assert codes(town, draw(town, rules, previous=plan).assignment) == codes(town, plan.assignment)


# alternatives


def test_alternatives_differ_in_what_they_hold_dear():
    road = {"line": [(2, 0), (2, 4)], "class": "primary"}
    town = drawn_town("AABB/AABB/CCBB/CCDD", streets=[road], households=[70 + 3 * n for n in range(16)])
    plans = draw_alternatives(town, rng=np.random.default_rng(0))
    assert list(plans) == list(alternative_rules(GridRules()))
    scores = {name: evaluate_plan(town, plan).scores.iloc[0] for name, plan in plans.items()}
    for score in scores.values():
        assert score["violation"] == 0
    assert scores["fewest_splits"]["extra_pieces"] == min(one["extra_pieces"] for one in scores.values())
    assert scores["fewest_crossings"]["crossings"] == min(one["crossings"] for one in scores.values())
    spread = {name: np.ptp(plan.grids["households"].to_numpy(float)) for name, plan in plans.items()}
    assert spread["most_even"] <= spread["fewest_splits"]


# estates


def test_estates_are_joined_and_keep_the_ids_of_their_predecessors():
    facts = {
        "A": {"households": 400, "walled": True, "predecessor_ids": "A0"},
        "B": {"households": 400, "walled": True},
    }
    town = drawn_town("AABB/AABB", estates=facts)
    joined = merge_estates(town, ["A", "B"], estate_id="AB", name="合并小区")
    row = joined.estates.loc["AB"]
    assert (row["households"], row["walled"], row["predecessor_ids"]) == (800, True, "A0;A;B")
    assert row["name"] == "合并小区"
    assert row.geometry.area == pytest.approx(80_000)
    assert set(joined.buildings["estate_id"]) == {"AB"}
    assert set(town.buildings["estate_id"]) == {"A", "B"}


def test_what_is_unknown_of_one_is_unknown_of_the_joined_estate():
    town = drawn_town("AABB", estates={"A": {"households": 200, "estate_class": "managed"}})
    row = merge_estates(town, ["A", "B"], estate_id="A").estates.loc["A"]
    assert row[["households", "estate_class"]].isna().all()


@pytest.mark.parametrize(
    ("ids", "new"), [(["A"], "X"), (["A", "Z"], "X"), (["A", "B"], "C"), (["A", "C"], "X")]
)
def test_estates_that_cannot_be_joined_are_named(ids, new):
    town = drawn_town("AABB/CCCC", communities="1111/2222")
    with pytest.raises(UsageError):
        merge_estates(town, ids, estate_id=new)
