"""How far estimated households are from the truth, where the truth is known and hidden from the estimate.

Punggol has true dwelling counts by block: half of them are hidden, at random, several times.  Helsinki has
the population of cells of 250 m: half of the cells are hidden and estimated from the floor area of their
buildings at the density of the other cells.  Printed: relative errors, median and 90 %.

    python benchmarks/households.py [FOLDER OF THE TOWNS]
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from spatial.checks import containing
from spatial.households import Control, estimate_households, floor_areas
from spatial.io import import_town
from spatial.town import Town

ROOT = Path(__file__).parents[1]
MAPPINGS = ROOT / "tests" / "io" / "mappings"
PERSONS_PER_HOUSEHOLD = 1.9  # Helsinki; it leaves relative errors as they are
DRAWS = 20


def clusters(
    places: NDArray[np.float64], households: NDArray[np.float64], lower: float = 300, upper: float = 500
) -> list[NDArray[np.int64]]:
    """Return sets of neighbours whose true households are within a grid's window, each row in one at most."""
    tree = cKDTree(places)
    free = np.ones(len(places), dtype=bool)
    found = []
    for start in np.lexsort((places[:, 1], places[:, 0])):
        if not free[start]:
            continue
        _, order = tree.query(places[start], k=min(len(places), 60))
        members, total = [], 0.0
        for one in np.atleast_1d(order):
            if free[one] and total < lower and total + households[one] <= upper:
                members.append(int(one))
                total += households[one]
        if lower <= total <= upper:
            free[members] = False
            found.append(np.array(members))
    return found


def hidden_half(town: Town, rng: np.random.Generator, *, total_known: bool) -> tuple[NDArray, NDArray]:
    """Hide half of the counted homes of a town and return the errors of their estimates."""
    homes = town.buildings[town.buildings["use"] == "residential"]
    hidden = homes.sample(frac=0.5, random_state=rng).index
    households = town.buildings["households"].mask(town.buildings.index.isin(hidden))
    tables = {**town.tables, "buildings": town.buildings.assign(households=households)}
    total = Control(
        "communities",
        list(town.communities.index),
        np.array([float(homes["households"].sum()) if total_known else np.nan]),
        np.zeros(len(town.buildings), dtype=np.int64),
    )
    filled = estimate_households(replace(town, tables=tables), [total]).buildings
    truth = homes.loc[hidden, "households"].to_numpy(float)
    estimate = filled.loc[hidden, "households"].to_numpy(float)
    places = shapely.get_coordinates(homes.loc[hidden].geometry.to_numpy())
    members = clusters(places, truth)
    per_cluster = np.array([abs(estimate[one].sum() / truth[one].sum() - 1) for one in members])
    return np.abs(estimate - truth) / truth, per_cluster


def helsinki(data: Path) -> tuple[Town, NDArray, NDArray, NDArray]:
    """Return the town with all buildings as homes, cell of each, households and centres of the cells.

    No use is tagged on most buildings here, so all count as homes: offices and shops take people away
    from where they live, which is what thin data does to an estimate.
    """
    source = data / "helsinki-centre"
    town = import_town([source / "helsinki-centre.osm.pbf"], MAPPINGS / "helsinki-centre.toml").town
    cells = pyogrio.read_dataframe(source / "helsinki-centre.gpkg", layer="population_grid_2020").to_crs(
        town.crs
    )
    buildings = town.buildings.assign(
        use="residential", households=pd.array([pd.NA] * len(town.buildings), dtype="Int64")
    )
    cell_of = containing(buildings.geometry.to_numpy(), cells.geometry.to_numpy())
    area = np.bincount(cell_of[cell_of >= 0], floor_areas(buildings)[cell_of >= 0], minlength=len(cells))
    whole = shapely.area(shapely.intersection(cells.geometry, town.communities.union_all())) > 60_000
    lived_in = (area > 2000) & (cells["population"].to_numpy(float) > 0) & whole
    households = np.where(lived_in, cells["population"].to_numpy(float) / PERSONS_PER_HOUSEHOLD, np.nan)
    places = shapely.get_coordinates(shapely.centroid(cells.geometry.to_numpy()))
    return replace(town, tables={**town.tables, "buildings": buildings}), cell_of, households, places


def hidden_cells(
    town: Town, cell_of: NDArray, households: NDArray, rng: np.random.Generator, *, total_known: bool
) -> tuple[NDArray, NDArray, NDArray]:
    """Hide half of the cells and return their numbers, their households and what is estimated for them."""
    known = np.flatnonzero(~np.isnan(households))
    hidden = rng.permutation(known)[: len(known) // 2]
    told_cells = np.where(np.isin(np.arange(len(households)), hidden), np.nan, households)
    controls = [
        Control("population_cells", [str(one) for one in range(len(households))], told_cells, cell_of)
    ]
    if total_known:
        inside = np.where(np.isin(cell_of, known), 0, -1)
        controls.append(Control("communities", ["all"], np.array([np.nansum(households)]), inside))
    filled = estimate_households(town, controls).buildings["households"].to_numpy(float, na_value=0.0)
    estimate = np.bincount(cell_of[cell_of >= 0], filled[cell_of >= 0], minlength=len(households))
    return hidden, households[hidden], estimate[hidden]


def told(errors: NDArray) -> str:
    return f"median {np.median(errors):6.1%}, 90 % {np.quantile(errors, 0.9):6.1%} (n = {len(errors)})"


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data"
    if not data.is_dir():
        print(f"no towns at {data}")
        return
    punggol_town = import_town(
        [data / "singapore-punggol" / "singapore-punggol.gpkg"], MAPPINGS / "singapore-punggol.toml"
    ).town
    for total_known in (True, False):
        draws = [
            hidden_half(punggol_town, np.random.default_rng(seed), total_known=total_known)
            for seed in range(DRAWS)
        ]
        said = "total of the town known" if total_known else "no total known"
        print(f"Punggol, half of the blocks hidden, {said}, {DRAWS} draws")
        print("  block                         ", told(np.concatenate([one for one, _ in draws])))
        print("  cluster of 300–500 households ", told(np.concatenate([one for _, one in draws])))
    town, cell_of, households, places = helsinki(data)
    for total_known in (True, False):
        cells, together, wrong = [], [], []
        for seed in range(DRAWS):
            hidden, truth, estimate = hidden_cells(
                town, cell_of, households, np.random.default_rng(seed), total_known=total_known
            )
            cells.append(np.abs(estimate / truth - 1))
            members = clusters(places[hidden], truth)
            together.append(
                np.array([abs(estimate[one].sum() / truth[one].sum() - 1) for one in members], dtype=float)
            )
            wrong.append(np.abs(estimate - truth).sum() / truth.sum() / 2)
        said = "total known" if total_known else "no total known"
        print(
            f"Helsinki, half of {np.isfinite(households).sum()} population cells hidden, {said}, {DRAWS} draws"
        )
        print("  cell of 250 m                 ", told(np.concatenate(cells)))
        print("  cluster of 300–500 households ", told(np.concatenate(together)))
        print(f"  in the wrong cell              mean   {np.mean(wrong):6.1%} of the hidden households")


if __name__ == "__main__":
    main()
