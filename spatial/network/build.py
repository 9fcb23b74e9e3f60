"""From the streets, barriers, estates and gates of a town to its walking network.

The steps, in order: walkability rules take streets out; streets are cut where they meet walls; lines
are noded at shared vertices; every edge learns the side it lies on; gates are placed and linked to
streets; what meets at a vertex on one side of all walls becomes a node.
"""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from spatial.network.closing import bars
from spatial.network.cost import CLOSED, steps
from spatial.network.curve import morton_order
from spatial.network.gates import Gates, place_gates
from spatial.network.joints import meet
from spatial.network.noding import VERTEX_STEP_M, Edges, Ints, Noded, Points, insert_vertices, node_lines
from spatial.network.streets import EdgeLines, StreetFacts, StreetNetwork
from spatial.network.walkability import Walkability, default_walkability, walkable_streets
from spatial.network.walls import BARRED, Walls
from spatial.town import Town

__all__ = ["build_network"]

Flags = npt.NDArray[np.bool_]


def build_network(town: Town, rules: Walkability | None = None) -> StreetNetwork:
    """Build the walking network of a town.

    A walled estate is entered only through its open gates; a gate whose state is unknown counts as
    open.  A barrier that blocks walking is passed only by bridges and tunnels.  What is cut stays in
    the network as a closed edge, so that a what-if can open it.  A street whose access is *closed*, as it
    is for the time of a building site, is barred (`spatial.network.closing`).

    Parameters
    ----------
    town : its streets, barriers, estates and gates are read
    rules : walkability rules; the packaged ones when None

    Returns
    -------
    The network, with nodes in spatial order.  Without any walkable street it has no edges but
    gates, and its report says so.
    """
    rules = rules or default_walkability()
    streets, removed = walkable_streets(town.streets, rules)
    walls = Walls.of(town.estates, town.barriers, rules)
    noded, met_xy, met_wall = _node(streets, walls)
    met = _vertices_at(noded.edges, met_xy, met_wall)
    gates, findings = place_gates(town.gates, walls, noded, met, rules)
    if len(gates.link_line):
        noded = _with_links(noded, gates)
        met = _vertices_at(noded.edges, met_xy, met_wall)
    network = _assemble(noded, met, gates, walls, rules=rules, streets=streets, removed=removed)
    closed = np.flatnonzero(_texts(streets, "access") == "closed")
    closed_by = network.closed_by.copy()
    closed_by[bars(network, closed)] = BARRED
    return replace(network, closed_by=closed_by, gate_findings=tuple(findings))


def _node(streets: gpd.GeoDataFrame, walls: Walls) -> tuple[Noded, Points, Ints]:
    """Cut streets at walls and at shared vertices; also return where they meet which walls."""
    parts, street = shapely.get_parts(shapely.force_2d(streets.geometry.to_numpy()), return_index=True)
    passes_over = (_flag(streets, "bridge") | _flag(streets, "tunnel"))[street]
    line, xy, wall = walls.crossings(parts, passes_over)
    lines, met_xy = insert_vertices(parts, line, xy)
    edges = node_lines(lines, met_xy)
    over = passes_over[edges.of_line]
    # A bridge or tunnel is inside an estate only when it lies there whole.
    middle = shapely.line_interpolate_point(edges.line, 0.5, normalized=True)
    side = walls.side_of(np.where(over, edges.line, middle))
    return Noded(edges, side, street[edges.of_line], over), met_xy, wall


def _flag(streets: gpd.GeoDataFrame, name: str) -> Flags:
    if name not in streets.columns:
        return np.zeros(len(streets), bool)
    flags: Flags = streets[name].astype("boolean").fillna(value=False).to_numpy(bool)
    return flags


