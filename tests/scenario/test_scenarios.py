"""Scenarios are kept as changes with old and new value, and refused by a town that has moved on."""

from __future__ import annotations

import pytest

from spatial.errors import ConflictError, FileError, RulesError, UsageError
from spatial.lifecircle import Assessment, try_changes
from spatial.network import CLOSED, build_network
from spatial.scenario import (
    Change,
    Scenario,
    add_footpath,
    add_service,
    apply,
    close_service,
    close_street,
    cross_wall,
    move_service,
    read_scenario,
    scenario_of,
    set_gate,
    write_scenario,
)
from tests.streets import barrier, box, building, estate, facility, gate, service, street, street_town


@pytest.fixture
def town():
    return street_town(
        streets=[street("a", (0, 0), (100, 0)), street("b", (0, 50), (100, 50))],
        estates=[estate("E", box(10, 60, 40, 90))],
        gates=[gate("g", "E", 20, 60, is_open=False)],
        facilities=[facility("f", 5, 5)],
        services=[service("f"), service("f", "pharmacy", capacity=3.5)],
        entrances=[{"entrance_id": "e", "facility_id": "f", "geometry": facility("x", 6, 5)["geometry"]}],
    )


def test_changes_there_and_back_leave_the_town_as_it_was(town):
    network = build_network(town)
    changes = [
        *set_gate(town, "g", is_open=True),
        *add_service("new", "kindergarten", (9, 9), name="新园", capacity=90.0),
        *close_service(town, "f", "pharmacy"),
        *move_service(town, "f", (50, 5)),
        *close_street(town, "b"),
        *add_footpath(town, network, "path", [(50, 4), (50, 47)], bridge=True),
    ]
    after = apply(town, changes)
    assert after.fingerprint() != town.fingerprint()
    assert bool(after.gates.loc["g", "open"])
    assert after.facilities.loc["new", "name"] == "新园"
    assert after.streets.loc["path", "geometry"].coords[:] == [(50.0, 0.0), (50.0, 50.0)]
    assert len(after.streets.loc["a", "geometry"].coords) == 3
    assert after.streets.dtypes.equals(town.streets.dtypes)
    back = [Change(one.table, one.row, one.new, one.old) for one in reversed(changes)]
    assert apply(after, back).fingerprint() == town.fingerprint()


def test_a_scenario_survives_a_file(town, tmp_path):
    changes = (
        *set_gate(town, "g", is_open=True),
        *add_service("n", "bank", (1.5, 2), name='"引号"', capacity=1.5),
    )
    scenario = Scenario("东门开放", town.fingerprint(), changes, pace="elderly")
    write_scenario(scenario, tmp_path / "s.toml")
    assert read_scenario(tmp_path / "s.toml", town) == scenario


def test_actions_one_upon_another_become_changes(town):
    document = {
        "name": "东门",
        "change": [
            {"do": "open_gate", "gate": "g"},
            {"do": "add_footpath", "street": "p", "line": [[50, 2], [50, 48]]},
            {"do": "add_footpath", "street": "q", "line": [[50, 25], [70, 25]]},  # lands on the one before
            {"do": "close_gate", "gate": "g"},
            {"table": "gates", "row": "g", "old": {"open": False}, "new": {"open": True}},
        ],
    }
    scenario = scenario_of(document, town)
    assert scenario.base == town.fingerprint()
    assert [one.row for one in scenario.changes] == ["g", "p", "a", "b", "q", "p", "g", "g"]
    after = apply(town, scenario.changes)
    assert len(after.streets.loc["p", "geometry"].coords) == 3
    assert bool(after.gates.loc["g", "open"])


def test_a_path_is_not_joined_across_a_wall():
    town = street_town(
        streets=[street("out", (0, 0), (100, 0)), street("in", (10, 30), (90, 30))],
        estates=[estate("E", box(0, 5, 100, 60))],
    )
    network = build_network(town)
    (path,) = add_footpath(town, network, "p", [(20, 8), (40, 12)])
    assert path.new["geometry"] == "LINESTRING (20 8, 40 12)"
    changes = add_footpath(town, network, "p", [(20, 18), (40, 12)])
    assert [one.row for one in changes] == ["p", "in"]


@pytest.mark.parametrize("line", [[(30, 0), (30, 20)], [(30, 5)]])
def test_a_wall_is_crossed_by_a_gate_or_over_it(line):
    """An estate's wall gets a gate; one that is drawn alone is passed like a bridge."""
    ends = [street("south", (30, -50), (30, 0)), street("north", (30, 20), (30, 50))]
    through = [street("road", (30, -50), (30, 50))]
    streets = ends if len(line) == 2 else through
    for walls in (
        {"estates": [estate("E", box(0, 5, 100, 60))]},
        {"barriers": [barrier("wall", (0, 5), (100, 5))]},
    ):
        town = street_town(
            streets=streets,
            buildings=[building("home", 32, 45)], facilities=[facility("f", 30, -40)], services=[service("f")],
            **walls,
        )  # fmt: skip
        network = build_network(town)
        changes = cross_wall(town, network, "way", line)
        kinds = [one.table for one in changes]
        assert ("gates" in kinds) == ("estates" in walls)
        outcome = try_changes(Assessment.of(town), changes)
        assert outcome.before.walks.steps[0, 0] == CLOSED
        assert outcome.after.walks.steps[0, 0] == pytest.approx(870_000, abs=5)
    with pytest.raises(UsageError, match="9, 99"):
        cross_wall(town, network, "way", [(9, 99)])


def test_old_values_must_hold(town):
    changes = set_gate(town, "g", is_open=True)
    with pytest.raises(ConflictError, match="open"):
        apply(apply(town, changes), changes)
    with pytest.raises(ConflictError, match="new"):
        apply(town, add_service("new", "bank", (0, 0)) * 2)
    with pytest.raises(ConflictError, match="gone"):
        apply(town, [Change("gates", "gone", {"open": True}, {"open": False})])


def test_what_is_not_there_is_said(town, tmp_path):
    with pytest.raises(UsageError, match="nowhere"):
        set_gate(town, "nowhere", is_open=True)
    with pytest.raises(UsageError, match="f/bank"):
        close_service(town, "f", "bank")
    with pytest.raises(FileError):
        read_scenario(tmp_path / "none.toml", town)
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(RulesError, match=r"bad\.toml"):
        read_scenario(tmp_path / "bad.toml", town)


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ({"do": "move_service", "facility": "f", "at": [1]}, "coordinates"),
        ({"do": "add_footpath", "street": "p", "line": [1, 2]}, "coordinates"),
        ({"do": "add_footpath", "street": "p", "line": [[1, 2]]}, "path_without_length"),
        ({"do": "add_bridge", "street": "p", "line": [[1, 2], [1, 2]]}, "path_without_length"),
    ],
)
def test_malformed_places_are_refused_with_the_form_they_should_have(town, entry, key):
    with pytest.raises(UsageError) as caught:
        scenario_of({"change": [entry]}, town)
    assert caught.value.statement.key == f"scenario.{key}"
    assert "[x, y]" in str(caught.value)
