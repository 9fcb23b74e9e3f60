"""The store: towns, plans and coverages in a database, taken in from packages and read again.

Once a package is in the database, the database holds the truth: a file that differs from it changes
nothing until somebody says that it shall (``adopt``), and then becomes a new revision.  A revision is
written in one transaction, so that nothing half-written is ever seen.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import geopandas as gpd
import pandas as pd
import pyogrio
import pyogrio.errors
import pyproj
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.orm import Session, joinedload

from api.database import KINDS, Package, Revision, insert_frame, open_database, read_frame, writing
from api.errors import NotFoundError
from spatial.errors import ConflictError, CRSError
from spatial.findings import Finding, Report, Severity
from spatial.grids.plan import Plan
from spatial.io import read_coverage, read_plan, read_town
from spatial.lifecircle.coverage import Coverage
from spatial.town import Town, empty_table, fingerprint, row_hashes

__all__ = ["Content", "Difference", "Intake", "Store"]

Content = Town | Plan | Coverage
State = Literal["new", "same", "older", "differs", "adopted"]


@dataclass(frozen=True)
class Difference:
    """How a table of a file differs from the same table in the database, in rows.

    A row that has an id counts as changed when both hold the id with other values; in a table without
    ids every other row counts as added or removed.
    """

    table: str
    added: int
    removed: int
    changed: int


@dataclass(frozen=True)
class Intake:
    """What became of a package that was offered to the store.

    Attributes
    ----------
    key : the package's name in addresses
    kind : town, plan or coverage
    state : new and adopted: stored as a revision; same: the newest revision holds this; older: an
        earlier revision does; differs: the database holds something else, which stays
    revision : number of the newest revision
    differences : tables that differ, when the state is ``differs`` or ``adopted``
    report : what is doubtful
    """

    key: str
    kind: str
    state: State
    revision: int
    differences: tuple[Difference, ...] = ()
    report: Report = field(default_factory=Report)


class Store:
    """Towns, plans and coverages in one database.

    Parameters
    ----------
    engine : from `api.database.open_database`
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, database_url: str) -> Store:
        """Open the database of an address; see `api.database.open_database`."""
        return cls(open_database(database_url))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def revisions(self) -> list[Revision]:
        """Return the newest revision of every package, towns first, each with its package."""
        newest = select(func.max(Revision.id)).group_by(Revision.package_id)
        query = (
            select(Revision)
            .where(Revision.id.in_(newest))
            .join(Revision.package)
            .options(joinedload(Revision.package))
            .order_by(Package.town_id.is_not(None), Package.kind.desc(), Package.id)
        )
        with Session(self.engine, expire_on_commit=False) as session:
            return list(session.scalars(query))

    def revision(self, key: str, number: int | None = None) -> Revision:
        """Return a revision of a package, the newest where no number is given.

        Raises
        ------
        NotFoundError
            If the database holds no such package or revision.
        """
        query = select(Revision).join(Revision.package).options(joinedload(Revision.package))
        query = query.where(Package.key == key).order_by(Revision.number.desc())
        if number is not None:
            query = query.where(Revision.number == number)
        with Session(self.engine, expire_on_commit=False) as session:
            found = session.scalars(query).first()
        if found is None:
            raise NotFoundError("api.no_package", package=key)
        return found

    def town(self, key: str, number: int | None = None) -> Town:
        """Return a town as it was stored."""
        revision, tables = self._tables("town", key, number)
        return Town(revision.package.title, pyproj.CRS(revision.crs), tables, revision.provenance)

    def plan(self, key: str, number: int | None = None) -> Plan:
        """Return a plan as it was stored."""
        revision, tables = self._tables("plan", key, number)
        return Plan(
            grids=gpd.GeoDataFrame(tables["grids"]),
            assignment=tables["assignment"],
            certificates=tables["certificates"],
            rules=revision.rules,
            provenance=revision.provenance,
        )

    def coverage(self, key: str, number: int | None = None, *, left_out: Sequence[str] = ()) -> Coverage:
        """Return a coverage as it was stored; tables of many rows can be left out."""
        revision, tables = self._tables("coverage", key, number, left_out)
        return Coverage(
            buildings=gpd.GeoDataFrame(tables["buildings"]),
            walks=tables["walks"],
            rates=tables["rates"],
            gaps=gpd.GeoDataFrame(tables["gaps"]),
            provenance=revision.provenance,
        )

    def rows(self, key: str, number: int, table: str, among: Mapping[str, Sequence[str]]) -> pd.DataFrame:
        """Return the rows of a revision's table that hold one of the values of each column named."""
        revision = self.revision(key, number)
        kind = revision.package.kind
        with self.engine.connect() as connection:
            return read_frame(connection, revision.id, kind, table, revision.crs, among=among)

    @staticmethod
    def kind_of(path: Path) -> str:
        """Tell what a package holds from its provenance; a file that says nothing is read as a town."""
        try:
            provenance = pyogrio.read_dataframe(path, layer="provenance", columns=["key", "value"])
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError):
            return "town"
        said = dict(zip(provenance["key"], provenance["value"], strict=True)).get("package", "")
        kind: str = said.removeprefix("wangge-").partition("/")[0]
        return kind if kind in KINDS else "town"

    def take_in(self, path: Path, *, adopt: bool = False) -> Intake:
        """Take a package into the database, or compare it with what the database holds.

        Parameters
        ----------
        path : package of a town, a plan or a coverage; its name without the suffix is the key
        adopt : make the file a new revision where it differs from the database

        Raises
        ------
        FileError, SchemaError
            If the file cannot be read or breaks the schema.
        ConflictError
            If the key belongs to another kind of package or another town, or a plan or coverage
            belongs to a town that the database does not hold.
        """
        kind = self.kind_of(path)
        key = _key(path)
        digest = _digest(path)
        held = self._held(key)
        if held is not None and held.file_digest == digest and held.package.kind == kind:
            return Intake(key, kind, "same", held.number)
        return self.add(key, _READERS[kind](path), file_digest=digest, adopt=adopt)

    def add(
        self, key: str, content: Content, *, file_digest: str | None = None, adopt: bool = False
    ) -> Intake:
        """Store a town, plan or coverage under a key; see `take_in`."""
        kind, tables, rules = _parts(content)
        content_print, crs = _fingerprint(tables, rules), _crs_of(content)
        with writing(self.engine) as connection, Session(connection, expire_on_commit=False) as session:
            package = session.scalars(select(Package).where(Package.key == key)).one_or_none()
            report = Report()
            if package is None:
                package, report = _new_package(session, kind, key, content)
            elif package.kind != kind or (isinstance(content, Town) and package.title != content.name):
                raise ConflictError("api.key_taken", package=key, title=package.title)
            newest = package.revisions[-1] if package.revisions else None
            differences: tuple[Difference, ...] = ()
            if newest is not None:
                if newest.fingerprint == content_print:
                    return Intake(key, kind, "same", newest.number)
                if any(revision.fingerprint == content_print for revision in package.revisions):
                    return Intake(key, kind, "older", newest.number)
                differences = _differences(_stored_tables(connection, newest), tables)
                if not adopt:
                    return Intake(key, kind, "differs", newest.number, differences)
            revision = Revision(
                package=package,
                number=newest.number + 1 if newest else 1,
                fingerprint=content_print,
                file_digest=file_digest,
                crs=crs.to_string(),
                provenance=dict(content.provenance),
                rules=dict(rules),
                counts={name: len(frame) for name, frame in tables.items() if len(frame)},
                created_at=dt.datetime.now(dt.UTC).replace(tzinfo=None),
            )
            session.add(revision)
            session.flush()
            for name, frame in tables.items():
                if len(frame):
                    insert_frame(connection, revision.id, kind, name, frame, srid=crs.to_epsg() or 0)
            return Intake(key, kind, "adopted" if newest else "new", revision.number, differences, report)

    def _held(self, key: str) -> Revision | None:
        try:
            return self.revision(key)
        except NotFoundError:
            return None

    def _tables(
        self, kind: str, key: str, number: int | None, left_out: Sequence[str] = ()
    ) -> tuple[Revision, dict[str, pd.DataFrame]]:
        revision = self.revision(key, number)
        if revision.package.kind != kind:
            raise NotFoundError("api.no_package", package=key)
        with self.engine.connect() as connection:
            return revision, _stored_tables(connection, revision, left_out)


