"""Drawing: a map for paper as SVG, from the symbols of the layer registry.

A drawing counts in hundredths of a millimetre, so that its numbers are whole.  Everything in it is a path,
a circle or a text; hatches are lines cut to their areas, which every printer draws alike.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from maps.cartography import STRATA, Symbol, width_at
from maps.features import drawn_by, features, line_work
from maps.layers import CHOSEN_COLUMNS, LAYERS, Layer, legend
from maps.print.paper import Window
from maps.symbology import FACILITY_GROUPS, colour, glyph
from spatial.grids.plan import Plan
from spatial.lifecircle.coverage import Coverage
from spatial.town import Town

__all__ = [
    "PIXEL_MM",
    "UNITS_PER_MM",
    "Drawing",
    "LegendEntry",
    "Scene",
    "draw_map",
    "legend_entries",
    "svg_document",
]

PIXEL_MM = 0.2
"""A pixel of the cartography on paper."""

UNITS_PER_MM = 100
_LEAST_LINE_MM = 0.15
_HATCH_STEP_MM = 1.2
_BEYOND_MM = 3.0
_POINT_RADIUS_MM = 0.7
_BADGE_MM = 4.0
_VEIL_OPACITY = 0.62
_BUILDINGS_TO_SCALE = 10_000
_SWATCH_MM = (6.0, 3.4)


class Scene:
    """The features of a town, a plan and a coverage, made once for many maps.

    Parameters
    ----------
    town, plan, coverage : where the features come from
    """

    def __init__(self, town: Town, plan: Plan | None = None, coverage: Coverage | None = None) -> None:
        self.town = town
        self.plan = plan
        self.coverage = coverage

    @lru_cache(maxsize=32)  # noqa: B019 - a scene lives as long as the document it is drawn for
    def frame(self, layer_id: str) -> gpd.GeoDataFrame:
        """Return the features of a layer that have a shape."""
        frame = features(layer_id, self.town, self.plan, self.coverage)
        return frame[~(frame.geometry.is_empty | frame.geometry.isna())]

    @lru_cache(maxsize=32)  # noqa: B019 - the same
    def lines(self, layer_id: str) -> gpd.GeoSeries:
        """Return the boundaries of a layer, each once."""
        return line_work(self.frame(layer_id).geometry)

    @cached_property
    def ground(self) -> shapely.Geometry:
        """The town's ground: its communities together."""
        return shapely.union_all(self.town.communities.geometry.to_numpy())


@dataclass(frozen=True)
class Drawing:
    """A map without its texts.

    Attributes
    ----------
    width_mm, height_mm : its size
    shapes : SVG elements, the lowest first
    explained : the symbol that each entry of the legend explains, by layer and key of the entry
    """

    width_mm: float
    height_mm: float
    shapes: tuple[str, ...]
    explained: Mapping[tuple[str, str], Symbol] = field(default_factory=dict)

    def group(self, texts: Iterable[str] = (), *, font: str = "") -> str:
        """Return the drawing as a group of an SVG document, with texts on top in a font family."""
        wide, high = round(self.width_mm * UNITS_PER_MM), round(self.height_mm * UNITS_PER_MM)
        frame = f"frame-{wide}-{high}"  # drawings of one size may share it in one document
        return (
            f'<clipPath id="{frame}"><rect width="{wide}" height="{high}"/></clipPath>'
            f'<g clip-path="url(#{frame})" stroke-linejoin="round">{"".join(self.shapes)}'
            f'<g font-family="{html.escape(font, quote=True)}">{"".join(texts)}</g></g>'
        )

    def svg(self, texts: Iterable[str] = (), *, font: str = "") -> str:
        """Return the drawing as an SVG document, with texts on top in a font family."""
        return svg_document(self.width_mm, self.height_mm, self.group(texts, font=font))


@dataclass(frozen=True)
class LegendEntry:
    """A line of a legend: a swatch and its text."""

    swatch: Drawing
    text: str


def svg_document(width_mm: float, height_mm: float, content: str) -> str:
    """Return elements in hundredths of a millimetre as an SVG document."""
    wide, high = round(width_mm * UNITS_PER_MM), round(height_mm * UNITS_PER_MM)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width_mm}mm" height="{height_mm}mm" '
        f'viewBox="0 0 {wide} {high}">{content}</svg>'
    )


