"""Buildings: rows of houses on each plot, facing south as the plot allows, and the paths between them.

Rows are laid out in the plot's own frame: a spine path runs through from end to end, the rows stand
left and right of it, and a lane runs along each row.  What a row holds depends on the form: old
bungalow rows, five- and six-storey slabs, eleven-storey slabs with lifts, towers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import shapely
from shapely import LineString, Polygon, affinity

__all__ = [
    "FORMS",
    "Building",
    "Campus",
    "Form",
    "Layout",
    "campus",
    "rows",
    "single",
    "street_front",
    "thinned",
]

_Shape = TypeVar("_Shape", Polygon, LineString)

_SPINE_CLEARANCE_M = 4.5
_LANE_M = 3.6
_SHORTEST_LANE_M = 12.0
# Of the street fronts; the rest are shops and offices throughout.
_LIVED_IN_SHARE = 0.85


@dataclass(frozen=True)
class Form:
    """A building form.

    Attributes
    ----------
    depth_m, length_m : least and most of each; a row is cut into buildings of about this length
    gap_m : least and most free space between rows
    side_gap_m : free space between the ends of two buildings of a row
    levels : storeys to choose from
    stairwell_m : length of front one stairwell serves; 0 = one stairwell a building
    dwellings_per_floor : of one stairwell
    margin_m : from the plot's edge
    """

    depth_m: tuple[float, float]
    length_m: tuple[float, float]
    gap_m: tuple[float, float]
    side_gap_m: float
    levels: tuple[int, ...]
    stairwell_m: float
    dwellings_per_floor: int
    margin_m: float = 6.0

    @property
    def lift(self) -> bool:
        """Whether buildings of the form have lifts."""
        return max(self.levels) > 7


FORMS = {
    "bungalow": Form((7.0, 8.5), (42.0, 62.0), (7.5, 9.0), 4.0, (1,), 5.6, 1, margin_m=3.5),
    "slab": Form((11.5, 13.0), (42.0, 62.0), (16.5, 20.0), 8.0, (5, 6, 6), 13.2, 2),
    "low slab": Form((11.0, 12.5), (30.0, 44.0), (15.0, 18.0), 7.0, (4, 5, 5), 13.2, 2),
    "midrise": Form((13.5, 15.5), (34.0, 50.0), (28.0, 34.0), 12.0, (9, 11, 11), 17.0, 2, margin_m=8.0),
    "tower": Form((18.0, 20.0), (26.0, 28.0), (36.0, 44.0), 24.0, (15, 17, 18, 18), 0.0, 4, margin_m=10.0),
}


# (form, length, depth) of a building that stands alone, the largest first
_SINGLES = (
    (FORMS["tower"], 34.0, 19.0),
    (FORMS["slab"], 58.0, 12.5),
    (FORMS["slab"], 43.0, 12.0),
    (FORMS["slab"], 30.0, 11.0),
)


@dataclass(frozen=True)
class Building:
    """A building before it has an id."""

    footprint: Polygon
    levels: int
    stairwells: tuple[int, ...] = ()
    use: str = "residential"
    lift: bool = False

    @property
    def households(self) -> int:
        """Sum over its stairwells."""
        return sum(self.stairwells)


@dataclass(frozen=True)
class Layout:
    """What stands on a plot: buildings, the spine path and the lanes along the rows.

    The spine and the lanes reach across the cell to the street middle at both ends; which of those
    ends become entrances is for the estate to say.
    """

    buildings: tuple[Building, ...]
    spine: LineString | None = None
    lanes: tuple[LineString, ...] = ()

    @property
    def households(self) -> int:
        """Sum over the buildings."""
        return sum(building.households for building in self.buildings)


def bearing(plot: Polygon) -> float:
    """Return the direction of a plot's rows in degrees from east, within 45° of it: houses face south."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(plot))
    step = corners[1] - corners[0]
    angle = float(np.degrees(np.arctan2(step[1], step[0])))
    return (angle + 45.0) % 90.0 - 45.0


