"""The best plan made of listed parts: a search over covers, and a set partition in HiGHS.

The linear programme over the whole list gives each part a reduced cost.  A plan that costs δ more than the
linear optimum holds no part of reduced cost above δ, and the reduced costs of its parts add up to no more
than δ.  The search takes the uncovered unit that fewest parts hold, tries each of these parts, and turns
back where the reduced costs add up too high or where what is left fits no number of parts; the last part
is what is left.  Where it grows too long, HiGHS solves the integer programme over the parts of least
reduced cost.
"""
# ruff: noqa: C901, PLR0912, PLR0915, PLR0917 - kernels take plain arrays and branch for the compiler

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from spatial.grids.clock import Clock
from spatial.grids.columns import Columns
from spatial.grids.instance import FloatArray, Instance, IntArray

__all__ = ["Cover", "best_cover"]

_SCANS_AT_MOST = 400_000_000
_SCANS_A_SECOND = 200_000_000
_MASTER_SHARE = 4_000
_MASTER_AT_MOST = 8_000
_MASTER_STEP = 2_000
_MASTER_NODES = 100


@dataclass(frozen=True, eq=False)
class Cover:
    """What a set partition found and proved.

    Attributes
    ----------
    lower : bound on every plan of the pool, never above the goal
    labels : (units,) part of each row, or None when none below the goal was found
    proven : whether nothing is left to search
    """

    lower: float
    labels: IntArray | None
    proven: bool


def best_cover(
    instance: Instance,
    columns: Columns,
    cost: FloatArray,
    parts: int,
    *,
    pieces: int | None,
    goal: float,
    clock: Clock,
) -> Cover:
    """Cheapest choice of parts below `goal` that covers each unit once.

    Parameters
    ----------
    instance : its units are the rows that the columns name
    cost : (n, n) cost of unit [column] at centre [row]
    """
    if columns.cost.size == 0:
        return Cover(goal, None, proven=True)
    master = _Master(columns, instance.units, parts, pieces, goal)
    linear, reduced = master.relax(clock)
    if linear == -np.inf:
        return Cover(linear, None, proven=False)
    if linear >= goal:
        return Cover(goal, None, proven=True)
    usable = np.flatnonzero(reduced <= goal - linear + 1e-9 * abs(goal))
    if parts > 1:
        value, labels, done = _searched(
            instance, columns, cost, usable, np.maximum(0.0, reduced), parts, pieces, goal, linear, clock
        )
        if done:
            return Cover(value, labels, proven=True)
    best, labels = (value, labels) if parts > 1 and labels is not None else (goal, None)
    lower, proven = linear, False
    order = np.argsort(reduced, kind="stable")
    share = _MASTER_SHARE
    while lower < best and not clock.out():
        within = int(np.searchsorted(reduced[order], best - linear + 1e-9 * abs(goal)))
        taken = min(within, share)
        if taken > _MASTER_AT_MOST:
            break
        reach = best if taken == within else linear + float(reduced[order[taken - 1]])
        value, found, done = master.choose(order[:taken], clock)
        if found is not None and value < best:
            labels, best = found, value
        if not done:
            break
        lower = max(lower, min(best, reach))
        proven = lower >= best
        share *= 2
    return Cover(min(lower, best), labels, proven or lower >= best)


def _searched(
    instance: Instance,
    columns: Columns,
    cost: FloatArray,
    usable: IntArray,
    reduced: FloatArray,
    parts: int,
    pieces: int | None,
    goal: float,
    linear: float,
    clock: Clock,
) -> tuple[float, IntArray | None, bool]:
    """Search the covers made of usable columns: least cost or the goal, labels, whether to the end."""
    held = np.zeros(instance.units, dtype=np.int64)
    words = (instance.units + 63) // 64
    count_units(columns.pointers, columns.units, usable, held)
    order = np.argsort(held, kind="stable")
    rank = np.empty(instance.units, dtype=np.int64)
    rank[order] = np.arange(instance.units)
    bits, first = bits_of(columns.pointers, columns.units, usable, rank, words)
    by_first = np.lexsort((reduced[usable], first))
    ranked = instance.restricted(order)
    chosen = usable[by_first]
    load = np.add.reduceat(instance.weights[columns.units], columns.pointers[:-1])[chosen]
    value, label, done = search_covers(
        bits[by_first],
        np.searchsorted(first[by_first], np.arange(instance.units + 1)),
        reduced[chosen],
        columns.cost[chosen],
        columns.groups[chosen],
        load,
        cost[np.ix_(order, order)],
        ranked.weights,
        ranked.pointers,
        ranked.neighbours,
        ranked.groups,
        ranked.group_count,
        parts,
        -1 if pieces is None else pieces,
        instance.lower,
        instance.upper,
        goal,
        goal - linear,
        clock.budget(_SCANS_AT_MOST, _SCANS_A_SECOND),
    )
    return value, label[rank] if value < goal else None, done


