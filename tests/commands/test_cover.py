"""``wangge cover``: scenarios, paces and too little data, as a planner meets them."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import shapely

from api.commands import main
from api.commands.demo import demo_county
from spatial.io import read_coverage, read_town, write_town
from spatial.lifecircle import Assessment, try_changes
from spatial.scenario import ACTIONS, read_scenario, scenario_of, set_gate
from tests.streets import building, facility, service, street, street_town

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "scenarios.md"


def run(capsys, *words):
    """Run one command; return its exit code, its result and standard error."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    printed = capsys.readouterr()
    return end.value.code, json.loads(printed.out.splitlines()[-1]) if printed.out else None, printed.err


@pytest.fixture(scope="module")
def before():
    """The demo county, measured as it is."""
    return Assessment.of(read_town(demo_county()))


def test_the_scenario_of_the_guide_does_what_the_guide_says(before, tmp_path):
    page = GUIDE.read_text(encoding="utf-8")
    actions = re.findall(r"`(\w+)`", " ".join(re.findall(r"(?m)^\| (`[^|]+) \|", page)))
    assert set(actions) - {"do"} == set(ACTIONS)
    example, kept = re.findall(r"(?s)```toml\n(.*?)```", page)
    scenario = scenario_of(tomllib.loads(example), before.town, before.survey.network)
    effects = try_changes(before, scenario.changes).effects().to_dict(orient="index")
    shown = json.loads(re.findall(r"(?s)```json\n(.*?)```", page)[0])
    assert effects["community_health_station"] == shown["community_health_station"]
    assert effects["grid_station"]["lost_households"] > 0
    assert scenario_of(tomllib.loads(kept), before.town).changes == (scenario.changes[0],)


def test_one_gate_closes_a_named_gap_of_the_demo_county(before):
    gap = before.coverage().gaps.loc["community_health_station-1"]
    assert (gap["households"], gap["cause"]) == (1095, "gate")
    outcome = try_changes(before, set_gate(before.town, "G041", is_open=True))
    assert outcome.effects().loc["community_health_station", "gained_households"] == 1095
    inside = shapely.intersects(gap["geometry"], before.survey.places.building_centre)
    gained, _ = outcome.changed("community_health_station")
    assert np.nan_to_num(before.households)[inside & ~gained].sum() == 0


@pytest.fixture
def small(tmp_path):
    town = street_town(
        streets=[street("a", (0, 0), (400, 0), (1000, 0))],
        buildings=[building("near", 90, 5, 30), building("far", 290, 5, 20), building("out", 730, 5, 7)],
        facilities=[facility("f", 0, 0)], services=[service("f")],
    )  # fmt: skip
    return write_town(town, tmp_path / "town.gpkg")


def test_a_pace_measures_by_time(capsys, tmp_path, small):
    answers = {}
    for pace in ("adult", "elderly"):
        code, result, err = run(
            capsys, "--language", "en", "cover", small, "-o", tmp_path / "c.gpkg", "--pace", pace, "--json"
        )
        assert code == 0
        assert "(5 min)" in err
        answers[pace] = result["rates"]["kindergarten"]["numerator"]
    assert answers == {"adult": 50, "elderly": 30}
    assert read_coverage(tmp_path / "c.gpkg").provenance["pace"] == "elderly"
    code, _, err = run(capsys, "--language", "en", "cover", small, "-o", tmp_path / "d.gpkg", "--pace", "ox")
    assert code == 2
    assert "wheelchair" in err


