"""Placing: where the rows of a source lie, in the reference system or datum that the mapping names."""

from __future__ import annotations

import re
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError as UnknownCRSError

from spatial.checks import read_numbers
from spatial.crs import DATUMS, to_wgs84
from spatial.errors import RulesError
from spatial.findings import Finding, Severity
from spatial.io.mapping import LayerRule
from spatial.io.vocabulary import words
from spatial.schema import TABLES

__all__ = ["place", "read_coordinates", "read_shapes", "reference_system"]

_WGS84 = pyproj.CRS.from_epsg(4326)
_VALUES_SHOWN = 3
_SIGNS_SHOWN = 40
# Two numbers in one cell, as map vendors write a point: 116.3912,39.9075.
_PAIR = r"^[(\[]?(?P<x>-?\d+(?:\.\d+)?)(?:[,;/、]|\s)\s*(?P<y>-?\d+(?:\.\d+)?)[)\]]?$"


def place(frame: pd.DataFrame, rule: LayerRule, layer: str) -> tuple[gpd.GeoDataFrame, tuple[Finding, ...]]:
    """Return the rows as a layer in a reference system that pyproj knows.

    The place is the geometry of the rows, or the text of the column ``wkt`` (`read_shapes`), or the numbers
    of ``x`` and ``y``, which may be written in degrees, minutes and seconds.  Coordinates in GCJ-02 or BD-09
    become WGS 84.  A row whose place cannot be read has none, with a warning; 0, 0 is no place, but what forms
    and programs write for one that is unknown.  A closed line is an outline where the table holds outlines.

    Raises
    ------
    RulesError
        If the mapping names no place, a column that is absent, or an unknown reference system.
    """
    findings: list[Finding] = []
    geometries, crs = _geometries(frame, rule, layer)
    geometries, more = _without_unplaced(geometries, frame, rule, layer)
    findings += more
    geometries, closed = _outlines(geometries, rule)
    if closed:
        findings.append(Finding.of(Severity.NOTE, "io.lines_closed", rule.table, layer=layer, count=closed))
    if rule.swap:
        geometries = shapely.transform(geometries, lambda xy: xy[:, ::-1])
    if rule.crs in DATUMS:
        geometries = shapely.transform(geometries, lambda xy: to_wgs84(xy, rule.crs))
        crs = _WGS84
        findings.append(
            Finding.of(Severity.NOTE, "io.datum_converted", rule.table, layer=layer, datum=rule.crs)
        )
    elif rule.crs:
        declared = reference_system(rule.crs)
        if crs is not None and not crs.equals(declared):
            findings.append(
                Finding.of(
                    Severity.WARNING,
                    "io.reference_overruled",
                    rule.table,
                    layer=layer,
                    declared=declared.name,
                    file=crs.name,
                )
            )
        crs = declared
    return gpd.GeoDataFrame(
        frame.drop(columns="geometry", errors="ignore"), geometry=geometries, crs=crs
    ), tuple(findings)


def reference_system(name: str) -> pyproj.CRS:
    """Return the reference system of a name, an EPSG code or a WKT text.

    Raises
    ------
    RulesError
        If pyproj knows no such system.
    """
    try:
        return pyproj.CRS.from_user_input(name)
    except UnknownCRSError as error:
        raise RulesError("io.reference_unknown", name=name, datums="、".join(DATUMS)) from error


def _geometries(
    frame: pd.DataFrame, rule: LayerRule, layer: str
) -> tuple[NDArray[np.object_], pyproj.CRS | None]:
    for column in (rule.wkt, rule.x, rule.y):
        if column and column not in frame.columns:
            raise RulesError("io.place_column_missing", layer=layer, column=column)
    if rule.wkt:
        return read_shapes(frame[rule.wkt]), None
    if rule.x and rule.y:
        x, y = (read_coordinates(frame[column]) for column in (rule.x, rule.y))
        points = np.asarray(shapely.points(x, y), dtype=object)
        points[~(np.isfinite(x) & np.isfinite(y))] = None
        return points, None
    if isinstance(frame, gpd.GeoDataFrame):
        return frame.geometry.to_numpy(), None if frame.crs is None else pyproj.CRS(frame.crs)
    return np.full(len(frame), None, dtype=object), None


