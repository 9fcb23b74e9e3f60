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
from spatial.lifecircle.survey import Survey
from spatial.network import CLOSED, STEPS_PER_M, Attachments, attach
from spatial.search import Doors, Labels, limit_steps, reach

__all__ = ["Reach", "reach_from"]

# Streets reached are drawn this wide on either hand.
_WIDTH_M = 25.0
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Reach:
    """What is reached on foot from one place.

    Attributes
    ----------
    survey : the town on its network
    xy : where walks begin, metres
    limit_m : longest walk
    ways : how the place is attached
    labels : walk from the place to every node
    """

    survey: Survey
    xy: tuple[float, float]
    limit_m: float
    ways: Attachments
    labels: Labels

    def streets(self) -> npt.NDArray[np.object_]:
        """Return the parts of streets within the limit, each cut where the walk is at its end."""
        network = self.survey.network
        cost = self.labels.cost[network.edge_nodes].astype(np.int64)
        limit = limit_steps(self.limit_m)
        is_street = np.array([one is not None for one in network.line]) & (network.closed_by == 0)
        touched = np.flatnonzero((cost <= limit).any(axis=1) & is_street)
        parts: list[Any] = []
        own = {int(edge): (offset, access) for edge, offset, access in zip(
            self.ways.edge, self.ways.offset_m, self.ways.access_m, strict=True
        )}  # fmt: skip
        for edge in {*touched.tolist(), *(edge for edge in own if is_street[edge])}:
            parts += self._parts(edge, cost[edge], limit, own.get(edge))
        return np.array(parts, object)

    def _parts(self, edge: int, cost: Ints, limit: int, own: tuple[float, float] | None) -> list[Any]:
        """Return the parts of one edge reached from its ends, and from the place itself when it is on it."""
        network = self.survey.network
        line, length_m = network.line[edge], float(network.length_m[edge])
        along, against = (float(one) / length_m for one in network.cost[edge])
        stretches = [
            (0.0, min((limit - int(cost[0])) / along, length_m)) if cost[0] <= limit else None,
            (max(length_m - (limit - int(cost[1])) / against, 0.0), length_m) if cost[1] <= limit else None,
        ]
        if own is not None:
            left = limit - own[1] * STEPS_PER_M
            if left >= 0:
                stretches.append((max(own[0] - left / against, 0.0), min(own[0] + left / along, length_m)))
        whole = shapely.union_all(
            [substring(line, *one) for one in stretches if one is not None and one[1] > one[0]]
        )
        return [part for part in shapely.get_parts(whole) if part.length > 0]

    def polygon(self) -> shapely.Geometry:
        """Return the reached streets as an area, for pictures only."""
        streets = self.streets()
        start = shapely.buffer(shapely.Point(self.xy), _WIDTH_M)
        return shapely.union_all([start, *shapely.buffer(streets, _WIDTH_M, quad_segs=4)])

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
        pieces = [np.array([self.xy])]
        if direct:
            here = np.flatnonzero(self.ways.edge == edge)[0]
            pieces.append(self._stretch(edge, float(self.ways.offset_m[here]), place * length_m))
        else:
            cost = self.labels.cost[door.node[0]].astype(np.int64) + door.enter[0]
            end = int(np.argmin(cost))
            steps_back, first = self._back_to_start(int(door.node[0, end]))
            pieces += [self._first_stretch(first), *steps_back]
            pieces.append(self._stretch(edge, end * length_m, place * length_m))
        xy = np.concatenate([*pieces, goal])
        keep = np.r_[True, (np.diff(xy, axis=0) != 0).any(axis=1)]
        return shapely.LineString(xy[keep] if keep.sum() > 1 else xy)

    def _back_to_start(self, node: int) -> tuple[list[npt.NDArray[np.float64]], int]:
        """Follow the labels from a node back to where the walk meets the network; return the edges in order."""
        network, cost = self.survey.network, self.labels.cost
        pieces: list[npt.NDArray[np.float64]] = []
        while True:
            for edge in np.flatnonzero((network.edge_nodes == node).any(axis=1)):
                start, end = network.edge_nodes[edge]
                other, step = (start, network.cost[edge, 0]) if end == node else (end, network.cost[edge, 1])
                if step != CLOSED and int(cost[other]) + int(step) == int(cost[node]):
                    line = network.line[edge]
                    xy = shapely.get_coordinates(line) if line is not None else network.node_xy[[start, end]]
                    pieces.append(xy if end == node else xy[::-1])
                    node = int(other)
                    break
            else:
                return pieces[::-1], node

    def _first_stretch(self, node: int) -> npt.NDArray[np.float64]:
        """Return the stretch from where the place is attached to the node its walk begins with."""
        network = self.survey.network
        here = Doors.of(network, self.ways)
        total = np.where(here.node == node, here.leave.astype(np.int64) + here.access[:, None], CLOSED)
        row, end = np.unravel_index(np.argmin(total), total.shape)
        edge = int(here.edge[row])
        return self._stretch(edge, float(self.ways.offset_m[row]), float(end) * float(network.length_m[edge]))

    def _stretch(self, edge: int, start_m: float, end_m: float) -> npt.NDArray[np.float64]:
        """Return the vertices of an edge from one distance along it to another, in either direction."""
        network = self.survey.network
        if network.line[edge] is None:  # a joint has no extent
            return network.node_xy[network.edge_nodes[edge, :1]]
        return np.asarray(substring(network.line[edge], start_m, end_m).coords)


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
    ways = attach(survey.network, np.array([xy], float))
    used = ways.chosen(ways.rank == 0)
    if not len(used):
        raise UsageError("lifecircle.place_off_network", x=xy[0], y=xy[1])
    return Reach(survey, xy, limit_m, used, reach(survey.network, Doors.of(survey.network, used), limit_m))
