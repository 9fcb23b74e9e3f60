"""Layers: reference systems and shapes, layer by layer.

A layer must have a reference system that fits its coordinates, geometries of the types its schema
allows, finite coordinates and valid polygons, and lie where the other layers lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from spatial.checks.shaping import row_labels
from spatial.crs import leads_to_degrees
from spatial.findings import Finding, Severity
from spatial.schema import TABLES, Table

__all__ = ["check_layer", "check_places", "check_reference", "only_where", "reference_is_sound", "usable"]

_TYPES = {
    "point": (shapely.GeometryType.POINT,),
    "line": (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING),
    "polygon": (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON),
}
# A list of estates or services from an office may have no place yet; it still holds totals.
_MAY_LACK_PLACE = frozenset({"estates"})
# A town spans less than this in degrees, and far more than this in metres.
_TOWN_EXTENT_DEGREES = 2.0
# Coordinates this far outside the area a reference system is made for are not in that system.
_AREA_OF_USE_MARGIN_DEGREES = 5.0
# Layers of one town that lie this far apart are not of one town.
_ELSEWHERE_M = 20_000.0
# No town and no prefecture reaches so far from its middle.
_FAR_M = 500_000.0


def check_reference(table: Table, layer: gpd.GeoDataFrame) -> list[Finding]:
    """Return an error when a reference system is absent, leads nowhere, or cannot be that of its layer."""
    geometries = layer.geometry.to_numpy()
    present = geometries[shapely.is_geometry(geometries)]
    bounds = shapely.bounds(present)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(bounds):
        return []
    west, south = bounds[:, :2].min(axis=0).tolist()
    east, north = bounds[:, 2:].max(axis=0).tolist()
    values = {"west": west, "south": south, "east": east, "north": north}
    if layer.crs is None:
        return [Finding.of(Severity.ERROR, "checks.reference_missing", table.name, **values)]
    crs = pyproj.CRS(layer.crs)
    if not leads_to_degrees(crs):
        return [Finding.of(Severity.ERROR, "checks.reference_unusable", table.name, **values, crs=_name(crs))]
    within_degrees = abs(west) <= 180 and abs(east) <= 180 and abs(south) <= 90 and abs(north) <= 90
    named = {**values, "crs": _name(crs)}
    if crs.is_geographic and not within_degrees:
        return [Finding.of(Severity.ERROR, "checks.degrees_expected", table.name, **named)]
    extent = max(east - west, north - south)
    if not crs.is_geographic and within_degrees and 0 < extent < _TOWN_EXTENT_DEGREES:
        return [Finding.of(Severity.ERROR, "checks.metres_expected", table.name, **named)]
    return _outside_area_of_use(table, crs, named)


def reference_is_sound(table: Table, layer: gpd.GeoDataFrame) -> bool:
    """Return whether the coordinates of a layer can be those of its reference system (`check_reference`)."""
    return all(finding.severity is not Severity.ERROR for finding in check_reference(table, layer))


def _outside_area_of_use(table: Table, crs: pyproj.CRS, named: Mapping[str, Any]) -> list[Finding]:
    """Return a warning when the middle of a layer is not where its reference system is used."""
    area = crs.area_of_use
    if area is None or area.west >= area.east:
        return []
    to_degrees = pyproj.Transformer.from_crs(crs, crs.geodetic_crs or "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(
        (named["west"] + named["east"]) / 2, (named["south"] + named["north"]) / 2
    )
    margin = _AREA_OF_USE_MARGIN_DEGREES
    if (
        area.west - margin <= longitude <= area.east + margin
        and area.south - margin <= latitude <= area.north + margin
    ):
        return []
    values = {**named, "longitude": longitude, "latitude": latitude, "area": area.name}
    return [Finding.of(Severity.WARNING, "checks.outside_area_of_use", table.name, **values)]


def _name(crs: pyproj.CRS) -> str:
    authority = crs.to_authority()
    return f"{':'.join(authority)} {crs.name}" if authority else crs.name


def check_layer(table: Table, layer: gpd.GeoDataFrame) -> list[Finding]:
    """Return the findings about the geometries of one layer: absent, of a wrong type, not finite, invalid."""
    geometries = layer.geometry.to_numpy()
    labels = row_labels(table, layer)
    present = shapely.is_geometry(geometries)
    findings = []
    if not present.all():
        severity = Severity.WARNING if table.name in _MAY_LACK_PLACE else Severity.ERROR
        findings.append(_of(severity, "no_geometry", table, labels[~present]))
    allowed = [type_id for shape in table.shapes for type_id in _TYPES[shape]]
    type_ids = shapely.get_type_id(geometries)
    wrong_type = present & ~np.isin(type_ids, allowed)
    if wrong_type.any():
        found = "、".join(sorted({geometry.geom_type for geometry in geometries[wrong_type]}))
        allowed_names = "、".join(table.shapes)
        findings.append(
            _of(Severity.ERROR, "wrong_shape", table, labels[wrong_type], shapes=allowed_names, shape=found)
        )
    # The bounds skip a NaN that stands beside good coordinates; the length does not.
    boundary_length = shapely.length(geometries)
    finite = np.isfinite(shapely.bounds(geometries)).all(axis=1) & np.isfinite(boundary_length)
    if (present & ~finite).any():
        findings.append(_of(Severity.ERROR, "not_finite", table, labels[present & ~finite]))
    invalid = present & finite & ~shapely.is_valid(geometries)
    if invalid.any():
        reason = str(shapely.is_valid_reason(geometries[np.flatnonzero(invalid)[0]]))
        findings.append(_of(Severity.ERROR, "invalid_geometry", table, labels[invalid], reason=reason))
    return findings


def _of(severity: Severity, rule: str, table: Table, ids: NDArray[np.object_], **values: object) -> Finding:
    return Finding.of(severity, f"checks.{rule}", table.name, ids, count=len(ids), **values)


def usable(layer: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Return for each row whether its geometry can be reckoned with: present, finite and valid."""
    geometries = layer.geometry.to_numpy()
    present = shapely.is_geometry(geometries) & shapely.is_valid(geometries)
    finite: NDArray[np.bool_] = present & np.isfinite(shapely.length(geometries))
    return finite & np.isfinite(shapely.bounds(geometries)).all(axis=1)


