"""Evaluation: grids that exist, judged by every rule.

The grids of today come as a plan, as polygons, or as a table of buildings and grids.  A building belongs
to the polygon that holds most of it; it is *ambiguous* when that is less than nine tenths of it, when
another polygon holds it too, or when no polygon holds it.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.errors import UsageError
from spatial.findings import Finding, Report, Severity
from spatial.grids.assembly import assemble_plan
from spatial.grids.constraints import judge
from spatial.grids.division import Division, divide
from spatial.grids.fabric import Fabric, Progress, build_fabric
from spatial.grids.levels import without_parents
from spatial.grids.measures import compactness, measure
from spatial.grids.plan import Plan
from spatial.grids.rules import GridRules
from spatial.grids.wording import exception_sentences
from spatial.town import Town

__all__ = ["Assigned", "Evaluation", "assign_by_polygons", "assignment_of_today", "evaluate_plan"]

# A building of which a polygon holds less than this is not clearly its.
_CLEAR_SHARE = 0.9
# A point this near to another polygon is not clearly in its own.
_CLEAR_DISTANCE_M = 1.0


@dataclass(frozen=True, eq=False)
class Assigned:
    """Which grid each building is in, read from polygons.

    Attributes
    ----------
    assignment : building_id, grid_id
    ambiguous : building_id, grid_id (null when no polygon holds it), share of the building in it,
        other_grid_id (the next best, or null)
    grids : the polygons, by grid_id, with what they say of themselves
    """

    assignment: pd.DataFrame
    ambiguous: pd.DataFrame
    grids: gpd.GeoDataFrame


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Grids judged by every rule.

    Attributes
    ----------
    plan : the grids as a plan: outlines of their cells, figures, certificates without proof
    report : every finding, broken hard rules (errors) first
    scores : measures by community_id, see `spatial.grids.measures`; compactness added
    ambiguous : buildings of unclear grid, see `Assigned`
    division : the units in their grids
    """

    plan: Plan
    report: Report
    scores: pd.DataFrame
    ambiguous: pd.DataFrame
    division: Division

    @property
    def broken(self) -> tuple[Finding, ...]:
        """Findings of hard rules."""
        return self.report.errors


def assignment_of_today(town: Town) -> Assigned:
    """Return today's grids, from the town's layer ``grids``.

    Raises
    ------
    UsageError
        If the layer is empty.
    """
    layer = town.layer("grids")
    if layer.empty:
        raise UsageError("grids.no_grids_today")
    return assign_by_polygons(town, layer)


def assign_by_polygons(town: Town, polygons: gpd.GeoDataFrame) -> Assigned:
    """Return the grid of each building, by polygons that are indexed by, or have a column, grid_id.

    Level 1 grids (a column ``level``) are left out.
    """
    layer = polygons.set_index("grid_id") if "grid_id" in polygons.columns else polygons
    layer = layer.to_crs(town.crs) if layer.crs is not None else layer.set_crs(town.crs)
    layer = without_parents(layer)
    shapes, ids = layer.geometry.to_numpy(), layer.index.to_numpy(object)
    buildings = town.buildings.geometry.to_numpy()
    names = town.buildings.index.to_numpy(object)
    building, polygon = shapely.STRtree(shapes).query(
        buildings, predicate="dwithin", distance=_CLEAR_DISTANCE_M
    )
    flat = shapely.get_dimensions(buildings[building]) == 2
    held = np.where(
        flat,
        shapely.area(shapely.intersection(buildings[building], shapes[polygon]))
        / np.maximum(shapely.area(buildings[building]), 1e-9),
        shapely.intersects(buildings[building], shapes[polygon]).astype(float),
    )
    rows = pd.DataFrame({"building": building, "polygon": polygon, "share": held, "flat": flat})
    rows = rows[(rows["share"] > 0) | ~rows["flat"]]
    rows = rows.sort_values(["building", "share", "polygon"], ascending=[True, False, True])
    best = rows.drop_duplicates("building")
    second = rows[rows.duplicated("building")].drop_duplicates("building").set_index("building")["polygon"]
    inside = best[best["share"] > 0]
    listed = pd.DataFrame({"building": np.arange(len(names))}).merge(best, how="left", on="building")
    listed["other"] = second.reindex(listed["building"]).to_numpy()
    share = listed["share"].fillna(0.0).to_numpy()
    # of a footprint a sliver of another polygon does not matter; a point has no share to tell
    unclear = (share < _CLEAR_SHARE) | (
        ~listed["flat"].eq(other=True).to_numpy() & listed["other"].notna().to_numpy()
    )
    chosen = listed[unclear]
    named = pd.Series(ids)
    ambiguous = pd.DataFrame(
        {
            "building_id": names[chosen["building"].to_numpy()],
            "grid_id": named.reindex(chosen["polygon"].where(chosen["share"] > 0)).to_numpy(object),
            "share": chosen["share"].fillna(0.0).to_numpy(),
            "other_grid_id": named.reindex(chosen["other"]).to_numpy(object),
        }
    )
    assignment = pd.DataFrame(
        {
            "building_id": names[inside["building"].to_numpy()],
            "grid_id": ids[inside["polygon"].to_numpy()],
        }
    )
    return Assigned(assignment, ambiguous, layer)


