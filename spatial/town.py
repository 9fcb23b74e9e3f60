"""A town: the tables of one study area, ready to be planned with.

A *town* is a county seat, a district or a prefecture.  Its tables follow `spatial.schema`: a table
with ids is indexed by them, every column of the schema is present (null where nothing is known),
and all layers share one metric coordinate reference system.  A Town is not changed: a what-if is a
new Town or a scenario upon it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.findings import Report
from spatial.schema import COMMON_COLUMNS, Column, Table

if TYPE_CHECKING:
    import pyproj

__all__ = ["DTYPES", "Town", "code_version", "empty_table", "fingerprint", "row_hashes"]

# Pandas types that keep a null a null: a count with a gap must not become a float.
DTYPES: Mapping[str, str] = MappingProxyType(
    {"text": "string", "whole": "Int64", "number": "Float64", "flag": "boolean", "date": "string"}
)

# Coordinates enter the fingerprint in whole millimetres, so that a round trip through a file keeps it.
_FINGERPRINT_STEP_M = 1e-3
_MIXING_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no hash is lost


@dataclass(frozen=True)
class Town:
    """The tables of one study area.

    Attributes
    ----------
    name : what the place is called
    crs : the metric reference system of every layer
    tables : every table of the schema by name, empty ones included; layers are GeoDataFrames
    provenance : where the data come from, as text by key: ``synthetic`` ("true" or "false"),
        ``source``, ``licence``, ``generator``, ``seed``, ``imported_at``, …
    report : what the checks found when the town was made; never holds an error

    Examples
    --------
    >>> town.buildings.loc["B0001", "households"]  # doctest: +SKIP
    24
    """

    name: str
    crs: pyproj.CRS
    tables: Mapping[str, pd.DataFrame]
    provenance: Mapping[str, str] = field(default_factory=dict)
    report: Report = field(default_factory=Report)

    def layer(self, name: str) -> gpd.GeoDataFrame:
        """Return a layer: a table with geometry."""
        table = self.tables[name]
        if not isinstance(table, gpd.GeoDataFrame):
            raise KeyError(name)
        return table

    @property
    def communities(self) -> gpd.GeoDataFrame:
        """Polygons that hold grids; a grid never crosses one."""
        return self.layer("communities")

    @property
    def estates(self) -> gpd.GeoDataFrame:
        """Residential compounds, often walled, with gates."""
        return self.layer("estates")

    @property
    def buildings(self) -> gpd.GeoDataFrame:
        """Buildings, which carry households."""
        return self.layer("buildings")

    @property
    def streets(self) -> gpd.GeoDataFrame:
        """Street and path centre lines."""
        return self.layer("streets")

    @property
    def barriers(self) -> gpd.GeoDataFrame:
        """Rivers, railways, walls and others that part what lies on both sides."""
        return self.layer("barriers")

    @property
    def gates(self) -> gpd.GeoDataFrame:
        """Points where a walled estate can be entered."""
        return self.layer("gates")

    @property
    def facilities(self) -> gpd.GeoDataFrame:
        """Places that offer services."""
        return self.layer("facilities")

    @property
    def services(self) -> pd.DataFrame:
        """One row to a facility and a category of service it offers."""
        return self.tables["services"]

    @property
    def synthetic(self) -> bool:
        """Whether the town was made up; every output then says so."""
        return self.provenance.get("synthetic") == "true"

    def fingerprint(self) -> str:
        """Return the fingerprint of the tables, whatever the order of rows and columns."""
        return fingerprint(self.tables)


def empty_table(table: Table, crs: pyproj.CRS | str | None = None) -> pd.DataFrame:
    """Return a table of the schema without rows; a layer is in ``crs``."""
    frame = _without_rows(table).copy()
    if crs is not None and isinstance(frame, gpd.GeoDataFrame):
        placed: pd.DataFrame = frame.set_crs(crs)
        return placed
    return frame


@cache
def _without_rows(table: Table) -> pd.DataFrame:
    # Made once and copied: a town has a dozen of them, and a frame is made column by column.
    columns = {
        column.name: pd.Series(dtype=DTYPES[column.kind]) for column in (*table.columns, *COMMON_COLUMNS)
    }
    frame = pd.DataFrame(columns)
    if table.id_column:
        frame = frame.set_index(table.id_column)
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([])) if table.is_layer else frame


def fingerprint(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return a SHA-256 over the content of tables, as 64 hexadecimal digits.

    The order of rows, of columns and of tables leaves it, and so does a column without any value;
    coordinates count in whole millimetres.  Two towns with one fingerprint plan alike.
    """
    digest = hashlib.sha256()
    for name in sorted(tables):
        frame = tables[name]
        if not frame.empty:
            digest.update(f"{name}\x1d{len(frame)}\x1d".encode())
            digest.update(np.sort(row_hashes(frame)).astype("<u8").tobytes())
    return digest.hexdigest()


def code_version() -> str:
    """Return the version of the code, for provenance; '' when it runs from a checkout that is not installed."""
    try:
        return version("wangge")
    except PackageNotFoundError:
        return ""


def row_hashes(frame: pd.DataFrame) -> NDArray[np.uint64]:
    """Return a 64-bit hash of every row, (n,), that the order of columns and rows leaves as it is.

    A missing value adds nothing, and equal numbers are equal in every numeric type.
    """
    named = frame.reset_index() if frame.index.name else frame
    total = np.zeros(len(named), np.uint64)
    for name in named.columns:
        missing = named[name].isna().to_numpy()
        if missing.all():
            continue
        salt = pd.util.hash_array(np.array([name], object))[0]
        # The sum over columns must tell (1, 2) from (2, 1), so each column has a mixing of its own.
        mixed = (_value_hashes(name, named[name]) ^ salt) * _MIXING_FACTOR
        mixed = (mixed ^ (mixed >> np.uint64(32))) * _MIXING_FACTOR
        total += np.where(missing, np.uint64(0), mixed)
    return total


def _value_hashes(name: str, column: pd.Series) -> NDArray[np.uint64]:
    if name == "geometry":
        rounded = shapely.transform(
            column.to_numpy(), lambda xy: np.round(xy / _FINGERPRINT_STEP_M) * _FINGERPRINT_STEP_M + 0.0
        )
        wkb = shapely.to_wkb(shapely.normalize(rounded)).astype(object)
        return pd.util.hash_array(wkb, categorize=False)
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        return pd.util.hash_array(column.to_numpy(float, na_value=np.nan) + 0.0)
    codes, different = pd.factorize(column.astype("string"))
    texts = pd.util.hash_array(different.to_numpy(object), categorize=False)
    return np.append(texts, np.uint64(0))[codes]


def column_of(table: Table, name: str) -> Column | None:
    """Return the schema's column of a name, common columns included, or None when it has none."""
    return next((column for column in (*table.columns, *COMMON_COLUMNS) if column.name == name), None)
