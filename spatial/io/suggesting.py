"""Suggesting: a first mapping written from the names and values of files, for a person to edit."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.crs import guess_references
from spatial.errors import FileError
from spatial.io.naming import code_table, plain_name
from spatial.io.osm import OSM_LAYERS
from spatial.io.placing import read_coordinates, read_shapes
from spatial.io.sources import Sources
from spatial.io.vocabulary import (
    category_of,
    code_of,
    datum_of,
    header_of,
    is_ledger,
    is_name_header,
    table_words,
    unit_of,
)
from spatial.io.whereabouts import (
    coordinate_headers,
    dimension_of,
    has_place,
    is_closed,
    shape_header,
    whereabouts,
    written_places,
)
from spatial.messages import text
from spatial.schema import TABLES, Column, Table

__all__ = ["Suggestion", "quoted", "suggest", "suggest_mapping"]

_DIMENSION = {"point": 0, "line": 1, "polygon": 2}
_VALUES_LOOKED_AT = 60
_HEADERS_SHOWN = 8
_VALUES_SHOWN = 5
_USUAL_TABLES = ("communities", "estates", "buildings", "streets", "facilities")
# Of OpenStreetMap objects a suggestion needs to know where they lie and how the estates are called.
_TAGS_LOOKED_AT = ("highway", "building", "landuse", "name")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Points of evidence for a table: its title as the name of the layer, a word in it, its own column.
_TITLE, _WORD, _OWN_ID, _OWN_COLUMN = 10, 4, 3, 1
_LEAST_EVIDENCE = 2
# Numbers of the Gauss–Krüger zones of China, of six and of three degrees.
_ZONE_NUMBERS = range(13, 46)


@dataclass(frozen=True)
class Suggestion:
    """A first mapping and what a person must look at in it.

    Attributes
    ----------
    text : the mapping, in TOML, with the doubts as comments
    doubts : layer and what was guessed or could not be told about it
    """

    text: str
    doubts: tuple[tuple[str, str], ...]


@dataclass
class _Context:
    """What the other layers say.

    Attributes
    ----------
    tables : tables that some layer fills
    near : longitude and latitude of a layer that says where it lies, or None
    codes : name of a layer of statistical codes and names, or ''
    ids, names : ids and names of the rows of each table seen so far
    forms : of each table, the first layer of every form (its headers) seen so far
    numbered : how many layers of each table are numbered so far
    """

    tables: set[str]
    near: tuple[float, float] | None
    codes: str
    ids: dict[str, set[str]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    forms: dict[str, dict[tuple[str, ...], pd.DataFrame]] = field(default_factory=dict)
    numbered: dict[str, int] = field(default_factory=dict)

    def hold(self, table: str, ids: pd.Series | None, names: pd.Series | None) -> None:
        """Remember rows of a table."""
        for held, values in ((self.ids, ids), (self.names, names)):
            if values is not None:
                held.setdefault(table, set()).update(values.dropna().astype(str))


@dataclass
class _LayerLines:
    """Lines of one ``[[layer]]`` while they are found."""

    layer: str
    table: Table
    frame: pd.DataFrame
    place: list[str] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    categories: str = ""
    updates: bool = False
    placeless: bool = False
    notes: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def header_of(self, column: str) -> str | None:
        """Return the header that a column was taken from, or None."""
        return self.headers.get(column)


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
    return suggest(sources).text


def suggest(sources: Sequence[Path | str]) -> Suggestion:
    """Return a first mapping for files with its doubts; see `suggest_mapping`."""
    with Sources.of(sources, _TAGS_LOOKED_AT) as opened:
        tagged = [name for name in opened.layer_names if opened.is_osm(name)]
        frames = {name: opened.read(name) for name in opened.layer_names}
        tagged += [name for name in frames if name not in tagged and _is_tagged(name, frames[name])]
        name = opened.town_name
    objects = {name: frames.pop(name) for name in tagged}
    empty = [layer for layer, frame in frames.items() if frame.empty]
    if len(empty) < len(frames):
        frames = {layer: frame for layer, frame in frames.items() if layer not in empty}
    codes = next((layer for layer, frame in frames.items() if code_table(frame) is not None), "")
    chosen = {
        layer: table
        for layer, frame in frames.items()
        if layer != codes
        and not is_ledger(layer.partition(":")[2])
        and (table := _table_of(layer, frame)) is not None
    }
    if not chosen and not objects:
        raise _nothing_recognised(sources, frames)
    # What has a place comes first: rows without one may be about the same things.
    chosen = dict(sorted(chosen.items(), key=lambda item: not has_place(frames[item[0]])))
    placed = {table.name for layer, table in chosen.items() if has_place(frames[layer])}
    context = _Context(
        tables={table.name for table in chosen.values()},
        near=whereabouts([*frames.values(), *objects.values()]),
        codes=codes,
    )
    for layer, frame in objects.items():
        if layer.endswith(":areas") and "landuse" in frame and "estates" not in placed:
            estates = frame[(frame["landuse"] == "residential").to_numpy(dtype=bool, na_value=False)]
            context.hold("estates", estates["osm_id"], estates.get("name"))
            context.tables |= {"estates"} if len(estates) else set()
    blocks = [f"[town]\n# {text('io.suggest.town_name')}\nname = {quoted(name)}\n"]
    doubts: list[tuple[str, str]] = []
    for layer, table in chosen.items():
        lines = _LayerLines(layer, table, frames[layer])
        _suggest_place(lines, context)
        _suggest_columns(lines, context)
        blocks.append(_written(lines))
        doubts += [(layer, note) for note in lines.notes]
    for layer in dict.fromkeys((*frames, *empty)):
        if layer not in chosen and layer != codes:
            unlike = "passed_over" if layer in frames else "empty"
            said = "ledger" if is_ledger(layer.partition(":")[2]) else unlike
            doubts.append((layer, text(f"io.suggest.{said}", layer=layer)))
            blocks.append(f"# {_plain(doubts[-1][1])}\n")
    if objects:
        blocks += _of_openstreetmap(list(objects), placed)
    return Suggestion("\n".join(blocks), tuple(doubts))


def _nothing_recognised(sources: Sequence[Path | str], frames: Mapping[str, pd.DataFrame]) -> FileError:
    """Return the error that no layer tells what it is; it shows their names and first headers."""
    shown = "；".join(
        f"{layer}（{'、'.join(str(one) for one in frame.columns[:_HEADERS_SHOWN])}）"
        for layer, frame in frames.items()
    )
    return FileError(
        "io.nothing_recognised",
        path="、".join(Path(one).name for one in sources),
        layers=shown or text("io.suggest.no_layers"),
        known="、".join(text(f"schema.table.{one}") for one in _USUAL_TABLES),
    )


def _of_openstreetmap(layers: Sequence[str], placed: Collection[str]) -> Iterator[str]:
    """Return the rules for OpenStreetMap objects; those of tables that the office has stay comments."""
    document = (files(__package__) / "osm_mapping.toml").read_text(encoding="utf-8")
    head, *rules = document.split("[[layer]]\n")
    yield head.rstrip()
    for rule in rules:
        origin, _, rest = rule.partition("\n")
        named = [
            layer for kind in re.findall(r'"(\w+)"', origin) for layer in layers if layer.endswith(f":{kind}")
        ]
        lines = ["[[layer]]", f"from = {json.dumps(named, ensure_ascii=False)}", *rest.splitlines()]
        if not named:
            continue
        if tomllib.loads(rest.partition("\n")[0])["to"] in placed:
            yield f"# {text('io.suggest.held_already')}"
            lines = [f"# {line}" for line in lines]
        yield "\n".join(lines)


def _plain(note: str) -> str:
    """Return a note on one line, without control signs: what a comment can hold."""
    return _CONTROL.sub(" ", note)


def _is_tagged(layer: str, frame: pd.DataFrame) -> bool:
    """Return whether a layer holds OpenStreetMap objects, as `spatial.io.online` writes them."""
    return layer.partition(":")[2] in OSM_LAYERS and "osm_id" in frame.columns


def _table_of(layer: str, frame: pd.DataFrame) -> Table | None:
    """Return the table that a layer most likely is, None when nothing speaks for any.

    The name of the file speaks where neither the layer's nor its columns do, as in a drawing.
    """
    file, _, own = layer.lower().partition(":")
    for name in (own, file):
        evidence = {table.name: _evidence(name, frame, table) for table in TABLES.values()}
        best = max(evidence, key=lambda name: evidence[name])
        if evidence[best] >= _LEAST_EVIDENCE:
            return TABLES[best]
    return None


def _evidence(layer: str, frame: pd.DataFrame, table: Table) -> int:
    dimension = dimension_of(frame)
    placed = dimension is not None or coordinate_headers(frame) is not None
    shapes = {_DIMENSION[one] for one in table.shapes}
    fits = dimension in shapes or (dimension == 1 and 2 in shapes and is_closed(frame))
    if table.is_layer and dimension is not None and not fits:
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


def _suggest_place(lines: _LayerLines, context: _Context) -> None:
    """Find where the rows lie, and say what remains a guess."""
    frame = lines.frame
    if not lines.table.is_layer:
        return
    datum = datum_of(lines.layer, *map(str, frame.columns))
    if dimension_of(frame) is not None and isinstance(frame, gpd.GeoDataFrame):
        if frame.crs is None:
            x, y = shapely.get_coordinates(frame.geometry.to_numpy()).T
            _suggest_reference(lines, x, y, context.near, datum)
        return
    shape, headers = shape_header(frame), coordinate_headers(frame)
    if shape is not None:
        lines.place.append(f"wkt = {quoted(shape)}")
        x, y = shapely.get_coordinates(read_shapes(frame[shape])).T
        _suggest_reference(lines, x, y, context.near, datum)
    elif headers is not None:
        x, y = (read_coordinates(frame[one]) for one in headers)
        kind = "degrees" if header_of("longitude", [headers[0]]) else "metres"
        swapped = _suggest_reference(lines, x, y, context.near, datum, columns=kind)
        ordered = headers[::-1] if swapped else headers
        if swapped and kind == "degrees":
            lines.notes.append(text("io.suggest.swapped", longitude=ordered[0], latitude=ordered[1]))
        lines.place += [f"x = {quoted(ordered[0])}", f"y = {quoted(ordered[1])}"]
    else:
        lines.placeless = True


def _suggest_reference(
    lines: _LayerLines,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    near: tuple[float, float] | None,
    datum: str,
    *,
    columns: str = "",
) -> bool:
    """Add the likeliest reference system and return whether the coordinates are swapped.

    Coordinates in columns that are called degrees or metres may lie anywhere on the globe.
    """
    guesses = guess_references(x, y, near)
    zones = {int(one) for one in x[np.isfinite(x)] // 1e6}
    if len(zones) > 1 and 0 in zones and any(one in _ZONE_NUMBERS for one in zones):
        lines.notes.append(text("io.suggest.zone_mixed", zone=max(zones)))
        return False
    if not guesses and columns == "degrees":
        lines.place.append(f"crs = {quoted('EPSG:4326')}")
        return False
    if not guesses:
        lines.notes.append(text("io.suggest.reference_unknown"))
        return False
    best = guesses[0]
    if best.crs.is_geographic:
        lines.place.append(f"crs = {quoted(datum or 'EPSG:4326')}")
        if not datum:
            lines.notes.append(text("io.suggest.datum"))
    else:
        lines.place.append(f"crs = {quoted(':'.join(best.crs.to_authority() or ('', '')))}")
        if len(guesses) > 1:
            key = "io.suggest.zone" if near is None else "io.suggest.zone_near"
            lines.notes.append(text(key, crs=best.crs.name))
    if best.swapped and not columns:
        lines.place.append("swap = true")
    return best.swapped


def _suggest_columns(lines: _LayerLines, context: _Context) -> None:
    table, frame = lines.table, lines.frame
    free = [str(name) for name in frame.columns if name != "geometry"]
    coordinates = coordinate_headers(frame)
    free = [name for name in free if coordinates is None or name not in coordinates]
    for certain in (True, False):
        for column in _in_question(table):
            if column.name in lines.columns:
                continue
            header = _header(column, table, free, frame, certain=certain)
            if header is None:
                continue
            free.remove(header)
            lines.headers[column.name] = header
            lines.columns[column.name] = _rule(lines, column, header, context)
            if not certain:
                lines.notes.append(text("io.suggest.guessed", header=header, column=column.name))
    _suggest_codes(lines, context)
    _suggest_updates(lines, context)
    if lines.placeless and not lines.updates and len(frame):
        lines.notes.append(text("io.suggest.no_place"))
    _fill_what_is_missing(lines, free, context)
    match = header_of("category", [str(name) for name in frame.columns])
    if table.name == "facilities" and (match is not None or "services" not in context.tables):
        _suggest_categories(lines, match)


def _fill_what_is_missing(lines: _LayerLines, free: Sequence[str], context: _Context) -> None:
    table = lines.table
    if table.id_column and table.id_column not in lines.columns:
        _number(lines, free, context)
    for column in table.columns:
        if column.filled and column.name not in lines.columns and not lines.updates:
            _fill(lines, column)


def _number(lines: _LayerLines, free: Sequence[str], context: _Context) -> None:
    """Give the rows of a layer numbers; what it calls ids and repeats is kept as their names."""
    table, frame = lines.table, lines.frame
    # Layers of one table are numbered apart.
    known = context.numbered.get(table.name, 0) + 1
    context.numbered[table.name] = known
    start = f"{table.name}-" if known == 1 else f"{table.name}-{known}-"
    lines.columns[table.id_column] = f"{{ number = {quoted(start)} }}"
    match = header_of(table.id_column, [one for one in free if not is_name_header(one, table)])
    if match is None or not match[1]:
        lines.notes.append(text("io.suggest.numbered", column=table.id_column))
        return
    ids = frame[match[0]].astype("string")
    repeated = ids[ids.notna() & ids.duplicated()].unique()
    shown = "、".join(repeated[:_VALUES_SHOWN])
    lines.notes.append(
        text(
            "io.suggest.not_unique",
            header=match[0],
            column=table.id_column,
            blank=int(ids.isna().sum()),
            count=len(repeated),
            values=f"（{shown}）" if shown else "",
        )
    )
    if "name" not in lines.columns and any(one.name == "name" for one in table.columns):
        lines.columns["name"] = quoted(match[0])


def _suggest_codes(lines: _LayerLines, context: _Context) -> None:
    """Take statistical codes from a table of codes where the layer has but the names of communities."""
    named = lines.header_of("name" if lines.table.name == "communities" else "community_id")
    if (
        not context.codes
        or named is None
        or (lines.table.name != "communities" and "communities" in context.tables)
    ):
        return
    given = lines.header_of("community_id")
    if given is not None and lines.frame[given].astype("string").str.fullmatch(r"\d{12}").any():
        return
    within = lines.header_of("subdistrict")
    parent = f", within = {quoted(within)}" if within else ""
    lines.columns["community_id"] = f"{{ from = {quoted(named)}, codes = {quoted(context.codes)}{parent} }}"


def _suggest_updates(lines: _LayerLines, context: _Context) -> None:
    """Take a layer about rows that another layer has, by their ids or names, as news of these rows."""
    table, frame = lines.table, lines.frame
    if not table.id_column:
        return
    id_header, name_header = lines.header_of(table.id_column), lines.header_of("name")
    ids = None if id_header is None else frame[id_header].astype("string")
    names = None if name_header is None else frame[name_header].astype("string")
    known_ids = ids is not None and _mostly(ids.isin(context.ids.get(table.name, ())))
    if known_ids and not _lies_elsewhere(frame, id_header, context.forms.get(table.name, {})):
        lines.updates = True
    elif names is not None and not has_place(frame):
        known = {plain_name(one) for one in context.names.get(table.name, ())}
        if known and names.dropna().map(plain_name).isin(known).any():
            lines.updates = True
            lines.columns[table.id_column] = (
                f"{{ from = {quoted(name_header or '')}, lookup = {quoted(table.name)} }}"
            )
    if not lines.updates:
        context.hold(table.name, ids, names)
        context.forms.setdefault(table.name, {}).setdefault(tuple(map(str, frame.columns)), frame)


def _lies_elsewhere(
    frame: pd.DataFrame, id_header: str | None, forms: Mapping[tuple[str, ...], pd.DataFrame]
) -> bool:
    """Return whether rows lie elsewhere than rows of another table of their form that have the same ids.

    Such tables are parts of one, as each community fills it in, and no news of each other.
    """
    before = forms.get(tuple(map(str, frame.columns)))
    if before is None or id_header is None:
        return False
    own, other = (
        written_places(one).set_axis(one[id_header].astype("string")).dropna() for one in (frame, before)
    )
    other = other[~other.index.duplicated()]
    shared = own[own.index.isin(other.index)]
    return _mostly(shared != other.reindex(shared.index))


def _mostly(flags: pd.Series) -> bool:
    return bool(len(flags) and flags.mean() >= 0.5)


def _header(
    column: Column, table: Table, free: Sequence[str], frame: pd.DataFrame, *, certain: bool
) -> str | None:
    """Return the free header that means a column, with the certainty asked for, or None."""
    is_id = column.name == table.id_column
    match = header_of(column.name, [one for one in free if not is_id or not is_name_header(one, table)])
    if column.name == "name" and (match is None or not match[1]):
        named = next((one for one in free if is_name_header(one, table)), None)
        match = match if named is None else (named, True)
    if match is None or match[1] is not certain or (is_id and not _is_key(frame[match[0]], table)):
        return None
    return match[0]


def _in_question(table: Table) -> Iterator[Column]:
    yield from table.columns
    if table.name == "facilities":
        yield from (one for one in TABLES["services"].columns if one.kind == "number")


def _is_key(values: pd.Series, table: Table) -> bool:
    # A facility stands once for each service that it offers.
    return bool(values.notna().all() and (values.is_unique or table.name == "facilities"))


def _rule(lines: _LayerLines, column: Column, header: str, context: _Context) -> str:
    """Return the right-hand side of a column."""
    values = lines.frame[header].dropna().astype("string").str.strip()
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
            lines.notes.append(text("io.suggest.values_unknown", header=header, values=shown))
            if column.filled:
                meanings["*"] = column.allowed[-1]
        blank = len(lines.frame) - len(values)
        if blank and column.filled:
            meanings[""] = column.allowed[-1]
            lines.notes.append(text("io.suggest.blank", header=header, count=blank, value=column.allowed[-1]))
        return f"{{ from = {quoted(header)}, values = {_inline(meanings)} }}"
    if (
        column.refers_to
        and column.refers_to in context.tables
        and not values.str.fullmatch(r"[\x21-\x7e]+").all()
    ):
        return f"{{ from = {quoted(header)}, lookup = {quoted(column.refers_to)} }}"
    unit = unit_of(header)
    if unit and column.kind in {"whole", "number"}:
        return f"{{ from = {quoted(header)}, unit = {quoted(unit)} }}"
    return quoted(header)


def _fill(lines: _LayerLines, column: Column) -> None:
    """Fill a column that must have a value and of which the file says nothing, with a note."""
    if column.allowed:
        lines.columns[column.name] = f"{{ value = {quoted(column.allowed[0])} }}"
        lines.notes.append(text("io.suggest.assumed", column=column.name, value=column.allowed[0]))
    elif column.refers_to and lines.table.is_layer:
        lines.columns[column.name] = f"{{ nearest = {quoted(column.refers_to)}, within_m = 15 }}"
    elif column.name == "name" and lines.table.id_column in lines.columns:
        lines.columns["name"] = lines.columns[lines.table.id_column]


def _suggest_categories(lines: _LayerLines, match: tuple[str, bool] | None) -> None:
    if match is None:
        ways = ["amap", "keywords"] if "typecode" in lines.frame.columns else ["keywords"]
        lines.categories = f"{{ by = {json.dumps(ways)} }}"
        return
    values = lines.frame[match[0]].dropna().astype("string").str.strip().unique()[:_VALUES_LOOKED_AT]
    meanings = {value: category for value in values if (category := category_of(value)) is not None}
    unknown = [value for value in values if value not in meanings]
    if unknown:
        shown = "、".join(unknown[:8])
        lines.notes.append(text("io.suggest.values_unknown", header=match[0], values=shown))
    lines.categories = f'{{ from = {quoted(match[0])}, values = {_inline(meanings)}, by = ["keywords"] }}'


def _written(lines: _LayerLines) -> str:
    written = ["[[layer]]", f"from = {quoted(lines.layer)}", f"to = {quoted(lines.table.name)}"]
    written += ["updates = true"] if lines.updates else []
    written += lines.place
    if lines.categories:
        written.append(f"categories = {lines.categories}")
    written += [f"# {_plain(note)}" for note in lines.notes]
    if lines.columns:
        written.append("[layer.columns]")
        written += [f"{name} = {rule}" for name, rule in lines.columns.items()]
    return "\n".join(written) + "\n"


def quoted(value: str) -> str:
    """Return a text as TOML writes it."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(meanings: Mapping[str, str]) -> str:
    if not meanings:
        return "{}"
    return "{ " + ", ".join(f"{quoted(key)} = {quoted(value)}" for key, value in meanings.items()) + " }"
