"""Making a town: raw tables are shaped, checked by every rule, and completed by place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from spatial.checks.contracts import check_contract
from spatial.checks.datums import check_datums
from spatial.checks.layers import check_layer, check_places, check_reference, usable
from spatial.checks.relations import check_households, check_relations, containing
from spatial.checks.shaping import shape_table
from spatial.checks.topology import check_topology
from spatial.crs import metric_crs
from spatial.errors import SchemaError
from spatial.findings import Finding, Report, Severity
from spatial.schema import TABLES
from spatial.town import Town, empty_table

__all__ = ["STUDY_AREA_ID", "check_tables", "made_again", "make_town", "with_households"]

# Only what a plan cannot do without; everything else may be absent and is said once.
_NEEDED = ("buildings",)
# The study area of a town without communities reaches this far beyond its buildings.
_STUDY_AREA_MARGIN_M = 50.0
STUDY_AREA_ID = "study-area"


def check_tables(tables: Mapping[str, pd.DataFrame]) -> Report:
    """Return every finding about the raw tables of a town.

    Parameters
    ----------
    tables : raw tables by the names of `spatial.schema.TABLES`; layers are GeoDataFrames

    Examples
    --------
    >>> [finding.rule for finding in check_tables({})]
    ['missing_table']
    """
    _, _, findings = _checked(tables, None)
    return Report(tuple(findings))


def make_town(
    name: str,
    crs: pyproj.CRS | str | int | None,
    tables: Mapping[str, pd.DataFrame],
    provenance: Mapping[str, str] | None = None,
) -> Town:
    """Return the town of raw tables.

    Absent tables and columns are filled with nulls; the layers are brought into one metric
    reference system; a building or an estate without a community, and a building without an estate,
    gets the one it lies in, with a note.  Without communities they are proposed: where the buildings that
    name them stand, or else the study area as one.

    Parameters
    ----------
    name : what the place is called
    crs : reference system the town shall have; where it is geographic or None, the metric one of
        the place is taken
    tables : raw tables by the names of `spatial.schema.TABLES`
    provenance : where the data come from

    Raises
    ------
    SchemaError
        If the tables break the schema; it carries the whole report.
    """
    shaped, metric, findings = _checked(tables, None if crs is None else pyproj.CRS(crs))
    report = Report(tuple(findings))
    if report.errors or metric is None:
        raise SchemaError(report)
    completed, notes = _completed(name, shaped, metric)
    return Town(
        name=name,
        crs=metric,
        tables=MappingProxyType(completed),
        provenance=MappingProxyType(dict(provenance or {})),
        report=report + Report(tuple(notes)),
    )


# What was done to the tables on their way; checking the result again does not say it again.
_DONE = frozenset(
    {
        "communities_from_streets",
        "communities_proposed",
        "community_of_estate",
        "estates_proposed",
        "gates_proposed",
        "heights_left_out",
        "placed",
        "reprojected",
    }
)


def made_again(town: Town, tables: Mapping[str, pd.DataFrame], *findings: Finding) -> Town:
    """Return the town with other tables, checked; its report keeps what was done to the tables before.

    Raises
    ------
    SchemaError
        If the tables break the schema.
    """
    made = make_town(town.name, town.crs, {**town.tables, **tables}, town.provenance)
    before = Report(tuple(one for one in town.report if one.rule in _DONE))
    return replace(made, report=before + made.report + Report(findings))


def with_households(town: Town, buildings: gpd.GeoDataFrame, *findings: Finding) -> Town:
    """Return the town with other households of its buildings; only what depends on them is checked again."""
    tables = {**town.tables, "buildings": buildings}
    again = check_households(tables)
    rules = {"households_unknown", "households_estimated", "totals_disagree"}
    before = tuple(one for one in town.report if one.rule not in rules)
    return replace(town, tables=MappingProxyType(tables), report=Report((*before, *again, *findings)))


def _checked(
    tables: Mapping[str, pd.DataFrame], crs: pyproj.CRS | None
) -> tuple[dict[str, pd.DataFrame], pyproj.CRS | None, list[Finding]]:
    """Return the shaped tables in one metric reference system, that system, and all findings."""
    findings = [
        Finding.of(Severity.ERROR, "checks.missing_table", table) for table in _NEEDED if table not in tables
    ]
    findings += [
        Finding.of(Severity.WARNING, "checks.unknown_table", table) for table in tables if table not in TABLES
    ]
    shaped: dict[str, pd.DataFrame] = {}
    for table in TABLES.values():
        if table.name not in tables:
            shaped[table.name] = empty_table(table)
            continue
        shaped[table.name], more = shape_table(table, tables[table.name])
        findings += more
        # A column that is missing was said once; its nulls are not said again.
        missing = {one.statement.values.get("column") for one in more if one.rule == "missing_column"}
        findings += [
            one
            for one in check_contract(table, shaped[table.name])
            if one.statement.values["column"] not in missing
        ]
        frame = shaped[table.name]
        if isinstance(frame, gpd.GeoDataFrame) and "missing_geometry_column" not in {
            one.rule for one in more
        }:
            findings += check_reference(table, frame)
            findings += check_layer(table, frame)
    metric, notes = _in_one_reference(shaped, crs, stopped=_reference_is_wrong(findings))
    findings += notes
    if metric is not None:
        findings += check_places(shaped)
        findings += check_relations(shaped)
        findings += check_topology(shaped)
        findings += check_datums(shaped, metric)
    return shaped, metric, findings


def _reference_is_wrong(findings: list[Finding]) -> bool:
    wrong = {"reference_missing", "reference_unusable", "degrees_expected", "metres_expected"}
    return any(one.rule in wrong for one in findings)


def _in_one_reference(
    shaped: dict[str, pd.DataFrame], crs: pyproj.CRS | None, *, stopped: bool
) -> tuple[pyproj.CRS | None, list[Finding]]:
    """Bring the layers of ``shaped`` into one metric reference system, where that can be done."""
    layers = {name: frame for name, frame in shaped.items() if isinstance(frame, gpd.GeoDataFrame)}
    filled = {name: layer for name, layer in layers.items() if usable(layer).any()}
    if stopped or not filled:
        return None, []
    place = filled.get("buildings", next(iter(filled.values())))
    target = crs or pyproj.CRS(place.crs)
    findings = []
    if not _is_metric(target):
        declared, target = target, metric_crs(place[usable(place)])
        findings.append(
            Finding.of(Severity.NOTE, "checks.reprojected", None, declared=declared.name, target=target.name)
        )
    for name, layer in layers.items():
        if layer.crs is None:
            shaped[name] = layer.set_crs(target)
        elif not pyproj.CRS(layer.crs).equals(target):
            shaped[name] = layer.to_crs(target)
            if name in filled and not findings:
                declared_name = pyproj.CRS(layer.crs).name
                findings.append(
                    Finding.of(
                        Severity.NOTE, "checks.reprojected", name, declared=declared_name, target=target.name
                    )
                )
    return target, findings


def _is_metric(crs: pyproj.CRS) -> bool:
    return crs.is_projected and crs.axis_info[0].unit_name in {"metre", "meter"}


def _completed(
    town_name: str, shaped: Mapping[str, pd.DataFrame], crs: pyproj.CRS
) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """Return the tables with the communities and estates that place tells, and notes about them."""
    completed = dict(shaped)
    findings: list[Finding] = []
    if completed["communities"].empty:
        completed["buildings"], findings = _in_communities_of_estates(completed)
        completed["communities"] = _proposed_communities(town_name, completed, crs)
    for name, column, holder in (
        ("estates", "community_id", "communities"),
        ("buildings", "estate_id", "estates"),
        ("buildings", "community_id", "communities"),
    ):
        layer, holders = completed[name], completed[holder]
        if layer.empty or holders.empty:
            continue
        unknown = layer[column].isna().to_numpy(dtype=bool)
        place = np.full(len(layer), -1, dtype=np.int64)
        place[unknown] = containing(layer.geometry.to_numpy()[unknown], holders.geometry.to_numpy())
        found = place >= 0
        if not found.any():
            continue
        values = layer[column].copy()
        values[found] = holders.index.to_numpy()[place[found]]
        completed[name] = layer.assign(**{column: values})
        ids = layer.index[found]
        findings.append(
            Finding.of(
                Severity.NOTE, "checks.placed", name, ids, column=column, holder=holder, count=len(ids)
            )
        )
    return completed, findings


def _in_communities_of_estates(tables: Mapping[str, pd.DataFrame]) -> tuple[pd.DataFrame, list[Finding]]:
    """Return the buildings of a town without boundaries, in the communities that their estates name."""
    buildings, estates = tables["buildings"], tables["estates"]
    named = buildings["estate_id"].map(estates["community_id"])
    taken = (buildings["community_id"].isna() & named.notna()).to_numpy(dtype=bool)
    if not taken.any():
        return buildings, []
    ids = buildings.index[taken]
    note = Finding.of(Severity.NOTE, "checks.community_of_estate", "buildings", ids, count=len(ids))
    return buildings.assign(community_id=buildings["community_id"].mask(taken, named)), [note]


def _proposed_communities(
    town_name: str, tables: Mapping[str, pd.DataFrame], crs: pyproj.CRS
) -> gpd.GeoDataFrame:
    """Return the communities of a town that has no boundaries, marked as derived.

    Those that buildings name lie where these buildings are the nearest ones (Voronoi); where none is
    named, the study area is one.  The study area is the hull of the buildings and a margin.
    """
    buildings = tables["buildings"]
    points = shapely.point_on_surface(buildings.geometry.to_numpy())
    hull = shapely.convex_hull(shapely.multipoints(points[shapely.is_geometry(points)]))
    area = shapely.Polygon(shapely.buffer(hull, _STUDY_AREA_MARGIN_M))
    named = (buildings["community_id"].notna() & shapely.is_geometry(points)).to_numpy(dtype=bool)
    if named.any():
        outlines = _nearest_areas(points[named], buildings["community_id"][named], area)
    else:
        outlines = pd.Series([area], index=[STUDY_AREA_ID])
    names = [town_name] if not named.any() else list(outlines.index)
    rows = gpd.GeoDataFrame(
        {"community_id": list(outlines.index), "name": names, "source": "derived"},
        geometry=list(outlines),
        crs=crs,
    )
    communities, _ = shape_table(TABLES["communities"], rows)
    return gpd.GeoDataFrame(communities)


def _nearest_areas(points: NDArray[np.object_], names: pd.Series, area: shapely.Polygon) -> pd.Series:
    """Return for each name the part of the area that is nearest to its points."""
    places, first = np.unique(shapely.get_coordinates(points), axis=0, return_index=True)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(places), extend_to=area))
    within = shapely.STRtree(cells).query(shapely.points(places), predicate="intersects")
    owners = pd.DataFrame({"cell": within[1], "name": names.to_numpy(dtype=object)[first[within[0]]]})
    return pd.Series(
        {
            name: shapely.intersection(shapely.union_all(cells[rows["cell"].to_numpy()]), area)
            for name, rows in owners.groupby("name")
        }
    )
