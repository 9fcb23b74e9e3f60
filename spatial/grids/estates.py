"""Estates joined into one, as offices do when they are looked after together."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import pandas as pd
import shapely

from spatial.checks import make_town
from spatial.errors import UsageError
from spatial.town import Town

__all__ = ["merge_estates"]

_SUMS = ("households", "residents")


def merge_estates(town: Town, estate_ids: Sequence[str], *, estate_id: str, name: str | None = None) -> Town:
    """Return the town with some estates joined into one.

    The ids of its predecessors stand in ``predecessor_ids``, parted by semicolons, with theirs before
    them.  Households and residents are summed, unknown where one is unknown; other columns hold where
    all agree.  Buildings and gates go over to the new estate.

    Parameters
    ----------
    estate_id : id of the joined estate, which may be that of one of them
    name : its name; when None, the names joined by a hyphen

    Raises
    ------
    UsageError
        If fewer than two estates are named, one does not exist, they lie in several communities, or the
        id is that of another estate.
    """
    estates = town.estates
    chosen = list(dict.fromkeys(estate_ids))
    missing = [one for one in chosen if one not in estates.index]
    if missing or len(chosen) < 2:
        raise UsageError("grids.merge_unknown", table="estates", ids=missing or chosen)
    if estate_id in estates.index and estate_id not in chosen:
        raise UsageError("grids.merge_id_taken", table="estates", ids=[estate_id])
    rows = estates.loc[chosen]
    if len(rows["community_id"].unique()) > 1:
        raise UsageError("grids.merge_across_communities", table="estates", ids=chosen)
    joined = {column: _agreed(rows[column]) for column in estates.columns if column != "geometry"}
    joined |= {column: rows[column].sum(skipna=False) for column in _SUMS}
    earlier = rows["predecessor_ids"].dropna().str.split(";").explode()
    joined["predecessor_ids"] = ";".join(dict.fromkeys([*earlier, *chosen]))
    joined["name"] = name or "-".join(rows["name"].fillna(rows.index.to_series()))
    joined["geometry"] = shapely.union_all(rows.geometry.to_numpy())
    table = estates.drop(index=chosen)
    added = estates.iloc[:1].copy()
    added.index = pd.Index([estate_id], dtype=estates.index.dtype, name=estates.index.name)
    for column, value in joined.items():
        added[column] = [value]
    tables = dict(town.tables)
    tables["estates"] = pd.concat([table, added.astype(dict(estates.dtypes))]).sort_index()
    for other in ("buildings", "gates"):
        frame = town.tables[other]
        belongs = frame["estate_id"].isin(chosen)
        tables[other] = frame.assign(estate_id=frame["estate_id"].mask(belongs, estate_id))
    return make_town(town.name, town.crs, MappingProxyType(tables), town.provenance)


def _agreed(column: pd.Series) -> object:
    """Return the value all rows agree on, null otherwise."""
    return column.iloc[0] if len(column.unique()) == 1 else pd.NA
