"""Bad input gets a finding that says what was expected, what was found, where, and what to do."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from spatial.checks import check_tables, make_town
from spatial.errors import SchemaError
from spatial.findings import Severity
from spatial.schema import TABLES

X0, Y0 = 450_000.0, 4_427_000.0
CRS = "EPSG:4548"


def layer(crs=CRS, **columns):
    return gpd.GeoDataFrame(columns, geometry="geometry", crs=crs)


def box(west, south, east, north):
    return shapely.box(X0 + west, Y0 + south, X0 + east, Y0 + north)


def sound_tables():
    """Two communities, three buildings, a street, a facility: nothing to find."""
    return {
        "communities": layer(
            community_id=["c1", "c2"],
            name=["东社区", "西社区"],
            geometry=[box(0, 0, 200, 200), box(200, 0, 400, 200)],
        ),
        "buildings": layer(
            building_id=["b1", "b2", "b3"],
            community_id=["c1", "c1", "c2"],
            households=pd.array([10, 20, 0], dtype="Int64"),
            use=["residential", "mixed", "other"],
            geometry=[box(10, 10, 30, 30), box(50, 10, 70, 30), box(250, 10, 270, 30)],
        ),
        "streets": layer(
            street_id=["s1"], geometry=[shapely.LineString([(X0, Y0 + 50), (X0 + 400, Y0 + 50)])]
        ),
        "facilities": layer(facility_id=["f1"], geometry=[shapely.Point(X0 + 100, Y0 + 60)]),
        "services": pd.DataFrame({"facility_id": ["f1"], "category": ["pharmacy"]}),
    }


def replaced(table, **changes):
    tables = sound_tables()
    tables[table] = tables[table].assign(**changes)
    return tables


def moved(table, row, geometry):
    tables = sound_tables()
    geometries = tables[table].geometry.to_numpy().copy()
    geometries[row] = geometry
    tables[table] = tables[table].set_geometry(gpd.GeoSeries(geometries, crs=tables[table].crs))
    return tables


def without(table, column=None):
    tables = sound_tables()
    if column is None:
        del tables[table]
    else:
        tables[table] = tables[table].drop(columns=column)
    return tables


BOW_TIE = shapely.Polygon([(X0, Y0), (X0 + 9, Y0 + 9), (X0 + 9, Y0), (X0, Y0 + 9)])

# rule, severity, tables, table and ids it must name, words the Chinese text must hold
CASES = [
    ("missing_table", "error", without("buildings"), "buildings", (), "没有该表"),
    ("missing_column", "error", without("buildings", "households"), "buildings", (), "households"),
    ("missing_column", "error", without("communities", "name"), "communities", (), "name"),
    (
        "households_unknown",
        "warning",
        replaced("buildings", households=[10, None, None]),
        "buildings",
        ("b2",),
        "50.0%",
    ),
    ("invalid_geometry", "error", moved("buildings", 0, BOW_TIE), "buildings", ("b1",), "Self-intersection"),
    (
        "duplicate_id",
        "error",
        replaced("buildings", building_id=["b1", "b1", "b3"]),
        "buildings",
        ("b1",),
        "b1",
    ),
    (
        "empty_value",
        "error",
        replaced("buildings", building_id=["b1", None, "b3"]),
        "buildings",
        ("#2",),
        "1 行为空",
    ),
    (
        "not_allowed",
        "error",
        replaced("buildings", use=["residential", "住宅", "other"]),
        "buildings",
        ("b2",),
        "住宅",
    ),
    (
        "not_whole",
        "error",
        replaced("buildings", households=["10", "约20", "0"]),
        "buildings",
        ("b2",),
        "约20",
    ),
    (
        "not_whole",
        "error",
        replaced("buildings", households=[10, 2.5, np.inf]),
        "buildings",
        ("b2", "b3"),
        "2.5",
    ),
    ("below_least", "error", replaced("buildings", households=[10, -3, 0]), "buildings", ("b2",), "-3"),
    ("unknown_reference", "error", replaced("services", facility_id=["f9"]), "services", ("#1",), "f9"),
    (
        "unknown_category",
        "warning",
        replaced("services", category=["宠物美容"]),
        "services",
        ("f1",),
        "宠物美容",
    ),
    ("no_service", "warning", without("services"), "facilities", ("f1",), "services"),
    (
        "home_outside_communities",
        "error",
        {**moved("buildings", 0, box(900, 10, 920, 30))},
        "buildings",
        (),
        "",
    ),
    (
        "outside_communities",
        "warning",
        moved("buildings", 2, box(900, 10, 920, 30)),
        "buildings",
        ("b3",),
        "1 栋",
    ),
    (
        "community_contradicts_place",
        "warning",
        replaced("buildings", community_id=["c1", "c2", "c2"]),
        "buildings",
        ("b2",),
        "以社区列为准",
    ),
    (
        "far_from_streets",
        "warning",
        moved("facilities", 0, shapely.Point(X0, Y0 + 3050)),
        "facilities",
        ("f1",),
        "3,000",
    ),
    (
        "reference_missing",
        "error",
        replaced("buildings") | {"buildings": sound_tables()["buildings"].set_crs(None, allow_override=True)},
        "buildings",
        (),
        "坐标系",
    ),
    (
        "reference_unusable",
        "error",
        {
            "buildings": sound_tables()["buildings"].set_crs(
                'LOCAL_CS["县城独立坐标系",UNIT["metre",1]]', allow_override=True
            )
        },
        "buildings",
        (),
        "县城独立坐标系",
    ),
    ("no_geometry", "error", moved("buildings", 1, None), "buildings", ("b2",), "没有几何"),
    ("wrong_shape", "error", moved("streets", 0, shapely.Point(X0, Y0)), "streets", ("s1",), "Point"),
    (
        "not_finite",
        "error",
        moved("facilities", 0, shapely.Point(X0, np.inf)),
        "facilities",
        ("f1",),
        "无穷大",
    ),
    (
        "communities_overlap",
        "warning",
        moved("communities", 1, box(190, 0, 400, 200)),
        "communities",
        ("c1×c2",),
        "2,000",
    ),
    ("no_streets", "note", without("streets"), "streets", (), "没有道路"),
    (
        "no_communities",
        "note",
        {**without("communities"), "buildings": without("buildings", "community_id")["buildings"]},
        "communities",
        (),
        "一个社区",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{case[0]}-{case[3]}" for case in CASES])
def test_a_fault_is_found_and_told(case):
    rule, severity, tables, table, ids, words = case
    if rule == "home_outside_communities":
        tables["buildings"] = tables["buildings"].assign(community_id=[None, "c1", "c2"])
        ids = ("b1",)
    found = check_tables(tables).of_rule(rule)
    assert len(found) == 1
    (finding,) = found
    assert finding.severity is Severity(severity)
    assert finding.statement.table == table
    assert finding.statement.ids == ids
    for language in ("zh-CN", "en"):
        record = finding.as_record(language)
        assert all(record[part] for part in ("expected", "found", "where", "remedy"))
    assert words in finding.statement.text("zh-CN")


def test_a_sound_town_has_no_findings():
    assert [finding.rule for finding in check_tables(sound_tables())] == []


def test_degrees_called_metres_and_metres_called_degrees_are_told_apart():
    tables = sound_tables()
    degrees = tables["buildings"].to_crs("EPSG:4490")
    mislabelled = degrees.set_crs(CRS, allow_override=True)
    (finding,) = check_tables({**tables, "buildings": mislabelled}).of_rule("metres_expected")
    assert "经纬度" in finding.statement.text("zh-CN")
    swapped = tables["buildings"].set_crs("EPSG:4490", allow_override=True)
    (finding,) = check_tables({**tables, "buildings": swapped}).of_rule("degrees_expected")
    assert "投影坐标" in finding.statement.text("zh-CN")


def test_rows_that_lie_nowhere_together_are_all_named():
    tables = sound_tables()
    two = tables["buildings"].iloc[:2].copy()
    two.loc[two.index[1], "geometry"] = shapely.affinity.translate(two.geometry.iloc[1], yoff=4e6)
    (finding,) = check_tables({**tables, "buildings": two}).of_rule("row_elsewhere")
    assert set(finding.statement.ids) == set(two["building_id"])


def test_a_layer_in_another_zone_is_told():
    tables = sound_tables()
    streets = tables["streets"].set_crs("EPSG:4547", allow_override=True)
    (finding,) = check_tables({**tables, "streets": streets}).of_rule("layer_elsewhere")
    assert finding.statement.table == "streets"
    assert finding.statement.values["distance_km"] == pytest.approx(256, abs=5)


def test_every_fault_is_reported_at_once_and_all_of_them_with_the_error():
    tables = replaced("buildings", building_id=["b1", "b1", None], use=["residential", "住宅", "other"])
    tables["services"] = pd.DataFrame({"facility_id": ["f9"], "category": ["pharmacy"]})
    with pytest.raises(SchemaError) as failure:
        make_town("t", CRS, tables)
    rules = {finding.rule for finding in failure.value.report.errors}
    assert rules == {"duplicate_id", "empty_value", "not_allowed", "unknown_reference"}


def test_totals_that_disagree_between_levels_are_told():
    tables = sound_tables()
    tables["estates"] = layer(estate_id=["e"], households=[31], geometry=[box(0, 0, 100, 100)])
    tables["buildings"] = tables["buildings"].assign(estate_id=["e", "e", None])
    tables["stairwells"] = pd.DataFrame(
        {"stairwell_id": ["b1-1", "b1-2"], "building_id": ["b1", "b1"], "households": [5, 5]}
    )
    found = check_tables(tables).of_rule("totals_disagree")
    assert [(one.statement.table, one.statement.ids) for one in found] == [("estates", ("e",))]
    assert (found[0].statement.values["stated"], found[0].statement.values["summed"]) == (31, 30)


def test_a_walled_estate_without_gates_is_told():
    tables = sound_tables()
    tables["estates"] = layer(
        estate_id=["open", "shut", "unknown"],
        walled=[False, True, None],
        geometry=[box(0, 0, 9, 9), box(9, 0, 19, 9), box(19, 0, 29, 9)],
    )
    (finding,) = check_tables(tables).of_rule("walled_without_gates")
    assert finding.statement.ids == ("shut",)


def test_making_a_town_changes_no_input_and_fills_what_place_tells():
    tables = replaced("buildings", community_id=[None, "c1", None])
    before = {name: table.copy() for name, table in tables.items()}
    town = make_town("t", CRS, tables)
    assert town.buildings["community_id"].tolist() == ["c1", "c1", "c2"]
    (note,) = town.report.of_rule("placed")
    assert note.statement.ids == ("b1", "b3")
    for name, table in before.items():
        pd.testing.assert_frame_equal(pd.DataFrame(tables[name]), pd.DataFrame(table))
    assert set(town.tables) == set(TABLES)


def test_longitude_and_latitude_become_metres_with_a_note():
    tables = {
        name: table.to_crs("EPSG:4326") if isinstance(table, gpd.GeoDataFrame) else table
        for name, table in sound_tables().items()
    }
    town = make_town("t", "EPSG:4326", tables)
    assert town.crs.to_epsg() == 4548
    assert [finding.severity for finding in town.report.of_rule("reprojected")] == [Severity.NOTE]
    shift = town.buildings.geometry.distance(make_town("t", CRS, sound_tables()).buildings.geometry)
    assert shift.max() < 1e-3


def test_communities_that_buildings_name_are_proposed_around_them():
    town = make_town("小镇", CRS, without("communities"))
    assert town.communities.index.tolist() == ["c1", "c2"]
    assert set(town.communities["source"]) == {"derived"}
    assert town.communities.geometry.iloc[0].intersection(town.communities.geometry.iloc[1]).area < 1e-6
    for community, buildings in town.buildings.groupby("community_id"):
        assert buildings.geometry.within(town.communities.geometry[community]).all()
    (note,) = town.report.of_rule("communities_proposed")
    assert note.statement.ids == ("c1", "c2")


def test_without_communities_the_study_area_is_one():
    town = make_town(
        "小镇",
        CRS,
        without("communities") | {"buildings": sound_tables()["buildings"].drop(columns="community_id")},
    )
    assert town.communities["name"].tolist() == ["小镇"]
    assert town.communities["source"].tolist() == ["derived"]
    assert set(town.buildings["community_id"]) == set(town.communities.index)
