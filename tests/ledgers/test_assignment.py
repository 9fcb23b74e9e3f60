"""Workers to the grids of a town, over its streets."""

from __future__ import annotations

import pandas as pd
import pytest

from spatial.errors import KnowledgeError, UsageError
from spatial.ledgers import (
    AssignmentRules,
    assign_workers,
    check_ledgers,
    make_ledgers,
    reposted,
    workers_of,
    workers_today,
)
from tests.ledgers.rows import ledgers, plan_of, postings
from tests.towns import drawn_town, point

DRAWING = "......"
PLAN = {f"b0{place}": f"g{place // 2}" for place in range(6)}


@pytest.fixture(scope="module")
def town():
    # One street along all houses; a base is a house.
    return drawn_town(DRAWING, streets=[{"line": [(0.6, 0), (0.6, 6)], "class": "residential"}])


@pytest.fixture(scope="module")
def plan(town):
    return plan_of(town, PLAN)


def _workers(*bases, **more):
    return pd.DataFrame(
        {"person_id": [f"p{place}" for place in range(len(bases))], "building_id": bases, **more}
    )


def test_the_nearest_workers_are_proposed_and_the_rest_left_over(town, plan):
    found = assign_workers(town, plan, _workers("b05", "b02", "b00", "b03"))
    assert found.matching.status == "optimal"
    assert found.table["person_id"].to_dict() == {"g0": "p2", "g1": "p1", "g2": "p0"}
    assert found.loads["grids"].to_dict() == {"p0": 1, "p1": 1, "p2": 1, "p3": 0}
    assert found.loads["households"].to_dict() == {"p0": 200, "p1": 200, "p2": 200, "p3": 0}
    assert [(one.rule, one.statement.ids) for one in found.report] == [("workers_left_over", ("p3",))]
    assert found.table["walk_m"].sum() == pytest.approx(found.matching.walk_m, abs=0.2)


def test_a_walk_goes_along_the_streets(town, plan):
    found = assign_workers(town, plan, _workers("b00", "b02", "b04"))
    # The middle of a grid of two equal houses is the first of them: nobody walks at all.
    assert found.table["walk_m"].max() == pytest.approx(20, abs=1)  # to the street and back
    far = assign_workers(town, plan, _workers("b05", "b05", "b05"), rules=AssignmentRules(most_grids=1))
    assert far.table["walk_m"].tolist() == pytest.approx([520, 320, 120], abs=1)


def test_todays_workers_stay_and_the_gone_are_followed(town, plan):
    book = ledgers(
        staff=postings(
            ("p0", "dedicated", "grid", "code-g0"),
            ("gone", "dedicated", "grid", "g1"),
            ("p9", "part_time", "grid", "g2"),
        )
    )
    today = workers_today(book, town, plan)
    assert today.to_dict() == {"g0": "p0", "g1": "gone"}
    found = assign_workers(town, plan, _workers("b05", "b02", "b00"), today=today)
    assert found.table["person_id"].to_dict() == {"g0": "p0", "g1": "p1", "g2": "p2"}
    assert found.table["changed"].to_dict() == {"g0": False, "g1": True, "g2": False}
    freely = assign_workers(
        town, plan, _workers("b05", "b02", "b00"), today=today, rules=AssignmentRules(change_worth_m=100)
    )
    assert freely.table.loc["g0", "person_id"] == "p2"


def test_too_few_workers_are_witnessed(town, plan):
    found = assign_workers(town, plan, _workers("b05", "b02", "b00"), rules=AssignmentRules(walk_limit_m=250))
    assert found.matching.status == "optimal"
    found = assign_workers(town, plan, _workers("b00", "b01", "b02"), rules=AssignmentRules(walk_limit_m=150))
    assert found.matching.status == "infeasible"
    assert found.table.empty
    (finding,) = found.report.errors
    assert (finding.rule, finding.statement.ids) == ("too_few_reach", ("g2",))
    assert finding.statement.text()


def test_limits_of_households_hold(town, plan):
    workers = _workers("b00", "b05", most_grids=[3, 3])
    found = assign_workers(town, plan, workers, rules=AssignmentRules(most_households=400))
    assert found.loads["households"].max() <= 400
    found = assign_workers(town, plan, workers, rules=AssignmentRules(most_households=300))
    assert [one.rule for one in found.report.errors] == ["too_few_load"]
    unknown = plan_of(drawn_town(DRAWING, households={"b00": None, ".": 100}), PLAN)
    unknown.grids["households"] = unknown.grids["households"].where(unknown.grids.index != "g0")
    with pytest.raises(KnowledgeError):
        assign_workers(town, unknown, workers, rules=AssignmentRules(most_households=300))


