"""Which single opening closes most of a gap: a closed gate, or a way through a wall.

A gap behind a wall needs no new service when one gate would do.  Every closed gate near the gap is
opened in turn, and so is every place where a wall parts two streets: where it cuts one, or where two
street ends lie a short step apart on its two sides.  Each opening is measured by itself, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from spatial.catalogue import categories
from spatial.errors import UsageError
from spatial.lifecircle.subjects import bases_of
from spatial.lifecircle.survey import Status, Survey
from spatial.network import CLOSED, KINDS, Network, steps
from spatial.search import Labels, Seeds, label, limit_steps
from spatial.town import Town

__all__ = ["best_openings"]

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_GATE, _WALL = KINDS.index("gate"), KINDS.index("wall")


def best_openings(
    town: Town,
    category: str,
    *,
    gap: shapely.Geometry | None = None,
    limit_m: float | None = None,
    longest_crossing_m: float = 50.0,
    survey: Survey | None = None,
) -> gpd.GeoDataFrame:
    """Rank the single openings that bring a service of a category within reach of most households.

    Parameters
    ----------
    town : the town
    category : id of the category
    gap : area whose uncovered households count, such as a row of the layer ``gaps``; the whole town
        when None
    limit_m : walk within which a household counts as covered; the category's radius when None
    longest_crossing_m : street ends at most so far apart can be joined through a wall
    survey : the survey of the town, when it is at hand

    Returns
    -------
    Layer by rank, best first, of the openings that bring anything to the gap: kind (gate, crossing),
    gate_id (null for a crossing), length_m, gained_in_gap and gained (households newly within the
    limit, in the gap and in the town), share_of_gap, geometry (a point, or the line through the wall).

    Raises
    ------
    UsageError
        If the town has no service of the category, or there is no limit.
    """
    known = categories().get(category)
    if limit_m is None:
        if known is None:
            raise UsageError("siting.no_radius", category=category)
        limit_m = known.radius_m
    survey = survey or Survey.of(town)
    if category not in survey.places.categories:
        raise UsageError("capacity.no_service", table="services", category=category)
    trial = _Trial.of(town, survey, survey.places.categories.index(category), limit_m, gap)
    homes = survey.places.building_centre[trial.in_gap]
    if not len(homes):
        return _layer([], trial, survey)
    near = cKDTree(shapely.get_coordinates(homes))
    rows: list[_Opening] = []
    network = survey.network
    for gate in np.unique(network.gate[network.closed_by == _GATE]):
        joints = np.flatnonzero((network.gate == gate) & (network.closed_by == _GATE))
        xy = network.node_xy[network.edge_nodes[joints[0], 0]]
        if near.query(xy)[0] <= limit_m:
            gate_id = network.gate_ids[gate]
            rows.append(_Opening("gate", gate_id, 0.0, shapely.Point(xy), trial.with_gate(joints)))
    ends, length_m = _crossings(survey, longest_crossing_m)
    for pair, length in zip(ends, length_m, strict=True):
        xy = network.node_xy[pair]
        if np.min(near.query(xy)[0]) <= limit_m:
            shape = shapely.LineString(xy) if length > 0 else shapely.Point(xy[0])
            rows.append(_Opening("crossing", pd.NA, length, shape, trial.with_link(pair, length)))
    return _layer(rows, trial, survey)


@dataclass(frozen=True, eq=False)
class _Opening:
    """One opening, and which buildings it brings within the limit."""

    kind: str
    gate_id: object
    length_m: float
    shape: shapely.Geometry
    gained: Flags


@dataclass(frozen=True, eq=False)
class _Trial:
    """The walks of today to one category, against which openings are tried."""

    survey: Survey
    category: int
    limit_m: float
    labels: Labels
    weight: Floats
    uncovered: Flags
    in_gap: Flags

    @classmethod
    def of(
        cls, town: Town, survey: Survey, category: int, limit_m: float, gap: shapely.Geometry | None
    ) -> Self:
        labels = label(survey.network, survey.seeds(category), limit_m)
        walks = survey.measure(category, labels, limit_m)
        told = ~np.isin(walks.status, (Status.STRANDED_DATA, Status.NOT_ASSESSED))
        uncovered = told & (walks.steps > limit_steps(limit_m))
        weight = np.nan_to_num(bases_of(town, survey.places)["households"].weight)
        inside = True if gap is None else shapely.intersects(gap, survey.places.building_centre)
        in_gap = uncovered & inside & (weight > 0)
        return cls(survey, category, limit_m, labels, weight, uncovered, in_gap)

    def with_gate(self, joints: Ints) -> Flags:
        """Return who is newly within the limit once some joints are open."""
        cost = self.survey.network.cost.copy()
        cost[joints] = steps(self.survey.network.length_m[joints])[:, None]
        opened = Survey(self.survey.network.with_cost(cost), self.survey.places)
        return self._gained(opened, label(opened.network, opened.seeds(self.category), self.limit_m))

    def with_link(self, nodes: npt.NDArray[np.int32], length_m: float) -> Flags:
        """Return who is newly within the limit once two nodes are joined.

        The way to the nearest service uses the link at most once, so it is enough to let the labels
        of either end improve those around the other.
        """
        across = self.labels.cost[nodes[::-1]].astype(np.int64) + steps([length_m])[0]
        cost = np.minimum(across, CLOSED).astype(np.int32)
        seeds = Seeds.sorted(nodes, cost, self.labels.origin[nodes[::-1]])
        labels = self.labels.copied()
        return self._gained(self.survey, label(self.survey.network, seeds, self.limit_m, labels))

    def _gained(self, survey: Survey, labels: Labels) -> Flags:
        walks = survey.measure(self.category, labels, self.limit_m)
        gained: Flags = self.uncovered & (walks.steps <= limit_steps(self.limit_m))
        return gained


def _crossings(survey: Survey, longest_m: float) -> tuple[npt.NDArray[np.int32], Floats]:
    """Return pairs of nodes that only a wall parts, and how far apart they are."""
    network = survey.network
    cut = network.edge_nodes[network.closed_by == _WALL]
    # Where a closed gate stands, opening it is the answer.
    at_gates = network.edge_nodes[network.closed_by == _GATE]
    dead_end = np.setdiff1d(_dead_ends(network, network.length_m > 0), at_gates)
    pairs = cKDTree(network.node_xy[dead_end]).query_pairs(longest_m, output_type="ndarray")
    apart = dead_end[pairs].astype(np.int32)
    xy = network.node_xy[apart]
    lines = np.asarray(shapely.linestrings(xy), object)
    walls = network.walls
    is_wall = walls.kind == _WALL
    wall_tree, other_tree = shapely.STRtree(walls.line[is_wall]), shapely.STRtree(walls.line[~is_wall])
    through = np.isin(np.arange(len(lines)), wall_tree.query(lines, predicate="crosses")[0])
    barred = np.isin(np.arange(len(lines)), other_tree.query(lines, predicate="intersects")[0])
    length_m = np.hypot(*(xy[:, 0] - xy[:, 1]).T)
    kept = through & ~barred & (length_m > 0)
    return np.concatenate([cut, apart[kept]]), np.concatenate([np.zeros(len(cut)), length_m[kept]])


def _dead_ends(network: Network, is_street: Flags) -> Ints:
    """Return the nodes where exactly one piece of street ends."""
    meeting = np.bincount(network.edge_nodes[is_street].ravel(), minlength=network.node_count)
    return np.flatnonzero(meeting == 1)


def _layer(rows: list[_Opening], trial: _Trial, survey: Survey) -> gpd.GeoDataFrame:
    everyone = float(trial.weight[trial.in_gap].sum())
    gained = np.array([trial.weight[row.gained].sum() for row in rows], float)
    in_gap = np.array([trial.weight[row.gained & trial.in_gap].sum() for row in rows], float)
    layer = gpd.GeoDataFrame(
        {
            "kind": pd.array([row.kind for row in rows], "string"),
            "gate_id": pd.Series([row.gate_id for row in rows], dtype="string"),
            "length_m": np.array([row.length_m for row in rows], float),
            "gained_in_gap": in_gap,
            "gained": gained,
            "share_of_gap": in_gap / everyone if everyone else in_gap,
        },
        geometry=np.array([row.shape for row in rows], object),
        crs=survey.places.buildings.crs,
    )
    layer = layer.loc[layer["gained_in_gap"] > 0]
    # Of two that bring the same, a gate comes before a new way, and a short way before a long one.
    order = np.lexsort(
        (layer["length_m"], layer["kind"] != "gate", -layer["gained"], -layer["gained_in_gap"])
    )
    layer = layer.iloc[order]
    # Street ends that share a place on two sides of a wall give one way twice; the better one stays.
    place = shapely.to_wkb(shapely.normalize(layer.geometry.to_numpy()), hex=True)
    layer = layer.loc[~pd.Series(layer["kind"] + place, index=layer.index).duplicated()]
    layer.index = pd.RangeIndex(1, len(layer) + 1, name="rank")
    return layer