def rows(
    plot: Polygon,
    cell: Polygon,
    form: Form,
    occupancy: float,
    rng: np.random.Generator,
    *,
    spread: float = 1.0,
) -> Layout:
    """Lay a plot out in rows of one form.

    Parameters
    ----------
    occupancy : share of dwellings that hold a household
    spread : ground of a building, as a multiple of the least the form needs
    """
    form = _loosened(form, spread)
    turn = bearing(plot)
    origin = plot.centroid
    ground = affinity.rotate(plot, -turn, origin=origin)
    tile = affinity.rotate(cell, -turn, origin=origin)
    buildable = ground.buffer(-form.margin_m, join_style="mitre")
    if buildable.is_empty:
        return Layout(())
    left, bottom, right, top = buildable.bounds
    spine_x = left + (right - left) * rng.uniform(0.36, 0.64)
    boxes: list[Polygon] = []
    lanes: list[LineString] = []
    y = bottom + rng.uniform(0.0, 3.0)
    while y + form.depth_m[0] < top:
        depth = rng.uniform(*form.depth_m)
        row = _row(buildable, form, rng, y=y, depth=depth, spine_x=spine_x)
        if row:
            boxes += row
            lane_y = y + depth + _LANE_M
            lane = _chord(tile, lane_y)
            if lane is not None and ground.buffer(-1.0).covers(_clipped(lane, row, spine_x)):
                lanes.append(lane)
        y += depth + rng.uniform(*form.gap_m)
    buildings = [_building(box, form, occupancy, rng) for box in boxes]
    spine = _chord(tile, spine_x, vertical=True)

    def back(geometry: _Shape) -> _Shape:
        return affinity.rotate(geometry, turn, origin=origin)

    return Layout(
        tuple(replace(building, footprint=back(building.footprint)) for building in buildings),
        None if spine is None else back(spine),
        tuple(back(lane) for lane in lanes),
    )


def _loosened(form: Form, spread: float) -> Form:
    """Return a form with wider spaces, mostly between rows, so that it takes so much more ground."""
    along = spread**0.35
    depth, length = np.mean(form.depth_m), np.mean(form.length_m)
    pitch = depth + np.mean(form.gap_m)
    wider = pitch * (spread / along - 1.0)
    return replace(
        form,
        gap_m=(form.gap_m[0] + wider, form.gap_m[1] + wider),
        side_gap_m=form.side_gap_m + (length + form.side_gap_m) * (along - 1.0),
    )


def _row(
    buildable: Polygon, form: Form, rng: np.random.Generator, *, y: float, depth: float, spine_x: float
) -> list[Polygon]:
    """Return the footprints of one row, left and right of the spine."""
    chords = [_chord(buildable, at) for at in (y, y + depth / 2, y + depth)]
    if any(chord is None for chord in chords):
        return []
    start = max(chord.bounds[0] for chord in chords if chord is not None)
    end = min(chord.bounds[2] for chord in chords if chord is not None)
    boxes = []
    for first, last in ((start, spine_x - _SPINE_CLEARANCE_M), (spine_x + _SPINE_CLEARANCE_M, end)):
        free = last - first
        if free < form.length_m[0] * 0.75:
            continue
        wanted = rng.uniform(*form.length_m)
        count = max(1, round((free + form.side_gap_m) / (wanted + form.side_gap_m)))
        length = min((free - form.side_gap_m * (count - 1)) / count, form.length_m[1])
        slack = free - count * length - form.side_gap_m * (count - 1)
        step = length + form.side_gap_m + (slack / (count - 1) if count > 1 else 0.0)
        offset = 0.0 if count > 1 else slack * rng.uniform(0.0, 1.0)
        boxes += [
            shapely.box(first + offset + k * step, y, first + offset + k * step + length, y + depth)
            for k in range(count)
        ]
    inside = shapely.covers(buildable.buffer(0.05), np.array(boxes, object))
    return [box for box, keep in zip(boxes, inside, strict=True) if keep and rng.random() < 0.96]


