"""Sheets: the town sheet and the community atlas, A3 landscape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from maps.certificates import certificate_sentence, certificate_tag
from maps.features import household_columns
from maps.print.drawing import Drawing, Scene, draw_map, legend_entries
from maps.print.labels import Placer, TextLine
from maps.print.marks import Marks, front, shown
from maps.print.paper import SHEET_SCALES, TOWN_SCALES, Window, fitted, scale_bar, sheets
from maps.print.typesetting import chinese_font, typeset
from spatial.errors import UsageError
from spatial.grids.plan import Plan
from spatial.messages import text
from spatial.town import Town

__all__ = ["Collected", "labelled_bar", "write_atlas", "write_town_sheet"]

_MAP_MM = (356.0, 262.0)
_BAR_MM = 32.0
_PART_SCALE = 10_000
_LAYERS = frozenset(
    {"communities", "grids", "special_areas", "barriers", "streets", "estates", "buildings", "gates"}
)
_INDEX_LAYERS = frozenset({"communities", "barriers", "streets"})
_ROWS_SHOWN = 40
_NUMBER = TextLine("", 6.0, "--accent", strong=True)


@dataclass
class Collected:
    """The maps of a document and the files the templates know them by."""

    pictures: dict[str, str] = field(default_factory=dict)

    def add(self, drawing: Drawing, texts: Sequence[str] = (), alt: str = "") -> dict[str, Any]:
        """Keep a drawing; return what a template needs to show it."""
        svg = drawing.svg(texts, font=chinese_font())
        known = {content: file for file, content in self.pictures.items()}
        file = known.get(svg, f"drawing-{len(self.pictures)}.svg")
        self.pictures[file] = svg
        return {"file": file, "width": drawing.width_mm, "height": drawing.height_mm, "alt": alt}


def write_town_sheet(
    town: Town,
    plan: Plan,
    path: Path,
    *,
    marks: Marks | None = None,
    printed: date | None = None,
    scale: int | None = None,
) -> None:
    """Write the town with its grids on one sheet, or on an index and numbered sheets when it is larger.

    Parameters
    ----------
    town, plan : what is printed
    path : the PDF to write
    marks : what the office puts on its papers
    printed : day of printing; today when None
    scale : denominator; the largest of `maps.print.paper.TOWN_SCALES` at which the town fits when None,
        and where it fits none, sheets of 1:10 000

    Raises
    ------
    UsageError
        If the town has no communities, hence no ground.
    FileError
        If the machine has no font for the texts.
    """
    scene = _scene(town, plan)
    whole = fitted(shapely.bounds(scene.ground), *_MAP_MM, TOWN_SCALES if scale is None else (scale,))
    collected = Collected()
    facts = _town_facts(town, plan)
    if whole is not None:
        parts = [
            _sheet(
                scene,
                collected,
                whole,
                "1",
                text("print.sheet.whole"),
                facts=facts,
                table=_community_table(town, plan),
            )
        ]
    else:
        laid = sheets(scene.ground, scale or _PART_SCALE, *_MAP_MM)
        numbers = {place: str(number) for number, place in enumerate(laid, 1)}
        boxes = gpd.GeoSeries([one.box for one in laid.values()], list(numbers.values()), crs=town.crs)
        parts = [_index(scene, collected, boxes, facts)]
        diagram = _diagram(numbers)
        parts += [
            _sheet(
                scene,
                collected,
                window,
                numbers[place],
                text("print.sheet.part", number=numbers[place], count=len(laid)),
                neighbours=diagram,
            )
            for place, window in laid.items()
        ]
    day = printed or date.today()  # noqa: DTZ011 - the day on the office's calendar
    said = front(town, plan, marks or Marks(), day, text("print.title.town", town=town.name))
    typeset("sheet", _document(town, said, parts), collected.pictures, path, day)


def write_atlas(
    town: Town, plan: Plan, path: Path, *, marks: Marks | None = None, printed: date | None = None
) -> None:
    """Write an atlas: an index, a list of contents, and a sheet to each community.

    Parameters
    ----------
    town, plan : what is printed
    path : the PDF to write
    marks : what the office puts on its papers
    printed : day of printing; today when None

    Raises
    ------
    UsageError
        If the town has no communities.
    FileError
        If the machine has no font for the texts.
    """
    scene = _scene(town, plan)
    collected = Collected()
    communities = town.communities
    numbers = {name: str(number) for number, name in enumerate(communities.index, 1)}
    outlines = communities.geometry.set_axis(list(numbers.values()))
    parts = [_index(scene, collected, outlines, _town_facts(town, plan))]
    rows = []
    for community_id, number in numbers.items():
        outline = communities.geometry[community_id]
        window = fitted(shapely.bounds(outline), *_MAP_MM)
        if window is None:
            raise UsageError("print.too_large", name=communities["name"][community_id])
        grids = plan.grids[plan.grids["community_id"] == community_id]
        facts = _community_facts(town, grids, str(community_id))
        name = str(communities["name"][community_id])
        certificate = plan.certificates.reindex([community_id]).iloc[0]
        sentence = "" if pd.isna(certificate["status"]) else certificate_sentence(certificate)
        parts.append(
            _sheet(
                scene,
                collected,
                window,
                number,
                name,
                facts=facts,
                subheading=shown(communities["subdistrict"][community_id]),
                sentence=sentence,
                focus=outline,
                table=_grid_table(scene.frame("grids"), grids),
            )
        )
        rows.append(
            [number, name, shown(communities["subdistrict"][community_id]), *_row(town, grids, community_id)]
        )
    heads = ("number", "community", "subdistrict", "grids", "in_range", "households", "page")
    contents = {
        "heading": text("print.contents"),
        "head": [text(f"print.column.{name}") for name in heads],
        "rows": rows,
    }
    day = printed or date.today()  # noqa: DTZ011 - the day on the office's calendar
    said = front(town, plan, marks or Marks(), day, text("print.title.atlas", town=town.name))
    document = {**_document(town, said, parts), "contents": contents}
    typeset("sheet", document, collected.pictures, path, day)


def _scene(town: Town, plan: Plan) -> Scene:
    if town.communities.empty:
        raise UsageError("print.no_communities", table="communities")
    return Scene(town, plan)


def _document(town: Town, said: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    words = {name: text(f"print.word.{name}") for name in ("legend", "north", "neighbours")}
    return {**said, "heading": town.name, "words": words, "sheets": parts, "contents": None}


def _sheet(
    scene: Scene,
    collected: Collected,
    window: Window,
    number: str,
    heading: str,
    *,
    facts: Sequence[tuple[str, str]] = (),
    subheading: str = "",
    sentence: str = "",
    focus: shapely.Geometry | None = None,
    table: Mapping[str, Any] | None = None,
    neighbours: Sequence[Sequence[str]] = (),
) -> dict[str, Any]:
    """Return a sheet of the plan as its template reads it."""
    drawing = draw_map(scene, window, _LAYERS, focus=focus)
    placer = Placer(window)
    own = scene.frame("grids")
    if focus is not None:
        inside = shapely.covers(shapely.buffer(focus, 1.0), shapely.point_on_surface(own.geometry.to_numpy()))
        own = own[inside]
    placer.grids(scene, own.index)
    placer.communities(scene)
    placer.estates(scene, focus)
    placer.waters(scene)
    placer.streets(scene)
    return _explained(
        collected,
        window,
        drawing,
        placer.texts,
        number=number,
        heading=heading,
        subheading=subheading,
        note=text("print.note.codes"),
        facts=facts,
        sentence=sentence,
        table=table,
        neighbours=neighbours,
    )


def _index(
    scene: Scene, collected: Collected, outlines: gpd.GeoSeries, facts: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Return the map that says which sheet shows what."""
    ground = shapely.bounds(shapely.union_all([scene.ground, *outlines.to_numpy()]))
    window = fitted(ground, *_MAP_MM, SHEET_SCALES[SHEET_SCALES.index(TOWN_SCALES[0]) :])
    if window is None:
        raise UsageError("print.too_large", name=scene.town.name)
    drawing = draw_map(scene, window, _INDEX_LAYERS, outlines=outlines)
    placer = Placer(window)
    placer.names(outlines, [str(one) for one in outlines.index], _NUMBER)
    placer.communities(scene)
    placer.waters(scene)
    return _explained(
        collected, window, drawing, placer.texts, number="0", heading=text("print.sheet.index"), facts=facts
    )


