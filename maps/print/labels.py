"""Labels: where texts stand on a printed map, so that none covers another.

Labels are placed in the order of their weight: grid codes with their households, communities, estates and
buildings, waters, streets.  Each has a list of places, the best first; it takes the first that is free and
goes where there is none.  A text's width is reckoned from its letters (a Chinese one is as wide as high),
which is near enough to keep texts apart.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from maps.cartography import SYMBOLS
from maps.features import label_points
from maps.print.drawing import PIXEL_MM, UNITS_PER_MM, Scene
from maps.print.paper import Window
from maps.symbology import colour
from spatial.messages import text

__all__ = ["LEAST_TEXT_MM", "Placer", "TextLine", "text_element", "text_width_mm"]

LEAST_TEXT_MM = 2.47
"""Seven points: no text on paper is smaller."""

_CODE_MM = 16 * PIXEL_MM
_COMMUNITY_MM = 20 * PIXEL_MM
_HALO_MM = 0.5
_LEADING = 1.12
_PADDING_MM = 0.4
_WIDTHS = {"W": 1.0, "F": 1.0, "A": 1.0}
_NARROW, _SPACE = 0.57, 0.26
# A street is named again after this length, and only where it runs straight enough.
_REPEAT_MM = 140.0
_STRAIGHT = 0.985
_TRIES = 14
_NAMED_FROM_ZOOM = 15.0


@dataclass(frozen=True)
class TextLine:
    """A line of a label.

    Attributes
    ----------
    words : what is written
    size_mm : height of the letters' square
    ink : token of the colour
    strong : whether in bold
    """

    words: str
    size_mm: float = LEAST_TEXT_MM
    ink: str = "--ink"
    strong: bool = False


def text_width_mm(line: TextLine) -> float:
    """Return about how wide a line is.

    Examples
    --------
    >>> round(text_width_mm(TextLine("412 户", 10.0)), 1)
    29.7
    """
    widths = (
        _SPACE if sign == " " else _WIDTHS.get(unicodedata.east_asian_width(sign), _NARROW)
        for sign in line.words
    )
    return line.size_mm * sum(widths) * (1.05 if line.strong else 1.0)


class Placer:
    """Places labels on one map; what was placed first stays.

    Parameters
    ----------
    window : the map
    enlarged : how much larger texts are than on a sheet that is read at a table
    """

    def __init__(self, window: Window, enlarged: float = 1.0) -> None:
        self._window = window
        self._enlarged = enlarged
        self._taken: list[shapely.Geometry] = []
        self._frame = shapely.box(0.5, 0.5, window.width_mm - 0.5, window.height_mm - 0.5)
        self.texts: list[str] = []

    def grids(
        self,
        scene: Scene,
        rows: Iterable[object] | None = None,
        *,
        counted: bool = True,
    ) -> None:
        """Write the short code of every grid, its households under it where there is room.

        Parameters
        ----------
        scene : whose plan; households outside the limits of its rules are marked
        rows : ids of the grids to label; every one when None
        counted : whether households are written too
        """
        lower, upper = _limits(scene)
        frame = scene.frame("grids")
        near = self._near(frame if rows is None else frame.loc[list(rows)])
        near = near.assign(special=(near["kind"] == "special").fillna(value=False)).sort_values(
            "special", kind="stable"
        )
        for shape, code, households, unknown, special in zip(
            near.geometry,
            near["short_code"],
            near["households"],
            near["unknown_buildings"],
            near["special"],
            strict=True,
        ):
            if special:
                choices = [[TextLine(str(code), LEAST_TEXT_MM, "--special-line")]]
            else:
                head = TextLine(str(code), _CODE_MM, strong=True)
                below = _households(households, unknown, lower, upper)
                choices = [
                    *([[head, below]] if counted else []),
                    [head],
                    [TextLine(str(code), LEAST_TEXT_MM, strong=True)],
                ]
            self._on_area(shape, choices, inside_only=special)

    def communities(self, scene: Scene, without: object = None) -> None:
        """Write the names of communities, but for one by its id."""
        frame = scene.frame("communities")
        named = frame if without is None else frame[frame.index != without]
        for shape, name in self._named(named, "name"):
            line = TextLine(name, _COMMUNITY_MM, "--community-line", strong=True)
            self._on_area(shape, [[line]], inside_only=False, everywhere=True)

    def estates(self, scene: Scene, within: shapely.Geometry | None = None) -> None:
        """Write the names of estates, or of those within an area."""
        frame = scene.frame("estates")
        own = frame if within is None else frame[frame.representative_point().within(within)]
        for shape, name in self._named(own, "name"):
            self._on_area(shape, [[TextLine(name, LEAST_TEXT_MM, "--ink-2")]], inside_only=False)

    def buildings(self, shapes: gpd.GeoSeries, names: pd.Series) -> None:
        """Write names on buildings, where there is room their number alone."""
        frame = gpd.GeoDataFrame({"name": names}, geometry=shapes)
        for shape, name in self._named(frame, "name"):
            number = re.search(r"\d+", name)
            choices = [[TextLine(name)], *([[TextLine(number.group())]] if number else [])]
            self._on_area(shape, choices, inside_only=False)

    def names(self, areas: gpd.GeoSeries, names: Sequence[str], line: TextLine) -> None:
        """Write names on areas in the look of a line, its words aside."""
        frame = gpd.GeoDataFrame({"name": list(names)}, geometry=areas.to_numpy())
        for shape, name in self._named(frame, "name"):
            self._on_area(shape, [[replace(line, words=name)]], inside_only=False, everywhere=True)

    def markers(self, points: gpd.GeoSeries, words: Sequence[str]) -> None:
        """Write words in a disc at each point, whatever else stands there."""
        places = shapely.get_coordinates(self._window.on_paper(points.to_numpy()))
        for (x, y), own in zip(places.tolist(), words, strict=True):
            line = self._sized(TextLine(own, LEAST_TEXT_MM, "--surface", strong=True))
            box = _box([line], x, y)
            west, north, east, south = (round(one * UNITS_PER_MM) for one in box.bounds)
            self.texts.append(
                f'<rect x="{west}" y="{north}" width="{east - west}" height="{south - north}" '
                f'rx="{(south - north) // 2}" fill="{colour("--accent")}" stroke="{colour("--surface")}" '
                f'stroke-width="{0.2 * UNITS_PER_MM:.0f}"/>'
            )
            self._taken.append(box)
            self._put([line], x, y, halo=False)

    def waters(self, scene: Scene) -> None:
        """Write the names of rivers and railways."""
        frame = scene.frame("barriers")
        named = frame.assign(name=scene.town.barriers["name"].reindex(frame.index))
        areal = shapely.get_dimensions(named.geometry.to_numpy()) == 2
        for shape, name in self._named(named[areal], "name"):
            self._on_area(
                shape, [[TextLine(name, LEAST_TEXT_MM, "--accent")]], inside_only=True, everywhere=True
            )
        self._along(named[~areal], "--ink-2")

    def streets(self, scene: Scene) -> None:
        """Write the names of streets along them."""
        if self._window.zoom < _NAMED_FROM_ZOOM - 1:
            return
        frame = scene.frame("streets")
        named = frame.assign(name=scene.town.streets["name"].reindex(frame.index))
        if self._window.zoom < _NAMED_FROM_ZOOM:
            main = next(one for one in SYMBOLS["streets"] if one.legend == "street")
            named = named[named["class"].isin(main.among)]
        self._along(named, "--ink-2")

    def _sized(self, line: TextLine) -> TextLine:
        return replace(line, size_mm=line.size_mm * self._enlarged)

    def _near(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        return frame.iloc[np.sort(frame.sindex.query(self._window.box))] if len(frame) else frame

    def _named(self, frame: gpd.GeoDataFrame, column: str) -> Iterator[tuple[shapely.Geometry, str]]:
        near = self._near(frame[frame[column].notna()])
        yield from zip(near.geometry, near[column].astype(str), strict=True)

    def _on_area(
        self,
        shape: shapely.Geometry,
        choices: Sequence[Sequence[TextLine]],
        *,
        inside_only: bool,
        everywhere: bool = False,
    ) -> None:
        """Write the first choice that has a free place on an area, within its outline where it can be."""
        visible = shapely.intersection(shape, self._window.box)
        if shapely.is_empty(visible):
            return None
        choices = [[self._sized(line) for line in lines] for lines in choices]
        places = self._places(visible, everywhere=everywhere)
        area = shapely.buffer(self._window.on_paper(np.array([visible]))[0], 0)
        for lines in choices:
            for x, y in places:
                box = _box(lines, x, y)
                if shapely.covers(area, box) and self._free(box):
                    return self._write(lines, x, y, box)
        if inside_only:
            return None
        for lines in choices[::-1] if len(choices) > 1 else choices:
            for x, y in places:
                box = _box(lines, x, y)
                if self._free(box):
                    return self._write(lines, x, y, box)
        return None

    def _places(self, visible: shapely.Geometry, *, everywhere: bool) -> list[tuple[float, float]]:
        """Return places on an area in millimetres: its innermost point, then others by nearness to it."""
        best = label_points(gpd.GeoSeries([visible])).iloc[0]
        if best is None:
            return []
        x, y = shapely.get_coordinates(self._window.on_paper(np.array([best])))[0]
        area = self._window.on_paper(np.array([visible]))[0]
        west, north, east, south = shapely.bounds(area)
        steps = _TRIES if everywhere else _TRIES // 2
        xs, ys = np.meshgrid(np.linspace(west, east, steps), np.linspace(north, south, steps))
        grid = np.c_[xs.ravel(), ys.ravel()]
        inside = grid[shapely.contains_xy(area, *grid.T)]
        order = np.argsort(np.hypot(*(inside - (x, y)).T), kind="stable")
        return [(float(x), float(y)), *((float(one), float(other)) for one, other in inside[order])]

    def _along(self, frame: gpd.GeoDataFrame, ink: str) -> None:
        """Write names along lines, the longest line first."""
        near = self._near(frame[frame["name"].notna()])
        clipped = shapely.clip_by_rect(near.geometry.to_numpy(), *self._window.bounds)
        on_paper = gpd.GeoSeries(self._window.on_paper(clipped))
        runs: list[tuple[float, str, shapely.Geometry]] = []
        for name, own in on_paper.groupby(near["name"].astype(str).to_numpy()):
            merged = shapely.get_parts(shapely.line_merge(shapely.union_all(own.to_numpy())))
            runs += [(float(shapely.length(part)), str(name), part) for part in merged]
        for length, name, run in sorted(runs, key=lambda one: (-one[0], one[1])):
            line = self._sized(TextLine(name, LEAST_TEXT_MM, ink))
            if length >= 1.2 * text_width_mm(line):
                self._on_line(run, length, line)

    def _on_line(self, run: shapely.Geometry, length: float, line: TextLine) -> None:
        width = text_width_mm(line)
        middles = np.linspace(width / 2, length - width / 2, max(1, int(length / width * 2)))
        middles = middles[np.argsort(np.abs(middles - length / 2), kind="stable")]
        along: NDArray[np.float64] = np.stack([middles - width / 2, middles + width / 2], axis=1).ravel()
        points: NDArray[np.object_] = shapely.line_interpolate_point(np.array([run]), along)
        ends = shapely.get_coordinates(points).reshape(-1, 4)
        written: list[float] = []
        for middle, (x0, y0, x1, y1) in zip(middles.tolist(), ends.tolist(), strict=True):
            if np.hypot(x1 - x0, y1 - y0) < _STRAIGHT * width:
                continue
            if any(abs(middle - one) < _REPEAT_MM for one in written):
                continue
            angle = float(np.degrees(np.arctan2(y1 - y0, x1 - x0)))
            angle = angle - 180 if angle > 90 else angle + 180 if angle <= -90 else angle
            x, y = (x0 + x1) / 2, (y0 + y1) / 2
            box = _turned(_box([line], 0, 0), angle, (x, y))
            if self._free(box):
                self._write([line], x, y, box, angle)
                written.append(middle)

    def _free(self, box: shapely.Geometry) -> bool:
        if not shapely.covers(self._frame, box):
            return False
        return not (self._taken and bool(shapely.intersects(np.array(self._taken), box).any()))

    def _write(
        self, lines: Sequence[TextLine], x: float, y: float, box: shapely.Geometry, angle: float = 0.0
    ) -> None:
        self._taken.append(box)
        self._put(lines, x, y, angle)

    def _put(
        self, lines: Sequence[TextLine], x: float, y: float, angle: float = 0.0, *, halo: bool = True
    ) -> None:
        top = y - _height(lines) / 2
        for line in lines:
            middle = top + line.size_mm * _LEADING / 2
            turned = ""
            if angle:
                turned = f' transform="rotate({angle:.1f} {x * UNITS_PER_MM:.0f} {y * UNITS_PER_MM:.0f})"'
            self.texts.append(text_element(line, x, middle, halo=halo, more=turned))
            top += line.size_mm * _LEADING


def text_element(
    line: TextLine, x: float, y: float, *, anchor: str = "middle", halo: bool = False, more: str = ""
) -> str:
    """Return a line as an SVG element whose letters stand around the height ``y``, in millimetres."""
    # The baseline lies so that Chinese letters and digits stand in the middle of their line.
    base = (y + line.size_mm * 0.36) * UNITS_PER_MM
    around = ""
    if halo:
        width = 2 * _HALO_MM * UNITS_PER_MM
        around = f' stroke="{colour("--halo")}" stroke-width="{width:.0f}" paint-order="stroke"'
    return (
        f'<text x="{x * UNITS_PER_MM:.0f}" y="{base:.0f}" text-anchor="{anchor}" '
        f'font-size="{line.size_mm * UNITS_PER_MM:.0f}" font-weight="{700 if line.strong else 400}" '
        f'fill="{colour(line.ink)}"{around}{more}>{html.escape(line.words)}</text>'
    )


def _limits(scene: Scene) -> tuple[float | None, float | None]:
    """Return the least and most households of the rules; none where they count something else."""
    rules = scene.plan.rules if scene.plan is not None else {}
    if rules.get("measure", "households") != "households":
        return None, None
    lower, upper = (float(rules[name]) if rules.get(name) else None for name in ("lower", "upper"))
    return lower, upper


def _households(
    households: Any,  # noqa: ANN401 - a number or a null of a table
    unknown: Any,  # noqa: ANN401 - the same
    lower: float | None,
    upper: float | None,
) -> TextLine:
    """Return the line of a grid's households; one outside its limits is marked, an unknown one said to be."""
    if pd.isna(households):
        return TextLine(text("print.unknown"), LEAST_TEXT_MM, "--unknown")
    count = int(households)
    sure = pd.isna(unknown) or unknown == 0
    mark = "▲" if sure and upper is not None and count > upper else ""
    mark = mark or ("▼" if sure and lower is not None and count < lower else "")
    return TextLine(
        f"{mark}{text('print.households', count=count)}", LEAST_TEXT_MM, "--bad" if mark else "--ink"
    )


def _height(lines: Sequence[TextLine]) -> float:
    return sum(line.size_mm * _LEADING for line in lines)


def _box(lines: Sequence[TextLine], x: float, y: float) -> shapely.Polygon:
    wide, high = max(text_width_mm(line) for line in lines) / 2 + _PADDING_MM, _height(lines) / 2
    return shapely.box(x - wide, y - high, x + wide, y + high)


def _turned(box: shapely.Polygon, degrees: float, place: tuple[float, float]) -> shapely.Polygon:
    """Return a box turned about the origin, clockwise on paper, and moved."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return shapely.Polygon(shapely.get_coordinates(box) @ turn + np.array(place))
