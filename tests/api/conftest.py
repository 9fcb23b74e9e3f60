"""The databases that every test of this room runs on: SQLite and PostGIS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.store import Store
from tests.conftest import skip_or_fail
from tests.postgis import PostgisServer, postgis_server, why_no_postgis


@pytest.fixture(scope="session")
def postgis() -> Iterator[PostgisServer]:
    """Return a PostGIS server that lives as long as the tests."""
    if reason := why_no_postgis():
        skip_or_fail("postgis", reason)
    with postgis_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgis"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'wangge.sqlite'}"
    server: PostgisServer = request.getfixturevalue("postgis")
    return server.new_database()


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """Return a store on an empty database."""
    opened = Store.open(database_url)
    yield opened
    opened.close()