def draw_map(
    scene: Scene,
    window: Window,
    layers: Collection[str],
    *,
    view: str = "grids",
    ground: str = "--paper",
    replaced: Mapping[str, gpd.GeoDataFrame] | None = None,
    focus: shapely.Geometry | None = None,
    emphasis: shapely.Geometry | None = None,
    outlines: gpd.GeoSeries | None = None,
) -> Drawing:
    """Draw what a window shows.

    Parameters
    ----------
    scene : what is drawn
    window : the ground and the scale
    layers : ids of the layers to draw
    view : ``grids`` or ``life``: which symbols of a layer hold
    ground : token of the colour under everything
    replaced : features to draw in place of a layer's own, with the columns chosen for this map
    focus : what lies outside of it is set back by a white veil
    emphasis : area whose outline is drawn as the selected one
    outlines : areas whose outlines are drawn on top, as sheets on an index
    """
    pen = _Pen(window)
    shapes = [pen.rectangle(colour(ground))]
    explained: dict[tuple[str, str], Symbol] = {}
    given = {name: (replaced or {}).get(name, scene.frame(name)) for name in LAYERS if name in layers}
    if window.scale > _BUILDINGS_TO_SCALE:
        given.pop("buildings", None)
    for stratum in STRATA:
        casings: list[str] = []
        cores: list[str] = []
        for layer, symbol in _symbols_of(stratum, given, view, window.zoom):
            under, over = _drawn(pen, scene, layer, symbol, given[layer.layer_id])
            casings += under
            cores += over
            if over:
                explained.setdefault((layer.layer_id, _explained_by(layer, symbol)), symbol)
        shapes += casings + cores
    if focus is not None:
        shapes.append(pen.veil(focus))
    if emphasis is not None:
        shapes += pen.emphasis(emphasis)
    if outlines is not None:
        shapes.append(pen.outline(outlines))
    return Drawing(window.width_mm, window.height_mm, tuple(shapes), explained)


def legend_entries(drawings: Iterable[Drawing], language: str | None = None) -> list[LegendEntry]:
    """Return the legend of what is drawn, in the order of the registry; texts with a limit are left open."""
    explained: dict[tuple[str, str], Symbol] = {}
    for one in drawings:
        explained = {**one.explained, **explained}
    seen: set[str] = set()
    entries = []
    for entry in legend(language):
        symbol = explained.get((entry["layer"], entry["key"]))
        if symbol is not None and entry["key"] not in seen:
            seen.add(entry["key"])
            entries.append(LegendEntry(_swatch(LAYERS[entry["layer"]], symbol), entry["text"]))
    return entries


def _symbols_of(
    stratum: str, layers: Iterable[str], view: str, zoom: float
) -> Iterator[tuple[Layer, Symbol]]:
    """Yield the symbols of a stratum that hold in a view at a zoom."""
    for layer in (LAYERS[name] for name in layers):
        for symbol in layer.symbols:
            if (
                symbol.stratum == stratum
                and view in (symbol.views or layer.views)
                and zoom >= symbol.from_zoom
            ):
                yield layer, symbol


def _drawn(
    pen: _Pen, scene: Scene, layer: Layer, symbol: Symbol, frame: gpd.GeoDataFrame
) -> tuple[list[str], list[str]]:
    """Return the elements of a symbol: its casing, and what lies upon it."""
    if symbol.badge:
        return [], pen.badges(frame, symbol)
    if layer.once and symbol.line and not (symbol.fill or symbol.hatch):
        return pen.draw(scene.lines(layer.layer_id), symbol)
    return pen.draw(_chosen(layer, symbol, frame), symbol)


