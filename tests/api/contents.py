"""A town, a plan and a coverage for the tests of this room: small, awkward, and told apart by hand."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import pandas as pd
import shapely

from spatial.grids.plan import Plan
from spatial.lifecircle.coverage import Coverage
from spatial.schema import COVERAGE_TABLES, PLAN_TABLES
from spatial.town import DTYPES, Town
from tests.towns import CRS, drawn_town, point

DRAWING = "AAB./AAB./CC#./CC.."
CATEGORIES = {"kindergarten": 300.0, "health_station": 500.0}


@cache
def small_town(name: str = "样县") -> Town:
    """Return a town of 16 buildings in two communities, with streets, services and a river."""
    facilities = gpd.GeoDataFrame(
        {
            "facility_id": ["f1", "f2"],
            "name": ["第一幼儿园", 'Clinic "East" & <b>'],
            "opened": ["2015-09-01", None],
        },
        geometry=[shapely.Point(point(0.5, 1.2, DRAWING)), shapely.Point(point(3.5, 2.5, DRAWING))],
        crs=CRS,
    )
    services = pd.DataFrame(
        {"facility_id": ["f1", "f2"], "category": ["kindergarten", "health_station"], "capacity": [180, None]}
    )
    return drawn_town(
        DRAWING,
        name=name,
        communities="1122/1122/1122/1122",
        households={"A": 60, "B": 45, "C": 80, ".": None},
        streets=[
            {"street_id": "s1", "name": "中山路", "class": "primary", "line": [(0, 2), (4, 2)]},
            {"street_id": "s2", "name": None, "class": "footway", "line": [(2, 0), (2, 4)]},
        ],
        barriers=[{"kind": "river", "name": "清水江", "line": [(-0.5, 0), (-0.5, 4)]}],
        buildings={"b00": {"surveyor": "王", "storey_height_m": 2.9}, "b01": {"storey_height_m": 3}},
        tables={"facilities": facilities, "services": services},
    )


def small_plan(town: Town) -> Plan:
    """Return a plan of the small town: the two communities, one of them parted by rows."""
    buildings = town.buildings.reset_index()
    row = buildings["building_id"].str[1].astype(int)
    west = buildings["community_id"] == buildings["community_id"].iloc[0]
    grid = pd.Series("g1", index=buildings.index).mask(west & (row >= 2), "g2").mask(~west, "g3")
    cell = buildings.geometry.buffer(50, cap_style="square")
    outlines = gpd.GeoDataFrame({"grid_id": grid}, geometry=cell.envelope, crs=CRS).dissolve("grid_id")
    grids = outlines.reset_index().assign(
        code=["520100000001001", "520100000001002", "520100000002001"],
        level=2,
        community_id=buildings.groupby(grid)["community_id"].first().to_numpy(),
        kind="basic",
        households=buildings.groupby(grid)["households"].sum().to_numpy(),
        in_range=[False, True, None],
        exception_reason=[None, None, "户数未知"],
    )
    return Plan(
        grids=_shaped(PLAN_TABLES["grids"], grids),
        assignment=_shaped(
            PLAN_TABLES["assignment"],
            pd.DataFrame({"building_id": buildings["building_id"], "grid_id": grid}),
        ),
        certificates=_shaped(
            PLAN_TABLES["certificates"],
            pd.DataFrame(
                {
                    "community_id": town.communities.index,
                    "status": ["optimal", "infeasible"],
                    "gap": [0.0, None],
                }
            ),
        ),
        rules={"lower": "300", "upper": "500"},
        provenance={"town_fingerprint": town.fingerprint(), "seed": "7"},
    )


def small_coverage(town: Town, plan: Plan) -> Coverage:
    """Return a coverage of the small town: straight distances stand for walks."""
    buildings = town.buildings.reset_index()[["building_id", "households", "geometry"]]
    centres = buildings.geometry.centroid
    parts = []
    for position, (category, facility) in enumerate(zip(CATEGORIES, ("f1", "f2"), strict=True)):
        walk = centres.distance(town.facilities.geometry.loc[facility]).round(1)
        beyond = walk > 350 + 100 * position
        parts.append(
            pd.DataFrame(
                {
                    "building_id": buildings["building_id"],
                    "category": category,
                    "walk_m": walk.mask(beyond),
                    "facility_id": pd.Series(facility, index=walk.index, dtype="string").mask(beyond),
                    "status": pd.Series("reached", index=walk.index).mask(beyond, "beyond_search"),
                }
            )
        )
    walks = pd.concat(parts, ignore_index=True)
    subjects = [("town", "town"), *(("community", one) for one in town.communities.index)]
    subjects += [("grid", one) for one in plan.grids.index]
    rates = pd.DataFrame(
        [
            {
                "subject_type": kind, "subject_id": subject, "category": category, "limit_m": limit,
                "basis": "households", "numerator": 100.0 + number, "numerator_low": 90.0, "numerator_high": 120.0,
                "denominator": 200.0, "undetermined": 4.0, "stranded": 0.0, "estimated_share": 0.25,
            }
            for number, (kind, subject) in enumerate(subjects)
            for category, own in CATEGORIES.items()
            for limit in sorted({own, 300.0, 500.0, 1000.0})
        ]
    )  # fmt: skip
    gaps = gpd.GeoDataFrame(
        {"gap_id": ["gap1"], "category": ["kindergarten"], "limit_m": [300.0], "households": [160],
         "buildings": [2], "nearest_m": [341.5], "cause": ["river"]},
        geometry=[centres.iloc[[-2, -1]].union_all().envelope.buffer(30)],
        crs=CRS,
    )  # fmt: skip
    return Coverage(
        buildings=_shaped(COVERAGE_TABLES["buildings"], buildings),
        walks=_shaped(COVERAGE_TABLES["walks"], walks),
        rates=_shaped(COVERAGE_TABLES["rates"], rates),
        gaps=_shaped(COVERAGE_TABLES["gaps"], gaps),
        provenance={"town_fingerprint": town.fingerprint(), "mode": "distance"},
    )


def _shaped(table, frame):
    typed = frame.astype(
        {column.name: DTYPES[column.kind] for column in table.columns if column.name in frame}
    )
    return typed.set_index(table.id_column) if table.id_column else typed
