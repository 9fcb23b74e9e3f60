"""Mappings: a TOML file that says how the layers of an office's files become the tables of a town.

::

    [town]
    name = "Punggol"
    licence = "Singapore Open Data Licence 1.0"
    clip = true                      # leave out what lies outside the communities
    estimate_households = true       # also where no total of an estate or a community is known
    study_area = [116.30, 39.99, 116.33, 40.01]  # west, south, east, north: one community, if none is given

    [[layer]]
    from = "blocks"                  # a layer of a source; "file:layer" where two sources share a name
    to = "buildings"
    where = ["residential=Y"]        # optional: see spatial.io.selecting
    crs = "EPSG:4326"                # optional: where the file does not say, or says it wrongly
    swap = true                      # optional: the northing or latitude stands first in the geometry
    x = "经度"                       # optional: columns with coordinates, or wkt = "几何" (WKT, or 116.39,39.91)
    y = "纬度"
    [layer.columns]
    building_id = "block_id"                                   # the column of that name, or
    name = { from = ["name", "name:zh"] }                      # the first of these that is filled
    households_basis = { value = "dwellings" }                 # a constant
    use = { from = "residential", values = { Y = "residential", "*" = "other" } }
    land_area_m2 = { from = "面积", unit = "mu" }              # converted to the unit of the schema
    street_id = { number = "walk-" }                           # running numbers
    estate_id = { nearest = "estates", within_m = 15 }         # the estate next to the place, or
    estate_id = { from = "小区名称", lookup = "estates" }       # the id of the estate of that name
    community_id = { from = "社区名称", codes = "区划代码", within = "街道" }  # by a layer of statistical codes
    [layer.categories]               # of facilities: rows of the table services
    by = ["osm", "keywords"]         # the rules of the catalogue, or
    from = "tag"                     # a column and what its values mean
    values = { bus_stop = "bus_stop" }

A column of the schema that the mapping does not name is taken from a source column of the same name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spatial.errors import FileError, RulesError
from spatial.io.selecting import RowFilter
from spatial.io.sheets import decode
from spatial.schema import TABLES

__all__ = [
    "PROPOSALS",
    "UNITS",
    "CategoryRule",
    "ColumnRule",
    "LayerRule",
    "TownMapping",
    "parse_mapping",
    "read_mapping",
]

# Factors to the units of the schema: square metres, metres, and plain counts.
UNITS: Mapping[str, float] = {
    "m": 1.0,
    "km": 1000.0,
    "m2": 1.0,
    "mu": 2000.0 / 3.0,
    "ha": 10_000.0,
    "km2": 1e6,
    "thousand": 1e3,
    "ten_thousand": 1e4,
}
_CATEGORY_WAYS = ("osm", "keywords", "amap")
_COLUMN_KEYS = {
    "from", "value", "values", "unit", "number", "nearest", "within_m", "lookup", "codes", "within",
}  # fmt: skip
_LAYER_KEYS = {
    "from", "to", "where", "updates", "crs", "encoding", "x", "y", "wkt", "swap", "columns", "categories",
}  # fmt: skip
_TOWN_KEYS = {"name", "clip", "crs", "study_area", "estimate_households", "propose"}
PROPOSALS = ("communities", "estates", "gates")


@dataclass(frozen=True)
class ColumnRule:
    """How one column of a table is filled.

    Attributes
    ----------
    sources : the columns it is taken from, the first that is filled; empty for none
    value : a constant, or None
    values : what the values of the source column mean; ``*`` stands for every other value, the empty
        text for no value: else a null stays null
    factor : what numbers are multiplied with
    number : the text running numbers start with, or None
    nearest : the layer of the town whose nearest row gives its id, or ''
    within_m : how far that row may lie, metres
    lookup : the table of the town of which the source column holds a name, or ''
    codes : the source layer of statistical codes that is looked through for the name, or ''
    within : the source column of the subdistrict the name lies in, or ''
    """

    sources: tuple[str, ...] = ()
    value: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    factor: float = 1.0
    number: str | None = None
    nearest: str = ""
    within_m: float = 0.0
    lookup: str = ""
    codes: str = ""
    within: str = ""


@dataclass(frozen=True)
class CategoryRule:
    """How the categories of facilities are told.

    Attributes
    ----------
    ways : rules of the catalogue in the order in which they are tried: osm, keywords, amap
    source : a column whose values name the category, or ''
    values : categories by the values of that column
    """

    ways: tuple[str, ...] = ()
    source: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerRule:
    """How one layer of a source becomes rows of a table.

    Attributes
    ----------
    layers : names of source layers, ``layer`` or ``file:layer``
    table : the table of the town
    where : filters, one of which a row must pass
    updates : whether the rows are news of rows that other layers bring: what they fill replaces
    crs : reference system or datum of the coordinates, '' where the file says it
    encoding : encoding of the text, '' where the file says it
    swap : whether the northing or latitude stands first in the geometries
    x, y, wkt : columns that hold the place of a table without geometry
    columns : rules by the column they fill
    categories : how facilities get services, or None
    """

    layers: tuple[str, ...]
    table: str
    where: tuple[RowFilter, ...] = ()
    updates: bool = False
    crs: str = ""
    encoding: str = ""
    x: str = ""
    y: str = ""
    wkt: str = ""
    swap: bool = False
    columns: Mapping[str, ColumnRule] = field(default_factory=dict)
    categories: CategoryRule | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Every source column the rule looks at."""
        named = [key for one in self.where for key in one.keys]
        named += [
            source for rule in self.columns.values() for source in (*rule.sources, rule.within) if source
        ]
        return tuple(dict.fromkeys(named))


