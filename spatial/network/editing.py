"""Editing a walking network: opening, closing and adding edges without building it anew.

The numbers of nodes and edges stay; what is new comes at the end.  An edge that gets a junction in its
middle is closed and its pieces are added, so places attached to it move to a piece.  Where the rules of
building would do more than that (a path that meets a wall, a gate that would be joined to another
street), the edit is refused and the network has to be built again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

import numba
import numpy as np
import numpy.typing as npt
import shapely
from shapely.ops import substring

from spatial.network.attaching import Attachments
from spatial.network.cost import CLOSED, steps
from spatial.network.graph import Numbers, Words
from spatial.network.noding import VERTEX_STEP_M, Ints, Points, node_lines
from spatial.network.streets import StreetNetwork
from spatial.network.walls import BARRED, REPLACED

_Value = TypeVar("_Value", bound=np.generic)

__all__ = ["Grown", "close_edges", "grow", "open_edges"]


def open_edges(network: StreetNetwork, edges: Ints) -> StreetNetwork:
    """Return the network with closed joints open."""
    opened = _with_states(network, edges, 0, np.repeat(steps(network.length_m[edges])[:, None], 2, axis=1))
    opened.__dict__["component"] = _joined(network.component, network.edge_nodes[edges], network.node_count)
    return opened


def close_edges(network: StreetNetwork, edges: Ints, kind: int) -> StreetNetwork:
    """Return the network with edges closed by something of a kind (its place in `KINDS`)."""
    cost = network.cost[edges] if kind == BARRED else np.full((len(edges), 2), CLOSED, np.int32)
    shut = _with_states(network, edges, kind, cost)
    component = network.component.copy()
    fresh = int(component.max(initial=-1)) + 1
    apart: list[int] = []  # ends of edges, no two of them joined
    for one in np.unique(network.edge_nodes[edges]).tolist():
        for other in apart:
            if component[one] == component[other]:
                cut_off = _cut_off(shut.arcs.start, shut.arcs.inward, one, other)
                if not len(cut_off):
                    break
                component[cut_off] = fresh
                fresh += 1
        else:
            apart.append(one)
    shut.__dict__["component"] = component
    return shut


def _with_states(network: StreetNetwork, edges: Ints, closed_by: int, cost: Numbers) -> StreetNetwork:
    """Return the network with the state and the costs (k, 2) of some edges replaced."""
    states, costs = network.closed_by.copy(), network.cost.copy()
    states[edges], costs[edges] = closed_by, cost
    after = replace(network, closed_by=states, cost=costs)
    # What an edit of costs does not change is handed over.
    for name in ("lifted_component", "is_islet", "gate_joints", "gate_links"):
        after.__dict__[name] = getattr(network, name)
    after.__dict__["arcs"] = network.arcs.with_costs(
        network.edge_nodes[edges], network.passing(edges), after.passing(edges)
    )
    return after


@numba.njit(cache=True, nogil=True)
def _cut_off(start: Words, arcs: Words, one: int, other: int) -> Words:
    """Return all nodes joined to one of two nodes, when they are not joined; none when they are.

    Both sides spread in turn, so that the smaller piece is found at its own cost.
    """
    side = np.zeros(len(start) - 1, np.int8)
    queue = np.empty((2, len(start) - 1), np.int64)
    filled = np.ones(2, np.int64)
    done = np.zeros(2, np.int64)
    queue[0, 0], queue[1, 0] = one, other
    side[one], side[other] = 1, 2
    if one == other:
        return np.empty(0, np.int64)
    while True:
        for turn in range(2):
            if done[turn] == filled[turn]:
                return queue[turn, : filled[turn]].copy()
            node = queue[turn, done[turn]]
            done[turn] += 1
            for arc in range(start[node], start[node + 1]):
                if arcs[arc] >> 32 == CLOSED:
                    continue
                neighbour = arcs[arc] & 0xFFFFFFFF
                if side[neighbour] == 2 - turn:
                    return np.empty(0, np.int64)
                if side[neighbour] == 0:
                    side[neighbour] = turn + 1
                    queue[turn, filled[turn]] = neighbour
                    filled[turn] += 1


def _joined(component: Numbers, ends: Numbers, count: int) -> Numbers:
    """Return the components of ``count`` nodes after edges have joined some of them, new nodes among them."""
    fresh = np.arange(len(component), count, dtype=np.int32) + int(component.max(initial=0)) + 1
    joined = np.concatenate([component, fresh])
    for one, other in ends:
        if joined[one] != joined[other]:
            joined[joined == max(joined[one], joined[other])] = min(joined[one], joined[other])
    return joined


def _relinked_by(network: StreetNetwork, line: shapely.LineString, side: int) -> bool:
    """Return whether building with a new line on a side of the walls would join a gate to it."""
    joints = network.gate_joints
    place = np.asarray(shapely.points(network.node_xy[network.edge_nodes[joints, 0]]), object)
    near = shapely.dwithin(place, line, network.rules.landing_m)
    joints, place = joints[near], place[near]
    if not len(joints):
        return False
    # The inner node of a joint comes first; the line concerns the node on its own side.
    node = network.edge_nodes[joints, np.where(network.side[joints] == side, 0, 1)]
    links = network.gate_links
    at_link = np.isin(network.edge_nodes[links], node)
    link_m = np.full(len(node), np.inf)
    for end in (0, 1):
        rows = links[at_link[:, end]]
        for one, length_m in zip(network.edge_nodes[rows, end], network.length_m[rows], strict=True):
            link_m[node == one] = np.minimum(link_m[node == one], length_m)
    on_street = np.isin(node, network.edge_nodes[network.street >= 0]) & np.isinf(link_m)
    nearer = shapely.distance(place, line) <= link_m + VERTEX_STEP_M
    return bool((nearer & ~on_street).any())


@dataclass(frozen=True, eq=False)
class Grown:
    """A network after a path was added.

    Attributes
    ----------
    network : the network
    split : (s,) old edges that were cut in pieces
    pieces : (s + 1,) first piece of each of them; the last entry is one past the last piece
    from_m : (pieces,) where on the old edge each piece begins
    repriced : those of the old edges whose pieces cost more or less than the edge did, by rounding
    """

    network: StreetNetwork
    split: Ints
    pieces: Ints
    from_m: npt.NDArray[np.float64]
    repriced: Ints

    def moved(self, ways: Attachments) -> Attachments:
        """Return attachments with those on split edges moved to the pieces."""
        if not np.isin(ways.edge, self.split).any():
            return ways
        edge, offset_m = ways.edge.copy(), ways.offset_m.copy()
        for number, old in enumerate(self.split):
            rows = np.flatnonzero(ways.edge == old)
            first, last = self.pieces[number], self.pieces[number + 1]
            base = self.pieces[0]
            starts = self.from_m[first - base : last - base]
            piece = np.maximum(np.searchsorted(starts, ways.offset_m[rows], side="right") - 1, 0)
            edge[rows] = first + piece
            offset_m[rows] = ways.offset_m[rows] - starts[piece]
        return replace(ways, edge=edge, offset_m=offset_m)


def grow(
    network: StreetNetwork, street_id: str, line: shapely.LineString, joints_xy: Points, *, passes_over: bool
) -> Grown | None:
    """Add a path to a network; None where it has to be built anew instead.

    Parameters
    ----------
    network : the network
    street_id, line : the path, in the CRS of the network
    joints_xy : (k, 2) points at which streets have got a vertex for it
    passes_over : whether it is a bridge or a tunnel
    """
    side = _meets_no_wall(network, line, passes_over=passes_over)
    if side is None or _relinked_by(network, line, side):
        return None
    found = _landings(network, shapely.get_coordinates(line), joints_xy, side)
    if found is None:
        return None
    at_node, at_edge, landed = found
    if not landed or network.is_islet[landed].any():
        return None  # it may make a part of town of an islet, or be one itself

    path = node_lines(np.array([line], object), np.array([*at_node, *at_edge]).reshape(-1, 2))
    nodes = _Nodes(network.node_count, at_node, [])
    cuts = _cut(network, at_edge, nodes)
    path_nodes = [[nodes.at((float(x), float(y))) for x, y in path.vertex_xy[ends]] for ends in path.vertex]
    lines = np.array([*cuts.line, *path.line], object)
    length_m = shapely.length(lines)
    old = np.repeat(cuts.split, np.diff(cuts.first))
    cost = np.repeat(steps(length_m)[:, None], 2, axis=1)
    cost[: len(old)] = cuts.costs(network)
    if not cost.all():
        return None  # an edge that is free to walk would leave the nearest service to chance
    ends = np.array([*cuts.nodes, *path_nodes], np.int32).reshape(-1, 2)
    count = network.node_count + len(nodes.new_xy)
    closed_by = np.concatenate([network.closed_by, np.zeros(len(lines), np.int8)])
    closed_by[cuts.split] = REPLACED
    costs = np.concatenate([network.cost, cost])
    costs[cuts.split] = CLOSED
    split = network.edge_nodes[cuts.split], network.cost[cuts.split]

    def grown(own: npt.NDArray[_Value], value: int) -> npt.NDArray[_Value]:
        return np.concatenate([own, own[old], np.full(len(path.line), value, own.dtype)])

    fresh = replace(
        network,
        edge_nodes=np.concatenate([network.edge_nodes, ends]),
        length_m=np.concatenate([network.length_m, length_m]),
        cost=costs,
        node_xy=np.concatenate([network.node_xy, np.array(nodes.new_xy).reshape(-1, 2)]),
        line=network.line.with_more(lines),
        street=grown(network.street, len(network.streets.street_id)),
        streets=network.streets.with_street(street_id, "footway"),
        side=grown(network.side, side),
        closed_by=closed_by,
        gate=grown(network.gate, -1),
    )
    first = len(network.length_m)
    fresh.__dict__["arcs"] = network.arcs.with_edges(ends, cost, count, *split)
    fresh.__dict__["lifted_component"] = _joined(network.lifted_component, ends, count)
    fresh.__dict__["component"] = _joined(network.component, ends[cost[:, 0] != CLOSED], count)
    fresh.__dict__["is_islet"] = np.concatenate([network.is_islet, np.zeros(len(lines), bool)])
    for name in ("gate_joints", "gate_links"):
        fresh.__dict__[name] = getattr(network, name)
    repriced = cuts.repriced(network, cost[: len(old)])
    return Grown(fresh, cuts.split, first + cuts.first, cuts.from_m, repriced)


def _meets_no_wall(network: StreetNetwork, line: shapely.LineString, *, passes_over: bool) -> int | None:
    """Return the side of walls that a path lies on; None where it meets a wall."""
    walls = network.walls
    if not passes_over and len(walls.crossings(np.array([line], object), np.array([False]))[0]):
        return None
    place = line if passes_over else shapely.line_interpolate_point(line, 0.5, normalized=True)
    return int(walls.side_of(np.array([place], object))[0])


_Place = tuple[float, float]


@dataclass(frozen=True, eq=False)
class _Nodes:
    """Numbers of the nodes of a path: those that are there, and new ones counted on from ``count``."""

    count: int
    there: dict[_Place, int]
    new_xy: list[_Place]

    def at(self, xy: _Place) -> int:
        if xy in self.there:
            return self.there[xy]
        if xy not in self.new_xy:
            self.new_xy.append(xy)
        return self.count + self.new_xy.index(xy)


@dataclass(frozen=True, eq=False)
class _Cuts:
    """Edges cut in pieces: which, the first piece of each, and line, nodes, beginning and end of every piece."""

    split: Ints
    first: Ints
    line: list[Any]
    nodes: list[tuple[int, int]]
    from_m: npt.NDArray[np.float64]
    to_m: npt.NDArray[np.float64]

    def costs(self, network: StreetNetwork) -> Numbers:
        """Return the cost of every piece both ways: its own length, or at a pace its share of the edge's cost."""
        count = np.diff(self.first)
        old = np.repeat(self.split, count)
        whole, length_m = network.cost[old].astype(np.int64), network.length_m[old]
        start, end = (
            np.rint(whole * (at_m / length_m)[:, None]).astype(np.int64) for at_m in (self.from_m, self.to_m)
        )
        level = (whole == steps(length_m)[:, None]).all(axis=1)[:, None]
        parts = np.where(whole == CLOSED, CLOSED, end - start)
        own = steps(shapely.length(np.array(self.line, object)))[:, None]
        return np.where(level, own, parts).astype(np.int32)

    def repriced(self, network: StreetNetwork, cost: Numbers) -> Ints:
        """Return the edges whose pieces, rounded each by itself, do not cost together what the edge does."""
        if not len(self.split):
            return self.split
        whole = network.cost[self.split]
        sums = np.add.reduceat(cost.astype(np.int64), self.first[:-1], axis=0)
        differing: Ints = self.split[(sums != whole).any(axis=1) & (whole[:, 0] != CLOSED)]
        return differing


