"""Vector tiles under ``/tiles``: one address to a layer, a revision and a place, and it never changes.

::

    /tiles/{layer}/{revision}/{z}/{x}/{y}.mvt
    /tiles/{layer}/{revision}.json              TileJSON 3.0
"""

from __future__ import annotations

import gzip
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from api.answers import language_of, refuse_unknown
from api.coordinates import lon_lat_bounds
from api.errors import NotFoundError
from api.tiles.cache import TileCache
from api.views import Views
from maps.layers import LAYERS
from spatial.messages import text

__all__ = ["routes", "template"]

_TYPE = "application/vnd.mapbox-vector-tile"
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


def routes() -> list[BaseRoute]:
    """Return the routes, to be mounted at ``/tiles``."""
    return [
        Route("/{layer}/{revision}/{z:int}/{x:int}/{y:int}.mvt", _tile, name="tile"),
        Route("/{layer}/{revision}.json", _tilejson, name="tilejson"),
    ]


def template(request: Request, layer: str, revision: str) -> str:
    """Return the address of a layer's tiles with ``{z}``, ``{x}`` and ``{y}`` left open."""
    return f"{str(request.base_url).rstrip('/')}/tiles/{quote(layer)}/{revision}/{{z}}/{{x}}/{{y}}.mvt"


async def _tile(request: Request) -> Response:
    # The path of a kept tile: no thread, no database, no look at what the tile shows.
    place = request.path_params
    layer, revision, zoom, column, row = (place[name] for name in ("layer", "revision", "z", "x", "y"))
    known = layer in LAYERS and revision.isalnum() and zoom <= 24 and max(column, row) < 1 << zoom
    if not known:
        raise NotFoundError("api.no_address", path=request.url.path)
    mark = f'"{revision}"'
    if request.headers.get("if-none-match") == mark:
        return Response(status_code=304, headers={**_FOR_EVER, "ETag": mark})
    cache: TileCache = request.app.state.tile_cache
    address = f"{revision}/{layer}/{zoom}/{column}/{row}"
    packed = cache.get(address)
    if packed is None:
        packed = await to_thread.run_sync(_make, request, address, limiter=request.app.state.tile_makers)
    headers = {**_FOR_EVER, "ETag": mark}
    if not packed:
        return Response(status_code=204, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(gzip.decompress(packed), media_type=_TYPE, headers=headers)
    return Response(packed, media_type=_TYPE, headers={**headers, "Content-Encoding": "gzip"})


def _make(request: Request, address: str) -> bytes:
    revision, layer, zoom, column, row = address.split("/")
    views: Views = request.app.state.views
    source = views.tiles(layer, revision)
    cache: TileCache = request.app.state.tile_cache
    return cache.put(address, source.tile(int(zoom), int(column), int(row)))


def _tilejson(request: Request) -> Response:
    refuse_unknown(request, ())
    layer, revision = request.path_params["layer"], request.path_params["revision"]
    views: Views = request.app.state.views
    source = views.tiles(layer, revision)
    frame = source.layers[0].frame
    bounds = lon_lat_bounds(tuple(frame.total_bounds), frame.crs) if len(frame) else None
    document = {
        "tilejson": "3.0.0",
        "name": text(LAYERS[layer].title_key, language=language_of(request)),
        "tiles": [template(request, layer, revision)],
        "minzoom": source.zooms[0],
        "maxzoom": source.zooms[1],
        **({"bounds": bounds} if bounds else {}),
        "vector_layers": [
            {
                "id": one.name,
                "fields": one.fields,
                "minzoom": source.zooms[0],
                "maxzoom": source.zooms[1],
            }
            for one in source.layers
        ],
    }
    return JSONResponse(document, headers=_FOR_EVER | {"Vary": "Accept-Language"})
