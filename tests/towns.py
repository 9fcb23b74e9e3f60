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

from collections.abc import Iterable, Mapping, Sequence
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
    ids = _building_ids(drawing)
    counts = _households(households, ids, [letter for *_, letter in cells])
    fabric = (communities or "".join("/" if one == "/" else "1" for one in drawing)).strip("/").split("/")
    of_community = _by_letter((r, c, letter) for r, row in enumerate(fabric) for c, letter in enumerate(row))
    of_estate = _by_letter(one for one in cells if one[2].isalpha() and one[2] not in special)
    of_special = _by_letter(one for one in cells if one[2] in special)
    records = [
        {
            "building_id": building,
            "estate_id": letter if letter in of_estate else pd.NA,
            "community_id": _community_id(fabric[r][c]),
            "households": 0 if letter in special else count,
            "use": "other" if letter in special else "residential",
        }
        | dict((buildings or {}).get(building, {}))
        for (r, c, letter), building, count in zip(cells, ids, counts, strict=True)
    ]
    footprints = [_footprint(r, c, drawing, points) for r, c, _ in cells]
    drawn: dict[str, pd.DataFrame] = {
        "communities": _areas(
            of_community,
            drawing,
            {
                "community_id": [_community_id(one) for one in sorted(of_community)],
                "name": [f"第{one}社区" for one in sorted(of_community)],
            },
        ),
        "buildings": gpd.GeoDataFrame(pd.DataFrame(records), geometry=footprints, crs=CRS),
    }
    if of_estate:
        facts = [
            {"estate_id": one, "name": f"{one}小区"} | dict((estates or {}).get(one, {}))
            for one in sorted(of_estate)
        ]
        drawn["estates"] = _areas(of_estate, drawing, facts)
    if of_special:
        named = [
            {"special_area_id": f"special{one}", "kind": "school", "name": "学校"}
            for one in sorted(of_special)
        ]
        drawn["special_areas"] = _areas(of_special, drawing, named)
    if streets:
        drawn["streets"] = _lines(streets, drawing, "street_id")
    if barriers:
        drawn["barriers"] = _lines(barriers, drawing, None)
    return make_town(name, CRS, drawn | dict(tables or {}), {"synthetic": "true"})


def _building_ids(drawing: str) -> list[str]:
    rows = drawing.strip("/").split("/")
    wide = max(len(rows), *(len(row) for row in rows)) > 10
    return [f"b{r:02}{c:02}" if wide else f"b{r}{c}" for r, c, _ in places(drawing)]


def _by_letter(cells: Iterable[tuple[int, int, str]]) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for r, c, letter in cells:
        if letter != "_":
            found.setdefault(letter, []).append((r, c))
    return found


def _areas(squares: Mapping[str, list[tuple[int, int]]], drawing: str, facts: Any) -> gpd.GeoDataFrame:
    shapes = [
        shapely.union_all([_square(r, c, drawing) for r, c in squares[letter]]) for letter in sorted(squares)
    ]
    return gpd.GeoDataFrame(pd.DataFrame(facts), geometry=shapes, crs=CRS)


def _footprint(row: int, column: int, drawing: str, as_point: bool) -> shapely.Geometry:
    middle = np.array(point(row + 0.5, column + 0.5, drawing))
    if as_point:
        return shapely.Point(middle)
    return shapely.box(*(middle - _HALF_FOOTPRINT_M), *(middle + _HALF_FOOTPRINT_M))


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
