"""Cells tile a community, follow streets and estate edges, and meet where units are neighbours."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.grids import GridRules, build_fabric
from spatial.grids.linework import enclosed, taken_further
from spatial.grids.tessellation import shared_boundaries, tessellate
from tests.towns import CRS, drawn_town, point

NONE = np.empty(0, dtype=object)


def cells_of(area, seeds, *, block_lines=NONE, plots=NONE):
    return tessellate(
        area,
        np.array(seeds, dtype=object),
        block_lines=np.array(block_lines, dtype=object),
        plots=np.array(plots, dtype=object),
    )


def assert_tiles(cells, area):
    assert shapely.coverage_is_valid(cells)
    assert abs(shapely.area(cells).sum() - area.area) <= 1e-6 * area.area
    assert shapely.union_all(cells, grid_size=1e-4).symmetric_difference(area).area <= 1e-6 * area.area


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 25),
    st.floats(0, 400_000),
    st.integers(0, 4),
    st.integers(0, 3),
)
def test_any_community_is_tiled_without_gap_or_overlap(seed, count, shift, streets, estates):
    rng = np.random.default_rng(seed)
    corner = np.array([shift, 4_000_000 + shift])
    angle = np.sort(rng.uniform(0, 2 * np.pi, 9))
    ring = corner + rng.uniform(200, 400, 9)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    area = shapely.make_valid(shapely.Polygon(ring))
    if area.geom_type != "Polygon":
        return
    west, south, east, north = area.bounds
    places = np.stack([rng.uniform(west, east, count), rng.uniform(south, north, count)], axis=1)
    turned = [
        shapely.affinity.rotate(shapely.box(x - 20, y - 6, x + 20, y + 6), 40 * (x % 3)) for x, y in places
    ]
    seeds = [one if rng.random() < 0.7 else one.centroid for one in turned]
    lines = [shapely.LineString(rng.uniform([west, south], [east, north], (3, 2))) for _ in range(streets)]
    plots = [shapely.Point(*rng.uniform([west, south], [east, north])).buffer(70) for _ in range(estates)]
    cells = cells_of(area, seeds, block_lines=lines, plots=plots)
    assert_tiles(cells, area)
    assert (shapely.area(cells) > 0).all()


def test_buildings_at_one_place_each_get_a_cell():
    area = shapely.box(0, 0, 100, 100)
    cells = cells_of(area, [shapely.Point(50, 50)] * 4 + [shapely.Point(0, 0), shapely.Point(100, 100)])
    assert_tiles(cells, area)


def test_a_footprint_under_another_gets_a_cell():
    area = shapely.box(0, 0, 100, 100)
    cells = cells_of(
        area, [shapely.box(20, 20, 80, 80), shapely.box(40, 40, 60, 60), shapely.box(20, 20, 80, 80)]
    )
    assert_tiles(cells, area)


def test_a_seed_outside_its_community_gets_the_nearest_ground():
    area = shapely.box(0, 0, 100, 100)
    cells = cells_of(area, [shapely.Point(150, 50), shapely.Point(10, 50)])
    assert_tiles(cells, area)
    assert cells[0].distance(shapely.Point(100, 50)) < 1e-3


def test_a_community_in_two_parts_is_tiled():
    area = shapely.MultiPolygon([shapely.box(0, 0, 100, 100), shapely.box(200, 0, 300, 100)])
    cells = cells_of(area, [shapely.Point(50, 50), shapely.Point(250, 50), shapely.Point(280, 50)])
    assert_tiles(cells, area)


def test_cells_meet_on_the_centre_line_of_a_street():
    area = shapely.box(0, 0, 200, 100)
    street = shapely.LineString([(130, 0), (130, 100)])
    west, east = cells_of(area, [shapely.Point(50, 50), shapely.Point(150, 50)], block_lines=[street])
    assert west.equals(shapely.box(0, 0, 130, 100))
    assert east.equals(shapely.box(130, 0, 200, 100))


def test_a_street_that_ends_short_of_the_next_still_parts_the_ground():
    area = shapely.box(0, 0, 200, 100)
    street = shapely.LineString([(130, 12), (130, 90)])
    west, east = cells_of(area, [shapely.Point(50, 50), shapely.Point(150, 50)], block_lines=[street])
    assert east.area == pytest.approx(70 * 100)
    assert west.area == pytest.approx(130 * 100)


def test_a_street_that_ends_far_from_the_next_does_not():
    lines = taken_further(
        np.array([shapely.LineString([(130, 40), (130, 90)])]), shapely.box(0, 0, 200, 100).boundary
    )
    assert len(enclosed(lines, shapely.box(0, 0, 200, 100))) == 1


def test_cells_meet_on_the_edge_of_an_estate_and_reach_the_street():
    # two estates share a wall at x = 120; streets run 10 m outside them, along the community boundary
    area = shapely.box(0, 0, 200, 100)
    estates = [shapely.box(10, 10, 120, 90), shapely.box(120, 10, 190, 90)]
    west, east = cells_of(area, [shapely.Point(30, 50), shapely.Point(150, 50)], plots=estates)
    wall = west.intersection(east)
    assert wall.intersection(shapely.LineString([(120, 10), (120, 90)])).length == pytest.approx(80)
    assert west.buffer(0.01).covers(shapely.box(0, 0, 110, 100))
    assert east.buffer(0.01).covers(shapely.box(130, 0, 200, 100))


def test_a_special_area_owns_its_ground_in_every_block():
    area = shapely.box(0, 0, 300, 100)
    school = shapely.box(100, 0, 300, 100)
    street = shapely.LineString([(200, 0), (200, 100)])
    home, campus = cells_of(area, [shapely.Point(50, 50), school], block_lines=[street], plots=[school])
    assert campus.buffer(0.01).covers(school)
    # behind the strip along the streets, free ground reaches up to the school's edge
    assert home.buffer(0.01).covers(shapely.box(0, 20, 100, 80))


def test_an_empty_block_is_shared_by_its_neighbours_along_its_middle():
    area = shapely.box(0, 0, 300, 200)
    lines = [shapely.LineString([(100, 0), (100, 200)]), shapely.LineString([(200, 0), (200, 200)])]
    west, east = cells_of(area, [shapely.Point(50, 100), shapely.Point(250, 100)], block_lines=lines)
    assert west.area == pytest.approx(150 * 200, rel=0.01)
    assert east.area == pytest.approx(150 * 200, rel=0.01)


def test_shared_boundaries_are_those_of_an_overlay():
    rng = np.random.default_rng(3)
    area = shapely.box(0, 0, 500, 500)
    cells = cells_of(area, [shapely.Point(*one) for one in rng.uniform(0, 500, (30, 2))])
    shared = shared_boundaries(cells)
    found = pd.Series(shared.length_m).groupby([shared.first, shared.second]).sum()
    for a in range(30):
        for b in range(a + 1, 30):
            length = shapely.intersection(cells[a], cells[b]).length
            assert found.get((a, b), 0.0) == pytest.approx(length, abs=1e-3)


# adjacency


def pairs(fabric, table=None):
    names = fabric.units["subject_id"]
    table = fabric.edges if table is None else table
    return {tuple(sorted((names[a], names[b]))) for a, b in table[["first", "second"]].to_numpy()}


def test_units_that_share_a_boundary_are_adjacent_and_corners_are_not():
    fabric = build_fabric(drawn_town("AB/CD"))
    assert pairs(fabric) == {("b00", "b01"), ("b00", "b10"), ("b01", "b11"), ("b10", "b11")}
    assert fabric.edges["shared_m"].to_numpy() == pytest.approx(100)


@pytest.mark.parametrize("kind", ["river", "railway", "motorway"])
def test_a_barrier_parts_its_two_sides(kind):
    fabric = build_fabric(drawn_town("AB/CD", barriers=[{"line": [(0, 1), (2, 1)], "kind": kind}]))
    assert pairs(fabric) == {("b00", "b10"), ("b01", "b11")}
    assert pairs(fabric, fabric.parted) == {("b00", "b01"), ("b10", "b11")}


@pytest.mark.parametrize("kind", ["wall", "hill", "main_road"])
def test_what_is_no_barrier_for_grids_parts_nothing(kind):
    fabric = build_fabric(drawn_town("AB/CD", barriers=[{"line": [(0, 1), (2, 1)], "kind": kind}]))
    assert len(pairs(fabric)) == 4


def test_a_barrier_says_for_itself_whether_it_blocks():
    line = [(0, 1), (2, 1)]
    open_river = {"line": line, "kind": "river", "blocks_grids": False}
    closed_wall = {"line": line, "kind": "wall", "blocks_grids": True}
    assert len(pairs(build_fabric(drawn_town("AB/CD", barriers=[open_river])))) == 4
    assert len(pairs(build_fabric(drawn_town("AB/CD", barriers=[closed_wall])))) == 2


def test_the_rules_say_which_kinds_block():
    town = drawn_town("AB/CD", barriers=[{"line": [(0, 1), (2, 1)], "kind": "river"}])
    assert len(pairs(build_fabric(town, GridRules(barrier_kinds=("railway",))))) == 4


@pytest.mark.parametrize("over", ["bridge", "tunnel"])
def test_a_street_on_a_bridge_or_in_a_tunnel_passes_the_barrier(over):
    fabric = build_fabric(
        drawn_town(
            "AB/CD",
            barriers=[{"line": [(0, 1), (2, 1)], "kind": "river"}],
            streets=[{"line": [(0.5, 0.8), (0.5, 1.2)], "class": "footway", over: True}],
        )
    )
    assert ("b00", "b01") in pairs(fabric)
    assert ("b10", "b11") not in pairs(fabric)
    assert fabric.edges["kind"].tolist().count("bridge") == 1


def test_a_river_as_an_area_is_halved_and_still_parts():
    river = {"area": [(0, 0.95), (0, 1.05), (2, 1.05), (2, 0.95)], "kind": "river"}
    fabric = build_fabric(drawn_town("AB/CD", barriers=[river]))
    assert pairs(fabric) == {("b00", "b10"), ("b01", "b11")}
    assert fabric.units.geometry.area.to_numpy() == pytest.approx(10_000, rel=1e-3)


def test_main_roads_make_sides_and_mark_edges():
    road = {"line": [(0, 1), (2, 1)], "class": "primary", "name": "人民路"}
    fabric = build_fabric(drawn_town("AB/CD", streets=[road]))
    assert fabric.units["side"].nunique() == 2
    assert sorted(fabric.edges["kind"]) == ["estate_edge", "estate_edge", "main_road", "main_road"]
    by_name = build_fabric(
        drawn_town("AB/CD", streets=[road | {"class": "residential"}]), GridRules(main_road_names=("人民路",))
    )
    assert by_name.units["side"].nunique() == 2
    minor = build_fabric(drawn_town("AB/CD", streets=[road | {"class": "residential"}]))
    assert set(minor.units["side"]) == {0}
    assert sorted(minor.edges["kind"]) == ["estate_edge", "estate_edge", "street", "street"]


def test_every_community_of_a_town_is_tiled_by_units_and_special_areas():
    town = drawn_town("AAB#/CCBB/DD.E", communities="1122/1122/3333", points=True)
    fabric = build_fabric(town)
    for community_id, area in town.communities.geometry.items():
        cells = np.concatenate(
            [
                fabric.units.geometry.to_numpy()[fabric.units_of(community_id)],
                fabric.special.geometry.to_numpy()[
                    (fabric.special["community_id"] == community_id).to_numpy()
                ],
            ]
        )
        assert_tiles(cells, area)


def test_the_order_of_rows_changes_no_cell():
    town = drawn_town("ABC/DEF", streets=[{"line": [(1, 0), (1, 3)], "class": "residential"}])
    turned = drawn_town(
        "ABC/DEF",
        streets=[{"line": [(1, 0), (1, 3)], "class": "residential"}],
        tables={"buildings": town.buildings.iloc[::-1]},
    )
    one, other = build_fabric(town).units, build_fabric(turned).units
    assert one["subject_id"].tolist() == other["subject_id"].tolist()
    assert all(a.equals(b) for a, b in zip(one.geometry, other.geometry, strict=True))


# units


def test_a_kept_estate_is_one_unit():
    fabric = build_fabric(drawn_town("AAB/AAB", households=10), GridRules(kept_estates=("A",)))
    kept = fabric.units[fabric.units["kind"] == "estate"]
    assert kept["subject_id"].tolist() == ["A"]
    assert kept["households"].tolist() == [40]
    assert kept.geometry.area.tolist() == pytest.approx([40_000])


def test_single_buildings_are_units_again_where_grids_are_judged():
    fabric = build_fabric(drawn_town("AAB/AAB"), GridRules(kept_estates=("A",)), bonded=False)
    assert fabric.units["kind"].tolist() == ["building"] * 6


def test_an_estate_drawn_as_a_point_is_a_unit_of_its_own():
    where = point(0.5, 0.5, "_B")
    estates = gpd.GeoDataFrame(
        {"estate_id": ["P", "B"], "households": [250, 100], "community_id": ["330106001049"] * 2},
        geometry=[shapely.Point(where), shapely.box(*point(1, 1, "_B"), *point(0, 2, "_B"))],
        crs=CRS,
    )
    town = drawn_town("_B", communities="11", tables={"estates": estates})
    fabric = build_fabric(town)
    assert dict(zip(fabric.units["subject_id"], fabric.units["households"], strict=True)) == {
        "P": 250,
        "b01": 100,
    }


def test_a_building_above_the_window_is_divided_where_the_rules_allow_it():
    stairwells = pd.DataFrame(
        {
            "stairwell_id": ["s1", "s2", "s3"],
            "building_id": ["b00"] * 3,
            "number": ["1", "2", "3"],
            "households": [200, 200, 220],
        }
    )
    town = drawn_town("AB", households={"A": 620, "B": 80}, tables={"stairwells": stairwells})
    assert len(build_fabric(town).units) == 2
    fabric = build_fabric(town, GridRules(stairwells=True))
    assert fabric.units["subject_id"].tolist() == ["s1", "s2", "s3", "b01"]
    assert fabric.units["households"].tolist() == [200, 200, 220, 80]
    # stairwells stand in a row from west to east
    assert pairs(fabric) == {("s1", "s2"), ("s2", "s3"), ("b01", "s3")}


def test_workload_may_be_what_is_counted():
    town = drawn_town("AB", households=100, buildings={"b00": {"weight": 130.0}})
    fabric = build_fabric(town, GridRules(measure="workload"))
    assert fabric.units["weight"].tolist() == [130.0, 100.0]
    assert fabric.units["households"].tolist() == [100, 100]
