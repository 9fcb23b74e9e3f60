"""The parts the county is drawn from: streets cut faces whole, names repeat nowhere, rows face south."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely
from county.buildings import FORMS, bearing, rows, thinned
from county.communities import COMMUNITIES, assign_faces
from county.names import alley_names, estate_names, ordinal, street_names
from county.streets import cut_blocks, superfaces
from county.terrain import draw_terrain, smooth
from hypothesis import given, settings
from hypothesis import strategies as st

PLOT = shapely.box(0, 0, 160, 180)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_streets_cut_quarters_without_loss(seed):
    rng = np.random.default_rng(seed)
    terrain = draw_terrain(rng)
    quarters = assign_faces(superfaces(terrain), terrain)
    assert {quarter.community for quarter in quarters} == set(range(len(COMMUNITIES)))
    streets, property_lines = cut_blocks(quarters, street_names(rng), alley_names(rng), rng)
    lines = [quarter.face.exterior for quarter in quarters]
    lines += [street.line for street in streets] + property_lines
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all(lines, grid_size=0.01)]))
    # Every cut really parts a face: none dangles.
    assert len(faces) == len(quarters) + len(streets) + len(property_lines)
    assert shapely.area(faces).sum() == pytest.approx(terrain.outline.area, rel=1e-5)


@given(turn=st.floats(0.0, 180.0))
@settings(max_examples=40, deadline=None)
def test_rows_face_south_within_45_degrees(turn):
    plot = shapely.affinity.rotate(shapely.box(0, 0, 120, 80), turn)
    assert -45.0 <= bearing(plot) <= 45.0


@given(seed=st.integers(0, 10_000), form=st.sampled_from(sorted(FORMS)), spread=st.floats(1.0, 2.0))
@settings(max_examples=60, deadline=None)
def test_rows_of_houses_stay_apart_and_on_their_plot(seed, form, spread):
    plot = shapely.affinity.rotate(PLOT, seed % 90)
    layout = rows(plot, plot.buffer(12), FORMS[form], 0.9, np.random.default_rng(seed), spread=spread)
    footprints = np.array([building.footprint for building in layout.buildings])
    assert shapely.covers(plot, footprints).all()
    for first, second in itertools.combinations(footprints, 2):
        assert first.distance(second) > 3.0
    for path in (layout.spine, *layout.lanes):
        assert path is None or not shapely.intersects(path, footprints).any()


@given(seed=st.integers(0, 10_000), most=st.integers(1, 600))
@settings(max_examples=40, deadline=None)
def test_a_garden_leaves_no_more_than_wanted(seed, most):
    rng = np.random.default_rng(seed)
    layout = rows(PLOT, PLOT.buffer(12), FORMS["slab"], 0.9, rng)
    left = thinned(layout, most, rng)
    assert left.households <= max(most, 0)
    assert set(left.buildings) <= set(layout.buildings)


def test_names_repeat_nowhere():
    rng = np.random.default_rng(5)
    names = estate_names(["managed", "unmanaged-block", "unmanaged-bungalow"] * 60, rng)
    assert len(set(names)) == len(names)
    streets = list(itertools.islice(street_names(rng), 300))
    alleys = list(itertools.islice(alley_names(rng), 100))
    assert len({*streets, *alleys}) == 400


@pytest.mark.parametrize(
    ("number", "text"), [(1, "一"), (10, "十"), (12, "十二"), (20, "二十"), (35, "三十五")]
)
def test_numerals(number, text):
    assert ordinal(number) == text


def test_smoothing_keeps_the_ends():
    course = smooth([(0, 0), (10, 0), (10, 10)])
    assert course[0].tolist() == [0, 0]
    assert course[-1].tolist() == [10, 10]
    assert len(course) > 10
