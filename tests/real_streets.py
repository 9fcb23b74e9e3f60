"""The real towns of the shared data as tables, without the import: streets, buildings, services."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from spatial.checks import make_town
from spatial.town import Town

CRS = {"singapore-punggol": "EPSG:3414", "helsinki-centre": "EPSG:32635", "beijing-wudaokou": "EPSG:32650"}


def real_town(folder: Path, name: str) -> Town:
    """Return a real town in its metric CRS; every point of interest offers its group as a category."""
    package = folder / name / f"{name}.gpkg"

    def layer(of: str) -> gpd.GeoDataFrame:
        return gpd.read_file(package, layer=of).to_crs(CRS[name])

    pois = layer("pois")
    facilities = gpd.GeoDataFrame(
        {"facility_id": [f"F{row:05d}" for row in range(len(pois))], "geometry": pois.geometry}, crs=CRS[name]
    )
    services = pd.DataFrame({"facility_id": facilities["facility_id"], "category": pois["category"]})
    streets, buildings = _punggol(layer) if name == "singapore-punggol" else _osm(layer)
    tables = {"streets": streets, "buildings": buildings, "facilities": facilities, "services": services}
    return make_town(name, CRS[name], tables)


def _punggol(layer) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    edges, blocks = layer("walk_edges"), layer("blocks")
    streets = edges[["geometry"]].assign(street_id=[f"S{row}" for row in range(len(edges))], role="walk")
    homes = blocks.loc[blocks["total_dwelling_units"] > 0]
    buildings = homes[["geometry"]].assign(
        building_id=homes["block_id"], households=homes["total_dwelling_units"], use="residential"
    )
    return streets, buildings


def _osm(layer) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    ways, houses = layer("streets"), layer("buildings")
    streets = ways[["foot", "access", "geometry"]].assign(
        street_id=ways["osm_id"].astype(str) + "-" + ways.index.astype(str),
        bridge=ways["bridge"].notna() & (ways["bridge"] != "no"),
        tunnel=ways["tunnel"].notna() & (ways["tunnel"] != "no"),
    )
    streets["class"] = ways["highway"]
    buildings = houses[["geometry"]].assign(
        building_id=[f"B{row}" for row in range(len(houses))], households=pd.NA, use="residential"
    )
    return streets, buildings
