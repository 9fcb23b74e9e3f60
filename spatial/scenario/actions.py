"""Actions that planners ask for, as changes of a town: gates, services, paths, ways through walls.

Every action reads the old values from the town, so that its changes fit that town and no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from spatial.errors import UsageError
from spatial.network import KINDS, StreetNetwork
from spatial.network.noding import insert_vertices
from spatial.scenario.changes import Change
from spatial.town import Town

__all__ = [
    "add_footpath",
    "add_service",
    "close_service",
    "close_street",
    "cross_wall",
    "move_service",
    "resize_service",
    "set_gate",
]

# An end of a new footpath this near to a street is joined to it.
_LANDING_M = 15.0
# A wall this near to a point is the one meant.
_AT_WALL_M = 1.0
# A way over a wall along a street begins and ends this far from the wall.
_CLEAR_M = 2.0


def set_gate(town: Town, gate_id: str, *, is_open: bool) -> list[Change]:
    """Open or close a gate."""
    old = _row(town, "gates", gate_id)
    return [Change("gates", gate_id, {"open": _plain(old["open"])}, {"open": is_open})]


def add_service(
    facility_id: str, category: str, xy: tuple[float, float], *, name: str | None = None, **values: float
) -> list[Change]:
    """Open a new facility with one service; ``values`` are capacity, floor_area_m2 and the like."""
    facility = {"name": name, "geometry": shapely.Point(xy).wkt}
    return [
        Change("facilities", facility_id, None, {key: value for key, value in facility.items() if value}),
        Change("services", f"{facility_id}/{category}", None, dict(values)),
    ]


def move_service(town: Town, facility_id: str, xy: tuple[float, float]) -> list[Change]:
    """Move a facility with all its services; its entrances stay behind and are taken away."""
    old = _row(town, "facilities", facility_id)
    entrances = town.layer("entrances")
    mine = entrances.loc[(entrances["facility_id"] == facility_id).fillna(value=False)]
    gone = [Change("entrances", str(one), _filled(row), None) for one, row in mine.iterrows()]
    moved = {"geometry": old["geometry"].wkt}, {"geometry": shapely.Point(xy).wkt}
    return [Change("facilities", facility_id, *moved), *gone]


def close_service(town: Town, facility_id: str, category: str) -> list[Change]:
    """Take one service of a facility away."""
    rows = _services(town, facility_id, category)
    return [
        Change(
            "services", f"{facility_id}/{category}", _filled(rows.iloc[0], "facility_id", "category"), None
        )
    ]


def resize_service(town: Town, facility_id: str, category: str, **values: float) -> list[Change]:
    """Change capacity, floor_area_m2 and the like of a service."""
    rows = _services(town, facility_id, category)
    unknown = sorted(values.keys() - set(rows.columns))
    if unknown:
        raise UsageError("scenario.column_unknown", table="services", ids=[facility_id], columns=unknown)
    old = {name: _plain(rows.iloc[0][name]) for name in values}
    return [Change("services", f"{facility_id}/{category}", old, dict(values))]


def close_street(town: Town, street_id: str) -> list[Change]:
    """Close a street or footpath: nobody passes, and what lies along it is left and reached from its ends.

    Whom that cuts off counts as uncovered.
    """
    old = _row(town, "streets", street_id)
    return [Change("streets", street_id, {"access": _plain(old["access"])}, {"access": "closed"})]


def add_footpath(
    town: Town,
    network: StreetNetwork,
    street_id: str,
    xy: Sequence[tuple[float, float]],
    *,
    bridge: bool = False,
) -> list[Change]:
    """Add a footpath or footbridge; an end that comes near a street is joined to it.

    Where the street has no vertex at the joint it gets one, as a change of its own.

    Parameters
    ----------
    town, network : the town and its walking network
    street_id : id of the new street
    xy : its vertices, metres in the CRS of the town
    bridge : whether it passes over barriers
    """
    points = [(float(x), float(y)) for x, y in xy]
    landings: dict[str, list[npt.NDArray[np.float64]]] = {}
    for end in (0, -1):
        edge = _street_near(network, points[end])
        if edge is None:
            continue
        line, point = network.line.at(edge), shapely.Point(points[end])
        landing = _vertex_near(
            line, shapely.line_interpolate_point(line, shapely.line_locate_point(line, point))
        )
        points[end] = (float(landing[0]), float(landing[1]))
        landings.setdefault(str(network.streets.street_id[network.street[edge]]), []).append(landing)
    street = {"class": "footway", "role": "walk", "geometry": shapely.LineString(points).wkt}
    changes = [Change("streets", street_id, None, {**street, **({"bridge": True} if bridge else {})})]
    for joined, at in landings.items():
        old = _row(town, "streets", joined)["geometry"]
        parts = shapely.get_parts(old)
        nearest = np.array([int(np.argmin(shapely.distance(parts, shapely.Point(one)))) for one in at])
        lines, _ = insert_vertices(parts, nearest, np.array(at))
        new: Any = lines[0] if len(lines) == 1 else shapely.multilinestrings(lines)
        if shapely.get_num_coordinates(new) != shapely.get_num_coordinates(old):
            changes.append(Change("streets", joined, {"geometry": old.wkt}, {"geometry": new.wkt}))
    return changes


def cross_wall(
    town: Town, network: StreetNetwork, crossing_id: str, xy: Sequence[tuple[float, float]]
) -> list[Change]:
    """Open a way through a wall: a gate where the wall is an estate's, a short passage where it is drawn alone.

    Parameters
    ----------
    town, network : the town and its walking network
    crossing_id : id of the new path; its gates get it with a number
    xy : the two street ends to be joined, metres in the CRS of the town; or one point, where a wall cuts
        a street

    Raises
    ------
    UsageError
        If no wall stands there.
    """
    ends = [(float(x), float(y)) for x, y in xy]
    at_point = len(set(ends)) == 1
    at: BaseGeometry = shapely.Point(ends[0]) if at_point else shapely.LineString(ends)
    walls = network.walls
    near_m = _AT_WALL_M if at_point else 0.0
    is_wall = walls.kind == KINDS.index("wall")
    met = np.flatnonzero(is_wall & shapely.dwithin(walls.line, at, near_m))
    if not len(met):
        x, y = ends[0]
        raise UsageError("scenario.no_wall", x=x, y=y)
    gates: list[Change] = []
    for wall in met[walls.side[met] > 0]:
        place = shapely.shortest_line(walls.line[wall], at).coords[0]
        values = {
            "estate_id": str(walls.estate_id[walls.side[wall] - 1]),
            "kind": "pedestrian",
            "open": True,
            "geometry": shapely.Point(place).wkt,
        }
        gates.append(Change("gates", f"{crossing_id}-{len(gates) + 1}", None, values))
    if not at_point:
        # The gates open the wall for a path on the ground; over a wall drawn alone it goes like a bridge.
        return [*gates, *add_footpath(town, network, crossing_id, ends, bridge=not gates)]
    return gates or add_footpath(town, network, crossing_id, _over(town, ends[0]), bridge=True)


def _over(town: Town, xy: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the stretch of the street at a point that leads from one hand of it to the other."""
    streets = shapely.get_parts(town.streets.geometry.to_numpy())
    point = shapely.Point(xy)
    street = streets[int(np.argmin(shapely.distance(streets, point)))]
    at_m = float(street.project(point))
    stretch = substring(street, max(at_m - _CLEAR_M, 0.0), min(at_m + _CLEAR_M, street.length))
    return [(x, y) for x, y, *_ in stretch.coords]