def _chord(area: Polygon, at: float, *, vertical: bool = False) -> LineString | None:
    """Return the longest piece of a horizontal or vertical line within an area."""
    left, bottom, right, top = area.bounds
    line = LineString([(at, bottom - 1), (at, top + 1)] if vertical else [(left - 1, at), (right + 1, at)])
    pieces = shapely.get_parts(shapely.intersection(line, area))
    pieces = pieces[shapely.get_type_id(pieces) == 1]
    if len(pieces) == 0:
        return None
    longest: LineString = pieces[int(shapely.length(pieces).argmax())]
    return longest


def _clipped(lane: LineString, row: list[Polygon], spine_x: float) -> LineString:
    """Return the part of a lane that serves a row, from its outermost door or the spine to the other."""
    ends = [box.bounds[0] + 3.0 for box in row] + [box.bounds[2] - 3.0 for box in row] + [spine_x]
    y = lane.bounds[1]
    return LineString([(min(ends), y), (max(*ends, min(ends) + _SHORTEST_LANE_M), y)])


def _building(box: Polygon, form: Form, occupancy: float, rng: np.random.Generator) -> Building:
    length = box.bounds[2] - box.bounds[0]
    count = max(1, round(length / form.stairwell_m)) if form.stairwell_m else 1
    levels = int(rng.choice(form.levels))
    dwellings = levels * form.dwellings_per_floor
    households = np.maximum(1, rng.binomial(dwellings, occupancy, count))
    return Building(box, levels, tuple(int(value) for value in households), lift=form.lift)


def single(plot: Polygon, occupancy: float, rng: np.random.Generator) -> Layout:
    """Put one residential building on a small plot: a tower where it fits, else a slab."""
    turn = bearing(plot)
    centre = plot.centroid
    ground = affinity.rotate(plot, -turn, origin=centre)
    left, bottom, right, top = ground.bounds
    wide, deep = right - left, top - bottom
    for form, length, depth in _SINGLES:
        # Across the plot where it is too narrow for the building along it.
        turned = wide < length + 8.0 <= deep
        x, y = (depth / 2, length / 2) if turned else (length / 2, depth / 2)
        box = affinity.translate(shapely.box(-x, -y, x, y), centre.x, centre.y)
        if ground.buffer(-3.0).covers(box):
            stairwells = 2 if form.lift else max(1, round(length / form.stairwell_m))
            levels = int(rng.choice(form.levels))
            per_floor = 3 if form.lift else form.dwellings_per_floor
            households = rng.binomial(levels * per_floor, occupancy, stairwells)
            building = Building(
                affinity.rotate(box, turn, origin=centre),
                levels,
                tuple(int(value) for value in households),
                lift=form.lift,
            )
            return Layout((building,))
    return Layout(())


def street_front(plot: Polygon, rng: np.random.Generator) -> Layout:
    """Line a plot's edges with houses that hold shops below and dwellings above."""
    ring = shapely.get_coordinates(shapely.simplify(shapely.orient_polygons(plot), 3.0).exterior)
    boxes: list[Polygon] = []
    inner = plot.buffer(-1.0)
    order = np.argsort(-np.hypot(*np.diff(ring, axis=0).T))
    for index in order:
        start, step = ring[index], ring[index + 1] - ring[index]
        length = float(np.hypot(*step))
        if length < 30.0:
            continue
        along = step / length
        inward = np.array([-along[1], along[0]])
        at = 3.0
        while at < length - 18.0:
            front = min(rng.uniform(28.0, 56.0), length - 3.0 - at)
            depth = rng.uniform(11.0, 14.0)
            corner = start + along * at + inward * 2.5
            sides = [(0.0, 0.0), (front, 0.0), (front, depth), (0.0, depth)]
            box = Polygon([corner + along * x + inward * y for x, y in sides])
            if inner.covers(box) and all(box.distance(other) > 3.5 for other in boxes):
                boxes.append(box)
            at += front + rng.uniform(4.0, 9.0)
    buildings = []
    for box in boxes:
        levels = int(rng.choice([2, 4, 5, 6, 6]))
        front = max(np.hypot(*np.diff(shapely.get_coordinates(box)[:3], axis=0).T))
        stairwells = max(1, round(front / 15.0)) if levels >= 3 else 0
        lived_in = rng.random() < _LIVED_IN_SHARE
        households = rng.binomial((levels - 1) * 2, 0.86, stairwells if lived_in else 0)
        use = "mixed" if households.sum() else "other"
        buildings.append(Building(box, levels, tuple(int(value) for value in households), use))
    return Layout((*buildings, *_behind(plot, boxes, rng)))


