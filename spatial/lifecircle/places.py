"""Buildings and services of a town as places on its walking network.

A place is attached by its entrances where they are given; a building without any by its centre, a
facility that is an area without any at every stretch of its outline, as a park is entered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from spatial.catalogue import categories
from spatial.findings import Finding, Severity
from spatial.network import Attachments, StreetNetwork, attach
from spatial.town import Town

__all__ = ["Places", "entry_points", "locate_places", "replaced_facilities"]

Ints = npt.NDArray[np.int64]
Points = npt.NDArray[np.float64]


# Bends of an outline smaller than this do not matter to who enters there.
_SIMPLE_M = 5.0


@dataclass(frozen=True, eq=False)
class Places:
    """Where walks begin and end.

    Attributes
    ----------
    buildings : the buildings, by id
    facilities : the facilities that are open, by id and sorted by it: the lower of two equally near is nearest
    building_xy, facility_xy : (p, 2) points by which they are entered
    building_of, facility_of : (p,) building or facility each of these points belongs to
    building_ways, facility_ways : attachments of the points
    estate_of : (f,) estate whose residents alone a facility serves; '' for a public one
    estate_at : (b,) estate of each building, '' for none
    building_centre, facility_centre : (b,) and (f,) points inside them
    side_of : (b,) side of walls each building lies on
    offered : (s, 2) facility and category of every service, as numbers; the categories stand in ``categories``
    categories : ids of the categories assessed: those with a service, and those of the completeness table
    complete : (c,) whether the list of a category's facilities is said to be complete
    homeless : facilities kept to an estate that lie in none, by id
    """

    buildings: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    building_xy: Points
    facility_xy: Points
    building_of: Ints
    facility_of: Ints
    building_ways: Attachments
    facility_ways: Attachments
    estate_of: npt.NDArray[np.object_]
    estate_at: npt.NDArray[np.object_]
    building_centre: npt.NDArray[np.object_]
    facility_centre: npt.NDArray[np.object_]
    side_of: Ints
    offered: Ints
    categories: tuple[str, ...]
    complete: npt.NDArray[np.bool_]
    homeless: tuple[str, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noticed: buildings and facilities that reach no street, and services that serve no estate."""
        buildings = self.building_of[self.building_ways.point]
        facilities = self.facility_of[self.facility_ways.point]
        found = [
            *_stranded(self.buildings, buildings, "buildings"),
            *_stranded(self.facilities, facilities, "facilities"),
        ]
        if self.homeless:
            ids = self.homeless
            rule = "lifecircle.estate_service_outside"
            found.append(Finding.of(Severity.WARNING, rule, "facilities", ids))
        return tuple(found)

    @cached_property
    def _by_category(self) -> list[Ints]:
        return [np.unique(self.offered[self.offered[:, 1] == one, 0]) for one in range(len(self.categories))]

    @cached_property
    def estates(self) -> pd.Index[str]:
        """The estates of buildings."""
        found: pd.Index[str] = pd.Index(np.unique(self.estate_at[self.estate_at != ""]), dtype=object)
        return found

    @cached_property
    def estate_number(self) -> Ints:
        """(b,) place of each building's estate in ``estates``, -1 for none."""
        return self.estates.get_indexer(pd.Index(self.estate_at, dtype=object)).astype(np.int64)

    def knowing(self, before: Places) -> Places:
        """Take over what was worked out from places before an edit, where it still holds; return self."""
        names = ["estates", "estate_number"] if self.estate_at is before.estate_at else []
        for name in [*names, *(["_by_category"] if self.offered is before.offered else [])]:
            self.__dict__[name] = getattr(before, name)
        return self

    def facilities_of(self, category: int) -> Ints:
        """Return the numbers of the facilities that offer a category, in order."""
        return self._by_category[category]


def locate_places(town: Town, network: StreetNetwork) -> Places:
    """Attach the buildings and the open facilities of a town to its network.

    A facility with a closing date is closed.  Buildings and facilities that reach no street are named
    in the findings.
    """
    buildings = town.buildings
    building_xy, building_of = entry_points(buildings, _entrances(town, "building_id"), outline_step_m=None)
    building_ways = attach(network, building_xy)

    facilities = town.facilities.loc[town.facilities["closed"].isna()].sort_index()
    step_m = network.rules.outline_step_m
    facility_xy, facility_of = entry_points(
        facilities, _entrances(town, "facility_id"), outline_step_m=step_m
    )
    facility_ways = attach(network, facility_xy)

    estate_of, homeless = _serving_estates(facilities, town.estates)
    names, offered, complete = _offers(town, facilities)
    centre = _centres(buildings.geometry.to_numpy())
    return Places(
        buildings=buildings,
        facilities=facilities,
        building_xy=building_xy,
        facility_xy=facility_xy,
        building_of=building_of,
        facility_of=facility_of,
        building_ways=building_ways,
        facility_ways=facility_ways,
        estate_of=estate_of,
        estate_at=_estates_at(buildings, centre, town.estates),
        building_centre=centre,
        facility_centre=_centres(facilities.geometry.to_numpy()),
        side_of=network.walls.side_of(centre),
        offered=offered,
        categories=names,
        complete=complete,
        homeless=tuple(homeless),
    )


