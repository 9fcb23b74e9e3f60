"""Box queries: which rows of a layer touch a region, by GiST on PostGIS and by R*Tree on SQLite."""

from __future__ import annotations

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    LargeBinary,
    Table,
    and_,
    column,
    func,
    literal,
    select,
)
from sqlalchemy import table as virtual_table

from api.database.models import BOX_COLUMNS, box_table

__all__ = ["Bounds", "extent", "touches"]

Bounds = tuple[float, float, float, float]


def touches(table: Table, revision_id: int, region: BaseGeometry, dialect: Dialect) -> ColumnElement[bool]:
    """Return the condition that a row of a revision intersects a region, border included.

    Parameters
    ----------
    table : a layer, from `api.database.models.table_of`
    revision_id : the revision whose rows are wanted
    region : polygon or polygons in the reference system of the revision
    dialect : of the connection that the condition will be used with
    """
    of_revision = table.c.revision_id == revision_id
    if dialect.name == "postgresql":
        # Layers of towns in other zones stand in the same table, and SRIDs that differ are an error.
        shape = func.ST_GeomFromWKB(literal(shapely.to_wkb(region), LargeBinary))
        near = table.c.geometry.op("&&")(shape)
        return and_(of_revision, near, func.ST_Intersects(func.ST_SetSRID(table.c.geometry, 0), shape))
    west, south, east, north = region.bounds
    box = virtual_table(box_table(table), *(column(name) for name in BOX_COLUMNS))
    hit = select(box.c.id).where(
        and_(box.c.revision_low <= revision_id, box.c.revision_high >= revision_id),
        and_(box.c.west <= east, box.c.east >= west, box.c.south <= north, box.c.north >= south),
    )
    exact = func.wangge_intersects(table.c.geometry, literal(shapely.to_wkb(region), LargeBinary)) == 1
    return and_(of_revision, table.c.id.in_(hit), exact)


def extent(connection: Connection, table: Table, revision_id: int) -> Bounds | None:
    """Return west, south, east, north of a layer's revision, or None where it has no geometry."""
    if connection.dialect.name == "postgresql":
        whole = func.ST_Extent(table.c.geometry)
        sides = [getattr(func, f"ST_{side}")(whole) for side in ("XMin", "YMin", "XMax", "YMax")]
        query = select(*sides).where(table.c.revision_id == revision_id)
    else:
        box = virtual_table(box_table(table), *(column(name) for name in BOX_COLUMNS))
        query = select(
            func.min(box.c.west), func.min(box.c.south), func.max(box.c.east), func.max(box.c.north)
        ).where(box.c.revision_low == revision_id)
    west, south, east, north = connection.execute(query).one()
    return None if west is None else (west, south, east, north)
