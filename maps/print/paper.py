"""Paper: which ground fits on a sheet, at which scale, and on how many sheets.

A *window* is the rectangle of ground that a map shows: its north-west corner, its scale, and its size on
paper.  Lengths on paper are millimetres, lengths on the ground metres; a scale is its denominator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["SHEET_SCALES", "TOWN_SCALES", "ScaleBar", "Window", "fitted", "scale_bar", "sheets"]

TOWN_SCALES = (5_000, 7_500, 10_000, 12_500, 15_000, 20_000)
"""Scales of a town sheet; a town that fits none of them gets an index and numbered sheets."""

SHEET_SCALES = (1_000, 1_250, 1_500, 2_000, 2_500, 3_000, 4_000, *TOWN_SCALES, 25_000, 50_000, 100_000)
"""Every scale that is printed: fixed, so that a ruler and the eye learn them."""

# Free ground kept between what is shown and the edge of the map.
_MARGIN_MM = 1.0
_PIXELS_AT_ZOOM_15 = 10_000.0
_BAR_STEPS = (1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Window:
    """The ground that a map shows.

    Attributes
    ----------
    west, north : corner in the town's metric system, metres
    scale : denominator of the scale
    width_mm, height_mm : size on paper
    """

    west: float
    north: float
    scale: int
    width_mm: float
    height_mm: float

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north, metres."""
        metres = self.scale / 1000
        return (
            self.west,
            self.north - self.height_mm * metres,
            self.west + self.width_mm * metres,
            self.north,
        )

    @property
    def box(self) -> shapely.Polygon:
        """The ground as a rectangle."""
        return shapely.box(*self.bounds)

    @property
    def zoom(self) -> float:
        """The zoom whose symbols suit the scale: a pixel is 0.2 mm, and 2 m at zoom 15.

        Examples
        --------
        >>> Window(0, 0, 10_000, 100, 100).zoom, Window(0, 0, 20_000, 100, 100).zoom
        (15.0, 14.0)
        """
        return 15 - math.log2(self.scale / _PIXELS_AT_ZOOM_15)

    def on_paper(self, geometry: NDArray[np.object_]) -> NDArray[np.object_]:
        """Return geometry in millimetres from the upper left corner of the map, y downwards."""
        corner = np.array([self.west, self.north])
        factor = np.array([1000.0, -1000.0]) / self.scale
        moved: NDArray[np.object_] = shapely.transform(geometry, lambda xy: (xy - corner) * factor)
        return moved


@dataclass(frozen=True)
class ScaleBar:
    """A bar of equal parts in round metres.

    Attributes
    ----------
    step_m : ground length of a part
    step_mm : its length on paper
    parts : number of parts
    """

    step_m: int
    step_mm: float
    parts: int


def fitted(
    bounds: Sequence[float] | NDArray[np.float64],
    width_mm: float,
    height_mm: float,
    scales: Sequence[int] = SHEET_SCALES,
) -> Window | None:
    """Return the window that shows ground at the largest scale at which it fits; None where none does.

    Parameters
    ----------
    bounds : west, south, east and north of the ground, metres
    width_mm, height_mm : size of the map
    scales : denominators to choose from
    """
    west, south, east, north = bounds
    for scale in sorted(scales):
        wide, high = (east - west) * 1000 / scale, (north - south) * 1000 / scale
        if wide + 2 * _MARGIN_MM <= width_mm and high + 2 * _MARGIN_MM <= height_mm:
            return _centred((west + east) / 2, (south + north) / 2, scale, width_mm, height_mm)
    return None


def _centred(x: float, y: float, scale: int, width_mm: float, height_mm: float) -> Window:
    return Window(x - width_mm * scale / 2000, y + height_mm * scale / 2000, scale, width_mm, height_mm)


def sheets(
    ground: shapely.Geometry, scale: int, width_mm: float, height_mm: float, overlap: float = 0.05
) -> dict[tuple[int, int], Window]:
    """Return the sheets that show ground at a scale, by row and column from the north-west.

    Neighbouring sheets share ``overlap`` of their width or height; a sheet without ground is left out.
    """
    west, south, east, north = shapely.bounds(ground)
    wide, high = width_mm * scale / 1000, height_mm * scale / 1000
    columns = _count(east - west, wide, overlap)
    rows = _count(north - south, high, overlap)
    step_x, step_y = wide * (1 - overlap), high * (1 - overlap)
    # The sheets together are centred on the ground.
    first_x = (west + east) / 2 - ((columns - 1) * step_x + wide) / 2
    first_y = (south + north) / 2 + ((rows - 1) * step_y + high) / 2
    laid = {
        (row, column): Window(first_x + column * step_x, first_y - row * step_y, scale, width_mm, height_mm)
        for row in range(rows)
        for column in range(columns)
    }
    return {place: window for place, window in laid.items() if shapely.intersects(ground, window.box)}


def _count(length: float, sheet: float, overlap: float) -> int:
    return max(1, math.ceil((length / sheet - overlap) / (1 - overlap) - 1e-9))


def scale_bar(scale: int, greatest_mm: float) -> ScaleBar:
    """Return a scale bar in round metres (1, 2 or 5 times a power of ten), no longer than ``greatest_mm``.

    Examples
    --------
    >>> scale_bar(10_000, 40)
    ScaleBar(step_m=200, step_mm=20.0, parts=2)
    """
    whole_m = greatest_mm * scale / 1000
    candidates = [
        (step * 10**power, parts)
        for power in range(5)
        for step in _BAR_STEPS
        for parts in (2, 3, 4)
        if step * 10**power * parts <= whole_m
    ]
    step_m, parts = max(candidates, key=lambda one: (one[0] * one[1], one[0]))
    return ScaleBar(int(step_m), step_m * 1000 / scale, parts)
