"""Shaping: bring raw tables into the form of the schema, and say where they do not fit.

A shaped table has every column of its schema in the type of `spatial.town.DTYPES` (null where nothing
is known), its id as index, plane geometries, and the columns of its own behind.  Shaping never
drops a row; a value that cannot be read as its column's kind becomes null together with an error.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.findings import Finding, Severity
from spatial.schema import COMMON_COLUMNS, Column, Table
from spatial.town import DTYPES

__all__ = ["read_numbers", "read_values", "row_labels", "shape_table"]

_VALUES_SHOWN = 3
_YEARS = frozenset({"year_built"})
_FIRST_YEAR, _LAST_YEAR = 1000, 2200
_MULTI_TYPES = (
    shapely.GeometryType.MULTIPOINT,
    shapely.GeometryType.MULTILINESTRING,
    shapely.GeometryType.MULTIPOLYGON,
)
# Of digits alone only those of our time are a date, and not the number of one.
_YEAR = r"(?P<year>(?:1[0-9]|2[01])\d{2})"
_ANY_YEAR = r"(?P<year>\d{4})"


def row_labels(table: Table, frame: pd.DataFrame) -> NDArray[np.object_]:
    """Return what a finding calls each row: its id, or ``#`` and its number from 1 where it has none."""
    labels = np.array([f"#{number}" for number in range(1, len(frame) + 1)], dtype=object)
    if table.id_column and frame.index.name == table.id_column:
        known = frame.index.notna()
        labels[known] = frame.index[known].astype(str)
    return labels


