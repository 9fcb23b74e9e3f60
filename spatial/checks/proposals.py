"""Proposals: geometry that an office has not delivered, inferred from what it has, and marked so.

What is proposed carries ``source`` = ``derived`` and a warning; it serves first studies until the true
places are known.
"""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.checks.layers import only_where, usable
from spatial.checks.making import STUDY_AREA_ID, made_again
from spatial.checks.relations import containing, lives
from spatial.findings import Finding, Report, Severity
from spatial.town import Town

__all__ = ["propose_communities", "propose_estates", "propose_gates"]

DERIVED = "derived"
# Crossings of one estate's outline nearer to each other than this are one gate.
_ONE_GATE_M = 12.0
# A block is proposed as an estate from this many residential buildings on.
_LEAST_BUILDINGS = 2
# Parts of the drawing that no estate can be: too small, or reaching beyond the built-up town.
_BLOCK_AREA_M2 = (500.0, 500_000.0)
# Streets that communities are parted by, and how much must live in one.
_PARTING_CLASSES = ("motorway", "trunk", "primary", "secondary", "tertiary")
_PARTING_BARRIERS = ("river", "railway", "motorway")
_COMMUNITY_HOUSEHOLDS = 1000
_COMMUNITY_HOMES = 40


def propose_communities(town: Town) -> Town:
    """Return a town whose study area is divided into communities by its main streets, rivers and railways.

    Faces of these lines are joined, the smallest first, each with the neighbour it shares the longest
    border with, until every one has 1000 households, or 40 residential buildings where households
    are not known.  A town that has communities is returned as it is.
    """
    if list(town.communities.index) != [STUDY_AREA_ID]:
        return town
    area = town.communities.geometry.iloc[0]
    streets, barriers = town.streets, town.barriers
    lines = np.concatenate(
        [
            streets.geometry[streets["class"].isin(_PARTING_CLASSES)].to_numpy(),
            barriers.geometry[barriers["kind"].isin(_PARTING_BARRIERS)].to_numpy(),
        ]
    )
    lines = shapely.intersection(lines[shapely.is_geometry(lines)], area)
    lines = np.where(shapely.get_dimensions(lines) == 2, shapely.boundary(lines), lines)
    edges = shapely.union_all([*lines[~shapely.is_empty(lines)], shapely.boundary(area)])  # nodes them
    faces = shapely.get_parts(shapely.polygonize([edges]))
    outlines = _joined(faces, _people(town, faces))
    if len(outlines) < 2:
        return town
    corner = shapely.bounds(outlines)
    outlines = outlines[np.lexsort((corner[:, 0], -corner[:, 3]))]
    ids = [f"community-{number}" for number in range(1, len(outlines) + 1)]
    rows = gpd.GeoDataFrame(
        {"community_id": ids, "name": ids, "source": DERIVED}, geometry=outlines, crs=town.crs
    )
    # What was placed in the study area is placed anew.
    tables = {
        name: table.assign(community_id=table["community_id"].mask(table["community_id"] == STUDY_AREA_ID))
        for name, table in town.tables.items()
        if name != "communities" and "community_id" in table.columns
    }
    finding = Finding.of(
        Severity.WARNING, "checks.communities_from_streets", "communities", ids, count=len(ids)
    )
    bare = replace(town, report=Report(tuple(one for one in town.report if one.rule != "placed")))
    return made_again(bare, {**tables, "communities": rows.set_index("community_id")}, finding)


def _people(town: Town, faces: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return how much of a whole community lives in each face: 1 is enough for one."""
    buildings = town.buildings
    homes = lives(buildings)
    known = buildings["households"].to_numpy(dtype=float, na_value=np.nan)
    counted = homes & ~np.isnan(known)
    enough = counted.sum() > 0.5 * max(homes.sum(), 1)
    weights: NDArray[np.float64] = (
        np.nan_to_num(known) / _COMMUNITY_HOUSEHOLDS if enough else homes / _COMMUNITY_HOMES
    )
    face = containing(buildings.geometry.to_numpy(), faces)
    return np.bincount(face[face >= 0], weights[face >= 0], minlength=len(faces)).astype(np.float64)


def _joined(faces: NDArray[np.object_], people: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return the faces joined with neighbours until enough people live in each."""
    first, second = shapely.STRtree(faces).query(faces, predicate="intersects")
    first, second = first[first < second], second[first < second]
    lengths = shapely.length(shapely.intersection(faces[first], faces[second]))
    borders: dict[int, dict[int, float]] = {number: {} for number in range(len(faces))}
    for one, other, length in zip(first.tolist(), second.tolist(), lengths.tolist(), strict=True):
        if length > 0:
            borders[one][other] = borders[other][one] = length
    members = {number: [number] for number in borders}
    open_faces = set(borders)
    while open_faces:
        least = min(open_faces, key=lambda number: (people[number], number))
        if people[least] >= 1 or not borders[least]:
            open_faces.discard(least)
            if people[least] >= 1:
                break  # every other has more
            continue
        into = max(borders[least], key=lambda number: (borders[least][number], -number))
        members[into] += members.pop(least)
        people[into] += people[least]
        for other, length in borders.pop(least).items():
            del borders[other][least]
            if other != into:
                borders[into][other] = borders[other][into] = borders[into].get(other, 0.0) + length
        open_faces.discard(least)
    return np.array([shapely.union_all(faces[one]) for one in members.values()], dtype=object)


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

    Blocks are the faces of streets, walls and other barriers; one with at least two residential buildings that
    belong to no estate is proposed.
    """
    buildings = town.buildings
    homeless = lives(buildings) & buildings["estate_id"].isna().to_numpy(dtype=bool) & usable(buildings)
    lines = np.concatenate([town.streets.geometry.to_numpy(), town.barriers.geometry.to_numpy()])
    lines = lines[shapely.is_geometry(lines)]
    lines = np.where(shapely.get_dimensions(lines) == 2, shapely.boundary(lines), lines)
    if not homeless.any() or not len(lines):
        return town
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all(lines)]))
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
    with_buildings = replace(town, tables={**town.tables, "buildings": buildings.assign(estate_id=estate_id)})
    return _with_rows(with_buildings, "estates", proposed.set_index("estate_id"), "estates_proposed")


def _with_rows(town: Town, table: str, rows: gpd.GeoDataFrame, rule: str) -> Town:
    """Return a town with more rows in a table and a warning that names them."""
    layer = pd.concat([town.layer(table), rows]) if len(town.layer(table)) else rows
    finding = Finding.of(Severity.WARNING, f"checks.{rule}", table, rows.index, count=len(rows))
    return made_again(town, {table: gpd.GeoDataFrame(layer, geometry="geometry", crs=town.crs)}, finding)
