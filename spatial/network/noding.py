"""Noding: street lines become edges that meet where lines share a vertex.

Two streets meet where they have a vertex in common, to a millimetre; lines that cross without one do
not meet, as a bridge does not meet the road below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["Edges", "Noded", "insert_vertices", "node_lines"]

VERTEX_STEP_M = 1e-3
"""Vertices that fall on one point of a lattice of this step are one vertex."""

Lines = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Edges:
    """Pieces of lines between the vertices where something begins, ends or meets.

    Attributes
    ----------
    line : (m,) geometry of each edge
    of_line : (m,) line that it is a piece of
    vertex : (m, 2) vertex number at its start and end
    vertex_xy : (v, 2) coordinates of the vertices that are starts or ends
    """

    line: Lines
    of_line: Ints
    vertex: Ints
    vertex_xy: Points


@dataclass(frozen=True, eq=False)
class Noded:
    """Noded streets before their ends are joined into nodes.

    Attributes
    ----------
    edges : the edges
    side : (m,) side of the estate walls each lies on
    street : (m,) number of the street it is part of, -1 for the link of a gate
    passes_over : (m,) whether it is a bridge or a tunnel, which barriers do not stop
    """

    edges: Edges
    side: Ints
    street: Ints
    passes_over: npt.NDArray[np.bool_]


def insert_vertices(lines: Lines, at_line: Ints, xy: Points) -> tuple[Lines, Points]:
    """Put points into lines as vertices, each at its place along its line.

    Parameters
    ----------
    lines : (k,) lines
    at_line : (p,) the line each point lies on
    xy : (p, 2) the points, in metres

    Returns
    -------
    The lines, and (p, 2) the vertices that stand for the points: a point within a millimetre of a
    vertex that its line has already is that vertex.
    """
    if len(at_line) == 0:
        return lines, xy
    touched, compact = np.unique(at_line, return_inverse=True)
    coordinates, of_line = shapely.get_coordinates(lines[touched], return_index=True)
    lengths = shapely.length(lines[touched])
    # Every line has a stretch of its own on one long axis, so that one sorted array serves all.
    base = np.cumsum(lengths + 1.0) - (lengths + 1.0)
    axis = _along(coordinates, of_line) + base[of_line]
    place = shapely.line_locate_point(lines[at_line], shapely.points(xy)) + base[compact]
    after = np.clip(np.searchsorted(axis, place), 1, len(axis) - 1)
    nearest = np.where(axis[after] - place < place - axis[after - 1], after, after - 1)
    is_vertex = np.abs(axis[nearest] - place) < VERTEX_STEP_M
    actual = np.where(is_vertex[:, None], coordinates[nearest], xy)

    new = ~is_vertex
    order = np.argsort(np.concatenate([axis, place[new]]), kind="stable")
    result = lines.copy()
    result[touched] = shapely.linestrings(
        np.concatenate([coordinates, xy[new]])[order], indices=np.concatenate([of_line, compact[new]])[order]
    )
    return result, actual


def _along(coordinates: Points, of_line: Ints) -> npt.NDArray[np.float64]:
    """Return how far along its line every vertex lies, metres."""
    step = np.zeros(len(coordinates))
    step[1:] = np.hypot(*(coordinates[1:] - coordinates[:-1]).T)
    first = np.ones(len(coordinates), bool)
    first[1:] = of_line[1:] != of_line[:-1]
    step[first] = 0.0
    total = np.cumsum(step)
    along: npt.NDArray[np.float64] = total - total[first][np.cumsum(first) - 1]
    return along


def node_lines(lines: Lines, cut_at: Points) -> Edges:
    """Cut lines where they share vertices, at their ends, and at the vertices ``cut_at`` (p, 2).

    Vertices repeated in a row count once, and a line without any length gives no edge.
    """
    coordinates, of_line = shapely.get_coordinates(lines, return_index=True)
    vertex, count = _vertices(np.concatenate([coordinates, cut_at]))
    cut = vertex[len(coordinates) :]
    vertex = vertex[: len(coordinates)]
    repeated = np.zeros(len(vertex), bool)
    repeated[1:] = (vertex[1:] == vertex[:-1]) & (of_line[1:] == of_line[:-1])
    coordinates, of_line, vertex = coordinates[~repeated], of_line[~repeated], vertex[~repeated]
    if len(vertex) == 0:
        none = np.zeros(0, np.int64)
        return Edges(np.zeros(0, object), none, none.reshape(0, 2), np.zeros((0, 2)))
    first = np.ones(len(vertex), bool)
    first[1:] = of_line[1:] != of_line[:-1]
    last = np.ones(len(vertex), bool)
    last[:-1] = first[1:]
    uses = np.bincount(vertex, minlength=count)
    uses[cut] += 2
    is_node = first | last | (uses[vertex] > 1)
    ends = np.flatnonzero(is_node)
    inside_one_line = ~last[ends[:-1]]
    start, stop = ends[:-1][inside_one_line], ends[1:][inside_one_line]
    sizes = stop - start + 1
    owner = np.repeat(np.arange(len(start)), sizes)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    pieces: Any = shapely.linestrings(coordinates[start[owner] + within], indices=owner)
    used, compact = np.unique(np.stack([vertex[start], vertex[stop]], axis=1), return_inverse=True)
    place = np.zeros(count, np.int64)
    place[vertex[::-1]] = np.arange(len(vertex))[::-1]
    return Edges(
        line=np.asarray(pieces, dtype=object),
        of_line=of_line[start],
        vertex=compact.reshape(-1, 2),
        vertex_xy=coordinates[place[used]],
    )


def _vertices(coordinates: Points) -> tuple[Ints, int]:
    """Give numbers to the distinct points among coordinates, to a millimetre."""
    lattice = np.rint(coordinates / VERTEX_STEP_M).astype(np.int64)
    order = np.lexsort((lattice[:, 1], lattice[:, 0]))
    ordered = lattice[order]
    new = np.ones(len(ordered), bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    number = np.empty(len(ordered), np.int64)
    number[order] = np.cumsum(new) - 1
    return number, int(new.sum())
