"""Outlines: the polygon of a grid, dissolved from the cells of its units.

Cells share their vertices, so outlines do too: together with the special areas they tile every
community without gap or overlap.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from spatial.grids.division import Division
from spatial.grids.linework import LATTICE_M

__all__ = ["outlines"]


def outlines(division: Division) -> NDArray[np.object_]:
    """Return the outline of each grid, shape (g,): a polygon, or a multipolygon where it is not connected.

    A grid without cells, as in a community without buildings, has the community as its outline; a grid
    whose units all left has an empty polygon.
    """
    cells = np.concatenate(
        [division.fabric.units.geometry.to_numpy(), division.fabric.special.geometry.to_numpy()]
    )
    number = np.concatenate([division.grid, division.special])
    order = np.argsort(number, kind="stable")
    starts = np.searchsorted(number[order], np.arange(len(division.grids) + 1))
    community = np.concatenate(
        [division.fabric.units["community_id"], division.fabric.special["community_id"]]
    ).astype(object)
    communities = division.fabric.town.communities
    populated = set(division.fabric.units["community_id"]) | set(division.fabric.special["community_id"])
    shapes = np.full(len(division.grids), shapely.Polygon(), dtype=object)
    for grid, community_id in enumerate(division.grids["community_id"]):
        own = order[starts[grid] : starts[grid + 1]]
        if len(np.unique(community[own])) > 1:
            # cells of two communities do not share their vertices
            shapes[grid] = shapely.union_all(cells[own], grid_size=LATTICE_M)
        elif len(own):
            shapes[grid] = shapely.coverage_union_all(cells[own])
        elif community_id in communities.index and community_id not in populated:
            shapes[grid] = communities.geometry[community_id]
    return shapes