def shape_table(table: Table, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Return a raw table in the form of its schema, with the findings about it.

    Parameters
    ----------
    table : the schema of the table
    frame : raw rows; the id may be a column or the index
    """
    raw = frame.reset_index() if frame.index.name is not None else frame.reset_index(drop=True)
    findings: list[Finding] = []
    columns: dict[str, pd.Series] = {}
    labels = _raw_labels(table, raw)
    for column in (*table.columns, *COMMON_COLUMNS):
        if column.name in raw.columns:
            columns[column.name], unread = read_values(raw[column.name], column)
            if unread.any():
                findings.append(_wrong_kind(table, column, raw[column.name][unread], labels[unread]))
        else:
            columns[column.name] = pd.Series(pd.NA, index=raw.index, dtype=DTYPES[column.kind])
            if column.required:
                findings.append(
                    Finding.of(Severity.ERROR, "checks.missing_column", table.name, column=column.name)
                )
    geometry_name = raw.geometry.name if _has_geometry(raw) else None
    for name in raw.columns:
        if name not in columns and name != geometry_name:
            columns[str(name)] = _own_column(raw[name])
    shaped = pd.DataFrame(columns, index=raw.index)
    if table.is_layer:
        shaped, more = _with_geometry(table, shaped, raw, labels)
        findings.extend(more)
    if table.id_column:
        shaped = shaped.set_index(table.id_column)
    return shaped, findings


def _raw_labels(table: Table, raw: pd.DataFrame) -> NDArray[np.object_]:
    if table.id_column not in raw.columns:
        return row_labels(table, raw)
    texts, _ = read_values(raw[table.id_column], table.column(table.id_column))
    return row_labels(table, pd.DataFrame(index=pd.Index(texts, name=table.id_column)))


def _has_geometry(frame: pd.DataFrame) -> bool:
    return isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None


def _wrong_kind(table: Table, column: Column, values: pd.Series, ids: Iterable[object]) -> Finding:
    shown = "、".join(str(value) for value in values.unique()[:_VALUES_SHOWN])
    return Finding.of(
        Severity.ERROR,
        f"checks.not_{column.kind}",
        table.name,
        ids,
        column=column.name,
        values=shown,
        count=len(values),
    )


def read_values(values: pd.Series, column: Column) -> tuple[pd.Series, NDArray[np.bool_]]:
    """Return the values in the type of a column (null where unreadable), and which were unreadable.

    Numbers may be text, in full-width digits, with commas at the thousands or with their measure word
    behind (``writing.toml``); a flag may be true/false, yes/no, 1/0 or their Chinese words; a date is ISO
    8601, a timestamp, or as offices write it (2004/6/30), and becomes ISO 8601; a year may be that of a
    date.  A blank text is a null, not an unreadable value.
    """
    dtype = DTYPES[column.kind]
    if values.dtype == dtype and column.kind in {"whole", "flag"}:
        return values, np.zeros(len(values), dtype=bool)
    missing = values.isna().to_numpy(dtype=bool)
    if column.kind in {"text", "date"}:
        read = _as_text(values)
        if column.kind == "date":
            missing = missing | read.isna().to_numpy(dtype=bool)
            read = _as_date(read)
    elif column.kind == "flag":
        read, missing = _as_flag(values, missing)
    else:
        if _is_textual(values):
            missing = missing | _as_text(values).isna().to_numpy(dtype=bool)
        numbers = read_numbers(values)
        if column.name in _YEARS:
            dates = _as_date(_as_text(values))
            years = pd.to_numeric(dates.str[:4], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
            numbers = np.where(np.isfinite(years), years, numbers)
            numbers[~((numbers >= _FIRST_YEAR) & (numbers < _LAST_YEAR))] = np.nan
        readable = np.isfinite(numbers)
        if column.kind == "whole":
            readable &= np.where(readable, numbers, 0.0) % 1 == 0
        kept = pd.Series(numbers, index=values.index, dtype="Float64").where(readable)
        read = kept.astype("Int64") if column.kind == "whole" else kept
    unread = read.isna().to_numpy(dtype=bool) & ~missing
    if column.kind == "text":  # a blank text says nothing: it is a null, not an unreadable value
        unread[:] = False
    return read, unread


def read_numbers(values: pd.Series) -> NDArray[np.float64]:
    """Return numbers of texts or numbers, NaN where none can be read.

    Full-width signs count as their half-width ones; commas may stand at the thousands, and a measure
    word behind.

    Examples
    --------
    >>> read_numbers(pd.Series(["12", "1,200 m2", "about 320", "2.5"])).tolist()
    [12.0, 1200.0, nan, 2.5]
    """
    numbers: NDArray[np.float64] = pd.to_numeric(values, errors="coerce").to_numpy(
        dtype=float, na_value=np.nan, copy=True
    )
    if not _is_textual(values):
        return numbers
    texts = values.astype("string")
    open_rows = np.isnan(numbers) & texts.notna().to_numpy(dtype=bool)
    if open_rows.any():
        plain = texts[open_rows].str.normalize("NFKC").str.strip()
        parts = plain.str.extract(_written_number(), expand=True)
        digits = parts["grouped"].str.replace(",", "").fillna(parts["plain"])
        numbers[open_rows] = pd.to_numeric(digits, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return numbers


@cache
def _writing() -> dict[str, Any]:
    return tomllib.loads((files("spatial.checks") / "writing.toml").read_text(encoding="utf-8"))


@cache
def _written_number() -> str:
    measures = "|".join(_writing()["measures"])
    grouped, plain = r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", r"[+-]?\d+(?:\.\d+)?"
    return rf"^(?:(?P<grouped>{grouped})|(?P<plain>{plain}))\s*(?:{measures})?$"


@cache
def _written_dates() -> tuple[str, ...]:
    year, month, day = (_writing()[name] for name in ("year", "month", "day"))
    return (
        rf"^{_YEAR}{year}?(?P<month>$)(?P<day>$)",
        rf"^{_YEAR}(?P<month>\d{{2}})(?P<day>\d{{2}}|$)$",
        rf"^{_ANY_YEAR}[-/.{year}](?P<month>\d{{1,2}}){month}?(?P<day>$)",
        rf"^{_ANY_YEAR}[-/.{year}](?P<month>\d{{1,2}})[-/.{month}](?P<day>\d{{1,2}}){day}?$",
    )


def _as_date(texts: pd.Series) -> pd.Series:
    """Return dates as ISO 8601 text of the precision they have; what is no date is null."""
    plain = texts.str.normalize("NFKC").str.strip()
    # What is ISO 8601 to the time of day stays as it is.
    read = plain.where(plain.str.match(r"\d{4}-\d{2}-\d{2}[T ]"))
    for pattern in _written_dates():
        parts = plain.str.extract(pattern, expand=True)
        month, day = (
            ("-" + parts[name].str.zfill(2)).mask(parts[name] == "", "") for name in ("month", "day")
        )
        read = read.fillna(parts["year"] + month + day)
    return read.where(pd.to_datetime(read, errors="coerce", format="ISO8601").notna().to_numpy())


def _is_textual(values: pd.Series) -> bool:
    return bool(pd.api.types.is_string_dtype(values.dtype) or values.dtype == object)


def _as_text(values: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        texts = values.dt.strftime("%Y-%m-%d").astype("string")
    elif pd.api.types.is_float_dtype(values.dtype):
        # A code that a spreadsheet read as a number: 110108001001.0 is 110108001001.
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        whole = np.isfinite(numbers) & (np.where(np.isfinite(numbers), numbers, 0.5) % 1 == 0)
        if whole.any() and (whole | np.isnan(numbers)).all():
            texts = values.astype("Int64").astype("string")
        else:
            texts = values.astype("Float64").astype("string")
    else:
        texts = values.astype("string")
    blank = (texts.str.strip() == "").to_numpy(dtype=bool, na_value=False)
    masked: pd.Series = texts.mask(blank)
    return masked


def _as_flag(values: pd.Series, missing: NDArray[np.bool_]) -> tuple[pd.Series, NDArray[np.bool_]]:
    if pd.api.types.is_bool_dtype(values.dtype) and values.dtype != object:
        return values.astype("boolean"), missing
    texts = _as_text(values).str.strip().str.lower()
    read = pd.Series(pd.NA, index=values.index, dtype="boolean")
    for meaning, words in _flag_words().items():
        read[texts.isin(words).to_numpy(dtype=bool, na_value=False)] = meaning
    return read, missing | texts.isna().to_numpy(dtype=bool)


@cache
def _flag_words() -> dict[bool, list[str]]:
    document = tomllib.loads((files("spatial.checks") / "flags.toml").read_text(encoding="utf-8"))
    return {True: document["true"], False: document["false"]}


def _own_column(values: pd.Series) -> pd.Series:
    """Return a column the schema does not know, in a type that keeps nulls through a file."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return _as_text(values)
    converted = values.convert_dtypes()
    return converted.astype("string") if converted.dtype == object else converted


def _with_geometry(
    table: Table, shaped: pd.DataFrame, raw: pd.DataFrame, labels: NDArray[np.object_]
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    if not _has_geometry(raw):
        findings = [Finding.of(Severity.ERROR, "checks.missing_geometry_column", table.name)]
        empty = gpd.GeoSeries([None] * len(shaped), index=shaped.index)
        return gpd.GeoDataFrame(shaped, geometry=empty), findings if len(raw) else []
    geometries = raw.geometry.to_numpy()
    findings = []
    with_height = shapely.has_z(geometries)
    if with_height.any():
        geometries = shapely.force_2d(geometries)
        findings.append(Finding.of(Severity.NOTE, "checks.heights_left_out", table.name, labels[with_height]))
    geometries = _plain(geometries)
    return gpd.GeoDataFrame(shaped, geometry=geometries, crs=raw.crs), findings


def _plain(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return geometries with empty ones as None and a multi geometry of one part as that part.

    The one form makes a town equal to itself after it went through a file format that knows only
    multi geometries.
    """
    plain = geometries.copy()
    plain[shapely.is_empty(plain)] = None
    single = np.isin(shapely.get_type_id(plain), _MULTI_TYPES) & (shapely.get_num_geometries(plain) == 1)
    plain[single] = shapely.get_geometry(plain[single], 0)
    return plain
