"""Walking: what is reached on foot from one place, as the map page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from maps.figures import Measured, plain
from maps.geography import DEGREES, geojson_of
from maps.symbology import BAND_LIMITS_M, BAND_MINUTES
from spatial.errors import UsageError
from spatial.lifecircle import Survey, reach_from
from spatial.network import pace_named

__all__ = ["NOTHING_REACHED", "reached"]

# Ways are searched as far as three times the longest limit of a category.
_SEARCHED_LIMITS = 3.0
_SIMPLIFY_M = 1.0
# Blocks between reached streets up to this size are drawn as reached: an area is a picture, nothing is counted.
_LEAST_HOLE_M2 = 10_000.0
_EMPTY: Mapping[str, Any] = {"type": "FeatureCollection", "features": []}

NOTHING_REACHED: Mapping[str, Any] = {"reached": False, "areas": _EMPTY, "routes": _EMPTY}
"""The answer for a place from which no street can be reached."""


def reached(
    survey: Survey,
    xy: tuple[float, float],
    measured: Mapping[str, Measured],
    language: str,
    *,
    estate: str = "",
) -> dict[str, Any]:
    """Return the walking areas around a place and the ways to the nearest service of each category.

    Parameters
    ----------
    survey : the town on its network
    xy : the place, metres in the CRS of the town
    measured : the categories, by id
    language : of their names
    estate : estate whose residents walk, or ''

    Returns
    -------
    ``reached``, ``areas`` (one to a walking band, the largest first: limit_m, minutes) and ``routes``
    (one to a category that is reached: category, name, group, limit_m, walk in whole metres,
    minutes at an adult's pace, facility, ``middle`` of the way)
    """
    search_m = max((_SEARCHED_LIMITS * one.limit_m for one in measured.values()), default=0.0)
    try:
        found = reach_from(survey, xy, max(search_m, *BAND_LIMITS_M))
    except UsageError:
        return dict(NOTHING_REACHED)
    areas = [_filled(replace(found, limit_m=limit_m).polygon()) for limit_m in BAND_LIMITS_M]
    known = [name for name in measured if name in survey.places.categories]
    ways = found.nearest(known, estate=estate)
    middle = shapely.line_interpolate_point(ways.geometry.to_numpy(), 0.5, normalized=True)
    pace_m_per_minute = pace_named("adult").metres_per_minute
    titles = survey.places.facilities["name"]
    crs = survey.places.buildings.crs
    bands = zip(BAND_LIMITS_M, BAND_MINUTES, strict=True)
    return {
        "reached": True,
        "areas": _collection(
            gpd.GeoSeries(areas[::-1], crs=crs),
            [{"limit_m": limit_m, "minutes": minutes} for limit_m, minutes in bands][::-1],
        ),
        "routes": _collection(
            ways.geometry,
            [
                {
                    "category": str(name),
                    "name": measured[str(name)].names[language],
                    "group": measured[str(name)].group,
                    "limit_m": measured[str(name)].limit_m,
                    "walk": int(np.ceil(row["walk_m"])),
                    "minutes": int(np.ceil(row["walk_m"] / pace_m_per_minute)),
                    "facility": plain(titles.get(row["facility_id"])),
                    "middle": place,
                }
                for (name, row), place in zip(
                    ways.iterrows(), _degrees(gpd.GeoSeries(middle, crs=crs)), strict=True
                )
            ],
        ),
    }


def _filled(area: shapely.Geometry) -> BaseGeometry:
    """Return an area without its small holes, simplified."""
    parts = [
        shapely.Polygon(
            part.exterior, [hole for hole in part.interiors if shapely.Polygon(hole).area >= _LEAST_HOLE_M2]
        )
        for part in shapely.get_parts(area)
    ]
    return shapely.union_all(parts).simplify(_SIMPLIFY_M)


def _degrees(points: gpd.GeoSeries) -> list[list[float]]:
    placed = points.to_crs(4326)
    return [[round(one.x, DEGREES), round(one.y, DEGREES)] for one in placed]


def _collection(shapes: gpd.GeoSeries, properties: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "geometry": geojson_of(shape), "properties": own}
            for shape, own in zip(shapes.to_crs(4326), properties, strict=True)
        ],
    }
