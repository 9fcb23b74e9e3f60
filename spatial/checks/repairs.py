"""Repairs: what can be put right without a guess, on request, each with its old and its new value.

A repair is *safe* when it changes neither what a row means nor any figure by more than a
hundredth: a polygon that crosses itself, overlapping communities where they overlap by a sliver, a row entered
twice in all its values, a street that ends less than a metre short of another, or on it without a vertex.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.checks.layers import only_where, usable
from spatial.checks.shaping import row_labels, shape_table
from spatial.checks.topology import loose_ends
from spatial.findings import Finding, Report, Severity
from spatial.schema import TABLES, Table

__all__ = ["Repaired", "repair_tables"]

_SAFE_CHANGE = 0.01


@dataclass(frozen=True)
class Repaired:
    """Tables after safe repairs.

    Attributes
    ----------
    tables : every table that was given; those without repairs are the same objects
    repairs : table with columns table, id, rule, column, old, new; geometries as WKT; ``new`` is null
        for a row that was taken out
    report : one note to each rule that repaired anything
    """

    tables: Mapping[str, pd.DataFrame]
    repairs: pd.DataFrame
    report: Report


class _Repair(NamedTuple):
    """One row of the table of repairs."""

    table: str
    id: str
    rule: str
    column: str | None
    old: str | None
    new: str | None


def repair_tables(tables: Mapping[str, pd.DataFrame]) -> Repaired:
    """Return raw or shaped tables of a town with everything repaired that is safe to repair.

    Parameters
    ----------
    tables : tables by the names of `spatial.schema.TABLES`; layers in a metric reference system
    """
    repaired: dict[str, pd.DataFrame] = dict(tables)
    rows: list[_Repair] = []
    for table in TABLES.values():
        if table.name not in tables:
            continue
        frame, _ = shape_table(table, tables[table.name])
        before = len(rows)
        frame = _without_doubles(table, frame, rows)
        if isinstance(frame, gpd.GeoDataFrame):
            frame = _with_valid_polygons(table, frame, rows)
            if table.name == "communities":
                frame = _without_slivers(table, frame, rows)
            if table.name == "streets":
                frame = _with_joined_ends(table, frame, rows)
        if len(rows) > before:
            repaired[table.name] = frame
    repairs = pd.DataFrame(rows, columns=list(_Repair._fields))
    notes = [
        Finding.of(Severity.NOTE, f"checks.repaired_{rule}", str(name), list(group["id"]), count=len(group))
        for (rule, name), group in repairs.groupby(["rule", "table"], sort=False)
    ]
    return Repaired(repaired, repairs, Report(tuple(notes)))


def _without_doubles(table: Table, frame: pd.DataFrame, rows: list[_Repair]) -> pd.DataFrame:
    """Take out rows that equal an earlier one in all their values."""
    if not table.id_column:
        return frame
    plain = pd.DataFrame(frame.reset_index())
    if isinstance(frame, gpd.GeoDataFrame):
        plain["geometry"] = shapely.to_wkb(frame.geometry.to_numpy(), hex=True)
    doubled = plain.duplicated().to_numpy(dtype=bool) & plain[table.id_column].notna().to_numpy(dtype=bool)
    labels = row_labels(table, frame)[doubled]
    rows.extend(_Repair(table.name, label, "double", None, label, None) for label in labels)
    return frame[~doubled]


def _with_valid_polygons(table: Table, layer: gpd.GeoDataFrame, rows: list[_Repair]) -> gpd.GeoDataFrame:
    geometries = layer.geometry.to_numpy().copy()
    faulty = np.flatnonzero(
        shapely.is_geometry(geometries)
        & ~shapely.is_valid(geometries)
        & np.isfinite(shapely.bounds(geometries)).all(axis=1)
        & np.isfinite(shapely.length(geometries))
    )
    labels = row_labels(table, layer)
    for number in faulty:
        old = geometries[number]
        new = _polygons_of(shapely.make_valid(old, method="structure", keep_collapsed=False))
        # A bow tie has no area before and two triangles after: which was meant is a guess, so it stays.
        outline = shapely.area(shapely.convex_hull(old))
        if new is not None and abs(shapely.area(new) - shapely.area(old)) <= _SAFE_CHANGE * outline:
            geometries[number] = new
            rows.append(
                _Repair(
                    table.name,
                    labels[number],
                    "invalid_geometry",
                    "geometry",
                    shapely.to_wkt(old),
                    shapely.to_wkt(new),
                )
            )
    return layer.set_geometry(gpd.GeoSeries(geometries, index=layer.index, crs=layer.crs))


def _polygons_of(geometry: shapely.Geometry) -> shapely.Geometry | None:
    parts = shapely.get_parts(geometry)
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    if not len(parts):
        return None
    whole: shapely.Geometry = parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
    return whole


def _without_slivers(table: Table, layer: gpd.GeoDataFrame, rows: list[_Repair]) -> gpd.GeoDataFrame:
    """Take a small overlap of two communities from the later one."""
    geometries = only_where(usable(layer), layer.geometry.to_numpy())
    labels = row_labels(table, layer)
    first, second = shapely.STRtree(geometries).query(geometries, predicate="intersects")
    for one, other in zip(first[first < second], second[first < second], strict=True):
        shared = shapely.area(shapely.intersection(geometries[one], geometries[other]))
        least = min(shapely.area(geometries[one]), shapely.area(geometries[other]))
        if 0 < shared <= _SAFE_CHANGE * least:
            new = _polygons_of(shapely.difference(geometries[other], geometries[one]))
            if new is not None:
                old, geometries[other] = geometries[other], new
                rows.append(
                    _Repair(
                        table.name,
                        labels[other],
                        "overlap",
                        "geometry",
                        shapely.to_wkt(old),
                        shapely.to_wkt(new),
                    )
                )
    kept = np.where(shapely.is_geometry(geometries), geometries, layer.geometry.to_numpy())
    return layer.set_geometry(gpd.GeoSeries(kept, index=layer.index, crs=layer.crs))


def _with_joined_ends(table: Table, layer: gpd.GeoDataFrame, rows: list[_Repair]) -> gpd.GeoDataFrame:
    """Lengthen a street to the one it stops short of, and give that a vertex where the two meet."""
    geometries: NDArray[np.object_] = layer.geometry.to_numpy().copy()
    ends = loose_ends(layer, only_where(usable(layer), geometries))
    before = geometries.copy()
    xy = shapely.get_coordinates(ends.point)
    for number, at_end, place in zip(ends.street, ends.last, xy, strict=True):
        points = shapely.get_coordinates(geometries[number])
        place_row = place[None, :]
        if np.hypot(*(points[-1 if at_end else 0] - place)) > 0:
            joined = [points, place_row] if at_end else [place_row, points]
            geometries[number] = shapely.LineString(np.vstack(joined))
    for number in np.unique(ends.other):
        geometries[number] = _with_vertices(geometries[number], xy[ends.other == number])
    labels = row_labels(table, layer)
    lengthened = set(ends.street.tolist())
    for number in sorted(lengthened | set(ends.other.tolist())):
        old, new = shapely.to_wkt(before[number]), shapely.to_wkt(geometries[number])
        if old != new:
            rule = "street_end" if number in lengthened else "street_vertex"
            rows.append(_Repair(table.name, labels[number], rule, "geometry", old, new))
    return layer.set_geometry(gpd.GeoSeries(geometries, index=layer.index, crs=layer.crs))


def _with_vertices(line: shapely.Geometry, places: NDArray[np.float64]) -> shapely.Geometry:
    """Return a line with further vertices, each where it lies along it; of several lines none."""
    if shapely.get_type_id(line) != shapely.GeometryType.LINESTRING:
        return line
    points = shapely.get_coordinates(line)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    added = shapely.line_locate_point(np.array([line]), shapely.points(places))
    order = np.argsort(np.concatenate([along, added]), kind="stable")
    every = np.vstack([points, places])[order]
    keep = np.concatenate([[True], np.hypot(*np.diff(every, axis=0).T) > 0])
    made: shapely.Geometry = shapely.LineString(every[keep])
    return made