def replaced_facilities(
    places: Places, town: Town, network: StreetNetwork, changed: list[str], relocated: set[str]
) -> Places | None:
    """Return the places after some facilities have come, moved, or changed what they offer.

    The numbers of the facilities stay, and new ones come at the end.  None where the change is of
    another kind: a new category or the end of one, an entrance, or a service that is, or was, kept to an
    estate.
    """
    # On arrays: taking rows of frames would cost more than all else a what-if does.
    there = town.facilities.index.get_indexer(pd.Index(changed))
    if (there < 0).any() or not _are_public(places, town, changed, there):
        return None
    new = [one for one in changed if one not in places.facilities.index]
    facilities = places.facilities
    if new:
        order = town.facilities.index.get_indexer(facilities.index.append(pd.Index(new)))
        facilities = town.facilities.iloc[order]
    names = facilities.index
    of_changed = names.get_indexer(pd.Index(changed))
    services = town.services.loc[town.services["facility_id"].isin(changed)]
    category = pd.Index(places.categories).get_indexer(pd.Index(services["category"]))
    if (category < 0).any():
        return None
    facility = names.get_indexer(pd.Index(services["facility_id"]))
    others = places.offered[~np.isin(places.offered[:, 0], of_changed)]
    offered = np.concatenate([others, np.column_stack([facility, category]).astype(np.int64)])
    ended = np.setdiff1d(places.offered[:, 1], offered[:, 1])
    if len(ended) and not {places.categories[one] for one in ended} <= _known_categories(town):
        return None

    placed = np.array([one in relocated for one in changed], bool)
    numbers, geometry = of_changed[placed], town.facilities.geometry.to_numpy()[there[placed]]
    entrances = town.layer("entrances")["facility_id"]
    if shapely.is_missing(geometry).any() or entrances.isin(list(relocated)).any():
        return None
    entries, of_placed = _entries(geometry, network.rules.outline_step_m)
    xy = shapely.get_coordinates(entries).reshape(-1, 2)
    kept = np.flatnonzero(~np.isin(places.facility_of, numbers))
    place = np.full(len(places.facility_of), -1, np.int64)
    place[kept] = np.arange(len(kept))
    ways = places.facility_ways.chosen(np.isin(places.facility_ways.point, kept))
    ways = replace(ways, point=place[ways.point])
    points = len(kept) + np.arange(len(xy))
    centre = np.concatenate([places.facility_centre, np.full(len(new), None)])
    centre[numbers] = _centres(geometry)
    facility_of = np.concatenate([places.facility_of[kept], numbers[of_placed]])
    fresh = ways.with_points(points, attach(network, xy))
    return replace(
        places,
        facilities=facilities,
        facility_xy=np.concatenate([places.facility_xy[kept], xy]),
        facility_of=facility_of,
        facility_ways=fresh,
        facility_centre=centre,
        estate_of=np.concatenate([places.estate_of, np.full(len(new), "", object)]),
        offered=offered,
    )


def _are_public(places: Places, town: Town, changed: list[str], there: Ints) -> bool:
    """Return whether some facilities, at their places in a town, are open to all, as those known already were."""
    closed, access = town.facilities["closed"].array[there], town.facilities["access"].array[there]
    before = places.facilities.index.get_indexer(pd.Index(changed))
    kept = (places.estate_of[before[before >= 0]] != "").any() or (access == "estate").fillna(False).any()
    return bool(pd.isna(closed).all() and not kept)


