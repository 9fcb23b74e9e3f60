# ruff: noqa: C901, PLR0912, PLR0915, PLR0917 - kernels take plain arrays and branch for the compiler
"""Plans made of listed parts, of which one may be unlisted: an exact search over covers, compiled.

The first uncovered unit, in the order of the roots, is in a part rooted there, or in the one part that
the list does not have, the *hole*.  Once all other parts are chosen the hole is what is left, whatever
its cut; so a search that finds nothing proves that a better plan has two parts beyond the limit.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spatial.grids.cutting.listing import Words
from spatial.grids.instance import FloatArray, Instance, IntArray

__all__ = ["Covering"]

_SLACK = 1e-9
_CHUNK = 20_000_000


class Covering:
    """The search over covers, in steps.

    Parameters
    ----------
    order : units; ``starts[rank]`` is the first listed part whose first unit in this order is there
    sets, cuts : the listed parts as bits and their cuts
    base, rises : a bound on the sum of cuts, and how a listed part raises it; they rise within a root
    hole_rises : how a unit in the hole raises it; None when every part is listed
    near : units that could share a part, as bits
    step : least difference of two cuts
    cut : the cut to beat

    Attributes
    ----------
    labels, cut : the best plan found; None and the cut to beat at first
    done : whether every cover was looked at
    """

    def __init__(
        self,
        instance: Instance,
        order: IntArray,
        parts: int,
        sets: Words,
        cuts: FloatArray,
        starts: IntArray,
        base: float,
        rises: FloatArray,
        hole_rises: FloatArray | None,
        near: Words,
        *,
        step: float,
        cut: float,
    ) -> None:
        levels = instance.units + parts + 2
        words = sets.shape[1]
        self.cut = cut
        self.labels: IntArray | None = None
        self.done = False
        self._units = instance.units
        self._arguments = (
            parts,
            sets,
            cuts,
            starts,
            base,
            rises,
            np.zeros(instance.units) if hole_rises is None else hole_rises,
            hole_rises is not None,
            near,
            step,
            order,
            instance.weights,
            instance.pointers,
            instance.neighbours,
            instance.costs,
            instance.fixed,
            instance.lower,
            instance.upper,
        )
        self._covered = np.zeros((levels, words), dtype=np.uint64)
        self._hole = np.zeros((levels, words), dtype=np.uint64)
        self._numbers = np.zeros((levels, 4), dtype=np.int64)  # pivot rank, next column, chosen, kind
        self._totals = np.zeros((levels, 3))  # cuts so far, weight of the hole, bound
        self._column = np.full(levels, -1, dtype=np.int64)
        self._place = np.array([-1], dtype=np.int64)

    def advance(self) -> int:
        """Search a step further; `labels` and `cut` follow.  Return the steps taken."""
        labels = np.full(self._units, -1, dtype=np.int64)
        cut, work = _cover(
            self.cut,
            labels,
            *self._arguments,
            self._covered,
            self._hole,
            self._numbers,
            self._totals,
            self._column,
            self._place,
            _CHUNK,
        )
        if cut < self.cut:
            self.cut, self.labels = float(cut), labels
        self.done = bool(self._place[0] == -2)
        return int(work)


@njit(cache=True, inline="always")
def _has(words: NDArray[np.uint64], unit: int) -> bool:
    return bool((words[unit >> 6] >> np.uint64(unit & 63)) & np.uint64(1))


@njit(cache=True)
def _left_fits(
    parts: int,
    covered: NDArray[np.uint64],
    hole: NDArray[np.uint64],
    weights: FloatArray,
    pointers: IntArray,
    neighbours: IntArray,
    lower: float,
    upper: float,
    stamp: IntArray,
    queue: IntArray,
    mark: int,
) -> bool:
    """Whether what is left could be cut into so many lawful parts, the hole in one piece of it."""
    fewest, most, holes = 0, 0, 0
    for start in range(weights.size):
        if _has(covered, start) or stamp[start] == mark:
            continue
        load = 0.0
        held = False
        queue[0] = start
        stamp[start] = mark
        head, tail = 0, 1
        while head < tail:
            here = queue[head]
            head += 1
            load += weights[here]
            held = held or _has(hole, here)
            for at in range(pointers[here], pointers[here + 1]):
                near = neighbours[at]
                if stamp[near] != mark and not _has(covered, near):
                    stamp[near] = mark
                    queue[tail] = near
                    tail += 1
        low = max(1, int(np.ceil(load / upper - _SLACK)))
        high = parts if lower <= 0 else min(parts, int(np.floor(load / lower + _SLACK)))
        if low > high:
            return False
        fewest += low
        most += high
        holes += held
    return fewest <= parts <= most and holes <= 1


@njit(cache=True)
def _cover(
    best_cut: float,
    labels: IntArray,
    parts: int,
    sets: Words,
    cuts: FloatArray,
    starts: IntArray,
    base: float,
    rises: FloatArray,
    hole_rises: FloatArray,
    with_hole: bool,
    near: Words,
    step: float,
    order: IntArray,
    weights: FloatArray,
    pointers: IntArray,
    neighbours: IntArray,
    costs: FloatArray,
    fixed: IntArray,
    lower: float,
    upper: float,
    covered: Words,
    hole: Words,
    numbers: IntArray,
    totals: FloatArray,
    column: IntArray,
    place: IntArray,
    work_at_most: int,
) -> tuple[float, int]:
    """Go on where `place` says; return the best cut, its plan in `labels`, and the steps taken."""
    units = weights.size
    words = sets.shape[1]
    stamp = np.zeros(units, dtype=np.int64)
    queue = np.empty(units + 1, dtype=np.int64)
    mark = 0
    work = 0
    level = place[0]
    entering = False
    if level == -1:
        level = 0
        numbers[0, :] = 0
        totals[0, :] = 0.0
        totals[0, 2] = base
        entering = True
    while level >= 0:
        chosen = numbers[level, 2]
        cut = totals[level, 0]
        if entering:
            entering = False
            work += units
            # where to go on: the first unit that is neither covered nor in the hole
            rank = numbers[level, 0]
            while rank < units and (_has(covered[level], order[rank]) or _has(hole[level], order[rank])):
                rank += 1
            numbers[level, 0] = rank
            numbers[level, 3] = 0
            mark += 1
            fits = _left_fits(
                parts - chosen,
                covered[level],
                hole[level],
                weights,
                pointers,
                neighbours,
                lower,
                upper,
                stamp,
                queue,
                mark,
            )
            if fits and chosen == parts - 1:
                # the last part is what is left
                last_cut, held, whole = 0.0, -1, True
                for unit in range(units):
                    if _has(covered[level], unit):
                        continue
                    if fixed[unit] >= 0:
                        whole = whole and (held < 0 or held == fixed[unit])
                        held = fixed[unit]
                    for at in range(pointers[unit], pointers[unit + 1]):
                        if _has(covered[level], neighbours[at]):
                            last_cut += costs[at]
                total = (cut + last_cut) / 2
                if whole and total < best_cut - _SLACK:
                    best_cut = total
                    labels[:] = parts - 1
                    part = 0
                    for above in range(1, level + 1):
                        if column[above] >= 0:
                            for unit in range(units):
                                if _has(sets[column[above]], unit):
                                    labels[unit] = part
                            part += 1
                fits = False
            if not fits or rank == units:
                level -= 1
                continue
            numbers[level, 1] = starts[rank]
        rank = numbers[level, 0]
        went = False
        if numbers[level, 3] == 0:
            # listed parts rooted here
            at_column = numbers[level, 1]
            end = starts[rank + 1]
            while at_column < end:
                if totals[level, 2] + rises[at_column] > 2 * (best_cut - step) + _SLACK:
                    at_column = end
                    break
                work += 1
                free = True
                for word in range(words):
                    if sets[at_column, word] & (covered[level, word] | hole[level, word]):
                        free = False
                        break
                if free:
                    break
                at_column += 1
            if at_column < end:
                numbers[level, 1] = at_column + 1
                for word in range(words):
                    covered[level + 1, word] = covered[level, word] | sets[at_column, word]
                    hole[level + 1, word] = hole[level, word]
                numbers[level + 1, 0] = rank + 1
                numbers[level + 1, 2] = chosen + 1
                totals[level + 1, 0] = cut + cuts[at_column]
                totals[level + 1, 1] = totals[level, 1]
                totals[level + 1, 2] = totals[level, 2] + rises[at_column]
                column[level + 1] = at_column
                went = True
            else:
                numbers[level, 3] = 1
        if not went and numbers[level, 3] == 1:
            # or this unit is in the hole
            numbers[level, 3] = 2
            unit = order[rank]
            load = totals[level, 1] + weights[unit]
            bound = totals[level, 2] + hole_rises[unit]
            apart = False
            for word in range(words):
                apart = apart or hole[level, word] & ~near[unit, word] != 0
            if with_hole and not apart and load <= upper + _SLACK and bound <= 2 * (best_cut - step) + _SLACK:
                for word in range(words):
                    covered[level + 1, word] = covered[level, word]
                    hole[level + 1, word] = hole[level, word]
                hole[level + 1, unit >> 6] |= np.uint64(1) << np.uint64(unit & 63)
                numbers[level + 1, 0] = rank + 1
                numbers[level + 1, 2] = chosen
                totals[level + 1, 0] = cut
                totals[level + 1, 1] = load
                totals[level + 1, 2] = bound
                column[level + 1] = -1
                went = True
        if went:
            level += 1
            entering = True
        else:
            level -= 1
        if work > work_at_most and not entering and level >= 0:
            place[0] = level
            return best_cut, work
    place[0] = -2
    return best_cut, work
