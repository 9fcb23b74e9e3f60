"""Positions as answers hold them: longitude and latitude (WGS 84), rounded to about 0.1 m."""

from __future__ import annotations

import json
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

__all__ = ["DEGREES", "bounds_of", "geojson_of"]

DEGREES = 6
"""Decimal places of a degree."""


def bounds_of(shapes: gpd.GeoSeries) -> list[list[float] | None]:
    """Return west, south, east, north of every shape in degrees; None for one without a place."""
    boxes = shapes.to_crs(4326).bounds.round(DEGREES).to_numpy(float)
    return [None if np.isnan(box).any() else box.tolist() for box in boxes]


def geojson_of(shape: BaseGeometry) -> dict[str, Any]:
    """Return a shape in degrees as a GeoJSON geometry."""
    rounded = shapely.set_precision(shape, 10.0**-DEGREES, mode="pointwise")
    found: dict[str, Any] = json.loads(shapely.to_geojson(rounded))
    return found
