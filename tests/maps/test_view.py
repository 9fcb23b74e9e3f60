"""What the map page is answered, against the tables it is made from."""

from __future__ import annotations

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from maps.figures import BANDS, WALK_CODES, band_of, cover_class
from maps.view import TODAY, View, texts
from spatial.grids import draw_plan
from spatial.lifecircle import assess_coverage
from spatial.messages import LANGUAGES
from tests.maps.scene import scene


@pytest.fixture(scope="module")
def view():
    town, _, _ = scene()
    plan = draw_plan(town, rng=np.random.default_rng(1))
    return View(town, {"drawn": plan}, assess_coverage(town, plan))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_town_is_plain_json_in_either_language(view, language):
    answer = json.loads(
        json.dumps(view.town(language, lambda layer, plan: f"{layer}/{plan}"), allow_nan=False)
    )
    assert [one["plan_id"] for one in answer["plans"]] == ["drawn", TODAY]
    assert answer["totals"]["households"] == view.town_data.buildings["households"].sum()
    assert answer["totals"]["unknown_buildings"] == 1
    assert next(one["id"] for one in answer["layers"]) in {"facilities", "gates"}
    assert answer["plans"][0]["tiles"] == {"grids": "grids/drawn"}
    assert answer["tiles"]["buildings"] == "buildings/None"
    west, south, east, north = answer["bounds"]
    assert 119 < west < east < 121
    assert 26 < south < north < 28


def test_totals_of_a_plan_part_into_in_range_out_and_unknown(view):
    for one in (view.plan(plan_id, "en") for plan_id in view.plans):
        judged = [grid["in_range"] for grid in one["grids"] if grid["kind"] == "basic"]
        assert one["totals"]["grids"] == len(judged)
        assert one["totals"]["in_range"] == judged.count(True)
        assert one["totals"]["out_of_range"] == judged.count(False)


def test_rates_are_those_of_the_coverage(view):
    answer = view.rates("kindergarten")
    rates = view.coverage.rates
    own = rates[
        (rates["category"] == "kindergarten") & (rates["limit_m"] == 300) & (rates["basis"] == "households")
    ]
    town = own[own["subject_type"] == "town"].iloc[0]
    assert answer["town"]["rate"] == town["numerator"] / town["denominator"]
    assert len(answer["grids"]) == len(view.frame("grids", "drawn"))
    for one in answer["communities"]:
        row = own[(own["subject_type"] == "community") & (own["subject_id"] == one["id"])].iloc[0]
        assert (one["numerator"], one["denominator"]) == (row["numerator"], row["denominator"])


def test_a_category_without_facilities_is_not_assessed(view):
    answer = view.rates("community_canteen")["town"]
    assert answer["rate"] is None
    assert answer["class"] == 0


def test_bands_hold_all_households_and_agree_with_the_rate(view):
    answer = view.walks("kindergarten")
    assert sum(answer["households"]) == view.town_data.buildings["households"].sum()
    covered = sum(answer["households"][BANDS.index(one)] for one in ("band-5", "band-10", "band-15"))
    assert covered == view.rates("kindergarten")["town"]["numerator"]
    assert len(answer["bands"]) == len(view.town_data.buildings)


def test_bands_by_limit():
    walks = pd.Series([10, 300, 301, 500, 501, 600, 601, *WALK_CODES.values(), pd.NA], dtype="Int64")
    named = [None if pd.isna(one) else BANDS[one] for one in band_of(walks, 300.0)]
    assert named[:7] == ["band-5", "band-5", "over", "over", "over", "over", "beyond"]
    assert dict(zip(WALK_CODES, named[7:], strict=False)) == {
        "beyond_search": "beyond",
        "no_facility": "unknown",
        "stranded_data": "unknown",
        "stranded_barrier": "beyond",
        "not_assessed": "unknown",
    }
    assert named[-1] is None
    assert [BANDS[one] for one in band_of(walks[:5], 1000.0)] == [
        "band-5",
        "band-5",
        "band-10",
        "band-10",
        "band-15",
    ]


def test_cover_classes_are_shut_below_and_open_above():
    assert [cover_class(n, 100, 0) for n in (0, 19, 20, 40, 60, 80, 100)] == [1, 1, 2, 3, 4, 5, 5]
    assert cover_class(0, 100, 51) == 0
    assert cover_class(None, 100, 0) == 0


def test_gaps_come_by_households_with_their_place(view):
    found = [one["properties"] for one in view.gaps("park_5")["features"]]
    assert [one["rank"] for one in found] == list(range(1, len(found) + 1))
    assert [one["households"] for one in found] == sorted((one["households"] for one in found), reverse=True)
    assert {one["community"] for one in found} <= {"第1社区", "第2社区"}


def test_a_place_answers_with_everything_it_lies_in(view):
    spot = view.town_data.buildings.to_crs(4326).geometry.loc["b00"].centroid
    answer = view.at(spot.x, spot.y, "zh-CN")
    assert answer["building"]["id"] == "b00"
    assert answer["estate"]["id"] == "A"
    assert answer["community"]["heading"] == "第1社区"
    assert answer["grid"]["id"] in view.plans["drawn"].grids.index
    assert view.at(spot.x, spot.y, "zh-CN", TODAY)["grid"]["id"] == "old1"
    walk = next(one for one in answer["walks"] if one["category"] == "kindergarten")
    assert walk["walk"] == np.ceil(
        view.coverage.walks.query("building_id == 'b00' and category == 'kindergarten'")["walk_m"].iloc[0]
    )
    assert walk["facility"] == "第一幼儿园"


