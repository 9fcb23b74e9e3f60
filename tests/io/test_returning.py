"""One community goes out, is edited elsewhere and comes back: edits are taken, clashes are listed."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from spatial.checks import make_town
from spatial.io import export_tables, import_town, part_of, take_back

X0, Y0 = 450_000.0, 4_427_000.0
CRS = "EPSG:4548"


def box(west, south, east, north):
    return shapely.box(X0 + west, Y0 + south, X0 + east, Y0 + north)


@pytest.fixture
def town():
    return make_town(
        "t",
        CRS,
        {
            "communities": gpd.GeoDataFrame(
                {"community_id": ["c1", "c2"], "name": ["东", "西"]},
                geometry=[box(0, 0, 200, 200), box(200, 0, 400, 200)],
                crs=CRS,
            ),
            "buildings": gpd.GeoDataFrame(
                {
                    "building_id": ["a", "b", "c", "other"],
                    "households": [10, 20, 30, 40],
                    "use": ["residential"] * 4,
                    "community_id": ["c1", "c1", "c1", "c2"],
                },
                geometry=[box(x, 10, x + 20, 30) for x in (10, 50, 90, 250)],
                crs=CRS,
            ),
            "facilities": gpd.GeoDataFrame(
                {"facility_id": ["f1", "f2"]},
                geometry=[shapely.Point(X0 + 20, Y0 + 60), shapely.Point(X0 + 300, Y0 + 60)],
                crs=CRS,
            ),
            "services": pd.DataFrame({"facility_id": ["f1", "f2"], "category": ["pharmacy", "bank"]}),
        },
    )


def edited(table, **values):
    table = table.copy()
    for label, (column, value) in values.items():
        table.loc[label, column] = value
    return table


def test_a_part_holds_its_community_and_no_other(town):
    part = part_of(town, "c1")
    assert part["communities"].index.tolist() == ["c1"]
    assert part["buildings"].index.tolist() == ["a", "b", "c"]
    assert part["facilities"].index.tolist() == ["f1"]
    assert part["services"]["facility_id"].tolist() == ["f1"]


def test_what_comes_back_unedited_through_a_datum_changes_nothing(town, tmp_path):
    base = part_of(town, "c1")
    export_tables("东", town.crs, base, tmp_path / "c1.zip", to="csv", reference="GCJ-02")
    theirs = import_town([tmp_path / "c1.zip"]).town
    result = take_back(base, theirs.tables, town)
    assert result.changes.empty
    assert result.conflicts.empty
    assert result.town.fingerprint() == town.fingerprint()


def test_edits_are_taken_and_clashes_listed(town):
    base = part_of(town, "c1")
    theirs = {**base, "buildings": edited(base["buildings"], a=("households", 11), b=("households", 21))}
    theirs["buildings"] = theirs["buildings"].drop(index="c")
    added = base["buildings"].loc[["c"]].rename(index={"c": "new"})
    added = added.set_geometry([box(130, 10, 150, 30)], crs=CRS)
    theirs["buildings"] = pd.concat([theirs["buildings"], added])
    now = make_town(
        "t",
        CRS,
        {**town.tables, "buildings": edited(town.buildings, b=("households", 25), other=("households", 41))},
    )
    result = take_back(base, theirs, now)
    households = result.town.buildings["households"].to_dict()
    assert households == {"a": 11, "b": 25, "other": 41, "new": 30}
    assert result.conflicts.to_dict("records") == [
        {"table": "buildings", "id": "b", "column": "households", "base": "20", "ours": "25", "theirs": "21"}
    ]
    assert set(result.changes["id"]) == {"a", "c", "new"}
    (finding,) = result.town.report.of_rule("edit_conflict")
    assert finding.statement.ids == ("b",)


def test_a_row_they_took_out_and_we_changed_stays_and_is_listed(town):
    base = part_of(town, "c1")
    theirs = {**base, "buildings": base["buildings"].drop(index="b")}
    now = make_town("t", CRS, {**town.tables, "buildings": edited(town.buildings, b=("households", 25))})
    result = take_back(base, theirs, now)
    assert result.town.buildings.loc["b", "households"] == 25
    assert result.conflicts["id"].tolist() == ["b"]
