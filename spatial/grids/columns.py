"""Every part that could belong to a better plan, and the best plan made of them.

Under the prices of `spatial.grids.compactness` a plan that beats the goal uses only parts whose priced
cost is small.  They are listed by growing connected sets from each centre, a branch being cut when the
prices of all units still open could not bring it below its limit; then `spatial.grids.covers` picks the
best plan made of them.  When the list is complete, that plan, or the absence of one, is proved.
"""
# ruff: noqa: C901, PLR0912, PLR0915, PLR0917 - kernels take plain arrays and branch for the compiler

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spatial.grids.compactness import HessModel, Prices
from spatial.grids.instance import FloatArray, Instance, IntArray

__all__ = ["Columns", "parts_below"]

# A listing may have used this share of what it may list before any centre, and so many times an even pace.
_AHEAD, _PACE = 0.05, 2.0
_GOLDEN = 0.618


@dataclass(frozen=True, eq=False)
class Columns:
    """Connected parts inside the window, one each however many centres they have.

    Attributes
    ----------
    pointers, units : rows of the model in each part, compressed
    cost : inertia of each part
    groups : groups each part touches
    """

    pointers: IntArray
    units: NDArray[np.int16]
    cost: FloatArray
    groups: IntArray


def parts_below(
    instance: Instance,
    model: HessModel,
    prices: Prices,
    parts: int,
    *,
    pieces: int | None,
    goal: float,
    columns_at_most: int,
    nodes_at_most: int,
) -> Columns | None:
    """List every lawful part of a plan that costs less than `goal`; None when they are too many.

    `instance` must have its units in the order of the model's rows.
    """
    finite = np.sort(prices.parts)[:parts]
    base = prices.units.sum() - (prices.piece * pieces if pieces is not None else 0.0)
    # with centre j the other parts cost at least the parts − 1 least of the other centres
    others = np.where(prices.parts <= finite[-1], finite.sum() - prices.parts, finite[:-1].sum())
    limit = goal - base - others
    found, pointers, units, cost, groups = grow_parts(
        model.cost,
        instance.weights,
        instance.pointers,
        instance.neighbours,
        model.door,
        model.doors.size - 1,
        prices.units,
        prices.piece,
        instance.lower,
        instance.upper,
        np.where(np.isfinite(prices.parts), limit, -np.inf),
        columns_at_most,
        nodes_at_most,
    )
    if found < 0:
        return None
    return Columns(pointers[: found + 1], units[: pointers[found]], cost[:found], groups[:found])


@njit(cache=True)
def rated_bound(
    rate: float,
    centre: int,
    true: FloatArray,
    weights: FloatArray,
    door: IntArray,
    piece: float,
    lower: float,
    upper: float,
    gain: FloatArray,
) -> float:
    """Least priced cost of a part of the centre when each household costs `rate` more.

    A part holds between `lower` and `upper`, so rate × upper (or lower, for a rate below 0) is taken
    off again: a bound for any rate, which makes the window felt without a knapsack.
    """
    gain[:] = 0.0
    for unit in range(weights.size):
        if unit != centre and true[unit] < np.inf:
            gain[door[unit]] += min(0.0, true[unit] + rate * weights[unit])
    bound: float = true[centre] + rate * weights[centre] + piece
    bound -= rate * upper if rate >= 0 else rate * lower
    for group in range(gain.size):
        bound += gain[group] if group == door[centre] else min(0.0, piece + gain[group])
    return bound


@njit(cache=True)
def best_rate(
    centre: int,
    true: FloatArray,
    weights: FloatArray,
    door: IntArray,
    piece: float,
    lower: float,
    upper: float,
    gain: FloatArray,
) -> float:
    """Rate with the highest `rated_bound`, by ternary search: the bound is concave in the rate."""
    high = 1e-12
    for unit in range(weights.size):
        if true[unit] < np.inf and weights[unit] > 0:
            high = max(high, abs(true[unit]) / weights[unit])
    low = -high
    for _ in range(40):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if rated_bound(left, centre, true, weights, door, piece, lower, upper, gain) < rated_bound(
            right, centre, true, weights, door, piece, lower, upper, gain
        ):
            low = left
        else:
            high = right
    return (low + high) / 2


@njit(cache=True)
def _stride(count: int) -> int:
    """Step by which a walk round `count` places visits each once, early places far from each other."""
    step = max(1, int(_GOLDEN * count))
    while math.gcd(step, count) > 1:
        step += 1
    return step