def test_ways_are_as_long_as_the_walks_of_the_coverage(view):
    spot = view.town_data.buildings.to_crs(4326).geometry.loc["b00"].centroid
    answer = json.loads(json.dumps(view.reach(spot.x, spot.y, "en"), allow_nan=False))
    ways = {one["properties"]["category"]: one for one in answer["routes"]["features"]}
    walks = {one["category"]: one["walk"] for one in view.at(spot.x, spot.y, "en")["walks"]}
    assert ways
    for name, one in ways.items():
        assert one["properties"]["walk"] == walks[name]
        line = gpd.GeoSeries([shapely.geometry.shape(one["geometry"])], crs=4326).to_crs(view.town_data.crs)
        assert line.length.iloc[0] == pytest.approx(walks[name], abs=60)  # with the legs to either door
    areas = [shapely.geometry.shape(one["geometry"]) for one in answer["areas"]["features"]]
    assert [one["properties"]["minutes"] for one in answer["areas"]["features"]] == [15, 10, 5]
    assert areas[0].contains(areas[1].buffer(-1e-5))
    assert areas[1].contains(areas[2].buffer(-1e-5))


def test_behind_a_closed_gate_there_is_an_area_and_no_way(view):
    spot = view.town_data.buildings.to_crs(4326).geometry.loc["b03"].centroid
    answer = view.reach(spot.x, spot.y, "en")
    assert answer["reached"]
    assert len(answer["areas"]["features"]) == 3
    assert answer["routes"]["features"] == []


@pytest.mark.parametrize(("lon", "lat"), [(100.0, 20.0), (0.0, 90.0), (-180.0, -90.0)])
def test_from_far_away_nothing_is_reached(view, lon, lat):
    answer = view.reach(lon, lat, "en")
    assert not answer["reached"]
    assert answer["routes"]["features"] == []


def test_a_band_is_a_limit(view):
    for limit_m in (300, 500, 1000):
        rates, walks = view.rates("kindergarten", limit_m), view.walks("kindergarten", limit_m)
        covered = sum(walks["households"][BANDS.index(one)] for one in ("band-5", "band-10", "band-15"))
        assert covered == rates["town"]["numerator"] == rates["bands"][(300, 500, 1000).index(limit_m)]
    with pytest.raises(KeyError, match="400"):
        view.rates("kindergarten", 400)


def test_walks_and_rates_come_a_part_at_a_time(view):
    asked = []

    def part_of(table, among):
        asked.append(table)
        return view._held(table, among)

    left = {name: getattr(view.coverage, name).iloc[:0] for name in ("walks", "rates")}
    parted = View(view.town_data, {"drawn": view.plans["drawn"]}, replace(view.coverage, **left), part_of)
    spot = view.town_data.buildings.to_crs(4326).geometry.loc["b00"].centroid
    assert parted.town("en") == view.town("en")
    assert "walks" not in asked
    for ask in ("rates", "walks", "gaps"):
        assert getattr(parted, ask)("kindergarten") == getattr(view, ask)("kindergarten")
    assert parted.at(spot.x, spot.y, "en") == view.at(spot.x, spot.y, "en")
    assert asked.count("walks") == 2


def test_a_place_outside_the_town_holds_nothing(view):
    answer = view.at(100.0, 20.0, "en")
    assert answer["building"] is None
    assert answer["community"] is None
    assert answer["walks"] == []


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("A小区", "estate"),
        ("第一幼", "facility"),
        ("第2社区", "community"),
        ("330106001049001", "grid"),
        ("b03", "building"),
    ],
)
def test_places_are_found_by_name_code_and_id(view, query, kind):
    found = view.places(query)["places"]
    assert kind in {one["kind"] for one in found}
    assert view.places("   ")["places"] == []
    assert view.places("没有这个地方")["places"] == []


def test_a_search_takes_its_words_literally(view):
    assert view.places("(.*")["places"] == []


def test_comparing_a_plan_with_itself_finds_nothing(view):
    answer = view.compare("drawn", "drawn")
    assert answer["households"] == 0
    assert answer["flows"] == []
    assert {one["better"] for one in answer["scores"]} <= {"same", None}


def test_comparing_counts_who_moves(view):
    answer = view.compare(TODAY, "drawn")
    assert sum(one["households"] for one in answer["flows"]) == answer["households"]
    assert len(answer["moved"]) == answer["buildings"]
    assert 0 < answer["households"] < view.town_data.buildings["households"].sum()
    scores = {one["key"]: one for one in answer["scores"]}
    assert scores["violation"]["better"] in {"b", "same"}


@pytest.mark.parametrize("ask", ["rates", "walks", "gaps"])
def test_an_unknown_category_is_an_error(view, ask):
    with pytest.raises(KeyError, match="no_such"):
        getattr(view, ask)("no_such")


def test_texts_are_those_of_the_pages():
    assert texts("en")["page.synthetic"] == "Synthetic"
    assert texts("zh-CN").keys() == texts("en").keys()
