"""The database: models, migrations, box queries and bulk loading, on SQLite and on PostGIS alike."""

from __future__ import annotations

from api.database.engine import migrate, open_database, writing
from api.database.models import KINDS, Base, Package, Revision, row_id, table_of
from api.database.regions import Bounds, extent, touches
from api.database.rows import insert_frame, read_frame

__all__ = [
    "KINDS",
    "Base",
    "Bounds",
    "Package",
    "Revision",
    "extent",
    "insert_frame",
    "migrate",
    "open_database",
    "read_frame",
    "row_id",
    "table_of",
    "touches",
    "writing",
]
