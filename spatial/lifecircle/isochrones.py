"""Isochrones: what can be reached on foot from a place, and the way to it.

The reached parts of streets are cut at the exact distance.  Polygons are for pictures: nothing is
counted by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from shapely.ops import substring

from spatial.errors import UsageError
from spatial.lifecircle.places import entry_points
from spatial.lifecircle.survey import Survey
from spatial.network import CLOSED, STEPS_PER_M, Attachments, attach
from spatial.search import Doors, Labels, limit_steps, reach
from spatial.town import Town

__all__ = ["Reach", "reach_from", "reach_from_estate", "reach_from_facility"]

# Streets reached are drawn this wide on either hand.
_WIDTH_M = 25.0
Ints = npt.NDArray[np.int64]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reach:
    """What is reached on foot from one place.

    Attributes
    ----------
    survey : the town on its network
    starts : (p, 2) points where walks begin, metres
    limit_m : longest walk
    ways : how these points are attached
    labels : walk from the place to every node
    """

    survey: Survey
    starts: Points
    limit_m: float
    ways: Attachments
    labels: Labels

    def streets(self) -> npt.NDArray[np.object_]:
        """Return the parts of streets within the limit, each cut where the walk is at its end."""
        network = self.survey.network
        cost = self.labels.cost[network.edge_nodes].astype(np.int64)
        limit = limit_steps(self.limit_m)
        is_street = (network.length_m > 0) & network.is_entered()
        touched = np.flatnonzero((cost <= limit).any(axis=1) & is_street)
        parts: list[Any] = []
        own: dict[int, list[tuple[float, float]]] = {}
        for edge, offset, access in zip(
            self.ways.edge.tolist(), self.ways.offset_m, self.ways.access_m, strict=True
        ):
            own.setdefault(edge, []).append((offset, access))
        for edge in {*touched.tolist(), *(edge for edge in own if is_street[edge])}:
            parts += self._parts(edge, cost[edge], limit, own.get(edge, ()))
        return np.array(parts, object)

    def _parts(self, edge: int, cost: Ints, limit: int, own: Sequence[tuple[float, float]]) -> list[Any]:
        """Return the parts of one edge reached from its ends, and from the place itself when it is on it."""
        network = self.survey.network
        line, length_m = network.line.at(edge), float(network.length_m[edge])
        along, against = (float(one) / length_m for one in network.cost[edge])
        stretches = [
            (0.0, min((limit - int(cost[0])) / along, length_m)) if cost[0] <= limit else None,
            (max(length_m - (limit - int(cost[1])) / against, 0.0), length_m) if cost[1] <= limit else None,
        ]
        for offset_m, access_m in own:
            left = limit - access_m * STEPS_PER_M
            if left >= 0:
                stretches.append(
                    (max(offset_m - left / against, 0.0), min(offset_m + left / along, length_m))
                )
        whole = shapely.union_all(
            [substring(line, *one) for one in stretches if one is not None and one[1] > one[0]]
        )
        return [part for part in shapely.get_parts(whole) if part.length > 0]

    def polygon(self) -> shapely.Geometry:
        """Return the reached streets as an area, for pictures only."""
        streets = self.streets()
        starts = shapely.buffer(np.asarray(shapely.points(self.starts), object), _WIDTH_M)
        return shapely.union_all([*starts, *shapely.buffer(streets, _WIDTH_M, quad_segs=4)])

    def nearest(self, categories: Sequence[str] | None = None, *, estate: str = "") -> gpd.GeoDataFrame:
        """Return the nearest service of each category and the way to it.

        Parameters
        ----------
        categories : ids; all that are assessed when None
        estate : estate whose residents walk; what serves them alone counts too

        Returns
        -------
        One row to a category within the limit, by id: facility_id, walk_m and the way as a line.
        """
        survey, places = self.survey, self.survey.places
        names = places.categories if categories is None else tuple(categories)
        rows = []
        for name in names:
            if name not in places.categories:
                raise UsageError("lifecircle.category_unknown", category=name)
            offering = places.facilities_of(places.categories.index(name))
            doors = survey.doors_of(offering[np.isin(places.estate_of[offering], ["", estate])])
            row, steps, direct = self._arrival(doors)
            if row >= 0 and steps <= limit_steps(self.limit_m):
                facility = int(doors.owner[row])
                rows.append(
                    {
                        "category": name,
                        "facility_id": places.facilities.index[facility],
                        "walk_m": steps / STEPS_PER_M,
                        "geometry": self._way(doors.chosen(np.array([row])), facility, direct=direct),
                    }
                )
        columns = ["category", "facility_id", "walk_m", "geometry"]
        frame = pd.DataFrame(rows, columns=columns).set_index("category")
        return gpd.GeoDataFrame(frame, geometry="geometry", crs=places.buildings.crs)

    def _arrival(self, doors: Doors) -> tuple[int, int, bool]:
        """Return the door with the shortest walk, its steps, and whether the walk stays on one edge."""
        if not len(doors):
            return -1, CLOSED, False
        total = self.labels.cost[doors.node].astype(np.int64) + doors.enter + doors.access[:, None]
        best = total.min(axis=1)
        here = Doors.of(self.survey.network, self.ways)
        direct = np.full(len(best), CLOSED, np.int64)
        for place, edge, access in zip(here.place, here.edge, here.access, strict=True):
            same = doors.edge == edge
            pace = np.where(doors.place >= place, doors.along[:, 0], doors.along[:, 1])
            between = np.rint(pace * np.abs(doors.place - place)).astype(np.int64)
            direct = np.where(same, np.minimum(direct, between + access + doors.access), direct)
        row = int(np.argmin(np.minimum(best, direct)))
        return row, int(min(best[row], direct[row])), bool(direct[row] <= best[row])

    def _way(self, door: Doors, facility: int, *, direct: bool) -> shapely.LineString:
        """Return the way to a door as one line: leg, streets, leg."""
        network = self.survey.network
        goal = shapely.get_coordinates(self.survey.places.facility_centre[facility])
        edge, place = int(door.edge[0]), float(door.place[0])
        length_m = float(network.length_m[edge])
        if direct:
            rows = np.flatnonzero(self.ways.edge == edge)
            away_m = np.abs(self.ways.offset_m[rows] - place * length_m) + self.ways.access_m[rows]
            row = int(rows[np.argmin(away_m)])
            pieces = [self._stretch(edge, float(self.ways.offset_m[row]), place * length_m)]
        else:
            cost = self.labels.cost[door.node[0]].astype(np.int64) + door.enter[0]
            end = int(np.argmin(cost))
            steps_back, first = self._back_to_start(int(door.node[0, end]))
            row, stretch = self._first_stretch(first)
            pieces = [stretch, *steps_back, self._stretch(edge, end * length_m, place * length_m)]
        pieces = [self.starts[self.ways.point[row]][None], *pieces]
        xy = np.concatenate([*pieces, goal])
        keep = np.r_[True, (np.diff(xy, axis=0) != 0).any(axis=1)]
        return shapely.LineString(xy[keep] if keep.sum() > 1 else xy)

    def _back_to_start(self, node: int) -> tuple[list[npt.NDArray[np.float64]], int]:
        """Follow the labels from a node back to where the walk meets the network; return the edges in order."""
        network, cost = self.survey.network, self.labels.cost
        passing = network.passing()
        pieces: list[npt.NDArray[np.float64]] = []
        while True:
            for edge in np.flatnonzero((network.edge_nodes == node).any(axis=1)):
                start, end = network.edge_nodes[edge]
                other, step = (start, passing[edge, 0]) if end == node else (end, passing[edge, 1])
                if step != CLOSED and int(cost[other]) + int(step) == int(cost[node]):
                    line = network.line.at(int(edge))
                    xy = shapely.get_coordinates(line) if line is not None else network.node_xy[[start, end]]
                    pieces.append(xy if end == node else xy[::-1])
                    node = int(other)
                    break
            else:
                return pieces[::-1], node

    def _first_stretch(self, node: int) -> tuple[int, npt.NDArray[np.float64]]:
        """Return the attachment a walk begins at, given its first node, and the stretch between them."""
        network = self.survey.network
        here = Doors.of(network, self.ways)
        total = np.where(here.node == node, here.leave.astype(np.int64) + here.access[:, None], CLOSED)
        row, end = np.unravel_index(np.argmin(total), total.shape)
        edge = int(here.edge[row])
        end_m = float(end) * float(network.length_m[edge])
        return int(row), self._stretch(edge, float(self.ways.offset_m[row]), end_m)

    def _stretch(self, edge: int, start_m: float, end_m: float) -> npt.NDArray[np.float64]:
        """Return the vertices of an edge from one distance along it to another, in either direction."""
        network = self.survey.network
        if network.line.at(edge) is None:  # a joint has no extent
            return network.node_xy[network.edge_nodes[edge, :1]]
        return np.asarray(substring(network.line.at(edge), start_m, end_m).coords)


def reach_from(survey: Survey, xy: tuple[float, float], limit_m: float) -> Reach:
    """Search what is reached on foot from a place within a limit.

    Parameters
    ----------
    survey : the town on its network
    xy : the place, metres in the CRS of the town
    limit_m : longest walk, metres

    Raises
    ------
    UsageError
        If no street can be reached from the place.
    """
    starts = np.array([xy], float)
    ways = attach(survey.network, starts)
    if not len(ways):
        raise UsageError("lifecircle.place_off_network", x=xy[0], y=xy[1])
    return _reach(survey, starts, ways, limit_m)


def reach_from_facility(survey: Survey, facility_id: str, limit_m: float) -> Reach:
    """Search what is reached on foot from a facility, by its entrances or its outline.

    Raises
    ------
    UsageError
        If there is no open facility of that id, or it reaches no street.
    """
    places = survey.places
    if facility_id not in places.facilities.index:
        raise UsageError("lifecircle.place_unknown", table="facilities", ids=[facility_id])
    number = places.facilities.index.get_loc(facility_id)
    mine = np.flatnonzero(places.facility_of == number)
    ways = places.facility_ways.chosen(np.isin(places.facility_ways.point, mine))
    if not len(ways):
        raise UsageError("lifecircle.facility_off_network", table="facilities", ids=[facility_id])
    return _reach(survey, places.facility_xy, ways, limit_m)


def reach_from_estate(town: Town, estate_id: str, limit_m: float, survey: Survey | None = None) -> Reach:
    """Search what is reached on foot from an estate: through its open gates, or by its outline if it has no wall.

    Raises
    ------
    UsageError
        If there is no estate of that id, it is walled without an open gate, or it reaches no street.
    """
    if estate_id not in town.estates.index:
        raise UsageError("lifecircle.place_unknown", table="estates", ids=[estate_id])
    survey = survey or Survey.of(town)
    network = survey.network
    side = np.flatnonzero(network.walls.estate_id == estate_id) + 1
    if len(side):
        joints = network.gate_joints
        joints = joints[(network.side[joints] == side[0]) & (network.closed_by[joints] == 0)]
        if not len(joints):
            raise UsageError("lifecircle.estate_shut", table="estates", ids=[estate_id])
        starts = network.node_xy[network.edge_nodes[joints, 0]]
        number, zero = np.arange(len(joints)), np.zeros(len(joints))
        return _reach(survey, starts, Attachments(number, 0 * number, joints, zero, zero), limit_m)
    starts, _ = entry_points(
        town.estates.loc[[estate_id]],
        town.layer("entrances").iloc[:0].assign(owner=""),
        outline_step_m=network.rules.outline_step_m,
    )
    ways = attach(network, starts)
    if not len(ways):
        raise UsageError("lifecircle.facility_off_network", table="estates", ids=[estate_id])
    return _reach(survey, starts, ways, limit_m)


def _reach(survey: Survey, starts: Points, ways: Attachments, limit_m: float) -> Reach:
    used = ways.chosen(ways.rank == 0)
    return Reach(
        survey, starts, limit_m, used, reach(survey.network, Doors.of(survey.network, used), limit_m)
    )
