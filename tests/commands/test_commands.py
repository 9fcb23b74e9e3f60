"""The command line: results, exit codes, languages."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from shapely.geometry import box

from api.commands import main
from spatial.io import read_plan, read_town, write_plan, write_town
from tests.streets import building, facility, service, street, street_town
from tests.towns import drawn_town


def run(capsys, *words):
    """Run one command; return its exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    printed = capsys.readouterr()
    return end.value.code, printed.out, printed.err


def result_of(out):
    return json.loads(out.splitlines()[-1])


@pytest.fixture
def town_path(tmp_path):
    return write_town(drawn_town("AABB/AABB", households=100), tmp_path / "town.gpkg")


def test_check_of_a_sound_town(capsys, town_path):
    code, out, _ = run(capsys, "check", town_path, "--json")
    assert code == 0
    assert result_of(out)["rows"]["buildings"] == 8
    assert result_of(out)["errors"] == 0


def test_check_lists_every_error_and_ends_with_one(capsys, tmp_path, town_path):
    town = read_town(town_path)
    buildings = town.buildings.copy()
    buildings["households"] = pd.array([-1] + [100] * 7, dtype="Int64")
    buildings["use"] = pd.array(["castle"] + ["residential"] * 7, dtype="string")
    broken = tmp_path / "broken.gpkg"
    write_town(town.__class__(town.name, town.crs, {**town.tables, "buildings": buildings}), broken)
    code, out, err = run(capsys, "--language", "en", "check", broken, "--json")
    assert code == 1
    rules = {finding["rule"] for finding in result_of(out)["findings"]}
    assert {"below_least", "not_allowed"} <= rules
    assert "b00" in err


@pytest.mark.parametrize("command", ["check", "draw", "evaluate", "cover"])
def test_a_missing_file_is_wrong_input(capsys, tmp_path, command):
    extra = [] if command == "check" else ["-o", tmp_path / "out.gpkg"]
    code, _, err = run(capsys, "--language", "en", command, tmp_path / "none.gpkg", *extra)
    assert code == 2
    for part in ("Expected:", "Found:", "none.gpkg", "Remedy:"):
        assert part in err


def test_wrong_usage_is_said_in_the_readers_language(capsys):
    code, _, err = run(capsys, "draw", "--no-such-option")
    assert code == 2
    assert "命令写法有误" in err
    code, _, err = run(capsys, "--language", "en", "draw", "--no-such-option")
    assert "Wrong usage" in err


def test_draw_writes_a_plan_and_says_what_it_comes_to(capsys, tmp_path, town_path):
    code, out, err = run(capsys, "draw", town_path, "-o", tmp_path / "plan.gpkg", "--json")
    assert code == 0, err
    result = result_of(out)
    assert (result["grids"], result["in_range"], result["households"]) == (2, 2, 800)
    plan = read_plan(tmp_path / "plan.gpkg")
    assert plan.grids["households"].tolist() == [400, 400]
    assert plan.provenance["town_fingerprint"] == read_town(town_path).fingerprint()


def test_draw_takes_the_window_of_the_command_line(capsys, tmp_path, town_path):
    code, out, _ = run(
        capsys, "draw", town_path, "-o", tmp_path / "p.gpkg", "--lower", 150, "--upper", 250, "--json"
    )
    assert code == 0
    assert result_of(out)["grids"] == 4


def test_a_community_below_the_lower_limit_is_a_named_exception(capsys, tmp_path):
    town = write_town(drawn_town("AA", households=50), tmp_path / "town.gpkg")
    code, out, _ = run(capsys, "draw", town, "-o", tmp_path / "plan.gpkg", "--json")
    assert code == 0
    assert len(result_of(out)["exceptions"]) == 1


