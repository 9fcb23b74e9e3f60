"""Mending: a package is checked, repaired where that is safe, and its findings are kept for the map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyproj

from spatial.checks import make_town, reference_is_sound, repair_tables, shape_table
from spatial.crs import metric_crs
from spatial.errors import SchemaError
from spatial.findings import Report
from spatial.io.packages import read_tables
from spatial.io.reports import write_findings
from spatial.schema import TABLES
from spatial.town import Town

__all__ = ["CheckedPackage", "check_package", "write_account"]


@dataclass(frozen=True)
class CheckedPackage:
    """What the checks say of a package.

    Attributes
    ----------
    town : the town, after the repairs; None when an error stands
    tables : the raw tables, after the repairs, layers in ``crs``
    crs : a metric reference system; None when no layer has any
    repairs : table of repairs with old and new value
    report : every finding, those about repairs first
    """

    town: Town | None
    tables: Mapping[str, pd.DataFrame]
    crs: pyproj.CRS | None
    repairs: pd.DataFrame = field(default_factory=pd.DataFrame)
    report: Report = field(default_factory=Report)


def check_package(path: Path | str, *, repair: bool = False) -> CheckedPackage:
    """Check a town package, and repair first what is safe to repair, on request.

    Raises
    ------
    FileError
        If the file is missing, is no GeoPackage, or holds something else than a town.
    """
    name, crs, tables, provenance = read_tables(path)
    layers = {
        one: layer for one, layer in tables.items() if isinstance(layer, gpd.GeoDataFrame) and len(layer)
    }
    # Where a reference system is wrong nothing can be measured: the checks below say so.
    sound = all(reference_is_sound(TABLES[one], layer) for one, layer in layers.items() if one in TABLES)
    if crs is not None and sound and not crs.is_projected and "buildings" in layers:
        crs = metric_crs(layers["buildings"])
        tables |= {one: layer.to_crs(crs) for one, layer in layers.items()}
    repaired = repair_tables(tables if repair and sound and crs is not None else {})
    tables |= repaired.tables
    try:
        town = make_town(name, crs, tables, provenance)
    except SchemaError as failure:
        return CheckedPackage(None, tables, crs, repaired.repairs, repaired.report + failure.report)
    return CheckedPackage(town, tables, crs, repaired.repairs, repaired.report + town.report)


def write_account(
    report: Report,
    tables: Mapping[str, pd.DataFrame],
    crs: pyproj.CRS | None,
    path: Path | str,
    repairs: pd.DataFrame,
) -> Path:
    """Write findings and repairs about raw tables for QGIS (`spatial.io.write_findings`).

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    shaped = {name: shape_table(TABLES[name], table)[0] for name, table in tables.items() if name in TABLES}
    return write_findings(report, shaped, crs, path, repairs)
