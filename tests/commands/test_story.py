"""Half an hour at an office: the commands of the guide make a checked town of four files, draw and cover it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest

from spatial.io import read_coverage, read_plan, read_town
from tests.commands.test_commands import result_of, run
from tests.office import _buildings, _estates, households_of, write_office_files

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "import.md"


def commands():
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("wangge ")]


def corrections():
    rows = re.findall(r"(?m)^\| `(.+?)` \| `(.+?)` \|", GUIDE.read_text(encoding="utf-8"))
    assert len(rows) == 3
    return rows


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    folder = tmp_path_factory.mktemp("office")
    write_office_files(folder)
    return folder


def test_the_guide_leads_from_office_files_to_grids_and_coverage(office, capsys, monkeypatch):
    monkeypatch.chdir(office)
    suggest, bring_in, check, draw, cover = commands()
    code, _, err = run(capsys, *suggest)
    assert code == 0, err
    mapping = Path("对照.toml").read_text(encoding="utf-8")
    for before, after in corrections():
        assert mapping.count(before) == 1, before
        mapping = mapping.replace(before, after)
    Path("对照.toml").write_text(mapping, encoding="utf-8")

    code, _, err = run(capsys, *(word for word in bring_in if word != "--repair"))
    assert code == 2
    assert "--repair" in err
    assert not Path("研究区.gpkg").exists()
    code, out, err = run(capsys, *bring_in, "--json")
    assert code == 0, err
    assert result_of(out)["repairs"] == 1
    repairs = pyogrio.read_dataframe("研究区-repairs.gpkg", layer="repairs")
    assert repairs[["id", "rule"]].to_numpy().tolist() == [["LD0041", "invalid_geometry"]]

    town = read_town("研究区.gpkg")
    truth = households_of(_buildings(_estates()))
    shared = town.buildings.groupby("estate_id")["households"].sum()
    names = town.estates["name"]
    assert {names[estate]: int(total) for estate, total in shared.items()} == truth
    homes = town.buildings[town.buildings["use"] == "residential"]
    assert set(homes["households_source"]) == {"estimated"}
    assert set(town.communities.index) == {"东门社区", "雄石社区"}
    drawn = _buildings(_estates())
    moved = gpd.GeoSeries(town.buildings.loc[drawn["楼栋编号"]].geometry.to_numpy(), crs=town.crs)
    assert moved.centroid.distance(drawn.to_crs(town.crs).centroid).max() < 0.05
    # Undone, the shift of GCJ-02 puts the pharmacy back beside its street.
    pharmacy = town.facilities.geometry[(town.facilities["name"] == "大众药房").to_numpy()].iloc[0]
    assert town.streets.distance(pharmacy).min() < 3
    assert len(town.services) == 6

    rules = {one["rule"] for one in result_of(out)["findings"]}
    assert rules >= {"datum_converted", "encoding_guessed", "titles_passed_over", "no_category", "shared_out"}
    code, _, err = run(capsys, *check)
    assert code == 0, err
    assert "检查.gpkg" in err
    code, _, err = run(capsys, *draw)
    assert code == 0, err
    plan = read_plan("方案.gpkg")
    assert plan.grids["households"].between(300, 500).all()
    code, _, err = run(capsys, *cover)
    assert code == 0, err
    assert read_coverage("覆盖.gpkg").rates["estimated_share"].max() == 1
