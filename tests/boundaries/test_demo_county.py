"""The demo county is what its README says: made up, complete, believable, and the same every time."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from types import MappingProxyType

import demo_county
import numpy as np
import pytest
import shapely
from county.communities import COUNTY_CODE, DATA_POOR
from county.facilities import LEFT_OUT

from spatial.catalogue import categories
from spatial.findings import Severity
from spatial.lifecircle import assess_coverage
from spatial.schema import TABLES

LOWER, UPPER = 300, 500
MEGABYTES_5 = 5_000_000


def _row_of(town, name):
    communities = town.communities
    return communities.index[communities["name"] == name][0]


def _crossing_pairs(geometry):
    first, second = shapely.STRtree(geometry).query(geometry, predicate="intersects")
    return [(a, b) for a, b in zip(first, second, strict=True) if a < b]


def test_the_committed_package_is_what_the_seed_gives(generated, committed):
    assert committed.fingerprint() == generated.fingerprint()
    assert dict(committed.provenance).items() >= dict(generated.provenance).items()
    assert demo_county.PACKAGE.stat().st_size <= MEGABYTES_5


def test_it_says_that_it_is_made_up(committed):
    assert committed.synthetic
    assert committed.provenance["licence"] == "CC0-1.0"
    assert committed.provenance["seed"] == str(demo_county.SEED)
    for name, table in committed.tables.items():
        if len(table):
            assert (table["source"] == "合成数据").all(), name


def test_no_code_of_a_real_county_is_used(committed):
    # GB/T 2260 codes start with the code of a province: none is 99.
    assert COUNTY_CODE.startswith("99")
    assert all(re.fullmatch(COUNTY_CODE + r"\d{6}", code) for code in committed.communities.index)


def test_every_table_of_the_schema_has_rows(committed):
    assert [name for name in TABLES if committed.tables[name].empty] == []


def test_the_checks_find_only_the_poor_data_put_in_on_purpose(generated):
    found = {finding.statement.key for finding in generated.report.findings}
    assert found == {
        "checks.households_unknown",
        "checks.households_estimated",
        "checks.walled_without_gates",
    }
    poor = _row_of(generated, DATA_POOR)
    unknown = [
        name
        for finding in generated.report.findings
        if finding.severity is Severity.WARNING and finding.statement.table == "buildings"
        for name in finding.statement.ids
    ]
    assert unknown
    assert (generated.buildings.loc[unknown, "community_id"] == poor).all()
    assert poor not in set(generated.tables["population"]["subject_id"])


def test_it_has_the_proportions_of_a_real_county(committed):
    estates, buildings = committed.estates, committed.buildings
    assert len(committed.communities) == 13
    assert committed.communities["subdistrict"].nunique() >= 3
    assert len(estates) == 120
    assert estates["name"].is_unique
    assert set(estates["estate_class"]) == {"managed", "unmanaged-block", "unmanaged-bungalow"}
    assert 11 <= (estates["households"] > UPPER).sum() <= 13
    per_estate = buildings.groupby("estate_id").size()
    assert (per_estate == 1).sum() >= 14
    assert 45_000 <= buildings["households"].sum() <= 47_000
    homes = buildings[buildings["use"] != "other"]
    assert 1_300 <= len(homes) <= 2_500
    assert homes["households"].max() <= 130
    assert homes["households"].notna().mean() >= 0.95


def test_an_estate_has_the_households_of_its_buildings(committed):
    known = committed.buildings.groupby("estate_id")["households"].agg(["sum", "count", "size"])
    complete = known[known["count"] == known["size"]]
    assert len(complete) >= 110
    stated = committed.estates.loc[complete.index, "households"]
    assert (stated == complete["sum"]).all()


def test_stairwells_sum_to_their_building(committed):
    stairwells = committed.tables["stairwells"]
    total = stairwells.groupby("building_id")["households"].sum()
    assert len(total) > 100
    assert (committed.buildings.loc[total.index, "households"] == total).all()


def test_every_community_can_be_divided_lawfully(committed):
    total = committed.buildings.groupby("community_id")["households"].sum()
    for households in total:
        assert any(
            LOWER * grids <= households <= UPPER * grids
            for grids in range(1, math.ceil(households / LOWER) + 1)
        )


def test_communities_tile_the_town(committed):
    polygons = committed.communities.geometry.to_numpy()
    assert shapely.coverage_is_valid(polygons)
    whole = shapely.union_all(polygons)
    assert whole.geom_type == "Polygon"
    assert not whole.interiors
    assert shapely.area(polygons).sum() == pytest.approx(whole.area, rel=1e-9)


def test_what_stands_on_the_ground_does_not_overlap(committed):
    footprints = committed.buildings.geometry.to_numpy()
    assert shapely.is_valid(footprints).all()
    assert _crossing_pairs(footprints) == []
    ways = committed.streets.geometry.to_numpy()
    assert len(shapely.STRtree(footprints).query(ways, predicate="intersects")[0]) == 0
    for name in ("barriers", "special_areas"):
        layer = committed.layer(name)
        ground = layer.geometry[layer["kind"].isin(["river", "railway", "park"])]
        assert len(shapely.STRtree(footprints).query(ground.to_numpy(), predicate="intersects")[0]) == 0


def test_buildings_stand_in_their_community_and_estate(committed):
    for column, layer in (("community_id", committed.communities), ("estate_id", committed.estates)):
        stated = committed.buildings[committed.buildings[column].notna()]
        area = layer.geometry.loc[stated[column]].to_numpy()
        assert shapely.covers(area, stated.geometry.to_numpy()).all()


def test_streets_meet_in_shared_vertices_only(committed):
    streets = committed.streets
    lines = streets.geometry.to_numpy()
    crossing = shapely.STRtree(lines).query(lines, predicate="crosses")
    assert crossing.size == 0
    assert {"primary", "secondary", "tertiary", "residential", "service", "footway", "path", "steps"} == set(
        streets["class"]
    )


def test_only_bridges_and_tunnels_pass_barriers(committed):
    streets, barriers = committed.streets, committed.barriers
    for kind, flag in (("river", "bridge"), ("railway", "tunnel")):
        blocking = barriers[(barriers["kind"] == kind) & barriers["blocks_walking"]]
        crossing = streets[streets.intersects(shapely.union_all(blocking.geometry.to_numpy()))]
        assert len(crossing) >= 4
        assert crossing[flag].all()
    level = barriers[(barriers["kind"] == "railway") & ~barriers["blocks_walking"]]
    assert streets.intersects(shapely.union_all(level.geometry.to_numpy())).any()


def test_gates_stand_in_the_walls_of_their_estates(committed):
    gates = committed.gates
    wall = shapely.boundary(committed.estates.geometry.loc[gates["estate_id"]].to_numpy())
    assert (shapely.distance(wall, gates.geometry.to_numpy()) < 0.05).all()
    assert committed.estates.loc[gates["estate_id"], "walled"].all()
    assert 5 <= (~gates["open"]).sum() <= 30


def test_streets_bear_in_many_directions(committed):
    # The entropy of the bearings of the three real street plans lies between 0.67 and 0.87 of a circle's.
    streets = committed.streets
    lines = streets.geometry[streets["class"].isin(["primary", "secondary", "tertiary", "residential"])]
    steps = np.vstack([np.diff(shapely.get_coordinates(line), axis=0) for line in lines])
    bearing = np.degrees(np.arctan2(steps[:, 0], steps[:, 1])) % 180.0
    share = np.bincount((bearing // 10).astype(int) % 18, np.hypot(*steps.T), 18)
    share = share / share.sum()
    entropy = -(share * np.log(np.where(share > 0, share, 1.0))).sum() / np.log(18)
    assert 0.67 <= entropy <= 0.87


@pytest.fixture(scope="session")
def coverage(committed):
    return assess_coverage(committed)


def test_services_are_believable_everywhere(committed, coverage):
    offered = set(committed.services["category"])
    assert offered <= set(categories())
    assert len(offered) >= 25
    rates = coverage.rates
    town = rates[(rates["subject_type"] == "town") & (rates["basis"] == "households")]
    for category in offered:
        radius_m = categories()[category].radius_m
        row = town[(town["category"] == category) & (town["limit_m"] == radius_m)].iloc[0]
        assert 0.38 <= row["numerator"] / row["denominator"] <= 1.0, category


def test_the_named_gaps_are_gaps(committed, coverage):
    rates = coverage.rates
    own = rates[(rates["subject_type"] == "community") & (rates["basis"] == "households")]
    names = committed.communities["name"]
    for category, left_out in LEFT_OUT.items():
        at_radius = own[(own["category"] == category) & (own["limit_m"] == categories()[category].radius_m)]
        share = (at_radius["numerator"] / at_radius["denominator"]).groupby(at_radius["subject_id"]).first()
        by_name = share.rename(index=names)
        assert by_name[list(left_out)].max() < by_name.median(), category


def test_opening_the_telling_gate_closes_a_gap(committed, coverage):
    gate = committed.provenance["telling_gate"]
    category = committed.provenance["telling_gate_category"]
    assert not committed.gates.loc[gate, "open"]
    opened = committed.gates.copy()
    opened.loc[gate, "open"] = True
    after = assess_coverage(
        replace(committed, tables=MappingProxyType({**committed.tables, "gates": opened}))
    )
    limit_m = categories()[category].radius_m

    def covered(result):
        walks = result.walks[result.walks["category"] == category].set_index("building_id")["walk_m"]
        return set(walks.index[(walks <= limit_m).fillna(value=False)])

    gained = covered(after) - covered(coverage)
    assert committed.buildings.loc[list(gained), "households"].sum() >= 100
    assert set(committed.buildings.loc[list(gained), "estate_id"]) == {committed.gates.loc[gate, "estate_id"]}
