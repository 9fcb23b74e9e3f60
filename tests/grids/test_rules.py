"""Rules are read from TOML, and each of them says where and by how much it is broken."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from spatial.errors import RulesError
from spatial.findings import Severity
from spatial.grids import GridRules, build_fabric, read_rules
from spatial.grids.constraints import CONSTRAINTS, judge
from spatial.grids.division import divide
from spatial.messages import LANGUAGES
from tests.grids.plans import assigned, codes
from tests.towns import drawn_town

# reading


def rules_of(tmp_path, content):
    file = tmp_path / "rules.toml"
    file.write_text(content, encoding="utf-8")
    return read_rules(file)


def test_an_empty_file_gives_the_defaults(tmp_path):
    assert rules_of(tmp_path, "") == GridRules()


def test_every_rule_can_be_read(tmp_path):
    content = """
    [window]
    lower = 280
    upper = 450
    target = 380
    measure = "workload"
    [roads]
    main = ["primary"]
    main_names = ["人民路"]
    side_penalty_m = 100
    [barriers]
    kinds = ["river"]
    [counts]
    "330106001001" = 9
    [keep]
    estates = ["E12"]
    grids = { "G001" = "待居民议事会确认" }
    boundaries = [["G002", "G003"]]
    [units]
    together = [["B1", "B2"]]
    apart = [["B7", "B9"]]
    stairwells = true
    [walk]
    greatest_m = 600
    [levels]
    parents = "subdistrict"
    [redraw]
    lawful_communities = true
    [knowledge]
    known_share = 0.9
    [order]
    wishes = ["extra_pieces", "inertia"]
    """
    rules = rules_of(tmp_path, content)
    same = [
        one.name for one in fields(GridRules) if getattr(rules, one.name) == getattr(GridRules(), one.name)
    ]
    assert same == []
    assert rules.locked_grids == {"G001": "待居民议事会确认"}
    assert rules.locked_boundaries == (("G002", "G003"),)
    assert all(isinstance(value, str) for value in rules.as_text().values())


@pytest.mark.parametrize(
    ("content", "rule", "said"),
    [
        ("[window]\nlower = 'a'", "rule_value", "window.lower"),
        ("[window]\nlower = -1", "rule_value", "window.lower"),
        ("[window]\nlower = true", "rule_value", "window.lower"),
        ("[window]\nlowest = 3", "rule_unknown", "window.lowest"),
        ("[windows]\nlower = 3", "rule_unknown", "windows"),
        ("window = 3", "rule_unknown", "window"),
        ("[counts]\nC1 = 0", "rule_value", "counts"),
        ("[units]\napart = [['B1']]", "rule_value", "units.apart"),
        ("[keep]\nboundaries = [['a', 'b', 'c']]", "rule_value", "keep.boundaries"),
        ("[knowledge]\nknown_share = 1.2", "rule_value", "knowledge.known_share"),
        ("[order]\nwishes = ['inertia', 'extra_pieces']", "rule_value", "order.wishes"),
        ("[levels]\nparents = 'city'", "rule_value", "levels.parents"),
        ("[window", "rules_unreadable", "rules.toml"),
        ("[window]\nlower = 600", "window_impossible", "600"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_named(tmp_path, content, rule, said):
    with pytest.raises(RulesError) as caught:
        rules_of(tmp_path, content)
    assert caught.value.statement.key == f"grids.{rule}"
    for language in LANGUAGES:
        assert said in caught.value.statement.text(language)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RulesError) as caught:
        read_rules(tmp_path / "nowhere.toml")
    assert "nowhere.toml" in str(caught.value)


def test_a_window_given_alone_takes_its_target_along():
    assert replace(GridRules(), lower=10, upper=20).target == 15
    assert GridRules(lower=300, upper=450).target == 400


# judging: a town where the rule is broken, the same town where it is not

AROUND = [(1, 0), (0, 0), (0, 3), (2, 3), (2, 0)]
RIVER = [{"line": [(0, 1), (2, 1)], "kind": "river"}]
CASES = {
    "unassigned": ({"drawing": "AA/BB"}, "11/2_", "11/22", {"lower": 100}),
    "below_lower": ({"drawing": "AAAAAAA"}, "1111122", "1111222", {}),
    "above_upper": ({"drawing": "AAAAAAA/AAAAAAA"}, "1111112/2223333", "1111222/2233333", {}),
    "community_below_lower": ({"drawing": "AA"}, "11", "11", {}),
    "unit_above_upper": ({"drawing": "AB", "households": {"A": 504, "B": 400}}, "12", "12", {}),
    "not_connected": ({"drawing": "AAB/CCD"}, "112/221", "112/112", {"lower": 0}),
    "barrier_crossed": ({"drawing": "AB/CD", "barriers": RIVER}, "11/22", "12/12", {"lower": 0}),
    "across_communities": ({"drawing": "AB/CD", "communities": "12/12"}, "11/32", "12/12", {"lower": 0}),
    "special_in_basic": ({"drawing": "AA#"}, "111", "119", {"lower": 0}),
    "count_differs": (
        {"drawing": "AAAA"},
        "1122",
        "1111",
        {"lower": 0, "counts": {"330106001049": 1}},
    ),
    "kept_estate_split": ({"drawing": "AAB/AAB"}, "122/111", "112/112", {"lower": 0, "kept_estates": ("A",)}),
    "estate_split": ({"drawing": "AAB/AAB"}, "122/111", "112/112", {"lower": 0}),
    "main_road_crossed": (
        {"drawing": "AB/CD", "streets": [{"line": [(0, 1), (2, 1)], "class": "trunk"}]},
        "11/22",
        "12/12",
        {"lower": 0},
    ),
    "together_parted": ({"drawing": "AB/CD"}, "12/12", "11/22", {"lower": 0, "together": (("b00", "b01"),)}),
    "apart_joined": ({"drawing": "AB/CD"}, "11/22", "12/12", {"lower": 0, "apart": (("b00", "b01"),)}),
    "walk_too_long_straight": ({"drawing": "ABCD"}, "1111", "1122", {"lower": 0, "greatest_walk_m": 250.0}),
    "walk_too_long": (
        {"drawing": "ABC/DEF", "streets": [{"line": AROUND, "class": "residential"}]},
        "111/111",
        "112/332",
        {"lower": 0, "greatest_walk_m": 300.0},
    ),
}


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_is_broken_in_one_town_and_held_in_another(rule):
    town_of, broken, held, given = CASES[rule]
    town = drawn_town(**town_of)
    rules = GridRules(**given)
    fabric = build_fabric(town, rules, bonded=False)
    found = [one.rule for one in judge(divide(fabric, assigned(town, broken)))]
    assert rule in found
    if rule in {"community_below_lower", "unit_above_upper"}:
        fabric = build_fabric(town, replace(rules, lower=100, upper=600), bonded=False)
    assert rule not in [one.rule for one in judge(divide(fabric, assigned(town, held)))]


@pytest.mark.parametrize("rule", CASES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_broken_is_said_in_four_parts(rule, language):
    town_of, broken, _, given = CASES[rule]
    town = drawn_town(**town_of)
    fabric = build_fabric(town, GridRules(**given), bonded=False)
    finding = next(one for one in judge(divide(fabric, assigned(town, broken))) if one.rule == rule)
    for part in ("expected", "found", "where", "remedy"):
        said = finding.statement.part(part, language)
        assert said
        assert "{" not in said


# what a planner reads: where, and by how much
SAID = {
    "unassigned": "1 ",
    "below_lower": "100 ",
    "above_upper": "100 ",
    "not_connected": "1 ",
    "special_in_basic": "1 ",
    "count_differs": "2",
    "kept_estate_split": "2 ",
    "estate_split": "2 ",
    "main_road_crossed": "100 + 100",
    "together_parted": "2 ",
    "apart_joined": "2 ",
    "walk_too_long_straight": "50 m",
    "walk_too_long": " m",
}


@pytest.mark.parametrize("rule", SAID)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_finding_says_where_and_by_how_much(rule, language):
    town_of, broken, _, given = CASES[rule]
    town = drawn_town(**town_of)
    fabric = build_fabric(town, GridRules(**given), bonded=False)
    finding = next(one for one in judge(divide(fabric, assigned(town, broken))) if one.rule == rule)
    assert SAID[rule] in finding.statement.part("found", language)
    assert set(finding.statement.ids) <= {*town.buildings.index, "1", "2", "3", "9"}
    assert finding.statement.ids


def test_the_walk_goes_round_by_the_streets():
    # two buildings 100 m apart whose streets meet 450 m farther east
    street = {"line": [(0, 0), (0, 5), (2, 5), (2, 0)], "class": "residential"}
    town = drawn_town("A____/B____", communities="11111/11111", streets=[street])
    fabric = build_fabric(town, GridRules(lower=0, greatest_walk_m=350.0), bonded=False)
    (finding,) = judge(divide(fabric, assigned(town, "1____/1____"))).of_rule("walk_too_long")
    assert finding.statement.values["walk_m"] == pytest.approx(50 + 450 + 200 + 450 + 50, abs=1)
    assert finding.statement.values["over_m"] == pytest.approx(850, abs=1)
    assert set(finding.statement.values["buildings"]) == {"b00", "b10"}
    # inside one estate the ground is open
    open_town = drawn_town("A____/A____", communities="11111/11111", streets=[street])
    fabric = build_fabric(open_town, GridRules(lower=0, greatest_walk_m=350.0), bonded=False)
    assert not judge(divide(fabric, assigned(open_town, "1____/1____"))).of_rule("walk_too_long")


def test_workload_is_judged_where_the_rules_count_it():
    buildings = {"b00": {"weight": 450.0}, "b01": {"weight": 150.0}}
    town = drawn_town("AB", households=200, buildings=buildings)
    by_households = build_fabric(town, bonded=False)
    assert judge(divide(by_households, assigned(town, "11"))).errors == ()
    by_workload = build_fabric(town, GridRules(measure="workload"), bonded=False)
    (above,) = judge(divide(by_workload, assigned(town, "11"))).errors
    assert (above.rule, above.statement.values["over"]) == ("above_upper", 100)


def test_every_rule_is_tested_here():
    judged = {type(one).__name__ for one in CONSTRAINTS}
    assert judged == {
        "Assigned", "Window", "Contiguity", "Barriers", "CommunityBoundary", "SpecialAreas", "Counts",
        "LockedGrids", "LockedBoundaries", "KeptEstates", "Together", "Apart", "GreatestWalk",
        "EstatesWhole", "MainRoads",
    }  # fmt: skip


def test_findings_say_by_how_much():
    town = drawn_town("AAB/AAB", households={"A": 120, "B": 60})
    fabric = build_fabric(town, bonded=False)
    report = judge(divide(fabric, assigned(town, "111/112")))
    above, below = report.of_rule("above_upper")[0], report.of_rule("below_lower")[0]
    assert above.statement.values["over"] == 40
    assert below.statement.values["short"] == 240
    assert above.severity is Severity.ERROR
    assert "540 户" in above.statement.text("zh-CN")
    assert "高于上限 40 户" in above.statement.text("zh-CN")


def test_a_lock_is_judged_against_the_plan_before():
    town = drawn_town("AABB/AABB", households=100)
    rules = GridRules(locked_grids={"1": "待确认"}, locked_boundaries=(("1", "2"),))
    fabric = build_fabric(town, rules, bonded=False)
    before = divide(fabric, assigned(town, "1122/1122"))
    assert judge(before, before).errors == ()
    after = divide(fabric, assigned(town, "1122/1112"))
    broken = {one.rule: one for one in judge(after, before).errors}
    assert set(broken) == {"locked_grid_changed", "locked_boundary_moved"}
    assert broken["locked_grid_changed"].statement.values["joined"] == 1
    assert broken["locked_boundary_moved"].statement.values["buildings"] == ("b12",)
    assert "待确认" in broken["locked_grid_changed"].statement.text("zh-CN")


def test_the_map_of_a_plan_reads_back():
    town = drawn_town("AAB/_BB")
    assert codes(town, assigned(town, "112/_22")) == "112/_22"