@njit(cache=True)
def count_units(pointers: IntArray, units: NDArray[np.int16], chosen: IntArray, held: IntArray) -> None:
    """Add to `held` how many of the chosen columns hold each unit."""
    for column in chosen:
        for at in range(pointers[column], pointers[column + 1]):
            held[units[at]] += 1


@njit(cache=True)
def bits_of(
    pointers: IntArray, units: NDArray[np.int16], chosen: IntArray, rank: IntArray, words: int
) -> tuple[NDArray[np.uint64], IntArray]:
    """Units of each chosen column as bits of their ranks, and the lowest rank in it."""
    bits = np.zeros((chosen.size, words), dtype=np.uint64)
    first = np.full(chosen.size, rank.size, dtype=np.int64)
    for row in range(chosen.size):
        for at in range(pointers[chosen[row]], pointers[chosen[row] + 1]):
            place = rank[units[at]]
            bits[row, place >> 6] |= np.uint64(1) << np.uint64(place & 63)
            first[row] = min(first[row], place)
    return bits, first


@njit(cache=True)
def _fits(
    left: NDArray[np.uint64],
    parts: int,
    pieces: int,
    weights: FloatArray,
    pointers: IntArray,
    neighbours: IntArray,
    groups: IntArray,
    lower: float,
    upper: float,
    seen: NDArray[np.bool_],
    queue: IntArray,
    of_group: FloatArray,
) -> bool:
    """Whether the units left may fill `parts` parts with at most `pieces` pieces (−1 = any).

    Each connected piece of them takes so many parts as its weight allows; a part of it is linked with
    each group it holds, and a group of weight w with at least w / upper parts.
    """
    units = weights.size
    seen[:] = False
    fewest, most, links = 0, 0, 0
    for start in range(units):
        if seen[start] or not (left[start >> 6] >> np.uint64(start & 63)) & np.uint64(1):
            continue
        seen[start] = True
        queue[0] = start
        head, tail = 0, 1
        weight = 0.0
        while head < tail:
            here = queue[head]
            head += 1
            weight += weights[here]
            for at in range(pointers[here], pointers[here + 1]):
                near = neighbours[at]
                if not seen[near] and (left[near >> 6] >> np.uint64(near & 63)) & np.uint64(1):
                    seen[near] = True
                    queue[tail] = near
                    tail += 1
        least = max(1, int(np.ceil(weight / upper - 1e-9)))
        greatest = parts if lower <= 0 else int(np.floor(weight / lower + 1e-9))
        if least > greatest:
            return False
        fewest += least
        most += greatest
        if fewest > parts:
            return False
        if pieces >= 0:
            alone, needed = 0, 0
            for at in range(tail):
                if groups[queue[at]] >= 0:
                    of_group[groups[queue[at]]] = 0.0
                else:
                    alone += 1
            for at in range(tail):
                if groups[queue[at]] >= 0:
                    of_group[groups[queue[at]]] += weights[queue[at]]
            for at in range(tail):
                group = groups[queue[at]]
                if group >= 0 and of_group[group] >= 0:
                    needed += max(1, int(np.ceil(of_group[group] / upper - 1e-9)))
                    of_group[group] = -1.0
            links += max(needed + alone, least)
            if links > pieces:
                return False
    return most >= parts


