"""Reports as files: findings and repairs on the map, for QGIS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray

from spatial.checks import row_labels
from spatial.findings import Finding, Report
from spatial.io.packages import written_whole
from spatial.schema import TABLES

__all__ = ["write_findings"]


def write_findings(
    report: Report,
    tables: Mapping[str, pd.DataFrame],
    crs: pyproj.CRS | None,
    path: Path | str,
    repairs: pd.DataFrame | None = None,
) -> Path:
    """Write findings as a GeoPackage: a point for each row that a finding names, in the current language.

    Parameters
    ----------
    report : the findings
    tables : the tables they are about, shaped, layers in ``crs``
    crs : reference system of the points; None when no table has a place
    path : file to write
    repairs : repairs with old and new value, as a table beside

    Returns
    -------
    Path
        The file: layer ``findings`` (severity, rule, table, id, expected, found, remedy), one point
        to a row; table ``findings_without_place`` for those that name no row with a place.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    frame = pd.concat([_rows(number, finding) for number, finding in enumerate(report)] or [_NO_ROWS])
    points = np.full(len(frame), None, dtype=object)
    for table in frame["table"].dropna().unique():
        layer = tables.get(str(table))
        if isinstance(layer, gpd.GeoDataFrame) and len(layer) and table in TABLES:
            rows = (frame["table"] == table).to_numpy(dtype=bool, na_value=False)
            points[rows] = _points(layer, row_labels(TABLES[str(table)], layer), frame["id"][rows])
    for number, finding in enumerate(report):
        if {"x", "y"} <= set(finding.statement.values):  # a place that is no row
            named = (frame["number"] == number).to_numpy()
            points[named] = shapely.Point(finding.statement.values["x"], finding.statement.values["y"])
    placed = shapely.is_geometry(points)
    frame = frame.drop(columns="number")
    layer = gpd.GeoDataFrame(frame[placed], geometry=points[placed], crs=crs or "EPSG:4326")
    with written_whole(path) as partial:
        pyogrio.write_dataframe(layer, partial, layer="findings", driver="GPKG", geometry_type="Point")
        for name, table in (("findings_without_place", frame[~placed]), ("repairs", repairs)):
            if table is not None and len(table):
                pyogrio.write_dataframe(table, partial, layer=name, driver="GPKG", append=True)
    return Path(path)


_COLUMNS = ("severity", "rule", "table", "id", "expected", "found", "remedy")
_NO_ROWS = pd.DataFrame({name: pd.Series(dtype="string") for name in ("number", *_COLUMNS)})


def _rows(number: int, finding: Finding) -> pd.DataFrame:
    """Return one row to each id that a finding names, or one row."""
    said = finding.as_record()
    labels = pd.array(finding.statement.ids or ("",), dtype="string")
    rows = pd.DataFrame({"number": number, "id": labels})
    for name in _COLUMNS:
        if name != "id":
            rows[name] = pd.Series([said[name]] * len(rows), dtype="string")
    return rows[["number", *_COLUMNS]]


def _points(layer: gpd.GeoDataFrame, labels: NDArray[np.object_], ids: pd.Series) -> NDArray[np.object_]:
    """Return for each id a point on the row of that label, None where none has it or it has no place."""
    # A pair of rows is called one×other and shown at the first.
    wanted = ids.str.partition("×")[0]
    known = pd.Index(labels.astype(str))
    first = pd.Series(np.arange(len(known)), index=known)[~known.duplicated()]
    at = wanted.map(first).to_numpy(dtype=float, na_value=np.nan)
    found = np.isfinite(at)
    points = np.full(len(ids), None, dtype=object)
    shapes = layer.geometry.to_numpy()[at[found].astype(np.int64)]
    finite = np.isfinite(shapely.bounds(shapes)).all(axis=1)
    shapes[~finite] = None
    points[found] = shapely.point_on_surface(shapes)
    return points