@njit(cache=True)
def grow_parts(
    cost: FloatArray,
    weights: FloatArray,
    pointers: IntArray,
    neighbours: IntArray,
    door: IntArray,
    doors: int,
    prices: FloatArray,
    piece: float,
    lower: float,
    upper: float,
    limit: FloatArray,
    columns_at_most: int,
    nodes_at_most: int,
) -> tuple[int, IntArray, NDArray[np.int16], FloatArray, IntArray]:
    """Return the number of parts, −1 when a cap was met or will be at this pace, and the arrays of `Columns`."""
    units = weights.size
    out_pointers = np.zeros(columns_at_most + 1, dtype=np.int64)
    out_units = np.empty(max(units, 16) * 64, dtype=np.int16)
    out_cost = np.empty(columns_at_most)
    out_groups = np.empty(columns_at_most, dtype=np.int64)
    found, nodes = 0, 0
    true = np.empty(units)
    reduced = np.empty(units)
    open_gain = np.empty(doors)
    touched = np.zeros(doors, dtype=np.int64)
    known = np.zeros(units, dtype=np.bool_)
    chosen = np.empty(units, dtype=np.int64)
    waiting = np.empty((units + 1, units), dtype=np.int64)
    length = np.zeros(units + 1, dtype=np.int64)
    place = np.zeros(units + 1, dtype=np.int64)
    fresh = np.zeros(units + 1, dtype=np.int64)
    stride = _stride(units)
    for turn in range(units):
        centre = turn * stride % units
        if limit[centre] == -np.inf or weights[centre] > upper:
            continue
        # centres come from all over the community, so the first ones tell whether the cap will be met
        share = min(1.0, _AHEAD + _PACE * (turn + 1) / units)
        nodes_by_now, found_by_now = share * nodes_at_most, int(share * columns_at_most)
        for unit in range(units):
            true[unit] = cost[centre, unit] - prices[unit]
        rate = best_rate(centre, true, weights, door, piece, lower, upper, open_gain)
        open_gain[:] = 0.0
        touched[:] = 0
        known[:] = False
        bound = -rate * upper if rate >= 0 else -rate * lower
        open_weight = 0.0
        for unit in range(units):
            if cost[centre, unit] < np.inf:
                reduced[unit] = true[unit] + rate * weights[unit]
                if unit != centre:
                    open_gain[door[unit]] += min(0.0, reduced[unit])
                    open_weight += weights[unit]
            else:
                known[unit] = True
        own = reduced[centre] + piece
        true_own = true[centre] + piece
        for group in range(doors):
            bound += open_gain[group] if group == door[centre] else min(0.0, piece + open_gain[group])
        touched[door[centre]] = 1
        known[centre] = True
        depth, size, load, groups = 0, 1, weights[centre], 1
        chosen[0] = centre
        length[0] = 0
        for at in range(pointers[centre], pointers[centre + 1]):
            near = neighbours[at]
            if not known[near]:
                known[near] = True
                waiting[0, length[0]] = near
                length[0] += 1
        fresh[0] = length[0]
        place[0] = 0
        ready = True
        while True:
            if ready:
                # a set seen for the first time
                ready = False
                nodes += 1
                if nodes > nodes_by_now:
                    return -1, out_pointers, out_units, out_cost, out_groups
                if load >= lower and true_own <= limit[centre]:
                    total = 0.0
                    for a in range(size):
                        total += cost[centre, chosen[a]]
                    best = True
                    for a in range(size):
                        moment = 0.0
                        for b in range(size):
                            moment += cost[chosen[a], chosen[b]]
                        if moment < total or (moment == total and chosen[a] < centre):
                            best = False
                            break
                    if best:
                        if found == found_by_now:
                            return -1, out_pointers, out_units, out_cost, out_groups
                        begin = out_pointers[found]
                        if begin + size > out_units.size:
                            larger = np.empty(2 * out_units.size, dtype=np.int16)
                            larger[:begin] = out_units[:begin]
                            out_units = larger
                        out_units[begin : begin + size] = chosen[:size]
                        out_pointers[found + 1] = begin + size
                        out_cost[found] = total
                        out_groups[found] = groups
                        found += 1
            step = -1
            if place[depth] < length[depth] and own + bound <= limit[centre] and load + open_weight >= lower:
                step = waiting[depth, place[depth]]
                place[depth] += 1
            if step >= 0:
                # decide `step`: it leaves the open units
                group = door[step]
                before = open_gain[group] if touched[group] else min(0.0, piece + open_gain[group])
                open_gain[group] -= min(0.0, reduced[step])
                open_weight -= weights[step]
                if load + weights[step] <= upper:
                    after = open_gain[group]
                    gain = reduced[step] if touched[group] else reduced[step] + piece
                    if own + gain + bound - before + after <= limit[centre]:
                        # with it
                        bound += after - before
                        own += gain
                        true_own += true[step] + (0.0 if touched[group] else piece)
                        groups += 0 if touched[group] else 1
                        touched[group] += 1
                        load += weights[step]
                        chosen[size] = step
                        size += 1
                        rest = length[depth] - place[depth]
                        waiting[depth + 1, :rest] = waiting[depth, place[depth] : length[depth]]
                        count = rest
                        for at in range(pointers[step], pointers[step + 1]):
                            near = neighbours[at]
                            if not known[near]:
                                known[near] = True
                                waiting[depth + 1, count] = near
                                count += 1
                        depth += 1
                        length[depth] = count
                        fresh[depth] = count - rest
                        place[depth] = 0
                        ready = True
                        continue
                # without it
                after = open_gain[group] if touched[group] else min(0.0, piece + open_gain[group])
                bound += after - before
                continue
            # leave this set: its decided units open again, its discoveries are forgotten
            for at in range(place[depth]):
                unit = waiting[depth, at]
                group = door[unit]
                before = open_gain[group] if touched[group] else min(0.0, piece + open_gain[group])
                open_gain[group] += min(0.0, reduced[unit])
                open_weight += weights[unit]
                after = open_gain[group] if touched[group] else min(0.0, piece + open_gain[group])
                bound += after - before
            for at in range(length[depth] - fresh[depth], length[depth]):
                known[waiting[depth, at]] = False
            if depth == 0:
                break
            # take the last chosen unit out again; it stays decided, that is, left out
            depth -= 1
            size -= 1
            last = chosen[size]
            group = door[last]
            load -= weights[last]
            before = open_gain[group]
            touched[group] -= 1
            if touched[group] == 0:
                groups -= 1
                own -= reduced[last] + piece
                true_own -= true[last] + piece
                bound += min(0.0, piece + open_gain[group]) - before
            else:
                own -= reduced[last]
                true_own -= true[last]
    return found, out_pointers, out_units, out_cost, out_groups
