"""OpenStreetMap data by place or outline, from the internet: the only part that reaches the network.

What is downloaded is kept as a file with the layers ``points``, ``lines`` and ``areas`` of
`spatial.io.osm`, so that an import from it can be repeated without the internet.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import geopandas as gpd
import pyogrio
import shapely

from spatial.errors import FileError
from spatial.io.categories import osm_keys
from spatial.io.mapping import parse_mapping
from spatial.io.packages import written_whole
from spatial.io.sources import Sources
from spatial.io.vector import reason_of

__all__ = ["download_osm", "outline_of"]

_LETTERS = {"node": "n", "way": "w", "relation": "r"}
_DIMENSIONS = {0: "points", 1: "lines", 2: "areas"}


def download_osm(
    place: str | shapely.Polygon,
    path: Path | str,
    *,
    endpoint: str = "",
    geocoder: str = "",
    cache: Path | str | None = None,
) -> Path:
    """Download what a mapping of OpenStreetMap data looks at, and write it as a GeoPackage.

    Parameters
    ----------
    place : name of a place, as Nominatim finds it, or an outline in degrees of WGS 84
    path : the GeoPackage to write
    endpoint : address of an Overpass service, '' for the public one
    geocoder : address of a Nominatim service, '' for the public one
    cache : folder in which answers are kept and looked for, None to keep none

    Raises
    ------
    FileError
        If there is no internet, no such place, or nothing in it.
    """
    import osmnx
    import requests

    osmnx.settings.use_cache = cache is not None
    if cache is not None:
        osmnx.settings.cache_folder = str(cache)
    if endpoint:
        osmnx.settings.overpass_url = endpoint
        osmnx.settings.overpass_rate_limit = False  # a service of one's own publishes no quota
    if geocoder:
        osmnx.settings.nominatim_url = geocoder
    selecting, kept = _keys()
    tags: dict[str, Any] = dict.fromkeys(selecting, True)
    try:
        if isinstance(place, str):
            found = osmnx.features_from_place(place, tags)
        else:
            found = osmnx.features_from_polygon(place, tags)
    except requests.RequestException as error:
        host = urlsplit(str(error.request.url)).hostname if error.request is not None else None
        reason = f"{host}: {type(error).__name__}" if host else reason_of(error)
        raise FileError("io.no_internet", place=_shown(place), reason=reason) from error
    except (ValueError, TypeError) as error:  # osmnx's own errors are kinds of ValueError
        raise FileError("io.place_unknown", place=_shown(place), reason=reason_of(error)) from error
    with written_whole(path) as partial:
        for layer, rows in _layers(found, kept).items():
            pyogrio.write_dataframe(rows, partial, layer=layer, driver="GPKG", append=partial.exists())
    return Path(path)


def outline_of(path: Path) -> shapely.Polygon:
    """Return the hull of the polygons of a file, in degrees of WGS 84: an outline to download.

    Raises
    ------
    FileError
        If the file cannot be read or holds no polygon.
    """
    with Sources.of([path]) as opened:
        layers = [opened.read(name) for name in opened.layer_names]
    for layer in layers:
        if isinstance(layer, gpd.GeoDataFrame) and layer.crs is not None:
            shapes = layer.to_crs("EPSG:4326").geometry.to_numpy()
            areal = shapes[shapely.get_dimensions(shapes) == 2]
            if len(areal):
                return shapely.Polygon(
                    shapely.get_exterior_ring(shapely.convex_hull(shapely.union_all(areal)))
                )
    raise FileError("io.no_outline", path=path)


def _keys() -> tuple[list[str], list[str]]:
    """Return the tag keys that choose objects, and all that are kept."""
    document = tomllib.loads((files(__package__) / "osm_mapping.toml").read_text(encoding="utf-8"))
    rules = parse_mapping(document).layers
    selecting = [one.keys[0] for rule in rules for one in rule.where]
    selecting = list(dict.fromkeys((*selecting, *osm_keys())))
    return selecting, list(dict.fromkeys((*selecting, *(key for rule in rules for key in rule.keys), "name")))


def _layers(found: gpd.GeoDataFrame, kept: list[str]) -> dict[str, gpd.GeoDataFrame]:
    """Return the features as the three layers, with the tags that are kept as text."""
    elements = found.index.get_level_values(0).map(_LETTERS)
    present = [key for key in kept if key in found.columns and key != "osm_id"]
    tagged = gpd.GeoDataFrame(
        found[present].astype("string").reset_index(drop=True),
        geometry=found.geometry.to_numpy(),
        crs=found.crs,
    )
    tagged.insert(
        0,
        "osm_id",
        [f"{one}{number}" for one, number in zip(elements, found.index.get_level_values(1), strict=True)],
    )
    dimensions = shapely.get_dimensions(tagged.geometry.to_numpy())
    return {
        name: tagged[dimensions == number]
        for number, name in _DIMENSIONS.items()
        if (dimensions == number).any()
    }


def _shown(place: str | shapely.Polygon) -> str:
    if isinstance(place, str):
        return place
    return "、".join(f"{bound:.4f}" for bound in place.bounds)
