"""Lots: the gap-free parts of the blocks, and the plot left of each beside the streets.

A lot's *cell* reaches to the middle of the streets around it, so that the cells tile the town; its
*plot* is what is left when streets, river and railway have taken their land.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from shapely import LineString, Polygon
from shapely.ops import polygonize

from county.streets import STYLES, Quarter
from county.terrain import Road, Terrain

__all__ = ["Lot", "lots_of", "plot_of"]

_FENCE_M = 1.0


@dataclass(frozen=True)
class Lot:
    """A part of a block under one use.

    Attributes
    ----------
    cell : up to the middle of the streets around it; the cells tile the town
    plot : what can be built on or fenced; empty when nothing is left
    community : number of its community
    style : name of its quarter's style, '' for a strip along the river
    use : what `county.zoning` set it aside for; '' while open
    name : name of what stands there, '' when it has none
    edge : whether it lies at the edge of the town
    """

    cell: Polygon
    plot: Polygon
    community: int
    style: str
    use: str = ""
    name: str = ""
    edge: bool = False


def lots_of(
    quarters: Sequence[Quarter],
    streets: Sequence[Road],
    property_lines: Sequence[LineString],
    terrain: Terrain,
) -> list[Lot]:
    """Return the lots between streets and property lines, without a use yet, west to east."""
    # The faces' own edges, not the lines they were made of: those differ by less than the grid, and
    # would leave slivers.
    lines: list[LineString] = [quarter.face.exterior for quarter in quarters]
    lines += [street.line for street in streets]
    lines += property_lines
    roads = [*terrain.roads, *streets]
    style_names = {style: name for name, style in STYLES.items()}
    faces = shapely.STRtree([quarter.face for quarter in quarters])
    lots = []
    for cell in polygonize(shapely.union_all(lines, grid_size=0.01)):
        found = faces.query(cell.representative_point(), predicate="within")
        if not len(found):
            continue
        quarter = quarters[int(found[0])]
        lots.append(
            Lot(
                cell=cell,
                plot=plot_of(cell, roads, terrain),
                community=quarter.community,
                style="" if quarter.style is None else style_names[quarter.style],
                edge=cell.distance(terrain.outline.exterior) < 1.0,
            )
        )
    return sorted(lots, key=lambda lot: (round(lot.cell.centroid.x), round(lot.cell.centroid.y)))


def plot_of(cell: Polygon, roads: Sequence[Road], terrain: Terrain) -> Polygon:
    """Return what streets, river and railway leave of a cell: one polygon, empty when there is nothing."""
    near = [
        road.line.buffer(road.half_width_m) for road in roads if road.line.distance(cell) < road.half_width_m
    ]
    taken = shapely.union_all([*near, terrain.river.buffer(8.0), terrain.railway.buffer(5.0)])
    land = shapely.difference(cell.buffer(-_FENCE_M, join_style="mitre"), taken)
    # Corners sharper than a fence is built are cut off.
    land = land.buffer(-6.0, join_style="mitre").buffer(6.0, join_style="mitre", mitre_limit=1.6)
    parts = shapely.get_parts(shapely.simplify(land, 0.8))
    if len(parts) == 0:
        return Polygon()
    largest: Polygon = parts[int(shapely.area(parts).argmax())]
    return largest
