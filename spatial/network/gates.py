"""Gates: where the two sides of an estate wall meet.

A gate stands where a street crosses the wall, if one does so near it; otherwise it is joined by short
links to the nearest street on either side.  Estates without streets of their own have gates too:
their residents walk straight to them.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree

from spatial.findings import Finding, Severity
from spatial.network.noding import Ints, Lines, Noded, Points
from spatial.network.walkability import Walkability
from spatial.network.walls import Walls

__all__ = ["Gates", "place_gates"]

# Two walls are kept apart by this factor in a search for the nearest crossing of one wall.
_APART_M = 1e7
_NUDGE_M = 0.1


@dataclass(frozen=True, eq=False)
class Gates:
    """The gates of walled estates, each at a point of the wall.

    Attributes
    ----------
    gate_id : (g,) ids
    side : (g,) side each gate leads into
    open : (g,) whether it may be passed; a gate of unknown state may
    xy : (g, 2) where it stands: on a street that crosses the wall, or on the outline itself
    link_line : (k,) straight links from gates to streets
    link_side : (k,) side each link lies on
    link_edge : (k,) edge each link lands on
    """

    gate_id: npt.NDArray[np.object_]
    side: Ints
    open: npt.NDArray[np.bool_]
    xy: Points
    link_line: Lines
    link_side: Ints
    link_edge: Ints


def place_gates(
    gates: gpd.GeoDataFrame, walls: Walls, noded: Noded, met: tuple[Ints, Ints], rules: Walkability
) -> tuple[Gates, list[Finding]]:
    """Find where the gates of walled estates stand and what streets they lead to.

    Parameters
    ----------
    gates : layer of the town
    walls : what blocks walking
    noded : the noded streets
    met : vertices where edges meet walls, and the walls
    rules : reach of gates
    """
    side_by_estate = {estate: number + 1 for number, estate in enumerate(walls.estate_id)}
    into = np.array([side_by_estate.get(estate, 0) for estate in gates["estate_id"]], np.int64)
    there = (into > 0) & ~(gates.geometry.isna() | gates.geometry.is_empty).to_numpy()
    gates, into = gates.loc[there], into[there]
    point = gates.geometry.to_numpy()
    outline = walls.line[into - 1]
    near = shapely.distance(point, outline) <= rules.off_outline_m
    findings = []
    if not near.all():
        ids = gates.index[~near]
        findings.append(
            Finding.of(
                Severity.WARNING, "network.gate_off_outline", "gates", ids, limit_m=rules.off_outline_m
            )
        )
        gates, into, point, outline = gates.loc[near], into[near], point[near], outline[near]
    on_wall = shapely.line_interpolate_point(outline, shapely.line_locate_point(outline, point))
    xy = shapely.get_coordinates(on_wall).reshape(-1, 2)

    crossing = _nearest_crossing(xy, into, _crossings(noded, met, walls), rules.crossing_m)
    has_crossing = crossing >= 0
    xy[has_crossing] = noded.edges.vertex_xy[crossing[has_crossing]]
    line, link_side, edge, linked_out = _links(xy, into, ~has_crossing, noded, walls, reach_m=rules.landing_m)
    nowhere = ~has_crossing & ~linked_out
    if nowhere.any():
        ids = gates.index[nowhere]
        findings.append(
            Finding.of(Severity.WARNING, "network.gate_leads_nowhere", "gates", ids, limit_m=rules.landing_m)
        )
    is_open = gates["open"].fillna(value=True).astype(bool).to_numpy()
    return Gates(gates.index.to_numpy(object), into, is_open, xy, line, link_side, edge), findings


def _crossings(noded: Noded, met: tuple[Ints, Ints], walls: Walls) -> tuple[Points, Ints, Ints]:
    """Return the vertices where streets pass estate walls: coordinates, vertex, and side enclosed."""
    edges, side = noded.edges, noded.side
    vertex, wall = met
    enclosed = walls.side[wall]
    vertex, enclosed = vertex[enclosed > 0], enclosed[enclosed > 0]
    count = len(walls.estate_id) + 1
    end_vertex = edges.vertex.ravel()
    ends = np.unique(end_vertex * count + np.repeat(side, 2))
    sides_at = np.bincount(ends // count, minlength=len(edges.vertex_xy))
    passes = np.isin(vertex * count + enclosed, ends) & (sides_at[vertex] > 1)
    vertex, enclosed = vertex[passes], enclosed[passes]
    return edges.vertex_xy[vertex], vertex, enclosed


def _nearest_crossing(xy: Points, into: Ints, crossings: tuple[Points, Ints, Ints], reach_m: float) -> Ints:
    """Return the nearest vertex where a street passes the wall of each gate, -1 for none in reach."""
    vertex_xy, vertex, enclosed = crossings
    if not len(vertex) or not len(xy):
        return np.full(len(xy), -1)
    tree = cKDTree(np.column_stack([vertex_xy, enclosed * _APART_M]))
    distance, place = tree.query(np.column_stack([xy, into * _APART_M]), distance_upper_bound=reach_m)
    found: Ints = np.where(np.isfinite(distance), vertex[np.minimum(place, len(vertex) - 1)], -1)
    return found


def _links(
    xy: Points,
    into: Ints,
    wanting: npt.NDArray[np.bool_],
    noded: Noded,
    walls: Walls,
    *,
    reach_m: float,
) -> tuple[Lines, Ints, Ints, npt.NDArray[np.bool_]]:
    """Join gates to the nearest edge inside and the nearest outside that no wall parts them from."""
    edges, side = noded.edges, noded.side
    which = np.flatnonzero(wanting)
    linked_out = np.zeros(len(xy), bool)
    nothing = np.zeros(0, object), np.zeros(0, np.int64), np.zeros(0, np.int64), linked_out
    if not len(which) or not len(edges.line):
        return nothing
    points = np.asarray(shapely.points(xy[which]), object)
    at, edge = shapely.STRtree(edges.line).query(points, predicate="dwithin", distance=reach_m)
    offset_m = np.asarray(shapely.line_locate_point(edges.line[edge], points[at]))
    landing = shapely.get_coordinates(shapely.line_interpolate_point(edges.line[edge], offset_m))
    start = xy[which[at]]
    leg = landing - start
    length_m = np.hypot(*leg.T)
    nudged = start + leg * np.minimum(_NUDGE_M / np.maximum(length_m, _NUDGE_M), 1.0)[:, None]
    free = ~walls.crossed(walls.legs(nudged, edges.line[edge], offset_m))
    at, edge, landing, length_m = at[free], edge[free], landing[free], length_m[free]
    inside = side[edge] == into[which[at]]
    order = np.lexsort((edge, length_m, inside, at))
    first = np.ones(len(order), bool)
    first[1:] = (at[order][1:] != at[order][:-1]) | (inside[order][1:] != inside[order][:-1])
    chosen = order[first]
    gate = which[at[chosen]]
    linked_out[gate[~inside[chosen]]] = True
    line = shapely.linestrings(np.stack([xy[gate], landing[chosen]], axis=1))
    return np.asarray(line, object), side[edge[chosen]], edge[chosen], linked_out
