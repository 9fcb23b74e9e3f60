"""Placing: where the rows of a source lie, in the reference system or datum that the mapping names."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError as UnknownCRSError

from spatial.crs import DATUMS, to_wgs84
from spatial.errors import RulesError
from spatial.findings import Finding, Severity
from spatial.io.mapping import LayerRule

__all__ = ["place", "reference_system"]

_WGS84 = pyproj.CRS.from_epsg(4326)


def place(frame: pd.DataFrame, rule: LayerRule, layer: str) -> tuple[gpd.GeoDataFrame, tuple[Finding, ...]]:
    """Return the rows as a layer in a reference system that pyproj knows.

    The place is the geometry of the rows, or the text of the column ``wkt``, or the numbers of ``x`` and
    ``y``.  Coordinates in GCJ-02 or BD-09 become WGS 84.  A row whose place cannot be read has none.

    Raises
    ------
    RulesError
        If the mapping names no place, a column that is absent, or an unknown reference system.
    """
    findings: list[Finding] = []
    geometries, crs = _geometries(frame, rule, layer)
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
        texts = (
            frame[rule.wkt].astype("string").astype(object).where(frame[rule.wkt].notna(), None).to_numpy()
        )
        return shapely.from_wkt(texts, on_invalid="ignore"), None
    if rule.x and rule.y:
        x, y = (_numbers(frame[column]) for column in (rule.x, rule.y))
        points = np.asarray(shapely.points(x, y), dtype=object)
        points[~(np.isfinite(x) & np.isfinite(y))] = None
        return points, None
    if isinstance(frame, gpd.GeoDataFrame):
        return frame.geometry.to_numpy(), None if frame.crs is None else pyproj.CRS(frame.crs)
    return np.full(len(frame), None, dtype=object), None


def _numbers(values: pd.Series) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = pd.to_numeric(values, errors="coerce").to_numpy(
        dtype=float, na_value=np.nan
    )
    return numbers
