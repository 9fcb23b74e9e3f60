"""Scenarios: a base town and ordered changes to rows of its tables, each with old and new value.

A change with an old value only fits a town in which that value still holds; so a scenario can be kept,
sent, applied to the town it was made for, and refused by one that has moved on.  Geometries are kept as
text (WKT) in the CRS of the town.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from spatial.errors import ConflictError, FileError, RulesError, UsageError
from spatial.network import StreetNetwork
from spatial.network.noding import insert_vertices
from spatial.town import Town

__all__ = [
    "Change",
    "Scenario",
    "add_footpath",
    "add_service",
    "apply",
    "close_service",
    "close_street",
    "move_service",
    "read_scenario",
    "resize_service",
    "set_gate",
    "write_scenario",
]

Values = Mapping[str, Any]

# An end of a new footpath this near to a street is joined to it.
_LANDING_M = 15.0
# Geometries that differ by less are the same.
_SAME_M = 1e-3


@dataclass(frozen=True)
class Change:
    """One row before and after.

    Attributes
    ----------
    table : table of the town
    row : id of the row; of a service, its facility and category joined by '/'
    old : values that must hold now; None when the row is added
    new : values that hold afterwards; None when the row is taken away
    """

    table: str
    row: str
    old: Values | None
    new: Values | None


@dataclass(frozen=True)
class Scenario:
    """Ordered changes to one town.

    Attributes
    ----------
    name : what it is called
    base : fingerprint of the town it was made for
    changes : the changes, in order
    pace : pace profile to measure with, None for distances
    """

    name: str
    base: str
    changes: tuple[Change, ...] = field(default=())
    pace: str | None = None


def set_gate(town: Town, gate_id: str, *, is_open: bool) -> list[Change]:
    """Open or close a gate."""
    old = _row(town, "gates", gate_id)
    return [Change("gates", gate_id, {"open": _plain(old["open"])}, {"open": is_open})]


def add_service(
    facility_id: str, category: str, xy: tuple[float, float], *, name: str | None = None, **values: float
) -> list[Change]:
    """Open a new facility with one service; ``values`` are capacity, floor_area_m2 and the like."""
    facility = {"name": name, "geometry": shapely.Point(xy).wkt}
    return [
        Change("facilities", facility_id, None, {key: value for key, value in facility.items() if value}),
        Change("services", f"{facility_id}/{category}", None, dict(values)),
    ]


def move_service(town: Town, facility_id: str, xy: tuple[float, float]) -> list[Change]:
    """Move a facility with all its services; its entrances stay behind and are taken away."""
    old = _row(town, "facilities", facility_id)
    entrances = town.layer("entrances")
    mine = entrances.loc[(entrances["facility_id"] == facility_id).fillna(value=False)]
    gone = [Change("entrances", str(one), _filled(row), None) for one, row in mine.iterrows()]
    moved = {"geometry": old["geometry"].wkt}, {"geometry": shapely.Point(xy).wkt}
    return [Change("facilities", facility_id, *moved), *gone]


def close_service(town: Town, facility_id: str, category: str) -> list[Change]:
    """Take one service of a facility away."""
    rows = _services(town, facility_id, category)
    return [
        Change(
            "services", f"{facility_id}/{category}", _filled(rows.iloc[0], "facility_id", "category"), None
        )
    ]


def resize_service(town: Town, facility_id: str, category: str, **values: float) -> list[Change]:
    """Change capacity, floor_area_m2 and the like of a service."""
    rows = _services(town, facility_id, category)
    old = {name: _plain(rows.iloc[0][name]) for name in values}
    return [Change("services", f"{facility_id}/{category}", old, dict(values))]


def close_street(town: Town, street_id: str) -> list[Change]:
    """Close a street or footpath to walkers; whom that cuts off counts as uncovered."""
    old = _row(town, "streets", street_id)
    return [Change("streets", street_id, {"access": _plain(old["access"])}, {"access": "closed"})]


def add_footpath(
    town: Town,
    network: StreetNetwork,
    street_id: str,
    xy: Sequence[tuple[float, float]],
    *,
    bridge: bool = False,
) -> list[Change]:
    """Add a footpath or footbridge; an end that comes near a street is joined to it.

    Where the street has no vertex at the joint it gets one, as a change of its own.

    Parameters
    ----------
    town, network : the town and its walking network
    street_id : id of the new street
    xy : its vertices, metres in the CRS of the town
    bridge : whether it passes over barriers
    """
    points = [tuple(map(float, one)) for one in xy]
    landings: dict[str, list[npt.NDArray[np.float64]]] = {}
    for end in (0, -1):
        point = shapely.Point(points[end])
        near = network.index.within(np.array([point], object), _LANDING_M)[1]
        near = near[(network.closed_by[near] == 0) & (network.street_id[near] != "")]
        if not len(near):
            continue
        edge = int(near[np.argmin(shapely.distance(network.line[near], point))])
        line = network.line[edge]
        landing = _vertex_near(
            line, shapely.line_interpolate_point(line, shapely.line_locate_point(line, point))
        )
        points[end] = (float(landing[0]), float(landing[1]))
        landings.setdefault(str(network.street_id[edge]), []).append(landing)
    street = {"class": "footway", "role": "walk", "geometry": shapely.LineString(points).wkt}
    changes = [Change("streets", street_id, None, {**street, **({"bridge": True} if bridge else {})})]
    for joined, at in landings.items():
        old = _row(town, "streets", joined)["geometry"]
        parts = shapely.get_parts(old)
        nearest = np.array([int(np.argmin(shapely.distance(parts, shapely.Point(one)))) for one in at])
        lines, _ = insert_vertices(parts, nearest, np.array(at))
        new: Any = lines[0] if len(lines) == 1 else shapely.multilinestrings(lines)
        if shapely.get_num_coordinates(new) != shapely.get_num_coordinates(old):
            changes.append(Change("streets", joined, {"geometry": old.wkt}, {"geometry": new.wkt}))
    return changes


def _vertex_near(line: shapely.LineString, point: shapely.Point) -> npt.NDArray[np.float64]:
    """Return the vertex of a line at a point, or the point itself."""
    vertices = shapely.get_coordinates(line)
    at = shapely.get_coordinates(point)[0]
    distance = np.hypot(*(vertices - at).T)
    place: npt.NDArray[np.float64] = vertices[np.argmin(distance)] if distance.min() < 1.0 else at
    return place


def apply(town: Town, changes: Sequence[Change]) -> Town:
    """Return the town with changes made, in order.

    Raises
    ------
    ConflictError
        If an old value no longer holds, a row to be added is there, or one to be changed is not.
    """
    tables = dict(town.tables)
    for change in changes:
        if change.table not in tables:
            raise UsageError("scenario.table_unknown", table=change.table, ids=[change.row])
        tables[change.table] = _changed(tables[change.table], change)
    return replace(town, tables=tables)


def _changed(frame: pd.DataFrame, change: Change) -> pd.DataFrame:
    here = _place(frame, change)
    if (change.old is None) != (len(here) == 0):
        key = "scenario.row_there" if change.old is None else "scenario.row_missing"
        raise ConflictError(key, table=change.table, ids=[change.row])
    if change.old is not None:
        for column, value in change.old.items():
            found = frame[column].iloc[here[0]]
            if not _same(found, _typed(column, value)):
                raise ConflictError(
                    "scenario.old_value", table=change.table, ids=[change.row],
                    column=column, expected=_short(value), found=_short(found),
                )  # fmt: skip
    if change.new is None:
        return frame.drop(frame.index[here]) if frame.index.name else frame.drop(index=frame.index[here])
    if change.old is None:
        return _with_row(frame, change)
    fresh = frame.copy()
    for column, value in change.new.items():
        fresh.iloc[int(here[0]), _at(fresh, column)] = _typed(column, value)
    return fresh


def _with_row(frame: pd.DataFrame, change: Change) -> pd.DataFrame:
    values = dict(change.new or {})
    if frame.index.name:
        longer = frame.reindex(frame.index.append(pd.Index([change.row], name=frame.index.name)))
    else:
        facility_id, _, category = change.row.partition("/")
        values |= {"facility_id": facility_id, "category": category}
        longer = frame.reset_index(drop=True).reindex(range(len(frame) + 1))
    for column, value in values.items():
        longer.iloc[-1, _at(longer, column)] = _typed(column, value)
    return longer


def _at(frame: pd.DataFrame, column: str) -> int:
    """Return the place of a column."""
    return list(frame.columns).index(column)


def _place(frame: pd.DataFrame, change: Change) -> npt.NDArray[np.intp]:
    if frame.index.name:
        return np.flatnonzero(frame.index == change.row)
    facility_id, _, category = change.row.partition("/")
    return np.flatnonzero(
        ((frame["facility_id"] == facility_id) & (frame["category"] == category)).to_numpy(bool)
    )


def _row(town: Town, table: str, row: str) -> pd.Series[Any]:
    frame = town.tables[table]
    if row not in frame.index:
        raise UsageError("scenario.row_missing", table=table, ids=[row])
    found: pd.Series[Any] = frame.iloc[frame.index.get_indexer(pd.Index([row]))[0], :]
    return found


def _services(town: Town, facility_id: str, category: str) -> pd.DataFrame:
    services = town.services
    rows = services.loc[(services["facility_id"] == facility_id) & (services["category"] == category)]
    if rows.empty:
        raise UsageError("scenario.row_missing", table="services", ids=[f"{facility_id}/{category}"])
    return rows


def _filled(row: pd.Series[Any], *without: str) -> dict[str, Any]:
    """Return the values of a row that are known, as plain ones."""
    plain = {str(name): _plain(value) for name, value in row.items() if name not in without}
    return {name: value for name, value in plain.items() if value is not None}


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Return a value as what TOML can hold; None for a null."""
    if isinstance(value, BaseGeometry):
        return value.wkt
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _typed(column: str, value: object) -> Any:  # noqa: ANN401
    if column == "geometry" and isinstance(value, str):
        return shapely.from_wkt(value)
    return pd.NA if value is None else value


