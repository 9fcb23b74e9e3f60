"""Comparing plans: who changes grid, what becomes of each grid, and both scores."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.grids.division import Division, divide
from spatial.grids.fabric import Fabric, build_fabric
from spatial.grids.measures import measure
from spatial.grids.plan import Plan
from spatial.grids.rules import GridRules
from spatial.town import Town

__all__ = ["PlanDifference", "compare_plans"]


@dataclass(frozen=True, eq=False)
class PlanDifference:
    """What two plans of one town differ in.

    Attributes
    ----------
    moved : layer of buildings whose grid_id differs: building_id, households, from_grid, to_grid (null
        where a plan leaves the building out), geometry
    flows : households and buildings that go from a grid to another: from_grid, to_grid
    grids : indexed by grid_id of either plan: change (kept, changed, new, gone), households before and after
    scores : indexed by community_id and plan (before, after): measures, see `spatial.grids.measures`
    """

    moved: gpd.GeoDataFrame
    flows: pd.DataFrame
    grids: pd.DataFrame
    scores: pd.DataFrame

    @property
    def households(self) -> int:
        """Known households that change grid."""
        return int(self.moved["households"].sum())


def compare_plans(
    town: Town, before: Plan, after: Plan, rules: GridRules | None = None, *, fabric: Fabric | None = None
) -> PlanDifference:
    """Return what two plans of a town differ in.

    Parameters
    ----------
    rules : rules under which both are measured; the defaults when None
    fabric : the town's fabric of single buildings, where it is at hand
    """
    fabric = fabric or build_fabric(town, rules, bonded=False)
    divisions = {
        "before": divide(fabric, before.assignment, before.grids),
        "after": divide(fabric, after.assignment, after.grids),
    }
    pairs = _pairs(fabric, divisions["before"], divisions["after"])
    differs = (pairs["from_grid"].fillna("") != pairs["to_grid"].fillna("")).to_numpy(dtype=bool)
    moved = pairs[differs]
    flows = (
        moved.groupby(["from_grid", "to_grid"], dropna=False)
        .agg(households=("households", "sum"), buildings=("building_id", "nunique"))
        .reset_index()
        .sort_values(["households", "from_grid", "to_grid"], ascending=[False, True, True], ignore_index=True)
    )
    scores = pd.concat({name: measure(one) for name, one in divisions.items()}, names=["plan"])
    return PlanDifference(
        moved=_layer(town, moved),
        flows=flows,
        grids=_grids(divisions["before"], divisions["after"], moved),
        scores=scores.swaplevel().sort_index(),
    )


def _pairs(fabric: Fabric, before: Division, after: Division) -> pd.DataFrame:
    """Grid of every building or stairwell in both plans, special areas included."""
    members, special = fabric.members, fabric.special_members
    unit = members["unit"].to_numpy(dtype=np.int64)

    def grid_ids(division: Division) -> pd.Series:
        names = np.append(division.grids.index.to_numpy(object), None)
        numbers = np.concatenate([division.grid[unit], division.special_buildings])
        return pd.Series(names[numbers], dtype="string")

    own = fabric.town.buildings["households"].reindex(special["building_id"]).fillna(0)
    return pd.DataFrame(
        {
            "building_id": np.concatenate(
                [members["building_id"].to_numpy(object), special["building_id"].to_numpy(object)]
            ),
            "households": np.concatenate([members["households"].to_numpy(dtype=float), own.to_numpy(dtype=float)]),
            "from_grid": grid_ids(before),
            "to_grid": grid_ids(after),
        }
    )


def _layer(town: Town, moved: pd.DataFrame) -> gpd.GeoDataFrame:
    shapes = town.buildings.geometry.reindex(moved["building_id"])
    missing = shapes.isna().to_numpy()
    if missing.any():
        # an estate drawn as a point stands for its buildings
        shapes = shapes.where(~missing, town.estates.geometry.reindex(moved["building_id"]))
    rows = moved.assign(households=np.rint(moved["households"]).astype(np.int64))
    return gpd.GeoDataFrame(rows.reset_index(drop=True), geometry=shapes.to_numpy(), crs=town.crs)


def _grids(before: Division, after: Division, moved: pd.DataFrame) -> pd.DataFrame:
    touched = set(moved["from_grid"].dropna()) | set(moved["to_grid"].dropna())
    then = pd.Series(before.households, index=before.grids.index)
    now = pd.Series(after.households, index=after.grids.index)
    table = pd.DataFrame({"households_before": then, "households_after": now})
    table["change"] = np.select(
        [
            table["households_before"].isna(),
            table["households_after"].isna(),
            table.index.isin(touched),
        ],
        ["new", "gone", "changed"],
        "kept",
    )
    table.index.name = "grid_id"
    return table