def only_where(rows: NDArray[np.bool_], geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the geometries of the chosen rows and None in place of the others."""
    chosen = geometries.copy()
    chosen[~rows] = None
    return chosen


def check_places(tables: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """Return an error for each layer that lies far from the buildings, and for rows far from their layer.

    The layers are in one metric reference system; a wrongly declared one moves a layer by many
    kilometres, and every figure made from it would be nonsense.
    """
    boxes = {}
    findings = []
    for name, layer in tables.items():
        if isinstance(layer, gpd.GeoDataFrame) and len(layer):
            rows = usable(layer)
            if rows.any():
                near, far = _together(layer.geometry.to_numpy(), rows)
                boxes[name] = shapely.box(*shapely.total_bounds(layer.geometry.to_numpy()[near]))
                if far.any():
                    ids = row_labels(TABLES[name], layer)[far]
                    findings.append(
                        Finding.of(
                            Severity.ERROR,
                            "checks.row_elsewhere",
                            name,
                            ids,
                            count=len(ids),
                            distance_km=_FAR_M / 1000,
                        )
                    )
    buildings = boxes.pop("buildings", None)
    if buildings is None:
        return findings
    distances = {name: float(shapely.distance(box, buildings)) for name, box in boxes.items()}
    return findings + [
        Finding.of(Severity.ERROR, "checks.layer_elsewhere", name, distance_km=distance / 1000)
        for name, distance in distances.items()
        if distance > _ELSEWHERE_M
    ]


def _together(
    geometries: NDArray[np.object_], rows: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which of some rows lie where most of them do, and which lie far from there.

    Where no row lies in the middle of all, there is no such place: all rows are both.
    """
    bounds = shapely.bounds(geometries)
    middles = (bounds[:, :2] + bounds[:, 2:]) / 2
    distances = np.abs(middles - np.median(middles[rows], axis=0)).max(axis=1)
    far: NDArray[np.bool_] = rows & (distances > _FAR_M)
    near = rows & ~far
    return (near if near.any() else rows), far
