"""The OpenAPI document of the OGC interface: self-contained, with examples from what is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.answers import GEOJSON, PROBLEM
from api.collections import Collection
from api.coordinates import CRS84, OFFERED
from spatial.messages import text

__all__ = ["DEFAULT_LIMIT", "MAX_LIMIT", "openapi_document"]

DEFAULT_LIMIT = 1000
MAX_LIMIT = 10_000

_STRING = {"type": "string"}
_LINKS = {"type": "array", "items": {"$ref": "#/components/schemas/link"}}


def openapi_document(collections: Sequence[Collection], root: str, language: str) -> dict[str, Any]:
    """Return the document.

    Parameters
    ----------
    collections : the collections that the service holds
    root : address under which the interface stands
    language : of the summaries
    """

    def operation(
        name: str, schema: str, *parameters: str, media_type: str = "application/json"
    ) -> dict[str, Any]:
        answered = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
        return {
            "get": {
                "operationId": name,
                "summary": text(f"api.operation.{name}", language=language),
                "parameters": [_PARAMETERS[one] for one in parameters],
                "responses": {
                    "200": {
                        "description": text(f"api.operation.{name}", language=language),
                        "content": {media_type: answered, "text/html": {"schema": _STRING}},
                    },
                    **({"404": _problem(404, language)} if "{" in _PATHS[name] else {}),
                    "400": _problem(400, language),
                    "403": _problem(403, language),
                    "500": _problem(500, language),
                },
            }
        }

    operations = {
        "landing": operation("landing", "landing", "f"),
        "openapi": operation("openapi", "openapi", "f", media_type="application/vnd.oai.openapi+json;version=3.0"),
        "conformance": operation("conformance", "conformance", "f"),
        "collections": operation("collections", "collections", "f"),
        "collection": operation("collection", "collection", "f"),
        "queryables": operation("queryables", "queryables", "f", media_type="application/schema+json"),
        "items": operation(
            "items", "featureCollection", "f", "limit", "offset", "bbox", "bbox-crs", "crs", "datetime", "properties",
            media_type=GEOJSON,
        ),
        "item": operation("item", "feature", "f", "crs", media_type=GEOJSON),
    }  # fmt: skip
    paths = {_PATHS[name]: one for name, one in operations.items()}
    for path, one in paths.items():
        one["get"]["parameters"] = _path_parameters(path, collections) + one["get"]["parameters"]
    return {
        "openapi": "3.0.3",
        "info": {
            "title": text("api.page.title", language=language),
            "description": text("api.page.lead", language=language),
            "version": "1.0.0",
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": root}],
        "paths": paths,
        "components": {"schemas": _SCHEMAS},
    }


_PATHS = {
    "landing": "/",
    "openapi": "/api",
    "conformance": "/conformance",
    "collections": "/collections",
    "collection": "/collections/{collectionId}",
    "queryables": "/collections/{collectionId}/queryables",
    "items": "/collections/{collectionId}/items",
    "item": "/collections/{collectionId}/items/{featureId}",
}


def _query(
    name: str, schema: Mapping[str, Any], example: object = None, *, explode: bool = False
) -> dict[str, Any]:
    parameter = {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "style": "form",
        "explode": explode,
    }
    return parameter | ({} if example is None else {"example": example})


_CRS = {"type": "string", "format": "uri", "enum": list(OFFERED), "default": CRS84}
_PARAMETERS: Mapping[str, dict[str, Any]] = {
    "f": _query("f", {"type": "string", "enum": ["json", "html"]}, "json"),
    "limit": _query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        10,
    ),
    "offset": _query("offset", {"type": "integer", "minimum": 0, "maximum": 2**31, "default": 0}, 0),
    "bbox": _query("bbox", {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}),
    "bbox-crs": _query("bbox-crs", _CRS),
    "crs": _query("crs", _CRS),
    "datetime": _query("datetime", _STRING, "2020-01-01/.."),
    "properties": _query(
        "properties",
        {"type": "object", "additionalProperties": {"type": "string"}},
        {},
        explode=True,
    ),
}


def _path_parameters(path: str, collections: Sequence[Collection]) -> list[dict[str, Any]]:
    ids = [one.collection_id for one in collections]
    parameters: list[dict[str, Any]] = []
    if "{collectionId}" in path:
        schema = {"type": "string", **({"enum": ids} if ids else {})}
        parameters.append({"name": "collectionId", "in": "path", "required": True, "schema": schema})
    if "{featureId}" in path:
        parameters.append({"name": "featureId", "in": "path", "required": True, "schema": _STRING})
    return parameters


def _problem(status: int, language: str) -> dict[str, Any]:
    return {
        "description": text(f"api.status.{status}", language=language),
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/problem"}}},
    }


def _object(required: Sequence[str], **properties: object) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties}


_GEOMETRY = {
    "type": "object",
    "nullable": True,
    "required": ["type"],
    "properties": {
        "type": {
            "type": "string",
            "enum": [
                "Point",
                "MultiPoint",
                "LineString",
                "MultiLineString",
                "Polygon",
                "MultiPolygon",
                "GeometryCollection",
            ],
        },
        "coordinates": {"type": "array", "items": {}},
    },
}
_SCHEMAS: Mapping[str, Any] = {
    "link": _object(["href", "rel", "type"], href=_STRING, rel=_STRING, type=_STRING, title=_STRING),
    "landing": _object(["links"], title=_STRING, description=_STRING, links=_LINKS),
    "openapi": _object(
        ["openapi", "info", "paths"], openapi=_STRING, info={"type": "object"}, paths={"type": "object"}
    ),
    "conformance": _object(["conformsTo"], conformsTo={"type": "array", "items": _STRING}, links=_LINKS),
    "extent": _object(
        [],
        spatial=_object(
            ["bbox"],
            bbox={
                "type": "array",
                "minItems": 1,
                "items": {"type": "array", "minItems": 4, "maxItems": 4, "items": {"type": "number"}},
            },
            crs=_STRING,
        ),
    ),
    "collection": _object(
        ["id", "links"],
        id=_STRING,
        title=_STRING,
        description=_STRING,
        extent={"$ref": "#/components/schemas/extent"},
        itemType={"type": "string", "enum": ["feature"]},
        crs={"type": "array", "items": _STRING},
        storageCrs=_STRING,
        links=_LINKS,
    ),
    "collections": _object(
        ["links", "collections"],
        links=_LINKS,
        crs={"type": "array", "items": _STRING},
        collections={"type": "array", "items": {"$ref": "#/components/schemas/collection"}},
    ),
    "queryables": _object(
        ["$schema", "$id", "type", "properties"],
        **{"$schema": _STRING, "$id": _STRING},
        type={"type": "string", "enum": ["object"]},
        title=_STRING,
        properties={"type": "object", "additionalProperties": {"type": "object"}},
    ),
    "feature": _object(
        ["type", "id", "geometry", "properties"],
        type={"type": "string", "enum": ["Feature"]},
        id=_STRING,
        geometry=_GEOMETRY,
        properties={"type": "object"},
        links=_LINKS,
    ),
    "featureCollection": _object(
        ["type", "features", "links"],
        type={"type": "string", "enum": ["FeatureCollection"]},
        features={"type": "array", "items": {"$ref": "#/components/schemas/feature"}},
        links=_LINKS,
        timeStamp={"type": "string", "format": "date-time"},
        numberMatched={"type": "integer", "minimum": 0},
        numberReturned={"type": "integer", "minimum": 0},
    ),
    "problem": _object(
        ["type", "title", "status", "detail", "code"],
        type=_STRING,
        title=_STRING,
        status={"type": "integer"},
        detail=_STRING,
        code=_STRING,
        description=_STRING,
        expected=_STRING,
        found=_STRING,
        where=_STRING,
        remedy=_STRING,
    ),
}
