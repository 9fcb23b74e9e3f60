"""Redrawing: least change, identity, locks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.grids import Editor, GridRules, Move, build_fabric, draw_plan, evaluate_plan
from spatial.grids.codes import heirs
from tests.grids.plans import codes
from tests.towns import drawn_town

TOWN = "AABBCC/AABBCC/DDDDEE/DDDDEE"
TWO = "AABB/AABB/CCDD/CCDD"


def draw(town, rules=None, **more):
    return draw_plan(town, rules, rng=np.random.default_rng(0), **more)


def ids(plan):
    return plan.assignment.set_index("building_id")["grid_id"].to_dict()


def test_a_lawful_plan_is_left_identical():
    town = drawn_town(TOWN)
    first = draw(town)
    again = draw(town, previous=first)
    assert ids(again) == ids(first)
    assert again.grids["code"].to_dict() == first.grids["code"].to_dict()
    certificate = again.certificates.iloc[0]
    assert (certificate["moved_households"], certificate["status"]) == (0, "optimal")
    assert "0 户变动" in certificate["witness"]


def test_only_the_community_that_grew_is_redrawn_and_little_of_it():
    fabric = "1111/1111/2222/2222"
    first = draw(drawn_town(TWO, communities=fabric))
    grown = drawn_town(TWO, communities=fabric, households={"A": 140, "B": 100, "C": 100, "D": 100})
    again = draw(grown, previous=first)
    assert evaluate_plan(grown, again).broken == ()
    moved = [one for one, grid in ids(again).items() if ids(first)[one] != grid]
    assert moved
    assert set(moved) <= {"b00", "b01", "b02", "b03", "b10", "b11", "b12", "b13"}
    assert again.certificates["moved_households"].tolist() == [
        140 * len([b for b in moved if b[2] in "01"]) + 100 * len([b for b in moved if b[2] in "23"]),
        0,
    ]


def test_the_least_that_can_move_moves():
    # 520 and 400: the cheapest lawful change moves one building of 60 to the neighbour
    households = {"A": 100, "B": 100, "b00": 160, "b01": 160, "b10": 140, "b11": 60}
    town = drawn_town("AABB/AABB", households=households)
    before = draw(drawn_town("AABB/AABB"))
    assert codes(town, before.assignment) == "1122/1122"
    after = draw(town, previous=before)
    assert codes(town, after.assignment) == "1122/1222"
    assert after.certificates.iloc[0]["moved_households"] == 60


def test_an_unlawful_community_is_redrawn_and_keeps_its_names():
    town = drawn_town(TOWN)
    first = draw(town)
    spoilt = first.assignment.copy()
    spoilt.loc[spoilt["building_id"] == "b00", "grid_id"] = spoilt.set_index("building_id")["grid_id"]["b35"]
    plan = evaluate_plan(town, pd.DataFrame(spoilt)).plan
    again = draw(town, previous=plan)
    assert evaluate_plan(town, again).broken == ()
    assert ids(again) == ids(first)


def test_redrawing_lawful_communities_is_done_on_request():
    town = drawn_town("AABB/AABB")
    split = draw(town, GridRules(together=(("b00", "b01", "b02"),), wishes=("inertia",)))
    kept, anew = (
        draw(town, previous=split),
        draw(
            town,
            GridRules(redraw_lawful=True, wishes=("extra_pieces", "inertia")),
            previous=split,
        ),
    )
    assert ids(kept) == ids(split)
    assert anew.certificates.iloc[0]["extra_pieces"] == 0


def test_a_locked_grid_keeps_exactly_its_buildings():
    town = drawn_town("AABB/AABB/CCCC", households={"A": 100, "B": 100, "C": 90})
    first = draw(town)
    locked = first.assignment.set_index("building_id")["grid_id"]["b00"]
    grown = drawn_town("AABB/AABB/CCCC", households={"A": 100, "B": 130, "C": 90})
    rules = GridRules(locked_grids={locked: "待确认"})
    again = draw(grown, rules, previous=first)
    assert evaluate_plan(grown, again, rules, previous=first).broken == ()
    members = lambda plan: {key for key, value in ids(plan).items() if value == locked}  # noqa: E731
    assert members(again) == members(first)


@pytest.mark.parametrize("locked", [0, 1])
def test_a_locked_boundary_stays(locked):
    row = "AAABBBCCC"
    first = draw(drawn_town(f"{row}/{row}", households=70))
    grown = drawn_town(f"{row}/{row}", households={"A": 70, "B": 70, "C": 70, "b04": 170})
    assert codes(grown, first.assignment) == "111222333/111222333"
    rules = GridRules(locked_boundaries=((first.grids.index[locked], first.grids.index[locked + 1]),))
    again = draw(grown, rules, previous=first)
    assert evaluate_plan(grown, again, rules, previous=first).broken == ()
    # one building must leave the middle grid, and it leaves on the side that is not locked
    assert again.certificates.iloc[0]["moved_households"] == 70
    drawing = codes(grown, again.assignment).replace("/", "")
    assert drawing.count("1" if locked else "3") == 7


def test_new_buildings_join_grids_that_stay():
    first = draw(drawn_town("AABB/AABB/____", communities="1111/1111/1111"))
    town = drawn_town("AABB/AABB/A___", communities="1111/1111/1111", households={"A": 90, "B": 100})
    again = draw(town, previous=first)
    assert again.certificates.iloc[0]["moved_households"] == 0
    assert codes(town, again.assignment) == "1122/1122/1___"


def test_special_grids_keep_their_names():
    town = drawn_town("AA#BB/AA#BB")
    first = draw(town)
    grown = drawn_town("AA#BB/AA#BB", households={"A": 130, "B": 100})
    again = draw(grown, previous=first)
    special = lambda plan: plan.grids.index[plan.grids["kind"] == "special"].tolist()  # noqa: E731
    assert special(again) == special(first)


def test_a_grid_carries_on_the_one_that_gives_it_half():
    weight = np.array([60.0, 40, 30, 30, 40])
    new = np.array([0, 0, 1, 1, 1])
    old = np.array([0, 1, 1, 1, 2])
    assert heirs(weight, new, old) == {0: 0, 1: 1}
    # 49 of 100 is not half
    assert heirs(np.array([49.0, 51]), np.array([0, 0]), np.array([0, -1])) == {}
    # an old grid in two is carried on by the larger part alone
    assert heirs(np.array([60.0, 40]), np.array([0, 1]), np.array([0, 0])) == {0: 0}


def test_retired_codes_are_never_given_again():
    big = draw(drawn_town("AAAA/BBBB/CCCC"))
    assert len(big.grids) == 3
    smaller = draw(drawn_town("AAAA/BBBB/CCCC", households=60), previous=big)
    assert len(smaller.grids) == 2
    gone = set(big.grids["code"]) - set(smaller.grids["code"])
    assert set(smaller.provenance["retired_codes"].split(";")) == gone
    again = draw(drawn_town("AAAA/BBBB/CCCC", households=125), previous=smaller)
    assert not gone & set(again.grids["code"])
    assert not set(big.grids.index) - set(smaller.grids.index) & set(again.grids.index)


def test_a_grid_at_a_locked_boundary_keeps_its_id_though_another_gets_more_of_its_households():
    row = "AAABBBCCC"
    first = draw(drawn_town(f"{row}/{row}", households=70))
    names = first.grids.index.tolist()
    grown = {"b00": 189, "b01": 157, "b02": 116, "b06": 103, "b07": 57, "b08": 144, "b10": 94, "b11": 88} | {
        "b12": 40, "b13": 112, "b14": 42
    }  # fmt: skip
    town = drawn_town(f"{row}/{row}", households=dict.fromkeys("ABC", 70) | grown)
    again = draw(town, GridRules(locked_boundaries=((names[0], names[1]),)), previous=first)
    assert [ids(again)[one] for one in ("b02", "b12", "b03", "b13")] == [names[0]] * 2 + [names[1]] * 2


@settings(max_examples=5, deadline=None)
@given(st.data())
def test_a_lock_never_moves(data):
    """Whatever grows, a locked grid keeps its buildings, a locked boundary its sides, an estate its grid."""
    row = "AAABBBCCC"
    first = draw(drawn_town(f"{row}/{row}", households=70))
    names = first.grids.index.tolist()
    places = [f"b{r}{c}" for r in range(2) for c in range(9)]
    grown = dict.fromkeys("ABC", 70) | {
        name: data.draw(st.integers(40, 190)) for name in data.draw(st.sets(st.sampled_from(places)))
    }
    town = drawn_town(f"{row}/{row}", households=grown)
    kind = data.draw(st.sampled_from(["grid", "boundary", "estate"]))
    which = data.draw(st.integers(0, 1))
    rules = {
        "grid": GridRules(locked_grids={names[which]: "待确认"}),
        "boundary": GridRules(locked_boundaries=((names[which], names[which + 1]),)),
        "estate": GridRules(kept_estates=("ABC"[which],)),
    }[kind]
    again = draw(town, rules, previous=first)
    before, after = ids(first), ids(again)
    if not after:
        return  # nothing lawful under the lock was found, and nothing is given out
    if kind == "grid":
        held = {name for name in places if before[name] == names[which]}
        assert {name for name in places if after[name] == names[which]} == held
    elif kind == "boundary":
        along = [f"b{r}{c}" for r in range(2) for c in (3 * which + 2, 3 * which + 3)]
        assert [after[name] for name in along] == [before[name] for name in along]
    else:
        assert len({after[f"b{r}{c}"] for r in range(2) for c in range(3 * which, 3 * which + 3)}) == 1


def test_a_building_above_the_window_is_divided_between_its_stairwells():
    stairwells = pd.DataFrame(
        {
            "stairwell_id": ["s1", "s2", "s3"],
            "building_id": ["b00"] * 3,
            "number": ["1", "2", "3"],
            "households": [210, 210, 200],
        }
    )
    town = drawn_town("AB", households={"A": 620, "B": 150}, tables={"stairwells": stairwells})
    whole = draw(town)
    assert whole.certificates["status"].tolist() == ["infeasible"]
    rules = GridRules(stairwells=True)
    plan = draw(town, rules)
    assert plan.grids["households"].between(300, 500).all()
    assert plan.grids["exception_reason"].isna().all()
    divided = plan.assignment[plan.assignment["building_id"] == "b00"]
    assert set(divided["stairwell_id"]) == {"s1", "s2", "s3"}
    assert divided["grid_id"].nunique() == 2
    assert plan.assignment[plan.assignment["building_id"] == "b01"]["stairwell_id"].isna().all()
    assert evaluate_plan(town, plan, rules).broken == ()
    # one stairwell goes over to the other grid by hand
    editor = Editor.open(build_fabric(town, rules, bonded=False), plan)
    of_grid = divided.groupby("grid_id")["stairwell_id"].apply(list)
    alone = of_grid[of_grid.str.len() == 1].index[0]
    answer = editor.answer(
        editor.before, Move((of_grid[alone][0],), next(iter(set(of_grid.index) - {alone})))
    )
    assert [one.stairwell_id for one in answer.change.moved] == of_grid[alone]