def _explained(
    collected: Collected,
    window: Window,
    drawing: Drawing,
    texts: Sequence[str],
    **said: Any,  # noqa: ANN401 - words of a template
) -> dict[str, Any]:
    plain = {"subheading": "", "note": "", "facts": (), "sentence": "", "table": None, "neighbours": ()}
    return {
        **plain,
        **said,
        "map": collected.add(drawing, texts, said["heading"]),
        "legend": [
            {**collected.add(entry.swatch), "text": entry.text} for entry in legend_entries([drawing])
        ],
        "scale": text("print.scale", scale=window.scale),
        "bar": labelled_bar(window, _BAR_MM),
    }


def labelled_bar(window: Window, greatest_mm: float) -> dict[str, Any]:
    """Return the scale bar of a map as the templates read it."""
    bar = scale_bar(window.scale, greatest_mm)
    whole = text("print.metres", count=bar.step_m * bar.parts)
    marks = [f"{bar.step_m * one:,}" for one in range(bar.parts)]
    return {"step_mm": bar.step_mm, "parts": bar.parts, "labels": [*marks, whole]}


def _diagram(numbers: Mapping[tuple[int, int], str]) -> list[list[str]]:
    rows, columns = (max(place[axis] for place in numbers) + 1 for axis in (0, 1))
    return [[numbers.get((row, column), "") for column in range(columns)] for row in range(rows)]


