"""Coordinate reference systems: the metric system of a town and the Chinese zones.

A town is planned in metres.  In China that means CGCS2000 (GB 22021) in Gauss–Krüger zones of three
degrees, EPSG:4534–4554; elsewhere the UTM zone of WGS 84.

Chinese map vendors publish shifted longitudes and latitudes: GCJ-02 (AMap, Tencent) and, upon it,
BD-09 (Baidu).  Both are published as formulas of WGS 84 only; the way back is found by iteration,
to far below a centimetre.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.exceptions import ProjError

from spatial.errors import CRSError

__all__ = [
    "DATUMS",
    "ReferenceGuess",
    "cgcs2000_zone",
    "from_wgs84",
    "guess_references",
    "leads_to_degrees",
    "metric_crs",
    "to_wgs84",
]

DATUMS = ("GCJ-02", "BD-09")

# A box around China on land; in it CGCS2000 is the reference that surveys come in.
_CHINA_WEST, _CHINA_SOUTH, _CHINA_EAST, _CHINA_NORTH = 73.0, 17.0, 136.0, 54.0
# Coordinates of Gauss–Krüger zones in that box: a zone of six degrees reaches 335 km to either side.
_NORTHINGS_M = (1.8e6, 6.0e6)
_EASTINGS_M = (150e3, 850e3)


def metric_crs(place: gpd.GeoSeries | gpd.GeoDataFrame | tuple[float, float]) -> pyproj.CRS:
    """Return the metric reference system in which a place is planned.

    Parameters
    ----------
    place : geometries in any reference system, of which the middle of the extent counts; or
        (longitude, latitude) in degrees, WGS 84

    Returns
    -------
    pyproj.CRS
        CGCS2000 three-degree Gauss–Krüger without zone number in China (false easting 500,000 m),
        the UTM zone of WGS 84 elsewhere.  Axis order of coordinates is easting, northing.

    Raises
    ------
    CRSError
        If the geometries have no reference system, or the place is not on the globe.

    Examples
    --------
    >>> metric_crs((116.32, 40.0)).to_epsg()
    4548
    >>> metric_crs((103.9, 1.4)).to_epsg()
    32648
    """
    longitude, latitude = place if isinstance(place, tuple) else _middle(place)
    if not (math.isfinite(longitude) and abs(longitude) <= 180 and abs(latitude) <= 90):
        raise CRSError("crs.off_globe", longitude=longitude, latitude=latitude)
    in_china = _CHINA_WEST <= longitude <= _CHINA_EAST and _CHINA_SOUTH <= latitude <= _CHINA_NORTH
    if in_china:
        return cgcs2000_zone(min(max(3 * round(longitude / 3), 75), 135))
    zone = min(int((longitude + 180) // 6) + 1, 60)
    return pyproj.CRS.from_epsg((32600 if latitude >= 0 else 32700) + zone)


def _middle(place: gpd.GeoSeries | gpd.GeoDataFrame) -> tuple[float, float]:
    if place.crs is None:
        raise CRSError("crs.unknown")
    west, south, east, north = place.total_bounds
    to_degrees = pyproj.Transformer.from_crs(place.crs, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform((west + east) / 2, (south + north) / 2)
    return float(longitude), float(latitude)


def leads_to_degrees(crs: pyproj.CRS) -> bool:
    """Return whether plane coordinates of a reference system can be brought to longitude and latitude.

    Drawing and engineering systems, geocentric ones, and projections that PROJ does not know lead nowhere.
    """
    if crs.geodetic_crs is None or crs.is_geocentric:
        return False
    try:
        pyproj.Transformer.from_crs(crs, crs.geodetic_crs)
    except ProjError:
        return False
    return True


@dataclass(frozen=True)
class ReferenceGuess:
    """A reference system that coordinates of unknown origin may be in.

    Attributes
    ----------
    crs : the system
    swapped : whether the first coordinate is the northing (X of Chinese surveys) or the latitude
    longitude, latitude : where the middle of the coordinates then lies, degrees
    """

    crs: pyproj.CRS
    swapped: bool
    longitude: float
    latitude: float


def cgcs2000_zone(central_meridian: int, *, width_degrees: int = 3, numbered: bool = False) -> pyproj.CRS:
    """Return a Gauss–Krüger zone of CGCS2000.

    Parameters
    ----------
    central_meridian : 75, 78, … 135 for zones of three degrees; 75, 81, … 135 for six
    width_degrees : 3 or 6
    numbered : whether eastings carry the zone number in front (39500000 in place of 500000)

    Raises
    ------
    CRSError
        If there is no such zone.

    Examples
    --------
    >>> cgcs2000_zone(117).to_epsg(), cgcs2000_zone(117, numbered=True).to_epsg()
    (4548, 4527)
    """
    number, remainder = divmod(central_meridian - 75, width_degrees)
    if width_degrees not in {3, 6} or remainder or not 75 <= central_meridian <= 135:
        raise CRSError("crs.no_zone", central_meridian=central_meridian, width_degrees=width_degrees)
    first = {(3, False): 4534, (3, True): 4513, (6, False): 4502, (6, True): 4491}[width_degrees, numbered]
    return pyproj.CRS.from_epsg(first + number)


def guess_references(
    x: NDArray[np.float64], y: NDArray[np.float64], near: tuple[float, float] | None = None
) -> list[ReferenceGuess]:
    """Return the reference systems that coordinates in China may be in, the likeliest first.

    Degrees are told by their size.  An easting with a zone number names its zone.  One without fits
    every zone: the one whose place is nearest to ``near`` comes first.

    Parameters
    ----------
    x, y : first and second coordinates, shape (n,); what is not finite is passed over
    near : (longitude, latitude) of the county or of another layer, degrees
    """
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        return []
    first, second = float(np.median(x[finite])), float(np.median(y[finite]))
    guesses = []
    for swapped, east, north in ((False, first, second), (True, second, first)):
        for crs in _fitting(east, north):
            to_degrees = pyproj.Transformer.from_crs(crs, crs.geodetic_crs or crs, always_xy=True)
            longitude, latitude = (east, north) if crs.is_geographic else to_degrees.transform(east, north)
            guesses.append(ReferenceGuess(crs, swapped, float(longitude), float(latitude)))
    if near is not None:
        guesses.sort(key=lambda one: math.hypot(one.longitude - near[0], one.latitude - near[1]))
    return guesses


def _fitting(east: float, north: float) -> list[pyproj.CRS]:
    """Return the systems of China in which a place has these coordinates."""
    if _CHINA_WEST <= east <= _CHINA_EAST and _CHINA_SOUTH <= north <= _CHINA_NORTH:
        return [pyproj.CRS.from_epsg(4490)]
    if not _NORTHINGS_M[0] <= north <= _NORTHINGS_M[1]:
        return []
    zone, easting = divmod(east, 1e6)
    if not _EASTINGS_M[0] <= easting <= _EASTINGS_M[1]:
        return []
    if 25 <= zone <= 45:
        return [cgcs2000_zone(int(3 * zone), numbered=True)]
    if 13 <= zone <= 23:
        return [cgcs2000_zone(int(6 * zone - 3), width_degrees=6, numbered=True)]
    return [cgcs2000_zone(meridian) for meridian in range(75, 136, 3)] if zone == 0 else []


# Krasovsky 1940, on which GCJ-02 reckons its shift.
_SEMI_MAJOR_AXIS_M = 6378245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
# The formulas are meant for this box (west, south, east, north); outside of it nothing is shifted.
_SHIFTED_BOX = (72.004, 0.8293, 137.8347, 55.8271)
_BD_ANGLE = math.pi * 3000.0 / 180.0
# 1e-10 degrees are a hundredth of a millimetre.
_INVERSE_TOLERANCE_DEGREES = 1e-10
_INVERSE_STEPS = 30

Degrees = NDArray[np.float64]


def from_wgs84(longitude_latitude: Degrees, datum: str) -> Degrees:
    """Return WGS 84 coordinates in a shifted datum.

    Parameters
    ----------
    longitude_latitude : shape (n, 2), degrees of WGS 84
    datum : one of `DATUMS`

    Returns
    -------
    Degrees
        Shape (n, 2), degrees.  Outside China nothing is shifted.

    Raises
    ------
    KeyError
        If the datum is none of `DATUMS`.
    """
    forward = _FORWARD[datum]
    return np.where(_shifted(longitude_latitude)[:, None], forward(longitude_latitude), longitude_latitude)


def to_wgs84(longitude_latitude: Degrees, datum: str) -> Degrees:
    """Return coordinates of a shifted datum in WGS 84, the exact inverse of `from_wgs84`.

    Parameters
    ----------
    longitude_latitude : shape (n, 2), degrees of the datum
    datum : one of `DATUMS`

    Raises
    ------
    KeyError
        If the datum is none of `DATUMS`.
    """
    found = np.array(longitude_latitude, dtype=float)
    for _ in range(_INVERSE_STEPS):
        # The shift changes slowly with the place, so taking off the error converges at once.
        error = from_wgs84(found, datum) - longitude_latitude
        found -= error
        if not np.nanmax(np.abs(error), initial=0.0) > _INVERSE_TOLERANCE_DEGREES:
            break
    return found


def _shifted(longitude_latitude: Degrees) -> NDArray[np.bool_]:
    longitude, latitude = longitude_latitude.T
    west, south, east, north = _SHIFTED_BOX
    inside: NDArray[np.bool_] = (
        (longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)
    )
    return inside


def _gcj02(longitude_latitude: Degrees) -> Degrees:
    longitude, latitude = longitude_latitude.T
    x, y = longitude - 105.0, latitude - 35.0
    waves = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    root = np.sqrt(np.abs(x))
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north_m += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north_m += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east_m += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east_m += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    radians = np.radians(latitude)
    curvature = 1.0 - _ECCENTRICITY_SQUARED * np.sin(radians) ** 2
    meridian_m = _SEMI_MAJOR_AXIS_M * (1.0 - _ECCENTRICITY_SQUARED) / curvature**1.5
    parallel_m = _SEMI_MAJOR_AXIS_M / np.sqrt(curvature) * np.cos(radians)
    return np.column_stack(
        [longitude + np.degrees(east_m / parallel_m), latitude + np.degrees(north_m / meridian_m)]
    )


def _bd09(longitude_latitude: Degrees) -> Degrees:
    x, y = _gcj02(longitude_latitude).T
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD_ANGLE)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD_ANGLE)
    return np.column_stack([radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006])


_FORWARD: dict[str, Callable[[Degrees], Degrees]] = {"GCJ-02": _gcj02, "BD-09": _bd09}
