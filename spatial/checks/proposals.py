"""Proposals: geometry that an office has not delivered, inferred from what it has, and marked so.

What is proposed carries ``source`` = ``derived`` and a warning; it serves first studies until the true
places are known.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.checks.layers import only_where, usable
from spatial.checks.making import make_town
from spatial.checks.relations import lives
from spatial.findings import Finding, Report, Severity
from spatial.town import Town

__all__ = ["propose_estates", "propose_gates"]

DERIVED = "derived"
# Crossings of one estate's outline nearer to each other than this are one gate.
_ONE_GATE_M = 12.0
# A block is proposed as an estate from this many residential buildings on.
_LEAST_BUILDINGS = 2
# Parts of the drawing that no estate can be: too small, or reaching beyond the built-up town.
_BLOCK_AREA_M2 = (500.0, 500_000.0)


def propose_gates(town: Town) -> Town:
    """Return a town in which walled estates without any gate have one where a street crosses their outline.

    Crossings of an outline within 12 m of each other are one gate.  An estate that no street crosses
    stays without, and its finding stands.
    """
    estates, streets, gates = town.estates, town.streets, town.gates
    walled = estates["walled"].to_numpy(dtype=bool, na_value=False)
    wanting = walled & ~estates.index.isin(gates["estate_id"]) & usable(estates)
    outlines = shapely.boundary(only_where(wanting, estates.geometry.to_numpy()))
    lines = only_where(usable(streets), streets.geometry.to_numpy())
    estate, street = shapely.STRtree(lines).query(outlines, predicate="intersects")
    crossings = shapely.intersection(outlines[estate], lines[street])
    points, owner = shapely.get_parts(shapely.extract_unique_points(crossings), return_index=True)
    rows: list[tuple[str, shapely.Point]] = []
    for number in np.unique(estate):
        of_estate = points[estate[owner] == number]
        merged = shapely.get_parts(shapely.union_all(shapely.buffer(of_estate, _ONE_GATE_M / 2)))
        along = shapely.shortest_line(shapely.centroid(merged), outlines[number])
        rows += [(str(estates.index[number]), one) for one in shapely.get_point(along, -1)]
    if not rows:
        return town
    counts: dict[str, int] = {}
    ids = []
    for estate_id, _ in rows:
        counts[estate_id] = counts.get(estate_id, 0) + 1
        ids.append(f"{estate_id}-gate-{counts[estate_id]}")
    proposed = gpd.GeoDataFrame(
        {"gate_id": ids, "estate_id": [one for one, _ in rows], "source": DERIVED},
        geometry=[point for _, point in rows],
        crs=town.crs,
    )
    return _with_rows(town, "gates", proposed.set_index("gate_id"), "gates_proposed")


def propose_estates(town: Town) -> Town:
    """Return a town in which residential buildings without an estate get one from the block they stand in.

    Blocks are the faces of streets and walls; one with at least two residential buildings that
    belong to no estate is proposed.
    """
    buildings = town.buildings
    homeless = lives(buildings) & buildings["estate_id"].isna().to_numpy(dtype=bool) & usable(buildings)
    walls = town.barriers[(town.barriers["kind"] == "wall").to_numpy(dtype=bool, na_value=False)]
    lines = np.concatenate([town.streets.geometry.to_numpy(), walls.geometry.to_numpy()])
    lines = lines[shapely.is_geometry(lines)]
    if not homeless.any() or not len(lines):
        return town
    faces = shapely.get_parts(shapely.polygonize([shapely.node(shapely.geometrycollections(lines))]))
    areas = shapely.area(faces)
    faces = faces[(areas >= _BLOCK_AREA_M2[0]) & (areas <= _BLOCK_AREA_M2[1])]
    points = only_where(homeless, shapely.point_on_surface(buildings.geometry.to_numpy()))
    building, face = shapely.STRtree(faces).query(points, predicate="within")
    chosen, counts = np.unique(face, return_counts=True)
    chosen = chosen[counts >= _LEAST_BUILDINGS]
    if not len(chosen):
        return town
    names = {number: f"block-{order}" for order, number in enumerate(chosen, 1)}
    proposed = gpd.GeoDataFrame(
        {"estate_id": list(names.values()), "source": DERIVED},
        geometry=faces[chosen],
        crs=town.crs,
    )
    within = np.isin(face, chosen)
    estate_id = buildings["estate_id"].copy()
    estate_id.iloc[building[within]] = [names[number] for number in face[within]]
    with_buildings = Town(
        town.name,
        town.crs,
        {**town.tables, "buildings": buildings.assign(estate_id=estate_id)},
        town.provenance,
        town.report,
    )
    return _with_rows(with_buildings, "estates", proposed.set_index("estate_id"), "estates_proposed")


def _with_rows(town: Town, table: str, rows: gpd.GeoDataFrame, rule: str) -> Town:
    """Return a town with more rows in a table and a warning that names them."""
    layer = pd.concat([town.layer(table), rows]) if len(town.layer(table)) else rows
    tables = {**town.tables, table: gpd.GeoDataFrame(layer, geometry="geometry", crs=town.crs)}
    made = make_town(town.name, town.crs, tables, town.provenance)
    finding = Finding.of(Severity.WARNING, f"checks.{rule}", table, rows.index, count=len(rows))
    return Town(made.name, made.crs, made.tables, made.provenance, made.report + Report((finding,)))