def _cut(network: StreetNetwork, at_edge: dict[_Place, tuple[int, float]], nodes: _Nodes) -> _Cuts:
    """Cut edges at places along them."""
    by_edge: dict[int, list[tuple[float, _Place]]] = {}
    for xy, (edge, offset_m) in at_edge.items():
        by_edge.setdefault(edge, []).append((offset_m, xy))
    first: list[int] = [0]
    line: list[Any] = []
    from_m: list[float] = []
    to_m: list[float] = []
    piece_nodes: list[tuple[int, int]] = []
    for edge in sorted(by_edge):
        cuts = sorted(by_edge[edge])
        start, end = (int(one) for one in network.edge_nodes[edge])
        stops = [0.0, *(offset_m for offset_m, _ in cuts), float(network.length_m[edge])]
        line += [substring(network.line.at(edge), here, there) for here, there in pairwise(stops)]
        piece_nodes += pairwise([start, *(nodes.at(xy) for _, xy in cuts), end])
        from_m += stops[:-1]
        to_m += stops[1:]
        first.append(len(line))
    return _Cuts(
        np.array(sorted(by_edge), np.int64),
        np.array(first),
        line,
        piece_nodes,
        np.array(from_m),
        np.array(to_m),
    )


_Landed = tuple[dict[_Place, int], dict[_Place, tuple[int, float]], list[int]]


