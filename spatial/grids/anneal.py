# ruff: noqa: C901, PLR0912, PLR0915, PLR0917 - kernels take plain arrays and branch for the compiler
"""Simulated annealing over the labels of one connected instance, compiled.

Energy = objective + penalties on weight outside the window, on weight moved away from the previous
plan and on extra pieces; the penalties rise while the temperature falls.  Moves: a unit to a
neighbouring part, two units swapped across a border, a whole estate piece.  The cost change is tested
first (Metropolis), contiguity afterwards.  Beside the current state the kernel keeps the best plan
seen, in the order of the design: violation, parts outside the window, weight moved, extra pieces,
objective.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spatial.grids.instance import FloatArray, IntArray
from spatial.grids.parts import connected_without, least_moment, put_in, reach, take_out

__all__ = ["KEY_LENGTH", "anneal", "plan_key"]

KEY_LENGTH = 5
"""violation, parts outside, weight moved, extra pieces, objective"""

_TOLERANCE = 1e-7
_REFRESH = 256


@njit(cache=True, inline="always")
def _uniform(state: NDArray[np.uint64]) -> float:
    """Next number in [0, 1) of a xorshift64* generator whose state is one uint64."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, inline="always")
def _outside(weight: float, lower: float, upper: float) -> float:
    if weight < lower:
        return lower - weight
    if weight > upper:
        return weight - upper
    return 0.0


@njit(cache=True)
def _better(key: FloatArray, best: FloatArray) -> bool:
    for at in range(KEY_LENGTH):
        if key[at] < best[at] - _TOLERANCE * max(1.0, abs(best[at])):
            return True
        if key[at] > best[at] + _TOLERANCE * max(1.0, abs(best[at])):
            return False
    return False


@njit(cache=True)
def plan_key(
    label: IntArray,
    parts: int,
    weights: FloatArray,
    pointers: IntArray,
    neighbours: IntArray,
    costs: FloatArray,
    distance: FloatArray,
    groups: IntArray,
    allowance: IntArray,
    home: IntArray,
    lower: float,
    upper: float,
) -> FloatArray:
    """Key of a plan: violation, parts outside, weight moved, extra pieces, objective.

    `distance` is squared distance over total weight, shape (n, n), or (0, 0) for cut edges.
    """
    units = weights.size
    key = np.zeros(KEY_LENGTH)
    load = np.zeros(parts)
    for unit in range(units):
        load[label[unit]] += weights[unit]
        if home[unit] >= 0 and home[unit] != label[unit]:
            key[2] += weights[unit]
    for part in range(parts):
        miss = _outside(load[part], lower, upper)
        key[0] += miss
        if miss > _TOLERANCE:
            key[1] += 1
    touched = np.zeros((allowance.size, parts), dtype=np.bool_)
    for unit in range(units):
        if groups[unit] >= 0:
            touched[groups[unit], label[unit]] = True
    for group in range(allowance.size):
        key[3] += max(0, touched[group].sum() - allowance[group])
    if distance.shape[0]:
        least = np.full(parts, np.inf)
        order = np.argsort(label, kind="mergesort")
        begin = 0
        while begin < units:
            end = begin
            while end < units and label[order[end]] == label[order[begin]]:
                end += 1
            for a in range(begin, end):
                moment = 0.0
                for b in range(begin, end):
                    moment += weights[order[b]] * distance[order[a], order[b]]
                least[label[order[begin]]] = min(least[label[order[begin]]], moment)
            begin = end
        for part in range(parts):
            if least[part] < np.inf:
                key[4] += least[part]
    else:
        for unit in range(units):
            for at in range(pointers[unit], pointers[unit + 1]):
                if neighbours[at] > unit and label[neighbours[at]] != label[unit]:
                    key[4] += costs[at]
    return key


