"""What is exported and imported again is the same town, in every format, encoding and datum."""

from __future__ import annotations

import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.checks import make_town
from spatial.errors import FileError, UsageError
from spatial.io import export_tables, import_town

X0, Y0 = 450_000.0, 4_427_000.0
CRS = "EPSG:4548"
# What GBK can hold and DBF gives back: no blanks at the ends.
GBK = st.text(alphabet="甲乙丙丁小区楼街1A=+-@'\"，,;#\t", min_size=1, max_size=8).map(str.strip)
ANY = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=8).map(
    str.strip
)


@st.composite
def towns(draw: st.DrawFn, names: st.SearchStrategy[str] = GBK):
    count = draw(st.integers(1, 6))

    def values(of: st.SearchStrategy, number: int = count) -> list:
        return draw(st.lists(st.none() | of, min_size=number, max_size=number))

    inner = shapely.box(X0 + 3, Y0 + 3, X0 + 5, Y0 + 5).exterior.coords
    with_court = shapely.Polygon(shapely.box(X0, Y0, X0 + 9, Y0 + 9).exterior.coords, [inner])
    shapes = [
        shapely.affinity.translate(
            draw(
                st.sampled_from(
                    [
                        with_court,
                        shapely.Point(X0 + 1 / 3, Y0 + 2 / 7),
                        shapely.box(X0, Y0, X0 + 7.7, Y0 + 5.5),
                    ]
                )
            ),
            40 * row,
            draw(st.floats(0, 50)),
        )
        for row in range(count)
    ]
    tables = {
        "communities": gpd.GeoDataFrame(
            {"community_id": ["110108001001"], "name": ["学院路社区"]},
            geometry=[shapely.box(X0 - 100, Y0 - 100, X0 + 400, Y0 + 200)],
            crs=CRS,
        ),
        "buildings": gpd.GeoDataFrame(
            {
                "building_id": [f"{row:03d}" for row in range(count)],
                "name": values(names),
                "households": pd.array(values(st.integers(0, 10**6)), dtype="Int64"),
                "weight": values(st.floats(0, 1e6).map(lambda one: round(one, 3))),
                "has_lift": pd.array(values(st.booleans()), dtype="boolean"),
                "use": draw(
                    st.lists(
                        st.sampled_from(["residential", "mixed", "other"]), min_size=count, max_size=count
                    )
                ),
                "as_of": values(st.dates().map(lambda one: one.isoformat())),
            },
            geometry=shapes,
            crs=CRS,
        ),
        "streets": gpd.GeoDataFrame(
            {"street_id": ["s1", "s2"], "bridge": pd.array([True, None], dtype="boolean")},
            geometry=[
                shapely.LineString([(X0, Y0), (X0 + 50.123, Y0 + 20), (X0 + 90, Y0)]),
                shapely.MultiLineString([[(X0, Y0), (X0 + 9, Y0)], [(X0 + 20, Y0), (X0 + 29, Y0 + 4)]]),
            ],
            crs=CRS,
        ),
        "facilities": gpd.GeoDataFrame(
            {"facility_id": ["f1"], "name": values(names, 1)},
            geometry=[shapely.Point(X0 + 5, Y0 + 6)],
            crs=CRS,
        ),
        "services": pd.DataFrame(
            {"facility_id": ["f1", "f1"], "category": ["pharmacy", "bank"], "beds": [None, 2.5]}
        ),
    }
    return make_town("往返", CRS, tables)


def assert_same(town, again):
    assert again.crs == town.crs
    assert again.name == town.name
    for name, table in town.tables.items():
        other = again.tables[name]
        assert len(other) == len(table), name
        if table.empty:
            continue
        one, two = table, other
        if table.index.name:
            one, two = table.sort_index(), other.sort_index()
        attributes = [column for column in one.columns if column != "geometry"]
        pd.testing.assert_frame_equal(
            pd.DataFrame(one[attributes]),
            pd.DataFrame(two[attributes]),
            check_exact=False,
            rtol=1e-9,
            obj=name,
        )
        if isinstance(table, gpd.GeoDataFrame):
            distances = shapely.hausdorff_distance(one.geometry.to_numpy(), two.geometry.to_numpy())
            assert distances.max() < 0.01, name
            assert (shapely.get_type_id(one.geometry) == shapely.get_type_id(two.geometry)).all()


