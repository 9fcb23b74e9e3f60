# ruff: noqa: C901, PLR0912, PLR0917 - kernels take plain arrays and branch for the compiler
"""The parts of a plan while it is being changed, compiled: their units, their contiguity, their moments.

A part is a doubly linked list of its units.  ``moment[u]`` is Σ weight × squared distance from u to the
units of its own part, so a part's inertia is the least moment of its units, and a move costs time in
the size of two parts.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from spatial.grids.instance import FloatArray, IntArray

__all__ = ["connected_without", "least_moment", "link", "put_in", "reach", "take_out", "unlink"]


@njit(cache=True)
def connected_without(
    unit: int,
    part: int,
    other: int,
    label: IntArray,
    pointers: IntArray,
    neighbours: IntArray,
    stamp: IntArray,
    queue: IntArray,
    mark: int,
) -> bool:
    """Whether `part` stays connected without `unit`; `other`, if ≥ 0, counts as a unit of the part."""
    wanted = 0
    first = -1
    for at in range(pointers[unit], pointers[unit + 1]):
        near = neighbours[at]
        if label[near] == part or near == other:
            wanted += 1
            first = near
    if wanted == 0:
        return False
    attached = other < 0
    if other >= 0:
        for at in range(pointers[other], pointers[other + 1]):
            near = neighbours[at]
            if label[near] == part and near != unit:
                attached = True
                break
    if not attached:
        return False
    if wanted == 1:
        return True
    head, tail, seen = 0, 1, 0
    queue[0] = first
    stamp[first] = mark
    stamp[unit] = mark
    while head < tail:
        here = queue[head]
        head += 1
        for at in range(pointers[here], pointers[here + 1]):
            near = neighbours[at]
            if near == unit:
                seen += 1
                if seen == wanted:
                    return True
            elif (label[near] == part or near == other) and stamp[near] != mark:
                stamp[near] = mark
                queue[tail] = near
                tail += 1
    return False


@njit(cache=True)
def reach(
    start: int,
    part: int,
    label: IntArray,
    pointers: IntArray,
    neighbours: IntArray,
    stamp: IntArray,
    queue: IntArray,
    mark: int,
) -> int:
    """Return how many units of `part` are joined to `start` inside it."""
    head, tail = 0, 1
    queue[0] = start
    stamp[start] = mark
    while head < tail:
        here = queue[head]
        head += 1
        for at in range(pointers[here], pointers[here + 1]):
            near = neighbours[at]
            if label[near] == part and stamp[near] != mark:
                stamp[near] = mark
                queue[tail] = near
                tail += 1
    return tail


@njit(cache=True)
def unlink(unit: int, part: int, first: IntArray, after: IntArray, before: IntArray) -> None:
    """Take a unit off the list of its part."""
    if before[unit] >= 0:
        after[before[unit]] = after[unit]
    else:
        first[part] = after[unit]
    if after[unit] >= 0:
        before[after[unit]] = before[unit]


@njit(cache=True)
def link(unit: int, part: int, first: IntArray, after: IntArray, before: IntArray) -> None:
    """Put a unit at the head of the list of a part."""
    after[unit] = first[part]
    before[unit] = -1
    if first[part] >= 0:
        before[first[part]] = unit
    first[part] = unit


@njit(cache=True)
def least_moment(part: int, first: IntArray, after: IntArray, moment: FloatArray) -> float:
    """Return the least moment of the units of a part: its inertia."""
    least = np.inf
    unit = first[part]
    while unit >= 0:
        least = min(least, moment[unit])
        unit = after[unit]
    return least if least < np.inf else 0.0


@njit(cache=True)
def take_out(
    unit: int,
    part: int,
    label: IntArray,
    weights: FloatArray,
    distance: FloatArray,
    first: IntArray,
    after: IntArray,
    before: IntArray,
    moment: FloatArray,
) -> None:
    """Take a unit out of its part; moments and weight follow."""
    unlink(unit, part, first, after, before)
    label[unit] = -1
    if distance.shape[0]:
        other = first[part]
        while other >= 0:
            moment[other] -= weights[unit] * distance[unit, other]
            other = after[other]


@njit(cache=True)
def put_in(
    unit: int,
    part: int,
    label: IntArray,
    weights: FloatArray,
    distance: FloatArray,
    first: IntArray,
    after: IntArray,
    before: IntArray,
    moment: FloatArray,
) -> None:
    """Put a unit into a part; moments and weight follow."""
    if distance.shape[0]:
        own = 0.0
        other = first[part]
        while other >= 0:
            d = distance[unit, other]
            moment[other] += weights[unit] * d
            own += weights[other] * d
            other = after[other]
        moment[unit] = own
    link(unit, part, first, after, before)
    label[unit] = part
