"""Today's grids look drawn by hand: most are lawful, and every fault that was put in is found."""

from __future__ import annotations

import pytest

from spatial.grids import GridRules, assignment_of_today, evaluate_plan


@pytest.fixture(scope="session")
def found(committed):
    evaluation = evaluate_plan(committed, assignment_of_today(committed), GridRules())
    keys: dict[str, list] = {}
    for finding in evaluation.report.findings:
        keys.setdefault(finding.statement.key, []).append(finding.statement)
    return keys


def test_there_are_about_as_many_grids_as_the_county_needs(committed):
    grids = committed.layer("grids")
    assert 105 <= (grids["kind"] == "basic").sum() <= 122
    assert grids["code"].is_unique
    assert grids["code"].str.fullmatch(r"\d{15}").all()


def test_most_grids_are_lawful_and_several_are_not(committed, found):
    outside = len(found["grids.below_lower"]) + len(found["grids.above_upper"])
    basic = (committed.layer("grids")["kind"] == "basic").sum()
    assert len(found["grids.below_lower"]) >= 3
    assert len(found["grids.above_upper"]) >= 2
    assert outside / basic <= 0.25


@pytest.mark.parametrize(
    "fault",
    ["grids.not_connected", "grids.across_communities", "grids.estate_split", "grids.ambiguous_buildings"],
)
def test_a_fault_put_in_is_found(found, fault):
    assert found[fault]


def test_a_few_buildings_on_a_line_are_ambiguous(found):
    count = found["grids.ambiguous_buildings"][0].values["count"]
    assert 2 <= count <= 30
