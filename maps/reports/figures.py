"""Figures: the maps of a report, drawn like those on paper, with legend and scale bar under them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import geopandas as gpd
import pandas as pd
import shapely

from maps.figures import cover_class
from maps.print.drawing import UNITS_PER_MM, LegendEntry, Scene, draw_map, legend_entries
from maps.print.labels import LEAST_TEXT_MM, Placer, TextLine, text_element, text_width_mm
from maps.print.paper import SHEET_SCALES, Window, fitted, scale_bar
from maps.reports.document import Figure
from maps.symbology import colour
from spatial.catalogue import categories
from spatial.errors import UsageError
from spatial.lifecircle import Coverage
from spatial.messages import current_language, text

__all__ = ["build_map", "gap_map", "plan_map"]

_SIZE_MM = (245.0, 138.0)
_EDGE_MM = 2.0
_BAR_MM = 40.0
_LINES_SHOWN = 40
_ROW_MM = 4.6
_GAP_MM = 5.0
_PARTS = ("numerator", "denominator", "undetermined")
_GROUND = frozenset({"communities", "barriers", "streets", "special_areas"})


def plan_map(scene: Scene, source: str) -> Figure:
    """Return the map of a plan: its grids with their codes."""

    def write(placer: Placer) -> None:
        placer.grids(scene)
        placer.communities(scene)
        placer.waters(scene)

    return _figure(scene, text("reports.figure.plan"), _GROUND | {"grids"}, write, source=source)


def gap_map(scene: Scene, coverage: Coverage, category: str, source: str) -> Figure:
    """Return the map of a category: the share covered by community, its facilities, its largest gaps."""
    limit = categories()[category].radius_m
    rates = coverage.rates
    chosen = rates[
        (rates["category"] == category)
        & (rates["subject_type"] == "community")
        & (rates["basis"] == "households")
        & (rates["limit_m"] == limit)
    ].drop_duplicates("subject_id")
    classes = {
        row["subject_id"]: cover_class(*(_known(row[name]) for name in _PARTS))
        for _, row in chosen.iterrows()
    }
    covered = scene.frame("coverage_communities")
    covered = covered.assign(cover_class=[classes.get(one, 0) for one in covered.index])
    gaps = coverage.gaps
    gaps = gaps[(gaps["category"] == category) & (gaps["limit_m"] == limit)]
    gaps = gaps.sort_values("households", ascending=False, kind="stable")
    facilities = scene.frame("facilities")
    offers = facilities["categories"].fillna("").str.split(";").map(lambda one: category in one)
    names = [
        text("reports.gap_label", rank=rank, count="" if pd.isna(households) else f"{households:,}")
        for rank, households in enumerate(gaps["households"], 1)
    ]

    def write(placer: Placer) -> None:
        placer.names(gaps.geometry, names, TextLine("", LEAST_TEXT_MM, "--bad", strong=True))
        placer.communities(scene)
        placer.waters(scene)

    return _figure(
        scene,
        text("reports.figure.gaps", category=categories()[category].names[current_language()], limit=limit),
        {"communities", "coverage_communities", "barriers", "gaps", "facilities"},
        write,
        view="life",
        replaced={"coverage_communities": covered, "gaps": gaps, "facilities": facilities[offers]},
        source=source,
    )


def build_map(scene: Scene, lines: pd.DataFrame, source: str) -> Figure:
    """Return the map of a build list: the rank of each of its first lines at its place."""
    first = lines.head(_LINES_SHOWN)
    placed = first[first["x"].notna() & first["y"].notna()]
    places = placed.groupby(["x", "y"], sort=False)["x"].apply(lambda own: own.index.tolist())
    points = gpd.GeoSeries([shapely.Point(place) for place in places.index], crs=scene.town.crs)
    words = [text("common.separator").join(str(rank) for rank in ranks) for ranks in places]

    def write(placer: Placer) -> None:
        placer.markers(points, words)
        placer.communities(scene)
        placer.waters(scene)

    return _figure(scene, text("reports.figure.build", shown=len(first)), _GROUND, write, source=source)


def _figure(
    scene: Scene,
    title: str,
    layers: Collection[str],
    write: Callable[[Placer], None],
    *,
    source: str,
    view: str = "grids",
    replaced: Mapping[str, gpd.GeoDataFrame] | None = None,
) -> Figure:
    """Return a map of the whole town as a figure, no larger than its ground asks for."""
    window = _window(scene)
    drawing = draw_map(scene, window, layers, view=view, replaced=replaced)
    placer = Placer(window)
    write(placer)
    under, height = _explanation(window, legend_entries([drawing]))
    content = drawing.group(placer.texts, font="{font}") + under
    return Figure(title, content, window.width_mm, window.height_mm + height, source)


def _window(scene: Scene) -> Window:
    west, south, east, north = shapely.bounds(scene.ground)
    window = fitted((west, south, east, north), *_SIZE_MM, SHEET_SCALES)
    if window is None:
        raise UsageError("print.too_large", name=scene.town.name)
    metres = window.scale / 1000
    wide, high = (east - west) / metres + 2 * _EDGE_MM, (north - south) / metres + 2 * _EDGE_MM
    return Window(west - _EDGE_MM * metres, north + _EDGE_MM * metres, window.scale, wide, high)


def _explanation(window: Window, entries: Sequence[LegendEntry]) -> tuple[str, float]:
    """Return scale bar and legend as elements under a map, and their height in millimetres."""
    bar = scale_bar(window.scale, _BAR_MM)
    length = bar.step_mm * bar.parts
    words = TextLine(text("print.metres", count=bar.step_m * bar.parts))
    x, y = 0.0, window.height_mm + _ROW_MM
    elements = [
        _at(
            0.0, y - 0.6, f'<rect width="{length * UNITS_PER_MM:.0f}" height="120" fill="{colour("--ink")}"/>'
        ),
        text_element(words, length + 1.5, y, anchor="start"),
    ]
    x = length + text_width_mm(words) + 2 * _GAP_MM
    for entry in entries:
        line = TextLine(entry.text)
        width = entry.swatch.width_mm + 1.5 + text_width_mm(line)
        if x + width > window.width_mm:
            x, y = 0.0, y + _ROW_MM
        elements.append(_at(x, y - entry.swatch.height_mm / 2, entry.swatch.group()))
        elements.append(text_element(line, x + entry.swatch.width_mm + 1.5, y, anchor="start"))
        x += width + _GAP_MM
    return f'<g font-family="{{font}}">{"".join(elements)}</g>', y + _ROW_MM / 2 - window.height_mm


def _at(x: float, y: float, content: str) -> str:
    return f'<g transform="translate({x * UNITS_PER_MM:.0f} {y * UNITS_PER_MM:.0f})">{content}</g>'


def _known(value: object) -> float | None:
    return None if pd.isna(value) else float(value)  # type: ignore[call-overload, arg-type]
