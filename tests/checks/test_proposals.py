"""What is proposed lies where it must, is marked, and is said."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from spatial.checks import make_town, propose_communities, propose_estates, propose_gates

X0, Y0 = 450_000.0, 4_427_000.0
CRS = "EPSG:4548"


def box(west, south, east, north):
    return shapely.box(X0 + west, Y0 + south, X0 + east, Y0 + north)


def line(*points):
    return shapely.LineString([(X0 + x, Y0 + y) for x, y in points])


def town(**changes):
    tables = {
        "buildings": gpd.GeoDataFrame(
            {"building_id": ["a", "b", "c"], "households": [1, 2, 3], "use": ["residential"] * 3},
            geometry=[box(20, 20, 30, 30), box(50, 20, 60, 30), box(150, 20, 160, 30)],
            crs=CRS,
        ),
        "streets": gpd.GeoDataFrame(
            {"street_id": ["ring", "lane", "twin"]},
            geometry=[
                line((0, 0), (100, 0), (100, 100), (0, 100), (0, 0)),
                line((0, 50), (40, 50)),
                line((0, 54), (40, 54)),
            ],
            crs=CRS,
        ),
    }
    return make_town("t", CRS, tables | changes)


def test_a_gate_is_proposed_where_streets_enter_a_walled_estate():
    estates = gpd.GeoDataFrame(
        {"estate_id": ["walled", "open", "sealed"], "walled": [True, False, True]},
        geometry=[box(10, 10, 90, 90), box(120, 10, 190, 90), box(200, 10, 290, 90)],
        crs=CRS,
    )
    proposed = propose_gates(town(estates=estates))
    assert proposed.gates["estate_id"].tolist() == ["walled"]  # lane and twin are one gate
    assert set(proposed.gates["source"]) == {"derived"}
    assert proposed.gates.distance(proposed.estates.geometry["walled"].boundary).max() < 1e-6
    (finding,) = proposed.report.of_rule("gates_proposed")
    assert finding.statement.ids == ("walled-gate-1",)
    (still,) = proposed.report.of_rule("walled_without_gates")
    assert still.statement.ids == ("sealed",)


def test_a_town_that_has_gates_is_left_alone():
    estates = gpd.GeoDataFrame(
        {"estate_id": ["e"], "walled": [True]}, geometry=[box(10, 10, 90, 90)], crs=CRS
    )
    gates = gpd.GeoDataFrame(
        {"gate_id": ["g"], "estate_id": ["e"]}, geometry=[shapely.Point(X0 + 10, Y0 + 20)], crs=CRS
    )
    before = town(estates=estates, gates=gates)
    assert propose_gates(before) is before


def test_a_block_with_two_homes_becomes_an_estate():
    proposed = propose_estates(town())
    assert proposed.buildings["estate_id"].isna().tolist() == [False, False, True]
    assert len(proposed.estates) == 1
    assert proposed.estates["source"].tolist() == ["derived"]
    assert proposed.report.of_rule("estates_proposed")
    assert pd.isna(town().buildings["estate_id"]).all()


def grown_town():
    """Two blocks of forty homes parted by a main road, each behind a lane."""
    homes = [
        box(x, y, x + 8, y + 8)
        for west in (0, 500)
        for x in range(west + 20, west + 220, 20)
        for y in (20, 40, 60, 80)
    ]
    return town(
        buildings=gpd.GeoDataFrame(
            {
                "building_id": [f"h{number}" for number in range(len(homes))],
                "households": pd.array([None] * len(homes), dtype="Int64"),
                "use": "residential",
            },
            geometry=homes,
            crs=CRS,
        ),
        streets=gpd.GeoDataFrame(
            {"street_id": ["main", "lane", "stub"], "class": ["primary", "residential", "primary"]},
            geometry=[line((400, -200), (400, 300)), line((100, -50), (100, 200)), line((0, 150), (90, 150))],
            crs=CRS,
        ),
    )


def test_main_streets_part_the_study_area_into_communities():
    before = grown_town()
    assert before.communities.index.tolist() == ["study-area"]
    proposed = propose_communities(before)
    assert proposed.communities.index.tolist() == ["community-1", "community-2"]
    assert set(proposed.communities["source"]) == {"derived"}
    assert proposed.communities.area.sum() == pytest.approx(before.communities.area.sum())
    west = proposed.buildings.geometry.centroid.x < X0 + 400
    assert set(proposed.buildings["community_id"][west]) == {"community-1"}
    assert set(proposed.buildings["community_id"][~west]) == {"community-2"}
    assert proposed.report.of_rule("communities_from_streets")
    assert not proposed.report.of_rule("no_communities")
    again = propose_communities(proposed)
    assert again is proposed
    later = propose_estates(proposed)
    assert later.report.of_rule("communities_from_streets")
