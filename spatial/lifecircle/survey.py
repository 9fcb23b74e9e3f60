"""The survey of a town: every building's walk to the nearest service of each category.

A survey joins the places of a town to its network once; then a category costs one search.  Coverage,
what-ifs and causes of gaps all read their walks here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import csr_array

from spatial.lifecircle.places import Places, locate_places
from spatial.network import CLOSED, Attachments, Pace, StreetNetwork, at_pace, attach, build_network
from spatial.search import Doors, Goals, Homes, Labels, Seeds, Weighed, arrivals, arrivals_within, matrix
from spatial.town import Town

__all__ = ["CategoryWalks", "Status", "Survey", "Walks"]

Numbers = npt.NDArray[np.int32]
Ints = npt.NDArray[np.int64]

_NOBODY = -1
_WORDS = ("steps", "facility", "least", "most")


class Status(IntEnum):
    """What is known of a building's walk to a category; the names are those of the table ``walks``."""

    REACHED = 0
    BEYOND_SEARCH = 1
    NO_FACILITY = 2
    STRANDED_DATA = 3
    STRANDED_BARRIER = 4
    NOT_ASSESSED = 5

    @property
    def determined(self) -> bool:
        """Whether the walk is known to be there or not."""
        return self not in (Status.STRANDED_DATA, Status.NOT_ASSESSED)


@dataclass(frozen=True, eq=False)
class CategoryWalks:
    """The walks of buildings to one category.

    Attributes
    ----------
    steps : (b,) steps to the nearest service, `CLOSED` where none is within the search
    facility : (b,) its number, -1 for none
    least, most : (b,) the same walk by the most and the least favourable of the candidate edges
    status : (b,) `Status`
    """

    steps: Numbers
    facility: Numbers
    least: Numbers
    most: Numbers
    status: npt.NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Walks:
    """The walks of every building to every category, (category × building).

    Attributes
    ----------
    steps, facility, least, most, status : as in `CategoryWalks`, a row to a category
    """

    steps: Numbers
    facility: Numbers
    least: Numbers
    most: Numbers
    status: npt.NDArray[np.int8]

    @classmethod
    def of(cls, categories: Sequence[CategoryWalks], buildings: int) -> Self:
        """Stack the walks to each category."""
        return cls(
            *(
                np.array([getattr(one, name) for one in categories], kind).reshape(len(categories), buildings)
                for name, kind in (*((name, np.int32) for name in _WORDS), ("status", np.int8))
            )
        )

    def of_category(self, category: int) -> CategoryWalks:
        """Return the walks to one category."""
        return CategoryWalks(*(getattr(self, name)[category] for name in (*_WORDS, "status")))

    def replaced(self, fresh: Mapping[int, tuple[Ints, CategoryWalks]]) -> Walks:
        """Return the walks with those of some buildings to some categories replaced."""
        parts = {name: getattr(self, name).copy() for name in (*_WORDS, "status")}
        for category, (buildings, walks) in fresh.items():
            for name, rows in parts.items():
                rows[category, buildings] = getattr(walks, name)
        return Walks(**parts)

    def differ(self, other: Walks, buildings: Ints) -> npt.NDArray[np.bool_]:
        """Return (category × building) where anything but the facility of some buildings differs."""
        differing = np.zeros((len(self.steps), len(buildings)), bool)
        for name in ("steps", "least", "most", "status"):
            differing |= getattr(self, name)[:, buildings] != getattr(other, name)[:, buildings]
        return differing


