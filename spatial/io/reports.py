"""Reports as files: findings and repairs on the map, for QGIS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj

from spatial.findings import Report
from spatial.io.packages import written_whole

__all__ = ["write_findings"]


def write_findings(
    report: Report,
    tables: Mapping[str, pd.DataFrame],
    crs: pyproj.CRS,
    path: Path | str,
    repairs: pd.DataFrame | None = None,
) -> Path:
    """Write findings as a GeoPackage: a point for each row that a finding names, in the current language.

    Parameters
    ----------
    report : the findings
    tables : the tables they are about, layers in ``crs`` and indexed by their ids
    crs : reference system of the points
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
    places = {
        name: layer.geometry.representative_point()
        for name, layer in tables.items()
        if isinstance(layer, gpd.GeoDataFrame) and layer.index.name is not None
    }
    rows: list[dict[str, object]] = []
    points: list[object] = []
    for finding in report:
        said = finding.as_record()
        shared = {key: said[key] for key in ("severity", "rule", "table", "expected", "found", "remedy")}
        located = places.get(str(finding.statement.table))
        for label in finding.statement.ids or ("",):
            # A pair of rows is called one×other and shown at the first.
            first = label.partition("×")[0]
            known = located is not None and first in located.index
            rows.append({**shared, "id": label})
            points.append(located.loc[first] if located is not None and known else None)
    frame = pd.DataFrame(rows, columns=["severity", "rule", "table", "id", "expected", "found", "remedy"])
    placed = np.array([point is not None for point in points], dtype=bool)
    layer = gpd.GeoDataFrame(
        frame[placed], geometry=[point for point in points if point is not None], crs=crs
    )
    with written_whole(path) as partial:
        pyogrio.write_dataframe(layer, partial, layer="findings", driver="GPKG", geometry_type="Point")
        for name, table in (("findings_without_place", frame[~placed]), ("repairs", repairs)):
            if table is not None and len(table):
                pyogrio.write_dataframe(table, partial, layer=name, driver="GPKG", append=True)
    return Path(path)
