"""Scenarios are kept as changes with old and new value, and refused by a town that has moved on."""

from __future__ import annotations

import pytest

from spatial.errors import ConflictError, FileError, RulesError, UsageError
from spatial.network import build_network
from spatial.scenario import (
    Change,
    Scenario,
    add_footpath,
    add_service,
    apply,
    close_service,
    close_street,
    move_service,
    read_scenario,
    set_gate,
    write_scenario,
)
from tests.streets import box, estate, facility, gate, service, street, street_town


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
    assert read_scenario(tmp_path / "s.toml") == scenario


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
        read_scenario(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("name = 1")
    with pytest.raises(RulesError, match="base"):
        read_scenario(tmp_path / "bad.toml")
