"""Units: what is assigned to grids, made from the buildings of a town.

A *unit* is a building; or a whole estate that is kept together, by rule or because it is drawn as a
point; or buildings that a rule keeps together; or, where a rule allows it and the building alone is
above the window, a stairwell.  A unit lies in one community.  Buildings of special areas are taken
out first.  Unknown households stay unknown: a unit carries the households that are known, and for
drawing alone an estimate of what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spatial.checks import containing, lives
from spatial.errors import KnowledgeError, RulesError
from spatial.findings import Finding, Report, Severity
from spatial.grids.rules import GridRules
from spatial.town import Town

__all__ = ["Units", "build_units"]

# A special area belongs to a community in which at least this much of it lies.
_SPECIAL_PART_M2 = 50.0


@dataclass(frozen=True, eq=False)
class Units:
    """The units of a town, the members of each, and the special areas.

    Attributes
    ----------
    table : indexed by unit number 0, 1, …, ordered by community_id; columns kind (building, estate,
        together, stairwell), subject_id, community_id, estate_id (null for none), households (known
        ones), unknown_buildings, weight (what the window counts, estimates included)
    members : one row per building or stairwell: building_id, stairwell_id (null for a whole building),
        estate_id, households (known ones), weight, shape (point or polygon), unit
    special : parts of special areas, one row per area and community: special_area_id, community_id,
        shape
    special_members : building_id, part (row number of ``special``)
    known_share : share of residential buildings whose households are known
    findings : what was noticed
    """

    table: pd.DataFrame
    members: pd.DataFrame
    special: pd.DataFrame
    special_members: pd.DataFrame
    known_share: float
    findings: Report


def build_units(town: Town, rules: GridRules, *, bonded: bool = True) -> Units:
    """Return the units of a town under rules.

    Parameters
    ----------
    bonded : whether what must stay together is one unit; else every building is its own

    Raises
    ------
    KnowledgeError
        If fewer residential buildings than ``rules.known_share`` have known households.
    RulesError
        If a rule names a building or estate that the town does not have.
    """
    findings: list[Finding] = []
    buildings = town.buildings
    inhabited = lives(buildings)
    unknown = inhabited & buildings["households"].isna().to_numpy(dtype=bool)
    known_share = 1.0 - unknown.sum() / max(inhabited.sum(), 1)
    if known_share < rules.known_share:
        raise KnowledgeError(
            "grids.households_unknown",
            table="buildings",
            ids=buildings.index[unknown],
            unknown=int(unknown.sum()),
            buildings=int(inhabited.sum()),
            known_share=known_share,
            needed=rules.known_share,
        )
    special = _special_parts(town)
    pieces = _pieces(town, rules, unknown)
    part = _part_of_special(pieces, special)
    outside = (part < 0) & pieces["community_id"].isna().to_numpy(dtype=bool)
    if outside.any():
        findings.append(
            Finding.of(
                Severity.WARNING,
                "grids.building_without_community",
                "buildings",
                pieces["building_id"][outside].unique(),
                count=int(outside.sum()),
            )
        )
    housed = (part >= 0) & (pieces["households"].to_numpy() > 0)
    if housed.any():
        findings.append(
            Finding.of(
                Severity.WARNING,
                "grids.households_in_special_area",
                "buildings",
                pieces["building_id"][housed].unique(),
                households=int(pieces["households"][housed].sum()),
            )
        )
    special_members = pd.DataFrame(
        {"building_id": pieces["building_id"][part >= 0].to_numpy(object), "part": part[part >= 0]}
    ).drop_duplicates(ignore_index=True)
    free = pieces[(part < 0) & ~outside].sort_values(
        ["community_id", "building_id", "stairwell_id"], ignore_index=True
    )
    bonds = _bonds(town, rules, free)
    table, members = _joined(free, bonds if bonded else [])
    return Units(table, members, special, special_members, float(known_share), Report(tuple(findings)))


def _special_parts(town: Town) -> pd.DataFrame:
    """Return special areas, cut by communities."""
    areas = town.layer("special_areas")
    community, area = shapely.STRtree(areas.geometry.to_numpy()).query(
        town.communities.geometry.to_numpy(), predicate="intersects"
    )
    shapes = shapely.intersection(
        areas.geometry.to_numpy()[area], town.communities.geometry.to_numpy()[community]
    )
    real = shapely.area(shapes) >= _SPECIAL_PART_M2
    parts = pd.DataFrame(
        {
            "special_area_id": areas.index.to_numpy(object)[area][real],
            "community_id": town.communities.index.to_numpy(object)[community][real],
            "shape": shapes[real],
        }
    )
    return parts.sort_values(["community_id", "special_area_id"], ignore_index=True)


def _pieces(town: Town, rules: GridRules, unknown: NDArray[np.bool_]) -> pd.DataFrame:
    """Return buildings, stairwells of those that may be divided, and estates drawn without buildings."""
    buildings = town.buildings
    count = buildings["households"].fillna(0).to_numpy(dtype=float)
    weight = count.copy()
    if rules.measure == "workload":
        weight = buildings["weight"].fillna(buildings["households"]).fillna(0).to_numpy(dtype=float)
    weight[unknown] = _expected(town, weight, unknown)
    pieces = pd.DataFrame(
        {
            "building_id": buildings.index.to_numpy(object),
            "stairwell_id": pd.Series(pd.NA, index=buildings.index, dtype="string").array,
            "estate_id": buildings["estate_id"].array,
            "community_id": buildings["community_id"].array,
            "households": count,
            "unknown": unknown,
            "weight": weight,
            "shape": buildings.geometry.to_numpy(),
        }
    )
    bare = _estates_without_buildings(town)
    pieces = pd.concat([pieces, bare], ignore_index=True) if len(bare) else pieces
    return _with_stairwells(town, pieces, rules.upper) if rules.stairwells else pieces


def _expected(town: Town, weight: NDArray[np.float64], unknown: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weight expected of each unknown building: the median of its estate, community, town."""
    known = pd.Series(weight).where(~unknown & lives(town.buildings))
    expected = pd.Series(np.nan, index=known.index)
    for level in ("estate_id", "community_id"):
        group = town.buildings[level].reset_index(drop=True)
        expected = expected.fillna(known.groupby(group).transform("median"))
    whole = known.median()
    filled = expected.fillna(0.0 if np.isnan(whole) else whole).to_numpy()
    chosen: NDArray[np.float64] = filled[unknown].astype(np.float64)
    return chosen


