"""A division: which grid every unit of a fabric is in.

It is what rules judge and measures measure; a plan is a division with its outlines and certificates.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spatial.grids.fabric import Fabric
from spatial.grids.levels import without_parents

__all__ = ["Division", "divide"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# A special area that has grown or shrunk is still that of a grid which holds half of its ground.
_SAME_GROUND = 0.5
_GRID_COLUMNS = ("code", "kind", "community_id", "level", "parent_id")


@dataclass(frozen=True, eq=False)
class Division:
    """A fabric's units in grids.

    Attributes
    ----------
    fabric : the units
    grids : indexed by grid_id, columns code, kind (basic, special), community_id, level, parent_id; a
        basic grid's number is its row
    grid : (n,) number of the grid of each unit, −1 for none
    special : (p,) number of the grid of each special part, −1 for none
    special_buildings : (k,) number of the grid of each building of ``fabric.special_members``, −1 for none
    """

    fabric: Fabric
    grids: pd.DataFrame
    grid: Ints
    special: Ints
    special_buildings: Ints

    @cached_property
    def weight(self) -> Floats:
        """What the window counts, per grid, shape (g,)."""
        return self._sum(self.fabric.arrays.weight)

    @cached_property
    def households(self) -> Floats:
        """Known households per grid, shape (g,)."""
        return self._sum(self.fabric.arrays.households)

    def _sum(self, values: Floats) -> Floats:
        inside = self.grid >= 0
        total = np.bincount(self.grid[inside], weights=values[inside], minlength=len(self.grids))
        return total.astype(np.float64)

    @cached_property
    def home(self) -> NDArray[np.object_]:
        """Community of each grid, shape (g,)."""
        return self.grids["community_id"].to_numpy(object)

    @cached_property
    def is_basic(self) -> NDArray[np.bool_]:
        """Whether each grid is a basic one, shape (g,)."""
        return (self.grids["kind"] == "basic").to_numpy(dtype=bool)

    def numbers_of(self, grid_ids: Sequence[object]) -> Ints:
        """Return the numbers of grids, −1 for an id that is none."""
        return self.grids.index.get_indexer(pd.Index(grid_ids)).astype(np.int64)

    def restricted(self, fabric: Fabric, units: Ints, communities: Collection[str]) -> Division:
        """Return the division of some communities alone.

        Parameters
        ----------
        fabric, units : the fabric of those communities, and the numbers of its units here; see
            `Fabric.restricted`
        """
        kept = self.grids["community_id"].isin(list(communities)).to_numpy(dtype=bool, copy=True)
        kept[self.grid[units][self.grid[units] >= 0]] = True
        number = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)
        special = self.fabric.special["community_id"].isin(list(communities)).to_numpy(dtype=bool)
        buildings = special[self.fabric.special_members["part"].to_numpy(dtype=np.int64)]
        return Division(
            fabric,
            self.grids[kept],
            number[self.grid[units]],
            number[self.special[special]],
            number[self.special_buildings[buildings]],
        )

    def units_of(self, number: int) -> Ints:
        """Return the units of a grid."""
        return np.flatnonzero(self.grid == number)

    def pieces(self, *, over_barriers: bool = False) -> Ints:
        """Return for each unit the number of the connected piece of its grid, shape (n,).

        Parameters
        ----------
        over_barriers : whether barriers are taken as if they were passable
        """
        ends = self.fabric.ends
        if over_barriers:
            ends = np.concatenate([ends, self.fabric.parted_ends])
        first, second = ends.T
        inside = (self.grid[first] == self.grid[second]) & (self.grid[first] >= 0)
        count = len(self.grid)
        graph = coo_array((np.ones(int(inside.sum())), (first[inside], second[inside])), shape=(count, count))
        piece: Ints = connected_components(graph, directed=False)[1].astype(np.int64)
        return piece

    def assignment(self) -> pd.DataFrame:
        """Return the table of a plan: which grid each building or stairwell is in, and its households.

        What is in no grid is left out; unknown households are null.
        """
        members, special = self.fabric.members, self.fabric.special_members
        number = np.concatenate([self.grid[members["unit"].to_numpy(dtype=np.int64)], self.special_buildings])
        rows = pd.DataFrame(
            {
                "building_id": pd.concat([members["building_id"], special["building_id"]])
                .astype("string")
                .array,
                "stairwell_id": pd.concat(
                    [members["stairwell_id"], pd.Series(pd.NA, index=special.index, dtype="string")]
                ).array,
            }
        )
        rows["grid_id"] = pd.Series(pd.NA, index=rows.index, dtype="string")
        counted = self.fabric.town.buildings["households"]
        own = pd.concat([members["households"], counted.reindex(special["building_id"])])
        unknown = rows["building_id"].isin(counted.index[counted.isna()])
        rows["households"] = pd.Series(own.array).round().astype("Int64").mask(unknown)
        inside = number >= 0
        rows.loc[inside, "grid_id"] = self.grids.index.to_numpy(object)[number[inside]]
        return rows[inside].sort_values(["building_id", "stairwell_id"], ignore_index=True)


def divide(fabric: Fabric, assignment: pd.DataFrame, grids: pd.DataFrame | None = None) -> Division:
    """Return the division of an assignment.

    Parameters
    ----------
    assignment : building_id, grid_id, and where buildings are divided stairwell_id; a unit of several
        buildings takes the grid of most of its households
    grids : what is known of the grids, by grid_id; grids that are only named in the assignment are added
        as basic grids of the community where most of their buildings lie.  Outlines, where there are any,
        tell whose ground a special area is
    """
    members, special = fabric.members, fabric.special_members
    grids = None if grids is None else without_parents(grids)
    by_stairwell = assignment["stairwell_id"].notna() if "stairwell_id" in assignment else False
    whole = assignment[~by_stairwell] if "stairwell_id" in assignment else assignment
    named = pd.Series(whole["grid_id"].to_numpy(object), index=whole["building_id"].to_numpy(object))
    named = named[~named.index.duplicated()]
    of_member = named.reindex(members["building_id"]).to_numpy(object)
    if "stairwell_id" in assignment:
        divided = assignment[by_stairwell]
        stairs = pd.Series(
            divided["grid_id"].to_numpy(object), index=divided["stairwell_id"].to_numpy(object)
        )
        of_stairs = stairs[~stairs.index.duplicated()].reindex(members["stairwell_id"]).to_numpy(object)
        of_member = np.where(pd.isna(of_stairs), of_member, of_stairs)
    of_special = named.reindex(special["building_id"]).to_numpy(object)
    community = np.concatenate(
        [
            fabric.units["community_id"].to_numpy(object)[members["unit"].to_numpy(dtype=np.int64)],
            fabric.special["community_id"].to_numpy(object)[special["part"].to_numpy(dtype=np.int64)],
        ]
    )
    rows = pd.DataFrame(
        {
            "grid_id": np.concatenate([of_member, of_special]),
            "community_id": community,
            "special": np.repeat([False, True], [len(of_member), len(of_special)]),
        }
    ).dropna(subset="grid_id")
    table = _completed(grids, rows)
    member_grid = table.index.get_indexer(pd.Index(of_member)).astype(np.int64)
    special_buildings = table.index.get_indexer(pd.Index(of_special)).astype(np.int64)
    parts = _grid_of_special(fabric, grids, table)
    placed = special["part"].to_numpy(dtype=np.int64)
    parts[placed] = np.where(parts[placed] >= 0, parts[placed], special_buildings)
    return Division(fabric, table, _most(fabric, member_grid), parts, special_buildings)


def _grid_of_special(fabric: Fabric, grids: pd.DataFrame | None, table: pd.DataFrame) -> Ints:
    """Return the grid on most of the ground of each special area, −1 where no outline tells."""
    found = np.full(len(fabric.special), -1, dtype=np.int64)
    if not isinstance(grids, gpd.GeoDataFrame) or grids.empty or not len(found):
        return found
    cells, outlines = fabric.special.geometry.to_numpy(), grids.geometry.to_numpy()
    part, grid = shapely.STRtree(outlines).query(cells, predicate="intersects")
    shared = shapely.area(shapely.intersection(cells[part], outlines[grid]))
    most = shared >= _SAME_GROUND * shapely.area(cells[part])
    found[part[most]] = table.index.get_indexer(grids.index[grid[most]])
    return found


def _completed(grids: pd.DataFrame | None, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the table of grids with a row for every grid that is named.

    Parameters
    ----------
    rows : one row per building: grid_id, community_id, special (whether it is of a special area)
    """
    table = pd.DataFrame(columns=list(_GRID_COLUMNS)) if grids is None else grids.copy()
    table = pd.DataFrame(table.reindex(columns=list(_GRID_COLUMNS))).astype(object)
    facts = rows.groupby("grid_id").agg(
        community_id=("community_id", lambda column: column.mode().iloc[0]), special=("special", "all")
    )
    added = facts[~facts.index.isin(table.index)]
    more = pd.DataFrame(
        {
            "community_id": added["community_id"],
            "kind": np.where(added["special"].to_numpy(dtype=bool), "special", "basic"),
        },
        index=added.index,
    ).reindex(columns=list(_GRID_COLUMNS))
    table = pd.concat([table, more.astype(object)]) if len(more) else table
    table.index = table.index.astype("string").rename("grid_id")
    known = table["community_id"].notna()
    place = facts["community_id"].reindex(table.index)
    table["community_id"] = table["community_id"].where(known, place)
    table["kind"] = table["kind"].where(table["kind"].notna(), "basic")
    table["level"] = table["level"].where(table["level"].notna(), 2)
    return table


def _most(fabric: Fabric, member_grid: Ints) -> Ints:
    """Grid of each unit: that of most of its members' weight."""
    members = fabric.members
    votes = (
        pd.DataFrame(
            {
                "unit": members["unit"].to_numpy(),
                "grid": member_grid,
                "weight": members["weight"].to_numpy(dtype=float) + 1e-6,
            }
        )
        .groupby(["unit", "grid"], as_index=False)
        .sum()
    )
    votes = votes.sort_values(["unit", "weight", "grid"], ascending=[True, False, True])
    first = votes.drop_duplicates("unit")
    grid = np.full(len(fabric.units), -1, dtype=np.int64)
    grid[first["unit"].to_numpy()] = first["grid"].to_numpy()
    return grid
