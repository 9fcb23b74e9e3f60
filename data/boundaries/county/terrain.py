"""Terrain: the outline of the town, its river, its railway and its main roads.

These few lines are drawn by hand, as one would sketch a county town: a river that meanders through,
a railway past its eastern side, and main roads that bend with both.  The seed bends them a little;
all that is finer is drawn by the other modules.

The sketch's own units become metres of the town's reference system by `located`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point, Polygon

__all__ = [
    "BANK_ROADS",
    "CRS",
    "RAILWAY_HALF_WIDTH_M",
    "Road",
    "Terrain",
    "draw_terrain",
    "located",
    "smooth",
]

Coordinates = NDArray[np.float64]

# CGCS2000, 3-degree zone of 111°E: open hills far from any town of size.
CRS = "EPSG:4546"
_ORIGIN = (478_000.0, 4_296_000.0)
_METRES_PER_UNIT = 1.06

RAILWAY_HALF_WIDTH_M = 13.0
_RIVER_HALF_WIDTH_M = 36.0
_BANK_M = 36.0
_PROMENADE_M = 9.0

_OUTLINE = [
    (120, 330), (520, 130), (1080, 20), (1700, 40), (2280, 10), (2820, 120), (3230, 420), (3330, 900), (3290, 1500),
    (3360, 1900), (3080, 2270), (2520, 2400), (1960, 2330), (1380, 2430), (760, 2440), (290, 2350), (50, 1820),
    (-30, 1450), (50, 900),
]  # fmt: skip
_RIVER = [
    (-200, 1500), (120, 1620), (470, 1700), (860, 1560), (1180, 1330), (1540, 1150), (1930, 1150), (2290, 1370),
    (2640, 1560), (3000, 1530), (3300, 1400), (3600, 1380),
]  # fmt: skip
_RAILWAY = [
    (2380, -120), (2430, 250), (2530, 640), (2600, 1020), (2590, 1400), (2540, 1800), (2590, 2200), (2680, 2560),
]  # fmt: skip

# (name, class, half width from the centre line to the plots in metres, course)
_MAIN_ROADS = [
    ("人民路", "primary", 19.0, [(-150, 1010), (430, 900), (1000, 730), (1500, 640), (2000, 690), (2530, 850),
                               (2950, 960), (3500, 1020)]),
    ("中山路", "primary", 18.0, [(760, -120), (880, 330), (1000, 730), (1100, 1150), (1230, 1500), (1300, 1800),
                               (1290, 2150), (1230, 2560)]),
    ("迎宾大道", "primary", 21.0, [(2010, -120), (1980, 350), (1940, 690), (1880, 1100), (1870, 1560), (1960, 1980),
                                (2090, 2550)]),
    ("文昌路", "secondary", 15.0, [(-150, 2040), (400, 2100), (800, 2030), (1300, 1880), (1700, 1860), (2050, 1970),
                                 (2550, 2080), (3050, 2040), (3500, 1900)]),
    ("南环路", "secondary", 15.0, [(-100, 590), (430, 450), (880, 330), (1480, 240), (1980, 290), (2450, 420),
                                 (2900, 560), (3500, 700)]),
    ("槐荫街", "secondary", 14.0, [(320, -120), (430, 450), (440, 900), (350, 1280), (410, 1700), (470, 2090),
                                 (420, 2550)]),
    ("建设路", "secondary", 14.0, [(1400, -120), (1480, 240), (1510, 640), (1450, 1000), (1530, 1260), (1640, 1560),
                                 (1690, 1860), (1640, 2550)]),
    ("东环路", "secondary", 15.0, [(2740, -120), (2900, 540), (2990, 860), (2930, 1160), (2960, 1560), (3070, 2030),
                                 (3110, 2550)]),
    ("站前大街", "secondary", 16.0, [(1930, 740), (2150, 880), (2380, 1080), (2597, 1150)]),
]  # fmt: skip


# The avenue from the main road to the station ends at both; all others run through the town.
_STATION_AVENUE, _STATION_AVENUE_FROM = "站前大街", "迎宾大道"
BANK_ROADS = ("滨河北路", "滨河南路")


@dataclass(frozen=True)
class Road:
    """A road before it is cut at its crossings.

    Attributes
    ----------
    name : what the signs say
    street_class : OpenStreetMap class
    half_width_m : from the centre line to the plots beside it
    line : course
    """

    name: str
    street_class: str
    half_width_m: float
    line: LineString


@dataclass(frozen=True)
class Terrain:
    """What was there before the blocks.

    Attributes
    ----------
    outline : edge of the study area
    river : water surface
    river_line : middle of the stream, from edge to edge
    railway_line : middle of the track
    roads : main roads and the two roads along the river
    footbridge : a bridge for walkers, from bank road to bank road
    promenades : walks between the bank roads and the water
    """

    outline: Polygon
    river: Polygon
    river_line: LineString
    railway_line: LineString
    roads: tuple[Road, ...]
    footbridge: LineString
    promenades: tuple[LineString, ...]

    @property
    def railway(self) -> Polygon:
        """The railway's land."""
        return self.railway_line.buffer(RAILWAY_HALF_WIDTH_M, cap_style="flat")


