"""Comparison: what two plans of a town differ in, as the map page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from maps.features import short_code
from maps.figures import plain
from maps.geography import bounds_of, geojson_of
from spatial.grids import Plan, compare_plans
from spatial.grids.codes import heirs
from spatial.town import Town

__all__ = ["compare"]

# How the sum over a town of each score is better: more, less, or neither.
_SCORES: Mapping[str, str] = {
    "grids": "",
    "in_range": "more",
    "violation": "less",
    "least": "",
    "most": "",
    "extra_pieces": "less",
    "inertia": "less",
    "moved_households": "",
}


def compare(town: Town, before: Plan, after: Plan) -> dict[str, Any]:
    """Return what two plans differ in: scores in rule order, moved buildings, flows, changed ground.

    Buildings are named by their position in the town's table, as in tiles.

    Raises
    ------
    ConflictError
        If the plans were made of different towns.
    """
    plans = {"a": before, "b": _carried_on(town, before, after)}
    difference = compare_plans(plans["a"], plans["b"])
    totals = difference.scores.groupby(level="plan").sum(min_count=1)
    sums: dict[str, dict[str, float | None]] = {}
    for side, name in (("a", "before"), ("b", "after")):
        households = plans[side].grids.loc[plans[side].grids["kind"] == "basic", "households"]
        sums[side] = {
            one: plain(totals.loc[name, one]) if one in totals.columns else None for one in _SCORES
        } | {"least": plain(households.min()), "most": plain(households.max())}
    sums["b"]["moved_households"] = difference.households
    position = pd.Series(np.arange(len(town.buildings)), index=town.buildings.index)
    moved = position.reindex(difference.moved["building_id"].unique()).dropna().astype(int)
    ground = difference.ground[difference.ground["buildings"] > 0]
    outlines = ground.geometry.simplify(1.0).to_crs(4326)
    return {
        "scores": [
            {"key": one, "a": sums["a"][one], "b": sums["b"][one], "better": _better(one, sums)}
            for one in _SCORES
        ],
        "households": difference.households,
        "buildings": difference.buildings,
        "moved": moved.tolist(),
        "flows": _flows(town, difference.flows, ground, plans),
        "ground": {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "geometry": geojson_of(one), "properties": {}} for one in outlines
            ],
        },
    }


def _carried_on(town: Town, before: Plan, after: Plan) -> Plan:
    """Return ``after`` with the ids of the grids it carries on, where the plans share no id at all.

    Two plans drawn apart name their grids apart; by the rule of identity a grid carries on the one
    that gives it most households, if that is at least half of them.
    """
    if before.grids.index.intersection(after.grids.index).size:
        return after
    units = ["building_id", "stairwell_id"]
    both = before.assignment.merge(after.assignment, on=units, suffixes=("_old", "_new"))
    weight = town.buildings["households"].reindex(both["building_id"]).fillna(0)
    old = before.grids.index.get_indexer(both["grid_id_old"])
    new = after.grids.index.get_indexer(both["grid_id_new"])
    carried = heirs(weight.to_numpy(float), new.astype(np.int64), old.astype(np.int64))
    names = {after.grids.index[one]: before.grids.index[other] for one, other in carried.items()}
    return replace(
        after,
        grids=after.grids.rename(index=names),
        assignment=after.assignment.assign(grid_id=after.assignment["grid_id"].replace(names)),
    )


def _flows(
    town: Town, flows: pd.DataFrame, ground: gpd.GeoDataFrame, plans: Mapping[str, Plan]
) -> list[dict[str, Any]]:
    names = town.communities["name"]
    codes = {side: short_code(plan.grids["code"]) for side, plan in plans.items()}
    home = plans["a"].grids["community_id"]
    there = ground.dissolve(["from_grid", "to_grid"]).geometry if len(ground) else ground.geometry
    bounds = dict(zip(there.index, bounds_of(there), strict=True))
    return [
        {
            "community": plain(names.get(home.get(row.from_grid))),
            "from_code": plain(codes["a"].get(row.from_grid)),
            "to_code": plain(codes["b"].get(row.to_grid)),
            "households": plain(row.households),
            "buildings": plain(row.buildings),
            "bounds": bounds.get((row.from_grid, row.to_grid)),
        }
        for row in flows.itertuples()
    ]


def _better(score: str, sums: Mapping[str, Mapping[str, float | None]]) -> str | None:
    one, other = sums["a"][score], sums["b"][score]
    if not _SCORES[score] or one is None or other is None:
        return None
    if one == other:
        return "same"
    return "b" if (other > one) == (_SCORES[score] == "more") else "a"
