"""The shifted datums agree with an independent library, and their inverse is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from spatial.crs import DATUMS, from_wgs84, to_wgs84

GEOD = Geod(ellps="WGS84")
IN_CHINA = st.tuples(st.floats(75, 134), st.floats(18, 53))


def metres_apart(one, other):
    return GEOD.inv(one[:, 0], one[:, 1], other[:, 0], other[:, 1])[2]


@pytest.mark.parametrize("datum", DATUMS)
def test_forward_equals_prcoords(datum):
    prcoords = pytest.importorskip("prcoords")
    oracle = {"GCJ-02": prcoords.wgs_gcj, "BD-09": prcoords.wgs_bd}[datum]
    rng = np.random.default_rng(1)
    places = np.column_stack([rng.uniform(75, 134, 500), rng.uniform(18, 53, 500)])
    expected = np.array([oracle((latitude, longitude), check_china=False) for longitude, latitude in places])
    assert metres_apart(from_wgs84(places, datum), expected[:, ::-1]).max() < 0.01


@pytest.mark.parametrize("datum", DATUMS)
@given(place=IN_CHINA)
def test_the_way_back_is_exact(datum, place):
    places = np.array([place])
    shifted = from_wgs84(places, datum)
    assert 20 < metres_apart(places, shifted)[0] < 2000
    assert metres_apart(places, to_wgs84(shifted, datum))[0] < 0.001


@pytest.mark.parametrize("datum", DATUMS)
def test_outside_china_nothing_moves_and_nan_stays(datum):
    places = np.array([[24.9, 60.2], [np.nan, np.nan], [-70.0, -30.0]])
    np.testing.assert_array_equal(from_wgs84(places, datum), places)
    np.testing.assert_array_equal(to_wgs84(places, datum), places)


def test_an_unknown_datum_is_refused():
    with pytest.raises(KeyError):
        to_wgs84(np.array([[116.0, 40.0]]), "GCJ-03")
