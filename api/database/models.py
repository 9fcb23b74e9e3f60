"""The tables of the database.

A *package* is a town, a plan or a coverage that the database holds; a *revision* is one state of it
and never changes once it is there.  The rows of a revision stand in one table to each layer or table
of `spatial.schema`, named after the kind and the table (``town_buildings``, ``plan_grids``), with the
columns of the schema; columns that the schema does not know are kept in ``extra``.

Every such row has an ``id`` made of its revision and its number within it, so that the rows of a
revision lie together and any row can be named by one integer (`row_id`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from api.database.geometry import Geometry
from spatial.schema import COMMON_COLUMNS, COVERAGE_TABLES, PLAN_TABLES, TABLES
from spatial.schema import Table as SchemaTable

__all__ = [
    "BOX_COLUMNS",
    "KINDS",
    "ROWS_PER_REVISION",
    "Base",
    "Package",
    "Revision",
    "box_table",
    "row_id",
    "table_of",
]

# The rules of a plan are a few words and stand in its revision.
KINDS: Mapping[str, Mapping[str, SchemaTable]] = MappingProxyType(
    {
        "town": TABLES,
        "plan": MappingProxyType(
            {name: PLAN_TABLES[name] for name in ("grids", "assignment", "certificates")}
        ),
        "coverage": COVERAGE_TABLES,
    }
)

ROWS_PER_REVISION = 1 << 32

_BIG = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER is SQLite's own row id
_TYPES: Mapping[str, Any] = MappingProxyType(
    {"text": Text, "whole": BigInteger, "number": Double, "flag": Boolean, "date": Text}
)
# What a table without ids is searched by; the first column of the schema where nothing else is said.
_LOOKUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"coverage_rates": ("subject_type", "category", "subject_id")}
)


class Base(DeclarativeBase):
    """Base of the models; its metadata hold every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Package(Base):
    """A town, a plan or a coverage that the database holds.

    Attributes
    ----------
    kind : town, plan or coverage
    key : its name in addresses, unique
    title : what people call it
    town_id : the town that a plan or a coverage belongs to; null for a town
    """

    __tablename__ = "packages"

    id: Mapped[int] = mapped_column(_BIG, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    key: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    town_id: Mapped[int | None] = mapped_column(ForeignKey("packages.id"))
    revisions: Mapped[list[Revision]] = relationship(back_populates="package", order_by="Revision.number")


class Revision(Base):
    """One state of a package; it never changes.

    Attributes
    ----------
    number : 1 for the first state of the package, then counting
    fingerprint : SHA-256 of the content, 64 hexadecimal digits
    file_digest : SHA-256 of the file it came from, or null
    crs : reference system of its layers, ``EPSG:n`` or WKT
    provenance, rules : as the package holds them
    counts : rows by table
    created_at : when it came into the database, UTC
    """

    __tablename__ = "revisions"
    __table_args__ = (UniqueConstraint("package_id", "number"),)

    id: Mapped[int] = mapped_column(_BIG, primary_key=True)
    package_id: Mapped[int] = mapped_column(ForeignKey("packages.id"))
    number: Mapped[int] = mapped_column(Integer)
    fingerprint: Mapped[str] = mapped_column(String(64))
    file_digest: Mapped[str | None] = mapped_column(String(64))
    crs: Mapped[str] = mapped_column(Text)
    provenance: Mapped[dict[str, str]] = mapped_column(JSON)
    rules: Mapped[dict[str, str]] = mapped_column(JSON)
    counts: Mapped[dict[str, int]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime] = mapped_column(DateTime)
    package: Mapped[Package] = relationship(back_populates="revisions")


def _stored_tables() -> Iterator[tuple[tuple[str, str], Table]]:
    for kind, tables in KINDS.items():
        for table in tables.values():
            if (kind, table.name) != ("coverage", "walks"):
                yield (kind, table.name), _table(f"{kind}_{table.name}", table)


def _table(name: str, table: SchemaTable) -> Table:
    lookup = (table.id_column,) if table.id_column else _LOOKUPS.get(name, (table.columns[0].name,))
    columns: list[Any] = [
        Column("id", _BIG, primary_key=True, autoincrement=False),
        Column("revision_id", ForeignKey(Revision.id), nullable=False),
        *(
            Column(column.name, _TYPES[column.kind], nullable=not column.filled)
            for column in (*table.columns, *COMMON_COLUMNS)
        ),
        Column("extra", JSON(none_as_null=True)),
    ]
    indexes = [Index(None, "revision_id", *lookup, unique=bool(table.id_column))]
    if table.is_layer:
        columns.append(Column("geometry", Geometry))
        gist = Index(f"ix_{name}_geometry", "geometry", postgresql_using="gist")
        indexes.append(gist.ddl_if(dialect="postgresql"))
    return Table(name, Base.metadata, *columns, *indexes)


# Walks are by far the most rows, so they are kept narrow and in the order in which they are read:
# one category over all buildings, or all categories of one building.  PostgreSQL would look up a
# foreign key for every row, which takes longer than all the rest of the loading.
_WALKS = Table(
    "coverage_walks",
    Base.metadata,
    Column("revision_id", _BIG, primary_key=True, autoincrement=False),
    Column("category", Text, primary_key=True),
    Column("building_id", Text, primary_key=True),
    Column("walk_m", Double),
    Column("facility_id", Text),
    Column("status", Text, nullable=False),
    Column("extra", JSON(none_as_null=True)),
    sqlite_with_rowid=False,
)

_STORED: Mapping[tuple[str, str], Table] = MappingProxyType(
    {**dict(_stored_tables()), ("coverage", "walks"): _WALKS}
)


def table_of(kind: str, name: str) -> Table:
    """Return the table that holds a layer or table of a kind of package.

    Raises
    ------
    KeyError
        If the kind has no such table.
    """
    return _STORED[kind, name]


# The revision is a third dimension of the box, so that a search meets the rows of one revision only.
BOX_COLUMNS = ("id", "west", "east", "south", "north", "revision_low", "revision_high")


def box_table(table: Table) -> str:
    """Return the name of the R*Tree that holds a layer's boxes on SQLite."""
    return f"{table.name}_box"


def row_id(revision_id: int, number: int) -> int:
    """Return the id of a revision's row, numbered from 1."""
    return revision_id * ROWS_PER_REVISION + number
