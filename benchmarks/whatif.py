"""What-ifs: how long one change of a measured town takes, re-aggregated rates included.

``python benchmarks/whatif.py [--changes 40] [--nodes 500000]``

CPU milliseconds of `try_changes`, median and most, for every kind of change on the demo county, and on a
synthetic town of a given number of network nodes (10,000 buildings, 12 categories, walled estates).  Beside
them stands a measurement from scratch, and how many changes took that way because no edit of the network
could follow them (a service of a new category, a gate that would be joined to another street).  Kernels are
compiled before.  That results are equal is tested in ``tests/lifecircle/test_whatif.py``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from spatial.checks import make_town
from spatial.io import read_town
from spatial.lifecircle import Assessment, try_changes
from spatial.scenario import (
    Change,
    add_footpath,
    add_service,
    close_service,
    close_street,
    move_service,
    set_gate,
)
from spatial.town import Town

DEMO_COUNTY = Path(__file__).parents[1] / "data" / "boundaries" / "demo-county.gpkg"
SPACING_M = 90.0
BUILDINGS = 10_000
ESTATES = 200
CATEGORIES = (
    "kindergarten", "primary_school", "middle_school", "pharmacy", "community_health_station", "wet_market",
    "supermarket", "convenience_store", "restaurant", "bus_stop", "public_toilet", "park_5",
)  # fmt: skip

Makers = dict[str, Callable[[], Sequence[Change]]]


def large_town(nodes: int, rng: np.random.Generator) -> Town:
    """Make a town of a jittered lattice of streets, with holes, homes, services and walled estates."""
    side = int(np.sqrt(nodes))
    place = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1) * SPACING_M
    place = place + rng.normal(0, SPACING_M / 8, place.shape) + np.array([500_000.0, 3_000_000.0])
    place = place.round(2)
    lines = []
    for along in (place, place.transpose(1, 0, 2)):
        for row in along:
            # A street ends after 2 to 20 blocks, and one block in ten is missing.
            stops = np.flatnonzero(rng.random(side) < 0.1)
            lines += [part for part in np.split(row, stops) if len(part) > 1]
    streets = gpd.GeoDataFrame(
        {"street_id": [f"S{one}" for one in range(len(lines))], "class": "residential"},
        geometry=[shapely.LineString(one) for one in lines], crs=4548,
    )  # fmt: skip
    flat = place.reshape(-1, 2)
    homes = flat[rng.choice(len(flat), BUILDINGS, replace=False)] + rng.uniform(8, 40, (BUILDINGS, 2))
    buildings = gpd.GeoDataFrame(
        {
            "building_id": [f"B{one}" for one in range(BUILDINGS)],
            "households": rng.integers(4, 120, BUILDINGS),
            "use": "residential",
        },
        geometry=shapely.points(homes), crs=4548,
    )  # fmt: skip
    counts = np.geomspace(len(flat) / 4000, len(flat) / 200, len(CATEGORIES)).astype(int)
    offered = np.repeat(np.array(CATEGORIES), counts)
    spots = flat[rng.choice(len(flat), counts.sum())] + rng.uniform(-30, 30, (counts.sum(), 2))
    names = [f"F{one}" for one in range(len(spots))]
    facilities = gpd.GeoDataFrame({"facility_id": names}, geometry=shapely.points(spots), crs=4548)
    services = pd.DataFrame({"facility_id": names, "category": offered})
    corner = homes[:: BUILDINGS // ESTATES] - 20
    estates = gpd.GeoDataFrame(
        {"estate_id": [f"E{one}" for one in range(len(corner))], "walled": True},
        geometry=shapely.box(corner[:, 0], corner[:, 1], corner[:, 0] + 160, corner[:, 1] + 160), crs=4548,
    )  # fmt: skip
    gates = gpd.GeoDataFrame(
        {
            "gate_id": [f"G{one}" for one in range(2 * len(corner))],
            "estate_id": np.repeat(estates["estate_id"].to_numpy(), 2),
            "open": np.tile([True, False], len(corner)),
        },
        geometry=shapely.points(
            np.repeat(corner, 2, axis=0) + np.tile([[70.0, 0.0], [0.0, 70.0]], (len(corner), 1))
        ),
        crs=4548,
    )
    tables = {
        "streets": streets, "buildings": buildings, "facilities": facilities, "services": services,
        "estates": estates, "gates": gates,
    }  # fmt: skip
    return make_town("benchmark", 4548, tables, {"synthetic": "true"})


def changes_of(base: Assessment, rng: np.random.Generator) -> Makers:
    """Return a maker of random changes for every kind."""
    town, network, places = base.town, base.survey.network, base.survey.places
    homes = shapely.get_coordinates(places.building_centre)

    def home() -> np.ndarray:
        return homes[rng.integers(len(homes))]

    def gate() -> list[Change]:
        name = str(rng.choice(town.gates.index))
        is_open = town.gates.loc[name, "open"]
        return set_gate(town, name, is_open=not (pd.isna(is_open) or is_open))

    def close() -> list[Change]:
        row = town.services.iloc[rng.integers(len(town.services))]
        return close_service(town, row["facility_id"], row["category"])

    junctions = np.flatnonzero(
        np.isin(np.arange(network.node_count), network.edge_nodes[network.street >= 0])
    )
    tree = cKDTree(network.node_xy[junctions])

    def path() -> list[Change]:
        """Join two junctions that no wall parts; across a wall one asks for a gate."""
        while True:
            here = network.node_xy[junctions[rng.integers(len(junctions))]]
            there = network.node_xy[junctions[rng.choice(tree.query_ball_point(here, 150.0))]]
            line = np.array([shapely.LineString([here, there])], object)
            ends = np.asarray(shapely.points(np.array([here, there])), object)
            if network.walls.side_of(ends).any() or network.walls.crossed(line)[0] or (here == there).all():
                continue
            return add_footpath(town, network, "new-path", [tuple(here), tuple(there)])

    return {
        "gate": gate,
        "service, new": lambda: add_service(
            "new-facility", str(rng.choice(places.categories)), tuple(home() + 5)
        ),
        "service, closed": close,
        "service, moved": lambda: move_service(
            town, str(rng.choice(town.facilities.index)), tuple(home() + 5)
        ),
        "footpath, new": path,
        "street, closed": lambda: close_street(town, str(rng.choice(town.streets.index))),
    }


def measured(name: str, town: Town, count: int) -> None:
    """Print what changes of one town take."""
    begun = time.process_time()
    base = Assessment.of(town)
    from_scratch = time.process_time() - begun
    network, places = base.survey.network, base.survey.places
    print(
        f"\n{name}: {network.node_count:,} nodes, {len(network.length_m):,} edges, {len(places.buildings):,} "
        f"buildings, {len(places.categories)} categories; from scratch {from_scratch:.2f} CPU s"
    )
    print(f"{'change':18}{'median ms':>10}{'most ms':>10}{'from scratch':>14}")
    rng = np.random.default_rng(1)
    for kind, make in changes_of(base, rng).items():
        try_changes(base, make())
        taken, anew = [], 0
        for _ in range(count):
            changes = make()
            begun = time.process_time()
            outcome = try_changes(base, changes)
            taken.append(1000 * (time.process_time() - begun))
            anew += outcome.from_scratch
        print(f"{kind:18}{np.median(taken):10.1f}{max(taken):10.1f}{anew:10} of {count}", flush=True)
    begun = time.process_time()
    base.at_pace("elderly")
    print(f"{'pace':18}{1000 * (time.process_time() - begun):10.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--changes", type=int, default=40)
    parser.add_argument("--nodes", type=int, default=500_000)
    options = parser.parse_args()
    measured("demo county", read_town(DEMO_COUNTY), options.changes)
    if options.nodes:
        measured("large town", large_town(options.nodes, np.random.default_rng(7)), options.changes)


if __name__ == "__main__":
    main()