def _vertices_at(edges: Edges, xy: Points, wall: Ints) -> tuple[Ints, Ints]:
    """Return the vertices that stand at points where streets meet walls, and the walls."""
    if not len(xy) or not len(edges.vertex_xy):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    distance, vertex = cKDTree(edges.vertex_xy).query(xy, distance_upper_bound=2 * VERTEX_STEP_M)
    found = np.isfinite(distance)
    return np.asarray(vertex)[found], wall[found]


def _with_links(noded: Noded, gates: Gates) -> Noded:
    """Cut edges where links from gates land on them, and add the links."""
    landing = shapely.get_coordinates(shapely.get_point(gates.link_line, -1))
    lines, landing = insert_vertices(noded.edges.line, gates.link_edge, landing)
    start = shapely.get_coordinates(shapely.get_point(gates.link_line, 0))
    links = np.asarray(shapely.linestrings(np.stack([start, landing], axis=1)), object)
    edges = node_lines(np.concatenate([lines, links]), landing)
    count = len(links)
    return Noded(
        edges,
        np.concatenate([noded.side, gates.link_side])[edges.of_line],
        np.concatenate([noded.street, np.full(count, -1)])[edges.of_line],
        np.concatenate([noded.passes_over, np.zeros(count, bool)])[edges.of_line],
    )


def _assemble(
    noded: Noded,
    met: tuple[Ints, Ints],
    gates: Gates,
    walls: Walls,
    *,
    rules: Walkability,
    streets: gpd.GeoDataFrame,
    removed: pd.DataFrame,
) -> StreetNetwork:
    edges = noded.edges
    joints = meet(noded, walls, met, gates, rules.crossing_m)
    order = morton_order(joints.node_xy)
    number = np.empty(len(order), np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)

    joint_count = len(joints.joint_nodes)
    middle = shapely.line_interpolate_point(edges.line, 0.5, normalized=True)
    under = np.where(noded.passes_over, 0, walls.kind_over(middle))
    closed_by = np.concatenate([under, joints.closed_by]).astype(np.int8)
    length_m = np.concatenate([shapely.length(edges.line), np.zeros(joint_count)])
    cost = np.where(closed_by > 0, CLOSED, steps(length_m)).astype(np.int32)
    gate_ids, gate = np.unique(np.append(joints.gate_id, "").astype(object), return_inverse=True)
    return StreetNetwork(
        edge_nodes=number[np.concatenate([joints.end_node, joints.joint_nodes])],
        length_m=length_m,
        cost=np.repeat(cost[:, None], 2, axis=1),
        node_xy=joints.node_xy[order],
        line=EdgeLines.of(np.concatenate([edges.line, np.full(joint_count, None)])),
        street=np.concatenate([noded.street, np.full(joint_count, -1)]).astype(np.int32),
        streets=StreetFacts(
            streets.index.to_numpy(object),
            _slopes(streets),
            _texts(streets, "surface"),
            _texts(streets, "class"),
        ),
        side=np.concatenate([noded.side, joints.side]).astype(np.int32),
        closed_by=closed_by,
        # '' sorts first, so that an edge without a gate gets -1.
        gate=np.concatenate([np.full(len(edges.line), -1), gate[:-1] - 1]).astype(np.int32),
        gate_ids=gate_ids[1:],
        walls=walls,
        rules=rules,
        removed=removed,
        without_gates=np.setdiff1d(np.arange(1, len(walls.estate_id) + 1), gates.side),
    )


def _slopes(streets: gpd.GeoDataFrame) -> npt.NDArray[np.float64]:
    if "slope" not in streets.columns:
        return np.full(len(streets), np.nan)
    slopes: npt.NDArray[np.float64] = streets["slope"].astype("Float64").to_numpy(float, na_value=np.nan)
    return slopes


def _texts(streets: gpd.GeoDataFrame, name: str) -> npt.NDArray[np.object_]:
    if name not in streets.columns:
        return np.full(len(streets), "", object)
    texts: npt.NDArray[np.object_] = streets[name].astype("string").fillna("").to_numpy(object)
    return texts
