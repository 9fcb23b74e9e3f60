"""Territories: what subjects are judged on, with the buildings and the facilities that lie in them.

A territory is the town, a community, an estate, or a life circle of 5, 10 or 15 minutes.  Where the town
has no circles of a level, communities stand for those of 5 and 10 minutes, and subdistricts (the whole
town where communities name none) for those of 15 minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import csr_array

from spatial.lifecircle import Assessment
from spatial.standards.profile import CIRCLES
from spatial.town import Town

__all__ = ["RANKS", "Territories", "territories_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RANKS = ("estate", "community", *CIRCLES, "town")
"""Kinds of territories, smallest first."""


@dataclass(frozen=True, eq=False)
class Territories:
    """The territories of one kind.

    Attributes
    ----------
    kind : estate, community, subdistrict, circle5, circle10, circle15 or town
    ids, names : (t,) their ids and names
    buildings : sparse (territories × buildings), the part of each building that lies in one
    facilities : sparse (territories × facilities), 1 where the centre of one lies in it
    outlines : (t,) polygons, None where unknown, so that facilities cannot be told to lie there; that of
        the town is unknown but holds everything
    """

    kind: str
    ids: npt.NDArray[np.object_]
    names: npt.NDArray[np.object_]
    buildings: csr_array
    facilities: csr_array
    outlines: npt.NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.ids)

    def holders(self, smaller: Territories, weight: Floats) -> Ints:
        """Return which of these holds most of each smaller territory, -1 where none holds any of it.

        Parameters
        ----------
        weight : (b,) households of each building; without any, its buildings count
        """
        found = np.full(len(smaller), -1, np.int64)
        for amount in (np.ones_like(weight), weight):
            shared = (self.buildings @ csr_array(smaller.buildings * amount[None, :]).T).toarray()
            there = shared.max(axis=0, initial=0) > 0
            if there.any():
                found[there] = shared.argmax(axis=0)[there]
        return found


def territories_of(town: Town, assessment: Assessment) -> dict[str, Territories]:
    """Return the territories of every kind, those that stand for missing circles included."""
    places, subjects = assessment.survey.places, assessment.figures.subjects
    centre = places.facility_centre
    found: dict[str, Territories] = {}

    def rows(kind: str) -> Ints:
        return np.flatnonzero(subjects.kind == kind)

    everywhere = csr_array(np.ones((1, len(centre))))
    town_names = np.array([town.name], object)
    found["town"] = Territories(
        "town",
        town_names,
        town_names,
        csr_array(subjects.share[rows("town")]),
        everywhere,
        np.array([None], object),
    )
    communities = town.communities
    if len(communities):
        found["community"] = Territories(
            "community",
            communities.index.to_numpy(object),
            communities["name"].to_numpy(object),
            csr_array(subjects.share[rows("community")]),
            _located(communities.geometry.to_numpy(), centre, once=True),
            communities.geometry.to_numpy(),
        )
    circles = town.layer("circles")
    of_circle = rows("circle")
    for kind in CIRCLES:
        own = np.flatnonzero((circles["kind"] == kind).fillna(value=False).to_numpy(bool))
        if len(own):
            rows_here = circles.iloc[own]
            ids = rows_here.index.to_numpy(object)
            names = rows_here["name"].astype(object).where(rows_here["name"].notna(), ids)
            found[kind] = Territories(
                kind,
                ids,
                names.to_numpy(object),
                csr_array(subjects.share[of_circle[own]]),
                _located(rows_here.geometry.to_numpy(), centre, once=False),
                rows_here.geometry.to_numpy(),
            )
    found["estate"] = _estates(town, assessment)
    for kind in CIRCLES:
        if kind not in found:
            found[kind] = _instead(kind, found, town)
    return found


def _located(areas: npt.NDArray[np.object_], points: npt.NDArray[np.object_], *, once: bool) -> csr_array:
    """Return sparse (area × point) of the areas each point lies in; ``once``: only in the first."""
    point, area = shapely.STRtree(areas).query(points, predicate="intersects")
    if once:
        order = np.lexsort((area, point))
        point, area = point[order], area[order]
        first = np.unique(point, return_index=True)[1]
        point, area = point[first], area[first]
    return csr_array((np.ones(len(point)), (area, point)), shape=(len(areas), len(points)))


def _estates(town: Town, assessment: Assessment) -> Territories:
    places, estates = assessment.survey.places, town.estates
    at = estates.index.get_indexer(pd.Index(places.estate_at))
    there = np.flatnonzero(at >= 0)
    area = estates.geometry.to_numpy()
    drawn = np.asarray(shapely.get_dimensions(area) == 2)
    outline = area.copy()
    outline[~drawn] = None
    names = estates["name"].astype(object).where(estates["name"].notna(), estates.index.to_numpy(object))
    return Territories(
        "estate",
        estates.index.to_numpy(object),
        names.to_numpy(object),
        csr_array((np.ones(len(there)), (at[there], there)), shape=(len(estates), len(places.estate_at))),
        _located(outline, places.facility_centre, once=False),
        outline,
    )


def _instead(kind: str, found: dict[str, Territories], town: Town) -> Territories:
    """Return what stands for circles of a level that nobody has drawn."""
    communities = found.get("community")
    if communities is None:
        return found["town"]
    if kind != "circle15":
        return communities
    subdistrict = town.communities["subdistrict"]
    if subdistrict.isna().any():
        return found["town"]
    number, names = pd.factorize(subdistrict.astype(object))
    outline = communities.outlines
    member = csr_array(
        (np.ones(len(number)), (number, np.arange(len(number)))), shape=(len(names), len(number))
    )
    return Territories(
        "subdistrict",
        np.asarray(names, object),
        np.asarray(names, object),
        csr_array(member @ communities.buildings),
        csr_array(member @ communities.facilities),
        np.array([shapely.union_all(outline[number == one]) for one in range(len(names))], object),
    )