def _estates_without_buildings(town: Town) -> pd.DataFrame:
    """Estates drawn as a point with households but without buildings stand for themselves."""
    estates = town.estates
    bare = (
        (shapely.get_dimensions(estates.geometry.to_numpy()) == 0)
        & estates["households"].notna().to_numpy(dtype=bool)
        & ~estates.index.isin(town.buildings["estate_id"].dropna())
    )
    chosen = estates[bare]
    households = chosen["households"].to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "building_id": chosen.index.to_numpy(object),
            "stairwell_id": pd.Series(pd.NA, index=chosen.index, dtype="string").array,
            "estate_id": pd.Series(chosen.index, dtype="string").array,
            "community_id": chosen["community_id"].array,
            "households": households,
            "unknown": np.zeros(len(chosen), dtype=bool),
            "weight": households,
            "shape": chosen.geometry.to_numpy(),
        }
    )


def _with_stairwells(town: Town, pieces: pd.DataFrame, upper: float) -> pd.DataFrame:
    """Replace buildings above the window by their stairwells, where all of these are counted."""
    stairs = town.tables["stairwells"]
    counted = stairs["households"].notna().groupby(stairs["building_id"]).agg(["all", "size"])
    divisible = counted.index[(counted["all"] & (counted["size"] > 1)).to_numpy(dtype=bool)]
    above = (pieces["weight"] > upper) & pieces["building_id"].isin(divisible)
    if not above.any():
        return pieces
    whole = pieces[above].set_index("building_id")
    chosen = stairs[stairs["building_id"].isin(whole.index)].sort_values(["building_id", "number"])
    of = chosen["building_id"].to_numpy(object)
    households = chosen["households"].to_numpy(dtype=float)
    total = pd.Series(households).groupby(of).transform("sum").to_numpy()
    rank = pd.Series(of).groupby(of).cumcount().to_numpy()
    steps = pd.Series(of).groupby(of).transform("size").to_numpy()
    divided = pd.DataFrame(
        {
            "building_id": of,
            "stairwell_id": pd.Series(chosen.index, dtype="string").array,
            "estate_id": whole["estate_id"].loc[of].array,
            "community_id": whole["community_id"].loc[of].array,
            "households": households,
            "unknown": False,
            "weight": households / total * whole["weight"].loc[of].to_numpy(),
            "shape": _along(np.asarray(whole["shape"].loc[of], dtype=object), (rank + 0.5) / steps),
        }
    )
    return pd.concat([pieces[~above], divided], ignore_index=True)


