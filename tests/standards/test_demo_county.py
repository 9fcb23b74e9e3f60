"""The demo county under all four profiles, and figures of three communities made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from spatial.io import read_town
from spatial.lifecircle import Assessment
from spatial.standards import (
    build_list,
    coverage_indicators,
    profile_ids,
    rate_town,
    read_profile,
)
from tests.standards.by_hand import Walker, services_in
from tests.standards.places import row_of

PACKAGE = Path(__file__).parents[2] / "data" / "boundaries" / "demo-county.gpkg"
COMMUNITIES = ("990101001001", "990101001002", "990101001003")
WITHOUT_RESIDENTS = "990101002003"
PROFILES = ("gb50180-2018", "complete-community-2020", "convenience-circle", "qiannan-29-shape")


@pytest.fixture(scope="module")
def county():
    return read_town(PACKAGE)


@pytest.fixture(scope="module")
def ratings(county):
    """Rate by every profile on one measurement of the walks."""
    profiles = [read_profile(one) for one in PROFILES]
    asked = [indicator for profile in profiles for indicator in coverage_indicators(profile, county)]
    assessment = Assessment.of(county, None, asked)
    return {one.profile_id: rate_town(county, one, assessment=assessment) for one in profiles}


@pytest.fixture(scope="module")
def convenience_lines(ratings):
    return build_list(ratings["convenience-circle"])


@pytest.fixture(scope="module")
def walker(county):
    return Walker(county)


def test_every_profile_rates_the_county(ratings):
    assert set(ratings) == set(profile_ids())
    for profile_id, rating in ratings.items():
        profile = read_profile(profile_id)
        rows = rating.indicators
        subjects = rows.groupby("level")["subject_id"].nunique()
        assert (subjects["town"], subjects["community"]) == (1, 13)
        assert (rows.groupby(["level", "subject_id"]).size()["community"] == len(profile.indicators)).all()
        told = rows["assessed"].to_numpy(bool)
        assert rows.loc[told, "score"].between(0, 100).all()
        assert rows.loc[~told, ["value", "score", "numerator"]].isna().all(axis=None)
        assert all((one is None) == flag for one, flag in zip(rows["reason"], told, strict=True))
        assert rows["evidence"].notna().all()
        assert rows.loc[told, "data_source"].notna().all()
    levels = {one: set(rating.indicators["level"]) - {"town", "community"} for one, rating in ratings.items()}
    assert levels == {
        "gb50180-2018": {"circle5", "circle10", "circle15"},
        "complete-community-2020": set(),
        "convenience-circle": {"circle15"},
        "qiannan-29-shape": set(),
    }


def test_a_community_without_residents_is_not_assessed_where_they_are_asked_for(ratings):
    rows = ratings["qiannan-29-shape"].indicators
    rows = rows.loc[(rows["subject_id"] == WITHOUT_RESIDENTS) & (rows["kind"] == "coverage")]
    assert len(rows) == 15
    assert not rows["assessed"].any()
    assert rows["value"].isna().all()
    # nor is what hangs on the circle that it is part of
    green = row_of(ratings["gb50180-2018"], COMMUNITIES[0], "g10-green")
    assert (green["judged_on"], green["assessed"]) == ("C14", False)
    assert green["reason"].key == "standards.reason.people_unknown"
    score = ratings["qiannan-29-shape"].scores.set_index("subject_id").loc[WITHOUT_RESIDENTS]
    assert pd.isna(score["stars"])
    assert score["stars_reason"] is not None


@pytest.mark.parametrize("community", COMMUNITIES)
def test_what_is_counted_agrees_with_sums_by_hand(county, ratings, community):
    area = county.communities.geometry[community]
    buildings = county.buildings.loc[county.buildings["community_id"] == community]
    households, residents = float(buildings["households"].sum()), float(buildings["residents"].sum())
    measures = county.tables["measures"]
    measured = measures.loc[measures["subject_id"] == community].set_index("quantity")["value"]
    parks = services_in(county, area, "park_5", "park_10", "park_15")
    elderly = services_in(county, area, "elderly_daycare", "nursing_home")
    circle = next(
        one for one in county.layer("circles").itertuples() if one.kind == "circle5" and shapely.contains(
            one.geometry, shapely.point_on_surface(area))
    )  # fmt: skip
    around = county.buildings.loc[
        shapely.contains(circle.geometry, shapely.centroid(county.buildings.geometry.to_numpy()))
    ]
    grids = county.layer("grids")
    everyone = county.buildings
    inside = [
        float(
            everyone.loc[
                shapely.contains(one, shapely.centroid(everyone.geometry.to_numpy())), "households"
            ].sum()
        )
        for one in grids.loc[(grids["community_id"] == community) & (grids["kind"] == "basic")].geometry
    ]
    by_hand = {
        ("qiannan-29-shape", "qn-01"): measured["community_premises_floor_area"],
        ("qiannan-29-shape", "qn-02"): 100 * measured["community_premises_floor_area"] / households,
        ("qiannan-29-shape", "qn-06"): 100 * elderly["floor_area_m2"].sum() / households,
        ("qiannan-29-shape", "qn-15"): measured["parking_spaces"] / households,
        ("qiannan-29-shape", "qn-18"): measured["estates_sorting"] / measured["estates"],
        ("qiannan-29-shape", "qn-24"): parks["land_area_m2"].sum() / residents,
        ("qiannan-29-shape", "qn-25"): sum(300 <= one <= 500 for one in inside) / len(inside),
        ("complete-community-2020", "cc-05"): (
            services_in(county, area, "community_health_station")["floor_area_m2"] >= 120
        ).sum(),
        ("complete-community-2020", "cc-07"): (
            services_in(county, area, "parcel_post")["floor_area_m2"] >= 15
        ).sum(),
        ("complete-community-2020", "cc-15"): (
            services_in(county, area, "park_5")["land_area_m2"] >= 4000
        ).sum(),
        ("gb50180-2018", "g05-green"): services_in(county, circle.geometry, "park_5")["land_area_m2"].sum()
        / float(around["residents"].sum()),
    }
    rated = {key: float(row_of(ratings[key[0]], community, key[1])["value"]) for key in by_hand}
    assert rated == pytest.approx({key: float(value) for key, value in by_hand.items()})


@pytest.mark.parametrize(
    ("profile_id", "indicator", "categories", "limit_m"),
    [
        ("qiannan-29-shape", "qn-03", ("community_health_station", "community_health_center"), 500),
        ("qiannan-29-shape", "qn-12", ("pharmacy",), 500),
        ("qiannan-29-shape", "qn-14", ("bus_stop",), 500),
        ("qiannan-29-shape", "qn-10", ("wet_market", "fresh_grocery"), 500),
        ("gb50180-2018", "g05-kindergarten", ("kindergarten",), 300),
        ("gb50180-2018", "g15-police-station", ("police_station",), 800),
    ],
)
def test_coverage_agrees_with_walks_by_networkx(  # noqa: PLR0917
    county, ratings, walker, profile_id, indicator, categories, limit_m
):
    walks_m = walker.walks_m(categories)
    buildings = county.buildings
    for community in COMMUNITIES:
        residents = buildings.loc[buildings["community_id"] == community, "residents"].astype(float).fillna(0)
        by_hand = 100 * residents[walks_m[residents.index] <= limit_m].sum() / residents.sum()
        assert float(row_of(ratings[profile_id], community, indicator)["value"]) == pytest.approx(by_hand)


def test_the_build_list_brings_the_county_to_its_targets(county, ratings):
    rating = ratings["qiannan-29-shape"]
    lines = build_list(rating)
    assert (lines["households"] >= 0).all()
    assert lines["households"].is_monotonic_decreasing
    assert lines["town_score"].is_monotonic_increasing
    assert float(lines["town_score"].iloc[0]) >= float(rating.scores["score"].iloc[0])
    rows = rating.indicators.loc[rating.indicators["level"] == "community"]
    unmet = rows.loc[(rows["score"] < 100).fillna(value=False)]
    assert set(lines["indicator"]) <= set(unmet["indicator"])
    counted = {"ratio", "area_per_capita", "count_per_1000"}
    assert (
        set(map(tuple, lines.loc[lines["kind"].isin(counted), ["indicator", "subject_id"]].to_numpy()))
        == set(map(tuple, unmet.loc[unmet["kind"].isin(counted), ["indicator", "subject_id"]].to_numpy()))
    )  # fmt: skip
    sited = lines.loc[(lines["kind"] == "coverage") & lines["count"].notna()]
    assert len(sited) > 50
    known = set(county.layer("sites").index) | set(county.estates.index)
    assert set(sited["place_id"]) <= known


def test_a_site_of_the_build_list_gains_what_it_promises(county, ratings, convenience_lines):
    profile = ratings["convenience-circle"].profile
    line = convenience_lines.loc[convenience_lines["indicator"] == "cb-08"].iloc[0]
    before, after = (
        Assessment.of(town, None, coverage_indicators(profile, town))
        for town in (county, _opened(county, line))
    )
    newly = after.covered("cb-08")[0] & ~before.covered("cb-08")[0]
    assert float(before.households[newly].sum()) == line["households"]


def _opened(town, line):
    """Return the town with a service opened in 2026 where a line of the build list says."""
    site = line["place_id"]
    parcels = town.layer("sites").geometry
    place = parcels[site] if site in parcels.index else shapely.Point(float(line["x"]), float(line["y"]))
    facility = gpd.GeoDataFrame(
        {"name": ["新设"], "access": ["public"], "opened": ["2026-01-01"]},
        geometry=[place],
        index=pd.Index(["NEW"], name="facility_id"),
        crs=town.crs,
    ).reindex(columns=town.facilities.columns)
    kinds = {name: kind for name, kind in town.facilities.dtypes.items() if name != "geometry"}
    service = pd.DataFrame({"facility_id": ["NEW"], "category": [line["categories"][0]]})
    service = service.reindex(columns=town.services.columns).astype(town.services.dtypes)
    tables = {
        **town.tables,
        "facilities": pd.concat([town.facilities, facility.astype(kinds)]),
        "services": pd.concat([town.services, service], ignore_index=True),
    }
    return replace(town, tables=tables)
