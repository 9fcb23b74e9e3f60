"""Opening a database: the engine, its transactions, and its migrations.

SQLite is opened in write-ahead mode, so that pages are read while a package is taken in; on both
databases whatever is written in one transaction becomes visible whole or not at all, also when the
process is killed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import shapely
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from spatial.errors import FileError, UsageError

__all__ = ["migrate", "open_database", "writing"]

_DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_WAIT_S = 60
# Any constant will do: it names the lock under which a PostgreSQL database is migrated and written to.
_ADVISORY_LOCK = 0x77616E676765


def open_database(url: str) -> Engine:
    """Open a database and bring its tables up to date.

    Parameters
    ----------
    url : ``sqlite:///FILE``, or ``postgresql://USER@HOST/NAME`` of a database with PostGIS

    Raises
    ------
    UsageError
        If the address is of no database that Wangge works with.
    FileError
        If the database cannot be opened.
    """
    address = _address(url)
    engine = create_engine(address)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    try:
        migrate(engine)
    except (SQLAlchemyError, sqlite3.Error) as error:
        engine.dispose()
        raise FileError(
            "api.database_unreachable", database=address.render_as_string(), reason=_reason(error)
        ) from error
    return engine


def migrate(engine: Engine) -> None:
    """Bring the tables up to the newest migration, all in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open the one transaction at a time that may write; it is taken back if the block fails."""
    with engine.connect().execution_options(wangge_writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        yield connection


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise UsageError("api.database_url", url=url) from error
    if address.drivername not in _DRIVERS:
        raise UsageError("api.database_url", url=address.render_as_string())
    return address.set(drivername=_DRIVERS[address.drivername])


def _reason(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(cause).split())


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        # Transactions are begun below, in full view; the driver would leave table definitions out of them.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {_WAIT_S * 1000}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.create_function("wangge_intersects", 2, _intersects, deterministic=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("wangge_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@lru_cache(maxsize=16)
def _prepared(region: bytes) -> shapely.Geometry:
    shape = shapely.from_wkb(region)
    shapely.prepare(shape)
    return shape


def _intersects(geometry: bytes, region: bytes) -> bool:
    return bool(shapely.intersects(_prepared(region), shapely.from_wkb(geometry)))
