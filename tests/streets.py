"""Tiny street towns for the tests of the walking engine, made of plain coordinates in metres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import pyproj
from shapely.geometry import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from spatial.schema import TABLES
from spatial.town import DTYPES, Town, empty_table

CRS = pyproj.CRS("EPSG:4549")
Row = Mapping[str, Any]


def street_town(**rows: Sequence[Row]) -> Town:
    """Make a town of rows by table; a row is its columns, and a geometry is given as it is."""
    tables = {name: _table(name, rows.get(name, ())) for name in TABLES}
    return Town("test town", CRS, tables, {"synthetic": "true"})


def _table(name: str, rows: Sequence[Row]) -> pd.DataFrame:
    table = TABLES[name]
    frame = empty_table(table, CRS)
    if not rows:
        return frame
    given = pd.DataFrame(list(rows))
    for column in table.columns:
        values = given[column.name] if column.name in given else pd.Series(pd.NA, index=given.index)
        given[column.name] = values.astype(DTYPES[column.kind])
    if table.id_column:
        given = given.set_index(table.id_column)
    return gpd.GeoDataFrame(given, geometry="geometry", crs=CRS) if table.is_layer else given


def street(street_id: str, *xy: tuple[float, float], **columns: Any) -> Row:
    return {"street_id": street_id, "geometry": LineString(xy), **columns}


def building(building_id: str, x: float, y: float, households: int | None = 10, **columns: Any) -> Row:
    return {
        "building_id": building_id,
        "geometry": Point(x, y),
        "households": households,
        "use": "residential",
        **columns,
    }


def facility(facility_id: str, x: float, y: float, **columns: Any) -> Row:
    return {"facility_id": facility_id, "geometry": Point(x, y), **columns}


def service(facility_id: str, category: str = "kindergarten", **columns: Any) -> Row:
    return {"facility_id": facility_id, "category": category, **columns}


def estate(estate_id: str, shape: BaseGeometry, *, walled: bool | None = True) -> Row:
    return {"estate_id": estate_id, "geometry": shape, "walled": walled}


def gate(gate_id: str, estate_id: str, x: float, y: float, *, is_open: bool | None = True) -> Row:
    return {"gate_id": gate_id, "estate_id": estate_id, "geometry": Point(x, y), "open": is_open}


def barrier(kind: str, *xy: tuple[float, float], area: bool = False, **columns: Any) -> Row:
    return {"kind": kind, "geometry": Polygon(xy) if area else LineString(xy), **columns}


__all__ = [
    "CRS",
    "barrier",
    "box",
    "building",
    "estate",
    "facility",
    "gate",
    "service",
    "street",
    "street_town",
]
