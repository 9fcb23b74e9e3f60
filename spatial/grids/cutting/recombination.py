# ruff: noqa: C901, PLR0912, PLR0915, PLR0917 - kernels take plain arrays and branch for the compiler
"""Recombination: two neighbouring parts merged and cut anew along a random spanning tree, compiled.

After the ReCom proposal of DeFord, Duchin and Solomon (2021).  Where a tree has no edge whose two sides
lie in the window, the edges that miss it least are weighed by cut and violation together, so that a
plan outside a tight window walks into it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from spatial.grids.instance import FloatArray, IntArray

__all__ = ["recombine"]

_SHORTLIST = 4


@njit(cache=True, inline="always")
def _miss(weight: float, lower: float, upper: float) -> float:
    return max(0.0, lower - weight, weight - upper)


@njit(cache=True)
def _root(parent: IntArray, unit: int) -> int:
    while parent[unit] != unit:
        parent[unit] = parent[parent[unit]]
        unit = parent[unit]
    return unit


@njit(cache=True)
def recombine(
    label: IntArray,
    best: IntArray,
    parts: int,
    weights: FloatArray,
    pointers: IntArray,
    neighbours: IntArray,
    costs: FloatArray,
    held: IntArray,
    lower: float,
    upper: float,
    proposals: int,
    temperatures: FloatArray,
    penalties: FloatArray,
    rng: np.random.Generator,
) -> None:
    """Try `proposals` recombinations, changing `label`; `best` becomes the best plan seen.

    Every part of `label` is connected, and stays so.  Energy is the cut plus penalty × weight outside
    the window; both schedules are pairs (first, last) walked geometrically.  Best is least violation,
    then least cut.

    Parameters
    ----------
    held : part that a unit must stay in, −1 = any
    """
    units = weights.size
    load = np.zeros(parts)
    for unit in range(units):
        load[label[unit]] += weights[unit]
    outside, cut = 0.0, 0.0
    for part in range(parts):
        outside += _miss(load[part], lower, upper)
    for unit in range(units):
        for at in range(pointers[unit], pointers[unit + 1]):
            if neighbours[at] > unit and label[neighbours[at]] != label[unit]:
                cut += costs[at]
    best[:] = label
    least_outside, least_cut = outside, cut

    members = np.empty(units, dtype=np.int64)
    place = np.full(units, -1, dtype=np.int64)
    parent = np.empty(units, dtype=np.int64)
    above = np.empty(units, dtype=np.int64)
    order = np.empty(units, dtype=np.int64)
    below = np.empty(units)
    inside = np.empty((units, 2), dtype=np.int64)
    head = np.empty(units, dtype=np.int64)
    after = np.empty(2 * units, dtype=np.int64)
    target = np.empty(2 * units, dtype=np.int64)
    low = np.empty(neighbours.size // 2 + 1, dtype=np.int64)
    high = np.empty(neighbours.size // 2 + 1, dtype=np.int64)
    side = np.zeros(units, dtype=np.bool_)
    best_side = np.zeros(units, dtype=np.bool_)
    candidate = np.empty(_SHORTLIST, dtype=np.int64)
    candidate_miss = np.empty(_SHORTLIST)

    for step in range(proposals):
        way = step / proposals
        temperature = temperatures[0] * (temperatures[1] / temperatures[0]) ** way
        penalty = penalties[0] * (penalties[1] / penalties[0]) ** way
        a = b = -1
        for _ in range(64):
            unit = int(rng.random() * units)
            degree = pointers[unit + 1] - pointers[unit]
            if degree == 0:
                continue
            near = neighbours[pointers[unit] + int(rng.random() * degree)]
            if label[near] != label[unit]:
                a, b = label[unit], label[near]
                break
        if a < 0:
            continue
        size = 0
        for unit in range(units):
            if label[unit] == a or label[unit] == b:
                members[size] = unit
                place[unit] = size
                size += 1
            else:
                place[unit] = -1
        edges = 0
        crossing = 0.0
        for at_member in range(size):
            unit = members[at_member]
            parent[at_member] = at_member
            head[at_member] = -1
            for at in range(pointers[unit], pointers[unit + 1]):
                near = neighbours[at]
                if near > unit and place[near] >= 0:
                    low[edges], high[edges] = at_member, place[near]
                    edges += 1
                    if label[near] != label[unit]:
                        crossing += costs[at]
        # a random spanning tree: edges in random order, each that joins two pieces
        joined = 0
        for at in range(edges):
            other = at + int(rng.random() * (edges - at))
            low[at], low[other] = low[other], low[at]
            high[at], high[other] = high[other], high[at]
            one, two = _root(parent, low[at]), _root(parent, high[at])
            if one != two:
                parent[one] = two
                target[2 * joined], after[2 * joined] = high[at], head[low[at]]
                head[low[at]] = 2 * joined
                target[2 * joined + 1], after[2 * joined + 1] = low[at], head[high[at]]
                head[high[at]] = 2 * joined + 1
                joined += 1
                if joined == size - 1:
                    break
        order[0], above[0] = 0, -1
        first, last = 0, 1
        while first < last:
            here = order[first]
            first += 1
            at = head[here]
            while at >= 0:
                if target[at] != above[here]:
                    above[target[at]] = here
                    order[last] = target[at]
                    last += 1
                at = after[at]
        held_a = held_b = 0
        for at_member in range(size):
            unit = members[at_member]
            below[at_member] = weights[unit]
            inside[at_member, 0] = held[unit] == a
            inside[at_member, 1] = held[unit] == b
            held_a += held[unit] == a
            held_b += held[unit] == b
        for rank in range(size - 1, 0, -1):
            here = order[rank]
            below[above[here]] += below[here]
            inside[above[here], 0] += inside[here, 0]
            inside[above[here], 1] += inside[here, 1]
        # the tree edges that miss the window least; ties are drawn by the random order of the tree
        whole = load[a] + load[b]
        kept = 0
        for rank in range(1, size):
            here = order[rank]
            own_a, own_b = inside[here, 0], inside[here, 1]
            if (own_a and own_a < held_a) or (own_b and own_b < held_b):
                continue
            if held_a and held_b and (own_a > 0) == (own_b > 0):
                continue
            miss = _miss(below[here], lower, upper) + _miss(whole - below[here], lower, upper)
            if kept < _SHORTLIST:
                candidate[kept], candidate_miss[kept] = here, miss
                kept += 1
            else:
                worst = np.argmax(candidate_miss)
                if miss < candidate_miss[worst]:
                    candidate[worst], candidate_miss[worst] = here, miss
        if kept == 0:
            continue
        chosen, chosen_energy, chosen_cut = -1, np.inf, 0.0
        for at_candidate in range(kept):
            side[:size] = False
            side[candidate[at_candidate]] = True
            for rank in range(1, size):
                here = order[rank]
                if above[here] >= 0 and side[above[here]]:
                    side[here] = True
            new_cut = 0.0
            for at_member in range(size):
                if side[at_member]:
                    unit = members[at_member]
                    for at in range(pointers[unit], pointers[unit + 1]):
                        other = place[neighbours[at]]
                        if other >= 0 and not side[other]:
                            new_cut += costs[at]
            energy = new_cut + penalty * candidate_miss[at_candidate]
            if energy < chosen_energy:
                chosen, chosen_energy, chosen_cut = at_candidate, energy, new_cut
                best_side[:size] = side[:size]
        old_miss = _miss(load[a], lower, upper) + _miss(load[b], lower, upper)
        rise = chosen_energy - crossing - penalty * old_miss
        if rise > -temperature * np.log(rng.random() + 1e-300):
            continue
        here = candidate[chosen]
        if inside[here, 1] > 0 or (held_a > 0 and inside[here, 0] == 0):
            # the side below holds units of b, or leaves those of a to the other side
            a, b = b, a
        load[a], load[b] = 0.0, 0.0
        for at_member in range(size):
            unit = members[at_member]
            label[unit] = a if best_side[at_member] else b
            load[label[unit]] += weights[unit]
        outside += candidate_miss[chosen] - old_miss
        cut += chosen_cut - crossing
        if outside < 1e-9:
            outside = 0.0
        if outside < least_outside - 1e-9 or (outside <= least_outside + 1e-9 and cut < least_cut - 1e-9):
            least_outside, least_cut = outside, cut
            best[:] = label
