"""Comparing plans: who changes grid, what becomes of each grid, and both scores.

Two plans of one town say all that is needed: their assignments, their outlines and their certificates.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.errors import ConflictError
from spatial.grids.measures import compactness
from spatial.grids.plan import Plan

__all__ = ["PlanDifference", "compare_plans"]

# Ground that changes grid by less than this is a rounding of outlines.
_LEAST_AREA_M2 = 1.0
_SCORES = ("grids", "households", "violation", "extra_pieces", "inertia")
_UNIT = ["building_id", "stairwell_id"]


@dataclass(frozen=True, eq=False)
class PlanDifference:
    """What two plans of one town differ in.

    Attributes
    ----------
    moved : units whose grid differs: building_id, stairwell_id, households (null when unknown), from_grid,
        to_grid (null where a plan leaves the unit out)
    flows : what goes from a grid to another: from_grid, to_grid, households, buildings; most households first
    ground : layer of the ground that changes grid: from_grid, to_grid, households, buildings, area_m2
    grids : indexed by grid_id of either plan: change (kept, changed, new, gone), households_before and
        households_after
    scores : indexed by community_id and plan (before, after): grids, households, in_range, violation,
        extra_pieces, inertia, compactness (mean of its grids)
    """

    moved: pd.DataFrame
    flows: pd.DataFrame
    ground: gpd.GeoDataFrame
    grids: pd.DataFrame
    scores: pd.DataFrame

    @property
    def households(self) -> int:
        """Known households that change grid."""
        return int(self.moved["households"].sum())

    @property
    def buildings(self) -> int:
        """Buildings of which at least a part changes grid."""
        return int(self.moved["building_id"].nunique())


def compare_plans(before: Plan, after: Plan) -> PlanDifference:
    """Return what two plans of a town differ in.

    Raises
    ------
    ConflictError
        If the plans were made of towns with different fingerprints.
    """
    towns = [plan.provenance.get("town_fingerprint", "") for plan in (before, after)]
    if towns[0] != towns[1]:
        raise ConflictError("grids.plans_of_two_towns", before=towns[0][:12], after=towns[1][:12])
    moved = _moved(before.assignment, after.assignment)
    flows = (
        moved.groupby(["from_grid", "to_grid"], dropna=False)
        .agg(households=("households", "sum"), buildings=("building_id", "nunique"))
        .reset_index()
        .sort_values(["households", "from_grid", "to_grid"], ascending=[False, True, True], ignore_index=True)
    )
    scores = pd.concat({"before": _scores(before), "after": _scores(after)}, names=["plan"])
    return PlanDifference(
        moved=moved,
        flows=flows,
        ground=_ground(before.grids, after.grids, flows),
        grids=_grids(before.grids, after.grids, moved),
        scores=scores.swaplevel().sort_index(),
    )


def _moved(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    pairs = before.merge(after, how="outer", on=_UNIT, suffixes=("_before", "_after"))
    pairs["households"] = pairs["households_after"].fillna(pairs["households_before"])
    pairs = pairs.rename(columns={"grid_id_before": "from_grid", "grid_id_after": "to_grid"})
    differs = (pairs["from_grid"].fillna("") != pairs["to_grid"].fillna("")).to_numpy(dtype=bool)
    return pairs.loc[differs, [*_UNIT, "households", "from_grid", "to_grid"]].reset_index(drop=True)


def _ground(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, flows: pd.DataFrame) -> gpd.GeoDataFrame:
    """Ground that changes grid, one row for each pair of grids."""
    old, new = before.geometry.to_numpy(), after.geometry.to_numpy()
    there, here = shapely.STRtree(new).query(old, predicate="intersects")
    names = before.index.to_numpy(object)[there], after.index.to_numpy(object)[here]
    differ = names[0] != names[1]
    shared = shapely.intersection(old[there[differ]], new[here[differ]])
    layer = gpd.GeoDataFrame(
        {"from_grid": names[0][differ], "to_grid": names[1][differ], "area_m2": shapely.area(shared)},
        geometry=shared,
        crs=after.crs,
    ).astype({"from_grid": "string", "to_grid": "string"})
    layer = layer[layer["area_m2"] >= _LEAST_AREA_M2]
    counted = layer.merge(flows, how="left", on=["from_grid", "to_grid"])
    none = counted["buildings"].isna()
    counted.loc[none, ["households", "buildings"]] = 0
    return counted.sort_values(["from_grid", "to_grid"], ignore_index=True)


def _grids(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, moved: pd.DataFrame) -> pd.DataFrame:
    touched = set(moved["from_grid"].dropna()) | set(moved["to_grid"].dropna())
    table = pd.DataFrame({"households_before": before["households"], "households_after": after["households"]})
    table["change"] = np.select(
        [
            ~table.index.isin(before.index),
            ~table.index.isin(after.index),
            table.index.isin(touched),
        ],
        ["new", "gone", "changed"],
        "kept",
    )
    table.index.name = "grid_id"
    return table


def _scores(plan: Plan) -> pd.DataFrame:
    basic = plan.grids[(plan.grids["kind"] == "basic").to_numpy(dtype=bool)]
    of_community = basic["community_id"].to_numpy(object)
    scores = plan.certificates[list(_SCORES)].copy()
    lawful = pd.Series(basic["in_range"].fillna(value=False).to_numpy(dtype=bool), index=of_community)
    shape = pd.Series(compactness(basic.geometry.to_numpy()), index=of_community)
    scores["in_range"] = lawful.groupby(level=0).sum().reindex(scores.index)
    scores["compactness"] = shape.groupby(level=0).mean().reindex(scores.index)
    return scores
