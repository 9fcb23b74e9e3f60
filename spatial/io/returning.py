"""Taking back: what was exported, edited elsewhere and comes back, merged with what changed meanwhile.

Three states of each row are compared: as it was exported (the base), as it comes back (theirs), as it is
now (ours).  A value that only they changed is taken; one that only we changed stays; one that both
changed to different values is a conflict: ours stays and the conflict is listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.checks import make_town
from spatial.findings import Finding, Report, Severity
from spatial.schema import TABLES
from spatial.town import Town

__all__ = ["TakenBack", "part_of", "take_back"]

# Coordinates that went through a file and a datum come back within a centimetre.
_SAME_PLACE_M = 0.01


@dataclass(frozen=True)
class TakenBack:
    """A town after the edits of others.

    Attributes
    ----------
    town : the town with every edit that is no conflict
    changes : table with columns table, id, column, old, new: the edits taken
    conflicts : table with columns table, id, column, base, ours, theirs: the edits not taken
    """

    town: Town
    changes: pd.DataFrame
    conflicts: pd.DataFrame


def part_of(town: Town, community_id: str) -> dict[str, pd.DataFrame]:
    """Return the tables of one community, to be exported and edited: what lies in it or belongs to it.

    Raises
    ------
    KeyError
        If the town has no such community.
    """
    outline = town.communities.loc[[community_id]]
    area = outline.geometry.iloc[0]
    part: dict[str, pd.DataFrame] = {}
    for name, table in town.tables.items():
        if name == "communities":
            part[name] = outline
        elif "community_id" in table.columns:
            part[name] = table[(table["community_id"] == community_id).to_numpy(dtype=bool, na_value=False)]
        elif isinstance(table, gpd.GeoDataFrame):
            part[name] = table[shapely.intersects(table.geometry.to_numpy(), area)]
    for name, table in town.tables.items():
        for column in TABLES[name].columns:
            held = part.get(column.refers_to)
            if name not in part and held is not None and column.filled:
                part[name] = table[table[column.name].isin(held.index)]
    return part


def take_back(base: Mapping[str, pd.DataFrame], theirs: Mapping[str, pd.DataFrame], ours: Town) -> TakenBack:
    """Merge edited tables into the town as it is now.

    Only tables with ids are merged.  A row that they added is taken when its id is free; one that they
    took out is taken out when we left it as it was.

    Parameters
    ----------
    base : the tables as they were exported (`part_of`)
    theirs : the tables as they come back, shaped, in the reference system of the town
    ours : the town now

    Raises
    ------
    SchemaError
        If the merged tables break the schema.
    """
    account = _Account()
    merged = dict(ours.tables)
    for name, table in base.items():
        if TABLES[name].id_column and name in theirs:
            merged[name] = _merged(name, table, theirs[name], ours.tables[name], account)
    town = make_town(ours.name, ours.crs, merged, ours.provenance)
    listed = pd.DataFrame(account.conflicts, columns=["table", "id", "column", "base", "ours", "theirs"])
    findings = tuple(
        Finding.of(
            Severity.WARNING, "io.edit_conflict", str(name), list(rows["id"].unique()), count=len(rows)
        )
        for name, rows in listed.groupby("table", sort=False)
    )
    reported = Town(town.name, town.crs, town.tables, town.provenance, town.report + Report(findings))
    return TakenBack(
        reported, pd.DataFrame(account.changes, columns=["table", "id", "column", "old", "new"]), listed
    )


@dataclass
class _Account:
    """Edits and conflicts while they are found: rows of the two tables of `TakenBack`."""

    changes: list[tuple[object, ...]] = field(default_factory=list)
    conflicts: list[tuple[object, ...]] = field(default_factory=list)


def _merged(
    name: str, base: pd.DataFrame, theirs: pd.DataFrame, ours: pd.DataFrame, account: _Account
) -> pd.DataFrame:
    """Return our table with their edits."""
    result = _with_values(name, base, theirs, ours, account)
    result = _without_rows(name, base, theirs, result, ours, account)
    added = theirs.index.difference(base.index)
    account.conflicts.extend((name, one, None, None, one, one) for one in added.intersection(ours.index))
    new = added.difference(ours.index)
    if len(new):
        rows: list[pd.DataFrame] = [result, theirs.loc[new].reindex(columns=result.columns)]
        result = pd.DataFrame(pd.concat(rows))
        account.changes.extend((name, one, None, None, one) for one in new)
    if isinstance(ours, gpd.GeoDataFrame):
        result = gpd.GeoDataFrame(result, geometry="geometry", crs=ours.crs)
    return result


def _with_values(
    name: str, base: pd.DataFrame, theirs: pd.DataFrame, ours: pd.DataFrame, account: _Account
) -> pd.DataFrame:
    """Return our table with the values that only they changed."""
    result = ours.copy()
    kept = base.index.intersection(theirs.index).intersection(ours.index)
    for column in [one for one in base.columns if one in theirs.columns and one in ours.columns]:
        was, edited, now = (frame.loc[kept, column] for frame in (base, theirs, ours))
        by_them, by_us = _differ(was, edited), _differ(was, now)
        taken, clash = by_them & ~by_us, by_them & by_us & _differ(edited, now)
        account.changes.extend(
            (name, one, column, _shown(was[one]), _shown(edited[one])) for one in kept[taken]
        )
        account.conflicts.extend(
            (name, one, column, _shown(was[one]), _shown(now[one]), _shown(edited[one]))
            for one in kept[clash]
        )
        if taken.any():
            result.loc[kept[taken], column] = edited[taken]
    return result


def _without_rows(  # noqa: PLR0917 — the three states of a table are three arguments
    name: str,
    base: pd.DataFrame,
    theirs: pd.DataFrame,
    result: pd.DataFrame,
    ours: pd.DataFrame,
    account: _Account,
) -> pd.DataFrame:
    """Return our table without the rows they took out and we left as they were."""
    missed = base.index.intersection(theirs.index).difference(ours.index)
    account.conflicts.extend((name, one, None, one, None, one) for one in missed)
    gone = base.index.difference(theirs.index).intersection(ours.index)
    changed = np.zeros(len(gone), dtype=bool)
    for column in [one for one in base.columns if one in ours.columns]:
        changed |= _differ(base.loc[gone, column], ours.loc[gone, column])
    account.conflicts.extend((name, one, None, one, one, None) for one in gone[changed])
    account.changes.extend((name, one, None, one, None) for one in gone[~changed])
    remaining: pd.DataFrame = result.drop(index=gone[~changed])
    return remaining


def _differ(one: pd.Series, other: pd.Series) -> NDArray[np.bool_]:
    """Return for each row whether two values differ; null equals null, places within a centimetre are one."""
    if one.name == "geometry":
        first, second = one.to_numpy(), other.to_numpy()
        apart = shapely.hausdorff_distance(first, second)
        absent = ~shapely.is_geometry(first) & ~shapely.is_geometry(second)
        moved: NDArray[np.bool_] = ~((apart <= _SAME_PLACE_M) | absent)
        return moved
    compared = one.reset_index(drop=True) == other.reset_index(drop=True).astype(one.dtype)
    same = compared.to_numpy(dtype=bool, na_value=False)
    both_null = one.isna().to_numpy(dtype=bool) & other.isna().to_numpy(dtype=bool)
    differing: NDArray[np.bool_] = ~(same | both_null)
    return differing


def _shown(value: object) -> str | None:
    if isinstance(value, shapely.Geometry):
        return str(shapely.to_wkt(value, rounding_precision=2))
    return None if pd.isna(value) else str(value)  # type: ignore[call-overload]
