"""Draw the demo county and write it as a town package.

    python data/boundaries/demo_county.py [--seed 7] [--output data/boundaries/demo-county.gpkg]

The county is made up: no person, building or place in it exists.  One seed gives one county, always
the same.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from county import assembly, figures
from county.buildings import Campus, Layout, campus, street_front
from county.communities import COMMUNITIES, DATA_POOR, assign_faces
from county.estates import build_estates, occupied
from county.facilities import open_facilities
from county.lots import Lot, lots_of
from county.names import alley_names, estate_names, street_names
from county.streets import cut_blocks, superfaces
from county.telling_gate import find_telling_gate, with_gate_shut
from county.terrain import CRS, draw_terrain
from county.todays_grids import draw_todays_grids
from county.walking import Walking
from county.ways import node_ways
from county.zoning import allot

from spatial.checks import make_town
from spatial.io import write_town
from spatial.town import Town

__all__ = ["HOUSEHOLDS", "NAME", "PACKAGE", "SEED", "generate", "main"]

NAME = "青澜县"
SEED = 7
HOUSEHOLDS = 46_000
PACKAGE = Path(__file__).with_name("demo-county.gpkg")

_CAMPUSES = {
    "school": Campus(5, (38.0, 66.0), (12.0, 16.0), 5),
    "kindergarten": Campus(1, (26.0, 38.0), (13.0, 17.0), 3),
    "hospital": Campus(6, (46.0, 72.0), (16.0, 22.0), 12),
    "government": Campus(4, (48.0, 80.0), (15.0, 19.0), 8),
    "market": Campus(2, (36.0, 60.0), (20.0, 28.0), 2),
    "mall": Campus(2, (60.0, 90.0), (36.0, 52.0), 5),
    "industry": Campus(7, (50.0, 95.0), (22.0, 34.0), 2),
    "station": Campus(1, (60.0, 90.0), (20.0, 26.0), 2),
}


def generate(seed: int = SEED) -> Town:
    """Draw the county of a seed.

    Raises
    ------
    ValueError
        If the seed gives a street plan with too few lots for its estates.
    """

    def stream(step: str) -> np.random.Generator:
        # A stream to each step, so that a change in one leaves the others as they were.
        return np.random.default_rng([seed, zlib.crc32(step.encode())])

    terrain = draw_terrain(stream("terrain"))
    quarters = assign_faces(superfaces(terrain), terrain)
    streets, property_lines = cut_blocks(
        quarters, street_names(stream("street names")), alley_names(stream("alley names")), stream("streets")
    )
    roads = [*terrain.roads, *streets]
    lots = allot(lots_of(quarters, streets, property_lines, terrain), roads, terrain, stream("uses"))
    others = _other_buildings(lots, stream("other buildings"))
    elsewhere = sum(layout.households for _, layout in others)
    estates = build_estates(lots, roads, stream("estates"))
    estates = occupied(estates, HOUSEHOLDS - elsewhere, stream("households"))
    ways = node_ways(lots, roads, [path for estate in estates for path in estate.paths], terrain)

    classes = [estate.estate_class for estate in estates]
    estates_table = assembly.estates_table(lots, estates, estate_names(classes, stream("names")))
    places = assembly.standing(estates, others)
    true = assembly.buildings_table(lots, places, estates_table, poor=False, rng=stream("residents"))
    known = assembly.buildings_table(lots, places, estates_table, poor=True, rng=stream("residents"))
    communities = assembly.communities_table(lots, ways.cells)
    shut = [gate.point for estate in estates for gate in estate.gates if not gate.open]
    walking = Walking.of(ways.streets, shut)
    facilities = open_facilities(
        lots, true, estates_table, ways.streets, walking, roads=roads, rng=stream("facilities")
    )
    recorded = [
        n for n, estate in enumerate(estates) if COMMUNITIES[lots[estate.lot].community].name != DATA_POOR
    ]
    telling = find_telling_gate(estates, recorded, true, walking, facilities)
    estates = with_gate_shut(estates, telling)
    layer, services, entrances = assembly.facility_tables(facilities, stream("entrances"))
    residents = true.merge(
        communities[["community_id", "name"]], on="community_id", suffixes=("", "_community")
    )
    tables: dict[str, pd.DataFrame] = {
        "communities": communities,
        "estates": estates_table,
        "buildings": known.drop(columns="lot"),
        "stairwells": assembly.stairwells_table(places, known, estates),
        "streets": assembly.streets_table(ways),
        "barriers": assembly.barriers_table(terrain),
        "gates": assembly.gates_table(lots, estates, estates_table),
        "facilities": layer,
        "services": services,
        "entrances": entrances,
        "special_areas": assembly.special_areas_table(lots),
        "sites": figures.sites(lots, np.array([lot.plot for lot in lots]), CRS, stream("sites")),
        "circles": figures.circles(communities),
        "population": figures.population(
            residents.groupby("name_community")["residents"].sum(), stream("population")
        ),
        "measures": figures.measures(estates_table, stream("measures")),
        "completeness": figures.completeness(set(services["category"])),
        "grids": draw_todays_grids(lots, ways.cells, true, terrain, stream("grids")).set_crs(CRS),
    }
    for table in tables.values():
        table["source"] = assembly.SOURCE
        table["as_of"] = figures.AS_OF
    gate_point = estates[telling.estate].gates[telling.gate].point
    gates = tables["gates"]
    gate_id = gates.loc[gates.geometry == gate_point, "gate_id"].iloc[0]
    return make_town(
        NAME,
        CRS,
        tables,
        _provenance(seed) | {"telling_gate": gate_id, "telling_gate_category": telling.category},
    )


def _other_buildings(lots: list[Lot], rng: np.random.Generator) -> list[tuple[int, Layout]]:
    """Return the buildings of every lot that is no estate."""
    found = []
    for number, lot in enumerate(lots):
        if lot.use == "mixed":
            found.append((number, street_front(lot.plot, rng)))
        elif lot.use in _CAMPUSES:
            found.append((number, campus(lot.plot, _CAMPUSES[lot.use], rng)))
    return found


def _provenance(seed: int) -> dict[str, str]:
    return {
        "synthetic": "true",
        "source": "合成数据：由种子生成，不对应任何真实地点。",
        "generator": "data/boundaries/demo_county.py",
        "seed": str(seed),
        "licence": "CC0-1.0",
        "as_of": figures.AS_OF,
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the package and print what it holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--output", type=Path, default=PACKAGE)
    options = parser.parse_args(arguments)
    town = generate(options.seed)
    write_town(town, options.output)
    sys.stdout.write(f"{options.output}  {town.fingerprint()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