def _centres(geometry: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Return a point inside each place: its centroid, or another where that lies outside it."""
    centre = shapely.centroid(geometry)
    outside = ~shapely.intersects(geometry, centre)
    return np.asarray(np.where(outside, shapely.point_on_surface(geometry), centre), object)


def _entrances(town: Town, owner: str) -> gpd.GeoDataFrame:
    entrances = town.layer("entrances")
    return entrances.loc[entrances[owner].notna() & entrances.geometry.notna(), [owner, "geometry"]].rename(
        columns={owner: "owner"}
    )


def entry_points(
    places: gpd.GeoDataFrame, entrances: gpd.GeoDataFrame, *, outline_step_m: float | None
) -> tuple[Points, Ints]:
    """Return the points by which places are entered, and the place of each."""
    number = pd.Series(np.arange(len(places)), index=places.index)
    entrances = entrances.loc[entrances["owner"].isin(places.index)]
    by_entrance = number[entrances["owner"]].to_numpy()
    others = np.setdiff1d(np.arange(len(places)), by_entrance)
    others = others[~(places.geometry.isna() | places.geometry.is_empty).to_numpy()[others]]
    points, of_place = _entries(places.geometry.to_numpy()[others], outline_step_m)
    owner = np.concatenate([by_entrance, others[of_place]])
    entered = np.concatenate([entrances.geometry.to_numpy(), points])
    return shapely.get_coordinates(entered).reshape(-1, 2), owner.astype(np.int64)


def _entries(
    geometry: npt.NDArray[np.object_], outline_step_m: float | None
) -> tuple[npt.NDArray[np.object_], Ints]:
    """Return the points by which places without entrances are entered, and the place of each."""
    is_area = (shapely.get_dimensions(geometry) == 2) & (outline_step_m is not None)
    outline, of_area = _outline_points(geometry[is_area], outline_step_m or 1.0)
    owner = np.concatenate([np.flatnonzero(~is_area), np.flatnonzero(is_area)[of_area]])
    return np.concatenate([_centres(geometry[~is_area]), outline]), owner


def _outline_points(areas: npt.NDArray[np.object_], step_m: float) -> tuple[npt.NDArray[np.object_], Ints]:
    """Return points along the outlines of areas, its corners among them, at most ``step_m`` apart."""
    outline = shapely.segmentize(shapely.simplify(shapely.boundary(areas), _SIMPLE_M), step_m)
    points, of_area = shapely.get_coordinates(outline, return_index=True)
    return np.asarray(shapely.points(points), object), of_area


def _estates_at(
    places: gpd.GeoDataFrame, centre: npt.NDArray[np.object_], estates: gpd.GeoDataFrame
) -> npt.NDArray[np.object_]:
    """Return the estate of each place by its column, else by where it lies; '' for none."""
    found = np.full(len(places), "", object)
    area = estates.geometry.to_numpy()
    tree = shapely.STRtree(np.where(shapely.get_dimensions(area) == 2, area, None))
    place, estate = tree.query(centre, predicate="intersects")
    found[place] = estates.index.to_numpy(object)[estate]
    if "estate_id" in places.columns:
        stated = places["estate_id"]
        known = stated.notna().to_numpy()
        found[known] = stated[known].to_numpy(object)
    return found


def _serving_estates(
    facilities: gpd.GeoDataFrame, estates: gpd.GeoDataFrame
) -> tuple[npt.NDArray[np.object_], list[str]]:
    """Return the estate each facility is kept to, and the facilities kept to one that lie in none."""
    kept = (facilities["access"] == "estate").fillna(value=False).to_numpy(bool)
    estate = np.where(kept, _estates_at(facilities, _centres(facilities.geometry.to_numpy()), estates), "")
    homeless = kept & (estate == "")
    return np.where(homeless, "-", estate), list(facilities.index[homeless])


def _known_categories(town: Town) -> set[str]:
    return set(town.services["category"]) | set(town.tables["completeness"].index)


def _offers(town: Town, facilities: gpd.GeoDataFrame) -> tuple[tuple[str, ...], Ints, npt.NDArray[np.bool_]]:
    """Give numbers to the categories of a town and the services of its open facilities."""
    services, completeness = town.services, town.tables["completeness"]
    known = _known_categories(town)
    names = [name for name in categories() if name in known]
    names += sorted(known.difference(names))
    facility = pd.Index(facilities.index).get_indexer(pd.Index(services["facility_id"]))
    category = pd.Index(names).get_indexer(pd.Index(services["category"]))
    there = facility >= 0
    offered = np.column_stack([facility[there], category[there]]).astype(np.int64)
    complete = np.array([completeness["state"].get(name) == "complete" for name in names], bool)
    return tuple(names), offered, complete


def _stranded(places: gpd.GeoDataFrame, attached: Ints, table: str) -> list[Finding]:
    lost = np.setdiff1d(np.arange(len(places)), attached)
    if not len(lost):
        return []
    return [Finding.of(Severity.WARNING, "lifecircle.off_network", table, places.index[lost])]
