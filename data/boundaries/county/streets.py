"""Streets: the faces between main roads, cut into blocks by bent streets, as towns grow.

A face is cut across its longer side by a street that starts and ends on its edge; where a street
already arrives from the other side, the new one continues it.  Quarters differ in the size of their
blocks, in how straight their streets run, and so in the bearings of their streets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point, Polygon
from shapely.ops import polygonize, split

from county.terrain import Road, Terrain

__all__ = ["STYLES", "Quarter", "Style", "cut_blocks", "superfaces"]

Coordinates = NDArray[np.float64]


@dataclass(frozen=True)
class Style:
    """How a quarter was laid out.

    Attributes
    ----------
    block_m2 : area above which a street is put through a block
    lot_m2 : area above which a block is parted into lots
    crooked_degrees : standard deviation of a street's turn against its block
    bend : sideways swing of a street as a share of its length
    alleys : share of the lines between lots that are public alleys
    """

    block_m2: float
    lot_m2: float
    crooked_degrees: float
    bend: float
    alleys: float


@dataclass(frozen=True)
class Quarter:
    """A face between main roads.

    Attributes
    ----------
    face : its polygon
    community : number of the community it belongs to
    style : how it was laid out; None for a strip along the river, where nothing is built
    """

    face: Polygon
    community: int
    style: Style | None


STYLES = {
    "old": Style(42_000.0, 36_000.0, 8.0, 0.045, 0.7),
    "middle": Style(72_000.0, 60_000.0, 5.0, 0.03, 0.15),
    "new": Style(80_000.0, 68_000.0, 2.5, 0.05, 0.0),
    "works": Style(84_000.0, 64_000.0, 4.0, 0.015, 0.0),
}

_TERTIARY_ABOVE_M2 = 175_000.0
_SNAP_M = 42.0
_TRIALS = 14
_ALLEY_HALF_WIDTH_M = 3.0
# How a lot is parted: nearly square to its sides.
_STRAIGHT = Style(0.0, 0.0, 2.0, 0.0, 0.0)


@dataclass
class _Junctions:
    """Where the streets drawn so far end, and what they are called."""

    points: list[tuple[float, float]] = field(default_factory=list)
    roads: list[Road] = field(default_factory=list)

    def near(self, point: Point, edge: LineString) -> tuple[Point, Road] | None:
        """Return the nearest end of a street upon an edge within reach of a point."""
        if not self.points:
            return None
        ends = np.array(self.points)
        distance = np.hypot(ends[:, 0] - point.x, ends[:, 1] - point.y)
        for index in np.argsort(distance):
            if distance[index] > _SNAP_M:
                return None
            candidate = Point(ends[index])
            if edge.distance(candidate) < 1e-6:
                return candidate, self.roads[index]
        return None

    def add(self, road: Road) -> None:
        for end in (road.line.coords[0], road.line.coords[-1]):
            self.points.append((end[0], end[1]))
            self.roads.append(road)


def superfaces(terrain: Terrain) -> list[Polygon]:
    """Return the faces between main roads, river, railway and the edge of the town, west to east."""
    lines = [terrain.outline.exterior, terrain.river_line, terrain.railway_line]
    lines += [road.line for road in terrain.roads]
    faces = [
        face
        for face in polygonize(shapely.union_all(lines, grid_size=0.01))
        if terrain.outline.contains(face.representative_point())
    ]
    return sorted(faces, key=lambda face: (face.centroid.x, face.centroid.y))


def cut_blocks(
    quarters: Sequence[Quarter],
    street_names: Iterator[str],
    alley_names: Iterator[str],
    rng: np.random.Generator,
) -> tuple[list[Road], list[LineString]]:
    """Cut quarters into blocks by streets and blocks into lots by property lines.

    Returns
    -------
    the streets, and the property lines; a quarter without a style stays whole
    """
    junctions = _Junctions()
    streets: list[Road] = []
    property_lines: list[LineString] = []
    for quarter in quarters:
        style = quarter.style
        if style is None:
            continue
        pending = [quarter.face]
        while pending:
            block = pending.pop(0)
            done = block.area < style.block_m2 * rng.uniform(0.72, 1.45)
            cut = None if done else _best_cut(block, style, rng, junctions)
            if cut is None:
                for line in _lot_lines(block, style, rng):
                    if rng.random() < style.alleys:
                        streets.append(Road(next(alley_names), "path", _ALLEY_HALF_WIDTH_M, line))
                    else:
                        property_lines.append(line)
                continue
            line, halves, continued = cut
            road = _street(line, block.area, continued, street_names)
            streets.append(road)
            junctions.add(road)
            pending += halves
    return streets, property_lines


def _street(line: LineString, block_m2: float, continued: Road | None, names: Iterator[str]) -> Road:
    if block_m2 > _TERTIARY_ABOVE_M2:
        street_class, half_width_m = "tertiary", 10.0
    else:
        street_class, half_width_m = "residential", 7.0
    name = continued.name if continued is not None else next(names)
    return Road(name, street_class, half_width_m, line)


def _lot_lines(block: Polygon, style: Style, rng: np.random.Generator) -> list[LineString]:
    lines = []
    pending = [block]
    while pending:
        lot = pending.pop(0)
        if lot.area < style.lot_m2 * rng.uniform(0.8, 1.35):
            continue
        cut = _best_cut(lot, _STRAIGHT, rng, None)
        if cut is not None:
            lines.append(cut[0])
            pending += cut[1]
    return lines


def _best_cut(
    face: Polygon, style: Style, rng: np.random.Generator, junctions: _Junctions | None
) -> tuple[LineString, list[Polygon], Road | None] | None:
    """Return the best of several trial cuts across the longer side of a face, or None."""
    corners = shapely.get_coordinates(shapely.oriented_envelope(face))[:4]
    sides = np.array([corners[1] - corners[0], corners[2] - corners[1]])
    longer = int(np.hypot(*sides.T).argmax())
    along, across = sides[longer], sides[1 - longer]
    start = corners[0] if longer == 0 else corners[1]
    if longer == 1:
        across = -across
    best, best_score = None, np.inf
    for _ in range(_TRIALS):
        middle = start + along * rng.uniform(0.36, 0.64) + across * 0.5
        turn = np.radians(rng.normal(0.0, style.crooked_degrees))
        heading = _rotated(across / np.hypot(*across), turn)
        trial = _trial_cut(face, middle, heading, style.bend * rng.normal(), junctions)
        if trial is None:
            continue
        line, halves, continued = trial
        score = _score(halves, line) - (0.25 if continued is not None else 0.0)
        if score < best_score:
            best, best_score = (line, halves, continued), score
    return best


def _trial_cut(
    face: Polygon, middle: Coordinates, heading: Coordinates, swing: float, junctions: _Junctions | None
) -> tuple[LineString, list[Polygon], Road | None] | None:
    reach = 4_000.0 * heading
    chord = shapely.intersection(face, LineString([middle - reach, middle + reach]))
    pieces = shapely.get_parts(chord)
    pieces = pieces[shapely.length(pieces) > 20.0]
    if len(pieces) == 0:
        return None
    piece = pieces[int(shapely.distance(pieces, Point(middle)).argmin())]
    ends = [Point(piece.coords[0]), Point(piece.coords[-1])]
    continued: Road | None = None
    if junctions is not None:
        for index, end in enumerate(ends):
            found = junctions.near(end, face.exterior)
            if found is not None:
                ends[index] = found[0]
                continued = continued or found[1]
    line = _bent(ends[0], ends[1], swing)
    if not shapely.buffer(face, 0.02).covers(line):
        line = LineString(ends)
        if not shapely.buffer(face, 0.02).covers(line):
            return None
    halves = [half for half in split(face, _lengthened(line)).geoms if isinstance(half, Polygon)]
    if len(halves) != 2 or min(half.area for half in halves) < 0.2 * face.area:
        return None
    return line, halves, continued


def _score(halves: list[Polygon], line: LineString) -> float:
    """Return how poor a cut is: uneven halves, long thin halves, a longer street than needed."""
    areas = np.array([half.area for half in halves])
    envelopes = shapely.oriented_envelope(np.array(halves))
    fill = areas / shapely.area(envelopes)
    lengths = shapely.length(envelopes) / 2.0
    thin = lengths / 2.0 / np.sqrt(shapely.area(envelopes))
    return float(
        abs(areas[0] - areas[1]) / areas.sum() + 0.8 * (thin.max() - 1.0) + 1.2 * (1.0 - fill.min())
        + 0.3 * line.length / np.sqrt(areas.sum())
    )  # fmt: skip


def _bent(start: Point, end: Point, swing: float) -> LineString:
    first, last = np.array(start.coords[0]), np.array(end.coords[0])
    chord = last - first
    control = (first + last) / 2.0 + np.array([-chord[1], chord[0]]) * swing * 2.0
    share = np.linspace(0.0, 1.0, max(2, int(np.hypot(*chord) // 45)))[:, None]
    return LineString((1 - share) ** 2 * first + 2 * share * (1 - share) * control + share**2 * last)


def _lengthened(line: LineString, by_m: float = 1.0) -> LineString:
    points = np.array(line.coords)
    for end, inner in ((0, 1), (-1, -2)):
        outward = points[end] - points[inner]
        points[end] = points[end] + outward / np.hypot(*outward) * by_m
    return LineString(points)


def _rotated(vector: Coordinates, angle: float) -> Coordinates:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([cosine * vector[0] - sine * vector[1], sine * vector[0] + cosine * vector[1]])
