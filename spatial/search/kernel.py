"""The walking kernel: shortest walks from many seeds at once, within a limit, improved in place.

A label of a slot is its cost in steps and the number of the seed it comes from; a label is better when
it costs less or, at equal cost, comes from the lower number.  Every edge costs at least one step, so
the labels that result do not depend on the order of the seeds, nor on how they are batched.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from spatial.network import CLOSED

__all__ = ["NOBODY", "push", "search", "search_again", "settle"]

Numbers = npt.NDArray[np.int32]
Keys = npt.NDArray[np.int64]

NOBODY = -1
"""Number in place of a seed where none reaches."""

_SLOT_BITS = 32
_SLOT_MASK = (1 << _SLOT_BITS) - 1


@numba.njit(cache=True, nogil=True, boundscheck=False)
def push(heap: Keys, size: int, key: int) -> Keys:
    """Put a key on a heap whose nodes have four children; return the heap, grown where it was full."""
    if size == len(heap):
        larger = np.empty(2 * size, np.int64)
        larger[:size] = heap
        heap = larger
    place = size
    while place > 0:
        above = (place - 1) >> 2
        if heap[above] <= key:
            break
        heap[place] = heap[above]
        place = above
    heap[place] = key
    return heap


@numba.njit(cache=True, nogil=True, boundscheck=False)
def _pop(heap: Keys, size: int) -> int:
    """Take the least key off a heap of ``size`` keys; one fewer remain."""
    least = heap[0]
    size -= 1
    key = heap[size]
    place = 0
    while True:
        child = 4 * place + 1
        if child >= size:
            break
        best = child
        for other in range(child + 1, min(child + 4, size)):
            if heap[other] < heap[best]:
                best = other
        if heap[best] >= key:
            break
        heap[place] = heap[best]
        place = best
    heap[place] = key
    return least  # type: ignore[no-any-return]


@numba.njit(cache=True, nogil=True, boundscheck=False)
def settle(  # noqa: PLR0917
    start: Keys,
    arcs: Numbers,
    cost: Numbers,
    origin: Numbers,
    heap: Keys,
    size: int,
    limit: int,
    settled: Numbers,
) -> tuple[Keys, int]:
    """Spread the labels on a heap through the network until none improves another.

    ``cost`` and ``origin`` (n,) are improved in place.  The first slots taken off the heap are noted
    in ``settled``, as many as it holds.  Returns the heap, to be used again, and how many were taken.
    """
    taken = 0
    while size > 0:
        key = _pop(heap, size)
        size -= 1
        slot = key & _SLOT_MASK
        here = key >> _SLOT_BITS
        if here > cost[slot]:
            continue
        if taken < len(settled):
            settled[taken] = slot
        taken += 1
        number = origin[slot]
        for arc in range(start[slot], start[slot + 1]):
            there = here + arcs[arc, 1]
            if there > limit:
                continue
            neighbour = arcs[arc, 0]
            if there < cost[neighbour] or (there == cost[neighbour] and number < origin[neighbour]):
                cost[neighbour] = there
                origin[neighbour] = number
                heap = push(heap, size, (there << _SLOT_BITS) | neighbour)
                size += 1
    return heap, taken


@numba.njit(cache=True, nogil=True, boundscheck=False)
def search(  # noqa: PLR0917
    start: Keys,
    arcs: Numbers,
    seed_slot: Numbers,
    seed_cost: Numbers,
    seed_number: Numbers,
    batch: int,
    limit: int,
    cost: Numbers,
    origin: Numbers,
) -> None:
    """Improve labels by seeds, a batch at a time.

    Seeds near each other belong in one batch: a search that stays in one neighbourhood finds its data
    in the cache, and later batches stop where earlier ones were better.
    """
    heap = np.empty(1024, np.int64)
    unnoted = np.empty(0, np.int32)
    for first in range(0, len(seed_slot), batch):
        size = 0
        for seed in range(first, min(first + batch, len(seed_slot))):
            slot, there, number = seed_slot[seed], seed_cost[seed], seed_number[seed]
            if there > limit:
                continue
            if there < cost[slot] or (there == cost[slot] and number < origin[slot]):
                cost[slot] = there
                origin[slot] = number
                heap = push(heap, size, (np.int64(there) << _SLOT_BITS) | slot)
                size += 1
        heap, _ = settle(start, arcs, cost, origin, heap, size, limit, unnoted)


@numba.njit(cache=True, nogil=True, boundscheck=False)
def search_again(  # noqa: PLR0917
    start: Keys,
    arcs: Numbers,
    seed_slot: Numbers,
    seed_cost: Numbers,
    seed_number: Numbers,
    lost: Numbers,
    limit: int,
    cost: Numbers,
    origin: Numbers,
) -> None:
    """Find new labels for slots that lost theirs, from the rim of the lost area and the seeds in it.

    ``lost`` are slots whose cost is `CLOSED` already; every label that came through them must be
    among them.
    """
    heap = np.empty(1024, np.int64)
    size = 0
    for place in range(len(lost)):
        slot = lost[place]
        for arc in range(start[slot], start[slot + 1]):
            neighbour, step = arcs[arc, 0], arcs[arc, 1]
            if step == CLOSED or cost[neighbour] == CLOSED:
                continue
            # Steps inward: from the lost slot out to a neighbour that kept its label.
            heap = push(heap, size, (np.int64(cost[neighbour]) << _SLOT_BITS) | neighbour)
            size += 1
    for seed in range(len(seed_slot)):
        slot, there, number = seed_slot[seed], seed_cost[seed], seed_number[seed]
        if there > limit:
            continue
        if there < cost[slot] or (there == cost[slot] and number < origin[slot]):
            cost[slot] = there
            origin[slot] = number
            heap = push(heap, size, (np.int64(there) << _SLOT_BITS) | slot)
            size += 1
    settle(start, arcs, cost, origin, heap, size, limit, np.empty(0, np.int32))