def _chosen(layer: Layer, symbol: Symbol, frame: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the shapes that a symbol draws; a column that was not chosen for this map draws none."""
    if symbol.where in CHOSEN_COLUMNS:
        chosen = symbol.where in frame
        return frame.geometry[frame[symbol.where].isin(symbol.among)] if chosen else frame.geometry.iloc[:0]
    return frame.geometry[drawn_by(layer, symbol, frame).to_numpy(bool)]


def _explained_by(layer: Layer, symbol: Symbol) -> str:
    """Return the legend key of a symbol: its own, or that of its kind."""
    alike = (
        one.legend
        for one in layer.symbols
        if one.legend and (one.stratum, one.where) == (symbol.stratum, symbol.where)
    )
    return symbol.legend or next(alike, "")


def _swatch(layer: Layer, symbol: Symbol) -> Drawing:
    wide, high = _SWATCH_MM
    window = Window(0.0, high, 1_000, wide, high)
    middle = high / 2
    shape: shapely.Geometry
    if layer.shape == "point":
        shape = shapely.Point(wide / 2, middle)
    elif symbol.fill or symbol.hatch:
        shape = shapely.box(0.2, 0.2, wide - 0.2, high - 0.2)
    else:
        shape = shapely.LineString([(0, middle), (wide, middle)])
    pen = _Pen(window, zoom=15.0)
    if symbol.badge:
        one = gpd.GeoDataFrame({"group": [FACILITY_GROUPS[0]]}, geometry=[shape])
        return Drawing(wide, high, tuple(pen.badges(one, symbol)))
    under, over = pen.draw(gpd.GeoSeries([shape]), symbol)
    return Drawing(wide, high, (pen.rectangle(colour("--paper")), *under, *over))


class _Pen:
    """Writes shapes of the ground as SVG elements of one window."""

    def __init__(self, window: Window, zoom: float | None = None) -> None:
        self._window = window
        self._zoom = window.zoom if zoom is None else zoom
        west, south, east, north = window.bounds
        beyond = _BEYOND_MM * window.scale / 1000
        self._bounds = (west - beyond, south - beyond, east + beyond, north + beyond)
        self._reach = shapely.box(*self._bounds)

    def rectangle(self, fill: str) -> str:
        wide, high = (round(one * UNITS_PER_MM) for one in (self._window.width_mm, self._window.height_mm))
        return f'<rect width="{wide}" height="{high}" fill="{fill}"/>'

    def draw(self, shapes: gpd.GeoSeries, symbol: Symbol) -> tuple[list[str], list[str]]:
        """Return the elements of a symbol's casing, and those of its area, line or points."""
        near = shapes.iloc[np.sort(shapes.sindex.query(self._reach))] if len(shapes) else shapes
        if near.empty:
            return [], []
        if shapely.get_dimensions(near.iloc[0]) == 0:
            return [], self._points(near, symbol)
        return self._lines_and_areas(near.to_numpy(), symbol)

    def badges(self, facilities: gpd.GeoDataFrame, symbol: Symbol) -> list[str]:
        """Return the badge of each facility with its group's glyph; one without a group has none."""
        near = facilities[facilities.intersects(self._reach) & facilities["group"].notna()]
        size = _BADGE_MM * UNITS_PER_MM
        return [
            f'<g transform="translate({x - size / 2:.0f} {y - size / 2:.0f}) scale({size / 24:.2f})">'
            f'<rect x="-1" y="-1" width="26" height="26" rx="5" fill="{colour(f"{symbol.badge}-{group}")}" '
            f'stroke="{colour("--surface")}" stroke-width="1.5"/><g transform="translate(3 3) scale(.75)" '
            f'color="{colour("--surface")}">{_inner(glyph(group))}</g></g>'
            for (x, y), group in zip(self._places(near.geometry), near["group"], strict=True)
        ]

    def veil(self, focus: shapely.Geometry) -> str:
        outside = shapely.difference(self._reach, focus)
        path = self._path(np.array([outside]))
        return f'<path d="{path}" fill="{colour("--surface")}" fill-opacity="{_VEIL_OPACITY}"/>'

    def emphasis(self, area: shapely.Geometry) -> list[str]:
        path = self._path(np.array([shapely.boundary(area)]))
        return [
            _stroke(path, colour("--halo"), 6 * PIXEL_MM),
            _stroke(path, colour("--select-line"), 3 * PIXEL_MM),
        ]

    def outline(self, areas: gpd.GeoSeries) -> str:
        path = self._path(shapely.boundary(areas.to_numpy()))
        return _stroke(path, colour("--accent"), 2 * PIXEL_MM)

    def _lines_and_areas(self, shapes: NDArray[np.object_], symbol: Symbol) -> tuple[list[str], list[str]]:
        clipped = shapely.clip_by_rect(shapes, *self._bounds)
        path = self._path(clipped)
        if not path:
            return [], []
        under, over = [], []
        if symbol.fill:
            over.append(
                f'<path d="{path}" fill="{colour(symbol.fill)}"{_opacity("fill", symbol.fill_opacity)}/>'
            )
        if symbol.hatch:
            over.append(_stroke(self._hatch(clipped), colour(symbol.hatch), _LEAST_LINE_MM))
        if symbol.line:
            width = max(_LEAST_LINE_MM, width_at(symbol.width, self._zoom) * PIXEL_MM)
            dash = tuple(one * PIXEL_MM for one in symbol.dash)
            over.append(_stroke(path, colour(symbol.line), width, dash, symbol.opacity))
            if symbol.casing:
                casing = max(width + _LEAST_LINE_MM, width_at(symbol.casing_width, self._zoom) * PIXEL_MM)
                under.append(_stroke(path, colour(symbol.casing), casing))
        return under, over

    def _points(self, shapes: gpd.GeoSeries, symbol: Symbol) -> list[str]:
        radius = round(_POINT_RADIUS_MM * UNITS_PER_MM)
        look = (
            f'r="{radius}" fill="{colour(symbol.fill)}" stroke="{colour(symbol.line)}" '
            f'stroke-width="{round(0.25 * UNITS_PER_MM)}"'
        )
        return [f'<circle cx="{x}" cy="{y}" {look}/>' for x, y in self._places(shapes)]

    def _places(self, shapes: gpd.GeoSeries) -> list[list[int]]:
        points = self._window.on_paper(shapely.point_on_surface(shapes.to_numpy()))
        whole: list[list[int]] = np.rint(shapely.get_coordinates(points) * UNITS_PER_MM).astype(int).tolist()
        return whole

    def _path(self, shapes: NDArray[np.object_]) -> str:
        """Return lines and areas as the data of one path; holes run against their rims."""
        parts = shapely.get_parts(shapely.get_parts(self._window.on_paper(shapes)))
        areal = shapely.get_dimensions(parts) == 2
        rings, lines = shapely.get_rings(shapely.orient_polygons(parts[areal])), parts[~areal]
        runs = np.concatenate([rings, lines])
        places, owner = shapely.get_coordinates(runs, return_index=True)
        numbers = np.rint(places * UNITS_PER_MM).astype(int)
        starts = np.searchsorted(owner, np.arange(len(runs) + 1)).tolist()
        texts = [f"{x} {y}" for x, y in numbers.tolist()]
        closed = len(rings)
        return "".join(
            f"M{' '.join(texts[start:end])}{'Z' if number < closed else ''}"
            for number, (start, end) in enumerate(pairwise(starts))
            if end > start
        )

    def _hatch(self, areas: NDArray[np.object_]) -> str:
        """Return diagonal lines within areas."""
        west, south, east, north = self._bounds
        step = _HATCH_STEP_MM * np.sqrt(2) * self._window.scale / 1000
        height = north - south
        feet = np.arange(np.floor((west - height) / step) * step, east, step)
        ends = np.stack(
            [np.c_[feet, np.full_like(feet, south)], np.c_[feet + height, np.full_like(feet, north)]], 1
        )
        area = shapely.union_all(shapely.buffer(areas, 0))
        lines: NDArray[np.object_] = np.asarray(shapely.intersection(shapely.linestrings(ends), area))
        return self._path(lines)


def _stroke(path: str, ink: str, width_mm: float, dash: Sequence[float] = (), opacity: float = 1.0) -> str:
    if not path:
        return ""
    pattern = " ".join(f"{one * UNITS_PER_MM:.0f}" for one in dash)
    dashed = f' stroke-dasharray="{pattern}"' if pattern else ""
    return (
        f'<path d="{path}" fill="none" stroke="{ink}" stroke-width="{width_mm * UNITS_PER_MM:.0f}"'
        f"{dashed}{_opacity('stroke', opacity)}/>"
    )


def _inner(drawn: str) -> str:
    """Return a glyph to be set into another drawing, in the colour that stands around it."""
    return drawn.replace(' role="img"', "").replace("<title>", "<desc>").replace("</title>", "</desc>")


def _opacity(of: str, value: float) -> str:
    return "" if value == 1 else f' {of}-opacity="{value}"'
