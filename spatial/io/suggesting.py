"""Suggesting: a first mapping written from the names and values of files, for a person to edit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.crs import guess_references
from spatial.io.osm import OSM_LAYERS
from spatial.io.sources import Sources
from spatial.io.vocabulary import (
    category_of,
    code_of,
    datum_of,
    header_of,
    is_name_header,
    table_words,
    unit_of,
)
from spatial.messages import text
from spatial.schema import TABLES, Column, Table

__all__ = ["quoted", "suggest_mapping"]

_DIMENSION = {"point": 0, "line": 1, "polygon": 2}
_VALUES_LOOKED_AT = 60
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Points of evidence for a table: its title as the name of the layer, a word in it, its own column.
_TITLE, _WORD, _OWN_ID, _OWN_COLUMN = 10, 4, 3, 1
_LEAST_EVIDENCE = 2


@dataclass
class _Suggestion:
    """Lines of one ``[[layer]]`` while they are found."""

    layer: str
    table: Table
    frame: pd.DataFrame
    place: list[str] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    categories: str = ""
    notes: list[str] = field(default_factory=list)


def suggest_mapping(sources: Sequence[Path | str]) -> str:
    """Return the text of a first mapping for files, in TOML with comments where a person must look.

    Parameters
    ----------
    sources : files as for `spatial.io.import_town`

    Raises
    ------
    FileError
        If a source cannot be read.
    """
    with Sources.of(sources, ["highway", "building"]) as opened:
        frames = {name: opened.read(name) for name in opened.layer_names if not opened.is_osm(name)}
        tagged = {
            name for name in opened.layer_names if opened.is_osm(name) or _is_tagged(name, frames[name])
        }
        frames = {name: frame for name, frame in frames.items() if name not in tagged}
        name = opened.paths[0].name.partition(".")[0]
    chosen = {
        layer: table for layer, frame in frames.items() if (table := _table_of(layer, frame)) is not None
    }
    near = _whereabouts(frames)
    blocks = [f"[town]\nname = {quoted(name)}\n"]
    for layer, table in chosen.items():
        suggestion = _Suggestion(layer, table, frames[layer])
        _suggest_place(suggestion, near)
        _suggest_columns(suggestion, {one.name for one in chosen.values()})
        blocks.append(_written(suggestion))
    passed_over = [layer for layer in frames if layer not in chosen]
    blocks += [
        f"# {_CONTROL.sub(' ', text('io.suggest.passed_over', layer=layer))}\n" for layer in passed_over
    ]
    if tagged:
        blocks.append((files(__package__) / "osm_mapping.toml").read_text(encoding="utf-8"))
    return "\n".join(blocks)


def _is_tagged(layer: str, frame: pd.DataFrame) -> bool:
    """Return whether a layer holds OpenStreetMap objects, as `spatial.io.online` writes them."""
    return layer.partition(":")[2] in OSM_LAYERS and "osm_id" in frame.columns


def _table_of(layer: str, frame: pd.DataFrame) -> Table | None:
    """Return the table that a layer most likely is, None when nothing speaks for any."""
    evidence = {
        table.name: _evidence(layer.partition(":")[2].lower(), frame, table) for table in TABLES.values()
    }
    best = max(evidence, key=lambda name: evidence[name])
    return TABLES[best] if evidence[best] >= _LEAST_EVIDENCE else None


def _evidence(layer: str, frame: pd.DataFrame, table: Table) -> int:
    dimension = _dimension(frame)
    placed = dimension is not None or _coordinate_headers(frame) is not None
    if (
        table.is_layer
        and dimension is not None
        and dimension not in {_DIMENSION[one] for one in table.shapes}
    ):
        return 0
    if not table.is_layer and placed:
        return 0
    titles, words = table_words(table.name)
    points = _TITLE if layer in titles else 0
    points += _WORD if any(word in layer for word in (*titles, *words)) else 0
    headers = list(map(str, frame.columns))
    for column in table.columns:
        match = header_of(column.name, headers)
        if match is not None and match[1] and column.name != "name":
            points += _OWN_ID if column.name == table.id_column else _OWN_COLUMN
    return points


def _dimension(frame: pd.DataFrame) -> int | None:
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        return None
    dimensions = shapely.get_dimensions(frame.geometry.to_numpy())
    dimensions = dimensions[dimensions >= 0]
    return int(np.bincount(dimensions).argmax()) if len(dimensions) else None


def _coordinate_headers(frame: pd.DataFrame) -> tuple[str, str] | None:
    headers = list(map(str, frame.columns))
    for first, second in (("longitude", "latitude"), ("x", "y")):
        found = header_of(first, headers), header_of(second, headers)
        if found[0] is not None and found[1] is not None:
            return found[0][0], found[1][0]
    return None


def _whereabouts(frames: Mapping[str, pd.DataFrame]) -> tuple[float, float] | None:
    """Return longitude and latitude of the first layer that says where it lies."""
    for frame in frames.values():
        if isinstance(frame, gpd.GeoDataFrame) and frame.crs is not None and _dimension(frame) is not None:
            west, south, east, north = frame.to_crs("EPSG:4326").total_bounds
            return float(west + east) / 2, float(south + north) / 2
    return None


def _suggest_place(suggestion: _Suggestion, near: tuple[float, float] | None) -> None:
    """Find where the rows lie, and say what remains a guess."""
    frame = suggestion.frame
    if not suggestion.table.is_layer:
        return
    datum = datum_of(suggestion.layer, *map(str, frame.columns))
    if _dimension(frame) is not None and isinstance(frame, gpd.GeoDataFrame):
        if frame.crs is None:
            x, y = shapely.get_coordinates(frame.geometry.to_numpy()).T
            _suggest_reference(suggestion, x, y, near, datum)
        return
    match = None
    if not isinstance(frame, gpd.GeoDataFrame):
        match = header_of("geometry", list(map(str, frame.columns)))
    headers = _coordinate_headers(frame)
    if match is not None and match[1]:
        shapes = shapely.from_wkt(frame[match[0]].fillna("").to_numpy(dtype=object), on_invalid="ignore")
        suggestion.place.append(f"wkt = {quoted(match[0])}")
        x, y = shapely.get_coordinates(shapes).T
        _suggest_reference(suggestion, x, y, near, datum)
    elif headers is not None:
        x, y = (
            pd.to_numeric(frame[one], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
            for one in headers
        )
        swapped = _suggest_reference(suggestion, x, y, near, datum, columns=True)
        ordered = headers[::-1] if swapped else headers
        suggestion.place += [f"x = {quoted(ordered[0])}", f"y = {quoted(ordered[1])}"]


def _suggest_reference(
    suggestion: _Suggestion,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    near: tuple[float, float] | None,
    datum: str,
    *,
    columns: bool = False,
) -> bool:
    """Add the likeliest reference system and return whether the coordinates are swapped."""
    guesses = guess_references(x, y, near)
    if not guesses:
        suggestion.notes.append(text("io.suggest.reference_unknown"))
        return False
    best = guesses[0]
    if best.crs.is_geographic:
        suggestion.place.append(f"crs = {quoted(datum or 'EPSG:4326')}")
        if not datum:
            suggestion.notes.append(text("io.suggest.datum"))
    else:
        suggestion.place.append(f"crs = {quoted(':'.join(best.crs.to_authority() or ('', '')))}")
        if len(guesses) > 1:
            key = "io.suggest.zone" if near is None else "io.suggest.zone_near"
            suggestion.notes.append(text(key, crs=best.crs.name))
    if best.swapped and not columns:
        suggestion.place.append("swap = true")
    return best.swapped


def _suggest_columns(suggestion: _Suggestion, tables: set[str]) -> None:
    table, frame = suggestion.table, suggestion.frame
    free = [str(name) for name in frame.columns if name != "geometry"]
    coordinates = _coordinate_headers(frame)
    free = [name for name in free if coordinates is None or name not in coordinates]
    for certain in (True, False):
        for column in _in_question(table):
            if column.name in suggestion.columns:
                continue
            header = _header(column, table, free, frame, certain=certain)
            if header is None:
                continue
            free.remove(header)
            suggestion.columns[column.name] = _rule(suggestion, column, header, tables)
            if not certain:
                suggestion.notes.append(text("io.suggest.guessed", header=header, column=column.name))
    if table.id_column and table.id_column not in suggestion.columns:
        suggestion.columns[table.id_column] = f"{{ number = {quoted(table.name + '-')} }}"
        suggestion.notes.append(text("io.suggest.numbered", column=table.id_column))
    for column in table.columns:
        if column.filled and column.name not in suggestion.columns:
            _fill(suggestion, column)
    if table.name == "facilities" and "services" not in tables:
        _suggest_categories(suggestion)


def _header(
    column: Column, table: Table, free: Sequence[str], frame: pd.DataFrame, *, certain: bool
) -> str | None:
    """Return the free header that means a column, with the certainty asked for, or None."""
    is_id = column.name == table.id_column
    match = header_of(column.name, [one for one in free if not is_id or not is_name_header(one, table)])
    if column.name == "name" and (match is None or not match[1]):
        named = next((one for one in free if is_name_header(one, table)), None)
        match = match if named is None else (named, True)
    if match is None or match[1] is not certain or (is_id and not _is_key(frame[match[0]])):
        return None
    return match[0]


def _in_question(table: Table) -> Iterator[Column]:
    yield from table.columns
    if table.name == "facilities":
        yield from (one for one in TABLES["services"].columns if one.kind == "number")


def _is_key(values: pd.Series) -> bool:
    return bool(values.notna().all() and values.is_unique)


def _rule(suggestion: _Suggestion, column: Column, header: str, tables: set[str]) -> str:
    """Return the right-hand side of a column."""
    values = suggestion.frame[header].dropna().astype("string").str.strip()
    if column.allowed:
        meanings, unknown = {}, []
        for value in values.unique()[:_VALUES_LOOKED_AT]:
            code = code_of(column, value)
            if code is None:
                unknown.append(value)
            elif code != value:
                meanings[value] = code
            else:
                meanings[value] = value
        if unknown:
            shown = "、".join(unknown[:8])
            suggestion.notes.append(text("io.suggest.values_unknown", header=header, values=shown))
            if column.filled:
                meanings["*"] = column.allowed[-1]
        return f"{{ from = {quoted(header)}, values = {_inline(meanings)} }}"
    if column.refers_to and column.refers_to in tables and not values.str.fullmatch(r"[\x21-\x7e]+").all():
        return f"{{ from = {quoted(header)}, lookup = {quoted(column.refers_to)} }}"
    unit = unit_of(header)
    if unit and column.kind in {"whole", "number"}:
        return f"{{ from = {quoted(header)}, unit = {quoted(unit)} }}"
    return quoted(header)


def _fill(suggestion: _Suggestion, column: Column) -> None:
    """Fill a column that must have a value and of which the file says nothing, with a note."""
    if column.allowed:
        suggestion.columns[column.name] = f"{{ value = {quoted(column.allowed[0])} }}"
        suggestion.notes.append(text("io.suggest.assumed", column=column.name, value=column.allowed[0]))
    elif column.refers_to and suggestion.table.is_layer:
        suggestion.columns[column.name] = f"{{ nearest = {quoted(column.refers_to)}, within_m = 15 }}"
    elif column.name == "name" and suggestion.table.id_column in suggestion.columns:
        suggestion.columns["name"] = suggestion.columns[suggestion.table.id_column]


def _suggest_categories(suggestion: _Suggestion) -> None:
    headers = [str(name) for name in suggestion.frame.columns]
    match = header_of("category", headers)
    if match is None:
        ways = ["amap", "keywords"] if "typecode" in headers else ["keywords"]
        suggestion.categories = f"{{ by = {json.dumps(ways)} }}"
        return
    values = suggestion.frame[match[0]].dropna().astype("string").str.strip().unique()[:_VALUES_LOOKED_AT]
    meanings = {value: category for value in values if (category := category_of(value)) is not None}
    unknown = [value for value in values if value not in meanings]
    if unknown:
        shown = "、".join(unknown[:8])
        suggestion.notes.append(text("io.suggest.values_unknown", header=match[0], values=shown))
    suggestion.categories = (
        f'{{ from = {quoted(match[0])}, values = {_inline(meanings)}, by = ["keywords"] }}'
    )


def _written(suggestion: _Suggestion) -> str:
    lines = ["[[layer]]", f"from = {quoted(suggestion.layer)}", f"to = {quoted(suggestion.table.name)}"]
    lines += suggestion.place
    if suggestion.categories:
        lines.append(f"categories = {suggestion.categories}")
    lines += [f"# {_CONTROL.sub(' ', note)}" for note in suggestion.notes]
    if suggestion.columns:
        lines.append("[layer.columns]")
        lines += [f"{name} = {rule}" for name, rule in suggestion.columns.items()]
    return "\n".join(lines) + "\n"


def quoted(value: str) -> str:
    """Return a text as TOML writes it."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(meanings: Mapping[str, str]) -> str:
    if not meanings:
        return "{}"
    return "{ " + ", ".join(f"{quoted(key)} = {quoted(value)}" for key, value in meanings.items()) + " }"