_READERS: Mapping[str, Callable[[Path], Content]] = MappingProxyType(
    {"town": read_town, "plan": read_plan, "coverage": read_coverage}
)


def _key(path: Path) -> str:
    # Keys stand in addresses, where only these letters need no escape.
    key = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-").lower()
    return key or hashlib.sha256(path.stem.encode()).hexdigest()[:8]


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None  # whoever reads the file says what is wrong with it


def _parts(content: Content) -> tuple[str, dict[str, pd.DataFrame], Mapping[str, str]]:
    if isinstance(content, Town):
        return "town", dict(content.tables), {}
    kind = "plan" if isinstance(content, Plan) else "coverage"
    rules = content.rules if isinstance(content, Plan) else {}
    return kind, {name: getattr(content, name) for name in KINDS[kind]}, rules


def _fingerprint(tables: Mapping[str, pd.DataFrame], rules: Mapping[str, str]) -> str:
    named = pd.DataFrame({"rule": list(rules), "value": list(rules.values())}, dtype="string")
    return fingerprint({**tables, "rules": named})


def _crs_of(content: Content) -> pyproj.CRS:
    if isinstance(content, Town):
        return content.crs
    layer = content.grids if isinstance(content, Plan) else content.buildings
    if layer.crs is None:
        raise CRSError("crs.unknown")
    return pyproj.CRS(layer.crs)


