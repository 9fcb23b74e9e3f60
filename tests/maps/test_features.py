"""What a map shows of a town: counts that keep unknown and estimated apart, labels inside, lines once."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from maps.cartography import STRATA, width_at
from maps.features import features, label_points, line_work, short_code
from maps.layers import CHOSEN_COLUMNS, LAYERS, legend
from maps.symbology import tokens
from spatial.messages import LANGUAGES, catalogue
from tests.maps.scene import scene


@pytest.mark.parametrize("layer_id", LAYERS)
def test_every_layer_carries_the_columns_it_names(layer_id):
    frame = features(layer_id, *scene())
    assert set(LAYERS[layer_id].columns()) <= set(frame.columns)
    assert len(frame)
    assert frame.crs == scene()[0].crs


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_a_layer_needs_is_in_the_catalogues(language):
    keys = {layer.title_key for layer in LAYERS.values()}
    keys |= {field.key for layer in LAYERS.values() for field in layer.popup}
    keys |= {
        f"maps.legend.{symbol.legend}"
        for layer in LAYERS.values()
        for symbol in layer.symbols
        if symbol.legend
    }
    assert keys - set(catalogue(language)) == set()


def test_every_symbol_uses_a_token_and_a_stratum():
    for layer in LAYERS.values():
        for symbol in layer.symbols:
            assert symbol.stratum in STRATA
            used = {symbol.fill, symbol.hatch, symbol.line, symbol.casing} - {""}
            assert used <= set(tokens())


def test_grids_say_what_is_estimated_and_what_is_unknown():
    grids = features("grids", *scene())
    assert grids.loc["g1", ["households", "estimated_households", "unknown_buildings"]].tolist() == [
        400,
        100,
        0,
    ]
    assert grids.loc["g4", ["households", "unknown_buildings"]].tolist() == [560, 0]
    assert grids.loc["g1", "title"] == "第1社区 001"
    assert grids["hue"].isna().tolist() == [False, False, False, False, True]


def test_a_building_of_unknown_households_is_named_and_not_counted():
    grids = features("grids", *scene())
    assert grids.loc["g3", ["households", "unknown_buildings"]].tolist() == [380, 1]
    assert features("buildings", *scene()).loc["b12", "unknown_buildings"] == 1


def test_grids_of_today_are_counted_by_the_buildings_within():
    today = features("grids_today", *scene())
    known = scene()[0].buildings["households"].sum()
    assert today["households"].sum() == known
    assert today["buildings"].tolist() == [12, 12]


def test_facilities_list_their_categories_and_take_the_group_of_the_first():
    facilities = features("facilities", *scene())
    assert facilities.loc["f2", "categories"] == "park_5;park_10"
    assert facilities["group"].tolist() == ["education", "green"]


def test_labels_lie_inside_and_keep_to_the_largest_part():
    bent = shapely.Polygon([(0, 0), (100, 0), (100, 100), (90, 100), (90, 10), (0, 10)])
    pair = shapely.MultiPolygon([shapely.box(200, 0, 210, 10), shapely.box(300, 0, 400, 100)])
    shapes = gpd.GeoSeries([bent, pair, shapely.Point(1, 2), shapely.Polygon(), None], crs=4549)
    points = label_points(shapes)
    assert points.iloc[0].within(bent)
    assert points.iloc[1].within(shapely.box(300, 0, 400, 100))
    assert points.iloc[2].equals(shapely.Point(1, 2))
    assert points.iloc[3:].isna().all()


def test_a_shared_edge_is_drawn_once():
    pair = gpd.GeoSeries([shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)], crs=4549)
    assert line_work(pair).length.sum() == pytest.approx(70.0)


def test_short_codes_are_the_last_three_digits():
    assert short_code(pd.Series(["330106001049007"])).tolist() == ["007"]


def test_widths_run_straight_between_stops():
    assert [width_at(((13, 2), (15, 4)), zoom) for zoom in (10, 13, 14, 15, 19)] == [2, 2, 3, 4, 4]


def test_the_legend_lists_areas_then_lines_then_points():
    shapes = [entry["shape"] for entry in legend("en")]
    assert shapes == sorted(shapes, key=["area", "line", "point"].index)
    assert {entry["where"] for entry in legend("en")} >= set(CHOSEN_COLUMNS)
