"""The one column type for geometry: shapely in, shapely out, on both databases.

PostGIS keeps EWKB with the SRID of the row's town, so that a desktop GIS on the same database knows
where it is; SQLite keeps plain WKB.  Many rows at once go through `encode` and `decode`, which are
the same codec on arrays.
"""

from __future__ import annotations

from typing import Any

import geoalchemy2
import numpy as np
import shapely
from geoalchemy2.elements import WKBElement
from sqlalchemy import Column, ColumnElement, Dialect, LargeBinary, type_coerce
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

__all__ = ["Geometry", "as_stored", "decode", "encode"]


class Geometry(TypeDecorator[shapely.Geometry]):
    """A geometry of any shape, two-dimensional, in the reference system of its revision."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect | None) -> TypeEngine[Any]:
        """Return PostGIS' own type on PostgreSQL and a blob elsewhere; GeoAlchemy2 also asks with None."""
        if dialect is not None and dialect.name == "postgresql":
            of_postgis: TypeEngine[Any] = geoalchemy2.Geometry("GEOMETRY", srid=-1, spatial_index=False)
            return of_postgis
        return LargeBinary()

    def process_bind_param(
        self, value: shapely.Geometry | None, dialect: Dialect
    ) -> WKBElement | bytes | None:
        """Write a geometry as WKB, with its SRID where the database keeps one."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return WKBElement(shapely.to_wkb(value, include_srid=True), extended=True)
        return shapely.to_wkb(value)

    def process_result_value(
        self,
        value: WKBElement | bytes | None,
        dialect: Dialect,  # noqa: ARG002 - of the interface
    ) -> shapely.Geometry | None:
        """Read a geometry from what the database gave."""
        if value is None:
            return None
        shape: shapely.Geometry = shapely.from_wkb(value.data if isinstance(value, WKBElement) else value)
        return shape


def as_stored(geometry: Column[Any]) -> ColumnElement[Any]:
    """Return the column as the database itself gives it, to be read by `decode`."""
    return type_coerce(geometry, NullType())


def encode(shapes: np.ndarray, srid: int, dialect: Dialect) -> list[Any]:
    """Return geometries as bulk loading wants them: hexadecimal EWKB for PostGIS, WKB for SQLite.

    Parameters
    ----------
    shapes : geometries, (n,); a missing one stays None
    srid : EPSG code of their reference system, 0 where it has none
    """
    flat = shapely.force_2d(shapes)
    if dialect.name == "postgresql":
        return list(shapely.to_wkb(shapely.set_srid(flat, srid), hex=True, include_srid=True))
    return list(shapely.to_wkb(flat))


def decode(stored: list[Any]) -> np.ndarray:
    """Return the geometries of a column read by `as_stored`, (n,)."""
    array = np.empty(len(stored), object)
    array[:] = stored
    shapes: np.ndarray = shapely.set_srid(shapely.from_wkb(array), 0)
    return shapes
