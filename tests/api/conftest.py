"""The databases that every test of this room runs on: SQLite and PostGIS."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.serving import listen
from api.settings import Settings
from api.store import Store
from tests.api.contents import small_coverage, small_plan, small_town
from tests.conftest import skip_or_fail
from tests.postgis import PostgisServer, postgis_server, why_no_postgis


@dataclass(frozen=True)
class Service:
    """A running service: a client of it, its application, its port."""

    client: httpx.Client
    app: FastAPI
    port: int

    @property
    def root(self) -> str:
        """Address of the service."""
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="session")
def postgis() -> Iterator[PostgisServer]:
    """Return a PostGIS server that lives as long as the tests."""
    if reason := why_no_postgis():
        skip_or_fail("postgis", reason)
    with postgis_server() as server:
        yield server


def _new_database(kind: str, request: pytest.FixtureRequest, folder: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder / 'wangge.sqlite'}"
    server: PostgisServer = request.getfixturevalue("postgis")
    return server.new_database()


@pytest.fixture(params=["sqlite", "postgis"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database, once of each kind."""
    return _new_database(request.param, request, tmp_path)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """Return a store on an empty database."""
    opened = Store.open(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=["sqlite", "postgis"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service of the small town with its plan and coverage; nothing may be changed in it."""
    folder = tmp_path_factory.mktemp("service")
    with running(_new_database(request.param, request, folder), folder) as service:
        yield service


@contextmanager
def running(database_url: str, folder: Path) -> Iterator[Service]:
    """Serve the small town from a database, in a thread, for the ``with`` block."""
    store = Store.open(database_url)
    town = small_town()
    plan = small_plan(town)
    for key, content in {"town": town, "plan": plan, "coverage": small_coverage(town, plan)}.items():
        store.add(key, content)
    store.close()
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        app = create_app(Settings(database_url, folder / "tiles", port))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", proxy_headers=False, lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                while not server.started:
                    time.sleep(0.01)
                yield Service(client, app, port)
        finally:
            server.should_exit = True
            thread.join()
