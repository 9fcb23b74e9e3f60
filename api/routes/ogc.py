"""OGC API Features under ``/ogc``: Part 1 (core, GeoJSON, HTML, OpenAPI) and Part 2 (reference systems).

Every layer of every package is a collection; see `api.collections`.  Property names are query
parameters (Part 3, queryables), so that a desktop GIS reads only what it shows.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from api.answers import (
    GEOJSON,
    Link,
    Sheet,
    address,
    answer,
    language_of,
    page_answer,
    refuse_unknown,
    self_links,
    wants_html,
)
from api.collections import Collection, Collections
from api.coordinates import CRS84, OFFERED, region_of
from api.features import Page, Selection, feature, page, parse_interval, parse_value
from api.openapi import DEFAULT_LIMIT, MAX_LIMIT, openapi_document
from api.store import Store
from spatial.errors import UsageError
from spatial.messages import text

__all__ = ["CONFORMANCE", "routes"]

_CORE = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    *(f"{_CORE}{name}" for name in ("core", "geojson", "html", "oas30")),
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables-query-parameters",
)
_OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
_SCHEMA = "application/schema+json"
_JSON_TYPES = {"text": "string", "date": "string", "whole": "integer", "number": "number", "flag": "boolean"}
_QUERIES = frozenset({"f", "limit", "offset", "bbox", "bbox-crs", "crs", "datetime"})


def routes() -> list[BaseRoute]:
    """Return the routes, to be mounted at ``/ogc``."""
    return [
        Route("/", _landing, name="landing"),
        Route("/api", _openapi, name="openapi"),
        Route("/conformance", _conformance, name="conformance"),
        Route("/collections", _collections, name="collections"),
        Route("/collections/{collection_id}", _collection, name="collection"),
        Route("/collections/{collection_id}/queryables", _queryables, name="queryables"),
        Route("/collections/{collection_id}/items", _items, name="items"),
        Route("/collections/{collection_id}/items/{feature_id:path}", _item, name="item"),
    ]


def _landing(request: Request) -> Response:
    refuse_unknown(request, {"f"})
    language = language_of(request)
    root = _root(request)
    links = [
        Link(f"{root}/api", "service-desc", _OPENAPI, text("api.link.openapi", language=language)),
        Link(f"{root}/api?f=html", "service-doc", "text/html", text("api.link.openapi", language=language)),
        Link(
            f"{root}/conformance",
            "conformance",
            "application/json",
            text("api.link.conformance", language=language),
        ),
        Link(
            f"{root}/collections", "data", "application/json", text("api.link.collections", language=language)
        ),
    ]
    title, lead = (text(f"api.page.{name}", language=language) for name in ("title", "lead"))
    sheet = Sheet(
        title, lead, links=[(link.title, link.href) for link in links if link.rel != "service-desc"]
    )
    return answer(request, {"title": title, "description": lead}, sheet, links=links)


def _openapi(request: Request) -> Response:
    refuse_unknown(request, {"f"})
    language = language_of(request)
    document = openapi_document(list(_of(request).all().values()), _root(request), language)
    if not wants_html(request):
        return Response(json.dumps(document, ensure_ascii=False), headers={"Content-Type": _OPENAPI})
    rows = [
        (path, operation["summary"], ", ".join(one["name"] for one in operation.get("parameters", ())))
        for path, operations in document["paths"].items()
        for operation in operations.values()
    ]
    head = [text(f"api.page.{name}", language=language) for name in ("path", "summary", "parameters")]
    sheet = Sheet(text("api.link.openapi", language=language), crumbs=_crumbs(request), head=head, rows=rows)
    return page_answer(request, sheet)


def _conformance(request: Request) -> Response:
    refuse_unknown(request, {"f"})
    title = text("api.link.conformance", language=language_of(request))
    sheet = Sheet(title, crumbs=_crumbs(request), links=[(uri, uri) for uri in CONFORMANCE])
    return answer(request, {"conformsTo": CONFORMANCE}, sheet)


def _collections(request: Request) -> Response:
    refuse_unknown(request, {"f"})
    language = language_of(request)
    held = list(_of(request).all().values())
    title = text("api.link.collections", language=language)
    head = [text(f"api.page.{name}", language=language) for name in ("collection", "id", "count", "crs")]
    rows = [
        (
            (one.title(language), _path(request, one)),
            one.collection_id,
            one.count,
            one.storage_uri,
        )
        for one in held
    ]
    sheet = Sheet(title, crumbs=_crumbs(request), head=head, rows=rows)
    documents = []
    for one in held:
        document, links = _described(request, one, crs=["#/crs"])
        here = Link(_path(request, one), "self", "application/json", one.title(language))
        documents.append({**document, "links": [link.as_record() for link in (here, *links)]})
    return answer(request, {"crs": list(OFFERED), "collections": documents}, sheet)


def _collection(request: Request) -> Response:
    refuse_unknown(request, {"f"})
    language = language_of(request)
    collection = _of(request).get(request.path_params["collection_id"])
    document, own = _described(request, collection, crs=list(OFFERED))
    sheet = Sheet(
        collection.title(language),
        crumbs=_crumbs(request, collections=True),
        facts=[
            (text("api.page.id", language=language), collection.collection_id),
            (text("api.page.count", language=language), collection.count),
            (text("api.page.crs", language=language), collection.storage_uri),
            (text("api.page.extent", language=language), collection.lon_lat and list(collection.lon_lat)),
            (text("api.page.revision", language=language), collection.revision.number),
            (text("api.page.fingerprint", language=language), collection.revision.fingerprint),
            *((name, value) for name, value in collection.revision.provenance.items()),
        ],
        links=[(link.title, link.href) for link in own],
    )
    return answer(request, document, sheet, links=own)


def _queryables(request: Request) -> Response:
    refuse_unknown(request, {"f"})
    language = language_of(request)
    collection = _of(request).get(request.path_params["collection_id"])
    title = text("api.link.queryables", language=language)
    properties: dict[str, dict[str, str]] = {
        name: {"title": name, "type": _JSON_TYPES[kind]} for name, kind in collection.kinds.items()
    }
    properties["geometry"] = {"title": "geometry", "format": "geometry-any"}
    if wants_html(request):
        head = [text(f"api.page.{name}", language=language) for name in ("property", "type")]
        rows = [(name, one.get("type", one.get("format", ""))) for name, one in properties.items()]
        sheet = Sheet(
            title, collection.title(language), _crumbs(request, collections=True), head=head, rows=rows
        )
        return page_answer(request, sheet)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{_path(request, collection)}/queryables",
        "type": "object",
        "title": collection.title(language),
        "properties": properties,
        "additionalProperties": False,
    }
    return JSONResponse(document, media_type=_SCHEMA)


def _items(request: Request) -> Response:
    collection = _of(request).get(request.path_params["collection_id"])
    refuse_unknown(request, _QUERIES | collection.kinds.keys())
    selection = _selection(request, collection)
    with _store(request).engine.connect() as connection:
        found = page(connection, collection, selection)
    language = language_of(request)
    links = [
        Link(_path(request, collection), "collection", "application/json", collection.title(language)),
        *_paging(request, found, selection),
    ]
    if wants_html(request):
        return page_answer(request, _table(request, collection, found, links))
    every = [*self_links(request, GEOJSON), *links]
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    head = json.dumps(
        {
            "type": "FeatureCollection",
            "timeStamp": now,
            "numberMatched": found.matched,
            "numberReturned": len(found.features),
            "links": [link.as_record() for link in every],
        },
        ensure_ascii=False,
    )
    body = f'{head[:-1]}, "features": [{",".join(found.features)}]}}'
    return _geojson(request, body, selection.crs)


def _item(request: Request) -> Response:
    refuse_unknown(request, {"f", "crs"})
    collection = _of(request).get(request.path_params["collection_id"])
    crs = _crs(request, collection, "crs")
    with _store(request).engine.connect() as connection:
        found = feature(connection, collection, request.path_params["feature_id"], crs)
    language = language_of(request)
    link = Link(_path(request, collection), "collection", "application/json", collection.title(language))
    if wants_html(request):
        facts = json.loads(found)["properties"].items()
        crumbs = [*_crumbs(request, collections=True), (link.title, f"{link.href}/items")]
        return page_answer(request, Sheet(request.path_params["feature_id"], "", crumbs, list(facts)))
    links = [one.as_record() for one in (*self_links(request, GEOJSON), link)]
    return _geojson(request, f'{found[:-1]},"links":{json.dumps(links, ensure_ascii=False)}}}', crs)


def _geojson(request: Request, body: str, crs: str) -> Response:
    headers = {
        "Content-Crs": f"<{crs}>",
        "Content-Language": language_of(request),
        "Vary": "Accept, Accept-Language",
    }
    return Response(body, media_type=GEOJSON, headers=headers)


def _selection(request: Request, collection: Collection) -> Selection:
    query = request.query_params
    box_crs = _crs(request, collection, "bbox-crs")
    region = None
    if "bbox" in query:
        box = _box(query["bbox"])
        region = region_of(box, box_crs, collection.bounds or (0.0, 0.0, 0.0, 0.0), collection.crs)
    return Selection(
        limit=min(_whole(request, "limit", DEFAULT_LIMIT, 1), MAX_LIMIT),
        offset=_whole(request, "offset", 0, 0),
        region=region,
        interval=parse_interval(query["datetime"]) if "datetime" in query else None,
        filters={
            name: parse_value(name, kind, query[name])
            for name, kind in collection.kinds.items()
            if name in query
        },
        crs=_crs(request, collection, "crs"),
    )


def _crs(request: Request, collection: Collection, name: str) -> str:
    uri = request.query_params.get(name, CRS84)
    if uri not in OFFERED and uri != collection.storage_uri:
        raise UsageError("api.crs_unknown", crs=uri)
    return uri


def _whole(request: Request, name: str, default: int, least: int) -> int:
    written = request.query_params.get(name)
    if written is None:
        return default
    # Longer numbers overflow the database's own.
    if not (written.isascii() and written.isdigit() and len(written) <= 18 and int(written) >= least):
        raise UsageError("api.whole_number", parameter=name, value=written, least=least)
    return int(written)


def _box(written: str) -> tuple[float, float, float, float]:
    try:
        numbers = [float(part) for part in written.split(",")]
    except ValueError as error:
        raise UsageError("api.bbox", bbox=written) from error
    if len(numbers) == 6:  # heights; the layers have none
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise UsageError("api.bbox", bbox=written)
    return (numbers[0], numbers[1], numbers[2], numbers[3])


def _paging(request: Request, found: Page, selection: Selection) -> list[Link]:
    language = language_of(request)
    links = []
    end = selection.offset + len(found.features)
    if found.features and end < found.matched:
        href = address(request, offset=end, limit=selection.limit)
        links.append(Link(href, "next", GEOJSON, text("api.link.next", language=language)))
    if selection.offset:
        start = max(0, selection.offset - selection.limit)
        href = address(request, offset=start, limit=selection.limit)
        links.append(Link(href, "prev", GEOJSON, text("api.link.prev", language=language)))
    return links


def _table(request: Request, collection: Collection, found: Page, links: list[Link]) -> Sheet:
    language = language_of(request)
    features = [json.loads(one) for one in found.features]
    names = list(dict.fromkeys(name for one in features for name in one["properties"]))
    used = [name for name in names if any(one["properties"].get(name) is not None for one in features)]
    rows = [
        (
            (str(one["id"]), f"{_path(request, collection)}/items/{quote(str(one['id']), safe='')}"),
            *(one["properties"].get(name) for name in used),
        )
        for one in features
    ]
    shown = text("api.page.shown", language=language, shown=len(features), matched=found.matched)
    return Sheet(
        collection.title(language),
        shown,
        _crumbs(request, collections=True),
        head=["id", *used],
        rows=rows,
        links=[(link.title, link.href) for link in links],
    )


def _described(
    request: Request, collection: Collection, crs: list[str]
) -> tuple[dict[str, object], list[Link]]:
    """Return what is said of a collection, and its links except the one to itself."""
    language = language_of(request)
    here = _path(request, collection)
    title = collection.title(language)
    links = [
        Link(f"{here}/items", "items", GEOJSON, title),
        Link(f"{here}/items?f=html", "items", "text/html", title),
        Link(
            f"{here}/queryables",
            "http://www.opengis.net/def/rel/ogc/1.0/queryables",
            _SCHEMA,
            text("api.link.queryables", language=language),
        ),
    ]
    described: dict[str, object] = {
        "id": collection.collection_id,
        "title": title,
        "description": text("api.page.features", language=language, count=collection.count),
        "itemType": "feature",
        "crs": crs,
    }
    if collection.storage_uri:
        described["storageCrs"] = collection.storage_uri
        if collection.storage_uri not in OFFERED:
            described["crs"] = [*crs, collection.storage_uri]
    if collection.lon_lat:
        described["extent"] = {"spatial": {"bbox": [list(collection.lon_lat)], "crs": CRS84}}
    return described, links


def _crumbs(request: Request, *, collections: bool = False) -> list[tuple[str, str]]:
    language = language_of(request)
    crumbs = [(text("api.page.title", language=language), f"{_root(request)}/?f=html")]
    if collections:
        title = text("api.link.collections", language=language)
        crumbs.append((title, f"{_root(request)}/collections?f=html"))
    return crumbs


def _root(request: Request) -> str:
    return str(request.url_for("ogc:landing")).rstrip("/")


def _path(request: Request, collection: Collection) -> str:
    return f"{_root(request)}/collections/{quote(collection.collection_id)}"


def _of(request: Request) -> Collections:
    collections: Collections = request.app.state.collections
    return collections


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store