def test_a_proved_infeasibility_ends_with_one_and_is_still_written(capsys, tmp_path):
    town = write_town(drawn_town("AAAA", households=140), tmp_path / "town.gpkg")  # 560 households
    code, out, err = run(capsys, "draw", town, "-o", tmp_path / "plan.gpkg", "--json")
    assert code == 1
    assert "560" in err
    assert set(result_of(out)["statuses"].values()) == {"infeasible"}
    assert read_plan(tmp_path / "plan.gpkg").grids["exception_reason"].notna().any()


def test_unknown_households_refuse_the_drawing(capsys, tmp_path):
    town = drawn_town("AABB/AABB", households=100)
    buildings = town.buildings.assign(households=pd.array([pd.NA] * 4 + [100] * 4, dtype="Int64"))
    path = tmp_path / "town.gpkg"
    write_town(town.__class__(town.name, town.crs, {**town.tables, "buildings": buildings}), path)
    code, _, err = run(capsys, "--language", "en", "draw", path, "-o", tmp_path / "plan.gpkg")
    assert code == 2
    assert "0.95" in err or "95" in err
    assert not (tmp_path / "plan.gpkg").exists()


def test_the_same_seed_draws_the_same_plan(capsys, tmp_path, town_path):
    for name in ("a", "b"):
        run(capsys, "draw", town_path, "-o", tmp_path / f"{name}.gpkg", "--seed", 3)
    first, second = (read_plan(tmp_path / f"{name}.gpkg") for name in ("a", "b"))
    pd.testing.assert_frame_equal(first.assignment, second.assignment)
    code, out, _ = run(
        capsys,
        "compare",
        tmp_path / "a.gpkg",
        tmp_path / "b.gpkg",
        "-o",
        tmp_path / "diff.gpkg",
        "--json",
    )
    assert code == 0
    assert result_of(out)["households"] == 0


def test_evaluate_finds_the_broken_rule(capsys, tmp_path, town_path):
    run(capsys, "draw", town_path, "-o", tmp_path / "plan.gpkg")
    code, _, _ = run(
        capsys, "evaluate", town_path, "--plan", tmp_path / "plan.gpkg", "-o", tmp_path / "judged.gpkg"
    )
    assert code == 0
    plan = read_plan(tmp_path / "plan.gpkg")
    moved = plan.assignment.copy()
    moved.loc[0, "grid_id"] = next(one for one in plan.grids.index if one != moved.loc[0, "grid_id"])
    moved.loc[1, "grid_id"] = moved.loc[0, "grid_id"]
    write_plan(
        plan.__class__(plan.grids, moved, plan.certificates, plan.rules, plan.provenance),
        tmp_path / "worse.gpkg",
    )
    code, out, err = run(
        capsys,
        "evaluate", town_path, "--plan", tmp_path / "worse.gpkg", "-o", tmp_path / "judged.gpkg", "--json",
    )  # fmt: skip
    assert code == 1, err
    assert result_of(out)["broken"] > 0


def test_help_is_chinese_first(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert "划分网格" in out
    _, out, _ = run(capsys, "--language", "en", "draw", "--help")
    assert "draw the grids" in out


def test_cover_says_rates_and_what_is_not_assessed(capsys, tmp_path):
    town = street_town(
        communities=[{"community_id": "c", "name": "C", "geometry": box(-50, -50, 1050, 50)}],
        buildings=[building("near", 0, 5), building("far", 1000, 5)],
        streets=[street("s", (0, 0), (1000, 0))],
        facilities=[facility("f", 100, 5), facility("unknown", 100, 5)],
        services=[service("f", "pharmacy")],
    )
    path = write_town(town, tmp_path / "town.gpkg")
    code, out, err = run(capsys, "cover", path, "-o", tmp_path / "coverage.gpkg", "--json")
    assert code == 0, err
    rates = result_of(out)["rates"]
    assert rates["pharmacy"] == {
        "limit_m": 500.0, "basis": "households", "share": 0.5, "numerator": 10.0, "denominator": 20.0, "undetermined": 0.0,
    }  # fmt: skip
    assert "药店" in err
    assert "50.0%" in err
