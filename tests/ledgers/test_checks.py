"""Checks of ledgers: who is missing, who is booked twice, what names nothing."""

from __future__ import annotations

import pandas as pd
import pytest

from spatial.errors import SchemaError, UsageError
from spatial.ledgers import StaffingRules, check_ledgers, make_ledgers
from spatial.messages import LANGUAGES
from tests.ledgers.rows import ledgers, plan_of, postings
from tests.towns import drawn_town

GRIDS = {"b00": "g1", "b01": "g1", "b02": "g2", "b03": "gs"}


@pytest.fixture(scope="module")
def town():
    return drawn_town("AAB#")


@pytest.fixture(scope="module")
def plan(town):
    return plan_of(town, GRIDS, gs="special")


FULL = [
    ("p1", "dedicated", "grid", "g1"),
    ("p2", "dedicated", "grid", "code-g2"),
    ("o1", "linked_official", "grid", "g1"),
    ("o2", "linked_official", "grid", "g2"),
    ("w1", "linked_worker", "estate", "A"),
    ("w2", "linked_worker", "estate", "B"),
]


def _rules(report):
    return {one.rule: one.statement for one in report}


def test_a_full_staff_has_no_finding_and_special_grids_need_nobody(town, plan):
    assert check_ledgers(ledgers(staff=postings(*FULL)), town, plan).findings == ()


@pytest.mark.parametrize(
    ("left_out", "rule", "subject"),
    [
        (0, "lacks_grid_dedicated", "g1"),
        (1, "lacks_grid_dedicated", "g2"),
        (3, "lacks_grid_official", "g2"),
        (4, "lacks_estate_linked", "A"),
    ],
)
def test_whoever_is_missing_is_named(town, plan, left_out, rule, subject):
    staff = postings(*(one for place, one in enumerate(FULL) if place != left_out))
    assert _rules(check_ledgers(ledgers(staff=staff), town, plan))[rule].ids == (subject,)


def test_the_two_of_an_estate_are_its_grids_worker_or_its_own_and_the_partners(town, plan):
    staff = postings(*(one for one in FULL if one[1] != "dedicated"), ("e1", "estate_worker", "estate", "A"))
    found = _rules(check_ledgers(ledgers(staff=staff), town, plan, rules=StaffingRules.of_models("dual")))
    assert found["lacks_estate_full_time"].ids == ("B",)
    assert "lacks_estate_linked" not in found


def test_a_community_team_counts_those_of_its_grids_and_estates(town, plan):
    community = town.communities.index[0]
    team = [(f"t{place}", "town_staff", "community", community) for place in range(2)]
    staff = [*FULL[:2], ("e1", "estate_worker", "estate", "A"), *team]
    rules = StaffingRules.of_models("2-3-N")
    assert check_ledgers(ledgers(staff=postings(*staff)), town, plan, rules=rules).findings == ()
    found = _rules(check_ledgers(ledgers(staff=postings(*staff[1:-1])), town, plan, rules=rules))
    assert set(found) == {"lacks_community_town_staff", "lacks_community_full_time"}


def test_a_posting_counts_on_its_days_the_last_one_too(town, plan):
    staff = postings(*FULL).assign(valid_from="2024-01-01", valid_to="2024-06-30")
    for day, missing in (("2024-06-30", False), ("2024-07-01", True), ("2023-12-31", True)):
        report = check_ledgers(ledgers(staff=staff), town, plan, day=pd.Timestamp(day))
        assert ("lacks_grid_dedicated" in _rules(report)) is missing


