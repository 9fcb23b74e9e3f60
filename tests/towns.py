"""Towns drawn as text, shared by the tests of all rooms.

One character is one place of 100 m × 100 m with one building in its middle; rows are parted by a
slash, the first row lies in the north.  A letter is the estate of the building, ``.`` a building
outside every estate, ``#`` a building of a special area (a school), ``_`` a place without building.
The building in row r and column c is called ``b{r}{c}`` (``b{r:02}{c:02}`` from ten rows or columns on).

    >>> town = drawn_town("AAB/AAB", households=100)
    >>> list(town.buildings.index)
    ['b00', 'b01', 'b02', 'b10', 'b11', 'b12']
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from spatial.checks import make_town
from spatial.town import Town

CRS = pyproj.CRS.from_epsg(4548)
STEP_M = 100.0
_ORIGIN = np.array([500_000.0, 3_000_000.0])
_HALF_FOOTPRINT_M = np.array([18.0, 8.0])


def places(drawing: str) -> list[tuple[int, int, str]]:
    """Return row, column and letter of every place that is not empty, row by row."""
    rows = drawing.strip("/").split("/")
    return [(r, c, letter) for r, row in enumerate(rows) for c, letter in enumerate(row) if letter != "_"]


def point(row: float, column: float, drawing: str) -> tuple[float, float]:
    """Return the metric coordinates of a corner of places: row 0, column 0 is the north-west corner."""
    height = len(drawing.strip("/").split("/"))
    return (_ORIGIN[0] + STEP_M * column, _ORIGIN[1] + STEP_M * (height - row))


def _square(row: int, column: int, drawing: str) -> shapely.Polygon:
    west, north = point(row, column, drawing)
    return shapely.box(west, north - STEP_M, west + STEP_M, north)


def _unions(squares: Mapping[str, list[shapely.Polygon]]) -> dict[str, shapely.Geometry]:
    return {name: shapely.union_all(parts) for name, parts in sorted(squares.items())}


def _polyline(corners: Sequence[tuple[float, float]], drawing: str) -> shapely.LineString:
    return shapely.LineString([point(row, column, drawing) for row, column in corners])


def drawn_town(
    drawing: str,
    *,
    households: int | Mapping[str, Any] | Sequence[Any] | None = 100,
    communities: str | None = None,
    streets: Sequence[Mapping[str, Any]] = (),
    barriers: Sequence[Mapping[str, Any]] = (),
    special: str = "#",
    points: bool = False,
    estates: Mapping[str, Mapping[str, Any]] | None = None,
    buildings: Mapping[str, Mapping[str, Any]] | None = None,
    tables: Mapping[str, pd.DataFrame] | None = None,
    name: str = "样县",
) -> Town:
    """Return the town of a drawing.

    Parameters
    ----------
    drawing : the places, see the module
    households : of every building, or by letter, or by building id (these win), or in order of the
        places; None = unknown
    communities : a drawing of the same shape, one character per community; one community when None
    streets, barriers : rows of the layers; ``line`` gives the corners as (row, column) pairs
    special : letters of special areas; their buildings are of use ``other`` with 0 households
    points : buildings are points instead of footprints
    estates : further columns of an estate by its letter
    buildings : further columns of a building by its id
    tables : whole tables that replace or join those drawn
    """
    cells = places(drawing)
    rows = drawing.strip("/").split("/")
    wide = max(len(rows), *(len(row) for row in rows)) > 10
    ids = [f"b{r:02}{c:02}" if wide else f"b{r}{c}" for r, c, _ in cells]
    counts = _households(households, ids, [letter for *_, letter in cells])
    fabric = communities.strip("/").split("/") if communities else ["1" * len(row) for row in rows]
    of_community: dict[str, list[shapely.Polygon]] = {}
    for r, row in enumerate(fabric):
        for c, letter in enumerate(row):
            if letter != "_":
                of_community.setdefault(letter, []).append(_square(r, c, drawing))
    of_estate: dict[str, list[shapely.Polygon]] = {}
    of_special: dict[str, list[shapely.Polygon]] = {}
    footprints, records = [], []
    for (r, c, letter), building, count in zip(cells, ids, counts, strict=True):
        middle = np.array(point(r + 0.5, c + 0.5, drawing))
        shape = shapely.Point(middle)
        footprints.append(
            shape if points else shapely.box(*(middle - _HALF_FOOTPRINT_M), *(middle + _HALF_FOOTPRINT_M))
        )
        is_special = letter in special
        if is_special:
            of_special.setdefault(letter, []).append(_square(r, c, drawing))
        elif letter.isalpha():
            of_estate.setdefault(letter, []).append(_square(r, c, drawing))
        records.append(
            {
                "building_id": building,
                "estate_id": letter if letter.isalpha() and not is_special else pd.NA,
                "community_id": _community_id(fabric[r][c]),
                "households": 0 if is_special else count,
                "use": "other" if is_special else "residential",
            }
            | dict((buildings or {}).get(building, {}))
        )
    drawn: dict[str, pd.DataFrame] = {
        "communities": gpd.GeoDataFrame(
            {
                "community_id": [_community_id(one) for one in sorted(of_community)],
                "name": [f"第{one}社区" for one in sorted(of_community)],
            },
            geometry=list(_unions(of_community).values()),
            crs=CRS,
        ),
        "buildings": gpd.GeoDataFrame(pd.DataFrame(records), geometry=footprints, crs=CRS),
    }
    if of_estate:
        facts = pd.DataFrame(
            [
                {"estate_id": one, "name": f"{one}小区"} | dict((estates or {}).get(one, {}))
                for one in sorted(of_estate)
            ]
        )
        drawn["estates"] = gpd.GeoDataFrame(facts, geometry=list(_unions(of_estate).values()), crs=CRS)
    if of_special:
        names = sorted(of_special)
        drawn["special_areas"] = gpd.GeoDataFrame(
            {
                "special_area_id": [f"special{one}" for one in names],
                "kind": ["school"] * len(names),
                "name": ["学校"] * len(names),
            },
            geometry=list(_unions(of_special).values()),
            crs=CRS,
        )
    if streets:
        drawn["streets"] = _lines(streets, drawing, "street_id")
    if barriers:
        drawn["barriers"] = _lines(barriers, drawing, None)
    return make_town(name, CRS, drawn | dict(tables or {}), {"synthetic": "true"})


def _community_id(letter: str) -> str:
    return f"330106001{ord(letter):03}"


def _households(given: Any, ids: list[str], letters: list[str]) -> list[Any]:
    if isinstance(given, Mapping):
        return [given.get(one, given.get(letter, 0)) for one, letter in zip(ids, letters, strict=True)]
    if isinstance(given, Sequence):
        return list(given)
    return [given] * len(ids)


def _lines(rows: Sequence[Mapping[str, Any]], drawing: str, id_column: str | None) -> gpd.GeoDataFrame:
    records = [{key: value for key, value in row.items() if key not in {"line", "area"}} for row in rows]
    if id_column:
        records = [{id_column: f"s{number}"} | record for number, record in enumerate(records)]
    shapes = [
        _polyline(row["line"], drawing)
        if "line" in row
        else shapely.Polygon([point(r, c, drawing) for r, c in row["area"]])
        for row in rows
    ]
    return gpd.GeoDataFrame(pd.DataFrame(records), geometry=shapes, crs=CRS)
