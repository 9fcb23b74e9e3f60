"""Walks between points that are attached to edges: legs at both ends, and along one shared edge.

Nothing is split: a service is a seed at both ends of its edge, a building reads the labels of both
ends of its own, and two points of one edge also meet directly along it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numba
import numpy as np
import numpy.typing as npt

from spatial.network import CLOSED, STEPS_PER_M, Attachments, Network
from spatial.search.kernel import search
from spatial.search.walking import Labels, Numbers, Seeds, limit_label

Ints = npt.NDArray[np.int64]

__all__ = ["Doors", "Goals", "Homes", "Weighed", "along_one_edge", "reach"]


@dataclass(frozen=True, eq=False)
class Weighed:
    """Doors from before an edit, and what of them no longer holds.

    Attributes
    ----------
    doors : the doors, sorted by owner
    reattached : owners that are attached in other ways now
    edges : edges that have changed
    """

    doors: Doors
    reattached: Ints
    edges: Ints

    def stale(self, attachments: Attachments) -> npt.NDArray[np.bool_]:
        """Return which of the attachments of owners have to be weighed anew."""
        anew = np.isin(attachments.edge, self.edges)
        owners = int(attachments.point.max(initial=-1)) + 1
        again = np.zeros(max(owners, int(self.reattached.max(initial=-1)) + 1), bool)
        again[self.reattached] = True
        return anew | again[attachments.point]


@dataclass(frozen=True, eq=False)
class Doors:
    """Attachments with what they cost to walk, in steps, on one network.

    Attributes
    ----------
    owner : (k,) what each stands for
    edge : (k,) the edge
    node : (k, 2) nodes at the start and end of the edge
    leave : (k, 2) steps from the door to either end
    enter : (k, 2) steps from either end to the door
    access : (k,) steps of the leg off the network
    place : (k,) share of the edge that lies before the door
    along : (k, 2) steps of the whole edge, along and against it
    """

    owner: Numbers
    edge: Ints
    node: Numbers
    leave: Numbers
    enter: Numbers
    access: Numbers
    place: npt.NDArray[np.float64]
    along: Numbers

    @classmethod
    def of(cls, network: Network, attachments: Attachments, weighed: Weighed | None = None) -> Doors:
        """Weigh attachments on the edges of a network, by owner; take over those weighed before that still hold.

        The edges of a large network lie far apart in memory, so that looking up all of them takes longer
        than most edits.
        """
        if weighed is not None:
            return cls._of_stale(network, attachments, weighed)
        edge = attachments.edge
        along = network.cost[edge]
        length_m = network.length_m[edge]
        place = np.where(length_m > 0, attachments.offset_m / np.maximum(length_m, 1e-12), 0.0)
        place = np.clip(place, 0.0, 1.0)
        return cls(
            owner=attachments.point.astype(np.int32),
            edge=edge,
            node=network.edge_nodes[edge],
            leave=np.column_stack([_part(along[:, 1], place), _part(along[:, 0], 1 - place)]),
            enter=np.column_stack([_part(along[:, 0], place), _part(along[:, 1], 1 - place)]),
            access=np.rint(attachments.access_m * STEPS_PER_M).astype(np.int32),
            place=place,
            along=along,
        )

    @classmethod
    def _of_stale(cls, network: Network, attachments: Attachments, weighed: Weighed) -> Doors:
        stale = np.flatnonzero(weighed.stale(attachments))
        fresh = cls.of(network, attachments.chosen(stale))
        # The others of an owner stand in the order they had.
        owner, before = attachments.point, weighed.doors
        count = int(owner.max(initial=-1)) + 1
        shift = np.searchsorted(before.owner, np.arange(count)) - np.searchsorted(owner, np.arange(count))
        rows = np.arange(len(owner)) + shift[owner]
        rows[stale] = len(before) + np.arange(len(stale))
        both = {
            name: np.concatenate([getattr(before, name), getattr(fresh, name)])
            for name in cls.__dataclass_fields__
        }
        return cls(**{name: column.take(rows, axis=0) for name, column in both.items()})

    def __len__(self) -> int:
        return len(self.owner)

    def chosen(self, rows: Ints | npt.NDArray[np.bool_]) -> Doors:
        """Return some of the doors."""
        return Doors(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    def owned(self, owner: Numbers) -> Doors:
        """Return the doors as those of other owners."""
        return replace(self, owner=owner)

    def seeds(self) -> Seeds:
        """Return the doors as seeds of walks that end at them, numbered by owner."""
        cost = np.minimum(self.enter.astype(np.int64) + self.access[:, None], CLOSED).astype(np.int32)
        return Seeds.sorted(self.node.ravel(), cost.ravel(), np.repeat(self.owner, 2))


def _part(along: Numbers, share: npt.NDArray[np.float64]) -> Numbers:
    """Return the steps of a share of an edge; of a closed edge none can be walked."""
    closed = (along == CLOSED) & (share > 0)
    return np.where(closed, CLOSED, np.rint(np.where(along == CLOSED, 0, along) * share)).astype(np.int32)


def reach(network: Network, doors: Doors, limit_m: float) -> Labels:
    """Label every node with the walk from doors to it, outward: what can be reached from there."""
    cost = np.minimum(doors.leave.astype(np.int64) + doors.access[:, None], CLOSED).astype(np.int32)
    seeds = Seeds.sorted(doors.node.ravel(), cost.ravel(), np.repeat(doors.owner, 2))
    labels = Labels.empty(network.node_count)
    arcs = network.arcs
    search(
        arcs.start,
        arcs.outward,
        seeds.node,
        seeds.label,
        len(seeds.node) + 1,
        limit_label(limit_m),
        labels.words,
    )
    return labels


@dataclass(frozen=True, eq=False)
class Homes:
    """Doors where walks begin, by owner, with the choices among candidate edges.

    Attributes
    ----------
    doors : the doors, sorted by owner
    first : (owners + 1,) first door of each owner
    rank : (k,) 0 for the edge that is used, more for candidates farther off
    last : (k,) whether a door is the farthest candidate of its point, which then stands for farther ones
    choices : number of candidates there may be
    """

    doors: Doors
    first: Ints
    rank: Ints
    last: npt.NDArray[np.bool_]
    choices: int

    @classmethod
    def of(  # noqa: PLR0917
        cls,
        network: Network,
        ways: Attachments,
        owner: Ints,
        count: int,
        choices: int,
        weighed: Weighed | None = None,
    ) -> Homes:
        """Weigh attachments of points; ``owner`` is by point, of ``count`` owners."""
        # The attachments of a point stand together, the farthest last.
        is_last = ways.rank == ways.rank[np.searchsorted(ways.point, ways.point, side="right") - 1]
        owned, order = ways.by_owner(owner)
        doors = Doors.of(network, owned, weighed)
        first = np.searchsorted(doors.owner, np.arange(count + 1))
        return cls(doors, first, owned.rank, is_last[order], choices)

    def used(self) -> Doors:
        """Return the doors that are used when no other candidate is."""
        return self.doors.chosen(self.rank == 0)


@dataclass(frozen=True, eq=False)
class Goals:
    """Doors where walks end.

    Attributes
    ----------
    doors : the doors, sorted by edge and owner
    """

    doors: Doors

    @classmethod
    def of(cls, doors: Doors) -> Goals:
        """Sort the doors of services."""
        return cls(doors.chosen(np.lexsort((doors.owner, doors.edge))))

    @cached_property
    def seeds(self) -> Seeds:
        """The doors as seeds, numbered by owner."""
        return self.doors.seeds()


@numba.njit(cache=True, nogil=True)
def along_one_edge(along: Numbers, from_place: float, to_place: float) -> int:
    """Return the steps between two places of one edge, `CLOSED` when it may not be walked."""
    steps = along[0] if to_place >= from_place else along[1]
    if to_place == from_place:
        return 0
    if steps == CLOSED:
        return CLOSED
    return np.int64(np.rint(steps * abs(to_place - from_place)))  # type: ignore[return-value]
