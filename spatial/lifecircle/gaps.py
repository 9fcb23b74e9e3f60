"""Gaps: clusters of neighbouring buildings that lack a service, with their weight and their cause.

A gap's cause is named where there is one: the *wall*, *river*, *railway*, … without which most of its
households would have the service within the limit, or a *missing_link*, where the service is near in a
straight line but the way to it is long although nothing blocks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spatial.catalogue import section
from spatial.lifecircle.cells import TOUCH_M, Cells, union_of
from spatial.lifecircle.survey import CategoryWalks, Status, Survey, Walks
from spatial.network import CLOSED, KINDS, STEPS_PER_M, steps
from spatial.search import label, limit_steps

__all__ = ["gaps_of"]

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Holes narrower than this come from how cells are drawn; nobody lives in them.
_NARROW_M = 4.0
# A way this many times the straight line, where it should be no more than the usual detour, lacks a link.
_LONG_DETOUR = 2.0


def gaps_of(
    survey: Survey,
    cells: Cells,
    walks: Walks,
    limit_m: Sequence[float],
    households: Floats,
) -> gpd.GeoDataFrame:
    """Return the layer ``gaps``: the clusters of each category, the heaviest first.

    Parameters
    ----------
    survey : the town on its network
    cells : cells of its buildings
    walks : the walks of its buildings
    limit_m : (c,) limit of each category, metres
    households : (b,) households of each building, not-a-number where unknown

    Returns
    -------
    One row to a gap; ``nearest_m`` is the shortest walk from it, null when no service is within the
    search, ``households`` null when those of no building are known.
    """
    homes = survey.places.buildings["use"].isin(["residential", "mixed"]).to_numpy(bool)
    lived_in = homes | (np.nan_to_num(households) > 0)
    lifted = _Lifted(survey)
    frames = []
    for category, name in enumerate(survey.places.categories):
        found = walks.of_category(category)
        limit = limit_steps(limit_m[category])
        told = ~np.isin(found.status, (Status.STRANDED_DATA, Status.NOT_ASSESSED))
        members = np.flatnonzero(lived_in & told & (found.steps > limit))
        if len(members):
            piece = _clusters(members, cells)
            causes = lifted.causes(category, found, limit_m[category], members)
            frame = _rows(members, piece, found, households, causes)
            shapes = _unions(cells.shape[members], piece)
            frame.insert(0, "category", name)
            frame.insert(1, "limit_m", limit_m[category])
            frame["geometry"] = shapes
            frames.append(frame.sort_values(["households", "buildings"], ascending=False, kind="stable"))
    return _layer(frames, survey)


def _clusters(members: Ints, cells: Cells) -> Ints:
    """Give numbers to the clusters of buildings whose cells touch, in order of their first building."""
    place = np.full(len(cells.shape), -1, np.int64)
    place[members] = np.arange(len(members))
    pairs = place[cells.touching]
    pairs = pairs[(pairs >= 0).all(axis=1)]
    joined = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(members),) * 2)
    piece: Ints = connected_components(joined, directed=False)[1].astype(np.int64)
    return piece


def _rows(
    members: Ints, piece: Ints, walks: CategoryWalks, households: Floats, causes: Mapping[str, Flags]
) -> pd.DataFrame:
    """Return households, buildings, nearest walk and cause of every cluster."""
    weight = np.nan_to_num(households[members])
    known = np.bincount(piece, weights=~np.isnan(households[members])) > 0
    total = np.bincount(piece, weights=weight)
    nearest = np.full(len(total), CLOSED, np.int32)
    np.minimum.at(nearest, piece, walks.steps[members])
    # Where no household is known, buildings stand for them.
    voice = np.where(total[piece] > 0, weight, 1.0)
    cause = np.full(len(total), pd.NA, object)
    for name, owing in causes.items():
        most = 2 * np.bincount(piece, weights=voice * owing) > np.bincount(piece, weights=voice)
        cause[most & pd.isna(cause)] = name
    return pd.DataFrame(
        {
            "households": pd.arrays.IntegerArray(np.rint(total).astype(np.int64), ~known),
            "buildings": pd.array(np.bincount(piece), "Int64"),
            "nearest_m": pd.arrays.FloatingArray(nearest / STEPS_PER_M, nearest == CLOSED),
            "cause": pd.array(cause, "string"),
        }
    )


def _unions(shape: npt.NDArray[np.object_], piece: Ints) -> npt.NDArray[np.object_]:
    """Return the union of the cells of each cluster, without the slivers between cells."""
    order = np.argsort(piece, kind="stable")
    groups = np.split(shape[order], np.flatnonzero(np.diff(piece[order])) + 1)
    unions = np.empty(len(groups), object)
    unions[:] = [union_of(group) for group in groups]
    return _without_slivers(unions)


def _without_slivers(areas: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Close clefts between cells that touch, and holes too narrow to live in; nothing is taken away."""
    half_m = TOUCH_M
    closed = shapely.buffer(shapely.buffer(areas, half_m, quad_segs=2), -half_m, quad_segs=2)
    parts, owner = shapely.get_parts(shapely.union(areas, closed), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    inner = np.r_[False, part[1:] == part[:-1]]
    wide = ~shapely.is_empty(shapely.buffer(shapely.polygons(rings), -_NARROW_M / 2))
    kept = ~inner | wide
    whole = shapely.polygons(rings[~inner])
    holed = np.unique(part[inner])
    for number in holed:
        mine = rings[(part == number) & kept]
        whole[number] = shapely.polygons(mine[0], holes=mine[1:])
    cleaned = np.empty(len(areas), object)
    cleaned[:] = [shapely.union_all(group) for group in np.split(whole, np.flatnonzero(np.diff(owner)) + 1)]
    return cleaned


@dataclass(frozen=True, eq=False)
class _Lifted:
    """The walks of a town if walls or barriers of one kind did not stand, made when asked for."""

    survey: Survey
    opened: dict[int, Survey] = field(default_factory=dict)

    def causes(self, category: int, walks: CategoryWalks, limit_m: float, members: Ints) -> dict[str, Flags]:
        """Say which of some buildings owe their lack of a category to what; the first named weighs most."""
        places = self.survey.places
        goal = places.facility_centre[self.survey.public(category)]
        if not len(goal):
            return {}
        here = places.building_centre[members]
        straight_m = shapely.distance(here, goal[shapely.STRtree(goal).nearest(here)])
        if not (straight_m <= limit_m).any():
            return {}
        limit = limit_steps(limit_m)
        causes = {
            KINDS[kind]: self._steps(int(kind), category, limit_m)[members] <= limit
            for kind in np.unique(self.survey.network.closed_by)
            if kind > 0
        }
        usual = float(section("walking")["detour_factor_default"])
        steps_ = walks.steps[members]
        walk_m = np.where(steps_ == CLOSED, np.inf, steps_ / STEPS_PER_M)
        causes["missing_link"] = (straight_m * usual <= limit_m) & (walk_m > _LONG_DETOUR * straight_m)
        return causes

    def _steps(self, kind: int, category: int, limit_m: float) -> npt.NDArray[np.int32]:
        if kind not in self.opened:
            network = self.survey.network
            level = np.repeat(steps(network.length_m)[:, None], 2, axis=1)
            lifted = network.closed_by == kind
            cost = np.where(lifted[:, None] & (network.cost == CLOSED), level, network.cost).astype(np.int32)
            opened = replace(network, cost=cost, closed_by=np.where(lifted, 0, network.closed_by))
            self.opened[kind] = Survey(opened, self.survey.places)
        survey = self.opened[kind]
        labels = label(survey.network, survey.seeds(category), limit_m)
        return survey.measure(category, labels, limit_m).steps


def _layer(frames: Sequence[pd.DataFrame], survey: Survey) -> gpd.GeoDataFrame:
    kinds = {
        "category": "string", "limit_m": "Float64", "households": "Int64", "buildings": "Int64",
        "nearest_m": "Float64", "cause": "string", "geometry": "object",
    }  # fmt: skip
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
    frame = pd.concat(frames, ignore_index=True) if frames else empty
    frame = frame.astype({name: kind for name, kind in kinds.items() if name != "geometry"})
    number = frame.groupby("category").cumcount() + 1
    frame.index = pd.Index(frame["category"] + "-" + number.astype("string"), name="gap_id", dtype="string")
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=survey.places.buildings.crs)