def read_shapes(values: pd.Series) -> NDArray[np.object_]:
    """Return the shapes of WKT, or of the two numbers of a point; None where none can be read.

    Examples
    --------
    >>> [str(one) for one in read_shapes(pd.Series(["POINT (1 2)", "116.5,39.9", "gate"]))]
    ['POINT (1 2)', 'POINT (116.5 39.9)', 'None']
    """
    texts = values.astype("string").str.normalize("NFKC").str.strip()
    shapes = np.asarray(
        shapely.from_wkt(texts.astype(object).where(texts.notna(), None).to_numpy(), on_invalid="ignore")
    )
    pairs = texts.str.extract(_PAIR, expand=True).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    is_pair = np.isfinite(pairs).all(axis=1)
    shapes[is_pair] = shapely.points(pairs[is_pair])
    return shapes


def read_coordinates(values: pd.Series) -> NDArray[np.float64]:
    """Return coordinates of texts or numbers, NaN where none can be read.

    Examples
    --------
    >>> read_coordinates(pd.Series(["116.5", "116°30′0″", "116°30′ W", "gate"])).tolist()
    [116.5, 116.5, -116.5, nan]
    """
    numbers = read_numbers(values)
    open_rows = np.isnan(numbers) & values.notna().to_numpy(dtype=bool)
    if open_rows.any():
        plain = values[open_rows].astype("string").str.normalize("NFKC").str.replace(" ", "")
        parts = plain.str.extract(_written_degrees(), expand=True)
        degrees, minutes, seconds = (
            pd.to_numeric(parts[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
            for name in ("degrees", "minutes", "seconds")
        )
        west_or_south = (
            parts["half"].isin(words("degrees", "negative")) | parts["end"].isin(["W", "S"])
        ).to_numpy()
        size = degrees + np.nan_to_num(minutes) / 60 + np.nan_to_num(seconds) / 3600
        numbers[open_rows] = np.where(west_or_south, -size, size)
    return numbers


@cache
def _written_degrees() -> str:
    degree, minute, second, positive, negative = (
        "|".join(map(re.escape, words("degrees", name)))
        for name in ("degree", "minute", "second", "positive", "negative")
    )
    number = r"\d+(?:\.\d+)?"
    return (
        rf"^(?P<half>{positive}|{negative})?(?P<degrees>{number})(?:{degree})"
        rf"(?:(?P<minutes>{number})(?:{minute}))?(?:(?P<seconds>{number})(?:{second}))?(?P<end>[ENWS])?$"
    )


def _without_unplaced(
    geometries: NDArray[np.object_], frame: pd.DataFrame, rule: LayerRule, layer: str
) -> tuple[NDArray[np.object_], list[Finding]]:
    """Return geometries without those at 0, 0, and warnings about these and about places not read."""
    findings = []
    written = [column for column in (rule.wkt, rule.x, rule.y) if column]
    if written:
        told = frame[written].astype("string").apply(lambda one: one.str.strip().fillna("") != "")
        unread = ~shapely.is_geometry(geometries) & told.all(axis=1).to_numpy(dtype=bool)
        if unread.any():
            texts = frame.loc[unread, written].astype("string").agg(" ".join, axis=1).unique()
            findings.append(
                Finding.of(
                    Severity.WARNING,
                    "io.place_unread",
                    rule.table,
                    layer=layer,
                    columns="、".join(written),
                    count=int(unread.sum()),
                    values="、".join(one[:_SIGNS_SHOWN] for one in texts[:_VALUES_SHOWN]),
                )
            )
    bounds = shapely.bounds(geometries).reshape(-1, 4)
    nowhere = (bounds == 0).all(axis=1)
    if nowhere.any():
        geometries = geometries.copy()
        geometries[nowhere] = None
        findings.append(
            Finding.of(Severity.WARNING, "io.place_zero", rule.table, layer=layer, count=int(nowhere.sum()))
        )
    return geometries, findings


def _outlines(geometries: NDArray[np.object_], rule: LayerRule) -> tuple[NDArray[np.object_], int]:
    """Return geometries in which closed lines are polygons where the table holds no lines, and how many."""
    shapes = TABLES[rule.table].shapes
    types = shapely.get_type_id(geometries)
    linear = np.isin(types, (shapely.GeometryType.LINESTRING, shapely.GeometryType.LINEARRING))
    if "line" in shapes:
        rings = types == shapely.GeometryType.LINEARRING
        if rings.any():
            geometries = geometries.copy()
            geometries[rings] = [shapely.LineString(one.coords) for one in geometries[rings]]
        return geometries, 0
    closed = linear & shapely.is_closed(geometries) & (shapely.get_num_coordinates(geometries) >= 4)
    if "polygon" not in shapes or not closed.any():
        return geometries, 0
    geometries = geometries.copy()
    geometries[closed] = shapely.polygons([shapely.LinearRing(one.coords) for one in geometries[closed]])
    return geometries, int(closed.sum())
