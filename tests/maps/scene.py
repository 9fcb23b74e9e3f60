"""A tiny town with a plan and a coverage, shared by the tests of the maps."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from spatial.grids.plan import Plan
from spatial.lifecircle import Coverage, assess_coverage
from spatial.schema import PLAN_TABLES
from spatial.town import DTYPES, Town
from tests.towns import CRS, drawn_town, point

PLACE = pyproj.CRS.from_epsg(4549)
DRAWING = "AABBCC/AABBCC/DDEE##/DDEE##"
COMMUNITIES = "111222/111222/111222/111222"
GRIDS = {"g1": "A", "g2": "D", "g3": "BE", "g4": "C", "g5": "#"}
HOUSEHOLDS = {"A": 100, "B": 60, "C": 140, "D": 70, "E": 50}


@cache
def scene() -> tuple[Town, Plan, Coverage]:
    """Return a town of 24 buildings in two communities, five grids, two categories with gaps."""
    town = _town()
    return town, _plan(town), assess_coverage(town)


def _town() -> Town:
    streets = [
        {"line": [(row, 0), (row, 6)], "class": "residential" if row else "primary", "role": "both"}
        for row in range(5)
    ]
    streets += [{"line": [(0, column), (4, column)], "class": "footway"} for column in range(7)]
    facilities = gpd.GeoDataFrame(
        {"facility_id": ["f1", "f2"], "name": ["第一幼儿园", "街心公园"]},
        geometry=[shapely.Point(point(0.1, 0.2, DRAWING)), shapely.Point(point(3.9, 0.5, DRAWING))],
        crs=CRS,
    )
    services = pd.DataFrame(
        {"facility_id": ["f1", "f2", "f2"], "category": ["kindergarten", "park_5", "park_10"]}
    )
    gates = gpd.GeoDataFrame(
        {"gate_id": ["t1", "t2"], "estate_id": ["A", "B"], "kind": ["pedestrian"] * 2, "open": [True, False]},
        geometry=[shapely.Point(point(2, 0.5, DRAWING)), shapely.Point(point(2, 3, DRAWING))],
        crs=CRS,
    )
    today = gpd.GeoDataFrame(
        {
            "grid_id": ["old1", "old2"],
            "code": ["330106001049001", "330106001050001"],
            "community_id": ["330106001049", "330106001050"],
            "level": [2, 2],
            "kind": ["basic", "basic"],
        },
        geometry=[
            shapely.box(*point(4, 0, DRAWING), *point(0, 3, DRAWING)),
            shapely.box(*point(4, 3, DRAWING), *point(0, 6, DRAWING)),
        ],
        crs=CRS,
    )
    river = {"kind": "river", "area": [(4.2, -1), (4.2, 7), (4.6, 7), (4.6, -1)]}
    drawn = drawn_town(
        DRAWING,
        households=HOUSEHOLDS,
        communities=COMMUNITIES,
        streets=streets,
        barriers=[river],
        estates={"B": {"walled": True, "estate_class": "managed"}},
        buildings={"b00": {"households_source": "estimated"}, "b12": {"households": pd.NA}},
        tables={
            "facilities": facilities,
            "services": services,
            "gates": gates,
            "grids": today,
            "completeness": pd.DataFrame({"category": ["community_canteen"], "state": ["unknown"]}),
        },
    )
    # Drawn towns lie nowhere; a map needs a place on the earth.
    placed = {
        name: table.set_crs(PLACE, allow_override=True) if isinstance(table, gpd.GeoDataFrame) else table
        for name, table in drawn.tables.items()
    }
    return replace(drawn, crs=PLACE, tables=placed)


def _plan(town: Town) -> Plan:
    owner = town.buildings["estate_id"].fillna("#")
    of_grid = {letter: grid for grid, own in GRIDS.items() for letter in own}
    assigned = owner.map(of_grid)
    squares = {}
    for row, line in enumerate(DRAWING.split("/")):
        for column, letter in enumerate(line):
            cell = shapely.box(*point(row + 1, column, DRAWING), *point(row, column + 1, DRAWING))
            squares.setdefault(of_grid[letter], []).append(cell)
    households = town.buildings["households"].groupby(assigned).sum()
    community = {"g1": "049", "g2": "049", "g3": "049", "g4": "050", "g5": "050"}
    rows = [
        {
            "grid_id": grid,
            "code": f"330106001{community[grid]}{'901' if grid == 'g5' else f'00{number}'}",
            "level": 2,
            "community_id": f"330106001{community[grid]}",
            "kind": "special" if grid == "g5" else "basic",
            "households": None if grid == "g5" else int(households[grid]),
            "buildings": len(cells),
            "estates": len(GRIDS[grid]),
            "area_m2": 10_000.0 * len(cells),
            "in_range": None if grid == "g5" else bool(300 <= households[grid] <= 500),
            "exception_reason": "整个小区 560 户" if households[grid] > 500 else None,
            "geometry": shapely.union_all(cells),
        }
        for number, (grid, cells) in enumerate(sorted(squares.items()), 1)
    ]
    certificates = pd.DataFrame(
        {
            "community_id": ["330106001049", "330106001050"],
            "status": ["optimal", "infeasible"],
            "grids": [3, 1],
            "households": [1120, 560],
            "extra_pieces": [0, 0],
            "extra_pieces_bound": [0, 0],
            "seconds": [0.4, 0.1],
            "witness": [None, "共 560 户，划 1 个超过 500 户，划 2 个必有一个不足 300 户"],
        }
    )
    assignment = pd.DataFrame(
        {"building_id": town.buildings.index, "stairwell_id": None, "grid_id": assigned.to_numpy()}
    )
    return Plan(
        grids=gpd.GeoDataFrame(_typed("grids", pd.DataFrame(rows)), geometry="geometry", crs=PLACE),
        assignment=_typed("assignment", assignment),
        certificates=_typed("certificates", certificates),
        rules={"lower": "300", "upper": "500"},
        provenance={"synthetic": "true"},
    )


def _typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    table = PLAN_TABLES[name]
    for column in table.columns:
        given = frame[column.name] if column.name in frame else pd.Series(pd.NA, index=frame.index)
        frame[column.name] = given.astype(DTYPES[column.kind])
    return frame.set_index(table.id_column) if table.id_column else frame