def evaluate_plan(
    town: Town,
    assignment: Plan | Assigned | gpd.GeoDataFrame | pd.DataFrame,
    rules: GridRules | None = None,
    *,
    previous: Plan | None = None,
    fabric: Fabric | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Return what every rule says of grids, and their scores.

    Parameters
    ----------
    assignment : a plan; what `assignment_of_today` gives; polygons with grid_id; or a table with
        building_id and grid_id
    rules : the defaults when None
    previous : what locks refer to
    fabric : the town's fabric of single buildings under these rules, where it is at hand

    Raises
    ------
    UsageError
        If a table lacks one of its columns.
    KnowledgeError
        If too few households are known.
    """
    rules = rules or GridRules()
    fabric = fabric or build_fabric(town, rules, bonded=False, progress=progress)
    if isinstance(assignment, gpd.GeoDataFrame):
        assignment = assign_by_polygons(town, assignment)
    ambiguous = pd.DataFrame(columns=["building_id", "grid_id", "share", "other_grid_id"])
    grids: pd.DataFrame | None = None
    if isinstance(assignment, Plan | Assigned):
        table, grids = assignment.assignment, assignment.grids
        if isinstance(assignment, Assigned):
            ambiguous = assignment.ambiguous
    else:
        table = assignment
    if not {"building_id", "grid_id"} <= set(table.columns):
        raise UsageError("grids.assignment_columns", found="、".join(map(str, table.columns)))
    division = divide(fabric, table, grids)
    before = None if previous is None else divide(fabric, previous.assignment, previous.grids)
    report = judge(division, before) + Report(tuple(_doubts(fabric, table, ambiguous)))
    scores = measure(division)
    kept = assignment.certificates if isinstance(assignment, Plan) else None
    certificates = _certificates(scores) if kept is None else kept
    plan = assemble_plan(
        division,
        certificates,
        exceptions=exception_sentences(division, certificates),
        provenance=assignment.provenance if isinstance(assignment, Plan) else {},
    )
    basic = without_parents(plan.grids)
    outlines = basic[(basic["kind"] == "basic").to_numpy(dtype=bool)]
    shape = pd.Series(
        compactness(outlines.geometry.to_numpy()), index=outlines["community_id"].to_numpy(object)
    )
    scores["compactness"] = shape.groupby(level=0).mean().reindex(scores.index)
    return Evaluation(plan, report, scores, ambiguous, division)


def _certificates(scores: pd.DataFrame) -> pd.DataFrame:
    """Certificates of grids that were not drawn: figures, and no proof."""
    return pd.DataFrame(
        {
            "status": "not_proven",
            "grids": scores["grids"],
            "households": np.rint(scores["households"]),
            "violation": scores["violation"],
            "extra_pieces": scores["extra_pieces"],
            "inertia": scores["inertia"],
            "witness": None,
        },
        index=scores.index,
    )


def _doubts(fabric: Fabric, table: pd.DataFrame, ambiguous: pd.DataFrame) -> list[Finding]:
    """Return what is doubtful about the assignment itself."""
    findings = []
    known = set(fabric.town.buildings.index) | set(fabric.members["building_id"])
    foreign = table["building_id"][~table["building_id"].isin(known)].unique()
    if len(foreign):
        findings.append(
            Finding.of(Severity.WARNING, "grids.unknown_building", "assignment", foreign, count=len(foreign))
        )
    whole = table[table["stairwell_id"].isna()] if "stairwell_id" in table else table
    several = whole.groupby("building_id")["grid_id"].nunique()
    twice = several.index[(several > 1).to_numpy(dtype=bool)]
    if len(twice):
        findings.append(
            Finding.of(Severity.ERROR, "grids.twice_assigned", "assignment", twice, count=len(twice))
        )
    if len(ambiguous):
        ids = ambiguous["building_id"]
        findings.append(
            Finding.of(Severity.WARNING, "grids.ambiguous_buildings", "buildings", ids, count=len(ids))
        )
    unknown = fabric.units["unknown_buildings"].to_numpy() > 0
    if unknown.any():
        ids = fabric.units["subject_id"][unknown]
        findings.append(
            Finding.of(Severity.WARNING, "grids.households_estimated", "buildings", ids, count=len(ids))
        )
    return [*findings, *fabric.findings]
