"""The walk across a grid: the greatest walk between two of its units.

A walk goes by the streets of the town, with the legs to and from them.  Inside one estate, whose ground
is open, it is the straight distance; so it is in a town without streets, and where the streets of the
data do not join two units.  A walk is never shorter than that: what is found too long is too long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial.grids.division import Division
from spatial.grids.fabric import Fabric

__all__ = ["GridWalk", "greatest_walks", "walks_between"]

# Walks by street are searched to this many times the greatest walk of the rules.
_SEARCHED = 4.0


@dataclass(frozen=True)
class GridWalk:
    """The two units of a grid that are farthest apart.

    Attributes
    ----------
    grid : number of the grid
    walk_m : walk between them, metres
    units : the two units
    by_street : whether the walk is one by the streets, else it is the straight distance
    """

    grid: int
    walk_m: float
    units: tuple[int, int]
    by_street: bool


def walks_between(
    fabric: Fabric, units: NDArray[np.int64], limit_m: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the walks between units, metres, and which of them are by street, shape (n, n) each.

    Parameters
    ----------
    limit_m : the greatest walk of the rules; streets are searched some way beyond it
    """
    arrays = fabric.arrays
    place = arrays.place[units]
    walks = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    by_street = np.zeros(walks.shape, dtype=np.bool_)
    for community_id in np.unique(arrays.community[units].astype(str)):
        everyone = fabric.units_of(community_id)
        found = fabric.street_walks.between(community_id, arrays.place[everyone], _SEARCHED * limit_m)
        if found is None:
            break
        own = np.flatnonzero(arrays.community[units] == community_id)
        at = np.searchsorted(everyone, units[own])
        group = arrays.group[units[own]]
        open_ground = (group[:, None] == group[None]) & (group[:, None] >= 0)
        streets = np.where(open_ground, np.inf, found[np.ix_(at, at)])
        known = np.isfinite(streets) & ~np.eye(len(own), dtype=bool)
        block = np.ix_(own, own)
        walks[block] = np.where(known, np.maximum(streets, walks[block]), walks[block])
        by_street[block] = known
    return walks, by_street


def greatest_walks(division: Division, limit_m: float) -> Iterator[GridWalk]:
    """Yield the greatest walk across each basic grid, where it is longer than a limit."""
    for grid in np.flatnonzero(division.is_basic):
        units = division.units_of(int(grid))
        if len(units) < 2:
            continue
        walks, by_street = walks_between(division.fabric, units, limit_m)
        a, b = np.unravel_index(int(walks.argmax()), walks.shape)
        if walks[a, b] > limit_m:
            pair = (int(units[a]), int(units[b]))
            yield GridWalk(int(grid), float(walks[a, b]), pair, bool(by_street[a, b]))
