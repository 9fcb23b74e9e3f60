"""Features: a page of a collection, chosen by box, time and properties, as GeoJSON.

GeoJSON is put together as text: geometries are written by GEOS all at once, and a page of a thousand
features passes through no dictionary of coordinates.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from api.collections import Collection
from api.coordinates import CRS84, in_crs
from api.database import row_id, touches
from api.database.geometry import as_stored, decode
from api.errors import NotFoundError
from spatial.errors import UsageError

__all__ = ["Page", "Selection", "feature", "page", "parse_interval", "parse_value"]


@dataclass(frozen=True)
class Selection:
    """What is wanted of a collection.

    Attributes
    ----------
    limit, offset : how many features, after how many
    region : only features that intersect it, in the reference system of the collection; None for all
    interval : first and last day (ISO 8601, None open) of the time in which a feature must be valid
    filters : the value that each named property must have
    crs : address of the reference system of the answer
    """

    limit: int
    offset: int = 0
    region: BaseGeometry | None = None
    interval: tuple[str | None, str | None] | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    crs: str = CRS84


@dataclass(frozen=True)
class Page:
    """A page of features: each as GeoJSON text, and how many there are in all."""

    features: Sequence[str]
    matched: int


def page(connection: Connection, collection: Collection, selection: Selection) -> Page:
    """Return the features of a selection, in the order of the collection."""
    condition = _condition(connection, collection, selection)
    query = (
        _select(collection)
        .where(condition)
        .order_by(collection.base.c.id)
        .limit(selection.limit)
        .offset(selection.offset)
    )
    features = _geojson(connection, collection, query, selection.crs)
    chosen = selection.region is not None or selection.interval is not None or selection.filters
    if chosen:
        counted = select(func.count()).select_from(collection.source).where(condition)
        matched = connection.execute(counted).scalar_one()
    else:
        matched = collection.count
    return Page(features, matched)


def feature(connection: Connection, collection: Collection, feature_id: str, crs: str) -> str:
    """Return one feature by its id.

    Raises
    ------
    NotFoundError
        If the collection has none of this id.
    """
    base = collection.base
    if collection.id_column:
        named = base.c[collection.id_column] == feature_id
    elif re.fullmatch(r"[1-9]\d{0,8}", feature_id):
        named = base.c.id == row_id(collection.base_revision_id, int(feature_id))
    else:
        raise NotFoundError("api.no_feature", collection=collection.collection_id, feature=feature_id)
    query = _select(collection).where(and_(base.c.revision_id == collection.base_revision_id, named))
    found = _geojson(connection, collection, query, crs)
    if not found:
        raise NotFoundError("api.no_feature", collection=collection.collection_id, feature=feature_id)
    return found[0]


def parse_value(name: str, kind: str, value: str) -> str | int | float | bool:
    """Return the value of a property filter.

    Raises
    ------
    UsageError
        If the text is no value of this kind.
    """
    try:
        if kind == "flag":
            return {"true": True, "false": False}[value.lower()]
        if kind == "whole" and abs(whole := int(value)) < 2**63:
            return whole
        if kind == "number" and math.isfinite(number := float(value)):
            return number
    except (KeyError, ValueError) as error:
        raise UsageError("api.property_value", property=name, value=value, kind=kind) from error
    if kind in {"whole", "number"}:
        raise UsageError("api.property_value", property=name, value=value, kind=kind)
    return value


_INSTANT = r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?)?"


def parse_interval(value: str) -> tuple[str | None, str | None]:
    """Return the first and last day of ``datetime``: an instant, or an interval open with '..' or ''.

    Raises
    ------
    UsageError
        If the text is neither, or the interval ends before it begins.
    """
    ends = value.split("/")
    instants = [None if end in {"", ".."} else end for end in ends]
    well_formed = all(end is None or re.fullmatch(_INSTANT, end, re.IGNORECASE) for end in instants)
    if len(ends) > 2 or not well_formed or (len(ends) == 1 and instants[0] is None):
        raise UsageError("api.datetime", value=value)
    first, last = (instants[0], instants[-1])
    if first is not None and last is not None and first > last:
        raise UsageError("api.datetime", value=value)
    return (first and first[:10], last and last[:10])


def _condition(connection: Connection, collection: Collection, selection: Selection) -> ColumnElement[bool]:
    base = collection.base
    parts: list[ColumnElement[bool]] = [base.c.revision_id == collection.base_revision_id]
    parts += [collection.properties[name] == value for name, value in selection.filters.items()]
    if selection.region is not None:
        # A feature without a place cannot be said to lie elsewhere.
        nowhere = base.c.geometry.is_(None)
        if selection.region.is_empty:
            parts.append(nowhere)
        else:
            inside = touches(base, collection.base_revision_id, selection.region, connection.dialect)
            parts.append(or_(inside, nowhere))
    if selection.interval is not None:
        first, last = selection.interval
        if first is not None:
            parts.append(or_(base.c.valid_to.is_(None), base.c.valid_to >= first))
        if last is not None:
            parts.append(or_(base.c.valid_from.is_(None), base.c.valid_from <= last))
    return and_(*parts)


def _select(collection: Collection) -> Select[Any]:
    base = collection.base
    named = [column.label(f"p_{name}") for name, column in collection.properties.items()]
    return select(base.c.id, as_stored(base.c.geometry), base.c.extra, *named).select_from(collection.source)


def _geojson(connection: Connection, collection: Collection, query: Select[Any], crs: str) -> list[str]:
    rows = connection.execute(query).all()
    if not rows:
        return []
    shapes = in_crs(decode([row[1] for row in rows]), collection.crs, crs)
    geometries = np.where(shapely.is_missing(shapes), "null", shapely.to_geojson(shapes))
    names = list(collection.properties)
    position = names.index(collection.id_column) if collection.id_column else None
    features = []
    for row, geometry in zip(rows, geometries.tolist(), strict=True):
        values = dict(zip(names, row[3:], strict=True)) | (row[2] or {})
        feature_id = str(row[0] % (1 << 32)) if position is None else row[3 + position]
        features.append(
            f'{{"type":"Feature","id":{json.dumps(feature_id, ensure_ascii=False)},"geometry":{geometry},'
            f'"properties":{json.dumps(values, ensure_ascii=False, separators=(",", ":"))}}}'
        )
    return features
