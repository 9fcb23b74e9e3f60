"""Assembly: what the other modules drew, as the tables of the town package with ids and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from county.buildings import Building, Layout
from county.communities import COMMUNITIES, DATA_POOR
from county.estates import Estate
from county.facilities import Facility
from county.figures import persons_per_household
from county.lots import Lot
from county.terrain import CRS, Terrain
from county.ways import LEVEL_CROSSING, Ways
from county.zoning import SPECIAL_USES

__all__ = [
    "barriers_table",
    "buildings_table",
    "communities_table",
    "estates_table",
    "facility_tables",
    "gates_table",
    "special_areas_table",
    "stairwells_table",
    "streets_table",
]

SOURCE = "合成数据"
# One building in so many of the community with poor records has no household count at all.
_UNKNOWN_SHARE = 0.04
_ESTIMATED_SHARE = 0.35
_WITHOUT_GATES = 2


@dataclass(frozen=True)
class Standing:
    """A building where it stands: its lot, and its estate's number or −1."""

    building: Building
    lot: int
    estate: int


def standing(estates: Sequence[Estate], others: Sequence[tuple[int, Layout]]) -> list[Standing]:
    """Return all buildings, by lot from west to east, those of estates and the others."""
    found = [
        Standing(building, estate.lot, number)
        for number, estate in enumerate(estates)
        for building in estate.layout.buildings
    ]
    found += [Standing(building, lot, -1) for lot, layout in others for building in layout.buildings]
    return sorted(
        found,
        key=lambda one: (
            one.lot,
            round(-one.building.footprint.centroid.y),
            one.building.footprint.centroid.x,
        ),
    )


def _centimetres(geometries: Sequence[shapely.Geometry]) -> NDArray[np.object_]:
    return np.asarray(shapely.transform(np.array(geometries, object), lambda xy: np.round(xy, 2)), object)


def communities_table(lots: Sequence[Lot], cells: NDArray[np.object_]) -> gpd.GeoDataFrame:
    """Return the communities: unions of the cells of their lots, which tile the town."""
    numbers = np.array([lot.community for lot in lots])
    return gpd.GeoDataFrame(
        {
            "community_id": [community.code for community in COMMUNITIES],
            "name": [community.name for community in COMMUNITIES],
            "subdistrict": [community.subdistrict for community in COMMUNITIES],
        },
        geometry=[shapely.coverage_union_all(cells[numbers == n]) for n in range(len(COMMUNITIES))],
        crs=CRS,
    )


def estates_table(lots: Sequence[Lot], estates: Sequence[Estate], names: Sequence[str]) -> gpd.GeoDataFrame:
    """Return the estates; households are the sum of their buildings'."""
    return gpd.GeoDataFrame(
        {
            "estate_id": [f"E{number:03d}" for number in range(1, len(estates) + 1)],
            "name": list(names),
            "community_id": [COMMUNITIES[lots[estate.lot].community].code for estate in estates],
            "households": [estate.households for estate in estates],
            "residents": [round(estate.households * persons_per_household()) for estate in estates],
            "estate_class": [estate.estate_class for estate in estates],
            "walled": [estate.walled for estate in estates],
            "year_built": [estate.year_built for estate in estates],
        },
        geometry=_centimetres([lots[estate.lot].plot for estate in estates]),
        crs=CRS,
    )


def buildings_table(
    lots: Sequence[Lot],
    places: Sequence[Standing],
    estates: gpd.GeoDataFrame,
    poor: bool,
    rng: np.random.Generator,
) -> gpd.GeoDataFrame:
    """Return the buildings.

    Parameters
    ----------
    poor : whether the records of the community with poor data are left as poor as they are
    """
    homes = np.array([one.building.use != "other" for one in places])
    households = pd.array([one.building.households for one in places], "Int64")
    size = rng.normal(persons_per_household(), 0.18, len(places)).clip(2.0, 3.3)
    residents = pd.array(np.round(households.to_numpy(float) * size), "Int64")
    source = np.array(["counted" if home else None for home in homes], object)
    number = np.array([one.lot for one in places])
    if poor:
        there = homes & np.array([COMMUNITIES[lots[one.lot].community].name == DATA_POOR for one in places])
        chance = rng.random(len(places))
        unknown = there & (chance < _UNKNOWN_SHARE)
        households[unknown] = pd.NA
        residents[there] = pd.NA
        source[unknown] = None
        source[there & (chance > 1.0 - _ESTIMATED_SHARE)] = "estimated"
    counts: dict[int, int] = {}
    names = []
    for one in places:
        counts[one.lot] = counts.get(one.lot, 0) + 1
        owner = estates["name"].iloc[one.estate] if one.estate >= 0 else lots[one.lot].name
        names.append(f"{owner}{counts[one.lot]}号楼" if owner else None)
    return gpd.GeoDataFrame(
        {
            "building_id": [f"B{n:04d}" for n in range(1, len(places) + 1)],
            "name": names,
            "estate_id": [
                estates["estate_id"].iloc[one.estate] if one.estate >= 0 else None for one in places
            ],
            "community_id": [COMMUNITIES[lots[one.lot].community].code for one in places],
            "households": households,
            "households_basis": ["registered" if home else None for home in homes],
            "households_source": source,
            "residents": residents,
            "levels": pd.array([one.building.levels for one in places], "Int64"),
            "has_lift": pd.array([one.building.lift for one in places], "boolean"),
            "use": [one.building.use for one in places],
            "lot": number,
        },
        geometry=_centimetres([one.building.footprint for one in places]),
        crs=CRS,
    )


