"""Whom rates are about and what they count: subjects, and the weights of buildings.

A *subject* is the town, a community, a grid of a plan, or a life circle as a territory.  A *basis* is
what is counted: households, residents, an age group, or the residential buildings themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import csr_array

from spatial.lifecircle.places import Places
from spatial.town import Town

__all__ = ["Assigned", "Basis", "Subjects", "bases_of", "subjects_of"]

Floats = npt.NDArray[np.float64]

# Finer subjects of the population table come first: the first level that knows an age group is used.
_POPULATION_LEVELS = ("building", "estate", "community", "town")


class Assigned(Protocol):
    """A plan, as far as rates need it: which grid each building, or stairwell, belongs to."""

    @property
    def assignment(self) -> pd.DataFrame:
        """Table building_id, stairwell_id, grid_id."""


@dataclass(frozen=True, eq=False)
class Subjects:
    """The subjects of rates.

    Attributes
    ----------
    kind, subject_id : (s,) town, community, grid or circle, and its id
    share : sparse (subjects × buildings), the part of each building that belongs to a subject
    """

    kind: npt.NDArray[np.object_]
    subject_id: npt.NDArray[np.object_]
    share: csr_array


@dataclass(frozen=True, eq=False)
class Basis:
    """What a rate counts.

    Attributes
    ----------
    name : households, residents, buildings, or an age group of the table ``population``
    weight : (b,) how much of it each building has; not-a-number where unknown
    estimated : (b,) whether that is estimated
    """

    name: str
    weight: Floats
    estimated: npt.NDArray[np.bool_]


def subjects_of(town: Town, places: Places, plan: Assigned | None) -> Subjects:
    """Gather the town, its communities and circles, and the grids of a plan where there is one."""
    buildings = places.buildings
    everything = np.arange(len(buildings))
    members: list[_Members] = [
        ("town", np.array([town.name], object), np.zeros(len(buildings), np.int64), everything, None)
    ]
    communities = town.communities
    if len(communities):
        at = _community_of(town, places)
        known = at >= 0
        members.append(("community", communities.index.to_numpy(object), at[known], everything[known], None))
    if plan is not None:
        members.append(_grids(town, places, plan))
    circles = town.layer("circles")
    if len(circles):
        building, circle = shapely.STRtree(circles.geometry.to_numpy()).query(
            places.building_centre, predicate="intersects"
        )
        members.append(("circle", circles.index.to_numpy(object), circle, building, None))
    kind = np.concatenate([np.full(len(ids), name, object) for name, ids, *_ in members])
    first = np.cumsum([0, *(len(ids) for _, ids, *_ in members[:-1])])
    row = np.concatenate([start + at for start, (_, _, at, _, _) in zip(first, members, strict=True)])
    column = np.concatenate([building for _, _, _, building, _ in members])
    value = np.concatenate([np.ones(len(at)) if share is None else share for _, _, at, _, share in members])
    share = csr_array((value, (row, column)), shape=(len(kind), len(buildings)))
    return Subjects(kind, np.concatenate([ids for _, ids, *_ in members]), share)


def _community_of(town: Town, places: Places) -> npt.NDArray[np.int64]:
    """Return the community of each building by its column, else by where it lies; -1 for none."""
    communities = town.communities
    at = np.full(len(places.buildings), -1, np.int64)
    building, community = shapely.STRtree(communities.geometry.to_numpy()).query(
        places.building_centre, predicate="intersects"
    )
    at[building] = community
    stated = communities.index.get_indexer(places.buildings["community_id"])
    return np.where(stated >= 0, stated, at)


_Members = tuple[str, npt.NDArray[np.object_], npt.NDArray[np.int64], npt.NDArray[np.int64], Floats | None]


def _grids(town: Town, places: Places, plan: Assigned) -> _Members:
    """Return the grids of a plan; a building split by stairwells belongs to each by its households there."""
    assignment = plan.assignment
    grids, at = np.unique(assignment["grid_id"].to_numpy(object), return_inverse=True)
    building = places.buildings.index.get_indexer(assignment["building_id"])
    stairwells = town.tables["stairwells"]["households"]
    households = assignment["stairwell_id"].map(stairwells).astype("Float64").to_numpy(float, na_value=np.nan)
    parts = pd.Series(households).groupby(building)
    whole, pieces = parts.transform("sum").to_numpy(), parts.transform("size").to_numpy()
    share = np.where(pieces == 1, 1.0, np.where(whole > 0, households / np.maximum(whole, 1), 1 / pieces))
    there = building >= 0
    return "grid", grids, at[there], building[there], share[there]


def bases_of(town: Town, places: Places) -> dict[str, Basis]:
    """Return every basis that the town knows anything of, by name; households and buildings always."""
    buildings = places.buildings
    households = _numbers(buildings, "households")
    residents = _numbers(buildings, "residents")
    lived_in = buildings["use"].isin(["residential", "mixed"]).to_numpy(bool)
    # A shop without a household count is no gap in knowledge.
    households = np.where(~lived_in & np.isnan(households), 0.0, households)
    residents = np.where(~lived_in & np.isnan(residents), 0.0, residents)
    estimated = (buildings["households_source"] == "estimated").fillna(value=False).to_numpy(bool)
    nothing = np.zeros(len(buildings), bool)
    found = [Basis("households", households, estimated), Basis("buildings", lived_in.astype(float), nothing)]
    if (residents > 0).any():
        found.append(Basis("residents", residents, estimated))
    found += _age_groups(town, places, np.nan_to_num(households))
    return {basis.name: basis for basis in found}


def _numbers(frame: pd.DataFrame, name: str) -> Floats:
    return np.asarray(frame[name].astype("Float64").to_numpy(float, na_value=np.nan), np.float64)


def _age_groups(town: Town, places: Places, households: Floats) -> list[Basis]:
    """Share the people of each age group out over the buildings of its subject, by households."""
    population = town.tables["population"]
    level = {
        "building": places.buildings.index.to_numpy(object),
        "estate": places.estate_at,
        "community": _names(town, _community_of(town, places)),
        "town": np.full(len(places.buildings), town.name, object),
    }
    found = []
    for group, rows in population.groupby("age_group", sort=True):
        kind = next((one for one in _POPULATION_LEVELS if (rows["subject_type"] == one).any()), None)
        if kind is None:
            continue
        people = rows.loc[rows["subject_type"] == kind].groupby("subject_id")["value"].sum()
        subject = pd.Series(level[kind])
        total = pd.Series(households).groupby(subject).transform("sum").to_numpy(np.float64)
        known = subject.map(people).astype("Float64").to_numpy(float, na_value=np.nan)
        weight = np.where(total > 0, known * households / np.where(total > 0, total, 1), np.nan)
        found.append(Basis(str(group), weight, np.full(len(weight), kind != "building")))
    return found


def _names(town: Town, community: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    names = np.append(town.communities.index.to_numpy(object), "")
    return names[community]
