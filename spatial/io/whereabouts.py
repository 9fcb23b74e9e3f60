"""Whereabouts: what the shapes and the columns of a layer say of its place."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.crs import guess_references
from spatial.io.placing import read_coordinates, read_shapes
from spatial.io.vocabulary import header_of

__all__ = [
    "coordinate_headers",
    "dimension_of",
    "has_place",
    "is_closed",
    "shape_header",
    "whereabouts",
    "written_places",
]

_ROWS_TRIED = 100


def has_place(frame: pd.DataFrame) -> bool:
    """Return whether the rows of a layer say where they lie: by shapes, by columns or by text."""
    return (
        dimension_of(frame) is not None
        or coordinate_headers(frame) is not None
        or shape_header(frame) is not None
    )


def shape_header(frame: pd.DataFrame) -> str | None:
    """Return the header of the shapes of a table, which some of its first rows must have; None without."""
    if isinstance(frame, gpd.GeoDataFrame):
        return None
    match = header_of("geometry", list(map(str, frame.columns)))
    if match is None or not match[1]:
        return None
    shapes = read_shapes(frame[match[0]].dropna().head(_ROWS_TRIED))
    return match[0] if shapely.is_geometry(shapes).any() else None


def written_places(frame: pd.DataFrame) -> pd.Series:
    """Return where the rows of a layer lie, as they write it; null where they do not say."""
    headers: tuple[str, ...] | None = coordinate_headers(frame)
    if dimension_of(frame) is not None:
        return pd.Series(shapely.to_wkt(frame.geometry.to_numpy()), frame.index, dtype="string")
    if headers is None:
        shape = shape_header(frame)
        headers = () if shape is None else (shape,)
    places = pd.Series("", frame.index, dtype="string")
    for header in headers:
        places = places + " " + frame[header].astype("string").str.strip()
    return places if headers else pd.Series(pd.NA, frame.index, dtype="string")


def dimension_of(frame: pd.DataFrame) -> int | None:
    """Return the dimension of most shapes of a layer, None for a table without shapes."""
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        return None
    dimensions = shapely.get_dimensions(frame.geometry.to_numpy())
    dimensions = dimensions[dimensions >= 0]
    return int(np.bincount(dimensions).argmax()) if len(dimensions) else None


def is_closed(frame: pd.DataFrame) -> bool:
    """Return whether most lines of a layer are closed: outlines, as drawings have them."""
    shapes = frame.geometry.to_numpy()
    lines = shapes[shapely.get_dimensions(shapes) == 1]
    return bool(len(lines) and shapely.is_closed(lines).mean() > 0.5)


def coordinate_headers(frame: pd.DataFrame) -> tuple[str, str] | None:
    """Return the headers of longitude and latitude, or of easting and northing; None without."""
    headers = list(map(str, frame.columns))
    for first, second in (("longitude", "latitude"), ("x", "y")):
        found = header_of(first, headers), header_of(second, headers)
        if found[0] is not None and found[1] is not None:
            return found[0][0], found[1][0]
    return None


def whereabouts(frames: Sequence[pd.DataFrame]) -> tuple[float, float] | None:
    """Return longitude and latitude of the first layer that says where it lies."""
    for frame in frames:
        if isinstance(frame, gpd.GeoDataFrame) and frame.crs is not None and dimension_of(frame) is not None:
            west, south, east, north = frame.to_crs("EPSG:4326").total_bounds
            return float(west + east) / 2, float(south + north) / 2
    for frame in frames:  # an easting with the number of its zone says it too
        guesses = guess_references(*_coordinates(frame), None)
        if len(guesses) == 1:
            return guesses[0].longitude, guesses[0].latitude
    return None


def _coordinates(frame: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coordinates of a layer without a reference system, or of its columns."""
    headers = coordinate_headers(frame)
    if dimension_of(frame) is not None:
        x, y = shapely.get_coordinates(frame.geometry.to_numpy()).T
        return x, y
    if headers is not None:
        return read_coordinates(frame[headers[0]]), read_coordinates(frame[headers[1]])
    shape = shape_header(frame)
    if shape is not None:
        x, y = shapely.get_coordinates(read_shapes(frame[shape])).T
        return x, y
    return np.empty(0), np.empty(0)
