"""The walking kernel: shortest walks from many seeds at once, within a limit, improved in place.

A *label* is one number: the steps to the nearest seed in its upper half, the number of that seed in the
lower.  So the lesser label is the nearer seed and, of two equally near, the one with the lower number.
Every edge costs at least one step; therefore the labels that result do not depend on the order of the
seeds, nor on how they are batched.

Labels that are to be changed at a few nodes are *laid over* others: they are `AS_BELOW` wherever the labels
below hold, which are not copied.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from spatial.network import CLOSED

__all__ = [
    "AS_BELOW",
    "FAR",
    "HALF",
    "apart",
    "apart_at",
    "fill",
    "forget",
    "label_at",
    "labels_of",
    "push",
    "search",
    "search_again",
    "settle",
]

Numbers = npt.NDArray[np.int32]
Words = npt.NDArray[np.int64]

HALF = 32
_LOW = (1 << HALF) - 1
_HIGH = ~_LOW

FAR = (CLOSED << HALF) | (2**31 - 1)
"""Label of a node that no seed reaches; greater than any other."""

AS_BELOW = -1
"""In labels laid over others: the label below holds."""


@numba.njit(cache=True, nogil=True, boundscheck=False)
def push(heap: Words, size: int, key: int) -> Words:
    """Put a key on a heap whose nodes have four children; return the heap, grown where it was full."""
    if size == len(heap):
        larger = np.empty(2 * size, np.int64)
        larger[:size] = heap
        heap = larger
    place = np.uint64(size)
    while place > 0:
        above = (place - np.uint64(1)) >> np.uint64(2)
        if heap[above] <= key:
            break
        heap[place] = heap[above]
        place = above
    heap[place] = key
    return heap


@numba.njit(cache=True, nogil=True, boundscheck=False)
def _pop(heap: Words, size: int) -> int:
    """Take the least key off a heap of ``size`` keys; one fewer remain."""
    least = heap[0]
    last = np.uint64(size - 1)
    key = heap[last]
    place = np.uint64(0)
    while True:
        child = (place << np.uint64(2)) + np.uint64(1)
        if child >= last:
            break
        best, least_below = child, heap[child]
        end = min(child + np.uint64(4), last)
        other = child + np.uint64(1)
        while other < end:
            if heap[other] < least_below:
                best, least_below = other, heap[other]
            other += np.uint64(1)
        if least_below >= key:
            break
        heap[place] = least_below
        place = best
    heap[place] = key
    return least  # type: ignore[no-any-return]


@numba.njit(cache=True, nogil=True, boundscheck=False)
def label_at(labels: Words, below: Words | None, node: int) -> int:
    """Return the label of a node, given labels and those they are laid over, if any."""
    here = labels[node]
    if below is not None:  # noqa: SIM102 - a test of its own is decided when the kernel is compiled
        if here == AS_BELOW:
            here = below[node]
    return here  # type: ignore[no-any-return]


@numba.njit(cache=True, nogil=True, boundscheck=False)
def labels_of(labels: Words, below: Words | None, nodes: Words) -> Words:
    """Return the labels of some nodes."""
    found = np.empty(len(nodes), np.int64)
    for place in range(len(nodes)):
        found[place] = label_at(labels, below, nodes[place])
    return found


@numba.njit(cache=True, nogil=True, boundscheck=False)
def apart(shared: Words, nodes: Words, own: Words, node: int) -> int:
    """Return the label of a node, given shared labels and some nodes, ascending, with labels of their own."""
    if len(nodes) > 0:
        place = np.searchsorted(nodes, node)
        if place < len(nodes) and nodes[place] == node:
            return own[place]  # type: ignore[no-any-return]
    return shared[node] if node < len(shared) else FAR


@numba.njit(cache=True, nogil=True, boundscheck=False)
def apart_at(shared: Words, nodes: Words, own: Words, asked: Words) -> Words:
    """Return the labels of some nodes (k,), as `apart` does."""
    found = np.empty(len(asked), np.int64)
    for place in range(len(asked)):
        found[place] = apart(shared, nodes, own, asked[place])
    return found


@numba.njit(cache=True, nogil=True, boundscheck=False)
def settle(  # noqa: PLR0917
    start: Words,
    arcs: Words,
    labels: Words,
    below: Words | None,
    heap: Words,
    size: int,
    limit: int,
    settled: Words,
) -> tuple[Words, Words, int]:
    """Spread the labels on a heap through the network until none improves another.

    ``labels`` (n,) are improved in place, those ``below`` are not; ``limit`` is the greatest label
    allowed.  The nodes taken off
    the heap are noted in ``settled``, unless it is empty; one may be taken again when an equally near
    seed of a lower number comes by.  Returns the heap and the notes, grown where they were full, and
    how many nodes were taken.
    """
    taken = 0
    while size > 0:
        key = _pop(heap, size)
        size -= 1
        node = np.uint64(key & _LOW)
        here = label_at(labels, below, node)
        if (key & _HIGH) > (here & _HIGH):
            continue
        if len(settled) > 0:
            if taken == len(settled):
                longer = np.empty(2 * taken, np.int64)
                longer[:taken] = settled
                settled = longer
            settled[taken] = node
        taken += 1
        for arc in range(np.uint64(start[node]), np.uint64(start[node + np.uint64(1)])):
            there = here + (arcs[arc] & _HIGH)
            neighbour = np.uint64(arcs[arc] & _LOW)
            if there < label_at(labels, below, neighbour) and there <= limit:
                labels[neighbour] = there
                heap = push(heap, size, (there & _HIGH) | np.int64(neighbour))
                size += 1
    return heap, settled, taken


@numba.njit(cache=True, nogil=True, boundscheck=False)
def search(  # noqa: PLR0917
    start: Words, arcs: Words, seed_node: Numbers, seed_label: Words, batch: int, limit: int, labels: Words
) -> None:
    """Improve labels by seeds, a batch at a time.

    Seeds near each other belong in one batch: a search that stays in one neighbourhood finds its data
    in the cache, and later batches stop where earlier ones were better.
    """
    heap = np.empty(1024, np.int64)
    unnoted = np.empty(0, np.int64)
    for first in range(0, len(seed_node), batch):
        size = 0
        for seed in range(first, min(first + batch, len(seed_node))):
            node, there = seed_node[seed], seed_label[seed]
            if there < labels[node] and there <= limit:
                labels[node] = there
                heap = push(heap, size, (there & _HIGH) | node)
                size += 1
        heap, _, _ = settle(start, arcs, labels, None, heap, size, limit, unnoted)


@numba.njit(cache=True, nogil=True, boundscheck=False)
def search_again(  # noqa: PLR0917
    start: Words,
    arcs: Words,
    seed_node: Numbers,
    seed_label: Words,
    lost: Words,
    limit: int,
    labels: Words,
    below: Words,
) -> Words:
    """Find new labels for nodes that lost theirs, from the rim of the lost area and the seeds given.

    The labels of ``lost`` are `FAR` already; every label that came through them must be among them.
    Returns the nodes that were visited; beside those lost, no others have new labels.
    """
    heap = np.empty(1024, np.int64)
    size = 0
    for node in lost:
        for arc in range(start[node], start[node + 1]):
            neighbour = arcs[arc] & _LOW
            there = label_at(labels, below, neighbour)
            if there != FAR:
                heap = push(heap, size, (there & _HIGH) | neighbour)
                size += 1
    for seed in range(len(seed_node)):
        node, there = seed_node[seed], seed_label[seed]
        if there < label_at(labels, below, node) and there <= limit:
            labels[node] = there
            heap = push(heap, size, (there & _HIGH) | node)
            size += 1
    _, settled, taken = settle(start, arcs, labels, below, heap, size, limit, np.empty(1024, np.int64))
    visited: Words = settled[:taken]
    return visited


@numba.njit(cache=True, nogil=True, boundscheck=False)
def fill(  # noqa: PLR0917
    first: Words, ends: Numbers, back: Numbers, on: Numbers, junction_labels: Words, limit: int, labels: Words
) -> None:
    """Improve the labels of the inner nodes of chains from their ends, and from each other."""
    for chain in range(len(ends)):
        here = junction_labels[ends[chain, 0]]
        for inner in range(first[chain], first[chain + 1]):
            there = here + (np.int64(back[inner]) << HALF)
            if here <= limit and there <= limit and there < labels[inner]:
                labels[inner] = there
            here = labels[inner]
        here = junction_labels[ends[chain, 1]]
        for inner in range(first[chain + 1] - 1, first[chain] - 1, -1):
            there = here + (np.int64(on[inner]) << HALF)
            if here <= limit and there <= limit and there < labels[inner]:
                labels[inner] = there
            here = labels[inner]


@numba.njit(cache=True, nogil=True, boundscheck=False)
def forget(start: Words, arcs: Words, roots: Words, labels: Words, below: Words) -> Words:
    """Take away the labels of some roots and all that may have come through them; return these nodes.

    A label may have come from a neighbour when it is the neighbour's plus the step between them.
    """
    lost, had = np.empty(1024, np.int64), np.empty(1024, np.int64)
    count = 0
    for root in roots:
        lost, had, count = _forget_one(root, labels, below, lost, had, count)
    done = 0
    while done < count:
        node = lost[done]
        for arc in range(start[node], start[node + 1]):
            neighbour = arcs[arc] & _LOW
            if label_at(labels, below, neighbour) == had[done] + (arcs[arc] & _HIGH):
                lost, had, count = _forget_one(neighbour, labels, below, lost, had, count)
        done += 1
    return lost[:count]


@numba.njit(cache=True, nogil=True, boundscheck=False)
def _forget_one(  # noqa: PLR0917
    node: int, labels: Words, below: Words, lost: Words, had: Words, count: int
) -> tuple[Words, Words, int]:
    """Take away the label of a node, if it has any, and note node and label."""
    label = label_at(labels, below, node)
    if label == FAR:
        return lost, had, count
    if count == len(lost):
        lost, had = np.append(lost, lost), np.append(had, had)
    lost[count], had[count] = node, label
    labels[node] = FAR
    return lost, had, count + 1
