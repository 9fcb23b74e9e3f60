"""Walks between points that are attached to edges: legs at both ends, and along one shared edge.

Nothing is split: a service is a seed at both ends of its edge, a building reads the labels of both
ends of its own, and two points of one edge also meet directly along it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numba
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from spatial.network import CLOSED, STEPS_PER_M, Attachments, Network
from spatial.search.kernel import FAR, HALF, push, search, settle
from spatial.search.walking import NOBODY, Labels, Numbers, Seeds, limit_label, limit_steps

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

__all__ = ["Doors", "arrivals", "matrix", "reach"]


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
    def of(cls, network: Network, attachments: Attachments) -> Doors:
        """Weigh attachments on the edges of a network."""
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


def arrivals(labels: Labels, doors: Doors, services: Doors, limit_m: float) -> tuple[Numbers, Numbers]:
    """Return the walk from each door to the nearest service, and the owner of that service.

    Parameters
    ----------
    labels : nearest services of the nodes, numbered by owner
    doors : where walks begin
    services : the doors of the services, whose seeds made the labels
    limit_m : longest walk, metres

    Returns
    -------
    (k,) steps, `CLOSED` beyond the limit, and (k,) owner, `NOBODY` where none.
    """
    order = np.lexsort((services.owner, services.edge))
    found: tuple[Numbers, Numbers] = _arrivals(
        labels.words,
        doors.edge,
        doors.node,
        doors.leave,
        doors.access,
        doors.place,
        doors.along,
        services.edge[order],
        services.place[order],
        services.access[order],
        services.owner[order],
        limit_steps(limit_m),
    )
    return found


@numba.njit(cache=True, nogil=True)
def _along_one_edge(along: Numbers, from_place: float, to_place: float) -> int:
    """Return the steps between two places of one edge, `CLOSED` when it may not be walked."""
    steps = along[0] if to_place >= from_place else along[1]
    if to_place == from_place:
        return 0
    if steps == CLOSED:
        return CLOSED
    return np.int64(np.rint(steps * abs(to_place - from_place)))  # type: ignore[return-value]


@numba.njit(cache=True, nogil=True)
def _arrivals(  # noqa: PLR0917
    labels: Ints,
    edge: Ints,
    node: Numbers,
    leave: Numbers,
    access: Numbers,
    place: Floats,
    along: Numbers,
    service_edge: Ints,
    service_place: Floats,
    service_access: Numbers,
    service_owner: Numbers,
    limit: int,
) -> tuple[Numbers, Numbers]:
    steps = np.full(len(edge), CLOSED, np.int32)
    owner = np.full(len(edge), NOBODY, np.int32)
    for door in range(len(edge)):
        best, nearest = np.int64(limit) + 1, np.int64(NOBODY)
        for end in range(2):
            label = labels[node[door, end]]
            if label == FAR or leave[door, end] == CLOSED:
                continue
            total = (label >> HALF) + leave[door, end] + access[door]
            number = label & ((1 << HALF) - 1)
            if total < best or (total == best and number < nearest):
                best, nearest = total, number
        here = np.searchsorted(service_edge, edge[door])
        while here < len(service_edge) and service_edge[here] == edge[door]:
            between = _along_one_edge(along[door], place[door], service_place[here])
            total = np.int64(between) + access[door] + service_access[here]
            if total < best or (total == best and service_owner[here] < nearest):
                best, nearest = total, service_owner[here]
            here += 1
        if best <= limit:
            steps[door] = best
            owner[door] = nearest
    return steps, owner


def matrix(
    network: Network, demand: Doors, sites: Doors, limit_m: float, *, demand_count: int, site_count: int
) -> csr_array:
    """Return the walks from demand to sites within a limit, one search from every site.

    Returns
    -------
    Sparse (demand × site) metres; an entry not stored is farther than the limit, a stored 0 is a walk
    of length 0.
    """
    by_node = np.argsort(demand.node.ravel(), kind="stable")
    nodes = demand.node.ravel()[by_node]
    first = np.searchsorted(nodes, np.arange(network.node_count + 1))
    by_edge = np.argsort(demand.edge, kind="stable")
    by_site = np.argsort(sites.owner, kind="stable")
    sites = sites.chosen(by_site)
    site_first = np.searchsorted(sites.owner, np.arange(site_count + 1))
    rows, columns, steps = _matrix(
        network.arcs.start,
        network.arcs.inward,
        first,
        by_node,
        demand.owner,
        demand.leave,
        demand.access,
        demand.edge[by_edge],
        by_edge,
        demand.place,
        demand.along,
        site_first,
        sites.node,
        sites.enter,
        sites.access,
        sites.edge,
        sites.place,
        demand_count,
        limit_steps(limit_m),
    )
    found = csr_array((steps / STEPS_PER_M, (rows, columns)), shape=(demand_count, site_count))
    found.sort_indices()
    return found


@numba.njit(cache=True, nogil=True)
def _matrix(  # noqa: C901, PLR0917
    start: Ints,
    arcs: Ints,
    door_first: Ints,
    door_at: Ints,
    owner: Numbers,
    leave: Numbers,
    access: Numbers,
    sorted_edge: Ints,
    door_on: Ints,
    place: Floats,
    along: Numbers,
    site_first: Ints,
    site_node: Numbers,
    site_enter: Numbers,
    site_access: Numbers,
    site_edge: Ints,
    site_place: Floats,
    demand_count: int,
    limit: int,
) -> tuple[Numbers, Numbers, Numbers]:
    labels = np.full(len(start) - 1, FAR)
    settled = np.empty(len(start) - 1, np.int64)
    greatest = ((limit + 1) << HALF) - 1
    best = np.full(demand_count, np.int64(CLOSED))
    hit = np.empty(demand_count, np.int32)
    heap = np.empty(1024, np.int64)
    rows, columns, steps = np.empty(1024, np.int32), np.empty(1024, np.int32), np.empty(1024, np.int32)
    filled = 0
    for site in range(len(site_first) - 1):
        hits = 0
        size = 0
        for door in range(site_first[site], site_first[site + 1]):
            for end in range(2):
                total = np.int64(site_enter[door, end]) + site_access[door]
                node = site_node[door, end]
                if total <= limit and (total << HALF) < labels[node]:
                    labels[node] = total << HALF
                    heap = push(heap, size, (total << HALF) | node)
                    size += 1
        heap, taken = settle(start, arcs, labels, heap, size, greatest, settled)
        for one in range(taken):
            node = settled[one]
            for at in range(door_first[node], door_first[node + 1]):
                row, end = door_at[at] // 2, door_at[at] % 2
                total = (labels[node] >> HALF) + leave[row, end] + access[row]
                hits = _improve(best, hit, hits, owner[row], total, limit)
        for door in range(site_first[site], site_first[site + 1]):
            here = np.searchsorted(sorted_edge, site_edge[door])
            while here < len(sorted_edge) and sorted_edge[here] == site_edge[door]:
                row = door_on[here]
                between = _along_one_edge(along[row], place[row], site_place[door])
                total = np.int64(between) + access[row] + site_access[door]
                hits = _improve(best, hit, hits, owner[row], total, limit)
                here += 1
        if filled + hits > len(rows):
            size = 2 * (filled + hits)
            rows, columns, steps = (_grown(rows, size), _grown(columns, size), _grown(steps, size))
        for one in range(hits):
            rows[filled], columns[filled], steps[filled] = hit[one], site, best[hit[one]]
            best[hit[one]] = CLOSED
            filled += 1
        for one in range(taken):
            labels[settled[one]] = FAR
    return rows[:filled], columns[:filled], steps[:filled]


@numba.njit(cache=True, nogil=True)
def _improve(  # noqa: PLR0917
    best: Ints, hit: Numbers, hits: int, owner: int, total: int, limit: int
) -> int:
    """Note a walk to an owner if it is the best so far; return how many owners were hit."""
    if total <= limit and total < best[owner]:
        if best[owner] == CLOSED:
            hit[hits] = owner
            hits += 1
        best[owner] = total
    return hits


@numba.njit(cache=True, nogil=True)
def _grown(values: Numbers, size: int) -> Numbers:
    larger = np.empty(size, values.dtype)
    larger[: len(values)] = values
    return larger