def test_a_base_off_the_streets_is_named(town, plan):
    x, y = point(90, 3, DRAWING)
    workers = pd.DataFrame(
        {"person_id": ["p0", "far"], "building_id": ["b00", None], "x": [None, x], "y": [None, y]}
    )
    found = assign_workers(town, plan, workers, rules=AssignmentRules(most_grids=3))
    assert next((one.rule, one.statement.ids) for one in found.report) == ("worker_off_streets", ("far",))
    assert found.table["person_id"].unique().tolist() == ["p0"]


@pytest.mark.parametrize(
    "workers",
    [
        pd.DataFrame({"person_id": ["p0", "p0"], "building_id": ["b00", "b01"]}),
        pd.DataFrame({"person_id": ["p0", None], "building_id": ["b00", "b01"]}),
        pd.DataFrame({"person_id": ["p0"], "building_id": ["nowhere"]}),
        pd.DataFrame({"building_id": ["b00"]}),
    ],
)
def test_workers_without_id_or_base_are_refused(town, plan, workers):
    with pytest.raises(UsageError):
        assign_workers(town, plan, workers)


def test_new_postings_begin_the_day_after_the_old_ones_end_and_no_row_is_lost(town, plan):
    staff = postings(
        ("p0", "dedicated", "grid", "code-g0"),
        ("p1", "dedicated", "grid", "g1"),
        ("also", "dedicated", "grid", "g1"),
        ("p2", "dedicated", "grid", "no longer"),
        ("p0", "health_administrator", "estate", "A"),
        ("new", "dedicated", "community", town.communities.index[0]),
        name=["甲", "乙", "丙", "丁", "甲", "戊"],
        building_id=["b00", "b05", "b02", "b03", None, "b01"],
        valid_from="2024-01-01",
    )
    book = ledgers(staff=staff)
    people = workers_of(book, town, plan)
    assert people["person_id"].tolist() == ["also", "new", "p0", "p1", "p2"]
    rules = AssignmentRules(change_worth_m=10)
    found = assign_workers(town, plan, people, today=workers_today(book, town, plan), rules=rules)
    # also is at home in g1; today's worker of g1 by id is also, so that p1 is a further one.
    assert found.table["person_id"].to_dict() == {"g0": "p0", "g1": "also", "g2": "p1"}
    after = reposted(book, found).staff
    rows = after[["person_id", "subject_id", "valid_from", "valid_to"]].fillna("").to_numpy().tolist()
    assert rows == [
        ["p0", "code-g0", "2024-01-01", ""],
        ["p1", "g1", "2024-01-01", "2024-12-31"],
        ["also", "g1", "2024-01-01", ""],
        ["p2", "no longer", "2024-01-01", "2024-12-31"],
        ["p0", "A", "2024-01-01", ""],
        ["new", town.communities.index[0], "2024-01-01", ""],
        ["p1", "g2", "2025-01-01", ""],
    ]
    assert after.iloc[-1][["name", "building_id"]].tolist() == ["乙", "b05"]
    day = pd.Timestamp("2025-01-01")
    rules = {one.rule for one in check_ledgers(reposted(book, found), town, plan, day=day).errors}
    assert not rules & {"lacks_grid_dedicated", "double_booked", "period_reversed"}


def test_who_holds_a_special_grid_stays_there(town):
    plan = plan_of(town, PLAN, g2="special")
    staff = postings(
        ("p0", "dedicated", "grid", "code-g2"),
        ("p1", "dedicated", "grid", "g0"),
        ("p2", "dedicated", "grid", "g0"),
        building_id=["b00", "b01", "b02"],
    )
    book = ledgers(staff=staff)
    people = workers_of(book, town, plan)
    assert people["person_id"].tolist() == ["p1", "p2"]
    found = assign_workers(town, plan, people, today=workers_today(book, town, plan))
    assert found.table["person_id"].to_dict() == {"g0": "p1", "g1": "p2"}
    after = reposted(book, found).staff
    assert after["valid_to"].fillna("").tolist() == ["", "", "2024-12-31", ""]
    with pytest.raises(UsageError):
        reposted(make_ledgers({"staff": staff}), found)
