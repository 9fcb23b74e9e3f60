"""Walks from demand to sites, one bounded search from every site."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from spatial.network import CLOSED, STEPS_PER_M, Network
from spatial.search.doors import Doors, along_one_edge
from spatial.search.kernel import FAR, HALF, push, settle
from spatial.search.walking import Numbers, limit_steps

__all__ = ["matrix"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


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
    settled = np.empty(1024, np.int64)
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
        heap, settled, taken = settle(start, arcs, labels, None, heap, size, greatest, settled)
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
                between = along_one_edge(along[row], place[row], site_place[door])
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
