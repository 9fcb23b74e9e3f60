"""Identity: which drawn grid carries on which old one, and the names of new grids."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.grids.codes import heirs, new_codes, new_ids, reading_order
from spatial.grids.community import CommunityPlan, held_grids
from spatial.grids.division import Division
from spatial.grids.fabric import Fabric
from spatial.grids.plan import Plan

__all__ = ["carried_on", "named", "renumbered_codes"]

Ints = NDArray[np.int64]

_RETIRED = "retired_codes"
_RETIRED_IDS = "retired_grid_ids"


def named(
    fabric: Fabric,
    drawn: Mapping[str, CommunityPlan],
    before: Division | None,
    previous: Plan | None,
) -> Division:
    """Return the division of drawn communities, with ids and codes by the rules of `codes`."""
    grid = np.full(len(fabric.units), -1, dtype=np.int64)
    communities: list[str] = []
    for community_id in sorted(drawn):
        result = drawn[community_id]
        if result.labels is not None:
            own, label = np.unique(result.labels, return_inverse=True)
            grid[result.units] = label + len(communities)
            communities += [community_id] * len(own)
    empty = [
        str(one)
        for one in fabric.town.communities.index
        if one not in drawn and not (fabric.special["community_id"] == one).any()
    ]
    basic = len(communities) + len(empty)
    home = [*communities, *empty, *fabric.special["community_id"].astype(str)]
    heir = dict(_old_basic(fabric, grid, before))
    heir |= {basic + part: old for part, old in _old_special(before).items()}
    table = pd.DataFrame(
        {
            "grid_id": pd.Series([None] * len(home), dtype=object),
            "code": pd.Series([None] * len(home), dtype=object),
            "kind": np.repeat(np.array(["basic", "special"], dtype=object), [basic, len(home) - basic]),
            "community_id": np.array(home, dtype=object),
            "level": 2,
            "parent_id": None,
        }
    )
    if before is not None:
        for new, old in heir.items():
            table.loc[new, "grid_id"] = before.grids.index[old]
            table.loc[new, "code"] = before.grids["code"].iloc[old]
    _name_new(table, _middles(fabric, grid, basic, home), previous)
    special = np.arange(len(fabric.special)) + basic
    buildings = special[fabric.special_members["part"].to_numpy(dtype=np.int64)]
    return Division(fabric, table.set_index("grid_id"), grid, special, buildings)


def _old_basic(fabric: Fabric, grid: Ints, before: Division | None) -> Mapping[int, int]:
    """Old grid that each new one carries on: what is held by a lock first, then by households."""
    if before is None:
        return {}
    held = held_grids(before, np.arange(len(grid)))
    locked = (held >= 0) & (grid >= 0)
    kept = dict(zip(grid[locked].tolist(), held[locked].tolist(), strict=True))
    new = np.where(np.isin(grid, list(kept)), -1, grid)
    old = np.where(np.isin(before.grid, list(kept.values())), -1, before.grid)
    return {**heirs(fabric.units["weight"].to_numpy(dtype=float), new, old), **kept}


def _old_special(before: Division | None) -> dict[int, int]:
    """Old special grid on the same ground, by number of the special part."""
    if before is None:
        return {}
    found: dict[int, int] = {}
    for part, old in enumerate(before.special):
        if old >= 0 and not before.is_basic[old] and int(old) not in found.values():
            found[part] = int(old)
    return found


def _middles(fabric: Fabric, grid: Ints, basic: int, home: list[str]) -> NDArray[np.float64]:
    """Middle of each grid, for the order of codes: mean place of its units, shape (g, 2)."""
    inside = grid >= 0
    places = fabric.units[["x", "y"]].to_numpy(dtype=float)[inside]
    count = np.maximum(np.bincount(grid[inside], minlength=basic), 1)
    mean = [np.bincount(grid[inside], weights=places[:, axis], minlength=basic) / count for axis in (0, 1)]
    middles = np.stack(mean, axis=1)
    special = shapely.get_coordinates(shapely.centroid(fabric.special.geometry.to_numpy()))
    assert len(middles) + len(special) == len(home)  # noqa: S101 - one place per grid
    return np.concatenate([middles, special])


def _name_new(table: pd.DataFrame, middles: NDArray[np.float64], previous: Plan | None) -> None:
    """Fill in ids and codes of grids that carry on none."""
    used_codes, used_ids = _used(previous)
    for (community_id, kind), rows in table.groupby(["community_id", "kind"], sort=True):
        place = middles[rows.index]
        extent = np.ptp(place[:, 1]) if len(place) > 1 else 0.0
        height = extent / max(np.sqrt(len(place)), 1.0) * 0.75
        order = rows.index.to_numpy()[reading_order(place[:, 0], place[:, 1], max(height, 1.0))]
        fresh = [row for row in order if table.loc[row, "code"] is None or pd.isna(table.loc[row, "code"])]
        for row, code in zip(
            fresh, new_codes(str(community_id), str(kind), len(fresh), used_codes), strict=True
        ):
            table.loc[row, "code"] = code
    nameless = table.index[table["grid_id"].isna()]
    nameless = nameless[np.argsort(table.loc[nameless, "code"].to_numpy(object), kind="stable")]
    table.loc[nameless, "grid_id"] = new_ids(len(nameless), used_ids)


def _used(previous: Plan | None) -> tuple[set[str], set[str]]:
    if previous is None:
        return set(), set()
    codes = set(previous.grids["code"].dropna()) | set(_listed(previous, _RETIRED))
    return codes, set(previous.grids.index) | set(_listed(previous, _RETIRED_IDS))


def _listed(plan: Plan, key: str) -> list[str]:
    return [one for one in plan.provenance.get(key, "").split(";") if one]


def carried_on(division: Division, previous: Plan | None) -> dict[str, str]:
    """Return the provenance of names: codes and ids that are out of use, of all plans before."""
    codes, ids = _used(previous)
    return {
        _RETIRED: ";".join(sorted(codes - set(division.grids["code"].dropna()))),
        _RETIRED_IDS: ";".join(sorted(ids - set(division.grids.index))),
    }


def renumbered_codes(division: Division) -> pd.Series:
    """Return a code for every grid, counted anew from west to east and north to south."""
    middles = _middles(
        division.fabric, division.grid, int(division.is_basic.sum()), list(division.grids["community_id"])
    )
    table = division.grids.reset_index().assign(code=None)
    _name_new(table, middles, None)
    return pd.Series(table["code"].to_numpy(object), index=division.grids.index)