def located(points: Sequence[tuple[float, float]] | tuple[float, float]) -> Coordinates:
    """Return points of the sketch in the town's reference system, metres."""
    return np.asarray(points, float) * _METRES_PER_UNIT + _ORIGIN


def smooth(
    points: Sequence[tuple[float, float]] | Coordinates, rounds: int = 3, *, closed: bool = False
) -> Coordinates:
    """Return a polyline with its corners cut (Chaikin's algorithm), ends kept unless closed."""
    course = np.asarray(points, float)
    for _ in range(rounds):
        following = np.roll(course, -1, axis=0) if closed else course[1:]
        before = course if closed else course[:-1]
        cut = np.empty((2 * len(before), 2))
        cut[0::2] = 0.75 * before + 0.25 * following
        cut[1::2] = 0.25 * before + 0.75 * following
        course = cut if closed else np.vstack([course[:1], cut, course[-1:]])
    return course


def draw_terrain(rng: np.random.Generator) -> Terrain:
    """Draw the terrain; the seed moves every hand-drawn point by a few metres."""

    def course(
        points: Sequence[tuple[float, float]], deviation_m: float, *, closed: bool = False
    ) -> Coordinates:
        return smooth(located(points) + rng.normal(0.0, deviation_m, (len(points), 2)), closed=closed)

    outline = Polygon(course(_OUTLINE, 18.0, closed=True))
    middle = _resampled(course(_RIVER, 10.0), 20.0)
    half_width = _RIVER_HALF_WIDTH_M + 7.0 * np.sin(
        np.linspace(0.0, 9.0, len(middle)) + rng.uniform(0.0, 6.0)
    )
    left, right = _offsets(middle, half_width)
    river = Polygon(np.vstack([left, right[::-1]])).buffer(0)
    banks = _offsets(middle, half_width + _BANK_M)
    promenades = _offsets(middle, half_width + _PROMENADE_M)
    railway = LineString(course(_RAILWAY, 6.0))
    roads = {
        name: Road(name, street_class, half_width_m, LineString(course(points, 8.0)))
        for name, street_class, half_width_m, points in _MAIN_ROADS
    }
    avenue = roads[_STATION_AVENUE]
    between = (roads[_STATION_AVENUE_FROM].line, railway)
    roads[_STATION_AVENUE] = replace(avenue, line=_joined(avenue.line, *between))
    for name, bank in zip(BANK_ROADS, banks, strict=True):
        roads[name] = Road(name, "tertiary", 9.0, LineString(smooth(bank[::3], 2)))
    return Terrain(
        outline=outline,
        river=river,
        river_line=LineString(middle),
        railway_line=railway,
        roads=tuple(roads.values()),
        footbridge=_footbridge(
            middle, *(roads[name].line for name in BANK_ROADS), x=float(located((770, 0))[0])
        ),
        promenades=tuple(LineString(smooth(walk[::3], 2)) for walk in promenades),
    )


def _joined(line: LineString, start_on: LineString, end_on: LineString) -> LineString:
    """Return a line with its ends moved onto two others, so that it ends there and not beside them."""
    points = list(line.coords)
    for place, other in ((0, start_on), (-1, end_on)):
        points[place] = other.interpolate(other.project(Point(points[place]))).coords[0]
    return LineString(points)


def _resampled(course: Coordinates, step_m: float) -> Coordinates:
    line = LineString(course)
    return shapely.get_coordinates(shapely.line_interpolate_point(line, np.arange(0.0, line.length, step_m)))


def _offsets(middle: Coordinates, distance_m: Coordinates) -> tuple[Coordinates, Coordinates]:
    """Return the lines left and right of a course at a distance that varies along it."""
    heading = np.gradient(middle, axis=0)
    heading /= np.hypot(*heading.T)[:, None]
    normal = np.column_stack([-heading[:, 1], heading[:, 0]])
    return middle + normal * distance_m[:, None], middle - normal * distance_m[:, None]


def _footbridge(middle: Coordinates, north: LineString, south: LineString, *, x: float) -> LineString:
    foot = Point(middle[np.abs(middle[:, 0] - x).argmin()])
    return LineString([line.interpolate(line.project(foot)) for line in (north, south)])
