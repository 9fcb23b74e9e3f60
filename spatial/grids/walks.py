"""The walk across a grid: the greatest distance between two of its units.

The distance is the straight one: a walk is never shorter, so what is found too long is too long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spatial.grids.division import Division

__all__ = ["GridWalk", "greatest_walks"]


@dataclass(frozen=True)
class GridWalk:
    """The two units of a grid that lie farthest apart.

    Attributes
    ----------
    grid : number of the grid
    walk_m : distance between them, metres
    units : the two units
    """

    grid: int
    walk_m: float
    units: tuple[int, int]


def greatest_walks(division: Division, longer_than_m: float = 0.0) -> Iterator[GridWalk]:
    """Yield the greatest walk across each basic grid, where it is longer than a length."""
    place = division.fabric.arrays.place
    for grid in np.flatnonzero(division.is_basic):
        units = division.units_of(int(grid))
        if len(units) < 2:
            continue
        own = place[units]
        distance = np.hypot(*(own[:, None] - own[None]).transpose(2, 0, 1))
        a, b = np.unravel_index(int(distance.argmax()), distance.shape)
        if distance[a, b] > longer_than_m:
            yield GridWalk(int(grid), float(distance[a, b]), (int(units[a]), int(units[b])))