@njit(cache=True)
def anneal(
    label: IntArray,
    best: IntArray,
    best_key: FloatArray,
    parts: int,
    weights: FloatArray,
    pointers: IntArray,
    neighbours: IntArray,
    costs: FloatArray,
    distance: FloatArray,
    groups: IntArray,
    allowance: IntArray,
    home: IntArray,
    movable: NDArray[np.bool_],
    lower: float,
    upper: float,
    begin: int,
    end: int,
    total: int,
    temperatures: FloatArray,
    window_penalties: FloatArray,
    piece_penalties: FloatArray,
    move_penalties: FloatArray,
    seed: int,
) -> None:
    """Run proposals `begin` … `end` of a schedule of `total`, changing `label`, `best`, `best_key`.

    `best_key` is the key of `best`, at first that of the start.

    Every part must be connected and non-empty at the start and stays so.  Each schedule is a pair
    (first, last) walked geometrically.
    """
    units = weights.size
    inertia = distance.shape[0] > 0
    state = np.empty(1, dtype=np.uint64)
    state[0] = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x1234567)
    for _ in range(8):
        _uniform(state)

    first = np.full(parts, -1, dtype=np.int64)
    after = np.full(units, -1, dtype=np.int64)
    before = np.full(units, -1, dtype=np.int64)
    moment = np.zeros(units)
    load = np.zeros(parts)
    size = np.zeros(parts, dtype=np.int64)
    count = np.zeros((allowance.size, parts), dtype=np.int32)
    touched = np.zeros(allowance.size, dtype=np.int64)
    stamp = np.zeros(units, dtype=np.int64)
    queue = np.empty(units + 1, dtype=np.int64)
    movers = np.empty(units, dtype=np.int64)
    mark = 0
    key = plan_key(
        label, parts, weights, pointers, neighbours, costs, distance, groups, allowance, home, lower, upper
    )
    for unit in range(units):
        part = label[unit]
        put_in(unit, part, label, weights, distance, first, after, before, moment)
        load[part] += weights[unit]
        size[part] += 1
        if groups[unit] >= 0:
            if count[groups[unit], part] == 0:
                touched[groups[unit]] += 1
            count[groups[unit], part] += 1
    inertia_of = np.zeros(parts)
    if inertia:
        for part in range(parts):
            inertia_of[part] = least_moment(part, first, after, moment)

    temperature = temperatures[0]
    window_penalty = window_penalties[0]
    piece_penalty = piece_penalties[0]
    move_penalty = move_penalties[0]
    for step in range(begin, end):
        if (step - begin) % _REFRESH == 0:
            way = step / total
            temperature = temperatures[0] * (temperatures[1] / temperatures[0]) ** way
            window_penalty = window_penalties[0] * (window_penalties[1] / window_penalties[0]) ** way
            piece_penalty = piece_penalties[0] * (piece_penalties[1] / piece_penalties[0]) ** way
            move_penalty = move_penalties[0] * (move_penalties[1] / move_penalties[0]) ** way
        unit = int(_uniform(state) * units)
        degree = pointers[unit + 1] - pointers[unit]
        if degree == 0:
            continue
        near = neighbours[pointers[unit] + int(_uniform(state) * degree)]
        source, target = label[unit], label[near]
        if source == target or not movable[unit]:
            continue
        kind = _uniform(state)
        group = groups[unit]
        limit = -temperature * np.log(_uniform(state) + 1e-300)
        wu = weights[unit]

        if kind < 0.6 or (kind >= 0.9 and group < 0):
            # one unit to a neighbouring part
            if size[source] == 1:
                continue
            miss = (
                _outside(load[source] - wu, lower, upper)
                + _outside(load[target] + wu, lower, upper)
                - _outside(load[source], lower, upper)
                - _outside(load[target], lower, upper)
            )
            extra = 0
            if group >= 0:
                change = 0
                if count[group, source] == 1:
                    change -= 1
                if count[group, target] == 0:
                    change += 1
                extra = max(0, touched[group] + change - allowance[group]) - max(
                    0, touched[group] - allowance[group]
                )
            moved = 0.0
            if home[unit] >= 0:
                if home[unit] == source:
                    moved = wu
                elif home[unit] == target:
                    moved = -wu
            delta = window_penalty * miss + piece_penalty * extra + move_penalty * moved
            new_source, new_target, gain = 0.0, 0.0, 0.0
            if inertia:
                new_source = np.inf
                other = first[source]
                while other >= 0:
                    if other != unit:
                        new_source = min(new_source, moment[other] - wu * distance[unit, other])
                    other = after[other]
                own = 0.0
                new_target = np.inf
                other = first[target]
                while other >= 0:
                    d = distance[unit, other]
                    own += weights[other] * d
                    new_target = min(new_target, moment[other] + wu * d)
                    other = after[other]
                new_target = min(new_target, own)
                gain = new_source + new_target - inertia_of[source] - inertia_of[target]
            else:
                for at in range(pointers[unit], pointers[unit + 1]):
                    side = label[neighbours[at]]
                    if side == source:
                        gain += costs[at]
                    elif side == target:
                        gain -= costs[at]
            if delta + gain > limit:
                continue
            mark += 1
            if not connected_without(unit, source, -1, label, pointers, neighbours, stamp, queue, mark):
                continue
            take_out(unit, source, label, weights, distance, first, after, before, moment)
            put_in(unit, target, label, weights, distance, first, after, before, moment)
            load[source] -= wu
            load[target] += wu
            size[source] -= 1
            size[target] += 1
            if group >= 0:
                count[group, source] -= 1
                if count[group, source] == 0:
                    touched[group] -= 1
                if count[group, target] == 0:
                    touched[group] += 1
                count[group, target] += 1
            if inertia:
                inertia_of[source] = new_source
                inertia_of[target] = new_target
            key[2] += moved
            key[3] += extra
            key[4] += gain
        elif kind < 0.9:
            # a swap of two units across the border of two parts
            rank = int(_uniform(state) * size[target])
            mate = first[target]
            for _ in range(rank):
                mate = after[mate]
            if not movable[mate]:
                continue
            joins = False
            for at in range(pointers[mate], pointers[mate + 1]):
                if label[neighbours[at]] == source:
                    joins = True
                    break
            if not joins:
                continue
            wm = weights[mate]
            miss = (
                _outside(load[source] - wu + wm, lower, upper)
                + _outside(load[target] + wu - wm, lower, upper)
                - _outside(load[source], lower, upper)
                - _outside(load[target], lower, upper)
            )
            extra = 0
            mate_group = groups[mate]
            if group != mate_group:
                if group >= 0:
                    change = 0
                    if count[group, source] == 1:
                        change -= 1
                    if count[group, target] == 0:
                        change += 1
                    extra += max(0, touched[group] + change - allowance[group]) - max(
                        0, touched[group] - allowance[group]
                    )
                if mate_group >= 0:
                    change = 0
                    if count[mate_group, target] == 1:
                        change -= 1
                    if count[mate_group, source] == 0:
                        change += 1
                    extra += max(0, touched[mate_group] + change - allowance[mate_group]) - max(
                        0, touched[mate_group] - allowance[mate_group]
                    )
            moved = 0.0
            if home[unit] >= 0:
                moved += wu * (int(home[unit] != target) - int(home[unit] != source))
            if home[mate] >= 0:
                moved += wm * (int(home[mate] != source) - int(home[mate] != target))
            delta = window_penalty * miss + piece_penalty * extra + move_penalty * moved
            new_source, new_target, gain = np.inf, np.inf, 0.0
            if inertia:
                own = 0.0
                other = first[source]
                while other >= 0:
                    if other != unit:
                        d = distance[mate, other]
                        own += weights[other] * d
                        new_source = min(new_source, moment[other] - wu * distance[unit, other] + wm * d)
                    other = after[other]
                new_source = min(new_source, own)
                own = 0.0
                other = first[target]
                while other >= 0:
                    if other != mate:
                        d = distance[unit, other]
                        own += weights[other] * d
                        new_target = min(new_target, moment[other] - wm * distance[mate, other] + wu * d)
                    other = after[other]
                new_target = min(new_target, own)
                gain = new_source + new_target - inertia_of[source] - inertia_of[target]
            else:
                for at in range(pointers[unit], pointers[unit + 1]):
                    if neighbours[at] == mate:
                        gain += 2 * costs[at]
                    side = label[neighbours[at]]
                    if side == source:
                        gain += costs[at]
                    elif side == target:
                        gain -= costs[at]
                for at in range(pointers[mate], pointers[mate + 1]):
                    side = label[neighbours[at]]
                    if side == target:
                        gain += costs[at]
                    elif side == source:
                        gain -= costs[at]
            if delta + gain > limit:
                continue
            if size[source] > 1:
                mark += 1
                if not connected_without(unit, source, mate, label, pointers, neighbours, stamp, queue, mark):
                    continue
            if size[target] > 1:
                mark += 1
                if not connected_without(mate, target, unit, label, pointers, neighbours, stamp, queue, mark):
                    continue
            take_out(unit, source, label, weights, distance, first, after, before, moment)
            take_out(mate, target, label, weights, distance, first, after, before, moment)
            put_in(unit, target, label, weights, distance, first, after, before, moment)
            put_in(mate, source, label, weights, distance, first, after, before, moment)
            load[source] += wm - wu
            load[target] += wu - wm
            if group != mate_group:
                if group >= 0:
                    count[group, source] -= 1
                    if count[group, source] == 0:
                        touched[group] -= 1
                    if count[group, target] == 0:
                        touched[group] += 1
                    count[group, target] += 1
                if mate_group >= 0:
                    count[mate_group, target] -= 1
                    if count[mate_group, target] == 0:
                        touched[mate_group] -= 1
                    if count[mate_group, source] == 0:
                        touched[mate_group] += 1
                    count[mate_group, source] += 1
            if inertia:
                inertia_of[source] = new_source
                inertia_of[target] = new_target
            key[2] += moved
            key[3] += extra
            key[4] += gain
        else:
            # the whole piece of an estate to a neighbouring part
            number = 0
            weight = 0.0
            moved = 0.0
            free = True
            other = first[source]
            while other >= 0:
                if groups[other] == group:
                    movers[number] = other
                    number += 1
                    weight += weights[other]
                    free = free and movable[other]
                    if home[other] == source:
                        moved += weights[other]
                    elif home[other] == target:
                        moved -= weights[other]
                other = after[other]
            if not free or number == size[source]:
                continue
            miss = (
                _outside(load[source] - weight, lower, upper)
                + _outside(load[target] + weight, lower, upper)
                - _outside(load[source], lower, upper)
                - _outside(load[target], lower, upper)
            )
            change = 0 if count[group, target] == 0 else -1
            extra = max(0, touched[group] + change - allowance[group]) - max(
                0, touched[group] - allowance[group]
            )
            delta = window_penalty * miss + piece_penalty * extra + move_penalty * moved
            # removing units can save no more than the whole inertia of the source
            if delta - (inertia_of[source] if inertia else 0.0) > limit and inertia:
                continue
            gain = 0.0
            if not inertia:
                for k in range(number):
                    for at in range(pointers[movers[k]], pointers[movers[k] + 1]):
                        side = label[neighbours[at]]
                        if side == source and groups[neighbours[at]] != group:
                            gain += costs[at]
                        elif side == target:
                            gain -= costs[at]
                if delta + gain > limit:
                    continue
            for k in range(number):
                label[movers[k]] = target
            mark += 1
            rest = first[source]
            while label[rest] != source:
                rest = after[rest]
            whole = (
                reach(rest, source, label, pointers, neighbours, stamp, queue, mark) == size[source] - number
            )
            if whole:
                mark += 1
                whole = (
                    reach(unit, target, label, pointers, neighbours, stamp, queue, mark)
                    == size[target] + number
                )
            for k in range(number):
                label[movers[k]] = source
            if not whole:
                continue
            for k in range(number):
                take_out(movers[k], source, label, weights, distance, first, after, before, moment)
                put_in(movers[k], target, label, weights, distance, first, after, before, moment)
            if inertia:
                new_source = least_moment(source, first, after, moment)
                new_target = least_moment(target, first, after, moment)
                gain = new_source + new_target - inertia_of[source] - inertia_of[target]
                if delta + gain > limit:
                    for k in range(number):
                        take_out(movers[k], target, label, weights, distance, first, after, before, moment)
                        put_in(movers[k], source, label, weights, distance, first, after, before, moment)
                    continue
                inertia_of[source] = new_source
                inertia_of[target] = new_target
            load[source] -= weight
            load[target] += weight
            size[source] -= number
            size[target] += number
            if count[group, target] > 0:
                touched[group] -= 1
            count[group, target] += number
            count[group, source] = 0
            key[2] += moved
            key[3] += extra
            key[4] += gain

        key[0] += miss
        if miss != 0.0 or key[0] > _TOLERANCE:
            key[1] = 0.0
            key[0] = 0.0
            for part in range(parts):
                lack = _outside(load[part], lower, upper)
                key[0] += lack
                if lack > _TOLERANCE:
                    key[1] += 1
        if _better(key, best_key):
            best[:] = label
            best_key[:] = key