@dataclass(frozen=True)
class TownMapping:
    """How a set of files becomes a town.

    Attributes
    ----------
    name : name of the town, '' for that of the first file
    crs : the metric reference system of the town, '' for the usual one of the place
    clip : whether rows that lie outside the communities are left out
    estimate_households : whether buildings under no known total get households at the density nearby
    propose : what is proposed where the office has none: communities, estates, gates
    study_area : west, south, east, north in degrees of WGS 84: the one community where no layer
        gives any, or None
    layers : the rules, in the order of the file
    provenance : every other entry of ``[town]``, as text
    """

    layers: tuple[LayerRule, ...]
    name: str = ""
    crs: str = ""
    clip: bool = False
    estimate_households: bool = False
    propose: tuple[str, ...] = ()
    study_area: tuple[float, float, float, float] | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)


def read_mapping(path: Path | str) -> TownMapping:
    """Read a mapping file.

    Raises
    ------
    FileError
        If the file is missing or is no TOML.
    RulesError
        If an entry is unknown or wrong.
    """
    source = Path(path)
    if not source.is_file():
        raise FileError("io.file_missing", path=source)
    try:
        # Editors on Windows write a mark in front, or GBK.
        document = tomllib.loads(decode(source.read_bytes(), "", source)[0])
    except tomllib.TOMLDecodeError as error:
        raise FileError("io.not_toml", path=source, reason=str(error)) from error
    return parse_mapping(document)


def parse_mapping(document: Mapping[str, Any]) -> TownMapping:
    """Return the mapping of a TOML document.

    Raises
    ------
    RulesError
        If an entry is unknown or wrong.
    """
    _known("", document, {"town", "layer"})
    town = _table("town", document.get("town", {}))
    layers = document.get("layer", [])
    if not isinstance(layers, list) or not layers:
        raise RulesError("io.mapping_empty")
    provenance = {str(key): str(value) for key, value in town.items() if key not in _TOWN_KEYS}
    return TownMapping(
        name=str(town.get("name", "")),
        crs=str(town.get("crs", "")),
        clip=bool(town.get("clip", False)),
        estimate_households=bool(town.get("estimate_households", False)),
        propose=_proposals(_list(town.get("propose", []))),
        study_area=_box(town["study_area"]) if "study_area" in town else None,
        provenance=provenance,
        layers=tuple(_layer(f"layer {number}", layer) for number, layer in enumerate(layers, 1)),
    )