@njit(cache=True)
def search_covers(
    bits: NDArray[np.uint64],
    begin: IntArray,
    reduced: FloatArray,
    cost: FloatArray,
    touched: IntArray,
    load: FloatArray,
    distance: FloatArray,
    weights: FloatArray,
    pointers: IntArray,
    neighbours: IntArray,
    groups: IntArray,
    group_count: int,
    parts: int,
    pieces: int,
    lower: float,
    upper: float,
    goal: float,
    slack: float,
    scans_at_most: int,
) -> tuple[float, IntArray, bool]:
    """Return the least cost below `goal` (else the goal), the part of each unit, and whether all was searched.

    Units are numbered by rank.  `begin[r]` is the first column whose lowest unit is r; the columns of one
    lowest unit are sorted by reduced cost.  `slack` is what the reduced costs of a plan may add up to.
    """
    units, words = weights.size, bits.shape[1]
    best = goal
    label = np.zeros(units, dtype=np.int64)
    left = np.zeros((parts + 1, words), dtype=np.uint64)
    for unit in range(units):
        left[0, unit >> 6] |= np.uint64(1) << np.uint64(unit & 63)
    at = np.zeros(parts + 1, dtype=np.int64)
    end = np.zeros(parts + 1, dtype=np.int64)
    spent = np.zeros(parts + 1)
    paid = np.zeros(parts + 1)
    used = np.zeros(parts + 1, dtype=np.int64)
    open_weight = np.zeros(parts + 1)
    chosen = np.zeros(parts + 1, dtype=np.int64)
    seen = np.zeros(units, dtype=np.bool_)
    queue = np.empty(units, dtype=np.int64)
    of_group = np.zeros(max(group_count, 1))
    open_weight[0] = weights.sum()
    at[0], end[0] = begin[0], begin[1]
    depth, scans = 0, 0
    while depth >= 0:
        if at[depth] >= end[depth] or spent[depth] + reduced[at[depth]] > slack:
            depth -= 1
            continue
        column = at[depth]
        at[depth] += 1
        scans += 1
        if scans > scans_at_most:
            return best, label, False
        inside = True
        for word in range(words):
            if bits[column, word] & ~left[depth, word]:
                inside = False
                break
        if not inside or paid[depth] + cost[column] >= best:
            continue
        rest = parts - depth - 1
        weight = open_weight[depth] - load[column]
        if weight < rest * lower - 1e-6 or weight > rest * upper + 1e-6:
            continue
        pieces_left = -1
        if pieces >= 0:
            pieces_left = pieces - used[depth] - touched[column]
            if pieces_left < rest:
                continue
        for word in range(words):
            left[depth + 1, word] = left[depth, word] & ~bits[column, word]
        scans += units // 2
        if not _fits(
            left[depth + 1],
            rest,
            pieces_left,
            weights,
            pointers,
            neighbours,
            groups,
            lower,
            upper,
            seen,
            queue,
            of_group,
        ):
            continue
        chosen[depth] = column
        if rest == 1:
            size = 0
            for unit in range(units):
                if (left[depth + 1, unit >> 6] >> np.uint64(unit & 63)) & np.uint64(1):
                    queue[size] = unit
                    size += 1
            least = np.inf
            for a in range(size):
                moment = 0.0
                for b in range(size):
                    moment += distance[queue[a], queue[b]]
                least = min(least, moment)
            scans += size * size // 4
            if paid[depth] + cost[column] + least < best:
                slack -= best - (paid[depth] + cost[column] + least)
                best = paid[depth] + cost[column] + least
                label[:] = parts - 1
                for part in range(depth + 1):
                    for unit in range(units):
                        if (bits[chosen[part], unit >> 6] >> np.uint64(unit & 63)) & np.uint64(1):
                            label[unit] = part
            continue
        depth += 1
        spent[depth] = spent[depth - 1] + reduced[column]
        paid[depth] = paid[depth - 1] + cost[column]
        used[depth] = used[depth - 1] + touched[column]
        open_weight[depth] = weight
        unit = 0
        while not (left[depth, unit >> 6] >> np.uint64(unit & 63)) & np.uint64(1):
            unit += 1
        at[depth], end[depth] = begin[unit], begin[unit + 1]
    return best, label, True


