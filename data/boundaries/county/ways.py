"""Ways: streets and paths noded where they meet, and the cells that tile the town along them.

All lines are noded at once on a grid of one centimetre, so that streets, paths, lots and communities
share their vertices: a community's edge along a street is that street, vertex by vertex.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from shapely import LineString, Point
from shapely.ops import polygonize

from county.estates import Path
from county.lots import Lot
from county.terrain import BANK_ROADS, Road, Terrain

__all__ = ["LEVEL_CROSSING", "Ways", "node_ways"]

_GRID_M = 0.01
_ABUTMENT_M = 5.0
_STEPS_EVERY_M = 210.0
_PUBLIC = -1
# Where cars and walkers cross the track on the level; all other main roads pass below it.
LEVEL_CROSSING = "南环路"
_SURFACE = {"primary": "asphalt", "secondary": "asphalt", "tertiary": "asphalt", "residential": "concrete",
            "service": "concrete", "footway": "paving_stones", "path": "compacted", "steps": "stone"}  # fmt: skip


@dataclass(frozen=True)
class Ways:
    """The noded lines of the town.

    Attributes
    ----------
    streets : one row to a stretch between junctions: class, name, bridge, tunnel, layer, surface, lot
        (number of the lot it lies in, −1 for a street)
    cells : cell of every lot, in the order of the lots, with all vertices of the streets around it
    """

    streets: gpd.GeoDataFrame
    cells: NDArray[np.object_]


def node_ways(lots: Sequence[Lot], roads: Sequence[Road], paths: Sequence[Path], terrain: Terrain) -> Ways:
    """Node every street and path and return the streets and the cells between them."""
    ways = [*paths, *_riverside(lots, terrain)]
    noded = shapely.get_parts(
        shapely.union_all(
            [*(lot.cell.exterior for lot in lots), *(way.line for way in ways)], grid_size=_GRID_M
        )
    )
    return Ways(_streets(noded, roads, ways, terrain), _cells(noded, lots))


def _riverside(lots: Sequence[Lot], terrain: Terrain) -> list[Path]:
    """Return the promenades, their steps up to the bank roads, and the footbridge."""
    edges = shapely.union_all([lot.cell.exterior for lot in lots])
    # The banks as they are noded already, so that steps end on them and not a hair beside.
    banks = [
        shapely.intersection(edges, road.line.buffer(5 * _GRID_M))
        for road in terrain.roads
        if road.name in BANK_ROADS
    ]
    abutments = [
        shapely.get_point(shapely.shortest_line(bank, Point(end)), 0)
        for bank, end in zip(banks, terrain.footbridge.coords, strict=True)
    ]
    ways = [Path(LineString(abutments), "footway", _PUBLIC)]
    for promenade, bank in zip(terrain.promenades, banks, strict=True):
        walk = shapely.intersection(promenade, terrain.outline)
        ways += [Path(part, "path", _PUBLIC) for part in shapely.get_parts(walk)]
        points = [walk.interpolate(at) for at in np.arange(60.0, walk.length, _STEPS_EVERY_M)]
        ways += [
            Path(shapely.shortest_line(point, bank), "steps" if place % 2 else "path", _PUBLIC)
            for place, point in enumerate(points)
        ]
    return ways


def _cells(noded: NDArray[np.object_], lots: Sequence[Lot]) -> NDArray[np.object_]:
    faces = np.array(list(polygonize(noded)))
    tree = shapely.STRtree([lot.cell for lot in lots])
    face, lot = tree.query(shapely.point_on_surface(faces), predicate="within")
    return np.array([shapely.coverage_union_all(faces[face[lot == number]]) for number in range(len(lots))])


def _streets(
    noded: NDArray[np.object_], roads: Sequence[Road], ways: Sequence[Path], terrain: Terrain
) -> gpd.GeoDataFrame:
    """Give every stretch the attributes of the road or path it lies on; property lines fall away."""
    table = pd.DataFrame(
        [(road.street_class, road.name, -1) for road in roads]
        + [(way.street_class, None, way.lot) for way in ways],
        columns=["class", "name", "lot"],
    )
    middles = shapely.line_interpolate_point(noded, 0.5, normalized=True)
    tree = shapely.STRtree([road.line for road in roads] + [way.line for way in ways])
    stretch, source = tree.query_nearest(middles, max_distance=5 * _GRID_M, all_matches=False)
    streets = gpd.GeoDataFrame(table.iloc[source].reset_index(drop=True), geometry=noded[stretch])
    streets["bridge"] = False
    streets["tunnel"] = False
    streets["layer"] = 0
    streets = _crossed(streets, terrain.river.buffer(_ABUTMENT_M), "bridge", 1)
    crossing = streets["class"].isin(["primary", "secondary"]) & (streets["name"] != "站前大街")
    below = _crossed(streets[crossing & (streets["name"] != LEVEL_CROSSING)], terrain.railway, "tunnel", -1)
    level = streets[crossing & (streets["name"] == LEVEL_CROSSING)]
    # Bank roads pass under the railway bridge; lesser streets end at the railway's fence.
    along_river = streets["name"].isin(BANK_ROADS) | (streets["class"] == "path")
    bank = _crossed(streets[along_river], terrain.railway, "tunnel", -1)
    lesser = streets[~crossing & ~along_river].copy()
    lesser.geometry = lesser.geometry.difference(terrain.railway)
    streets = pd.concat([below, level, bank, lesser], ignore_index=True)
    streets = streets.explode(ignore_index=True)
    streets = streets[(streets.length > 2 * _GRID_M) & (streets.geom_type == "LineString")]
    streets.geometry = _ends_joined(streets.geometry.to_numpy())
    streets = streets[streets.length > 0]
    streets["surface"] = streets["class"].map(_SURFACE)
    order = np.lexsort((streets.bounds["miny"], streets.bounds["minx"]))
    return streets.iloc[order].reset_index(drop=True)


def _ends_joined(lines: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return lines in whole centimetres whose ends coincide where rounding had put them just apart."""
    rounded = [np.round(shapely.get_coordinates(line), 2) for line in lines]
    ends = np.array([[course[0], course[-1]] for course in rounded]).reshape(-1, 2)
    near: list[list[int]] = np.asarray(cKDTree(ends).query_ball_point(ends, 2.5 * _GRID_M)).tolist()
    joined = ends[np.array([min(places) for places in near])]
    for place, course in enumerate(rounded):
        course[0], course[-1] = joined[2 * place], joined[2 * place + 1]
    return np.array([LineString(course) for course in rounded])


def _crossed(streets: gpd.GeoDataFrame, ground: shapely.Geometry, flag: str, layer: int) -> gpd.GeoDataFrame:
    """Split streets where they enter a ground, and flag what lies on it."""
    # A bank road runs beside the water; only what truly crosses it is a bridge.
    touching = streets.intersects(ground)
    over = streets[touching].copy()
    over.geometry = over.geometry.intersection(ground)
    over[flag] = True
    over["layer"] = layer
    beside = streets.copy()
    beside.loc[touching, "geometry"] = beside.loc[touching, "geometry"].difference(ground)
    both = pd.concat([beside, over], ignore_index=True)
    return both[~both.geometry.is_empty].explode(ignore_index=True)