def stairwells_table(
    places: Sequence[Standing], buildings: gpd.GeoDataFrame, estates: Sequence[Estate]
) -> pd.DataFrame:
    """Return the stairwells of the large estates, where a building may have to be divided."""
    rows = [
        (f"{building_id}-{number}", building_id, str(number), households)
        for one, building_id, known in zip(
            places, buildings["building_id"], buildings["households"].notna(), strict=True
        )
        if known and one.estate >= 0 and estates[one.estate].households > 500
        for number, households in enumerate(one.building.stairwells, start=1)
    ]
    return pd.DataFrame(rows, columns=["stairwell_id", "building_id", "number", "households"])


def streets_table(ways: Ways) -> gpd.GeoDataFrame:
    """Return streets and paths."""
    streets = ways.streets.drop(columns="lot").set_crs(CRS)
    streets.insert(0, "street_id", [f"S{number:04d}" for number in range(1, len(streets) + 1)])
    streets["role"] = np.where(streets["class"].isin(["service", "footway", "path", "steps"]), "walk", "both")
    streets["layer"] = streets["layer"].astype("Int64")
    return streets


def gates_table(lots: Sequence[Lot], estates: Sequence[Estate], table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the gates of the walled estates; some of the community with poor data are on no record."""
    poor = [
        number
        for number, estate in enumerate(estates)
        if estate.walled and COMMUNITIES[lots[estate.lot].community].name == DATA_POOR
    ]
    missing = poor[:_WITHOUT_GATES]
    rows = [
        (
            table["estate_id"].iloc[number],
            f"{table['name'].iloc[number]}{_GATE_NAMES[min(place, 3)]}",
            gate.kind,
            gate.open,
            gate.point,
        )
        for number, estate in enumerate(estates)
        if number not in missing
        for place, gate in enumerate(estate.gates)
    ]
    frame = gpd.GeoDataFrame(
        rows, columns=["estate_id", "name", "kind", "open", "geometry"], geometry="geometry", crs=CRS
    )
    frame.insert(0, "gate_id", [f"G{number:03d}" for number in range(1, len(frame) + 1)])
    return frame


_GATE_NAMES = ("正门", "侧门", "后门", "便门")


def barriers_table(terrain: Terrain) -> gpd.GeoDataFrame:
    """Return river and railway; where a street crosses the track on the level, walkers may pass."""
    road = next(road for road in terrain.roads if road.name == LEVEL_CROSSING)
    track = shapely.intersection(terrain.railway_line, terrain.outline)
    crossing = shapely.intersection(track, road.line).buffer(9.0)
    water = shapely.intersection(terrain.river, terrain.outline)
    rows: list[tuple[str, str, bool, bool, shapely.Geometry]] = [
        ("river", "青澜河", True, True, water),
        *(
            ("railway", "青澜铁路", True, True, part)
            for part in shapely.get_parts(shapely.difference(track, crossing))
        ),
        ("railway", "南环路平交道口", False, True, shapely.intersection(track, crossing)),
    ]
    frame = gpd.GeoDataFrame(
        rows,
        columns=["kind", "name", "blocks_walking", "blocks_grids", "geometry"],
        geometry="geometry",
        crs=CRS,
    )
    frame.geometry = _centimetres(frame.geometry.to_list())
    return frame


def special_areas_table(lots: Sequence[Lot]) -> gpd.GeoDataFrame:
    """Return the areas that are grids of their own kind: campuses, markets, offices, works, parks."""
    own = [lot for lot in lots if lot.use in SPECIAL_USES]
    return gpd.GeoDataFrame(
        {
            "special_area_id": [f"Z{number:02d}" for number in range(1, len(own) + 1)],
            "kind": [lot.use for lot in own],
            "name": [lot.name for lot in own],
        },
        geometry=_centimetres([lot.plot for lot in own]),
        crs=CRS,
    )


def facility_tables(
    facilities: Sequence[Facility], rng: np.random.Generator
) -> tuple[gpd.GeoDataFrame, pd.DataFrame, gpd.GeoDataFrame]:
    """Return the tables facilities, services and entrances."""
    ids = [f"F{number:04d}" for number in range(1, len(facilities) + 1)]
    layer = gpd.GeoDataFrame(
        {
            "facility_id": ids,
            "name": [one.name for one in facilities],
            "access": [one.access for one in facilities],
        },
        geometry=_centimetres([one.geometry for one in facilities]),
        crs=CRS,
    )
    services = pd.DataFrame(
        [
            {"facility_id": facility_id, "category": category} | (one.sizes if place == 0 else {})
            for facility_id, one in zip(ids, facilities, strict=True)
            for place, category in enumerate(one.categories)
        ]
    )
    rows = [
        (facility_id, point, bool(rng.random() < 0.7))
        for facility_id, one in zip(ids, facilities, strict=True)
        for point in one.entrances
    ]
    entrances = gpd.GeoDataFrame(
        rows, columns=["facility_id", "geometry", "step_free"], geometry="geometry", crs=CRS
    )
    entrances.insert(0, "entrance_id", [f"N{number:03d}" for number in range(1, len(entrances) + 1)])
    return layer, services, entrances