@dataclass(frozen=True, eq=False)
class Survey:
    """A town's places on its network, ready for searches.

    Attributes
    ----------
    network : the walking network
    places : buildings and services
    """

    network: StreetNetwork
    places: Places

    @classmethod
    def of(cls, town: Town, pace: Pace | None = None) -> Self:
        """Build the network of a town and attach its places; walks are in level metres of a pace, if any."""
        network = build_network(town)
        return cls(network if pace is None else at_pace(network, pace), locate_places(town, network))

    @cached_property
    def homes(self) -> Homes:
        """The doors of the buildings, every candidate among them."""
        return self._weigh_homes(None)

    def _weigh_homes(self, weighed: Weighed | None) -> Homes:
        ways, owner = self.places.building_ways, self.places.building_of
        count, choices = len(self.places.buildings), self.network.rules.candidates
        return Homes.of(self.network, ways, owner, count, choices, weighed)

    @cached_property
    def facility_doors(self) -> Doors:
        """The doors of the facilities that are used, by facility."""
        return self._weigh_facilities(None)

    def _weigh_facilities(self, weighed: Weighed | None) -> Doors:
        ways = self.places.facility_ways
        owned, _ = ways.chosen(ways.rank == 0).by_owner(self.places.facility_of)
        return Doors.of(self.network, owned, weighed)

    def doors_of(self, facilities: Ints) -> Doors:
        """Return the doors of some facilities."""
        wanted = np.zeros(len(self.places.facilities), bool)
        wanted[facilities] = True
        return self.facility_doors.chosen(np.flatnonzero(wanted[self.facility_doors.owner]))

    def public(self, category: int) -> Ints:
        """Return the facilities that offer a category to everyone."""
        offering = self.places.facilities_of(category)
        found: Ints = offering[self.places.estate_of[offering] == ""]
        return found

    def services(self, category: int) -> Goals:
        """Return the doors of the public services of a category."""
        if category not in self._services:
            self._services[category] = Goals.of(self.doors_of(self.public(category)))
        return self._services[category]

    @cached_property
    def _services(self) -> dict[int, Goals]:
        return {}

    def estate_services(self, category: int) -> tuple[Goals, Ints]:
        """Return the doors of the services of a category that only their estate may use, and its number."""
        if category not in self._estate_services:
            offering = self.places.facilities_of(category)
            kept = offering[self.places.estate_of[offering] != ""]
            goals = Goals.of(self.doors_of(kept))
            estate = self.places.estates.get_indexer(pd.Index(self.places.estate_of[goals.doors.owner]))
            self._estate_services[category] = goals, estate.astype(np.int64)
        return self._estate_services[category]

    @cached_property
    def _estate_services(self) -> dict[int, tuple[Goals, Ints]]:
        return {}

    def seeds(self, category: int) -> Seeds:
        """Return the public services of a category as seeds, numbered by facility."""
        return self.services(category).seeds

    def after(self, before: Survey, edges: Ints, buildings: Ints, facilities: Ints) -> Self:
        """Take over what a survey before an edit knows and the edit has not changed; return self.

        ``edges`` are those whose costs are others; ``buildings`` and ``facilities`` those that are attached
        or, facilities, used in other ways.
        """

        def same(mine: Attachments, its: Attachments) -> bool:
            return mine is its and not np.isin(mine.edge, edges).any()

        if same(self.places.building_ways, before.places.building_ways):
            self.__dict__["homes"] = before.homes
        else:
            weighed = Weighed(before.homes.doors, buildings, edges)
            self.__dict__["homes"] = self._weigh_homes(weighed)
        changed = facilities
        if same(self.places.facility_ways, before.places.facility_ways):
            self.__dict__["facility_doors"] = before.facility_doors
        else:
            weighed = Weighed(before.facility_doors, facilities, edges)
            doors = self.__dict__["facility_doors"] = self._weigh_facilities(weighed)
            changed = np.append(facilities, doors.owner[np.isin(doors.edge, edges)])
        offers = np.concatenate([self.places.offered, before.places.offered])
        anew = set(offers[np.isin(offers[:, 0], changed), 1].tolist())
        self.__dict__["_services"] = {
            key: value for key, value in before._services.items() if key not in anew
        }
        self.__dict__["_estate_services"] = {
            key: value for key, value in before._estate_services.items() if key not in anew
        }
        return self

    def measure(
        self, category: int, labels: Labels, search_m: float, buildings: Ints | None = None
    ) -> CategoryWalks:
        """Return the walks to a category of some buildings, or all, given the labels of its public services."""
        asked = np.arange(len(self.places.buildings)) if buildings is None else buildings
        found = arrivals(labels, self.homes, self.services(category), search_m, asked)
        nearest, number, least, most = found.steps, found.owner, found.least, found.most
        if len(self.places.facilities_of(category)) > len(self.public(category)):
            inside, own = self._within_estates(category, search_m, asked, most)
            nearer = inside < nearest
            nearest, number = np.where(nearer, inside, nearest), np.where(nearer, own, number)
            least, most = np.minimum(least, inside), np.minimum(most, inside)
        return CategoryWalks(nearest, number, least, most, self._status(category, nearest, asked))

    def _within_estates(
        self, category: int, search_m: float, buildings: Ints, enough: Numbers
    ) -> tuple[Numbers, Numbers]:
        """Return the walks of buildings to services that only residents of their estate may use.

        Walks of ``enough`` (k,) steps and more are of no account.
        """
        goals, estate = self.estate_services(category)
        steps = np.full(len(buildings), CLOSED, np.int32)
        facility = np.full(len(buildings), _NOBODY, np.int32)
        home = self.places.estate_number[buildings]
        served = np.flatnonzero(np.isin(home, estate) & (home >= 0))
        if len(served):
            served = served[np.argsort(home[served], kind="stable")]
            steps[served], facility[served] = arrivals_within(
                self.network,
                self.homes,
                goals,
                search_m,
                buildings[served],
                home[served],
                estate,
                enough[served],
            )
        return steps, facility

    def distances(self, facilities: Ints, limit_m: float) -> csr_array:
        """Return sparse (building × facility) walks in metres within a limit, to some facilities by number."""
        place = np.full(len(self.places.facilities), -1, np.int32)
        place[facilities] = np.arange(len(facilities))
        sites = self.doors_of(facilities)
        return self._matrix(sites.owned(place[sites.owner]), len(facilities), limit_m)

    def distances_to(self, xy: npt.NDArray[np.float64], limit_m: float) -> csr_array:
        """Return sparse (building × point) walks in metres within a limit, to any points (p, 2).

        A walk that is not stored is longer than the limit; a stored 0 has no length.  Candidate sites of
        new services are such points.
        """
        ways = attach(self.network, xy)
        return self._matrix(Doors.of(self.network, ways.chosen(ways.rank == 0)), len(xy), limit_m)

    def _matrix(self, sites: Doors, count: int, limit_m: float) -> csr_array:
        return matrix(
            self.network,
            self.homes.used(),
            sites,
            limit_m,
            demand_count=len(self.places.buildings),
            site_count=count,
        )

    def _status(self, category: int, steps: Numbers, buildings: Ints) -> npt.NDArray[np.int8]:
        """Return the status of buildings with walks of some steps."""
        places = self.places
        status = np.full(len(buildings), Status.REACHED, np.int8)
        without = np.flatnonzero(steps == CLOSED)
        if not len(without):
            return status
        if not len(places.facilities_of(category)):
            status[:] = Status.NO_FACILITY if places.complete[category] else Status.NOT_ASSESSED
            return status
        lost = buildings[without]
        why = np.full(len(lost), Status.STRANDED_DATA, np.int8)
        services = self.services(category)
        if len(services.doors):
            barred, joined = self._joined(services.doors, lost)
            why[barred] = Status.STRANDED_BARRIER
            why[joined] = Status.BEYOND_SEARCH
        elif not len(self.public(category)):
            why[self.homes.first[lost + 1] > self.homes.first[lost]] = Status.BEYOND_SEARCH
        why[np.isin(places.side_of[lost], self.network.without_gates)] = Status.STRANDED_DATA
        status[without] = why
        return status

    def _joined(
        self, services: Doors, buildings: Ints
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return which of some buildings only a wall or barrier parts from services, and which nothing does."""
        network, homes = self.network, self.homes
        first, count = homes.first[buildings], homes.first[buildings + 1] - homes.first[buildings]
        owner = np.repeat(np.arange(len(buildings)), count)
        rows = np.repeat(first - np.cumsum(count) + count, count) + np.arange(len(owner))
        used = homes.rank[rows] == 0
        owner, rows = owner[used], rows[used]
        edge, leave, nodes = homes.doors.edge[rows], homes.doors.leave[rows], homes.doors.node[rows]

        def meets(
            piece: Numbers, usable: npt.NDArray[np.bool_], enterable: npt.NDArray[np.bool_]
        ) -> npt.NDArray[np.bool_]:
            serving = np.zeros(piece.max(initial=-1) + 1, bool)
            serving[piece[services.node[enterable]]] = True
            found = np.zeros(len(buildings), bool)
            found[owner[(serving[piece[nodes]] & usable).any(axis=1)]] = True
            return found

        joined = meets(network.component, leave != CLOSED, services.enter != CLOSED)
        anywhere = np.ones((len(rows), 2), bool), np.ones((len(services), 2), bool)
        barred = meets(network.lifted_component, *anywhere)
        # A part of town without a way to any service, and a barrier on the straight line to the nearest.
        in_town = np.zeros(len(buildings), bool)
        in_town[owner[~network.is_islet[edge]]] = True
        rest = np.flatnonzero(in_town & ~joined & ~barred)
        if len(rest):
            goal = self.places.facility_centre[np.unique(services.owner)]
            here = self.places.building_centre[buildings[rest]]
            nearest = shapely.STRtree(goal).nearest(here)
            ends = np.stack([shapely.get_coordinates(here), shapely.get_coordinates(goal[nearest])], axis=1)
            lines = np.asarray(shapely.linestrings(ends), object)
            barred[rest[network.walls.crossed(lines)]] = True
        return barred, joined