def _landings(network: StreetNetwork, vertices: Points, joints_xy: Points, side: int) -> _Landed | None:
    """Find the nodes, or the places inside edges, at which a path's vertices meet streets; and those edges."""
    landed: list[int] = []
    at_node: dict[_Place, int] = {}
    at_edge: dict[_Place, tuple[int, float]] = {}
    points = np.asarray(shapely.points(vertices), object)
    vertex, edge = network.line.within(points, VERTEX_STEP_M)
    closed = np.unique(network.street[network.closed_by == BARRED])
    if np.isin(network.street[edge], closed).any():
        return None  # where it is barred depends on what it meets
    for one, other in zip(vertex.tolist(), edge.tolist(), strict=True):
        if network.side[other] != side or network.closed_by[other] or network.street[other] < 0:
            continue
        xy = (float(vertices[one, 0]), float(vertices[one, 1]))
        line = network.line.at(other)
        offset_m = float(shapely.line_locate_point(line, points[one]))
        end = 0 if offset_m < VERTEX_STEP_M else 1
        if end == 0 or offset_m > network.length_m[other] - VERTEX_STEP_M:
            node = int(network.edge_nodes[other, end])
            if at_node.setdefault(xy, node) != node:
                return None
            landed.append(other)
        elif _has_vertex(shapely.get_coordinates(line), xy) or _has_vertex(joints_xy, xy):
            if at_edge.setdefault(xy, (other, offset_m)) != (other, offset_m):
                return None
            landed.append(other)
    return at_node, at_edge, landed


def _has_vertex(vertices: Points, xy: tuple[float, float]) -> bool:
    return bool(len(vertices) and (np.hypot(*(vertices - xy).T) < VERTEX_STEP_M).any())