def _behind(plot: Polygon, fronts: list[Polygon], rng: np.random.Generator) -> list[Building]:
    """Return the old blocks that stand in the yard behind street fronts, where it is deep enough."""
    yard = shapely.difference(plot, shapely.union_all(fronts).buffer(7.0))
    layout = rows(plot, plot, FORMS["low slab"], 0.9, rng)
    return [building for building in layout.buildings if yard.covers(building.footprint)]


@dataclass(frozen=True)
class Campus:
    """How many large buildings stand on a plot that is no dwelling, and of which size.

    ``count`` and ``levels`` are the most of each, ``length_m`` and ``depth_m`` least and most.
    """

    count: int
    length_m: tuple[float, float]
    depth_m: tuple[float, float]
    levels: int


def campus(plot: Polygon, kind: Campus, rng: np.random.Generator) -> Layout:
    """Put a few large buildings on a plot: schools, hospitals, offices, halls."""
    turn = bearing(plot)
    origin = plot.centroid
    ground = affinity.rotate(plot, -turn, origin=origin).buffer(-8.0, join_style="mitre")
    if ground.is_empty:
        return Layout(())
    _, y, _, top = ground.bounds
    boxes: list[Polygon] = []
    while y < top and len(boxes) < kind.count:
        depth = rng.uniform(*kind.depth_m)
        chords = [_chord(ground, at) for at in (y, y + depth)]
        if all(chord is not None for chord in chords):
            start = max(chord.bounds[0] for chord in chords if chord is not None)
            end = min(chord.bounds[2] for chord in chords if chord is not None)
            length = min(rng.uniform(*kind.length_m), end - start)
            while start + length <= end and length > 14.0 and len(boxes) < kind.count:
                boxes.append(shapely.box(start, y, start + length, y + depth))
                start += length + rng.uniform(14.0, 26.0)
                length = rng.uniform(*kind.length_m)
        y += depth + rng.uniform(16.0, 26.0)
    inside = shapely.covers(ground.buffer(0.05), np.array(boxes, object))
    return Layout(
        tuple(
            Building(
                affinity.rotate(box, turn, origin=origin), int(rng.integers(1, kind.levels + 1)), (), "other"
            )
            for box, keep in zip(boxes, inside, strict=True)
            if keep
        )
    )


def thinned(layout: Layout, most_households: int, rng: np.random.Generator) -> Layout:
    """Return a layout with a garden in it, so large that it holds no more than so many households."""
    kept = list(layout.buildings)
    if not kept or layout.households <= most_households:
        return layout
    centres = shapely.get_coordinates(shapely.centroid(np.array([building.footprint for building in kept])))
    middle = centres.mean(axis=0) + rng.normal(0.0, 0.35, 2) * centres.std(axis=0)
    order = np.argsort(np.hypot(*(centres - middle).T))
    count = np.cumsum([kept[index].households for index in order])
    cleared = int(np.searchsorted(count, layout.households - most_households)) + 1
    return replace(layout, buildings=tuple(kept[index] for index in sorted(order[cleared:])))