def _same(found: Any, expected: Any) -> bool:  # noqa: ANN401
    if isinstance(found, BaseGeometry):
        return isinstance(expected, BaseGeometry) and found.equals_exact(expected, _SAME_M)
    if pd.isna(found) or pd.isna(expected):
        return bool(pd.isna(found) and pd.isna(expected))
    return bool(found == expected)


def _short(value: Any) -> str:  # noqa: ANN401
    text = value.wkt if isinstance(value, BaseGeometry) else str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def read_scenario(path: str | Path) -> Scenario:
    """Read a scenario from TOML.

    Raises
    ------
    FileError
        If the file is missing.
    RulesError
        If it is no scenario.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError("scenario.file_missing", path=path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        changes = tuple(
            Change(one["table"], one["row"], one.get("old"), one.get("new"))
            for one in document.get("change", ())
        )
        return Scenario(document["name"], document["base"], changes, document.get("pace"))
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as problem:
        raise RulesError("scenario.unreadable", path=path, problem=problem) from problem


def write_scenario(scenario: Scenario, path: str | Path) -> None:
    """Write a scenario as TOML; nulls of old values are left out."""
    lines = [f"name = {_quoted(scenario.name)}", f"base = {_quoted(scenario.base)}"]
    if scenario.pace:
        lines.append(f"pace = {_quoted(scenario.pace)}")
    for change in scenario.changes:
        lines += ["", "[[change]]", f"table = {_quoted(change.table)}", f"row = {_quoted(change.row)}"]
        for name, values in (("old", change.old), ("new", change.new)):
            if values is not None:
                known = [
                    f"{_quoted(key)} = {_literal(value)}"
                    for key, value in values.items()
                    if value is not None
                ]
                lines.append(f"{name} = {{ {', '.join(known)} }}")
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else _quoted(str(value))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
