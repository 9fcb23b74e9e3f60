"""Packages: towns, plans and coverages as GeoPackage files that QGIS opens.

A package holds every layer in one reference system, the tables without geometry, and a key/value
table ``provenance`` that also says what the package is (``package``: wangge-town/1, wangge-plan/1,
wangge-coverage/1).  It is written beside its place and moved there whole, so that a file is never half
written.
"""

from __future__ import annotations

import glob
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pyogrio.errors
import pyproj

from spatial.checks import make_town, shape_table
from spatial.errors import FileError, SchemaError
from spatial.findings import Finding, Report
from spatial.grids import Plan, PlanDifference
from spatial.io.sources import TOWN_PACKAGE
from spatial.io.vector import read_layers
from spatial.lifecircle import Coverage, Proposal
from spatial.schema import COVERAGE_TABLES, PLAN_TABLES, Table
from spatial.town import Town, empty_table

__all__ = [
    "open_package",
    "read_coverage",
    "read_package",
    "read_plan",
    "read_tables",
    "read_town",
    "write_coverage",
    "write_difference",
    "write_package",
    "write_plan",
    "write_proposal",
    "write_town",
    "written_whole",
]

_TOWN, _PLAN, _COVERAGE = TOWN_PACKAGE, "wangge-plan/1", "wangge-coverage/1"
_DIFFERENCE, _PROPOSAL = "wangge-difference/1", "wangge-sites/1"
# A partial file that nobody has written to for a day is of no living process.
_STALE_S = 86_400
# Tables that QGIS adds to a package for itself.
_OF_QGIS = frozenset({"layer_styles", "qgis_projects"})


def write_town(town: Town, path: Path | str) -> Path:
    """Write a town as a package; tables without rows are left out.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    return write_package(path, town.tables, {**town.provenance, "name": town.name, "package": _TOWN})


def read_town(path: Path | str) -> Town:
    """Read a town from its package and check it.

    Raises
    ------
    FileError
        If the file is missing, is no GeoPackage, or holds something else than a town.
    SchemaError
        If its tables break the schema; it carries the whole report.
    """
    name, crs, tables, provenance = read_tables(path)
    return make_town(name, crs, tables, provenance)


def read_tables(
    path: Path | str,
) -> tuple[str, pyproj.CRS | None, dict[str, pd.DataFrame], dict[str, str]]:
    """Read the raw tables of a town package, unchecked: name, reference system, tables, provenance.

    A package that was not written by Wangge is read too: its name is that of the file.

    Raises
    ------
    FileError
        If the file is missing, is no GeoPackage, or holds a plan or a coverage.
    """
    tables, provenance = open_package(path, _TOWN)
    name = provenance.pop("name", Path(path).stem)
    systems = [layer.crs for layer in tables.values() if isinstance(layer, gpd.GeoDataFrame) and layer.crs]
    return name, pyproj.CRS(systems[0]) if systems else None, tables, provenance


def write_plan(plan: Plan, path: Path | str) -> Path:
    """Write a plan as a package.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    return write_package(path, _plan_tables(plan), {**plan.provenance, "package": _PLAN})


def read_plan(path: Path | str) -> Plan:
    """Read a plan from its package.

    Raises
    ------
    FileError
        If the file is missing, is no GeoPackage, or holds something else than a plan.
    SchemaError
        If a table lacks a column or holds values of another kind.
    """
    tables, provenance = open_package(path, _PLAN)
    shaped = _shaped(PLAN_TABLES, tables)
    rules = shaped["rules"]
    return Plan(
        grids=gpd.GeoDataFrame(shaped["grids"]),
        assignment=shaped["assignment"],
        certificates=shaped["certificates"],
        rules=dict(zip(rules["rule"], rules["value"].fillna(""), strict=True)),
        provenance=provenance,
    )


def write_difference(difference: PlanDifference, path: Path | str) -> Path:
    """Write what two plans differ in as a package: ground, moved, flows, grids, scores.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    tables = {name: getattr(difference, name) for name in ("ground", "moved", "flows", "grids", "scores")}
    tables["scores"] = tables["scores"].reset_index()
    return write_package(path, tables, {"package": _DIFFERENCE})


def write_proposal(proposal: Proposal, path: Path | str) -> Path:
    """Write proposed sites as a package: sites, unreached, summary.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    tables = {name: getattr(proposal, name) for name in ("sites", "unreached", "summary")}
    return write_package(path, tables, {"package": _PROPOSAL})


def read_package(path: Path | str) -> tuple[str, pyproj.CRS, dict[str, pd.DataFrame]]:
    """Read what a package of a town, a plan or a coverage holds: name, reference system, tables.

    Raises
    ------
    FileError
        If the file is missing, is no GeoPackage, or holds none of them.
    SchemaError
        If its tables break their schema.
    """
    kind = _kind(path)
    if kind == _PLAN:
        plan = read_plan(path)
        return Path(path).stem, plan.grids.crs, _plan_tables(plan)
    if kind == _COVERAGE:
        coverage = read_coverage(path)
        return (
            Path(path).stem,
            coverage.buildings.crs,
            {name: getattr(coverage, name) for name in COVERAGE_TABLES},
        )
    town = read_town(path)
    return town.name, town.crs, dict(town.tables)


def _plan_tables(plan: Plan) -> dict[str, pd.DataFrame]:
    rules = pd.DataFrame({"rule": list(plan.rules), "value": list(plan.rules.values())}, dtype="string")
    tables = {name: getattr(plan, name) for name in ("grids", "assignment", "certificates")}
    return {**tables, "rules": rules}


