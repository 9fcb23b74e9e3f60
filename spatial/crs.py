"""Coordinate reference systems: the metric system of a town and the Chinese zones.

A town is planned in metres.  In China that means CGCS2000 (GB 22021) in Gauss–Krüger zones of three
degrees, EPSG:4534–4554; elsewhere the UTM zone of WGS 84.
"""

from __future__ import annotations

import math

import geopandas as gpd
import pyproj

from spatial.errors import CRSError

__all__ = ["metric_crs"]

# A box around China on land; in it CGCS2000 is the reference that surveys come in.
_CHINA_WEST, _CHINA_SOUTH, _CHINA_EAST, _CHINA_NORTH = 73.0, 17.0, 136.0, 54.0


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
        central_meridian = min(max(3 * round(longitude / 3), 75), 135)
        return pyproj.CRS.from_epsg(4534 + (central_meridian - 75) // 3)
    zone = min(int((longitude + 180) // 6) + 1, 60)
    return pyproj.CRS.from_epsg((32600 if latitude >= 0 else 32700) + zone)


def _middle(place: gpd.GeoSeries | gpd.GeoDataFrame) -> tuple[float, float]:
    if place.crs is None:
        raise CRSError("crs.unknown")
    west, south, east, north = place.total_bounds
    to_degrees = pyproj.Transformer.from_crs(place.crs, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform((west + east) / 2, (south + north) / 2)
    return float(longitude), float(latitude)
