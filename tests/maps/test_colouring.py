"""Neighbouring grids never share a hue; hues stay through edits."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from maps.colouring import colour_grids, neighbours
from maps.symbology import GRID_HUES


def _tiling(seed: int, count: int) -> gpd.GeoSeries:
    """Return cells of random points that tile a square of 2 km, as grids tile a town."""
    rng = np.random.default_rng(seed)
    points = shapely.points(rng.uniform(0, 2000, (count, 2)))
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(points), extend_to=shapely.box(0, 0, 2000, 2000))
    )
    cells = shapely.intersection(cells, shapely.box(0, 0, 2000, 2000))
    return gpd.GeoSeries(cells, index=[f"g{i}" for i in range(len(cells))], crs=4549)


def _clashes(hues, graph) -> int:
    given = hues.to_numpy()
    return sum(given[i] == given[j] for i, those in enumerate(graph) for j in those) // 2


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 150))
def test_neighbours_never_share_a_hue(seed, count):
    grids = _tiling(seed, count)
    hues = colour_grids(grids)
    assert hues.between(1, GRID_HUES).all()
    assert _clashes(hues, neighbours(grids)) == 0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_same_plan_gets_the_same_hues(seed):
    assert colour_grids(_tiling(seed, 40)).tolist() == colour_grids(_tiling(seed, 40)).tolist()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(0, 39))
def test_hues_are_kept_when_a_grid_is_split(seed, cut):
    grids = _tiling(seed, 40)
    before = colour_grids(grids)
    shape = grids.iloc[cut]
    west, south, east, north = shape.bounds
    halves = [shape.intersection(shapely.box(west, south, (west + east) / 2, north)), None]
    halves[1] = shape.difference(halves[0])
    edited = grids.copy()
    edited.iloc[cut] = halves[0]
    edited = gpd.GeoSeries([*edited, halves[1]], index=[*edited.index, "new"], crs=grids.crs)
    after = colour_grids(edited, before.to_dict())
    assert _clashes(after, neighbours(edited)) == 0
    kept = sum(after[name] == hue for name, hue in before.items())
    assert kept >= len(grids) - 4


def test_hues_without_conflict_stay_as_they_are():
    grids = _tiling(3, 30)
    before = colour_grids(grids)
    assert colour_grids(grids, before.to_dict()).equals(before)


def test_a_new_conflict_recolours_the_smaller_grid():
    grids = gpd.GeoSeries(
        {"large": shapely.box(0, 0, 300, 300), "small": shapely.box(300, 0, 400, 300)}, crs=4549
    )
    hues = colour_grids(grids, {"large": 4, "small": 4})
    assert hues["large"] == 4
    assert hues["small"] != 4


def test_across_a_street_is_a_neighbour_and_across_a_corner_is_no_edge():
    grids = gpd.GeoSeries(
        [shapely.box(0, 0, 100, 100), shapely.box(130, 0, 230, 100), shapely.box(230, 100, 330, 200)],
        crs=4549,
    )
    assert neighbours(grids, 40.0) == [frozenset({1}), frozenset({0, 2}), frozenset({1})]
    assert neighbours(grids) == [frozenset(), frozenset(), frozenset()]


@pytest.mark.parametrize("count", [0, 1])
def test_none_and_one(count):
    assert len(colour_grids(gpd.GeoSeries([shapely.box(0, 0, 9, 9)][:count], crs=4549))) == count
