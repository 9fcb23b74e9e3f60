"""Where points reach the network: the edge, how far along it, and the access leg.

A point is attached to the nearest edge that it can reach in a straight line: on its own side of every
wall, with no barrier between, and in a piece of network that is a part of town.  Other such edges not
much farther are kept as candidates, since which of them is used cannot be known from a map.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import shapely

from spatial.network.noding import Ints, Lines, Points
from spatial.network.streets import StreetNetwork

__all__ = ["Attachments", "attach"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Attachments:
    """Places where points reach the network, sorted by point and rank.

    Attributes
    ----------
    point : (k,) the point
    rank : (k,) 0 for the edge that is used, 1 and more for candidates farther off; a point inside an
        estate without streets has rank 0 at each of its gates
    edge : (k,) the edge
    offset_m : (k,) metres from the start of the edge
    access_m : (k,) straight leg from the point to that place
    """

    point: Ints
    rank: Ints
    edge: Ints
    offset_m: Floats
    access_m: Floats

    def __len__(self) -> int:
        return len(self.point)

    def chosen(self, rows: npt.NDArray[np.bool_] | Ints) -> Attachments:
        """Return some of the attachments."""
        return Attachments(
            self.point[rows], self.rank[rows], self.edge[rows], self.offset_m[rows], self.access_m[rows]
        )

    def with_points(self, points: Ints, fresh: Attachments) -> Attachments:
        """Return the attachments with those of some points replaced by fresh ones, numbered by their place."""
        kept = self.chosen(~np.isin(self.point, points))
        return _together(kept, replace(fresh, point=points[fresh.point]))

    def by_owner(self, owner: Ints) -> tuple[Attachments, Ints]:
        """Return the attachments as those of what owns the points, sorted by it, and which they were.

        ``owner`` is by point.
        """
        owners = owner[self.point]
        order = np.argsort(owners, kind="stable")
        return replace(self.chosen(order), point=owners[order]), order


def attach(network: StreetNetwork, xy: Points) -> Attachments:
    """Attach points to the edges they reach.

    Parameters
    ----------
    network : the walking network
    xy : (p, 2) points in the CRS of the network, metres

    Returns
    -------
    The attachments; a point farther than the maximum access distance from every edge it can reach
    has none.
    """
    points = np.asarray(shapely.points(xy), object)
    side = network.walls.side_of(points)
    radius_m = _search_radius(network, points, xy, side)
    point, edge = network.line.within(points, radius_m)
    offset_m, access_m, reachable = _legs(network, xy, side, point, edge)
    rows = np.flatnonzero(reachable)
    rows = rows[np.lexsort((edge[rows], access_m[rows], network.is_islet[edge[rows]], point[rows]))]
    point, edge = point[rows], edge[rows]
    offset_m, access_m = offset_m[rows], access_m[rows]

    first = np.ones(len(point), bool)
    first[1:] = point[1:] != point[:-1]
    primary = np.flatnonzero(first)[np.cumsum(first) - 1]
    rank = np.arange(len(point)) - primary
    rules = network.rules
    near = (rank < rules.candidates) & (access_m <= access_m[primary] + rules.ambiguity_m)
    near &= network.is_islet[edge] == network.is_islet[edge[primary]]
    found = Attachments(point[near], rank[near], edge[near], offset_m[near], access_m[near])
    return _with_gates(network, xy, side, found)


def _search_radius(network: StreetNetwork, points: Lines, xy: Points, side: Ints) -> Floats:
    """Return how far to look: a little past the nearest edge, or all the way where it will not do."""
    rules = network.rules
    radius_m = np.full(len(points), rules.max_access_m)
    point, edge, nearest_m = network.line.nearest(points, rules.max_access_m)
    reachable = _legs(network, xy, side, point, edge)[2] & ~network.is_islet[edge]
    enough = np.minimum(nearest_m + rules.ambiguity_m, rules.max_access_m)
    radius_m[point[reachable]] = enough[reachable]
    return radius_m


def _legs(
    network: StreetNetwork, xy: Points, side: Ints, point: Ints, edge: Ints
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Return offset, length and possibility of the straight legs from points to edges."""
    line = network.line[edge]
    place = shapely.points(xy[point])
    offset_m = shapely.line_locate_point(line, place)
    access_m = shapely.distance(place, line)
    reachable = (network.side[edge] == side[point]) & network.is_entered(edge)
    rows = np.flatnonzero(reachable)
    legs = network.walls.legs(xy[point[rows]], line[rows], offset_m[rows])
    reachable[rows[network.walls.crossed(legs)]] = False
    return offset_m, access_m, reachable


def _with_gates(network: StreetNetwork, xy: Points, side: Ints, found: Attachments) -> Attachments:
    """Attach points inside estates where they reach no street straight to the gates."""
    wanting = np.setdiff1d(np.flatnonzero(side > 0), found.point)
    joints = network.gate_joints
    if not len(wanting) or not len(joints):
        return found
    of_side = network.side[joints]
    first = np.searchsorted(of_side, side[wanting])
    count = np.searchsorted(of_side, side[wanting], side="right") - first
    point = np.repeat(wanting, count)
    edge = joints[np.repeat(first - np.cumsum(count) + count, count) + np.arange(len(point))]
    leg = network.node_xy[network.edge_nodes[edge, 0]] - xy[point]
    zero = np.zeros(len(point))
    at_gates = Attachments(point, zero.astype(np.int64), edge, zero, np.hypot(*leg.T))
    return _together(found, at_gates)


def _together(one: Attachments, other: Attachments) -> Attachments:
    """Return the attachments of two sets of points as one."""
    both = Attachments(
        *(
            np.concatenate([getattr(one, name), getattr(other, name)])
            for name in ("point", "rank", "edge", "offset_m", "access_m")
        )
    )
    # Each is sorted, and no point is in both.
    return both.chosen(np.argsort(both.point, kind="stable"))