def test_nobody_holds_two_grids_at_once(town, plan):
    both = ("p1", "dedicated", "grid", "g2")
    found = _rules(check_ledgers(ledgers(staff=postings(*FULL, both)), town, plan))
    assert found["double_booked"].ids == ("p1",)
    dates = {"valid_from": [None] * 6 + ["2024-03-01"], "valid_to": ["2024-02-29"] + [None] * 6}
    one_after_the_other = postings(*FULL, both, **dates)
    assert "double_booked" not in _rules(check_ledgers(ledgers(staff=one_after_the_other), town, plan))
    meeting = one_after_the_other.assign(valid_to=["2024-03-01"] + [None] * 6)
    assert "double_booked" in _rules(check_ledgers(ledgers(staff=meeting), town, plan))
    coded = ("p1", "dedicated", "grid", "code-g1")
    assert set(_rules(check_ledgers(ledgers(staff=postings(*FULL, coded)), town, plan))) == {"posting_twice"}
    pool = ("p1", "dedicated", "community", town.communities.index[0])
    assert check_ledgers(ledgers(staff=postings(*FULL, pool)), town, plan).findings == ()
    allowed = StaffingRules(StaffingRules.usual().requirements, dedicated_grids=2)
    assert "double_booked" not in _rules(
        check_ledgers(ledgers(staff=postings(*FULL, both)), town, plan, rules=allowed)
    )


def test_a_full_time_worker_is_not_linked_elsewhere_but_may_look_after_health(town, plan):
    staff = postings(
        *FULL, ("p1", "linked_worker", "estate", "B"), ("p2", "health_administrator", "estate", "B")
    )
    assert _rules(check_ledgers(ledgers(staff=staff), town, plan))["full_time_beside"].ids == ("p1",)


def test_doubled_rows_other_names_and_reversed_days_are_named(town, plan):
    staff = postings(*FULL, FULL[0], name=[*"abcdef", "x"])
    found = _rules(check_ledgers(ledgers(staff=staff), town, plan))
    assert found["posting_twice"].ids == found["person_differs"].ids == ("p1",)
    assert "double_booked" not in found
    reversed_ = postings(*FULL, valid_from=["2024-05-01"] + [None] * 5, valid_to=["2024-04-01"] + [None] * 5)
    assert _rules(check_ledgers(ledgers(staff=reversed_), town, plan))["period_reversed"].ids == ("p1",)


def test_ids_that_name_nothing_are_named_with_their_table(town, plan):
    book = ledgers(
        staff=postings(*FULL, ("p9", "part_time", "estate", "Z")),
        events=pd.DataFrame({"event_id": ["e1"], "building_id": ["b77"], "reported_on": ["2024-03-01"]}),
        partners=pd.DataFrame({"partner_id": ["u1"], "subject_type": ["grid"], "subject_id": ["g9"]}),
        premises=pd.DataFrame({"premises_id": ["r1"], "community_id": ["?"], "floor_area_m2": [None]}),
    )
    report = check_ledgers(book, town, plan)
    found = {(one.statement.table, one.statement.ids) for one in report.of_rule("unknown_reference")}
    assert found == {("staff", ("Z",)), ("events", ("e1",)), ("partners", ("g9",)), ("premises", ("r1",))}
    assert _rules(report)["premises_area_unknown"].ids == ("r1",)
    assert all(one.statement.text(language) for one in report for language in LANGUAGES)


def test_no_household_is_named_in_a_finding(town, plan):
    rows = pd.DataFrame(
        {
            "household_id": ["secret1", "secret1", "secret2"],
            "building_id": ["b00", "b00", None],
            "household_class": ["red", "red", "orange"],
        }
    )
    report = check_ledgers(ledgers(household_classes=rows), town, plan)
    assert set(_rules(report)) == {"class_twice", "class_unlocated"}
    assert not any("secret" in one.statement.text(language) for one in report for language in LANGUAGES)


def test_an_empty_ledger_says_nothing(town, plan):
    assert check_ledgers(make_ledgers({}), town, plan).findings == ()


def test_forbidden_values_are_refused_all_at_once():
    staff = postings(("p1", "boss", "grid", "g1"), (None, "dedicated", "moon", "g1"))
    with pytest.raises(SchemaError) as refused:
        make_ledgers({"staff": staff, "events": pd.DataFrame({"event_id": ["e", "e"]})})
    assert {one.rule for one in refused.value.report} == {
        "not_allowed",
        "empty_value",
        "missing_column",
        "duplicate_id",
    }


def test_an_unknown_staffing_model_is_refused():
    with pytest.raises(UsageError, match="five"):
        StaffingRules.of_models("five")
