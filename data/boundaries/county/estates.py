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

from county.buildings import FORMS, Layout, rows, single, thinned
from county.lots import Lot
from county.terrain import Road

__all__ = ["BIG_ESTATES", "Estate", "Gate", "Path", "build_estates"]

# Estates above the five hundred households of one grid.
BIG_ESTATES = 12
_LARGEST_ORDINARY = 492
_SMALLEST_ESTATE = 40
_MUCH_TOO_DENSE = 1.5
_WIDEST_SPREAD = 2.0
_LOWER_FORM = {"tower": "midrise", "midrise": "slab", "slab": "low slab"}
_FORMS_OF_STYLE = {
    "old": (("bungalow", 0.30), ("low slab", 0.24), ("slab", 0.46)),
    "middle": (("bungalow", 0.12), ("low slab", 0.12), ("slab", 0.56), ("midrise", 0.20)),
    "new": (("slab", 0.22), ("midrise", 0.48), ("tower", 0.30)),
    "works": (("bungalow", 0.34), ("low slab", 0.18), ("slab", 0.48)),
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


def build_estates(lots: Sequence[Lot], roads: Sequence[Road], rng: np.random.Generator) -> list[Estate]:
    """Build every lot set aside for an estate, in the order of the lots."""
    numbers = [index for index, lot in enumerate(lots) if lot.use in ("estate", "single")]
    big = _big_lots(lots, numbers)
    return [_estate(index, lots[index], roads, index in big, rng) for index in numbers]


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


def _estate(number: int, lot: Lot, roads: Sequence[Road], big: bool, rng: np.random.Generator) -> Estate:
    occupancy = float(rng.uniform(0.86, 0.985))
    if lot.use == "single":
        form, layout = "single", single(lot.plot, occupancy, rng)
    elif big:
        form, layout = _big(lot, occupancy, rng)
    else:
        form, layout = _ordinary(lot, occupancy, rng)
    estate_class = _pick(_CLASS_OF_FORM[form], rng)
    walled = bool(form != "single" and rng.random() < _WALLED_SHARE[estate_class])
    paths, gates = _ways(number, lot, layout, roads, walled, rng)
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
        layouts = {name: rows(lot.plot, lot.cell, FORMS[name], occupancy, rng) for name in ("slab", "low slab", "bungalow")}
        form = max(layouts, key=lambda name: layouts[name].households)
        layout = layouts[form]
    return form, thinned(layout, int(most), rng)


def _big(lot: Lot, occupancy: float, rng: np.random.Generator) -> tuple[str, Layout]:
    """Build an estate of more than one grid: the first form that fills the plot so far."""
    layouts = {form: rows(lot.plot, lot.cell, FORMS[form], occupancy, rng) for form in ("midrise", "tower", "slab")}
    form = max(layouts, key=lambda name: layouts[name].households)
    return form, thinned(layouts[form], int(rng.uniform(620, 1250)), rng)


def _ways(number: int, lot: Lot, layout: Layout, roads: Sequence[Road], walled: bool, rng: np.random.Generator
          ) -> tuple[list[Path], list[Gate]]:
    """Return the paths of a lot and, if it is walled, its gates."""
    if layout.spine is None or not layout.buildings:
        return [], []
    fence = lot.plot.exterior
    streets = shapely.union_all([road.line for road in roads if road.line.distance(lot.cell) < 0.5])
    footprints = shapely.union_all([building.footprint for building in layout.buildings])
    crossings = shapely.get_coordinates(shapely.intersection(layout.spine, shapely.union_all(layout.lanes)))
    inner_end = [layout.spine.project(Point(point)) for point in crossings] or [layout.spine.length / 2]
    paths: list[Path] = []
    gates: list[Gate] = []

    def add(line: LineString, first: float, last: float, street_class: str, wish: tuple[float, float]) -> None:
        """Lay a path along a line from one distance to another, on to the street where wished."""
        for at_end, wished in zip((False, True), wish, strict=True):
            way_out = _way_out(line, at_end, lot.plot, streets)
            if way_out is None or rng.random() >= wished:
                continue
            gates.append(Gate(Point(np.round(way_out.coords[0], 2)), "vehicle" if street_class == "service" else "pedestrian"))
            first, last = (first, line.length) if at_end else (0.0, last)
        piece = shapely.ops.substring(line, first, last)
        if piece.length > 1.0:
            paths.append(Path(piece, street_class, number))

    add(layout.spine, min(inner_end), max(inner_end), "service", (1.0, 0.8))
    for lane in layout.lanes:
        served = shapely.intersection(lane, footprints.buffer(_LANE_REACH_M))
        marks = [lane.project(Point(point)) for point in shapely.get_coordinates(served)]
        marks += [lane.project(Point(point)) for point in shapely.get_coordinates(lane.intersection(layout.spine))]
        if not marks:
            continue
        out = 0.12 if walled else 0.4
        add(lane, max(min(marks), 0.0), max(marks), "footway", (out, out))
    if not gates:
        paths.append(_forced_exit(number, layout, lot, streets))
        gates.append(Gate(Point(np.round(shapely.get_coordinates(paths[-1].line.intersection(fence))[0], 2)), "vehicle"))
    if not walled:
        return paths, []
    # The first gate always opens; of the others some are kept shut.
    shut = [place > 0 and rng.random() < _SHUT_SHARE for place in range(len(gates))]
    return paths, [replace(gate, open=not closed) for gate, closed in zip(gates, shut, strict=True)]


_LANE_REACH_M = 5.0


def _way_out(line: LineString, at_end: bool, plot: Polygon, streets: shapely.Geometry) -> LineString | None:
    """Return the last stretch of a line, from the plot's edge to the street, if it leads to one."""
    end = Point(line.coords[-1 if at_end else 0])
    if streets.distance(end) > 0.3:
        return None
    outside = [piece for piece in shapely.get_parts(shapely.difference(line, plot)) if piece.distance(end) < 0.1]
    if not outside or outside[0].length > _LONGEST_EXIT_M:
        return None
    coords = list(outside[0].coords)
    return LineString(coords if Point(coords[-1]).distance(end) < 0.1 else coords[::-1])


def _forced_exit(number: int, layout: Layout, lot: Lot, streets: shapely.Geometry) -> Path:
    """Join an estate that neither spine nor lane connects to the nearest street beside its lot."""
    assert layout.spine is not None
    inner = layout.spine.interpolate(0.5, normalized=True)
    near = shapely.ops.nearest_points(lot.plot.exterior, streets)
    return Path(LineString([inner, near[0], near[1]]), "service", number)
