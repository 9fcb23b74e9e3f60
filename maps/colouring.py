"""Colouring of grids: six hues, no two neighbours alike.

Neighbours are grids that share an edge or lie within 40 m of each other (across a street).  The
hues are given in smallest-last order (Matula & Beck 1983), the fewest used hue first, so that a
plan gets the same colours every time.  Grids that only touch form a planar graph, which always has
a grid with five neighbours or fewer: six hues are enough for them whatever the plan.  Where the 40 m
would ask for a seventh hue, only shared edges count.

Kept through edits: with the hues of before, only new grids and the smaller grid of a new conflict
change, and more of their neighbourhood only where no hue is free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from maps.symbology import GRID_HUES

__all__ = ["colour_grids", "neighbours"]

_NEAR_M = 40.0
_EDGE_M = 1.0

Graph = list[frozenset[int]]


def colour_grids(
    grids: gpd.GeoSeries, previous: Mapping[str, int] | None = None, *, near_m: float = _NEAR_M
) -> pd.Series:
    """Give every grid a hue, 1 to 6, so that no two neighbours share one.

    Parameters
    ----------
    grids : polygons in a metric CRS, indexed by grid_id
    previous : hues of an earlier revision by grid_id; they are kept where they can be
    near_m : grids within this distance are neighbours too, metres

    Returns
    -------
    hues, whole numbers, indexed as ``grids``

    Examples
    --------
    >>> squares = gpd.GeoSeries([shapely.box(0, 0, 9, 9), shapely.box(9, 0, 18, 9)], index=["a", "b"])
    >>> colour_grids(squares).tolist()
    [1, 2]
    """
    touching = neighbours(grids)
    kept = _kept(grids, previous or {}, touching)
    hues = _complete(kept, (neighbours(grids, near_m), touching))
    return pd.Series(np.array([hues[i] for i in range(len(grids))], dtype=np.int64), grids.index, name="hue")


def neighbours(grids: gpd.GeoSeries, near_m: float | None = None) -> Graph:
    """Return the neighbours of every grid by position: within ``near_m``, or sharing an edge of 1 m."""
    shapes = np.asarray(grids.array)
    tree = shapely.STRtree(shapes)
    pairs: NDArray[np.int64]
    pairs = tree.query(shapes, predicate="dwithin", distance=_EDGE_M / 2 if near_m is None else near_m)
    one, other = pairs[:, pairs[0] < pairs[1]]
    if near_m is None and len(one):
        # A corner is no edge: what two grids share must be longer than the gap that was allowed.
        shared = shapely.length(
            shapely.intersection(shapely.boundary(shapes[one]), shapely.buffer(shapes[other], _EDGE_M / 2))
        )
        one, other = one[shared > 2 * _EDGE_M], other[shared > 2 * _EDGE_M]
    graph: list[set[int]] = [set() for _ in shapes]
    for i, j in zip(one.tolist(), other.tolist(), strict=True):
        graph[i].add(j)
        graph[j].add(i)
    return [frozenset(those) for those in graph]


def _kept(grids: gpd.GeoSeries, previous: Mapping[str, int], graph: Graph) -> dict[int, int]:
    """Return the hues that stay: the previous ones, less the smaller grid of every conflict."""
    hues = {i: previous[name] for i, name in enumerate(grids.index) if name in previous}
    areas = grids.area.to_numpy()
    for i in sorted(hues, key=lambda one: (areas[one], one)):
        if any(hues.get(j) == hues[i] for j in graph[i]):
            del hues[i]
    return hues


def _complete(kept: Mapping[int, int], graphs: Sequence[Graph]) -> dict[int, int]:
    """Colour what has no hue; by the first graph that allows it, freeing more neighbours only if none does."""
    free = set(range(len(graphs[-1]))) - set(kept)
    while True:
        for graph in graphs:
            hues, clashes = _greedy({i: hue for i, hue in kept.items() if i not in free}, graph, free)
            if not clashes:
                return hues
        grown = free | {j for i in free for j in graphs[-1][i]}
        if grown == free:
            # Only grids in several pieces come here: their graph is not planar, six hues may not do.
            return hues
        free = grown


def _greedy(hues: Mapping[int, int], graph: Graph, free: set[int]) -> tuple[dict[int, int], int]:
    """Colour ``free`` in smallest-last order, the fewest used hue first; hues and clashes that remain."""
    given = dict(hues)
    used = [sum(1 for hue in given.values() if hue == one) for one in range(1, GRID_HUES + 1)]
    remaining = 0
    for i in _smallest_last(graph, free):
        clashes = [sum(given.get(j) == one for j in graph[i]) for one in range(1, GRID_HUES + 1)]
        best = min(range(GRID_HUES), key=lambda one: (clashes[one], used[one], one))
        remaining += clashes[best]
        given[i] = best + 1
        used[best] += 1
    return given, remaining


def _smallest_last(graph: Graph, free: set[int]) -> list[int]:
    """Order grids so that each has few neighbours before it: take away the least linked, then reverse."""
    left = {i: len(graph[i]) for i in free}
    order = []
    while left:
        least = min(left, key=lambda i: (left[i], -i))
        del left[least]
        order.append(least)
        for j in graph[least]:
            if j in left:
                left[j] -= 1
    return order[::-1]