def _town_facts(town: Town, plan: Plan) -> list[tuple[str, str]]:
    counted = household_columns(town.buildings, pd.Series("town", index=town.buildings.index))
    facts = [("communities", len(town.communities)), *_grid_facts(plan.grids), *_household_facts(counted)]
    proved = Counter(str(one) for one in plan.certificates["status"].dropna())
    certified = [
        (text("print.fact.certificate", tag=certificate_tag(status)), f"{count:,}")
        for status, count in proved.most_common()
    ]
    return [*_written(facts), *certified]


def _community_facts(town: Town, grids: gpd.GeoDataFrame, community_id: str) -> list[tuple[str, str]]:
    counted = household_columns(town.buildings, town.buildings["community_id"])
    return _written([*_grid_facts(grids), *_household_facts(counted.loc[counted.index == community_id])])


def _grid_facts(grids: gpd.GeoDataFrame) -> list[tuple[str, int | None]]:
    basic = grids[grids["kind"] == "basic"]
    return [
        ("grids", len(basic)),
        ("in_range", int(basic["in_range"].sum())),
        ("special", int((grids["kind"] == "special").sum())),
    ]


def _household_facts(counted: pd.DataFrame) -> list[tuple[str, int | None]]:
    total = counted.iloc[0] if len(counted) else pd.Series(dtype="Int64")
    found = [
        (name, total.get(name, pd.NA)) for name in ("households", "estimated_households", "unknown_buildings")
    ]
    facts = [(name, None if pd.isna(value) else int(value)) for name, value in found]
    # What is estimated or unknown is said where there is any.
    return [(name, value) for name, value in facts if name == "households" or value]


def _written(facts: Sequence[tuple[str, int | None]]) -> list[tuple[str, str]]:
    return [
        (text(f"print.fact.{name}"), text("print.not_stated") if value is None else f"{value:,}")
        for name, value in facts
    ]


def _row(town: Town, grids: gpd.GeoDataFrame, community_id: object) -> list[str]:
    own = town.buildings.loc[town.buildings["community_id"] == community_id, "households"]
    basic = grids[grids["kind"] == "basic"]
    return [f"{len(basic):,}", f"{int(basic['in_range'].sum()):,}", _count(own.sum(min_count=1))]


def _community_table(town: Town, plan: Plan) -> dict[str, Any]:
    """Return the communities with their basic grids and households."""
    grids = plan.grids[plan.grids["kind"] == "basic"].groupby("community_id").size()
    households = household_columns(town.buildings, town.buildings["community_id"])["households"]
    shown = town.communities.head(_ROWS_SHOWN)
    more = len(town.communities) - len(shown)
    return {
        "head": [text(f"print.column.{name}") for name in ("community", "grids", "households")],
        "rows": [
            [name, _count(grids.get(community_id, 0)), _count(households.get(community_id, pd.NA))]
            for community_id, name in shown["name"].items()
        ],
        "note": text("print.note.more", count=more) if more else "",
    }


def _grid_table(frame: gpd.GeoDataFrame, grids: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return the full codes of a community's grids with their households."""
    basic = frame.loc[grids.index[grids["kind"] == "basic"]].sort_values("code", kind="stable")
    shown = basic.head(_ROWS_SHOWN)
    unsure = (shown["unknown_buildings"].fillna(0) > 0).to_numpy(bool)
    notes = []
    if unsure.any():
        notes.append(text("print.note.unknown"))
    if len(basic) > len(shown):
        notes.append(text("print.note.more", count=len(basic) - len(shown)))
    return {
        "head": [text("print.column.code"), text("print.column.households")],
        "rows": [
            [str(code), _count(households) + ("*" if doubt else "")]
            for code, households, doubt in zip(shown["code"], shown["households"], unsure, strict=True)
        ],
        "note": " ".join(notes),
    }


def _count(value: Any) -> str:  # noqa: ANN401 - a number or a null of a table
    return text("print.not_stated") if pd.isna(value) else f"{int(value):,}"