def _street_near(network: StreetNetwork, xy: tuple[float, float]) -> int | None:
    """Return the nearest edge of a street that a path's end is joined to, on its own side of all walls."""
    walls, place = network.walls, np.array([shapely.Point(xy)], object)
    near = network.line.within(place, _LANDING_M)[1]
    near = near[(network.closed_by[near] == 0) & (network.street[near] >= 0)]
    near = near[network.side[near] == walls.side_of(place)[0]]
    offset_m = np.asarray(shapely.line_locate_point(network.line[near], place))
    near = near[~walls.crossed(walls.legs(np.tile(xy, (len(near), 1)), network.line[near], offset_m))]
    if not len(near):
        return None
    return int(near[np.argmin(shapely.distance(network.line[near], place))])


def _vertex_near(line: shapely.LineString, point: shapely.Point) -> npt.NDArray[np.float64]:
    """Return the vertex of a line at a point, or the point itself."""
    vertices = shapely.get_coordinates(line)
    at = shapely.get_coordinates(point)[0]
    distance = np.hypot(*(vertices - at).T)
    place: npt.NDArray[np.float64] = vertices[np.argmin(distance)] if distance.min() < 1.0 else at
    return place


def _row(town: Town, table: str, row: str) -> pd.Series[Any]:
    frame = town.tables[table]
    if row not in frame.index:
        raise UsageError("scenario.row_missing", table=table, ids=[row])
    found: pd.Series[Any] = frame.iloc[frame.index.get_indexer(pd.Index([row]))[0], :]
    return found


def _services(town: Town, facility_id: str, category: str) -> pd.DataFrame:
    services = town.services
    rows = services.loc[(services["facility_id"] == facility_id) & (services["category"] == category)]
    if rows.empty:
        raise UsageError("scenario.row_missing", table="services", ids=[f"{facility_id}/{category}"])
    return rows


def _filled(row: pd.Series[Any], *without: str) -> dict[str, Any]:
    """Return the values of a row that are known, as plain ones."""
    plain = {str(name): _plain(value) for name, value in row.items() if name not in without}
    return {name: value for name, value in plain.items() if value is not None}


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Return a value as what TOML can hold; None for a null."""
    if isinstance(value, BaseGeometry):
        return value.wkt
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value
