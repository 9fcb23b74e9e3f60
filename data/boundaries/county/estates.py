"""Estates: which form each residential lot takes, its walls, gates and the paths to the streets.

A path leaves an estate where its spine or one of its lanes meets a street.  In a walled estate only
some of those places are gates, and not every gate is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
import shapely.ops
from shapely import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from county.buildings import FORMS, Building, Layout, rows, single, thinned
from county.lots import Lot
from county.terrain import Road

__all__ = ["BIG_ESTATES", "Estate", "Gate", "Path", "build_estates", "occupied"]

# Estates above the five hundred households of one grid.
BIG_ESTATES = 12
_LARGEST_ORDINARY = 492
_SMALLEST_ESTATE = 40
_MUCH_TOO_DENSE = 1.5
_WIDEST_SPREAD = 2.0
_LOWER_FORM = {"tower": "midrise", "midrise": "slab", "slab": "low slab"}
_FORMS_OF_STYLE = {
    "old": (("bungalow", 0.42), ("low slab", 0.20), ("slab", 0.38)),
    "middle": (("bungalow", 0.16), ("low slab", 0.12), ("slab", 0.54), ("midrise", 0.18)),
    "new": (("slab", 0.22), ("midrise", 0.48), ("tower", 0.30)),
    "works": (("bungalow", 0.46), ("low slab", 0.16), ("slab", 0.38)),
}
_CLASS_OF_FORM = {
    "bungalow": (("unmanaged-bungalow", 1.0),),
    "low slab": (("unmanaged-block", 0.9), ("managed", 0.1)),
    "slab": (("unmanaged-block", 0.72), ("managed", 0.28)),
    "midrise": (("managed", 1.0),),
    "tower": (("managed", 1.0),),
    "single": (("unmanaged-block", 0.64), ("managed", 0.36)),
}
_WALLED_SHARE = {"managed": 0.92, "unmanaged-block": 0.5, "unmanaged-bungalow": 0.2}
_BUILT = {
    "bungalow": (1958, 1984),
    "low slab": (1974, 1990),
    "slab": (1986, 2008),
    "midrise": (2008, 2021),
    "tower": (2011, 2023),
    "single": (1984, 2012),
}
_LONGEST_EXIT_M = 60.0
_ON_STREET_M = 0.3
_SHORTEST_PATH_M = 1.0
_LANE_REACH_M = 5.0
_SHUT_SHARE = 0.12


@dataclass(frozen=True)
class Gate:
    """Where a path passes the edge of an estate."""

    point: Point
    kind: str
    open: bool = True


@dataclass(frozen=True)
class Path:
    """A path inside a lot or from it to the street."""

    line: LineString
    street_class: str
    lot: int


@dataclass(frozen=True)
class Estate:
    """A residential compound on one lot.

    Attributes
    ----------
    lot : number of its lot
    form, estate_class, walled, year_built : what it is like
    layout : its buildings
    paths, gates : how one walks in it and out of it; gates only where it is walled
    """

    lot: int
    form: str
    estate_class: str
    walled: bool
    year_built: int
    layout: Layout
    paths: tuple[Path, ...]
    gates: tuple[Gate, ...]

    @property
    def households(self) -> int:
        """Sum over its buildings."""
        return self.layout.households


def occupied(estates: Sequence[Estate], households: int, rng: np.random.Generator) -> list[Estate]:
    """Return the estates with so many households between them, each stairwell its share, rounded at random."""
    share = households / sum(estate.households for estate in estates)

    def filled(building: Building) -> Building:
        wanted = np.array(building.stairwells) * share
        return replace(building, stairwells=tuple(int(value) for value in wanted + rng.random(len(wanted))))

    return [
        replace(estate, layout=replace(estate.layout, buildings=tuple(map(filled, estate.layout.buildings))))
        for estate in estates
    ]


def build_estates(lots: Sequence[Lot], roads: Sequence[Road], rng: np.random.Generator) -> list[Estate]:
    """Build every lot set aside for an estate, in the order of the lots."""
    numbers = [index for index, lot in enumerate(lots) if lot.use in ("estate", "single")]
    big = _big_lots(lots, numbers)
    return [_estate(index, lots[index], roads, big=index in big, rng=rng) for index in numbers]


def _big_lots(lots: Sequence[Lot], numbers: Sequence[int]) -> set[int]:
    """Return the largest plots of the newer quarters, no more than three in a community."""
    chosen: list[int] = []
    candidates = [n for n in numbers if lots[n].style in ("new", "middle") and lots[n].use == "estate"]
    for number in sorted(candidates, key=lambda n: -lots[n].plot.area):
        same = sum(lots[other].community == lots[number].community for other in chosen)
        if same < 3 and len(chosen) < BIG_ESTATES:
            chosen.append(number)
    return set(chosen)


def _pick(shares: tuple[tuple[str, float], ...], rng: np.random.Generator) -> str:
    names, weights = zip(*shares, strict=True)
    return str(rng.choice(names, p=np.array(weights) / sum(weights)))


def _estate(number: int, lot: Lot, roads: Sequence[Road], *, big: bool, rng: np.random.Generator) -> Estate:
    occupancy = float(rng.uniform(0.86, 0.985))
    if lot.use == "single":
        form, layout = "single", single(lot.plot, occupancy, rng)
    elif big:
        form, layout = _big(lot, occupancy, rng)
    else:
        form, layout = _ordinary(lot, occupancy, rng)
    estate_class = _pick(_CLASS_OF_FORM[form], rng)
    walled = bool(form != "single" and rng.random() < _WALLED_SHARE[estate_class])
    paths, gates = _ways(number, lot, layout, roads, walled=walled, rng=rng)
    layout = _clear_of(paths, layout)
    return Estate(
        lot=number,
        form=form,
        estate_class=estate_class,
        walled=walled,
        year_built=int(rng.integers(*_BUILT[form])),
        layout=layout,
        paths=tuple(paths),
        gates=tuple(gates),
    )


def _clear_of(paths: Sequence[Path], layout: Layout) -> Layout:
    """Return a layout without the buildings that a path had to be laid through."""
    ground = shapely.union_all([path.line for path in paths])
    kept = tuple(building for building in layout.buildings if not building.footprint.intersects(ground))
    return replace(layout, buildings=kept)


def _ordinary(lot: Lot, occupancy: float, rng: np.random.Generator) -> tuple[str, Layout]:
    """Build an estate that one grid can hold: fewer storeys and wider spaces on a larger plot."""
    most = rng.uniform(0.84, 1.0) * _LARGEST_ORDINARY
    form = _pick(_FORMS_OF_STYLE[lot.style], rng)
    layout = rows(lot.plot, lot.cell, FORMS[form], occupancy, rng)
    if layout.households > _MUCH_TOO_DENSE * most and form in _LOWER_FORM:
        form = _LOWER_FORM[form]
        layout = rows(lot.plot, lot.cell, FORMS[form], occupancy, rng)
    if layout.households > most:
        spread = min(layout.households / most * 1.02, _WIDEST_SPREAD)
        layout = rows(lot.plot, lot.cell, FORMS[form], occupancy, rng, spread=spread)
    if layout.households < _SMALLEST_ESTATE:
        layouts = {
            name: rows(lot.plot, lot.cell, FORMS[name], occupancy, rng)
            for name in ("slab", "low slab", "bungalow")
        }
        form = max(layouts, key=lambda name: layouts[name].households)
        layout = layouts[form]
    return form, thinned(layout, int(most), rng)


def _big(lot: Lot, occupancy: float, rng: np.random.Generator) -> tuple[str, Layout]:
    """Build an estate of more than one grid: the first form that fills the plot so far."""
    layouts = {
        form: rows(lot.plot, lot.cell, FORMS[form], occupancy, rng) for form in ("midrise", "tower", "slab")
    }
    form = max(layouts, key=lambda name: layouts[name].households)
    return form, thinned(layouts[form], int(rng.uniform(620, 1250)), rng)


@dataclass(frozen=True)
class _Course:
    """Where a path may run: along a line from one distance to another, perhaps on to the street.

    ``chances`` are those that it goes on at either end, if a street is there.
    """

    line: LineString
    first_m: float
    last_m: float
    street_class: str
    chances: tuple[float, float]


def _ways(
    number: int, lot: Lot, layout: Layout, roads: Sequence[Road], *, walled: bool, rng: np.random.Generator
) -> tuple[list[Path], list[Gate]]:
    """Return the paths of a lot and, if it is walled, its gates."""
    if layout.spine is None or not layout.buildings:
        return [], []
    # The cell's own edge along the streets: their drawn lines lie up to a grid step beside it.
    lines = shapely.union_all([road.line for road in roads if road.line.distance(lot.cell) < _ON_STREET_M])
    streets = shapely.intersection(lot.cell.exterior, lines.buffer(_ON_STREET_M))
    paths: list[Path] = []
    gates: list[Gate] = []
    for course in _courses(layout.spine, layout, walled=walled):
        path, found = _laid(course, number, lot.plot, streets, rng)
        paths += path
        gates += found
    if not gates:
        forced = _forced_exit(number, layout.spine, lot, streets)
        paths.append(forced)
        gates.append(Gate(_rounded(Point(forced.line.coords[1])), "vehicle"))
    if not walled:
        return paths, []
    # The first gate is always open; of the others some are kept shut.
    shut = [place > 0 and rng.random() < _SHUT_SHARE for place in range(len(gates))]
    return paths, [replace(gate, open=not closed) for gate, closed in zip(gates, shut, strict=True)]


def _courses(spine: LineString, layout: Layout, *, walled: bool) -> list[_Course]:
    """Return the spine between its outermost lanes, and each lane along its buildings to the spine."""
    footprints = shapely.union_all([building.footprint for building in layout.buildings])
    joints = _places_on(spine, shapely.union_all(layout.lanes)) or [spine.length / 2]
    courses = [_Course(spine, min(joints), max(joints), "service", (1.0, 0.8))]
    out = 0.12 if walled else 0.4
    for lane in layout.lanes:
        marks = _places_on(lane, footprints.buffer(_LANE_REACH_M)) + _places_on(lane, spine)
        if marks:
            courses.append(_Course(lane, min(marks), max(marks), "footway", (out, out)))
    return courses


def _places_on(line: LineString, other: BaseGeometry) -> list[float]:
    """Return how far along a line it meets something."""
    met = shapely.get_coordinates(shapely.intersection(line, other))
    return [float(line.project(Point(place))) for place in met]


def _laid(
    course: _Course, number: int, plot: Polygon, streets: BaseGeometry, rng: np.random.Generator
) -> tuple[list[Path], list[Gate]]:
    """Lay the path of a course; where it goes on to the street is a gate."""
    first_m, last_m = course.first_m, course.last_m
    gates = []
    for at_end, chance in zip((False, True), course.chances, strict=True):
        gate = _way_out(course.line, plot, streets, at_end=at_end)
        if gate is None or rng.random() >= chance:
            continue
        gates.append(Gate(gate, "vehicle" if course.street_class == "service" else "pedestrian"))
        first_m, last_m = (first_m, course.line.length) if at_end else (0.0, last_m)
    piece = shapely.ops.substring(course.line, first_m, last_m)
    if not isinstance(piece, LineString) or piece.length < _SHORTEST_PATH_M:
        return [], gates
    return [Path(piece, course.street_class, number)], gates


def _way_out(line: LineString, plot: Polygon, streets: BaseGeometry, *, at_end: bool) -> Point | None:
    """Return where a line leaves the plot on its way to a street, or None if it leads to none."""
    end = Point(line.coords[-1 if at_end else 0])
    if streets.distance(end) > _ON_STREET_M:
        return None
    outside = shapely.get_parts(shapely.difference(line, plot))
    outside = outside[shapely.distance(outside, end) < _ON_STREET_M]
    if len(outside) == 0 or outside[0].length > _LONGEST_EXIT_M:
        return None
    return _rounded(max((Point(place) for place in outside[0].coords), key=end.distance))


def _forced_exit(number: int, spine: LineString, lot: Lot, streets: BaseGeometry) -> Path:
    """Join an estate that neither spine nor lane connects to the nearest street beside its lot."""
    fence, street = shapely.ops.nearest_points(lot.plot.exterior, streets)
    inner, _ = shapely.ops.nearest_points(shapely.intersection(spine, lot.plot), fence)
    return Path(LineString([inner, fence, street]), "service", number)


def _rounded(point: Point) -> Point:
    return Point(np.round(point.coords[0], 2))
