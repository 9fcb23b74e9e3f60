"""The boundary of a grid in words, as public notices give it: east to a road, south to a river.

Each piece of the outline faces east, south, west or north.  A side is
named after the streets, rivers, railways and other named barriers that its outline runs along; where
there is none, after the neighbouring grid, or the community's own boundary.
"""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.grids.plan import Plan
from spatial.messages import text
from spatial.town import Town

__all__ = ["boundaries_in_words"]

_SIDES = ("north", "east", "south", "west")
# An outline this near to a street's centre line runs along it.
_ALONG_M = 2.0
# A name must hold for this share of a side to be given.
_LEAST_SHARE = 0.25
# Outlines are looked at in pieces of this length.
_PIECE_M = 10.0
_NAMES_PER_SIDE = 2


def boundaries_in_words(town: Town, plan: Plan, language: str | None = None) -> pd.Series:
    """Return the boundary of each grid in words, by grid_id.

    Parameters
    ----------
    language : one of `spatial.messages.LANGUAGES`; the current language when None.  Names are not
        translated

    Examples
    --------
    >>> boundaries_in_words(town, plan)["G0001"]  # doctest: +SKIP
    '东至人民路，南至清水河，西至建设路，北至002网格'
    """
    names, shapes = _named_lines(town)
    tree = shapely.STRtree(shapes)
    outlines = plan.grids.geometry.to_numpy()
    neighbours = shapely.STRtree(outlines)
    words = []
    for number, outline in enumerate(outlines):
        middle, side, length = _pieces(outline)
        named = _names_along(tree, names, middle)
        beside = _neighbours_along(neighbours, plan.grids, number, middle, language)
        sides = {
            name: _side_words(side == at, length, named, beside, language) for at, name in enumerate(_SIDES)
        }
        words.append(text("grids.boundary.sentence", language=language, **sides))
    return pd.Series(words, index=plan.grids.index, dtype="string", name="boundary")


def _named_lines(town: Town) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Names and shapes of streets and barriers that have a name; walls are no landmark."""
    barriers = town.barriers[(town.barriers["kind"] != "wall").to_numpy(dtype=bool)]
    layers: list[gpd.GeoDataFrame] = [town.streets, barriers]
    chosen = [layer[layer["name"].notna() & layer.geometry.notna()] for layer in layers]
    names = np.concatenate([layer["name"].to_numpy(object) for layer in chosen])
    return names, np.concatenate([layer.geometry.to_numpy() for layer in chosen])


def _pieces(
    outline: shapely.Geometry,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Middle, side (number in `_SIDES`, −1 for none) and length of each short piece of the outer outline."""
    rings = shapely.get_exterior_ring(shapely.get_parts(shapely.orient_polygons(outline)))
    corners, ring = shapely.get_coordinates(shapely.segmentize(rings, _PIECE_M), return_index=True)
    follows = ring[:-1] == ring[1:]
    start, end = corners[:-1][follows], corners[1:][follows]
    middle = (start + end) / 2
    along = end - start
    # outlines run counter-clockwise, so the right-hand side is outside; bearings go clockwise from north
    facing = np.degrees(np.arctan2(along[:, 1], -along[:, 0]))
    side = np.floor((facing + 45) / 90).astype(np.int64) % 4
    # a notch that faces east on the western half is no eastern boundary
    away = middle - shapely.get_coordinates(shapely.centroid(outline))
    direction = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])[side]
    side[(away * direction).sum(axis=1) <= 0] = -1
    return middle, side, np.hypot(*along.T)


def _names_along(
    tree: shapely.STRtree, names: NDArray[np.object_], middle: NDArray[np.float64]
) -> NDArray[np.object_]:
    """Name of the nearest named line along which each piece runs, None for none."""
    found = np.full(len(middle), None, dtype=object)
    if len(names) and len(middle):
        points = np.asarray(shapely.points(middle), dtype=object)
        piece, line = tree.query_nearest(points, max_distance=_ALONG_M, all_matches=False)
        found[piece] = names[line]
    return found


def _neighbours_along(
    tree: shapely.STRtree,
    grids: gpd.GeoDataFrame,
    number: int,
    middle: NDArray[np.float64],
    language: str | None,
) -> NDArray[np.object_]:
    """Name what lies across each piece: a grid of the same community, or the community's boundary."""
    found = np.full(len(middle), text("grids.boundary.community", language=language), dtype=object)
    home = grids["community_id"].to_numpy(object)
    codes = grids["code"].to_numpy(object)
    points = np.asarray(shapely.points(middle), dtype=object)
    piece, other = tree.query(points, predicate="dwithin", distance=_ALONG_M / 10)
    real = (other != number) & (home[other] == home[number])
    for at, grid in zip(piece[real], other[real], strict=True):
        name = grids.index[grid] if pd.isna(codes[grid]) else str(codes[grid])[-3:]
        found[at] = text("grids.boundary.grid", language=language, grid=name)
    return found


def _side_words(
    on_side: NDArray[np.bool_],
    length: NDArray[np.float64],
    named: NDArray[np.object_],
    beside: NDArray[np.object_],
    language: str | None,
) -> str:
    """Return the names of a side, longest first."""
    whole = length[on_side].sum()
    for labels in (named, beside):
        share = _share_of(labels[on_side], length[on_side], whole)
        chosen = [name for name, part in share.items() if part >= _LEAST_SHARE][:_NAMES_PER_SIDE]
        if chosen:
            return text("common.separator", language=language).join(chosen)
    return text("grids.boundary.community", language=language)


def _share_of(labels: NDArray[np.object_], length: NDArray[np.float64], whole: float) -> Mapping[str, float]:
    shares = pd.Series(length).groupby(pd.Series(labels, dtype=object)).sum() / max(whole, 1e-9)
    ordered = shares.sort_index().sort_values(ascending=False, kind="stable")
    return {str(name): float(share) for name, share in ordered.items()}
