"""Collections: the layers of the newest revisions, as clients read them.

A collection is a layer of a town, a plan or a coverage under the id ``PACKAGE.LAYER``
(``town.buildings``, ``plan.grids``); a coverage also gives ``rates_communities`` and ``rates_grids``,
one feature to a community or grid with its figures for every category at the category's own limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyproj
from sqlalchemy import ColumnElement, Connection, FromClause, Table, and_, case, func, select

from api.coordinates import lon_lat_bounds, uri_of
from api.database import KINDS, Bounds, Revision, extent, table_of
from api.errors import NotFoundError
from api.store import Store
from maps.layers import LAYERS
from spatial.catalogue import categories
from spatial.messages import text
from spatial.schema import COMMON_COLUMNS

__all__ = ["Collection", "Collections"]

_RATE_PARTS = {"share": "number", "covered": "number", "undetermined": "number", "denominator": "number"}


@dataclass(frozen=True)
class Collection:
    """One layer of a revision.

    Attributes
    ----------
    collection_id : its id in addresses
    revision : of the package it is named after
    layer_key : key of the layer's title
    base, base_revision_id : the table and revision that hold ids and geometries
    source : what is selected from: the table, or the table with rates joined to it
    id_column : column that names a feature, or '' where its number does
    properties : column of each property that can be asked for
    kinds : kind of value of each property, as in `spatial.schema.Column`
    count : number of features
    crs : reference system of the geometries
    bounds, lon_lat : extent in ``crs`` and in degrees, or None
    """

    collection_id: str
    revision: Revision
    layer_key: str
    base: Table
    base_revision_id: int
    source: FromClause
    id_column: str
    properties: Mapping[str, ColumnElement[Any]]
    kinds: Mapping[str, str]
    count: int
    crs: pyproj.CRS
    bounds: Bounds | None
    lon_lat: Bounds | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lon_lat", self.bounds and lon_lat_bounds(self.bounds, self.crs))

    def title(self, language: str) -> str:
        """Return what the collection is called."""
        layer = text(self.layer_key, language=language)
        return text("api.collection", language=language, package=self.revision.package.title, layer=layer)

    @property
    def storage_uri(self) -> str | None:
        """Address of the reference system in which the coordinates are kept, if it has one."""
        return uri_of(self.crs)


class Collections:
    """The collections of a store; those of a revision are looked up once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[tuple[int, ...], tuple[Collection, ...]] = {}

    def all(self) -> dict[str, Collection]:
        """Return every collection by its id."""
        revisions = self._store.revisions()
        state = tuple(revision.id for revision in revisions)
        if state not in self._known:
            with self._store.engine.connect() as connection:
                found = [one for revision in revisions for one in _of(connection, revision, revisions)]
            self._known = {state: tuple(found)}
        return {collection.collection_id: collection for collection in self._known[state]}

    def get(self, collection_id: str) -> Collection:
        """Return a collection.

        Raises
        ------
        NotFoundError
            If there is none of this id.
        """
        found = self.all().get(collection_id)
        if found is None:
            raise NotFoundError("api.no_collection", collection=collection_id)
        return found


def _of(connection: Connection, revision: Revision, revisions: list[Revision]) -> list[Collection]:
    kind = revision.package.kind
    layers = [name for name, table in KINDS[kind].items() if table.is_layer and name in revision.counts]
    found = [_layer(connection, revision, name) for name in layers]
    if kind == "coverage":
        found += [
            _rates(connection, revision, subject, holder, name)
            for subject, holder, name in _subjects(revision, revisions)
        ]
    return found


def _layer(connection: Connection, revision: Revision, name: str) -> Collection:
    kind = revision.package.kind
    table, schema = table_of(kind, name), KINDS[kind][name]
    columns = [column for column in (*schema.columns, *COMMON_COLUMNS) if column.name in table.c]
    return Collection(
        collection_id=f"{revision.package.key}.{name}",
        revision=revision,
        layer_key=_title_key(kind, name),
        base=table,
        base_revision_id=revision.id,
        source=table,
        id_column=schema.id_column,
        properties={column.name: table.c[column.name] for column in columns},
        kinds={column.name: column.kind for column in columns},
        count=revision.counts[name],
        crs=pyproj.CRS(revision.crs),
        bounds=extent(connection, table, revision.id),
    )


def _title_key(kind: str, name: str) -> str:
    layer = next((one for one in LAYERS.values() if (one.package, one.table) == (kind, name)), None)
    return layer.title_key if layer else f"api.layer.{kind}_{name}"


def _subjects(revision: Revision, revisions: list[Revision]) -> list[tuple[str, Revision, str]]:
    """Return whose rates a coverage gives: communities of its town, grids of the town's newest plan."""
    town_id = revision.package.town_id
    towns = [one for one in revisions if one.package.id == town_id]
    plans = [one for one in revisions if one.package.kind == "plan" and one.package.town_id == town_id]
    held = [("community", holder, "communities") for holder in towns]
    held += [("grid", holder, "grids") for holder in plans[-1:]]
    return [one for one in held if one[2] in one[1].counts]


def _rates(
    connection: Connection, revision: Revision, subject: str, holder: Revision, name: str
) -> Collection:
    base, rates = table_of(holder.package.kind, name), table_of("coverage", "rates")
    id_column = KINDS[holder.package.kind][name].id_column
    of_subject = and_(rates.c.revision_id == revision.id, rates.c.subject_type == subject)
    of_subject = and_(of_subject, rates.c.basis == "households", rates.c.indicator.is_(None))
    limits: dict[str, list[float]] = {}
    for category, limit in connection.execute(
        select(rates.c.category, rates.c.limit_m).where(of_subject).distinct()
    ):
        limits.setdefault(category, []).append(limit)
    figures = {
        f"{category}_{part}": func.max(case((_is(rates, category, limits[category]), _figure(rates, part))))
        for category in sorted(limits)
        for part in _RATE_PARTS
    }
    wide = (
        select(rates.c.subject_id, *(figure.label(label) for label, figure in figures.items()))
        .where(of_subject)
        .group_by(rates.c.subject_id)
        .subquery()
    )
    described = [
        one for one in ("code", "name", "subdistrict", "community_id", "households") if one in base.c
    ]
    kinds = {column.name: column.kind for column in KINDS[holder.package.kind][name].columns}
    source = base.join(wide, base.c[id_column] == wide.c.subject_id)
    counted = select(func.count()).select_from(source).where(base.c.revision_id == holder.id)
    return Collection(
        collection_id=f"{revision.package.key}.rates_{name}",
        revision=revision,
        layer_key=f"maps.layer.coverage_{name}",
        base=base,
        base_revision_id=holder.id,
        source=source,
        id_column=id_column,
        properties={one: base.c[one] for one in dict.fromkeys((id_column, *described))}
        | {label: wide.c[label] for label in figures},
        kinds={one: kinds[one] for one in (id_column, *described)} | dict.fromkeys(figures, "number"),
        count=connection.execute(counted).scalar_one(),
        crs=pyproj.CRS(holder.crs),
        bounds=extent(connection, base, holder.id),
    )


def _is(rates: Table, category: str, limits: list[float]) -> ColumnElement[bool]:
    known = categories().get(category)
    own = known.radius_m if known and known.radius_m in limits else min(limits)
    return and_(rates.c.category == category, rates.c.limit_m == own)


def _figure(rates: Table, part: str) -> ColumnElement[Any]:
    if part == "share":
        return rates.c.numerator / func.nullif(rates.c.denominator, 0.0)
    column: ColumnElement[Any] = rates.c["numerator" if part == "covered" else part]
    return column
