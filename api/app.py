"""The application: routes, errors, and the door in front of them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from api.answers import PROBLEM, language_of
from api.collections import Collections
from api.errors import NotFoundError, problem, status_of
from api.routes import ogc, page, tiles
from api.security import Guard
from api.settings import Settings
from api.store import Store
from api.tiles.cache import TileCache
from api.views import Views
from spatial.errors import UsageError, WanggeError

__all__ = ["create_app"]

_log = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """Return the application of a database.

    Raises
    ------
    UsageError, FileError
        If the database cannot be opened.
    """
    store = Store.open(settings.database_url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()

    app = FastAPI(
        title="Wangge",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
        middleware=[Middleware(Guard, port=settings.port)],
        exception_handlers={
            WanggeError: _failed,
            RequestValidationError: _invalid,
            HTTPException: _unanswerable,
            Exception: _broken,
        },
    )
    app.state.settings = settings
    app.state.store = store
    app.state.collections = Collections(store)
    app.state.views = Views(store)
    app.state.tile_cache = TileCache(settings.tile_folder)
    # Threads that make tiles take the interpreter from each other: one makes more than eight together.
    app.state.tile_makers = CapacityLimiter(1)
    app.include_router(page.router, prefix="/api")
    app.router.routes.append(Mount("/ogc", routes=ogc.routes(), name="ogc"))
    app.router.routes.append(Mount("/tiles", routes=tiles.routes(), name="tiles"))
    if settings.viewer_folder is not None:
        app.router.routes.append(
            Mount("/", StaticFiles(directory=settings.viewer_folder, html=True), name="viewer")
        )
    return app


def _problem(request: Request, error: WanggeError) -> Response:
    return JSONResponse(problem(error, language_of(request)), status_of(error), media_type=PROBLEM)


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, WanggeError)  # noqa: S101 - registered for this class alone
    return _problem(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first = error.errors()[0]
    return _problem(
        request,
        UsageError(
            "api.parameter_value", parameter=first["loc"][-1], value=first.get("input"), reason=first["type"]
        ),
    )


async def _unanswerable(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code == 405:
        refused = UsageError("api.method", method=request.method)
        body = problem(refused, language_of(request)) | {"status": 405}
        return JSONResponse(body, 405, headers=error.headers, media_type=PROBLEM)
    return _problem(request, NotFoundError("api.no_address", path=request.url.path))


async def _broken(request: Request, error: Exception) -> Response:
    _log.error("request %s failed", request.url.path, exc_info=error)
    return _problem(request, WanggeError("api.internal", kind=type(error).__name__))