def test_a_scenario_says_who_gains_and_is_kept(capsys, tmp_path, small):
    path, output = tmp_path / "s.toml", tmp_path / "c.gpkg"
    path.write_text(
        'name = "新园"\n[[change]]\ndo = "add_service"\nfacility = "n"\ncategory = "kindergarten"\nat = [600, 0]',
        encoding="utf-8",
    )
    code, result, err = run(capsys, "cover", small, "-o", output, "--scenario", path, "--json")
    assert code == 0
    assert "新园" in err
    assert result["scenario"]["effects"]["kindergarten"] == {
        "limit_m": 300.0, "gained_buildings": 1, "lost_buildings": 0, "gained_households": 7, "lost_households": 0,
    }  # fmt: skip
    # The coverage keeps the changes with old and new values, as a file that can be run again.
    path.write_text(read_coverage(output).provenance["scenario"], encoding="utf-8")
    town = read_town(small)
    again = read_scenario(path, town)
    assert again.base == town.fingerprint()
    assert [(one.table, one.row, one.old) for one in again.changes] == [
        ("facilities", "n", None),
        ("services", "n/kindergarten", None),
    ]


def test_a_change_of_pace_is_a_scenario(capsys, tmp_path, small):
    path = tmp_path / "s.toml"
    path.write_text('name = "老年人"\npace = "elderly"\n', encoding="utf-8")
    code, result, _ = run(
        capsys, "cover", small, "-o", tmp_path / "c.gpkg", "--scenario", path, "--pace", "adult", "--json"
    )
    assert code == 0
    assert result["scenario"]["pace"] == "elderly"
    assert result["scenario"]["effects"]["kindergarten"]["lost_households"] == 20
    kept = scenario_of({"name": "", "pace": "elderly"}, read_town(small))
    assert 'pace = "elderly"' in read_coverage(tmp_path / "c.gpkg").provenance["scenario"]
    assert kept.changes == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "it cannot be read"),
        ("change = 3", "[[change]]"),
        ('[[change]]\ndo = "fly"', "open_gate"),
        ('[[change]]\ndo = "open_gate"\ngates = "x"', "gate"),
        ('[[change]]\ndo = "open_gate"\ngate = "x"', "no such row"),
        ('[[change]]\ndo = "add_service"\nfacility = "n"\ncategory = "kindergarten"\nat = [1]', "at"),
        ('[[change]]\ndo = "resize_service"\nfacility = "f"\ncategory = "kindergarten"\ncapacity = "x"', "f/kindergarten"),
        ('[[change]]\ndo = "resize_service"\nfacility = "f"\ncategory = "kindergarten"\nsize = 3', "size"),
        ('[[change]]\ndo = "add_service"\nfacility = "n"\ncategory = "castle"\nat = [1, 2]', "castle"),
        ('[[change]]\ndo = "cross_wall"\nstreet = "n"\nline = [[1, 2]]', "wall"),
        ('[[change]]\ntable = "gates"\nrow = "g"\nold = { open = 1 }', "no such row"),
        ('[[change]]\ntable = "moats"\nrow = "g"', "no such table"),
    ],
)  # fmt: skip
def test_a_wrong_scenario_is_wrong_input(capsys, tmp_path, small, text, said):
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    code, _, err = run(
        capsys, "--language", "en", "cover", small, "-o", tmp_path / "c.gpkg", "--scenario", path
    )
    assert code == 2
    assert said in err
    assert not (tmp_path / "c.gpkg").exists()


def test_too_little_data_is_said_in_plain_words(capsys, tmp_path, shared_data):
    source = shared_data / "guixi-county-sparse" / "guixi-county-sparse.osm.pbf"
    mapping = Path(__file__).parents[1] / "io" / "mappings" / "guixi-county-sparse.toml"
    town, output = tmp_path / "town.gpkg", tmp_path / "c.gpkg"
    assert run(capsys, "import", source, "-o", town, "--mapping", mapping)[0] == 0
    code, result, err = run(capsys, "cover", town, "-o", output, "--json")
    assert code == 0
    assert result["assessed"] == 0
    assert {one["share"] for one in result["rates"].values()} == {None}
    assert "数据太少，无法评估" in err
    assert "户数未知" in err
    assert "%" not in err
    rates = read_coverage(output).rates
    assert rates.loc[rates["basis"] == "households", ["numerator", "denominator"]].isna().all(axis=None)
