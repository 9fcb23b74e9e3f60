"""Reference systems at the door: their names in addresses, their axis order, boxes and geometries.

Inside the service coordinates stand as easting, northing in the reference system of a revision.
Whoever asks may name another system by the address of its definition; the answer then has the axis
order of the authority (EPSG:4490 is latitude first, EPSG:4526 is northing first), as OGC API Features
Part 2 demands.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from api.database import Bounds
from spatial.errors import UsageError

__all__ = ["CRS84", "OFFERED", "crs_of", "decimals", "in_crs", "lon_lat_bounds", "region_of", "uri_of"]

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
# Longitude and latitude on the two ellipsoids, Web Mercator, and every three-degree zone of CGCS2000,
# with the zone number in the easting (4513-4533) and without (4534-4554).
OFFERED = (CRS84, *(f"{_EPSG}{code}" for code in (4326, 4490, 3857, *range(4513, 4555))))
_POINTS_PER_SIDE = 21


@lru_cache(maxsize=128)
def crs_of(uri: str) -> pyproj.CRS:
    """Return the reference system of an address.

    Raises
    ------
    UsageError
        If it is none that pyproj knows by an OGC or EPSG code.
    """
    try:
        if uri == CRS84:
            return pyproj.CRS("OGC:CRS84")
        if uri.startswith(_EPSG):
            return pyproj.CRS.from_epsg(int(uri.removeprefix(_EPSG)))
    except (pyproj.exceptions.CRSError, ValueError):
        pass
    raise UsageError("api.crs_unknown", crs=uri)


def uri_of(crs: pyproj.CRS) -> str | None:
    """Return the address of a reference system, or None where it has no EPSG code."""
    code = crs.to_epsg()
    return None if code is None else f"{_EPSG}{code}"


@lru_cache(maxsize=256)
def _transformer(source: pyproj.CRS, target: pyproj.CRS) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


@lru_cache(maxsize=128)
def _northing_first(crs: pyproj.CRS) -> bool:
    return bool(crs.axis_info) and crs.axis_info[0].direction.lower() == "north"


def decimals(crs: pyproj.CRS) -> int:
    """Return how many decimals of a coordinate are worth writing: about a millimetre to a centimetre."""
    return 7 if crs.is_geographic else 3


def in_crs(shapes: np.ndarray, source: pyproj.CRS, uri: str) -> np.ndarray:
    """Return geometries in a reference system named by its address, in its own axis order.

    Parameters
    ----------
    shapes : geometries as easting, northing in ``source``, (n,)
    """
    target = crs_of(uri)
    transformer, digits = _transformer(source, target), decimals(target)
    order = (1, 0) if _northing_first(target) else (0, 1)

    def convert(points: np.ndarray) -> np.ndarray:
        converted = np.column_stack(transformer.transform(points[:, 0], points[:, 1]))
        return np.round(converted[:, order], digits)

    converted: np.ndarray = shapely.transform(shapes, convert)
    return converted


def lon_lat_bounds(bounds: Bounds, source: pyproj.CRS) -> Bounds | None:
    """Return west, south, east, north in degrees of bounds in metres, rounded outward.

    None where the coordinates lie outside what their reference system can say.
    """
    west, south, east, north = _transformer(source, crs_of(CRS84)).transform_bounds(
        *bounds, densify_pts=_POINTS_PER_SIDE
    )
    if not np.isfinite([west, south, east, north]).all():
        return None
    low, high = np.floor(np.array([west, south]) * 1e6) / 1e6, np.ceil(np.array([east, north]) * 1e6) / 1e6
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def region_of(
    box: Bounds,
    uri: str,
    bounds: Bounds,
    crs: pyproj.CRS,
) -> BaseGeometry:
    """Return a box as a region in the reference system of a layer, empty where it misses the layer.

    Parameters
    ----------
    box : two corners in the axis order of ``uri``; in degrees, a box whose first longitude is the
        greater one crosses the antimeridian
    bounds : west, south, east, north of the layer in ``crs``; the region is cut to their neighbourhood,
        since far from its zone a projection has no meaning
    """
    named = crs_of(uri)
    first, second, third, fourth = box
    west, south, east, north = (second, first, fourth, third) if _northing_first(named) else box
    if south > north or (west > east and not named.is_geographic):
        raise UsageError("api.bbox", bbox=",".join(map(str, box)))
    near = _padded(_transformer(crs, named).transform_bounds(*bounds, densify_pts=_POINTS_PER_SIDE))
    spans = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    to_layer = _transformer(named, crs)
    parts: list[BaseGeometry] = []
    for left, right in spans:
        cut = shapely.box(left, south, right, north) & near
        if cut.is_empty:
            continue
        length = max(cut.bounds[2] - cut.bounds[0], cut.bounds[3] - cut.bounds[1]) / _POINTS_PER_SIDE
        dense = shapely.segmentize(cut, length) if length > 0 else cut
        parts.append(
            shapely.transform(dense, lambda xy: np.column_stack(to_layer.transform(xy[:, 0], xy[:, 1])))
        )
    region: BaseGeometry = shapely.union_all(parts) if parts else shapely.Polygon()
    return region


def _padded(bounds: Bounds) -> shapely.Polygon:
    west, south, east, north = bounds
    margin = 0.05 * max(east - west, north - south) + 1e-4
    return shapely.box(west - margin, south - margin, east + margin, north + margin)
