"""Gaps: clusters of neighbouring buildings that lack a service, with their weight and their cause.

A gap's cause is named where there is one: the *wall*, *river*, *railway*, … without which most of its
households would have the service within the limit, or a *missing_link*, where the service is near in a
straight line but the way to it is long although nothing blocks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spatial.catalogue import section
from spatial.lifecircle.cells import Cells
from spatial.lifecircle.survey import CategoryWalks, Status, Survey
from spatial.network import CLOSED, KINDS, STEPS_PER_M, steps
from spatial.search import label, limit_steps

__all__ = ["gaps_of"]

Flags = npt.NDArray[np.bool_]

# A way this many times the straight line, where it should be no more than the usual detour, lacks a link.
_LONG_DETOUR = 2.0


@dataclass(frozen=True, eq=False)
class _Cluster:
    """Neighbouring uncovered buildings, by number."""

    category: int
    members: npt.NDArray[np.int64]


def gaps_of(
    survey: Survey,
    cells: Cells,
    walks: Mapping[int, CategoryWalks],
    limit_m: Sequence[float],
    households: npt.NDArray[np.float64],
) -> gpd.GeoDataFrame:
    """Return the layer ``gaps``: the clusters of each category, the heaviest first.

    Parameters
    ----------
    survey : the town on its network
    cells : cells of its buildings
    walks : the walks by number of category
    limit_m : (c,) limit of each category, metres
    households : (b,) households of each building, not-a-number where unknown

    Returns
    -------
    One row to a gap; ``nearest_m`` is the shortest walk from it, null when no service is within the
    search, ``households`` null when those of no building are known.
    """
    use = survey.places.buildings["use"].isin(["residential", "mixed"]).to_numpy(bool)
    lived_in = use | (np.nan_to_num(households) > 0)
    lifted = _Lifted(survey)
    rows = []
    for category, found in walks.items():
        limit = limit_steps(limit_m[category])
        told = ~np.isin(found.status, (Status.STRANDED_DATA, Status.NOT_ASSESSED))
        uncovered = lived_in & told & (found.steps > limit)
        for cluster in _clusters(category, uncovered, cells, households):
            rows.append(_row(survey, cluster, cells, found, limit_m[category], households, lifted))
    return _layer(rows, survey)


def _clusters(
    category: int, uncovered: Flags, cells: Cells, households: npt.NDArray[np.float64]
) -> list[_Cluster]:
    members = np.flatnonzero(uncovered)
    if not len(members):
        return []
    pairs = cells.touching[uncovered[cells.touching].all(axis=1)]
    joined = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(uncovered),) * 2)
    piece = connected_components(joined, directed=False)[1][members]
    order = np.argsort(piece, kind="stable")
    groups = np.split(members[order], np.flatnonzero(np.diff(piece[order])) + 1)
    weight = [(-np.nansum(households[group]), -len(group), int(group[0])) for group in groups]
    return [_Cluster(category, groups[place]) for place in sorted(range(len(groups)), key=weight.__getitem__)]


def _row(
    survey: Survey,
    cluster: _Cluster,
    cells: Cells,
    walks: CategoryWalks,
    limit_m: float,
    households: npt.NDArray[np.float64],
    lifted: _Lifted,
) -> dict[str, object]:
    members = cluster.members
    known = households[members][~np.isnan(households[members])]
    nearest = int(walks.steps[members].min())
    return {
        "category": survey.places.categories[cluster.category],
        "limit_m": limit_m,
        "households": round(float(known.sum())) if len(known) else pd.NA,
        "buildings": len(members),
        "nearest_m": nearest / STEPS_PER_M if nearest != CLOSED else pd.NA,
        "cause": lifted.cause(cluster, walks, limit_m, np.nan_to_num(households[members])),
        "geometry": shapely.union_all(cells.shape[members]),
    }


class _Lifted:
    """The walks of a town if walls or barriers of one kind did not stand, made when asked for."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._open: dict[int, Survey] = {}
        self._steps: dict[tuple[int, int], npt.NDArray[np.int32]] = {}

    def cause(
        self, cluster: _Cluster, walks: CategoryWalks, limit_m: float, weight: npt.NDArray[np.float64]
    ) -> object:
        """Return the kind of barrier, or ``missing_link``, that most of a cluster owes its gap to."""
        if not len(self._survey.public(cluster.category)):
            return pd.NA
        members = cluster.members
        weight = weight if weight.any() else np.ones(len(members))
        goal = self._survey.places.facility_centre[self._survey.public(cluster.category)]
        here = self._survey.places.building_centre[members]
        tree = shapely.STRtree(goal)
        straight_m = shapely.distance(here, goal[tree.nearest(here)])
        if weight[straight_m <= limit_m].sum() * 2 <= weight.sum():
            return pd.NA
        for kind in np.unique(self._survey.network.closed_by):
            if kind == 0 or KINDS[kind] == "gate":
                continue
            within = self._reach(int(kind), cluster.category, limit_m)[members] <= limit_steps(limit_m)
            if weight[within].sum() * 2 > weight.sum():
                return KINDS[kind]
        usual = float(section("walking")["detour_factor_default"])
        walk_m = np.where(walks.steps[members] == CLOSED, np.inf, walks.steps[members] / STEPS_PER_M)
        long_way = (straight_m * usual <= limit_m) & (walk_m > _LONG_DETOUR * straight_m)
        return "missing_link" if weight[long_way].sum() * 2 > weight.sum() else pd.NA

    def _reach(self, kind: int, category: int, limit_m: float) -> npt.NDArray[np.int32]:
        if kind not in self._open:
            network = self._survey.network
            lifts = [kind, KINDS.index("gate")] if KINDS[kind] == "wall" else [kind]
            level = np.repeat(steps(network.length_m)[:, None], 2, axis=1)
            cost = np.where(np.isin(network.closed_by, lifts)[:, None], level, network.cost)
            self._open[kind] = Survey(network.with_cost(cost.astype(np.int32)), self._survey.places)
        if (kind, category) not in self._steps:
            survey = self._open[kind]
            labels = label(survey.network, survey.seeds(category), limit_m)
            self._steps[kind, category] = survey.measure(category, labels, limit_m).steps
        return self._steps[kind, category]


def _layer(rows: list[dict[str, object]], survey: Survey) -> gpd.GeoDataFrame:
    columns = ["category", "limit_m", "households", "buildings", "nearest_m", "cause", "geometry"]
    frame = pd.DataFrame(rows, columns=columns).astype(
        {
            "category": "string",
            "limit_m": "Float64",
            "households": "Int64",
            "buildings": "Int64",
            "nearest_m": "Float64",
            "cause": "string",
        }
    )
    number = frame.groupby("category").cumcount() + 1
    frame.index = pd.Index(frame["category"] + "-" + number.astype("string"), name="gap_id", dtype="string")
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=survey.places.buildings.crs)
