"""Today's grids: drawn as by hand, estate by estate along the streets, and not quite lawful.

Each community was divided by somebody who started in one corner, took one estate after the other
until a grid was full, and gave what was left to a neighbour.  On top of what comes of that, five
faults were put in on purpose; `FAULTS` names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import split

from county.buildings import bearing
from county.communities import COMMUNITIES, DATA_POOR
from county.lots import Lot
from county.names import ordinal
from county.terrain import Terrain
from county.zoning import SPECIAL_USES

__all__ = ["FAULTS", "draw_todays_grids"]

FAULTS = {
    "across_river": "one grid of 码头社区 has a part on the other bank",
    "needless_split": "one estate of fewer than 500 households lies in two grids",
    "ambiguous": "the line through that estate cuts through buildings",
    "across_boundary": "one grid reaches over the boundary of its community",
    "size": "some grids hold fewer than 300 or more than 500 households",
}

_FULL = 392
_OVERFULL = 500
_ENOUGH = 268
_NEVER_ALONE = 90
_OVERREACHING = "南关社区"
_OVERREACH_M = 48.0
_SLANT_DEGREES = 17.0
_ROW_GAP_M = 8.0
_PART = 450
_LARGEST_MERGED = 575
_TRIALS = 12
_LEAST_SHARED_M = 12.0


# Number of the community, kind, name of the special area, ground.
_Row = tuple[int, str, str, BaseGeometry]


@dataclass(frozen=True)
class _Piece:
    """A lot, or a part of a lot that lies in more than one grid.

    Attributes
    ----------
    special : name of the special area it is, '' for none
    bank : 1 north of the river, 0 south of it
    part_of : number of the lot it is a part of, −1 when it is all of one
    """

    cell: Polygon
    community: int
    households: int
    special: str
    bank: int
    part_of: int = -1


def draw_todays_grids(
    lots: Sequence[Lot],
    cells: NDArray[np.object_],
    buildings: gpd.GeoDataFrame,
    terrain: Terrain,
    rng: np.random.Generator,
) -> gpd.GeoDataFrame:
    """Return today's grids.

    Parameters
    ----------
    cells : noded cell of every lot
    buildings : with households (0 for none) and lot (number of the lot)
    """
    pieces = _pieces(lots, cells, buildings, terrain)
    stray = _stray(pieces)
    rows: list[_Row] = []
    for number in range(len(COMMUNITIES)):
        own = [piece for piece in pieces if piece.community == number and piece is not stray]
        groups = [[own[index] for index in group] for group in _best_of_several(own, rng)]
        if number == stray.community:
            other_bank = [group for group in groups if group[0].bank != stray.bank]
            min(other_bank, key=lambda group: sum(piece.households for piece in group)).append(stray)
        rows += [
            (number, "basic", "", shapely.union_all([piece.cell for piece in group])) for group in groups
        ]
        rows += [(number, "special", piece.special, piece.cell) for piece in own if piece.special]
    _reach_over_boundary(rows, cells, lots)
    return _numbered(rows)


def _pieces(
    lots: Sequence[Lot], cells: NDArray[np.object_], buildings: gpd.GeoDataFrame, terrain: Terrain
) -> list[_Piece]:
    households = buildings.groupby("lot")["households"].sum()
    split_lot = _needless(lots, households)
    pieces = []
    for number, (lot, cell) in enumerate(zip(lots, cells, strict=True)):
        if lot.use == "green":
            continue
        ground = shapely.difference(cell, terrain.river)
        bank = _bank(ground, terrain)
        total = int(households.get(number, 0))
        special = lot.name if lot.use in SPECIAL_USES else ""
        own = buildings[buildings["lot"] == number]
        if total > 500 or number == split_lot:
            parts = _parted(ground, lot.plot, own, slanted=number == split_lot)
            for part in parts:
                inside = shapely.contains(part, own.geometry.centroid.to_numpy())
                pieces.append(
                    _Piece(part, lot.community, int(own["households"][inside].sum()), "", bank, number)
                )
        else:
            pieces.append(_Piece(ground, lot.community, total, special, bank))
    return pieces


def _needless(lots: Sequence[Lot], households: pd.Series) -> int:
    """Return the estate that was split for no reason: the largest that a grid could have held whole."""
    whole = [
        (int(households.get(number, 0)), number)
        for number, lot in enumerate(lots)
        if lot.use == "estate"
        and households.get(number, 0) <= 460
        and COMMUNITIES[lot.community].name == "槐荫社区"
    ]
    return max(whole)[1]


def _bank(ground: Polygon, terrain: Terrain) -> int:
    """Return 1 north of the river, 0 south of it."""
    point = ground.representative_point()
    foot = terrain.river_line.interpolate(terrain.river_line.project(point))
    return int(point.y > foot.y)


def _parted(cell: Polygon, plot: Polygon, buildings: gpd.GeoDataFrame, *, slanted: bool) -> list[Polygon]:
    """Cut a cell between its rows into parts of about equal households; slanted, through the houses."""
    count = max(2, -(-int(buildings["households"].sum()) // _PART))
    footprints = buildings.geometry.to_numpy()
    rows = _turned(np.array([1.0, 0.0]), bearing(plot) + (_SLANT_DEGREES if slanted else 0.0))
    across = np.array([-rows[1], rows[0]])
    position = shapely.get_coordinates(shapely.centroid(footprints)) @ across
    order = np.argsort(position)
    share = np.cumsum(buildings["households"].to_numpy(float)[order])
    # Between rows, not between buildings of one row.
    gaps = np.diff(position[order])
    between = np.flatnonzero(gaps > (0.0 if slanted else _ROW_GAP_M))
    parts = [cell]
    for cut in range(1, count):
        place = between[int(np.abs(share[between] - share[-1] * cut / count).argmin())]
        middle = across * position[order[place : place + 2]].mean() + rows * (
            np.array(cell.centroid.coords[0]) @ rows
        )
        line = LineString([middle - rows * 2_000, middle + rows * 2_000])
        pieces = [piece for part in parts for piece in split(part, line).geoms]
        parts = [piece for piece in pieces if isinstance(piece, Polygon)]
    return parts


def _turned(vector: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ vector


def _best_of_several(pieces: Sequence[_Piece], rng: np.random.Generator) -> list[list[int]]:
    """Return the best of what the clerk tried: households outside the window count."""
    cells = np.array([piece.cell for piece in pieces])
    near = _neighbours(cells)
    _join_strays(near, pieces, cells)

    def outside(groups: list[list[int]]) -> int:
        totals = [sum(pieces[index].households for index in group) for group in groups]
        return sum(max(0, 300 - total, total - 500) for total in totals)

    return min((_grown(pieces, cells, near, rng) for _ in range(_TRIALS)), key=outside)


def _grown(
    pieces: Sequence[_Piece],
    cells: NDArray[np.object_],
    near: NDArray[np.bool_],
    rng: np.random.Generator,
) -> list[list[int]]:
    """Fill one grid after the other from the north-west, and share out what is left.

    Returns
    -------
    groups of piece numbers; special pieces are in none
    """
    centre = shapely.get_coordinates(shapely.centroid(cells))
    open_pieces = {index for index, piece in enumerate(pieces) if not piece.special}
    groups: list[list[int]] = []
    while open_pieces:
        start = min(open_pieces, key=lambda index: centre[index] @ (1.0, -1.0))
        group, total = [start], pieces[start].households
        open_pieces.remove(start)
        while total < _FULL:
            reach = [
                index
                for index in open_pieces
                if any(near[index, member] for member in group)
                and pieces[index].bank == pieces[start].bank
                and total + pieces[index].households <= _OVERFULL
                and not _parts_of_one(pieces, [index], group)
            ]
            if not reach:
                break
            middle = centre[group].mean(axis=0)
            best = min(reach, key=lambda index: np.hypot(*(centre[index] - middle)) * rng.uniform(0.7, 1.3))
            group.append(best)
            open_pieces.remove(best)
            total += pieces[best].households
        groups.append(group)
    return _merged(groups, pieces, near, cells)


def _parts_of_one(pieces: Sequence[_Piece], first: Sequence[int], second: Sequence[int]) -> bool:
    """Return whether two groups hold parts of one lot: what was split on purpose stays split."""
    lots = {pieces[index].part_of for index in first} & {pieces[index].part_of for index in second}
    return bool(lots - {-1})


def _neighbours(cells: NDArray[np.object_]) -> NDArray[np.bool_]:
    near = np.zeros((len(cells), len(cells)), bool)
    first, second = shapely.STRtree(cells).query(cells, predicate="intersects")
    shared = shapely.length(
        shapely.intersection(shapely.boundary(cells[first]), shapely.boundary(cells[second]))
    )
    kept = (shared > _LEAST_SHARED_M) & (first != second)
    near[first[kept], second[kept]] = True
    return near


def _join_strays(near: NDArray[np.bool_], pieces: Sequence[_Piece], cells: NDArray[np.object_]) -> None:
    """Treat a piece that touches none of its bank as a neighbour of the nearest that does."""
    banks = np.array([piece.bank for piece in pieces])
    divided = np.array([not piece.special for piece in pieces])
    for index in np.flatnonzero(divided & ~(near & (banks[:, None] == banks) & divided).any(axis=1)):
        others = np.flatnonzero(divided & (banks == banks[index]) & (np.arange(len(banks)) != index))
        if len(others):
            nearest = others[int(shapely.distance(cells[others], cells[index]).argmin())]
            near[index, nearest] = near[nearest, index] = True


def _merged(
    groups: list[list[int]], pieces: Sequence[_Piece], near: NDArray[np.bool_], cells: NDArray[np.object_]
) -> list[list[int]]:
    """Give what is too little for a grid of its own to the neighbour with fewest households."""
    groups = [list(group) for group in groups]
    while len(groups) > 1:
        totals = [sum(pieces[index].households for index in group) for group in groups]
        for small in np.argsort(totals):
            if totals[small] >= _ENOUGH:
                return groups
            others = [
                other
                for other in range(len(groups))
                if other != small
                and not _parts_of_one(pieces, groups[small], groups[other])
                and pieces[groups[other][0]].bank == pieces[groups[small][0]].bank
                and near[np.ix_(groups[small], groups[other])].any()
                and (totals[small] < _NEVER_ALONE or totals[other] + totals[small] <= _LARGEST_MERGED)
            ]
            if not others and totals[small] < _NEVER_ALONE:
                others = [other for other in range(len(groups)) if other != small]
            if others:
                target = min(
                    others, key=lambda other: (_apart(groups[small], groups[other], cells), totals[other])
                )
                groups[target] += groups[small]
                del groups[small]
                break
        else:
            return groups
    return groups


def _stray(pieces: Sequence[_Piece]) -> _Piece:
    """Return the least piece north of the river in the community on both banks: it went to the other bank."""
    number = next(index for index, community in enumerate(COMMUNITIES) if community.name == DATA_POOR)
    own = [piece for piece in pieces if piece.community == number and not piece.special]
    return min(
        (piece for piece in own if piece.bank == 1 and piece.households), key=lambda piece: piece.households
    )


def _reach_over_boundary(rows: list[_Row], cells: NDArray[np.object_], lots: Sequence[Lot]) -> None:
    """Let one grid of a community take a strip of an estate across its boundary."""
    number = next(index for index, community in enumerate(COMMUNITIES) if community.name == _OVERREACHING)
    own = [index for index, row in enumerate(rows) if row[0] == number and row[1] == "basic"]
    foreign = [
        cell for cell, lot in zip(cells, lots, strict=True) if lot.community != number and lot.use == "estate"
    ]
    shared = shapely.length(
        shapely.intersection(np.array([rows[index][3] for index in own])[:, None], np.array(foreign)[None, :])
    )
    place, across = np.unravel_index(shared.argmax(), shared.shape)
    reach, estate = own[int(place)], foreign[int(across)]
    strip = shapely.intersection(rows[reach][3].buffer(_OVERREACH_M), estate)
    for index, row in enumerate(rows):
        if index != reach and row[3].intersects(strip):
            rows[index] = (*row[:3], shapely.difference(row[3], strip))
    rows[reach] = (*rows[reach][:3], shapely.union_all([rows[reach][3], strip]))


def _apart(first: Sequence[int], second: Sequence[int], cells: NDArray[np.object_]) -> float:
    return float(shapely.distance(cells[list(first)][:, None], cells[list(second)][None, :]).min())


def _numbered(rows: Sequence[_Row]) -> gpd.GeoDataFrame:
    """Give the grids of each community numbers in the order in which they were drawn."""
    counts: dict[tuple[int, str], int] = {}
    records: list[tuple[str, str, str, str, int, str, BaseGeometry]] = []
    for number, kind, name, polygon in rows:
        community = COMMUNITIES[number]
        counts[number, kind] = counts.get((number, kind), 0) + 1
        sequence = counts[number, kind] + (900 if kind == "special" else 0)
        code = f"{community.code}{sequence:03d}"
        label = f"{community.name}第{ordinal(sequence)}网格" if kind == "basic" else f"{name}专属网格"
        records.append((f"T{len(records) + 1:03d}", code, label, community.code, 2, kind, polygon))
    columns = ["grid_id", "code", "name", "community_id", "level", "kind", "geometry"]
    return gpd.GeoDataFrame(records, columns=columns, geometry="geometry")
