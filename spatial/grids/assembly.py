"""From a division to a plan: outlines, figures, exceptions, provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.grids.division import Division
from spatial.grids.levels import with_parents
from spatial.grids.outlines import outlines
from spatial.grids.plan import Plan
from spatial.grids.wording import kept
from spatial.messages.sentences import Sentence
from spatial.schema import PLAN_TABLES
from spatial.town import DTYPES, code_version

__all__ = ["assemble_plan", "shaped"]

Floats = NDArray[np.float64]


def assemble_plan(
    division: Division,
    certificates: pd.DataFrame,
    *,
    exceptions: Mapping[str, Sequence[Sentence]] | None = None,
    provenance: Mapping[str, str] | None = None,
) -> Plan:
    """Return the plan of a division.

    Parameters
    ----------
    certificates : indexed by community_id, columns of `spatial.schema.PLAN_TABLES`
    exceptions : why a grid lies outside the window, by grid_id
    provenance : joins what the town says of itself

    Notes
    -----
    ``in_range`` is null for special grids, and where buildings of unknown households (counted in the
    column ``unknown_buildings``) decide it: their households lie between 0 and those of the largest
    building known.
    """
    town, rules = division.fabric.town, division.fabric.rules
    grids = division.grids
    units = division.fabric.units
    members = division.fabric.members
    of_building = pd.concat(
        [
            pd.DataFrame(
                {
                    "building_id": members["building_id"].to_numpy(object),
                    "grid": division.grid[members["unit"].to_numpy(dtype=np.int64)],
                }
            ),
            pd.DataFrame(
                {
                    "building_id": division.fabric.special_members["building_id"].to_numpy(object),
                    "grid": division.special_buildings,
                }
            ),
        ]
    ).drop_duplicates()
    of_building = of_building[of_building["grid"] >= 0]
    inside = division.grid >= 0
    unknown = np.bincount(
        division.grid[inside],
        weights=units["unknown_buildings"].to_numpy(dtype=float)[inside],
        minlength=len(grids),
    )
    estates = (
        pd.DataFrame({"grid": division.grid, "estate": units["estate_id"].to_numpy(object)})[inside]
        .dropna()
        .drop_duplicates()
    )
    shapes = outlines(division)
    known = division.weight - _estimated(division)
    most = known + unknown * division.fabric.members["weight"].max()
    in_range = pd.array((known >= rules.lower) & (most <= rules.upper), dtype="boolean")
    decided = (unknown == 0) | in_range | (known > rules.upper) | (most < rules.lower)
    in_range[~division.is_basic | ~np.asarray(decided, dtype=bool)] = pd.NA
    reasons = [kept("exception_reason", (exceptions or {}).get(str(one), ())) for one in grids.index]
    columns = {
        **{
            name: grids[name].to_numpy(object)
            for name in ("code", "level", "parent_id", "community_id", "kind")
        },
        "households": np.rint(_households(division)).astype(np.int64),
        "residents": _residents(town.buildings, of_building, len(grids)),
        "buildings": np.bincount(of_building["grid"], minlength=len(grids)),
        "estates": np.bincount(estates["grid"].to_numpy(dtype=np.int64), minlength=len(grids)),
        "area_m2": shapely.area(shapes),
        "in_range": in_range,
        "unknown_buildings": unknown.astype(np.int64),
    } | pd.DataFrame(reasons, index=grids.index, dtype="string").to_dict("series")
    layer = gpd.GeoDataFrame(
        shaped("grids", pd.DataFrame(columns, index=grids.index)), geometry=shapes, crs=town.crs
    )
    return Plan(
        grids=with_parents(layer.sort_values(["community_id", "code"]), town, rules.parents),
        assignment=division.assignment(),
        certificates=shaped("certificates", certificates),
        rules=rules.as_text(),
        provenance=_provenance(division) | dict(provenance or {}),
    )


def shaped(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the columns and types of a table of plans; columns of its own stay."""
    schema = PLAN_TABLES[table]
    frame = frame.copy()
    for column in schema.columns:
        if column.name == schema.id_column:
            continue
        if column.name not in frame:
            frame[column.name] = pd.NA
        frame[column.name] = frame[column.name].astype(pd.api.types.pandas_dtype(DTYPES[column.kind]))
    if schema.id_column:
        frame.index = frame.index.astype("string").rename(schema.id_column)
    ordered = [column.name for column in schema.columns if column.name != schema.id_column]
    return frame[[*ordered, *[name for name in frame.columns if name not in ordered]]]


def _estimated(division: Division) -> Floats:
    """Return the estimated part of each grid's weight, of buildings whose households are unknown."""
    arrays = division.fabric.arrays
    unknown = division.fabric.units["unknown_buildings"].to_numpy(dtype=float) > 0
    inside = unknown & (division.grid >= 0)
    beyond = np.maximum(0.0, arrays.weight - arrays.households)[inside]
    total = np.bincount(division.grid[inside], weights=beyond, minlength=len(division.grids))
    return total.astype(np.float64)


def _households(division: Division) -> Floats:
    """Known households per grid, special ones included."""
    special = division.fabric.special_members["building_id"]
    own = division.fabric.town.buildings["households"].reindex(special).fillna(0).to_numpy(dtype=float)
    inside = division.special_buildings >= 0
    added = np.bincount(
        division.special_buildings[inside], weights=own[inside], minlength=len(division.grids)
    )
    total: Floats = division.households + added
    return total


def _residents(
    buildings: pd.DataFrame, of_building: pd.DataFrame, count: int
) -> pd.api.extensions.ExtensionArray:
    """Residents per grid; null where those of an inhabited building are unknown."""
    chosen = buildings[["residents", "households"]].reindex(of_building["building_id"])
    known = chosen["residents"].notna().to_numpy(dtype=bool)
    inhabited = (chosen["households"].fillna(1) > 0).to_numpy(dtype=bool)
    grid = of_building["grid"].to_numpy(dtype=np.int64)
    total = np.bincount(grid, weights=chosen["residents"].fillna(0).to_numpy(dtype=float), minlength=count)
    gaps = np.bincount(grid, weights=~known & inhabited, minlength=count)
    values = pd.array(np.rint(total).astype(np.int64), dtype="Int64")
    values[gaps > 0] = pd.NA
    return values


def _provenance(division: Division) -> dict[str, str]:
    town = division.fabric.town
    return {
        "town": town.name,
        "town_fingerprint": town.fingerprint(),
        "synthetic": town.provenance.get("synthetic", ""),
        "households_known_share": f"{division.fabric.known_share:.4f}",
        "code_version": code_version(),
    }
