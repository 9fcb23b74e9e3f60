"""Every Gauss–Krüger zone of CGCS2000 is told from its coordinates, swapped or not."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

from spatial.crs import cgcs2000_zone, guess_references, metric_crs
from spatial.errors import CRSError

ZONES = [
    (meridian, width, numbered)
    for width in (3, 6)
    for meridian in range(75, 136, width)
    for numbered in (False, True)
]


def place_in(meridian, width):
    return meridian + 0.4 * width, 39.9


@pytest.mark.parametrize(("meridian", "width", "numbered"), ZONES)
def test_a_zone_has_its_meridian_and_false_easting(meridian, width, numbered):
    crs = cgcs2000_zone(meridian, width_degrees=width, numbered=numbered)
    parameters = {one.name: one.value for one in crs.coordinate_operation.params}
    assert parameters["Longitude of natural origin"] == meridian
    number = meridian // 3 if width == 3 else (meridian + 3) // 6
    assert parameters["False easting"] == 500_000 + number * 1_000_000 * numbered
    assert "CGCS2000" in crs.name


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("meridian", "width", "numbered"), ZONES)
def test_coordinates_of_a_zone_are_told(meridian, width, numbered, swapped):
    crs = cgcs2000_zone(meridian, width_degrees=width, numbered=numbered)
    place = place_in(meridian, width)
    east, north = pyproj.Transformer.from_crs("EPSG:4490", crs, always_xy=True).transform(*place)
    x, y = (north, east) if swapped else (east, north)
    guesses = guess_references(np.array([x, np.nan]), np.array([y, 0.0]), near=place)
    best = guesses[0]
    assert best.swapped is swapped
    assert (best.longitude, best.latitude) == pytest.approx(place, abs=1e-6)
    if numbered:
        assert len(guesses) == 1
        assert best.crs == crs


def test_degrees_are_told_with_their_order():
    for x, y, swapped in ((116.3, 40.0, False), (40.0, 116.3, True)):
        (guess,) = guess_references(np.array([x]), np.array([y]))
        assert guess.crs.to_epsg() == 4490
        assert guess.swapped is swapped
        assert (guess.longitude, guess.latitude) == (116.3, 40.0)


def test_other_coordinates_are_not_guessed():
    assert guess_references(np.array([12.0]), np.array([7.0])) == []
    assert guess_references(np.array([np.nan]), np.array([np.nan])) == []


@pytest.mark.parametrize(("meridian", "width"), [(76, 3), (78, 6), (138, 3), (117, 4)])
def test_a_zone_that_is_none_is_refused(meridian, width):
    with pytest.raises(CRSError, match=str(meridian)):
        cgcs2000_zone(meridian, width_degrees=width)


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ((116.3, 40.0), 4548),
        ((73.5, 39.5), 4534),
        ((103.9, 1.4), 32648),
        ((24.9, 60.2), 32635),
        ((-70.0, -30.0), 32719),
    ],
)
def test_the_metric_system_of_a_place(place, code):
    assert metric_crs(place).to_epsg() == code
    layer = gpd.GeoSeries([shapely.Point(place)], crs="EPSG:4326")
    assert metric_crs(layer).to_epsg() == code
    assert metric_crs(layer.to_crs(code)).to_epsg() == code


@pytest.mark.parametrize("place", [(200.0, 0.0), (0.0, 91.0), (float("nan"), 0.0)])
def test_a_place_off_the_globe_is_refused(place):
    with pytest.raises(CRSError):
        metric_crs(place)


def test_geometries_without_a_system_are_refused():
    with pytest.raises(CRSError, match="坐标系"):
        metric_crs(gpd.GeoSeries([shapely.Point(1, 2)]))
