"""Levels: parent grids of level 1, made of the grids of a community or of a subdistrict."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from spatial.grids.rules import Parents
from spatial.town import Town

__all__ = ["with_parents", "without_parents"]


def with_parents(grids: gpd.GeoDataFrame, town: Town, parents: Parents) -> gpd.GeoDataFrame:
    """Return grids with their parents of level 1 added, and ``parent_id`` filled in.

    Parameters
    ----------
    grids : layer ``grids`` of a plan, level 2
    parents : ``community``: one parent per community, named by its id; ``subdistrict``: one per
        subdistrict, named by its name; a community without a subdistrict is its own parent

    Notes
    -----
    A parent's ``community_id`` is that of its community, or of the first of its subdistrict.
    """
    if not parents or grids.empty:
        return grids
    subdistrict = town.communities["subdistrict"]
    own = town.communities.index.to_series().astype("string")
    parent = own if parents == "community" else subdistrict.where(subdistrict.notna(), own)
    of_grid = "L1-" + grids["community_id"].map(parent).astype("string")
    grids = gpd.GeoDataFrame(grids.assign(parent_id=of_grid))
    sums = grids.groupby(of_grid)[
        ["households", "residents", "buildings", "estates", "area_m2", "unknown_buildings"]
    ]
    rows = pd.DataFrame(sums.agg(lambda column: column.sum(skipna=False)))
    rows["community_id"] = grids.groupby(of_grid)["community_id"].min()
    rows["code"] = rows.index.str.removeprefix("L1-")
    rows = rows.assign(level=1, kind="basic").reindex(columns=grids.columns.drop("geometry"))
    shapes = [shapely.union_all(grids.geometry[(of_grid == one).to_numpy()].to_numpy()) for one in rows.index]
    types = {name: grids[name].dtype for name in rows.columns}
    added = gpd.GeoDataFrame(rows.astype(types), geometry=shapes, crs=grids.crs)
    added.index = added.index.astype("string").rename("grid_id")
    return gpd.GeoDataFrame(pd.concat([grids, added]), crs=grids.crs)


def without_parents(grids: pd.DataFrame) -> pd.DataFrame:
    """Return the grids of level 2 alone."""
    if "level" not in grids:
        return grids
    return grids[(grids["level"].fillna(2) == 2).to_numpy(dtype=bool)]
