"""A layer in a shifted datum is told by the streets it then stands on."""

from __future__ import annotations

import geopandas as gpd
import pyogrio
import pytest
import shapely

from spatial.checks import check_tables
from spatial.crs import DATUMS, from_wgs84


def town(shared_data, name, buildings_in=None, streets_in=None):
    file = shared_data / name / f"{name}.gpkg"
    tables = {}
    for table, datum in (("buildings", buildings_in), ("streets", streets_in)):
        layer = pyogrio.read_dataframe(file, layer=table)
        geometry = layer.geometry.to_numpy()
        if datum:
            geometry = shapely.transform(geometry, lambda xy, datum=datum: from_wgs84(xy, datum))
        tables[table] = gpd.GeoDataFrame(
            {f"{table[:-1]}_id": layer["osm_id"], "use": "other", "households": None},
            geometry=geometry,
            crs=layer.crs,
        )
    return tables


@pytest.mark.parametrize("name", ["beijing-wudaokou", "beijing-xueyuanlu", "guixi-county-sparse"])
@pytest.mark.parametrize("datum", DATUMS)
def test_shifted_buildings_are_told_and_not_moved(shared_data, name, datum):
    tables = town(shared_data, name, buildings_in=datum)
    before = tables["buildings"].geometry.to_wkb().tolist()
    (finding,) = check_tables(tables).of_rule("datum_suspected")
    assert finding.statement.table == "buildings"
    assert finding.statement.values["datum"] == datum
    assert 300 < finding.statement.values["shift_m"] < 1500
    assert datum in finding.statement.text("zh-CN")
    assert tables["buildings"].geometry.to_wkb().tolist() == before


@pytest.mark.parametrize("name", ["beijing-wudaokou", "beijing-xueyuanlu"])
def test_shifted_streets_are_told(shared_data, name):
    (finding,) = check_tables(town(shared_data, name, streets_in="GCJ-02")).of_rule("datum_suspected")
    assert (finding.statement.table, finding.statement.values["datum"]) == ("streets", "GCJ-02")


@pytest.mark.parametrize(
    "name", ["beijing-wudaokou", "beijing-xueyuanlu", "guixi-county-sparse", "helsinki-centre"]
)
def test_layers_of_one_datum_raise_no_suspicion(shared_data, name):
    assert check_tables(town(shared_data, name)).of_rule("datum_suspected") == ()
    both = town(shared_data, name, buildings_in="GCJ-02", streets_in="GCJ-02")
    assert check_tables(both).of_rule("datum_suspected") == ()


def with_facilities(shared_data, name, datum=None):
    tables = town(shared_data, name)
    layer = pyogrio.read_dataframe(shared_data / name / f"{name}.gpkg", layer="pois")
    geometry = layer.geometry.to_numpy()
    if datum:
        geometry = shapely.transform(geometry, lambda xy: from_wgs84(xy, datum))
    facilities = gpd.GeoDataFrame({"facility_id": layer["osm_id"]}, geometry=geometry, crs=layer.crs)
    return tables | {"facilities": facilities[~layer["osm_id"].duplicated()]}


@pytest.mark.parametrize("name", ["beijing-wudaokou", "beijing-xueyuanlu"])
@pytest.mark.parametrize("datum", [None, *DATUMS])
def test_facilities_of_a_map_vendor_are_told_by_the_buildings_they_belong_to(shared_data, name, datum):
    found = check_tables(with_facilities(shared_data, name, datum)).of_rule("facilities_datum_suspected")
    assert [one.statement.values["datum"] for one in found] == ([datum] if datum else [])
    for finding in found:
        assert finding.statement.values["share_after"] > 0.5


def test_facilities_abroad_raise_no_suspicion(shared_data):
    tables = with_facilities(shared_data, "helsinki-centre")
    assert check_tables(tables).of_rule("facilities_datum_suspected") == ()
