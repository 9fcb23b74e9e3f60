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
import shapely
from scipy.sparse import csr_array

from spatial.lifecircle.places import Places, locate_places
from spatial.network import CLOSED, STEPS_PER_M, Pace, StreetNetwork, at_pace, attach, build_network
from spatial.search import Doors, Labels, Seeds, arrivals, matrix
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
    """The walks of every building to one category.

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

    def merged(self, others: CategoryWalks, only: npt.NDArray[np.bool_]) -> CategoryWalks:
        """Return these walks for some buildings, and others for the rest."""
        return CategoryWalks(
            *(np.where(only, getattr(self, name), getattr(others, name)) for name in (*_WORDS, "status"))
        )


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

    def replaced(self, fresh: Mapping[int, CategoryWalks]) -> Walks:
        """Return the walks with those to some categories replaced."""
        parts = {name: getattr(self, name).copy() for name in (*_WORDS, "status")}
        for category, walks in fresh.items():
            for name, rows in parts.items():
                rows[category] = getattr(walks, name)
        return Walks(**parts)

    def differ(self, other: Walks) -> npt.NDArray[np.bool_]:
        """Return (category × building) where anything but the facility differs."""
        differing: npt.NDArray[np.bool_] = (
            (self.steps != other.steps)
            | (self.least != other.least)
            | (self.most != other.most)
            | (self.status != other.status)
        )
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
    def building_doors(self) -> Doors:
        """The doors of the building points, every candidate among them."""
        return Doors.of(self.network, self.places.building_ways)

    @cached_property
    def facility_doors(self) -> Doors:
        """The doors of the facilities that are used."""
        ways = self.places.facility_ways.of_owner(self.places.facility_of)
        return Doors.of(self.network, ways.chosen(ways.rank == 0))

    @cached_property
    def variants(self) -> tuple[Ints, ...]:
        """Rows of `building_doors` for each choice of candidate, in order of building; the first is used."""
        ways = self.places.building_ways
        last = np.zeros(len(self.places.building_of), np.int64)
        np.maximum.at(last, ways.point, ways.rank)
        owner = self.row_owner
        rows = []
        for rank in range(self.network.rules.candidates):
            chosen = np.flatnonzero(ways.rank == np.minimum(rank, last[ways.point])).astype(np.int64)
            rows.append(chosen[np.argsort(owner[chosen], kind="stable")])
        return tuple(rows)

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

    def services(self, category: int) -> Doors:
        """Return the doors of the public services of a category."""
        if category not in self._services:
            self._services[category] = self.doors_of(self.public(category))
        return self._services[category]

    @cached_property
    def _services(self) -> dict[int, Doors]:
        return {}

    def seeds(self, category: int) -> Seeds:
        """Return the public services of a category as seeds, numbered by facility."""
        return self.services(category).seeds()

    def measure(
        self, category: int, labels: Labels, search_m: float, only: npt.NDArray[np.bool_] | None = None
    ) -> CategoryWalks:
        """Return the walks to a category, given the labels of its public services.

        With ``only`` (b,), walks of other buildings are left out, and mean nothing.
        """
        rows = [*self.variants]
        doors = self.building_doors
        if only is not None:
            kept = np.flatnonzero(only[self.row_owner])
            place = np.full(len(doors), -1, np.int64)
            place[kept] = np.arange(len(kept))
            rows = [place[one[only[self.row_owner[one]]]] for one in rows]
            doors = doors.chosen(kept)
        owner = self.row_owner if only is None else self.row_owner[kept]
        services = self.services(category)
        steps, facility = arrivals(labels, doors, services, search_m)
        best = [self._nearest(steps, facility, one, owner) for one in rows]
        least = np.minimum.reduce([one[0] for one in best])
        most = np.maximum.reduce([one[0] for one in best])
        nearest, number = best[0]
        if len(self.places.facilities_of(category)) > len(self.public(category)):
            inside, own = self._within_estates(category, search_m, only)
            nearer = inside < nearest
            nearest, number = np.where(nearer, inside, nearest), np.where(nearer, own, number)
            least, most = np.minimum(least, inside), np.minimum(most, inside)
        status = self._status(category, nearest, only)
        return CategoryWalks(nearest, number, least, most, status)

    @cached_property
    def row_owner(self) -> Ints:
        """Building of each row of `building_doors`."""
        owner: Ints = self.places.building_of[self.places.building_ways.point]
        return owner

    def _nearest(
        self, steps: Numbers, facility: Numbers, rows: Ints, row_owner: Ints
    ) -> tuple[Numbers, Numbers]:
        """Return the least of the walks of each building over some of its doors."""
        count = len(self.places.buildings)
        best = np.full(count, CLOSED, np.int32)
        number = np.full(count, _NOBODY, np.int32)
        if not len(rows):
            return best, number
        owner = row_owner[rows]
        first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
        keys = (steps[rows].astype(np.int64) << 32) | (facility[rows].astype(np.int64) & 0xFFFFFFFF)
        least = np.minimum.reduceat(keys, first)
        best[owner[first]] = least >> 32
        number[owner[first]] = (least & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
        return best, number

    def _within_estates(
        self, category: int, search_m: float, only: npt.NDArray[np.bool_] | None
    ) -> tuple[Numbers, Numbers]:
        """Return the walks to services that only residents of their estate may use."""
        places = self.places
        offering = places.facilities_of(category)
        kept = offering[places.estate_of[offering] != ""]
        if only is not None:
            kept = kept[np.isin(places.estate_of[kept], places.estate_at[only])]
        reach = self.distances(kept, search_m).tocoo()
        own = places.estate_at[reach.row] == places.estate_of[kept[reach.col]]
        steps = np.full(len(places.buildings), CLOSED, np.int32)
        facility = np.full(len(places.buildings), _NOBODY, np.int32)
        row, site = reach.row[own], reach.col[own]
        value = np.rint(reach.data[own] * STEPS_PER_M).astype(np.int32)
        order = np.lexsort((-site, -value, row))  # the last written is the nearest
        steps[row[order]], facility[row[order]] = value[order], kept[site[order]]
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
        homes = self.building_doors.owned(self.row_owner.astype(np.int32)).chosen(
            self.places.building_ways.rank == 0
        )
        return matrix(
            self.network, homes, sites, limit_m, demand_count=len(self.places.buildings), site_count=count
        )

    def _status(
        self, category: int, steps: Numbers, only: npt.NDArray[np.bool_] | None
    ) -> npt.NDArray[np.int8]:
        places = self.places
        if only is not None and (steps[only] != CLOSED).all():
            return np.full(len(steps), Status.REACHED, np.int8)
        if not len(places.facilities_of(category)):
            none = Status.NO_FACILITY if places.complete[category] else Status.NOT_ASSESSED
            return np.full(len(steps), none, np.int8)
        status = np.full(len(steps), Status.STRANDED_DATA, np.int8)
        services = self.services(category)
        if len(services):
            barred, joined = self._joined(services)
            status[barred] = Status.STRANDED_BARRIER
            status[joined] = Status.BEYOND_SEARCH
        elif not len(self.public(category)):
            status[self.row_owner] = Status.BEYOND_SEARCH
        unknown = np.isin(places.side_of, self.network.without_gates)
        status[unknown] = Status.STRANDED_DATA
        status[steps != CLOSED] = Status.REACHED
        return status

    def _joined(self, services: Doors) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return which buildings only a wall or barrier parts from services, and which nothing does."""
        network, rows = self.network, self.variants[0]
        owner = self.row_owner[rows]
        doors = self.building_doors.chosen(rows)
        nodes = network.edge_nodes[doors.edge]
        goals = network.edge_nodes[services.edge]
        count = len(self.places.buildings)

        def meets(
            piece: Numbers, usable: npt.NDArray[np.bool_], enterable: npt.NDArray[np.bool_]
        ) -> npt.NDArray[np.bool_]:
            serving = np.zeros(int(piece.max(initial=0)) + 1, bool)
            serving[piece[goals[enterable]]] = True
            found = np.zeros(count, bool)
            found[owner[(serving[piece[nodes]] & usable).any(axis=1)]] = True
            return found

        joined = meets(network.component, doors.leave != CLOSED, services.enter != CLOSED)
        anywhere = np.ones((len(doors), 2), bool), np.ones((len(services), 2), bool)
        barred = meets(network.lifted_component, *anywhere)
        # A part of town without a way to any service, and a barrier on the straight line to the nearest.
        in_town = np.zeros(count, bool)
        in_town[owner[~network.is_islet[doors.edge]]] = True
        rest = np.flatnonzero(in_town & ~joined & ~barred)
        if len(rest):
            goal = self.places.facility_centre[np.unique(services.owner)]
            here = self.places.building_centre[rest]
            nearest = shapely.STRtree(goal).nearest(here)
            ends = np.stack([shapely.get_coordinates(here), shapely.get_coordinates(goal[nearest])], axis=1)
            lines = np.asarray(shapely.linestrings(ends), object)
            barred[rest[network.walls.crossed(lines)]] = True
        return barred, joined
