"""Real clients: GDAL and OWSLib read and count every layer as the database does."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pyogrio
import pytest
from owslib.ogcapi.features import Features
from sqlalchemy import func, select

import api.features
from tests.api.test_ogc_conformance import CRS84
from tests.conftest import skip_or_fail

NORTHING_FIRST = "http://www.opengis.net/def/crs/EPSG/0/4526"


@pytest.fixture(scope="module")
def apart():
    """Return what calls a function in another process: GDAL waits for answers with the interpreter held."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield lambda function, *args, **named: pool.submit(function, *args, **named).result(timeout=120)


def stored(served):
    """Return the number of rows of every collection, counted in the database."""
    counts = {}
    with served.app.state.store.engine.connect() as connection:
        for name, one in served.app.state.collections.all().items():
            of_revision = one.base.c.revision_id == one.base_revision_id
            query = select(func.count()).select_from(one.source).where(of_revision)
            counts[name] = connection.execute(query).scalar_one()
    return counts


@pytest.mark.parametrize("crs", [CRS84, NORTHING_FIRST], ids=["CRS84", "EPSG:4526"])
def test_gdal_reads_every_layer(served, apart, crs):
    address = f"OAPIF:{served.root}/ogc"
    listed = {name for name, _ in apart(pyogrio.list_layers, address)}
    counts = stored(served)
    assert listed == set(counts)
    for name, count in counts.items():
        layer = apart(
            pyogrio.read_dataframe,
            f"OAPIF:{served.root}/ogc/collections/{name}",
            layer=name,
            CRS=crs,
            PAGE_SIZE="5",
        )
        assert len(layer) == count, name
        west, south, east, north = layer.total_bounds
        if crs == CRS84:
            assert (116 < west <= east < 118, 26 < south <= north < 28) == (True, True)
        else:
            assert layer.crs.to_epsg() == 4526
            # easting with the zone in front, then northing: GDAL has put the axes in their place
            assert 38e6 < west <= east < 39e6
            assert 2.9e6 < south <= north < 3.1e6


def test_gdal_asks_by_box_and_property(served, apart):
    address = f"OAPIF:{served.root}/ogc/collections/town.buildings"
    everything = apart(pyogrio.read_dataframe, address, layer="town.buildings")
    west, south, east, north = everything.total_bounds
    box = (west, south, (west + east) / 2, (south + north) / 2)
    found = apart(pyogrio.read_dataframe, address, layer="town.buildings", bbox=box)
    assert 0 < len(found) < len(everything)
    of_estate = apart(pyogrio.read_dataframe, address, layer="town.buildings", where="estate_id = 'A'")
    assert set(of_estate["building_id"]) == {"b00", "b01", "b10", "b11"}


def test_qgis_reads_every_layer(served, tmp_path):
    python = Path("/usr/bin/python3")
    asked = [python, "-c", "import qgis.core"]
    if not python.exists() or subprocess.run(asked, capture_output=True, check=False).returncode:
        skip_or_fail("qgis", "QGIS is not installed")
    counts = stored(served)
    token = served.app.state.views.of().token()
    tiles = f"{served.root}/tiles/communities/{token}/{{z}}/{{x}}/{{y}}.mvt"
    box = served.app.state.views.of().view.frame("communities").to_crs(4326).total_bounds
    picture = tmp_path / "tiles.png"
    words = [served.root, ",".join(counts), tiles, ",".join(map(str, box)), picture]
    client = Path(__file__).with_name("qgis_client.py")
    answer = subprocess.run(
        [python, client, *words],
        env={"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "PATH": "/usr/bin"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    found = json.loads(answer.stdout.strip().rpartition("\n")[2])
    assert {name: one["count"] for name, one in found.items()} == counts
    for name, one in found.items():
        west, south, east, north = one["extent"]
        assert one["valid"], name
        assert one["crs"] in {"OGC:CRS84", "EPSG:4326"}
        assert (116 < west <= east < 118, 26 < south <= north < 28) == (True, True)
    assert {"building_id", "households"} <= set(found["town.buildings"]["fields"])
    # A blank map is one colour and packs to almost nothing.
    assert picture.stat().st_size > 1_000


def test_owslib_reads_every_layer(served):
    service = Features(f"{served.root}/ogc/")
    counts = stored(served)
    assert set(service.feature_collections()) == set(counts)
    for name, count in counts.items():
        answer = service.collection_items(name, limit=10_000)
        assert answer["numberMatched"] == len(answer["features"]) == count
        assert set(service.collection_queryables(name)["properties"]) > {"geometry"}
    one = service.collection_item("town.facilities", "f2")
    assert one["properties"]["name"] == 'Clinic "East" & <b>'


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"use": "residential", "households": "60"}, {"b00", "b01", "b10", "b11"}),
        ({"estate_id": "B"}, {"b02", "b12"}),
        ({"estate_id": "nowhere"}, set()),
    ],
)
def test_filters_choose_by_property(served, query, ids):
    answer = served.client.get("/ogc/collections/town.buildings/items", params=query)
    assert {one["id"] for one in answer.json()["features"]} == ids
    assert answer.json()["numberMatched"] == len(ids)


@pytest.mark.parametrize("query", [{"households": "many"}, {"households": "1e3"}, {"has_lift": "perhaps"}])
def test_filters_refuse_values_of_another_kind(served, query):
    assert served.client.get("/ogc/collections/town.buildings/items", params=query).status_code == 400


def test_rates_stand_beside_their_communities(served):
    answer = served.client.get("/ogc/collections/coverage.rates_communities/items").json()
    first = answer["features"][0]["properties"]
    assert first["kindergarten_share"] == first["kindergarten_covered"] / first["kindergarten_denominator"]
    assert first["health_station_undetermined"] == 4.0
    assert {one["id"] for one in answer["features"]} == set(
        served.app.state.store.town("town").communities.index
    )


def test_pages_escape_what_the_data_hold(served):
    page = served.client.get("/ogc/collections/town.facilities/items", params={"f": "html"}).text
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_language_follows_the_reader(served):
    titles = {
        language: served.client.get(
            "/ogc/collections/town.buildings", headers={"accept-language": language}
        ).json()["title"]
        for language in ("zh-CN", "en", "de, en;q=0.5", "fr")
    }
    assert titles["zh-CN"] == titles["fr"] != titles["en"] == titles["de, en;q=0.5"]


@pytest.mark.parametrize(
    ("value", "meant"),
    [("2020-01-01", ("2020-01-01", "2020-01-01")), ("../2020-01-01T00:00:00Z", (None, "2020-01-01")), ("2020-01-01/", ("2020-01-01", None))],
)  # fmt: skip
def test_intervals(value, meant):
    assert api.features.parse_interval(value) == meant
