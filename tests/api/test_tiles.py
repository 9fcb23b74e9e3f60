"""Vector tiles: the encoder against an independent decoder and GDAL; addresses, caching, size."""

from __future__ import annotations

import gzip

import geopandas as gpd
import mapbox_vector_tile
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
import shapely.geometry
from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.tiles import EXTENT, LARGEST_TILE_BYTES, TileLayer, TileSource, tile_of
from api.tiles.cache import TileCache
from maps.layers import LAYERS
from tests.api.conftest import running
from tests.towns import CRS

WORLD_M = 2 * np.pi * 6378137.0
ZOOM = 14


def frame(shapes, crs=3857, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)


def decoded(source, zoom, column, row):
    tile = source.tile(zoom, column, row)
    return mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True}) if tile else {}


def corner(zoom, column, row):
    metres = WORLD_M / 2**zoom
    return column * metres - WORLD_M / 2, WORLD_M / 2 - row * metres, metres / EXTENT


coordinate = st.integers(-300, EXTENT + 300)
triangle = st.tuples(*[st.tuples(coordinate, coordinate)] * 3)


@settings(max_examples=80, deadline=None)
@given(st.lists(triangle, min_size=1, max_size=6))
@example([((0, -66), (-118, -27), (-118, -27))])
def test_polygons_are_where_they_were_within_half_a_unit(triangles):
    column, row = tile_of(117.0, 27.0, 16)
    west, north, unit = corner(16, column, row)
    shapes = [shapely.Polygon([(west + x * unit, north - y * unit) for x, y in one]) for one in triangles]
    source = TileSource([TileLayer("areas", frame(shapes))], (0, 16))
    features = decoded(source, 16, column, row).get("areas", {}).get("features", [])
    window = shapely.box(-64, -64, EXTENT + 64, EXTENT + 64)
    for feature in features:
        drawn = shapely.geometry.shape(feature["geometry"])
        meant = shapely.Polygon(triangles[feature["id"]]).intersection(window)
        assert shapely.hausdorff_distance(drawn, meant) <= 2.0
    shown = {feature["id"] for feature in features}
    for number, one in enumerate(triangles):
        meant = shapely.Polygon(one).intersection(window)
        if meant.area > 4 * (meant.length + 1):
            assert number in shown


@given(st.integers(-(2**40), 2**40), st.floats(allow_nan=False), st.text(max_size=20), st.booleans())
def test_properties_come_back(whole, number, text, flag):
    column, row = tile_of(117.0, 27.0, ZOOM)
    west, north, unit = corner(ZOOM, column, row)
    spot = shapely.Point(west + 100 * unit, north - 200 * unit)
    layer = frame([spot], whole=[whole], number=[number], text=[text], flag=[flag], nothing=[None])
    features = decoded(TileSource([TileLayer("spots", layer)], (0, 16)), ZOOM, column, row)["spots"][
        "features"
    ]
    assert features[0]["properties"] == {"whole": whole, "number": number, "text": text, "flag": flag}
    assert features[0]["geometry"] == {"type": "Point", "coordinates": [100, 200]}


def test_holes_and_parts_keep_their_place():
    column, row = tile_of(117.0, 27.0, ZOOM)
    west, north, unit = corner(ZOOM, column, row)
    with_hole = shapely.box(100, 100, 900, 900) - shapely.box(300, 300, 600, 600)
    shape = shapely.union_all([with_hole, shapely.box(2000, 2000, 2500, 2600)])
    placed = shapely.transform(
        shape, lambda xy: np.column_stack([west + xy[:, 0] * unit, north - xy[:, 1] * unit])
    )
    source = TileSource([TileLayer("areas", frame([placed]))], (0, 16))
    (feature,) = decoded(source, ZOOM, column, row)["areas"]["features"]
    drawn = shapely.geometry.shape(feature["geometry"])
    assert drawn.is_valid
    assert drawn.equals(shape)


def test_a_point_is_in_exactly_one_tile():
    column, row = tile_of(117.0, 27.0, ZOOM)
    west, north, unit = corner(ZOOM, column, row)
    edges = [0, 0.4, EXTENT - 0.6, EXTENT - 0.4, EXTENT]
    spots = [shapely.Point(west + x * unit, north - y * unit) for x in edges for y in edges]
    source = TileSource([TileLayer("spots", frame(spots))], (0, 16))
    seen = [
        feature["id"]
        for across in (-1, 0, 1)
        for down in (-1, 0, 1)
        for feature in decoded(source, ZOOM, column + across, row + down).get("spots", {}).get("features", [])
    ]
    assert sorted(seen) == list(range(len(spots)))


def test_tiling_polygons_leave_no_gap_when_simplified():
    rng = np.random.default_rng(5)
    column, row = tile_of(117.0, 27.0, 12)
    west, north, unit = corner(12, column, row)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(rng.uniform(500, 3500, (200, 2)))))
    cells = shapely.intersection(cells, shapely.box(500, 500, 3500, 3500))
    placed = shapely.transform(
        cells, lambda xy: np.column_stack([west + xy[:, 0] * unit, north - xy[:, 1] * unit])
    )
    source = TileSource([TileLayer("cells", frame(placed), shared_edges=True)], (0, 16))
    features = decoded(source, 12, column, row)["cells"]["features"]
    drawn = [shapely.geometry.shape(one["geometry"]) for one in features]
    assert len(drawn) == len(cells)
    whole = shapely.union_all(shapely.make_valid(drawn))
    assert whole.symmetric_difference(shapely.box(500, 500, 3500, 3500)).area < 1e-3 * whole.area
    assert sum(shapely.area(drawn)) == pytest.approx(whole.area, rel=1e-3)