WAYS = {
    "shapefile-gbk-4526": {"to": "shp", "reference": "EPSG:4526", "encoding": "gbk", "file": "a.zip"},
    "shapefile-utf8": {"to": "shp", "file": "a.zip"},
    "csv-gcj": {"to": "csv", "reference": "GCJ-02", "file": "a.zip"},
    "csv-bd-gbk": {"to": "csv", "reference": "BD-09", "encoding": "gbk", "file": "a.zip"},
    "csv-titles": {"to": "csv", "titles": "zh-CN", "file": "a.zip"},
    "xlsx-titles": {"to": "xlsx", "titles": "zh-CN", "file": "a.xlsx"},
    "xlsx-bd": {"to": "xlsx", "reference": "BD-09", "file": "a.xlsx"},
    "geojson": {"to": "geojson", "file": "a.zip"},
    "geojson-gcj": {"to": "geojson", "reference": "GCJ-02", "file": "a.zip"},
    "kml": {"to": "kml", "file": "a.zip"},
    "gpkg-4490": {"to": "gpkg", "reference": "EPSG:4490", "file": "a.gpkg"},
}


def there_and_back(way, town, folder):
    options = dict(WAYS[way])
    path = folder / options.pop("file")
    export_tables(town.name, town.crs, town.tables, path, **options)
    mapping = None if path.suffix == ".zip" else path.with_suffix(".toml")
    result = import_town([path], mapping)
    assert result.counts["rows"][result.counts["outcome"] != "kept"].sum() == 0
    assert_same(town, result.town)


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=3, deadline=None)
@given(town=towns())
def test_a_town_comes_back_from_every_format(way, town, tmp_path_factory):
    there_and_back(way, town, tmp_path_factory.mktemp("export"))


@pytest.mark.soak
@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=150, deadline=None)
@given(town=towns())
def test_many_towns_come_back_from_every_format(way, town, tmp_path_factory):
    there_and_back(way, town, tmp_path_factory.mktemp("export"))


@settings(max_examples=3, deadline=None)
@given(town=towns(ANY))
def test_any_text_comes_back_from_utf8(town, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    for to in ("csv", "shp", "geojson"):
        path = folder / f"{to}.zip"
        export_tables(town.name, town.crs, town.tables, path, to=to)
        assert_same(town, import_town([path]).town)


def named(name):
    town = make_town(
        "t",
        CRS,
        {
            "buildings": gpd.GeoDataFrame(
                {"building_id": ["1"], "name": [name], "households": [3], "use": ["residential"]},
                geometry=[shapely.box(X0, Y0, X0 + 9, Y0 + 9)],
                crs=CRS,
            )
        },
    )
    return town.name, town.crs, town.tables


@pytest.mark.parametrize("to", ["shp", "csv"])
def test_a_name_outside_gbk_is_refused_and_nothing_written(to, tmp_path):
    with pytest.raises(FileError, match="𠮷") as failure:
        export_tables(*named("𠮷祥里"), tmp_path / "a.zip", to=to, encoding="gbk")
    assert failure.value.statement.key == "io.not_in_encoding"
    assert list(tmp_path.iterdir()) == []


def test_a_name_beyond_the_dbf_field_is_refused(tmp_path):
    with pytest.raises(FileError) as failure:
        export_tables(*named("长" * 128), tmp_path / "a.zip", to="shp", encoding="gbk")
    assert failure.value.statement.key == "io.text_too_long"


def test_dbf_names_are_short_and_listed(tmp_path):
    report = export_tables(*named("里"), tmp_path / "a.zip", to="shp")
    (note,) = [one for one in report if one.statement.table == "buildings"]
    assert "building_id → building_i" in note.statement.text("zh-CN")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {"buildings.shp", "buildings.dbf", "buildings.prj", "buildings.cpg", "mapping.toml"} <= set(
            archive.namelist()
        )


@pytest.mark.parametrize("cell", ["=1+1", "+8613800000000", "-x", "@SUM(A1)", "'=a"])
def test_formulas_are_neutralised_and_come_back(cell, tmp_path):
    import openpyxl

    export_tables(*named(cell), tmp_path / "a.xlsx", to="xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["buildings"]
    written = next(row[1].value for row in sheet.iter_rows(min_row=2))
    assert written == f"'{cell}"
    again = import_town([tmp_path / "a.xlsx"], tmp_path / "a.toml").town
    assert again.buildings["name"].tolist() == [cell]


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(UsageError, match="doc"):
        export_tables(*named("里"), tmp_path / "a.doc", to="doc")


def test_a_real_town_comes_back(shared_data, tmp_path):
    from pathlib import Path

    mappings = Path(__file__).parent / "mappings"
    source = shared_data / "beijing-wudaokou" / "beijing-wudaokou.osm.pbf"
    town = import_town([source], mappings / "beijing-wudaokou.toml").town
    for to, options in (("shp", {"reference": "EPSG:4526"}), ("csv", {"reference": "GCJ-02"})):
        path = tmp_path / f"{to}.zip"
        export_tables(town.name, town.crs, town.tables, path, to=to, **options)
        assert_same(town, import_town([path]).town)
        assert np.isclose(import_town([path]).town.buildings.area.sum(), town.buildings.area.sum(), rtol=1e-5)
