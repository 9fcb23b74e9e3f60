"""Which streets may be walked, and by what rules: data, not code.

The packaged rules stand in ``walkability.toml``; a file of the same form takes their place.  Every
street that a rule removes is named in the log of the network.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.errors import FileError, RulesError

__all__ = ["Walkability", "blocks_walking", "read_walkability", "walkable_streets"]


@dataclass(frozen=True)
class RemovalRule:
    """Streets whose ``column`` holds one of ``values`` are no walkway.

    Attributes
    ----------
    rule : its name in the log
    column : column of the streets
    values : values that meet the rule
    unless_foot : values of ``foot`` that overrule it
    """

    rule: str
    column: str
    values: tuple[str, ...]
    unless_foot: tuple[str, ...]


@dataclass(frozen=True)
class Walkability:
    """The rules of one walking network; all lengths in metres.

    Attributes
    ----------
    removals : rules that remove streets, in order
    max_access_m : farthest a point may lie from a street it uses
    ambiguity_m : how much farther than the nearest edge another one may be to count as a candidate
    candidates : edges kept to a point
    islet_m : total length under which a piece of network is an islet
    outline_step_m : spacing of the places where a polygon without entrances is entered
    crossing_m : reach of a gate along the wall, to the streets that cross there
    landing_m : farthest street a gate without a crossing street is joined to
    off_outline_m : farthest a gate may lie from the outline of its estate
    blocking_kinds : kinds of barrier that block walking unless the barrier says otherwise
    """

    removals: tuple[RemovalRule, ...]
    max_access_m: float
    ambiguity_m: float
    candidates: int
    islet_m: float
    outline_step_m: float
    crossing_m: float
    landing_m: float
    off_outline_m: float
    blocking_kinds: tuple[str, ...]


@cache
def default_walkability() -> Walkability:
    """Return the packaged rules."""
    return _rules(tomllib.loads((files(__package__) / "walkability.toml").read_text(encoding="utf-8")))


def read_walkability(path: str | Path) -> Walkability:
    """Read rules from a TOML file of the form of the packaged one.

    Raises
    ------
    FileError
        If the file is missing.
    RulesError
        If it is no TOML, or lacks a rule or a length.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError("network.rules_missing", path=path)
    try:
        return _rules(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as problem:
        raise RulesError("network.rules_unreadable", path=path, problem=problem) from problem


def _rules(document: Mapping[str, Any]) -> Walkability:
    snapping, gates = document["snapping"], document["gates"]
    return Walkability(
        removals=tuple(
            RemovalRule(one["rule"], one["column"], tuple(one["values"]), tuple(one["unless_foot"]))
            for one in document["remove"]
        ),
        max_access_m=float(snapping["max_access_m"]),
        ambiguity_m=float(snapping["ambiguity_m"]),
        candidates=int(snapping["candidates"]),
        islet_m=float(snapping["islet_m"]),
        outline_step_m=float(snapping["outline_step_m"]),
        crossing_m=float(gates["crossing_m"]),
        landing_m=float(gates["landing_m"]),
        off_outline_m=float(gates["off_outline_m"]),
        blocking_kinds=tuple(document["barriers"]["blocks_walking"]),
    )


def walkable_streets(streets: gpd.GeoDataFrame, rules: Walkability) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Part the streets that may be walked from those that a rule removes.

    Returns
    -------
    The walkable streets, and the log: one row to a removed street, ``street_id``, ``rule``, ``length_m``.
    """
    removed_by = np.full(len(streets), "", dtype=object)
    foot = _column(streets, "foot")
    for rule in rules.removals:
        meets = _column(streets, rule.column).isin(rule.values) & ~foot.isin(rule.unless_foot)
        removed_by[meets.to_numpy() & (removed_by == "")] = rule.rule
    without_line = (streets.geometry.isna() | streets.geometry.is_empty).to_numpy()
    removed_by[without_line] = "no_geometry"
    removed = removed_by != ""
    log = pd.DataFrame(
        {
            "street_id": streets.index[removed].astype("string"),
            "rule": removed_by[removed],
            "length_m": streets.geometry[removed].length.fillna(0.0).to_numpy(),
        }
    )
    return streets.loc[~removed], log


def _column(streets: gpd.GeoDataFrame, name: str) -> pd.Series[Any]:
    if name not in streets.columns:
        return pd.Series(pd.NA, index=streets.index, dtype="string")
    values: pd.Series[Any] = streets[name].astype("string")
    return values


def blocks_walking(barriers: gpd.GeoDataFrame, rules: Walkability) -> gpd.GeoDataFrame:
    """Return the barriers that stop walkers: those that say so, or whose kind does when they do not."""
    by_kind = barriers["kind"].isin(rules.blocking_kinds)
    stated = barriers["blocks_walking"] if "blocks_walking" in barriers.columns else pd.NA
    blocks = pd.Series(stated, index=barriers.index, dtype="boolean").fillna(by_kind)
    there = barriers.geometry.notna() & ~barriers.geometry.is_empty
    return barriers.loc[blocks.astype(bool) & there]