def test_no_tile_passes_the_limit_and_the_largest_stay():
    rng = np.random.default_rng(6)
    column, row = tile_of(117.0, 27.0, 12)
    west, north, unit = corner(12, column, row)
    corners, side = rng.uniform(0, EXTENT - 40, (30_000, 2)), rng.uniform(4, 30, 30_000)
    shapes = shapely.box(
        west + corners[:, 0] * unit,
        north - (corners[:, 1] + side) * unit,
        west + (corners[:, 0] + side) * unit,
        north - corners[:, 1] * unit,
    )
    source = TileSource(
        [TileLayer("boxes", frame(shapes, name=[f"楼{n}" for n in range(len(side))]))], (0, 16)
    )
    tile = source.tile(12, column, row)
    assert len(tile) <= LARGEST_TILE_BYTES
    kept = {feature["id"] for feature in mapbox_vector_tile.decode(tile)["boxes"]["features"]}
    assert len(kept) > 5_000
    left = np.setdiff1d(np.arange(len(side)), list(kept))
    assert side[left].max() <= side[list(kept)].min() + 1e-9


def test_missing_and_empty_shapes_are_no_features():
    layer = frame([shapely.Polygon(), shapely.LineString([(0, 0), (1, 1)]), shapely.Point(5, 5)])
    source = TileSource([TileLayer("odd", layer)], (0, 16))
    assert [one["id"] for one in decoded(source, 0, 0, 0)["odd"]["features"]] == [2]
    assert source.tile(0, 0, 0) != b""
    assert source.tile(17, 0, 0) == b""


def test_cache_survives_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("taken")
    cache = TileCache(tmp_path / "file")
    assert gzip.decompress(cache.put("a/b/1/2/3", b"tile")) == b"tile"
    assert cache.get("a/b/1/2/3") is None
    kept = TileCache(tmp_path / "tiles")
    kept.put("a/b/1/2/3", b"tile")
    kept.put("a/b/1/2/4", b"")
    assert gzip.decompress(kept.get("a/b/1/2/3")) == b"tile"
    assert kept.get("a/b/1/2/4") == b""


def addresses(served):
    seen = served.app.state.views.of()
    newest = next(iter(seen.view.plans))
    for layer_id, layer in LAYERS.items():
        plan = newest if layer.package == "plan" else None
        yield layer_id, seen.token(plan), seen.view.frame(layer_id, plan)


def test_every_layer_is_counted_alike_by_gdal_at_the_last_zoom(served):
    counted = 0
    for layer_id, token, rows in addresses(served):
        if rows.empty:
            continue
        document = served.client.get(f"/tiles/{layer_id}/{token}.json").json()
        zoom = document["maxzoom"]
        west, south, east, north = document["bounds"]
        (left, top), (right, bottom) = tile_of(west, north, zoom), tile_of(east, south, zoom)
        found = set()
        for column in range(left, right + 1):
            for row in range(top, bottom + 1):
                answer = served.client.get(f"/tiles/{layer_id}/{token}/{zoom}/{column}/{row}.mvt")
                if answer.status_code == 200:
                    tile = pyogrio.read_dataframe(answer.content, layer=layer_id)
                    found |= set(tile["mvt_id"])
        assert found == set(range(len(rows))), layer_id
        counted += 1
    assert counted >= 10


def test_a_tile_is_kept_for_ever_and_compressed(served):
    layer_id, token, rows = next(addresses(served))
    west, south, east, north = rows.to_crs(4326).total_bounds
    column, row = tile_of((west + east) / 2, (south + north) / 2, ZOOM)
    path = f"/tiles/{layer_id}/{token}/{ZOOM}/{column}/{row}.mvt"
    first, again = served.client.get(path), served.client.get(path)
    assert first.content == again.content
    assert first.headers["content-encoding"] == "gzip"
    assert "immutable" in first.headers["cache-control"]
    plain = served.client.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content
    assert served.client.get(path, headers={"if-none-match": first.headers["etag"]}).status_code == 304
    assert served.client.get(f"/tiles/{layer_id}/{token}/{ZOOM}/0/0.mvt").status_code == 204
    names = [
        one["id"] for one in served.client.get(f"/tiles/{layer_id}/{token}.json").json()["vector_layers"]
    ]
    assert names == [layer_id, f"{layer_id}_lines", f"{layer_id}_labels"]


@pytest.mark.parametrize(
    "path",
    [
        "buildings/0123456789abcdef/14/1/1.mvt", "buildings/../14/1/1.mvt", "nothing/{token}/14/1/1.mvt",
        "buildings/{token}/14/99999999/1.mvt", "buildings/{token}/14/-1/1.mvt", "buildings/{token}/x/1/1.mvt",
    ],
)  # fmt: skip
def test_wrong_tile_addresses_are_not_found(served, path):
    token = served.app.state.views.of().token()
    assert served.client.get(f"/tiles/{path.format(token=token)}").status_code == 404


def test_a_new_revision_has_new_addresses(database_url, tmp_path):
    with running(database_url, tmp_path) as service:
        _adopt_and_look(service)


def _adopt_and_look(served):
    before = served.app.state.views.of().token()
    town = served.app.state.store.town("town")
    buildings = town.buildings.copy()
    buildings.loc["b00", "households"] = pd.NA
    changed = type(town)(town.name, CRS, {**town.tables, "buildings": buildings}, town.provenance)
    served.app.state.store.add("town", changed, adopt=True)
    after = served.client.get("/api/town").json()["revision"]
    assert after != before
    assert served.client.get(f"/tiles/buildings/{before}.json").status_code == 404
    assert served.client.get(f"/tiles/buildings/{after}.json").status_code == 200
