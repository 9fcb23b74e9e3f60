"""Changes of rows of a town's tables, each with old and new value, and making them.

A change with an old value only fits a town in which that value still holds.  Geometries are kept as text
(WKT) in the CRS of the town.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from geopandas.array import GeometryArray, from_shapely
from shapely.geometry.base import BaseGeometry

from spatial.errors import ConflictError, UsageError
from spatial.town import Town

__all__ = ["Change", "Scenario", "apply"]

Values = Mapping[str, Any]

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


def apply(town: Town, changes: Sequence[Change]) -> Town:
    """Return the town with changes made, in order.

    All changes are checked here; a table is changed when it is first asked for, since a what-if asks for few.

    Raises
    ------
    ConflictError
        If an old value no longer holds, a row to be added is there, or one to be changed is not.
    UsageError
        If there is no such table or column, or a value is of the wrong kind.
    """
    rows: dict[tuple[str, str], _Row] = {}
    for change in changes:
        if change.table not in town.tables:
            raise UsageError("scenario.table_unknown", table=change.table, ids=[change.row])
        key = change.table, change.row
        try:
            row = rows[key] if key in rows else _Row.of(town.tables[change.table], change)
            rows[key] = row.changed(change)
        except (TypeError, ValueError, shapely.errors.ShapelyError) as problem:
            raise UsageError(
                "scenario.value_unfit", table=change.table, ids=[change.row], problem=problem
            ) from problem
    return replace(town, tables=_ChangedTables(town.tables, tuple(changes)))


@dataclass(frozen=True, eq=False)
class _ChangedTables(Mapping[str, pd.DataFrame]):
    """The tables of a town after changes that fit it, each made when it is first asked for."""

    before: Mapping[str, pd.DataFrame]
    changes: tuple[Change, ...]
    made: dict[str, pd.DataFrame] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self.made:
            frame = self.before[name]
            for change in self.changes:
                frame = _changed(frame, change) if change.table == name else frame
            self.made[name] = frame
        return self.made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.before)

    def __len__(self) -> int:
        return len(self.before)


@dataclass(frozen=True, eq=False)
class _Row:
    """A row of a table on its way through changes.

    Attributes
    ----------
    frame : the table before
    place : where the row stands there, None for one that has been added
    values : values it has got; None when it is not there
    """

    frame: pd.DataFrame
    place: int | None
    values: Values | None

    @classmethod
    def of(cls, frame: pd.DataFrame, change: Change) -> _Row:
        """Return the row of a change before it is made."""
        places = _places(frame, change)
        return cls(frame, int(places[0]), {}) if len(places) else cls(frame, None, None)

    def changed(self, change: Change) -> _Row:
        """Return the row after a change, which has to fit."""
        if (change.old is None) == (self.values is not None):
            key = "scenario.row_there" if change.old is None else "scenario.row_missing"
            raise ConflictError(key, table=change.table, ids=[change.row])
        unknown = {*(change.old or ()), *(change.new or ())} - set(self.frame.columns)
        if unknown:
            raise UsageError(
                "scenario.column_unknown", table=change.table, ids=[change.row], columns=sorted(unknown)
            )
        for column, value in (change.old or {}).items():
            found = self._value(column)
            if not _same(found, _typed(column, value)):
                raise ConflictError(
                    "scenario.old_value", table=change.table, ids=[change.row],
                    column=column, expected=_short(value), found=_short(found),
                )  # fmt: skip
        if change.new is None:
            return _Row(self.frame, None, None)
        cells = {column: _cell(self.frame, column, value)[0] for column, value in change.new.items()}
        return _Row(self.frame, self.place, {**(self.values or {}), **cells})

    def _value(self, column: str) -> Any:  # noqa: ANN401
        if self.values and column in self.values:
            return self.values[column]
        return pd.NA if self.place is None else self.frame[column].iloc[self.place]


def _cell(frame: pd.DataFrame, column: str, value: object) -> Any:  # noqa: ANN401
    """Return an array (1,) of the type of a column with a value; an error of its own kind where it does not fit."""
    own, typed = frame[column].array, _typed(column, value)
    if isinstance(own, GeometryArray):
        return from_shapely([None if pd.isna(typed) else typed], crs=own.crs)
    return pd.array([typed], dtype=own.dtype)


def _changed(frame: pd.DataFrame, change: Change) -> pd.DataFrame:
    """Return a table after a change that fits it."""
    if change.old is None:
        return frame if change.new is None else _with_row(frame, change)
    places = _places(frame, change)
    if change.new is None:
        return frame.iloc[np.delete(np.arange(len(frame)), places)]
    columns = {}
    for column, value in change.new.items():
        values = frame[column].array.copy()
        values[places[0]] = _cell(frame, column, value)[0]
        columns[column] = values
    return frame.assign(**columns)


def _with_row(frame: pd.DataFrame, change: Change) -> pd.DataFrame:
    values = dict(change.new or {})
    if not frame.index.name:
        facility_id, _, category = change.row.partition("/")
        values |= {"facility_id": facility_id, "category": category}
    # Column by column: joining whole frames costs many times more.
    columns: dict[str, Any] = {}
    for name in map(str, frame.columns):
        own = frame[name].array
        columns[name] = type(own)._concat_same_type([own, _cell(frame, name, values.get(name))])  # noqa: SLF001 - as pandas' own arrays join
    index: pd.Index[Any] = pd.RangeIndex(len(frame) + 1)
    if frame.index.name:
        index = frame.index.append(pd.Index([change.row], dtype=frame.index.dtype))
    longer = pd.DataFrame(columns, index=index.rename(frame.index.name))
    return gpd.GeoDataFrame(longer, geometry="geometry") if isinstance(frame, gpd.GeoDataFrame) else longer


def _places(frame: pd.DataFrame, change: Change) -> npt.NDArray[np.intp]:
    """Return where the row of a change stands in a table; nowhere if it is not there."""
    if frame.index.name:
        found = frame.index.get_indexer(pd.Index([change.row], dtype=frame.index.dtype))
        return found[found >= 0]
    facility_id, _, category = change.row.partition("/")
    return np.flatnonzero(
        ((frame["facility_id"] == facility_id) & (frame["category"] == category)).to_numpy(bool)
    )


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