def _proposals(entries: list[object]) -> tuple[str, ...]:
    for entry in entries:
        if entry not in PROPOSALS:
            raise RulesError(
                "io.mapping_entry_unknown", place="town.propose", entry=entry, known="、".join(PROPOSALS)
            )
    return tuple(str(entry) for entry in entries)


def _box(entry: object) -> tuple[float, float, float, float]:
    numbers = [float(one) for one in entry] if isinstance(entry, list) else []
    if len(numbers) != 4 or not (numbers[0] < numbers[2] and numbers[1] < numbers[3]):
        raise RulesError("io.mapping_box_wrong", place="town.study_area", value=str(entry))
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _layer(place: str, entry: object) -> LayerRule:
    values = _table(place, entry)
    _known(place, values, _LAYER_KEYS)
    for key in ("from", "to"):
        if key not in values:
            raise RulesError("io.mapping_entry_missing", place=place, entry=key)
    table = str(values["to"])
    if table not in TABLES:
        raise RulesError("io.mapping_table_unknown", place=place, table_name=table, known="、".join(TABLES))
    columns = _table(f"{place}.columns", values.get("columns", {}))
    categories = values.get("categories")
    return LayerRule(
        layers=tuple(str(one) for one in _list(values["from"])),
        table=table,
        swap=bool(values.get("swap", False)),
        updates=bool(values.get("updates", False)),
        where=tuple(RowFilter.parse(str(one)) for one in _list(values.get("where", []))),
        columns={name: _column(f"{place}.columns.{name}", rule) for name, rule in columns.items()},
        categories=None if categories is None else _categories(f"{place}.categories", categories),
        **{key: str(values.get(key, "")) for key in ("crs", "encoding", "x", "y", "wkt")},
    )


def _column(place: str, entry: object) -> ColumnRule:
    if isinstance(entry, str):
        return ColumnRule(sources=(entry,))
    values = _table(place, entry)
    _known(place, values, _COLUMN_KEYS)
    unit = str(values.get("unit", "m"))
    if unit not in UNITS:
        raise RulesError("io.mapping_unit_unknown", place=place, unit=unit, known="、".join(UNITS))
    meanings = _table(f"{place}.values", values.get("values", {}))
    return ColumnRule(
        sources=tuple(str(one) for one in _list(values.get("from", []))),
        value=_constant(values["value"]) if "value" in values else None,
        values={str(key): _constant(value) for key, value in meanings.items()},
        factor=UNITS[unit],
        number=str(values["number"]) if "number" in values else None,
        nearest=str(values.get("nearest", "")),
        within_m=float(values.get("within_m", 0.0)),
        lookup=str(values.get("lookup", "")),
        codes=str(values.get("codes", "")),
        within=str(values.get("within", "")),
    )


def _constant(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _categories(place: str, entry: object) -> CategoryRule:
    values = _table(place, entry)
    _known(place, values, {"by", "from", "values"})
    ways = tuple(str(way) for way in _list(values.get("by", [])))
    for way in ways:
        if way not in _CATEGORY_WAYS:
            raise RulesError("io.mapping_way_unknown", place=place, way=way, known="、".join(_CATEGORY_WAYS))
    meanings = _table(f"{place}.values", values.get("values", {}))
    return CategoryRule(
        ways=ways,
        source=str(values.get("from", "")),
        values={str(key): str(value) for key, value in meanings.items()},
    )


def _list(entry: object) -> list[object]:
    return entry if isinstance(entry, list) else [entry]


def _table(place: str, entry: object) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping):
        raise RulesError("io.mapping_not_a_table", place=place, value=str(entry))
    return entry


def _known(place: str, entries: Mapping[str, Any], known: set[str]) -> None:
    for entry in entries:
        if entry not in known:
            raise RulesError(
                "io.mapping_entry_unknown", place=place, entry=entry, known="、".join(sorted(known))
            )
