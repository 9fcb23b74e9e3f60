"""A package gives back what was written, whatever stands in it, and is never half written."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.checks import make_town
from spatial.errors import FileError
from spatial.grids import Plan
from spatial.io import read_coverage, read_plan, read_town, write_coverage, write_plan, write_town
from spatial.io.packages import written_whole
from spatial.lifecircle.coverage import Coverage

X0, Y0 = 500_000.0, 4_400_000.0
NAMES = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@st.composite
def raw_buildings(draw: st.DrawFn) -> gpd.GeoDataFrame:
    count = draw(st.integers(1, 8))

    def values(of: st.SearchStrategy) -> list:
        return draw(st.lists(st.none() | of, min_size=count, max_size=count))

    shapes = [
        draw(
            st.sampled_from(
                [
                    shapely.box(X0 + 30 * row, Y0, X0 + 30 * row + 12.3456, Y0 + 10),
                    shapely.Point(X0 + 30 * row, Y0 + 1 / 3),
                    shapely.MultiPolygon(
                        [
                            shapely.box(X0 + 30 * row, Y0, X0 + 30 * row + 4, Y0 + 4),
                            shapely.box(X0 + 30 * row + 6, Y0, X0 + 30 * row + 9, Y0 + 4),
                        ]
                    ),
                ]
            )
        )
        for row in range(count)
    ]
    return gpd.GeoDataFrame(
        {
            "building_id": [f"楼{row}" for row in range(count)],
            "name": values(NAMES),
            "households": pd.array(values(st.integers(0, 2**40)), dtype="Int64"),
            "weight": values(st.floats(0, 1e9, allow_nan=False)),
            "has_lift": pd.array(values(st.booleans()), dtype="boolean"),
            "use": draw(
                st.lists(st.sampled_from(["residential", "mixed", "other"]), min_size=count, max_size=count)
            ),
            "of_the_office": pd.array(values(st.booleans()), dtype="boolean"),
            "编号": values(st.integers(-(2**50), 2**50)),
        },
        geometry=shapes,
        crs="EPSG:4548",
    )


@settings(max_examples=12, deadline=None)
@given(buildings=raw_buildings(), synthetic=st.booleans())
def test_a_town_survives_the_package(buildings, synthetic, tmp_path_factory):
    path = tmp_path_factory.mktemp("package") / "town.gpkg"
    provenance = {"synthetic": str(synthetic).lower(), "source": "普查 2020"}
    town = make_town("测试", "EPSG:4548", {"buildings": buildings}, provenance)
    write_town(town, path)
    again = read_town(path)
    assert again.fingerprint() == town.fingerprint()
    assert (again.name, dict(again.provenance)) == ("测试", provenance)
    assert again.crs == town.crs
    assert [one.rule for one in again.report if one.rule != "placed"] == [
        one.rule for one in town.report if one.rule not in {"placed", "no_communities"}
    ]


def small_town():
    buildings = gpd.GeoDataFrame(
        {"building_id": ["1", "2"], "households": [10, None], "use": ["residential", "other"]},
        geometry=[shapely.box(X0, Y0, X0 + 10, Y0 + 10), shapely.Point(X0 + 50, Y0 + 50)],
        crs="EPSG:4548",
    )
    return make_town("小镇", "EPSG:4548", {"buildings": buildings})


def test_unknown_stays_unknown(tmp_path):
    again = read_town(write_town(small_town(), tmp_path / "town.gpkg"))
    assert again.buildings["households"].isna().tolist() == [False, True]
    assert again.buildings.loc["1", "households"] == 10


def test_a_package_is_a_geopackage_with_registered_tables(tmp_path):
    path = write_town(small_town(), tmp_path / "town.gpkg")
    with sqlite3.connect(path) as database:
        contents = dict(database.execute("SELECT table_name, data_type FROM gpkg_contents"))
        systems = {row[0] for row in database.execute("SELECT srs_id FROM gpkg_geometry_columns")}
        kept = dict(database.execute("SELECT key, value FROM provenance"))
    assert contents == {"buildings": "features", "communities": "features", "provenance": "attributes"}
    assert systems == {4548}
    assert kept == {"name": "小镇", "package": "wangge-town/1"}


def test_a_plan_survives_the_package(tmp_path):
    plan = Plan(
        grids=gpd.GeoDataFrame(
            {"community_id": ["c"], "kind": ["basic"], "in_range": pd.array([None], dtype="boolean")},
            index=pd.Index(["g1"], name="grid_id"),
            geometry=[shapely.box(X0, Y0, X0 + 9, Y0 + 9)],
            crs="EPSG:4548",
        ),
        assignment=pd.DataFrame({"building_id": ["1"], "stairwell_id": [None], "grid_id": ["g1"]}),
        certificates=pd.DataFrame(
            {"status": ["bounded"], "gap": [0.25]}, index=pd.Index(["c"], name="community_id")
        ),
        rules={"lower": "300", "upper": "500"},
        provenance={"town_fingerprint": "abc"},
    )
    again = read_plan(write_plan(plan, tmp_path / "plan.gpkg"))
    assert again.grids.index.tolist() == ["g1"]
    assert again.grids.crs.to_epsg() == 4548
    assert again.grids["in_range"].isna().all()
    assert again.assignment["stairwell_id"].isna().all()
    assert again.certificates.loc["c", "gap"] == 0.25
    assert (again.rules, again.provenance) == (plan.rules, plan.provenance)


def test_a_coverage_survives_the_package_without_gaps(tmp_path):
    coverage = Coverage(
        buildings=small_town().buildings[["households", "geometry"]],
        walks=pd.DataFrame(
            {"building_id": ["1"], "category": ["clinic"], "walk_m": [np.nan], "status": ["no_facility"]}
        ),
        rates=pd.DataFrame(
            {"subject_type": ["town"], "subject_id": ["t"], "basis": ["households"], "numerator": [3.0]}
        ),
        gaps=gpd.GeoDataFrame({"gap_id": [], "category": []}, geometry=[], crs="EPSG:4548"),
        provenance={"mode": "distance"},
    )
    again = read_coverage(write_coverage(coverage, tmp_path / "coverage.gpkg"))
    assert again.walks["walk_m"].isna().all()
    assert again.rates.loc[0, "numerator"] == 3.0
    assert again.gaps.empty
    assert again.gaps.crs.to_epsg() == 4548
    assert again.provenance == {"mode": "distance"}


def test_a_failure_midway_leaves_the_old_file(tmp_path):
    path = write_town(small_town(), tmp_path / "town.gpkg")
    before = path.read_bytes()

    def interrupted():
        with written_whole(path) as partial:
            partial.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda path: None, "io.file_missing"),
        (lambda path: path.write_text("小区名称,户数\n甲,10\n", encoding="gbk"), "io.not_geopackage"),
        (lambda path: path.write_bytes(b""), "io.not_geopackage"),
        (lambda path: path.mkdir(), "io.not_geopackage"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(4000)), "io.unreadable"),
    ],
)
def test_a_file_that_is_no_geopackage_is_named(make, rule, tmp_path):
    path = tmp_path / "town.gpkg"
    make(path)
    with pytest.raises(FileError) as failure:
        read_town(path)
    assert failure.value.statement.key == rule
    assert str(path) in str(failure.value)
    for part in ("expected", "found", "where", "remedy"):
        assert failure.value.statement.part(part, "zh-CN")
        assert failure.value.statement.part(part, "en")


def test_a_plan_is_not_read_as_a_town(tmp_path):
    pyogrio.write_dataframe(
        pd.DataFrame({"key": ["package"], "value": ["wangge-plan/1"]}),
        tmp_path / "plan.gpkg",
        layer="provenance",
    )
    with pytest.raises(FileError, match="wangge-plan/1"):
        read_town(tmp_path / "plan.gpkg")


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(FileError, match="nowhere"):
        write_town(small_town(), tmp_path / "nowhere" / "town.gpkg")
