"""Redrawing: least change, identity, locks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spatial.grids import GridRules, draw_plan, evaluate_plan
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
