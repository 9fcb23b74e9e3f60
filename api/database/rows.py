"""Rows in and out: a table of a package as a data frame, stored and read again as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from sqlalchemy import Connection, Dialect, Table, select

from api.database.geometry import as_stored, decode, encode
from api.database.models import BOX_COLUMNS, KINDS, box_table, row_id, table_of
from spatial.schema import COMMON_COLUMNS
from spatial.schema import Table as SchemaTable
from spatial.town import DTYPES

__all__ = ["insert_frame", "read_frame"]

_ROWS_AT_ONCE = 100_000


def insert_frame(
    connection: Connection, revision_id: int, kind: str, name: str, frame: pd.DataFrame, *, srid: int
) -> None:
    """Store a table of a package; its rows are numbered as they stand.

    Parameters
    ----------
    connection : inside the transaction that makes the revision
    revision_id : the revision the rows belong to
    kind, name : as for `api.database.models.table_of`
    frame : columns of the schema and any others, which are kept as JSON
    srid : EPSG code of the geometries, 0 where their reference system has none
    """
    table = table_of(kind, name)
    named = frame.reset_index() if frame.index.name else frame
    if "id" not in table.c:
        named = _in_key_order(named, table)
    for start in range(0, len(named), _ROWS_AT_ONCE):
        part = named.iloc[start : start + _ROWS_AT_ONCE]
        columns = _columns(connection.dialect, table, KINDS[kind][name], part, srid)
        if "id" in table.c:
            first = row_id(revision_id, start + 1)
            columns["id"] = range(first, first + len(part))
        _insert(connection, table.name, {"revision_id": [revision_id] * len(part), **columns})
        if "geometry" in table.c and connection.dialect.name == "sqlite":
            _insert_boxes(connection, table, revision_id, columns["id"], part["geometry"].to_numpy())


def read_frame(
    connection: Connection,
    revision_id: int,
    kind: str,
    name: str,
    crs: str,
    *,
    among: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Read a table of a revision as it was stored: types, index and additional columns.

    Parameters
    ----------
    crs : reference system of the revision, for a layer
    among : values of columns; only rows that hold one of each are read
    """
    table, schema = table_of(kind, name), KINDS[kind][name]
    wanted = [column for column in table.c if column.name not in {"id", "revision_id"}]
    ordered = table.primary_key.columns
    query = (
        select(*(as_stored(column) if column.name == "geometry" else column for column in wanted))
        .where(table.c.revision_id == revision_id)
        .where(*(table.c[column].in_(values) for column, values in (among or {}).items()))
        .order_by(*ordered)
    )
    rows = connection.execute(query).all()
    values = dict(
        zip((column.name for column in wanted), zip(*rows, strict=True) if rows else (), strict=False)
    )
    columns = {
        column.name: pd.Series(list(values.get(column.name, ())), dtype=DTYPES[column.kind])
        for column in (*schema.columns, *COMMON_COLUMNS)
        if column.name in table.c
    }
    frame = pd.DataFrame(columns)
    for extra, column_values in _unpacked(values.get("extra", ())).items():
        frame[extra] = column_values
    if schema.id_column:
        frame = frame.set_index(schema.id_column)
    if schema.is_layer:
        shapes = decode(list(values.get("geometry", ())))
        layer: pd.DataFrame = gpd.GeoDataFrame(frame, geometry=shapes, crs=pyproj.CRS(crs))
        return layer
    return frame


def _columns(
    dialect: Dialect, table: Table, schema: SchemaTable, part: pd.DataFrame, srid: int
) -> dict[str, Sequence[Any]]:
    columns: dict[str, Sequence[Any]] = {}
    for column in (*schema.columns, *COMMON_COLUMNS):
        if column.name in part and column.name in table.c:
            typed = part[column.name].astype(DTYPES[column.kind])  # type: ignore[call-overload]
            columns[column.name] = typed.to_numpy(object, na_value=None).tolist()
    left = part.columns.difference([*columns, "geometry"])
    others = [column for column in left if part[column].notna().any()]
    if others:
        columns["extra"] = _packed(part[others])
    if "geometry" in table.c:
        columns["geometry"] = encode(part["geometry"].to_numpy(), srid, dialect)
    return columns


def _packed(others: pd.DataFrame) -> list[str | None]:
    records = others.astype(object).to_dict(orient="records")
    known = ({name: value for name, value in record.items() if not pd.isna(value)} for record in records)
    return [json.dumps(record, ensure_ascii=False, default=str) if record else None for record in known]


def _unpacked(extras: Sequence[dict[str, Any] | None]) -> dict[str, pd.Series]:
    records = [record or {} for record in extras]
    names = dict.fromkeys(name for record in records for name in record)
    return {
        name: pd.Series([record.get(name) for record in records], dtype=object).convert_dtypes()
        for name in names
    }


def _in_key_order(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    # Rows that arrive in the order of the key are appended; any other order rebuilds the tree again and again.
    names = [column.name for column in table.primary_key.columns if column.name != "revision_id"]
    codes = [pd.factorize(frame[name], sort=True)[0] for name in reversed(names)]
    return frame.iloc[np.lexsort(codes)]


def _insert(connection: Connection, table: str, columns: dict[str, Sequence[Any]]) -> None:
    rows: Iterator[tuple[Any, ...]] = zip(*columns.values(), strict=True)
    names = ", ".join(f'"{name}"' for name in columns)
    if connection.dialect.name == "postgresql":
        cursor = connection.connection.cursor()
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        places = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({places})", list(rows))  # noqa: S608 - names of the models


def _insert_boxes(
    connection: Connection, table: Table, revision_id: int, ids: Sequence[int], shapes: np.ndarray
) -> None:
    bounds = shapely.bounds(shapes)
    located = ~np.isnan(bounds[:, 0])
    west, south, east, north = bounds[located].T.tolist()
    revisions = [revision_id] * len(west)
    kept = np.asarray(ids)[located].tolist()
    boxes = zip(kept, west, east, south, north, revisions, revisions, strict=True)
    columns = ", ".join(BOX_COLUMNS)
    connection.exec_driver_sql(
        f"INSERT INTO {box_table(table)} ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        list(boxes),
    )
