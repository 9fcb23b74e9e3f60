"""Serving: packages into the database, and the application on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from api.app import create_app
from api.settings import Settings
from api.store import Intake, Store
from spatial.errors import UsageError

__all__ = ["DEFAULT_DATABASE", "default_settings", "listen", "serve", "take_in"]

DEFAULT_DATABASE = "wangge.sqlite"
_KIND_ORDER = ("town", "plan", "coverage")


def default_settings(
    paths: Sequence[Path] = (), database_url: str | None = None, port: int = 8000
) -> Settings:
    """Return the settings of ``wangge serve``.

    Without an address the database is the file ``wangge.sqlite`` beside the first package, or in the
    working folder; tiles are cached in a folder beside it.
    """
    folder = (paths[0].parent if paths else Path()).absolute()
    built = Path(__file__).parents[1] / "maps" / "viewer" / "dist"
    return Settings(
        database_url=database_url or f"sqlite:///{folder / DEFAULT_DATABASE}",
        tile_folder=folder / ".wangge-tiles",
        port=port,
        viewer_folder=built if built.is_dir() else None,
    )


def take_in(store: Store, paths: Sequence[Path], *, adopt: bool = False) -> list[Intake]:
    """Take packages into a store, towns before the plans and coverages that belong to them."""
    intakes = [(Store.kind_of(path), path) for path in paths]
    intakes.sort(key=lambda one: _KIND_ORDER.index(one[0]))
    return [store.take_in(path, adopt=adopt) for _, path in intakes]


def serve(
    paths: Sequence[Path],
    database_url: str | None = None,
    port: int = 8000,
    *,
    host: str = "127.0.0.1",
    adopt: bool = False,
    taken_in: Callable[[list[Intake]], None] | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Take packages in and serve them to a single user on this machine until interrupted.

    Parameters
    ----------
    paths : packages of towns, plans and coverages; none serves what the database holds
    database_url : see `api.database.open_database`; see `default_settings` for None
    port : port on loopback; 0 takes a free one
    host : an address of loopback; any other is refused until there are accounts
    adopt : a file that differs from the database becomes a new revision
    taken_in : called with what became of each package before the service starts
    ready : called with the address of the first page when the service answers

    Raises
    ------
    UsageError
        If the host is not loopback, or the port is taken.
    FileError, SchemaError, ConflictError
        As for `api.store.Store.take_in`.
    """
    if host not in {"127.0.0.1", "localhost", "::1"}:
        raise UsageError("api.host", host=host)
    with listen(host, port) as listener:
        settings = default_settings(paths, database_url, listener.getsockname()[1])
        store = Store.open(settings.database_url)
        try:
            intakes = take_in(store, paths, adopt=adopt)
        finally:
            store.close()
        if taken_in is not None:
            taken_in(intakes)
        app = create_app(settings)
        threading.Thread(target=app.state.views.prepare, daemon=True).start()
        # Forwarding headers are refused, so they must reach the application as they are.
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, proxy_headers=False, server_header=False
        )
        if ready is not None:
            ready(f"http://{'[::1]' if host == '::1' else host}:{settings.port}/")
        uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises
    ------
    UsageError
        If the port is taken.
    """
    # Named in full: only of a socket made for TCP does the event loop send small answers at once, and
    # without that every answer waits 40 ms for the client's acknowledgement.
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError("api.port", port=port, reason=str(error)) from error
    return listener
