"""Tile sources: the layers of one tile address, with a level of detail for every zoom.

A level simplifies to half a pixel (polygons that share edges keep sharing them), is made when its
zoom is first asked for, and holds finished geometry; see `api.tiles.encoding`.  Only shapes that
cross the edge of a tile are cut for it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from api.tiles.encoding import Attributes, Drawn, Ints, draw, layer_message

__all__ = ["EXTENT", "LARGEST_TILE_BYTES", "TileLayer", "TileSource", "tile_of"]

EXTENT = 4096
"""Units across a tile."""

LARGEST_TILE_BYTES = 500_000
"""No tile is larger before it is compressed; the smallest shapes go first."""

Bounds = tuple[float, float, float, float]

_WORLD_M = 2 * math.pi * 6_378_137.0
_CORNER = (-_WORLD_M / 2, _WORLD_M / 2)
_BUFFER = 64
_UNITS_PER_PIXEL = EXTENT // 512


def tile_of(longitude: float, latitude: float, zoom: int) -> tuple[int, int]:
    """Return column and row of the tile that holds a place.

    Examples
    --------
    >>> tile_of(117.0, 27.1, 14)
    (13516, 6909)
    """
    radians = math.radians(latitude)
    across = (longitude + 180) / 360
    down = (1 - math.asinh(math.tan(radians)) / math.pi) / 2
    return int(across * 2**zoom), int(down * 2**zoom)


@dataclass(frozen=True)
class _Level:
    """Shapes and their command streams at one zoom."""

    shapes: NDArray[np.object_]
    drawn: Drawn
    bounds: NDArray[np.float64]


@dataclass
class TileLayer:
    """One layer inside a tile.

    Parameters
    ----------
    name : its name in the tile
    frame : shapes in any reference system, none missing, and the columns that become properties; its
        index are whole numbers, the ids of the features
    shared_edges : the polygons tile the plane, and must go on doing so when simplified
    """

    name: str
    frame: gpd.GeoDataFrame
    shared_edges: bool = False
    _levels: dict[int, _Level] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        projected = self.frame.geometry.to_crs(3857).to_numpy() if len(self.frame) else np.empty(0, object)
        # Clockwise seen northward is what the format wants seen southward.
        self._shapes: NDArray[Any] = shapely.orient_polygons(projected, exterior_cw=True)
        self._ids: Ints = self.frame.index.to_numpy(np.int64)
        self._tree = shapely.STRtree(self._shapes)
        self._attributes = Attributes(pd.DataFrame(self.frame.drop(columns=self.frame.geometry.name)))
        # What is let go first where a tile grows too large: small areas, short lines, late points.
        self._weight = shapely.area(self._shapes) + shapely.length(self._shapes)
        self._is_point = shapely.get_dimensions(self._shapes) == 0

    @property
    def fields(self) -> dict[str, str]:
        """The properties of a feature and their kind, as TileJSON names them."""
        columns = self.frame.drop(columns=self.frame.geometry.name)
        return {
            name: "Boolean"
            if pd.api.types.is_bool_dtype(kind)
            else "Number"
            if pd.api.types.is_numeric_dtype(kind)
            else "String"
            for name, kind in columns.dtypes.items()
        }

    def message(self, zoom: int, column: int, row: int, largest: int, last_zoom: int) -> bytes:
        """Return the layer of a tile, at most ``largest`` bytes; b'' where nothing is there."""
        level = self._level(zoom, last_zoom)
        origin = (column * EXTENT, row * EXTENT)
        metres = _WORLD_M / (EXTENT << zoom)
        box = _box(origin, metres, _BUFFER)
        near = np.sort(self._tree.query(shapely.box(*box)))
        if not len(near):
            return b""
        chosen = self._chosen(level, near, origin)
        while True:
            message = self._written(level, chosen, box, origin, metres)
            if len(message) <= largest:
                return message
            share = 0.9 * largest / len(message)
            lightest_last = np.argsort(-self._weight[chosen], kind="stable")
            chosen = np.sort(chosen[lightest_last[: int(len(chosen) * share)]])

    def _chosen(self, level: _Level, near: Ints, origin: tuple[int, int]) -> Ints:
        # A point belongs to one tile alone; what has extent is drawn a little over the edge.
        first = level.drawn.first[near] - np.array(origin)
        inside = np.all((first >= 0) & (first < EXTENT), axis=1)
        return near[np.where(self._is_point[near], inside, True)]

    def _written(
        self, level: _Level, chosen: Ints, box: Bounds, origin: tuple[int, int], metres: float
    ) -> bytes:
        bounds = level.bounds[chosen]
        west, south, east, north = box
        whole = (
            (bounds[:, 0] >= west)
            & (bounds[:, 1] >= south)
            & (bounds[:, 2] <= east)
            & (bounds[:, 3] <= north)
        )
        crossing = ~whole
        cut = shapely.orient_polygons(_cut(level.shapes[chosen[crossing]], box), exterior_cw=True)
        drawn = level.drawn.of(chosen, draw(cut, 1 / metres, _CORNER), crossing)
        return layer_message(
            self.name, drawn, chosen, self._ids[chosen], self._attributes, origin=origin, extent=EXTENT
        )

    def _level(self, zoom: int, last_zoom: int) -> _Level:
        with self._lock:
            if zoom not in self._levels:
                metres = _WORLD_M / (EXTENT << zoom)
                # The last zoom is enlarged by the client, so it keeps what a single unit can show.
                tolerance = metres * (1 if zoom == last_zoom else _UNITS_PER_PIXEL / 2)
                shapes = _simplified(self._shapes, tolerance, shared_edges=self.shared_edges)
                self._levels[zoom] = _Level(shapes, draw(shapes, 1 / metres, _CORNER), shapely.bounds(shapes))
            return self._levels[zoom]


class TileSource:
    """Everything under one tile address.

    Parameters
    ----------
    layers : layers of a tile, bottom first
    zooms : least and greatest zoom that is served
    """

    def __init__(self, layers: Sequence[TileLayer], zooms: tuple[int, int]) -> None:
        self.layers = tuple(layers)
        self.zooms = zooms

    def tile(self, zoom: int, column: int, row: int) -> bytes:
        """Return a tile, uncompressed; b'' where nothing is there or the zoom is not served."""
        if not self.zooms[0] <= zoom <= self.zooms[1]:
            return b""
        left, parts = LARGEST_TILE_BYTES, []
        # Labels and lines come last and are small; the shapes take what they leave.
        for layer in reversed(self.layers):
            message = layer.message(zoom, column, row, left, self.zooms[1])
            left -= len(message)
            parts.append(message)
        return b"".join(reversed(parts))


def _cut(shapes: NDArray[Any], box: Bounds) -> NDArray[Any]:
    """Return what of shapes lies in a box.

    The fast method of GEOS fails on a sliver that touches the edge in one point, and takes one without area
    for the whole box; both go the long way.
    """
    try:
        cut: NDArray[Any] = shapely.clip_by_rect(shapes, *box)
    except shapely.GEOSException:
        cut, grown = shapes.copy(), np.ones(len(shapes), bool)
    else:
        grown = shapely.area(cut) > (1 + 1e-9) * shapely.area(shapes)
    if grown.any():
        cut[grown] = shapely.intersection(shapely.make_valid(shapes[grown]), shapely.box(*box))
    return cut


def _box(origin: tuple[int, int], metres: float, buffer: int) -> Bounds:
    west = _CORNER[0] + (origin[0] - buffer) * metres
    north = _CORNER[1] - (origin[1] - buffer) * metres
    side = (EXTENT + 2 * buffer) * metres
    return west, north - side, west + side, north


def _simplified(shapes: NDArray[Any], tolerance: float, *, shared_edges: bool) -> NDArray[Any]:
    areal = shapely.get_dimensions(shapes) == 2
    if shared_edges and areal.all():
        # The tolerance of this method is the side of a triangle's area.
        simple = shapely.coverage_simplify(shapes, tolerance)
    else:
        simple = shapely.simplify(shapes, tolerance, preserve_topology=True)
    # A shape smaller than the tolerance stays a spot on the map rather than vanish.
    gone = shapely.is_empty(simple)
    oriented: NDArray[Any] = shapely.orient_polygons(np.where(gone, shapes, simple), exterior_cw=True)
    return oriented
