"""Findings on the map: a point for every row they name, and repairs beside."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from spatial.io import import_town, parse_mapping, write_findings
from spatial.messages import use_language

X0, Y0 = 450_000.0, 4_427_000.0


def source(folder):
    buildings = gpd.GeoDataFrame(
        {"building_id": ["a", "b"], "households": [3, None], "use": "residential"},
        geometry=[shapely.box(X0, Y0, X0 + 9, Y0 + 9), shapely.box(X0 + 20, Y0, X0 + 29, Y0 + 9)],
        crs="EPSG:4548",
    )
    streets = gpd.GeoDataFrame(
        {"street_id": ["s1", "s2"]},
        geometry=[
            shapely.LineString([(X0, Y0 - 5), (X0 + 40, Y0 - 5)]),
            shapely.LineString([(X0 + 10, Y0 - 4.5), (X0 + 10, Y0 + 30)]),
        ],
        crs="EPSG:4548",
    )
    path = folder / "town.gpkg"
    pyogrio.write_dataframe(buildings, path, layer="buildings", driver="GPKG")
    pyogrio.write_dataframe(streets, path, layer="streets", driver="GPKG", append=True)
    return path


MAPPING = parse_mapping({"layer": [{"from": name, "to": name} for name in ("buildings", "streets")]})


def test_findings_lie_where_their_rows_lie(tmp_path):
    result = import_town([source(tmp_path)], MAPPING)
    assert result.repairs.empty
    path = write_findings(result.report, result.town.tables, result.town.crs, tmp_path / "findings.gpkg")
    points = pyogrio.read_dataframe(path, layer="findings")
    unknown = points[points["rule"] == "households_unknown"]
    assert unknown["id"].tolist() == ["b"]
    assert unknown.geometry.within(result.town.buildings.geometry["b"]).all()
    assert unknown["severity"].tolist() == ["warning"]
    assert "户数" in unknown["expected"].iloc[0]
    elsewhere = pyogrio.read_dataframe(path, layer="findings_without_place")
    assert "no_communities" in set(elsewhere["rule"])
    told = len(points) + len(elsewhere)
    assert told == sum(max(len(one.statement.ids), 1) for one in result.report)


def test_repairs_on_request_are_recorded_beside(tmp_path):
    result = import_town([source(tmp_path)], MAPPING, repair=True)
    assert result.repairs[["table", "id", "rule"]].to_numpy().tolist() == [
        ["streets", "s1", "street_vertex"],
        ["streets", "s2", "street_end"],
    ]
    assert not result.report.of_rule("street_ends_short")
    with use_language("en"):
        path = write_findings(
            result.report, result.town.tables, result.town.crs, tmp_path / "f.gpkg", result.repairs
        )
    repairs = pd.DataFrame(pyogrio.read_dataframe(path, layer="repairs"))
    assert shapely.from_wkt(repairs["old"].iloc[1]).length < shapely.from_wkt(repairs["new"].iloc[1]).length
    assert "joined" in pyogrio.read_dataframe(path, layer="findings")["expected"].str.cat(sep=" ")
