"""Nodes and joints: which edge ends meet, and what parts those that share a place but do not meet.

Edge ends at one vertex meet when they lie on one side of every wall there.  The nodes that walls keep
apart at a vertex are linked by *joints*: edges without extent, closed by the wall, or open or closed
as the gate that stands there.  Lifting a wall is opening its joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from spatial.network.gates import Gates
from spatial.network.noding import VERTEX_STEP_M, Ints, Noded, Points
from spatial.network.walls import KINDS, Walls

__all__ = ["Joints", "meet"]

# Marks of the sides of barriers are summed; steps of a large prime keep distinct sums distinct.
_MARK = 1_000_003


@dataclass(frozen=True, eq=False)
class Joints:
    """The nodes of a network and the joints between those at one place.

    Attributes
    ----------
    end_node : (m, 2) node at the start and end of every edge
    node_xy : (n, 2) coordinates
    joint_nodes : (j, 2) nodes each joint links; of a gate, the inner one first
    closed_by : (j,) place in `KINDS` of what closes each joint, 0 for an open one
    gate_id : (j,) gate, '' for a joint of a wall alone
    side : (j,) side a gate's joint leads into, 0 for others
    """

    end_node: Ints
    node_xy: Points
    joint_nodes: Ints
    closed_by: Ints
    gate_id: npt.NDArray[np.object_]
    side: Ints


def meet(noded: Noded, walls: Walls, met: tuple[Ints, Ints], gates: Gates, reach_m: float) -> Joints:
    """Make the nodes of noded edges and the joints between them.

    Parameters
    ----------
    noded : noded streets
    walls : what blocks walking
    met : vertices where edges meet walls, and the walls
    gates : where the sides of estate walls meet
    reach_m : how far along a wall that is a line of its own a gate of an estate opens it
    """
    edges, side, passes_over = noded.edges, noded.side, noded.passes_over
    mark, barrier_at = _marks(noded, walls, met)
    vertex = edges.vertex.ravel()
    keys = np.column_stack([vertex, np.repeat(side, 2), mark])
    nodes, end_node = np.unique(keys, axis=0, return_inverse=True)
    node_xy = edges.vertex_xy[nodes[:, 0]]
    pairs, kind = _parted(nodes, end_node, passes_over, barrier_at)

    inner, outer, gate, extra_xy = _gate_nodes(nodes, node_xy, gates)
    by_gate = np.where(gates.open, 0, KINDS.index("gate"))
    gate_id = np.full(len(pairs), "", object)
    # A wall drawn as a line of its own is opened by the gates near it.
    drawn = np.flatnonzero((kind == KINDS.index("wall")) & (nodes[pairs[:, 0], 1] == nodes[pairs[:, 1], 1]))
    if len(drawn) and len(gates.gate_id):
        distance, place = cKDTree(gates.xy).query(node_xy[pairs[drawn, 0]], distance_upper_bound=reach_m)
        near = np.isfinite(distance)
        place = np.asarray(place)[near]
        kind[drawn[near]] = by_gate[place]
        gate_id[drawn[near]] = gates.gate_id[place]
    # Where a gate stands, it alone says whether the wall may be passed.
    at_gate = _pair_keys(np.column_stack([inner, outer]))
    kept = ~np.isin(_pair_keys(pairs), at_gate)
    pairs, kind, gate_id = pairs[kept], kind[kept], gate_id[kept]
    return Joints(
        end_node=end_node.reshape(-1, 2),
        node_xy=np.concatenate([node_xy, extra_xy]),
        joint_nodes=np.concatenate([pairs, np.column_stack([inner, outer])]),
        closed_by=np.concatenate([kind, by_gate[gate]]),
        gate_id=np.concatenate([gate_id, gates.gate_id[gate]]),
        side=np.concatenate([np.zeros(len(pairs), np.int64), gates.side[gate]]),
    )


def _marks(noded: Noded, walls: Walls, met: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """Mark every edge end with the sides of the barrier lines at its vertex; 0 where there are none.

    Returns the marks (2 m,) and, by vertex, the kind of a barrier line there, 0 for none.
    """
    edges, passes_over = noded.edges, noded.passes_over
    mark = np.zeros(2 * len(edges.line), np.int64)
    barrier_at = np.zeros(len(edges.vertex_xy), np.int64)
    vertex, wall = met
    sided = walls.has_sides[wall]
    pairs = np.unique(np.column_stack([vertex[sided], wall[sided]]), axis=0)
    if not len(pairs):
        return mark, barrier_at
    barrier_at[pairs[:, 0]] = walls.kind[pairs[:, 1]]
    ends = np.argsort(edges.vertex.ravel(), kind="stable")
    by_vertex = edges.vertex.ravel()[ends]
    first = np.asarray(np.searchsorted(by_vertex, pairs[:, 0]))
    count = np.asarray(np.searchsorted(by_vertex, pairs[:, 0], side="right")) - first
    pair = np.repeat(np.arange(len(pairs)), count)
    end = ends[first[pair] + np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)]
    grounded = ~passes_over[end // 2]
    pair, end = pair[grounded], end[grounded]
    left = walls.hand(pairs[pair, 1], edges.line[end // 2], end % 2 == 0)
    np.add.at(mark, end, (2 * pairs[pair, 1] + left + 1) * _MARK)
    return mark, barrier_at


def _parted(
    nodes: Ints, end_node: Ints, passes_over: npt.NDArray[np.bool_], barrier_at: Ints
) -> tuple[Ints, Ints]:
    """Pair the nodes of one vertex that walls part, with the kind of wall; 0 where a bridge lands."""
    same_vertex = np.flatnonzero(nodes[1:, 0] == nodes[:-1, 0])
    pairs = np.column_stack([same_vertex, same_vertex + 1])
    other_side = nodes[pairs[:, 0], 1] != nodes[pairs[:, 1], 1]
    kind = np.where(other_side, KINDS.index("wall"), barrier_at[nodes[pairs[:, 0], 0]])

    # A bridge that ends on the line of a barrier meets what lies on either hand.
    bridge_end = np.zeros(len(nodes), bool)
    bridge_end[end_node.ravel()[np.repeat(passes_over, 2)]] = True
    landing = np.flatnonzero(bridge_end & (barrier_at[nodes[:, 0]] > 0))
    lands = []
    for node in landing:
        other = node + 1
        while other < len(nodes) and (nodes[other, :2] == nodes[node, :2]).all():
            lands.append((node, other))
            other += 1
    bridges = np.array(lands, np.int64).reshape(-1, 2)
    return np.concatenate([pairs, bridges]), np.concatenate([kind, np.zeros(len(bridges), np.int64)])


def _gate_nodes(nodes: Ints, node_xy: Points, gates: Gates) -> tuple[Ints, Ints, Ints, Points]:
    """Pair the inner and outer nodes at every gate; a gate without one on a side gets a new node.

    Returns inner node, outer node and gate of every pair, and the coordinates of the new nodes.
    """
    inner: list[int] = []
    outer: list[int] = []
    gate: list[int] = []
    extra: list[npt.NDArray[np.float64]] = []
    at_gates = _near(node_xy, gates.xy)
    for number, here in enumerate(at_gates):
        within = [node for node in here if nodes[node, 1] == gates.side[number]]
        beyond = [node for node in here if nodes[node, 1] != gates.side[number]]
        for group in (within, beyond):
            if not group:
                group.append(len(nodes) + len(extra))
                extra.append(gates.xy[number])
        for one in within:
            for other in beyond:
                inner.append(one)
                outer.append(other)
                gate.append(number)
    as_ints = [np.array(one, np.int64) for one in (inner, outer, gate)]
    return as_ints[0], as_ints[1], as_ints[2], np.array(extra).reshape(-1, 2)


def _pair_keys(pairs: Ints) -> Ints:
    """Return a number for each pair of nodes, whichever comes first."""
    keys: Ints = (pairs.min(axis=1) << 32) | pairs.max(axis=1)
    return keys


def _near(node_xy: Points, xy: Points) -> list[list[int]]:
    """Return the nodes that stand at each of some points."""
    if not len(node_xy) or not len(xy):
        return [[] for _ in xy]
    found: Any = cKDTree(node_xy).query_ball_point(xy, VERTEX_STEP_M)
    return list(found)