def _along(shapes: NDArray[np.object_], share: NDArray[np.float64]) -> NDArray[np.object_]:
    """Point at a share of the long axis of each footprint, counted from the west."""
    points = shapely.centroid(shapes)
    box = shapely.oriented_envelope(shapes)
    flat = shapely.get_dimensions(box) == 2
    corner = shapely.get_coordinates(shapely.get_exterior_ring(box[flat])).reshape(-1, 5, 2)
    first, second = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 1]
    axis = np.where((np.hypot(*first.T) >= np.hypot(*second.T))[:, None], first, second)
    axis = np.where((axis[:, 0] < 0)[:, None], -axis, axis)
    middle = shapely.get_coordinates(points[flat])
    points[flat] = shapely.points(middle + axis * (share[flat] - 0.5)[:, None])
    return points


def _part_of_special(pieces: pd.DataFrame, special: pd.DataFrame) -> NDArray[np.int64]:
    """Return the special part each piece lies in, −1 for none."""
    return containing(np.asarray(pieces["shape"], dtype=object), np.asarray(special["shape"], dtype=object))


def _bonds(town: Town, rules: GridRules, pieces: pd.DataFrame) -> list[tuple[str, str, NDArray[np.bool_]]]:
    """Return what keeps pieces together: kind, subject, and which pieces."""
    estates = town.estates
    unknown_estates = [one for one in rules.kept_estates if one not in estates.index]
    if unknown_estates:
        raise RulesError(
            "grids.rule_names_unknown", table="estates", ids=unknown_estates, rule="keep.estates"
        )
    drawn_as_point = estates.index[shapely.get_dimensions(estates.geometry.to_numpy()) == 0]
    kept = sorted({*rules.kept_estates, *drawn_as_point})
    bonds = [
        ("estate", estate, (pieces["estate_id"] == estate).to_numpy(dtype=bool, na_value=False))
        for estate in kept
    ]
    for name, groups in (("together", rules.together), ("apart", rules.apart)):
        for group in groups:
            missing = [one for one in group if one not in town.buildings.index]
            if missing:
                raise RulesError(
                    "grids.rule_names_unknown", table="buildings", ids=missing, rule=f"units.{name}"
                )
            if name == "together":
                bonds.append(("together", "+".join(group), pieces["building_id"].isin(group).to_numpy()))
    return bonds


def _joined(
    pieces: pd.DataFrame, bonds: list[tuple[str, str, NDArray[np.bool_]]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the units and their members; a bond joins only what lies in one community."""
    community = pieces["community_id"].to_numpy(object)
    links = [np.empty((0, 2), dtype=np.int64)]
    kind = np.where(pieces["stairwell_id"].notna(), "stairwell", "building").astype(object)
    subject = pieces["stairwell_id"].fillna(pieces["building_id"]).to_numpy(object)
    for name, about, chosen in bonds:
        rows = np.flatnonzero(chosen)
        rows = rows[np.argsort(community[rows], kind="stable")]
        alike = community[rows[:-1]] == community[rows[1:]]
        links.append(np.stack([rows[:-1], rows[1:]], axis=1)[alike])
        kind[rows], subject[rows] = name, about
    link = np.concatenate(links)
    graph = coo_array((np.ones(len(link)), (link[:, 0], link[:, 1])), shape=(len(pieces), len(pieces)))
    joined = connected_components(graph, directed=False)[1]
    # units are numbered in the order of their first member
    _, first, unit = np.unique(joined, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    unit = rank[unit]
    grouped = pieces.assign(kind=kind, subject_id=subject).groupby(unit)
    table = grouped.agg(
        kind=("kind", "first"),
        subject_id=("subject_id", "first"),
        community_id=("community_id", "first"),
        estate_id=("estate_id", "first"),
        households=("households", "sum"),
        unknown_buildings=("unknown", "sum"),
        weight=("weight", "sum"),
    )
    members = pieces[["building_id", "stairwell_id", "estate_id", "households", "weight", "shape"]]
    return table, members.assign(unit=unit)
