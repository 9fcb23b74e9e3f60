"""A PostGIS server of one's own: made in a folder, started, stopped and thrown away."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

__all__ = ["PostgisServer", "postgis_server", "why_no_postgis"]

_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_EXTENSIONS = sorted(Path("/usr/share/postgresql").glob("*/extension/postgis.control"))
_TEMPLATE = "wangge_template"


def why_no_postgis() -> str:
    """Return why no server can be started here, or ''."""
    if not _BINARIES:
        return "PostgreSQL is not installed"
    if not _EXTENSIONS:
        return "PostGIS is not installed"
    if os.geteuid() == 0 and shutil.which("runuser") is None:
        return "PostgreSQL does not run as root, and there is no runuser"
    return ""


class PostgisServer:
    """A running server; every database it makes is a fresh one with PostGIS."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._numbers = count(1)

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make a database and return its address."""
        name = f"wangge_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return self.url(name)

    def _make_template(self) -> None:
        self._execute(f"CREATE DATABASE {_TEMPLATE}")
        with psycopg.connect(self.url(_TEMPLATE), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION postgis")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


@contextmanager
def postgis_server(*settings: str) -> Iterator[PostgisServer]:
    """Run a server for the ``with`` block; ``settings`` are further ones, ``name=value``."""
    binaries = _BINARIES[-1]
    folder = Path(tempfile.mkdtemp(prefix="wangge-postgis-"))
    as_owner: list[str] = []
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_owner = ["runuser", "-u", "postgres", "--"]
    port = _free_port()
    options = [f"port={port}", f"unix_socket_directories={folder}", "listen_addresses=127.0.0.1", "jit=off"]
    # Durability against loss of power is not what tests test, and it would cost most of their time.
    options += ["fsync=off", "full_page_writes=off", *settings]
    arguments = " ".join(f"-c {option}" for option in options)

    def run(program: str, *words: str) -> None:
        with (folder / "commands.log").open("ab") as log:
            subprocess.run(
                [*as_owner, str(binaries / program), *words], stdout=log, stderr=log, cwd=folder, check=True
            )

    data = str(folder / "data")
    try:
        run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        run("pg_ctl", "-D", data, "-w", "-l", str(folder / "server.log"), "-o", arguments, "start")
        try:
            server = PostgisServer(port)
            server._make_template()
            yield server
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
