"""Datums: whether a layer lies off the others in the way that GCJ-02 or BD-09 would shift it.

Buildings stand beside streets, hardly ever on them.  A shift of some hundred metres puts many of
them on a street line; the shift that takes them off again tells the datum.  Facilities stand in or at
buildings, most of them; the shift that brings them back there tells theirs.  Only said, never done: the
evidence goes into a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from spatial.checks.layers import only_where, usable
from spatial.crs import DATUMS, from_wgs84, to_wgs84
from spatial.findings import Finding, Severity

__all__ = ["check_datums"]

# Enough for a share to a few percent, and quick.
_SAMPLE = 4000
# Too few buildings or streets tell nothing.
_LEAST = 40
# A building drawn as a point is on a street when it is this near to its centre line.
_ON_STREET_M = 4.0
_BESIDE_STREET_M = 60.0
# The best datum must take at least this share of the conflicts away, and leave a share this small.
_FEWER = 0.5
_SUSPECT_SHARE = 0.06
# A facility is at a building within this; undone, a shift brings at least this share of all back to one,
# and half as many again as were there before.
_AT_BUILDING_M = 8.0
_BROUGHT_BACK = 0.2
_HALF_AGAIN = 1.5

Shift = Callable[[NDArray[np.float64], str], NDArray[np.float64]]


def check_datums(tables: Mapping[str, pd.DataFrame], crs: pyproj.CRS) -> list[Finding]:
    """Return a warning when buildings fit the streets, or facilities the buildings, far better in another datum.

    Parameters
    ----------
    tables : shaped tables in the metric reference system ``crs``
    """
    return [*_buildings_beside_streets(tables, crs), *_facilities_at_buildings(tables, crs)]


def _facilities_at_buildings(tables: Mapping[str, pd.DataFrame], crs: pyproj.CRS) -> list[Finding]:
    facilities, buildings = tables["facilities"], tables["buildings"]
    if not isinstance(facilities, gpd.GeoDataFrame) or not isinstance(buildings, gpd.GeoDataFrame):
        return []
    points = only_where(usable(facilities), facilities.geometry.to_numpy())
    points = points[shapely.get_dimensions(points) == 0][:_SAMPLE]
    outlines = only_where(usable(buildings), buildings.geometry.to_numpy())
    outlines = outlines[shapely.get_dimensions(outlines) == 2]
    if len(points) < _LEAST or len(outlines) < _LEAST:
        return []
    tree = shapely.STRtree(outlines)
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    before = _at_building(points, tree)
    found = []
    for datum in DATUMS:
        moved = shapely.transform(points, lambda xy: _shifted(xy, to_wgs84, datum, to_degrees))  # noqa: B023
        found.append((_at_building(moved, tree), datum, _apart_m(points, moved)))
    after, datum, shift_m = max(found)
    if after - before < _BROUGHT_BACK or after < _HALF_AGAIN * before:
        return []
    return [
        Finding.of(
            Severity.WARNING,
            "checks.facilities_datum_suspected",
            "facilities",
            datum=datum,
            share=before,
            share_after=after,
            shift_m=shift_m,
        )
    ]


def _at_building(points: NDArray[np.object_], buildings: shapely.STRtree) -> float:
    return len(np.unique(buildings.query(points, predicate="dwithin", distance=_AT_BUILDING_M)[0])) / len(
        points
    )


def _buildings_beside_streets(tables: Mapping[str, pd.DataFrame], crs: pyproj.CRS) -> list[Finding]:
    buildings, streets = tables["buildings"], tables["streets"]
    if not isinstance(buildings, gpd.GeoDataFrame) or not isinstance(streets, gpd.GeoDataFrame):
        return []
    lines = streets.geometry.to_numpy()[usable(streets)]
    shapes = only_where(usable(buildings), buildings.geometry.to_numpy())
    shapes = shapes[shapely.is_geometry(shapes)]
    if len(shapes) < _LEAST or len(lines) < _LEAST:
        return []
    shapes = shapes[:: max(1, len(shapes) // _SAMPLE)]
    tree = shapely.STRtree(lines)
    on_before, beside_before = _standing(shapes, tree)
    if on_before < _SUSPECT_SHARE:
        return []
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    found = []
    # Either the buildings are in the datum, or the streets are, and then the buildings fit after the shift.
    for table, shift in (("buildings", to_wgs84), ("streets", from_wgs84)):
        for datum in DATUMS:
            moved = shapely.transform(shapes, lambda xy: _shifted(xy, shift, datum, to_degrees))  # noqa: B023
            on, beside = _standing(moved, tree)
            found.append((beside, on, table, datum, _apart_m(shapes, moved)))
    beside, on, table, datum, shift_m = max(found)
    if on > (1 - _FEWER) * on_before or beside <= beside_before:
        return []
    return [
        Finding.of(
            Severity.WARNING,
            "checks.datum_suspected",
            table,
            datum=datum,
            share=on_before,
            share_after=on,
            shift_m=shift_m,
        )
    ]


def _apart_m(before: NDArray[np.object_], after: NDArray[np.object_]) -> float:
    return float(np.median(shapely.distance(shapely.centroid(before), shapely.centroid(after))))


def _standing(shapes: NDArray[np.object_], streets: shapely.STRtree) -> tuple[float, float]:
    """Return the shares of buildings that stand on a street line, and beside one but on none."""
    on_reach = np.where(shapely.get_dimensions(shapes) == 0, _ON_STREET_M, 0.0)
    on = np.unique(streets.query(shapes, predicate="dwithin", distance=on_reach)[0])
    near = np.unique(streets.query(shapes, predicate="dwithin", distance=_BESIDE_STREET_M)[0])
    return len(on) / len(shapes), (len(near) - len(on)) / len(shapes)


def _shifted(
    xy: NDArray[np.float64], shift: Shift, datum: str, to_degrees: pyproj.Transformer
) -> NDArray[np.float64]:
    degrees = np.column_stack(to_degrees.transform(xy[:, 0], xy[:, 1]))
    moved = shift(degrees, datum)
    return np.column_stack(to_degrees.transform(moved[:, 0], moved[:, 1], direction="INVERSE"))
