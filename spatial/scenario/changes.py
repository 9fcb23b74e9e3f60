"""Changes of rows of a town's tables, each with old and new value, and making them.

A change with an old value only fits a town in which that value still holds.  Geometries are kept as text
(WKT) in the CRS of the town.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    Raises
    ------
    ConflictError
        If an old value no longer holds, a row to be added is there, or one to be changed is not.
    UsageError
        If there is no such table or column, or a value is of the wrong kind.
    """
    tables = dict(town.tables)
    for change in changes:
        if change.table not in tables:
            raise UsageError("scenario.table_unknown", table=change.table, ids=[change.row])
        try:
            tables[change.table] = _changed(tables[change.table], change)
        except (TypeError, ValueError, shapely.errors.ShapelyError) as problem:
            raise UsageError(
                "scenario.value_unfit", table=change.table, ids=[change.row], problem=problem
            ) from problem
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
        return frame.iloc[np.delete(np.arange(len(frame)), here)]
    if change.old is None:
        return _with_row(frame, change)
    unknown = change.new.keys() - set(frame.columns)
    if unknown:
        raise UsageError(
            "scenario.column_unknown", table=change.table, ids=[change.row], columns=sorted(unknown)
        )
    columns = {}
    for column, value in change.new.items():
        values = frame[column].array.copy()
        values[here[0]] = _typed(column, value)
        columns[column] = values
    return frame.assign(**columns)


def _with_row(frame: pd.DataFrame, change: Change) -> pd.DataFrame:
    values = dict(change.new or {})
    if not frame.index.name:
        facility_id, _, category = change.row.partition("/")
        values |= {"facility_id": facility_id, "category": category}
    unknown = values.keys() - set(frame.columns)
    if unknown:
        raise UsageError(
            "scenario.column_unknown", table=change.table, ids=[change.row], columns=sorted(unknown)
        )
    # Column by column: joining whole frames costs more than all else a what-if does.
    columns: dict[str, Any] = {}
    for name in map(str, frame.columns):
        own, value = frame[name].array, _typed(name, values.get(name))
        if isinstance(own, GeometryArray):
            shape = np.array([None if pd.isna(value) else value], object)
            columns[name] = from_shapely(np.concatenate([np.asarray(own, object), shape]), crs=own.crs)
        else:
            one = pd.array([value], dtype=own.dtype)
            columns[name] = type(own)._concat_same_type([own, one])  # noqa: SLF001 - as pandas' own arrays join
    index: pd.Index[Any] = pd.RangeIndex(len(frame) + 1)
    if frame.index.name:
        index = frame.index.append(pd.Index([change.row], dtype=frame.index.dtype))
    longer = pd.DataFrame(columns, index=index.rename(frame.index.name))
    return gpd.GeoDataFrame(longer, geometry="geometry") if isinstance(frame, gpd.GeoDataFrame) else longer


def _place(frame: pd.DataFrame, change: Change) -> npt.NDArray[np.intp]:
    if frame.index.name:
        return np.flatnonzero(frame.index == change.row)
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