class _Master:
    """The set partition over a pool of parts, as a programme in HiGHS.

    Rows: each unit once, the count of parts, and at most `pieces` pieces.
    """

    def __init__(self, columns: Columns, units: int, parts: int, pieces: int | None, goal: float) -> None:
        self.columns, self.units, self.parts, self.pieces, self.goal = columns, units, parts, pieces, goal
        sides = [1.0] * units + [float(parts)] + ([] if pieces is None else [float(pieces)])
        self.upper = np.array(sides)
        self.lower = self.upper.copy()
        if pieces is not None:
            self.lower[-1] = -np.inf
        lengths = np.diff(columns.pointers)
        self.matrix = csr_array(
            (
                np.ones(columns.units.size, dtype=np.float64),
                columns.units.astype(np.int32),
                columns.pointers.astype(np.int32),
            ),
            shape=(lengths.size, units),
        )

    def _solver(self) -> Any:  # noqa: ANN401 - the solver ships no types
        import highspy

        solver = highspy.Highs()
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("mip_rel_gap", 1e-9),
            ("mip_abs_gap", 1e-9),
        ):
            solver.setOptionValue(option, value)
        for low, high in zip(self.lower, self.upper, strict=True):
            solver.addRow(low, high, 0, np.array([], dtype=np.int32), np.array([]))
        return solver

    def _add(self, solver: Any, chosen: IntArray) -> None:  # noqa: ANN401 - the solver ships no types
        rows = self.matrix[chosen]
        extra = [np.full((chosen.size, 1), 1.0)]
        if self.pieces is not None:
            extra.append(self.columns.groups[chosen][:, None].astype(np.float64))
        block = hstack([rows, csr_array(np.hstack(extra))], format="csr")
        solver.addCols(
            chosen.size,
            self.columns.cost[chosen],
            np.zeros(chosen.size),
            np.full(chosen.size, np.inf),
            block.nnz,
            block.indptr[:-1].astype(np.int32),
            block.indices.astype(np.int32),
            block.data.astype(np.float64),
        )

    def relax(self, clock: Clock) -> tuple[float, FloatArray]:
        """Least cost of a fractional plan, and every part's reduced cost; −inf when cut short."""
        import highspy

        solver = self._solver()
        for row in range(self.units):
            # a unit left out costs more than any plan looked for
            solver.addCol(self.goal, 0.0, np.inf, 1, np.array([row], dtype=np.int32), np.array([1.0]))
        solver.addCol(self.goal, 0.0, np.inf, 1, np.array([self.units], dtype=np.int32), np.array([1.0]))
        cost = self.columns.cost
        inside = np.zeros(cost.size, dtype=np.bool_)
        per_weight = cost / np.diff(self.columns.pointers)
        fresh = np.argsort(per_weight, kind="stable")[:_MASTER_STEP]
        while True:
            inside[fresh] = True
            self._add(solver, fresh)
            solver.setOptionValue("time_limit", clock.left_s)
            solver.run()
            if clock.out() or solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                return -np.inf, cost
            dual = np.array(solver.getSolution().row_dual)
            reduced = cost - self.matrix @ dual[: self.units] - dual[self.units]
            if self.pieces is not None:
                reduced -= self.columns.groups * dual[-1]
            wanted = np.flatnonzero((reduced < -1e-7 * self.goal) & ~inside)
            if wanted.size == 0:
                # prices that undercut no part by more than `least` prove this much
                least = min(0.0, float(reduced.min()))
                return float(solver.getInfo().objective_function_value + self.parts * least), reduced
            fresh = wanted
            if wanted.size > _MASTER_STEP:
                fresh = wanted[np.argpartition(reduced[wanted], _MASTER_STEP)[:_MASTER_STEP]]

    def choose(self, usable: IntArray, clock: Clock) -> tuple[float, IntArray | None, bool]:
        """Solve the set partition over some parts of the pool: cost, labels, whether solved to the end."""
        import highspy

        if usable.size == 0:
            return np.inf, None, True
        solver = self._solver()
        self._add(solver, usable)
        solver.changeColsIntegrality(
            usable.size,
            np.arange(usable.size, dtype=np.int32),
            np.full(usable.size, highspy.HighsVarType.kInteger),
        )
        solver.cbMipInterrupt += lambda event: event.interrupt(clock.out())
        solver.setOptionValue("mip_max_nodes", _MASTER_NODES)
        solver.setOptionValue("time_limit", clock.left_s)
        solver.run()
        status = solver.getModelStatus()
        done = status in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible)
        if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return np.inf, None, done
        labels = np.empty(self.units, dtype=np.int64)
        columns = self.columns
        picked = usable[np.array(solver.getSolution().col_value) > 0.5]
        for part, column in enumerate(picked):
            labels[columns.units[columns.pointers[column] : columns.pointers[column + 1]]] = part
        return float(columns.cost[picked].sum()), labels, done