def _new_package(session: Session, kind: str, key: str, content: Content) -> tuple[Package, Report]:
    if isinstance(content, Town):
        package, report = Package(kind=kind, key=key, title=content.name), Report()
    else:
        town, report = _town_of(session, key, content.provenance.get("town_fingerprint", ""))
        title = content.provenance.get("name", key)
        package = Package(kind=kind, key=key, title=title, town_id=town.id)
    session.add(package)
    return package, report


def _town_of(session: Session, key: str, town_fingerprint: str) -> tuple[Package, Report]:
    """Find the town of a plan or coverage: the state it was made from, else the only town there is."""
    made_from = select(Package).join(Revision).where(Package.kind == "town")
    town = session.scalars(made_from.where(Revision.fingerprint == town_fingerprint)).first()
    if town is not None:
        return town, Report()
    towns = session.scalars(select(Package).where(Package.kind == "town")).all()
    if len(towns) != 1:
        raise ConflictError("api.town_unknown", package=key, towns=len(towns))
    doubt = Finding.of(Severity.WARNING, "api.town_state", package=key, town=towns[0].title)
    return towns[0], Report((doubt,))


def _stored_tables(
    connection: Connection, revision: Revision, left_out: Sequence[str] = ()
) -> dict[str, pd.DataFrame]:
    kind = revision.package.kind
    return {
        name: empty_table(table, revision.crs)
        if name in left_out
        else read_frame(connection, revision.id, kind, name, revision.crs)
        for name, table in KINDS[kind].items()
    }


def _differences(
    held: Mapping[str, pd.DataFrame], offered: Mapping[str, pd.DataFrame]
) -> tuple[Difference, ...]:
    compared = (_difference(name, held[name], offered[name]) for name in held)
    return tuple(one for one in compared if one.added or one.removed or one.changed)


def _difference(name: str, held: pd.DataFrame, offered: pd.DataFrame) -> Difference:
    before, after = row_hashes(held), row_hashes(offered)
    if not held.index.name:
        old, new = Counter(before.tolist()), Counter(after.tolist())
        return Difference(name, (new - old).total(), (old - new).total(), 0)
    old_rows, new_rows = pd.Series(before, index=held.index), pd.Series(after, index=offered.index)
    both = old_rows.index.intersection(new_rows.index)
    changed = int((old_rows[both] != new_rows[both]).sum())
    return Difference(name, len(new_rows) - len(both), len(old_rows) - len(both), changed)