def _kind(path: Path | str) -> str:
    """Return what a package says it is; a town where it says nothing."""
    source = _geopackage(path)
    try:
        entries = pyogrio.read_dataframe(source, layer="provenance")
    except pyogrio.errors.DataLayerError:
        return _TOWN
    said = dict(zip(entries["key"], entries["value"], strict=True))
    return str(said.get("package", _TOWN))


def write_coverage(coverage: Coverage, path: Path | str) -> Path:
    """Write a coverage as a package.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    tables = {name: getattr(coverage, name) for name in COVERAGE_TABLES}
    return write_package(path, tables, {**coverage.provenance, "package": _COVERAGE})


def read_coverage(path: Path | str) -> Coverage:
    """Read a coverage from its package.

    Raises
    ------
    FileError
        If the file is missing, is no GeoPackage, or holds something else than a coverage.
    SchemaError
        If a table lacks a column or holds values of another kind.
    """
    tables, provenance = open_package(path, _COVERAGE)
    shaped = _shaped(COVERAGE_TABLES, tables)
    return Coverage(
        buildings=gpd.GeoDataFrame(shaped["buildings"]),
        walks=shaped["walks"],
        rates=shaped["rates"],
        gaps=gpd.GeoDataFrame(shaped["gaps"]),
        provenance=provenance,
    )


def open_package(path: Path | str, package: str) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Return the raw tables of a package and its provenance.

    Parameters
    ----------
    package : what the file must be, such as ``wangge-plan/1``; a file that does not say passes

    Raises
    ------
    FileError
        If the file is missing, is no GeoPackage, or says that it is something else.
    """
    source = _geopackage(path)
    tables = read_layers(source, skip=_OF_QGIS)
    entries = tables.pop("provenance", pd.DataFrame({"key": [], "value": []}))
    provenance = dict(zip(entries["key"].astype(str), entries["value"].fillna("").astype(str), strict=True))
    found = provenance.pop("package", package)
    if found != package:
        raise FileError("io.other_package", path=source, package=package, found=found)
    return tables, provenance


def _geopackage(path: Path | str) -> Path:
    source = Path(path)
    if not source.exists():
        raise FileError("io.file_missing", path=source)
    if not source.is_file() or not _is_sqlite(source):
        raise FileError("io.not_geopackage", path=source)
    return source


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _shaped(schema: Mapping[str, Table], tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the tables of a result in the form of its schema; absent ones are empty."""
    systems = [table.crs for table in tables.values() if isinstance(table, gpd.GeoDataFrame)]
    shaped = {}
    findings: list[Finding] = []
    for table in schema.values():
        if table.name in tables:
            shaped[table.name], more = shape_table(table, tables[table.name])
            findings += more
        else:
            shaped[table.name] = empty_table(table, next(iter(systems), None))
    report = Report(tuple(findings))
    if report.errors:
        raise SchemaError(report)
    return shaped


@contextmanager
def written_whole(path: Path | str) -> Iterator[Path]:
    """Give a path beside ``path`` to write to, and move the file to ``path`` when all went well.

    Raises
    ------
    FileError
        If the folder is missing or the file cannot be moved or written.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileError("io.folder_missing", path=target, folder=target.parent)
    for stale in target.parent.glob(f".{glob.escape(target.stem)}-*.partial*"):
        if time.time() - stale.stat().st_mtime > _STALE_S:  # of a run that was killed
            stale.unlink(missing_ok=True)
    partial = target.with_name(f".{target.stem}-{uuid.uuid4().hex[:8]}.partial{target.suffix}")
    try:
        yield partial
        partial.replace(target)
    except (OSError, RuntimeError) as error:
        raise FileError("io.not_writable", path=target, reason=str(error)) from error
    finally:
        for leftover in target.parent.glob(f"{partial.name}*"):
            leftover.unlink(missing_ok=True)


def write_package(
    path: Path | str,
    tables: Mapping[str, pd.DataFrame],
    provenance: Mapping[str, str],
) -> Path:
    """Write tables, those without rows left out, and the table ``provenance`` as one GeoPackage.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    entries = sorted((key, str(value)) for key, value in provenance.items())
    with written_whole(path) as partial:
        for name, table in tables.items():
            frame = table.reset_index() if table.index.name else table
            if len(frame):
                _write_layer(partial, name, frame)
        _write_layer(partial, "provenance", pd.DataFrame(entries, columns=["key", "value"]))
    return Path(path)


def _write_layer(partial: Path, name: str, frame: pd.DataFrame) -> None:
    options: dict[str, object] = {"layer": name, "driver": "GPKG", "append": partial.exists()}
    if isinstance(frame, gpd.GeoDataFrame):
        frame = frame.rename_geometry("geometry") if frame.geometry.name != "geometry" else frame
        options["geometry_type"], options["promote_to_multi"] = _geometry_type(frame)
    pyogrio.write_dataframe(frame, partial, use_arrow=False, **options)


def _geometry_type(frame: gpd.GeoDataFrame) -> tuple[str, bool]:
    """Return the type of a layer, and whether its simple geometries must be written as multi ones."""
    types = set(frame.geometry.geom_type.dropna())
    if len(types) == 1:
        return next(iter(types)), False
    if len({one.removeprefix("Multi") for one in types}) == 1:
        return f"Multi{next(iter(types)).removeprefix('Multi')}", True
    return "Unknown", False
