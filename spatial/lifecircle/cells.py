"""Cells: the ground around each building, for drawing clusters of them.

A cell is the part of the plane nearer to a building than to any other, at most a house block's width
from it, and on its own side of estate walls and barriers.  Cells serve pictures and say which
buildings are neighbours; nothing is counted by them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from spatial.lifecircle.places import Places
from spatial.network import Walls

__all__ = ["TOUCH_M", "Cells", "cells_of", "union_of"]

Shapes = npt.NDArray[np.object_]

# A cell ends this far from its building where nothing else ends it.
_REACH_M = 60.0
TOUCH_M = 0.5
"""Cells whose edges were cut by different lines touch when they are this near."""


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of buildings.

    Attributes
    ----------
    shape : (b,) cells, whose edges match those of their neighbours; empty for a building without geometry
    touching : (p, 2) pairs of buildings whose cells touch
    """

    shape: Shapes
    touching: npt.NDArray[np.int64]


def cells_of(places: Places, walls: Walls) -> Cells:
    """Draw the cells of the buildings of a town."""
    geometry = places.buildings.geometry.to_numpy()
    centre = places.building_centre
    there = np.flatnonzero(~(shapely.is_missing(geometry) | shapely.is_empty(geometry)))
    shape = np.full(len(geometry), shapely.Polygon(), object)
    shape[there] = shapely.intersection(
        _voronoi(centre[there]), shapely.buffer(geometry[there], _REACH_M, quad_segs=4)
    )
    shape = _within_estates(shape, places.side_of, walls)
    shape = _matched(_cut_at_barriers(shape, centre, walls))
    first, second = shapely.STRtree(shape).query(shape, predicate="dwithin", distance=TOUCH_M)
    pairs = np.column_stack([first, second])[first < second]
    return Cells(shape, pairs)


def union_of(cells: Shapes) -> shapely.Geometry:
    """Return the union of cells, also where rounding has put two of their vertices a hair apart."""
    try:
        return shapely.coverage_union_all(cells)
    except shapely.errors.GEOSException:
        return shapely.union_all(cells)


def _voronoi(points: Shapes) -> Shapes:
    """Return the cell of each point; points at one place share a cell."""
    distinct, number = np.unique(shapely.get_coordinates(points), axis=0, return_inverse=True)
    if len(distinct) < 2:
        return np.array([shapely.buffer(point, 2 * _REACH_M) for point in points], object)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(
            shapely.multipoints(distinct),
            extend_to=shapely.box(
                *(distinct.min(axis=0) - 2 * _REACH_M), *(distinct.max(axis=0) + 2 * _REACH_M)
            ),
            ordered=True,
        )
    )
    return np.asarray(cells, object)[number.ravel()]


def _matched(shape: Shapes) -> Shapes:
    """Give neighbouring cells the same vertices along their common edges, so that unions are quick."""
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all(shapely.boundary(shape))]))
    inside, cell = shapely.STRtree(shape).query(shapely.point_on_surface(faces), predicate="within")
    inside, first = np.unique(inside, return_index=True)
    cell = cell[first]
    result = np.full(len(shape), shapely.Polygon(), object)
    order = np.argsort(cell, kind="stable")
    pieces, owner = faces[inside[order]], cell[order]
    single = np.bincount(owner, minlength=len(shape)) == 1
    result[owner[single[owner]]] = pieces[single[owner]]
    for one in np.unique(owner[~single[owner]]):
        result[one] = union_of(pieces[owner == one])
    return result


def _within_estates(shape: Shapes, side: npt.NDArray[np.int64], walls: Walls) -> Shapes:
    """Keep the cells of estates inside their walls, and the others outside."""
    result = shape.copy()
    inside = np.flatnonzero(side > 0)
    result[inside] = shapely.intersection(shape[inside], walls.estate_area[side[inside] - 1])
    if len(walls.estate_area):
        cell, estate = shapely.STRtree(walls.estate_area).query(shape, predicate="intersects")
        foreign = side[cell] == 0
        for one in np.unique(cell[foreign]):
            result[one] = shapely.difference(
                result[one], shapely.union_all(walls.estate_area[estate[foreign & (cell == one)]])
            )
    return result


def _cut_at_barriers(shape: Shapes, centre: Shapes, walls: Walls) -> Shapes:
    """Keep, of each cell that a barrier cuts, the part with the building."""
    barriers = walls.line[walls.side == 0]
    if not len(barriers):
        return shape
    cell, barrier = shapely.STRtree(barriers).query(shape, predicate="intersects")
    result = shape.copy()
    for one in np.unique(cell):
        across = shapely.union_all(barriers[barrier[cell == one]])
        pieces = shapely.get_parts(shapely.polygonize([shapely.union(shapely.boundary(shape[one]), across)]))
        pieces = pieces[shapely.intersects(shape[one], shapely.point_on_surface(pieces))]
        holding = pieces[shapely.intersects(pieces, centre[one])]
        if len(holding):
            result[one] = holding[0]
    return result
