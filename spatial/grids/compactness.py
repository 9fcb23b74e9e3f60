"""A lower bound on inertia: the Hess model with its cover and its piece limit priced.

Give unit i a price λ_i and every group a part touches a price ν.  A part with centre j then costs
Σ (c_ij − λ_i) + ν · groups touched, c_ij = weight × squared distance / total weight, and the least such
part is a 0/1 knapsack over weights, the units of a group behind a door that costs ν.  With k parts and
at most T pieces, Σ λ − ν T + (the k least parts, over distinct centres) is a bound on every plan; Polyak
steps towards the best plan known raise it.  Parts are not asked to be connected, only units that no
lawful path joins to the centre are left out; so the bound holds for every lawful plan.
"""
# ruff: noqa: C901, PLR0912, PLR0915, PLR0917 - kernels take plain arrays and branch for the compiler

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spatial.grids.clock import Clock
from spatial.grids.instance import FloatArray, Instance, IntArray

__all__ = ["HessModel", "Prices", "raise_bound"]

_CAPACITY_LIMIT = 1000
_STEPS_AT_ONCE = 200


@dataclass(frozen=True, eq=False)
class HessModel:
    """Costs and weights of a connected instance, its units sorted by group.

    Attributes
    ----------
    order : (n,) unit of the instance at each row here
    cost : (n, n) cost of unit [column] at centre [row]; inf where no part can hold both
    load : (n,) int weights; `capacity` and `floor` the window in the same scale
    doors : (nodes + 1,) first row of each group; a unit of no group has a door of its own
    door : (n,) group of each row
    """

    order: IntArray
    cost: FloatArray
    load: IntArray
    capacity: int
    floor: int
    doors: IntArray
    door: IntArray

    @classmethod
    def of(cls, instance: Instance, total: float) -> HessModel:
        """Build the model; `total` is the weight that inertia is divided by."""
        # without groups pieces have no price: one door for all
        node = np.maximum(instance.groups, 0) if instance.group_count == 0 else instance.groups.copy()
        alone = np.flatnonzero(node < 0)
        node[alone] = instance.group_count + np.arange(alone.size)
        order = np.argsort(node, kind="stable")
        sorted_node = node[order]
        doors = np.concatenate([[0], np.flatnonzero(np.diff(sorted_node)) + 1, [order.size]])
        distance = instance.squared_distances() / total
        cost = distance * instance.weights[None, :]
        near = lightest_paths(instance.weights, instance.pointers, instance.neighbours, instance.upper)
        cost = np.where(near, cost, np.inf)[np.ix_(order, order)]
        whole = bool(np.all(instance.weights == np.round(instance.weights)))
        whole = whole and instance.lower == round(instance.lower) and instance.upper <= _CAPACITY_LIMIT
        if whole:
            load, capacity, floor = instance.weights, instance.upper, instance.lower
        else:
            # rounded down in coarse steps: every lawful part still fits, so the bound stays one
            step = max(instance.upper / _CAPACITY_LIMIT, 1e-12)
            load, capacity, floor = np.floor(instance.weights / step), np.floor(instance.upper / step), 0.0
        return cls(
            order=order,
            cost=cost,
            load=load[order].astype(np.int64),
            capacity=int(capacity),
            floor=int(floor),
            doors=doors.astype(np.int64),
            door=np.repeat(np.arange(doors.size - 1), np.diff(doors)),
        )


@dataclass(frozen=True, eq=False)
class Prices:
    """A bound and the prices that prove it.

    Attributes
    ----------
    bound : least cost of any plan; inf when no plan exists
    units : (n,) λ, rows of the model
    piece : ν
    parts : (n,) least priced part of each centre
    """

    bound: float
    units: FloatArray
    piece: float
    parts: FloatArray


@njit(cache=True)
def lightest_paths(
    weights: FloatArray, pointers: IntArray, neighbours: IntArray, upper: float
) -> NDArray[np.bool_]:
    """Whether two units can share a part: a path of weight ≤ upper joins them, shape (n, n)."""
    units = weights.size
    near = np.zeros((units, units), dtype=np.bool_)
    for centre in range(units):
        best = np.full(units, np.inf)
        best[centre] = weights[centre]
        open_units = np.zeros(units, dtype=np.bool_)
        open_units[centre] = True
        while True:
            here = -1
            for unit in range(units):
                if open_units[unit] and (here < 0 or best[unit] < best[here]):
                    here = unit
            if here < 0:
                break
            open_units[here] = False
            near[centre, here] = True
            for at in range(pointers[here], pointers[here + 1]):
                unit = neighbours[at]
                reach = best[here] + weights[unit]
                if reach < best[unit] and reach <= upper + 1e-9:
                    best[unit] = reach
                    open_units[unit] = True
    return near


@njit(cache=True)
def _add(value: FloatArray, out: FloatArray, load: int, price: float) -> None:
    """One knapsack item: out[w] = min(value[w], value[w − load] + price)."""
    out[:load] = value[:load]
    without, below, result = value[load:], value[: value.size - load], out[load:]
    for at in range(result.size):
        with_item = below[at] + price
        result[at] = min(without[at], with_item)


@njit(cache=True, inline="always")
def _open(cost: float, price: float, gains_only: bool) -> bool:
    return cost < price if gains_only else cost < np.inf


@njit(cache=True)
def _worth_a_look(
    centre: int,
    group: int,
    cost: FloatArray,
    floor: int,
    doors: IntArray,
    prices: FloatArray,
    piece: float,
    gains_only: bool,
) -> bool:
    """Whether a part of the centre may gain by units of another group, or need them to hold `floor`."""
    usable = False
    gain = piece
    for unit in range(doors[group], doors[group + 1]):
        if cost[centre, unit] < np.inf:
            usable = True
            gain += min(0.0, cost[centre, unit] - prices[unit])
    return usable and (gain < 0.0 or (floor > 0 and not gains_only))


@njit(cache=True)
def _least_part(
    centre: int,
    cost: FloatArray,
    load: IntArray,
    floor: int,
    doors: IntArray,
    door: IntArray,
    prices: FloatArray,
    piece: float,
    layers: FloatArray,
    gains_only: bool,
    kept: bool,
) -> tuple[float, bool]:
    """Value of the least priced part of a centre, and whether it holds `floor`.

    With `gains_only` no unit is taken that costs more than its price: then the value is that of the
    least part of any weight up to the capacity, which is a bound, and exact if it holds `floor`.

    Stages: the centre; its group's other units; then for each other group its opening, its units, its
    closing.  `layers` keeps every stage when `kept`, else a few rows of it are used in turn.
    """
    capacity = layers.shape[1] - 1
    at = 0
    layers[0, :] = np.inf
    if load[centre] > capacity:
        return np.inf, True
    layers[0, load[centre]] = cost[centre, centre] - prices[centre] + piece
    own = door[centre]
    for unit in range(doors[own], doors[own + 1]):
        if unit != centre and _open(cost[centre, unit], prices[unit], gains_only):
            to = at + 1 if kept else 1 - at
            _add(layers[at], layers[to], load[unit], cost[centre, unit] - prices[unit])
            at = to
    for group in range(doors.size - 1):
        if group == own:
            continue
        if not _worth_a_look(centre, group, cost, floor, doors, prices, piece, gains_only):
            continue
        base = at
        if kept:
            at += 1
        else:
            at = 2 if base != 2 else 3
        for w in range(capacity + 1):
            layers[at, w] = layers[base, w] + piece
        for unit in range(doors[group], doors[group + 1]):
            if _open(cost[centre, unit], prices[unit], gains_only):
                if kept:
                    to = at + 1
                else:
                    to = 0
                    while to in (base, at):
                        to += 1
                _add(layers[at], layers[to], load[unit], cost[centre, unit] - prices[unit])
                at = to
        if kept:
            to = at + 1
        else:
            to = 0
            while to in (base, at):
                to += 1
        for w in range(capacity + 1):
            layers[to, w] = min(layers[base, w], layers[at, w])
        at = to
        if not kept and at > 1:
            layers[0, :] = layers[at, :]
            at = 0
    least, light = np.inf, np.inf
    for w in range(floor, capacity + 1):
        least = min(least, layers[at, w])
    for w in range(floor):
        light = min(light, layers[at, w])
    if gains_only and light < least:
        return light, False
    return least, True


@njit(cache=True)
def _count_part(
    centre: int,
    cost: FloatArray,
    load: IntArray,
    floor: int,
    doors: IntArray,
    door: IntArray,
    prices: FloatArray,
    piece: float,
    layers: FloatArray,
    cover: FloatArray,
) -> int:
    """Add the units of the least priced part to `cover`; return the groups it touches."""
    capacity = layers.shape[1] - 1
    gains_only = True
    if not _least_part(centre, cost, load, floor, doors, door, prices, piece, layers, True, True)[1]:
        gains_only = False
        _least_part(centre, cost, load, floor, doors, door, prices, piece, layers, False, True)
    own = door[centre]
    groups = [own]
    used = 1
    for group in range(doors.size - 1):
        if group == own:
            continue
        if _worth_a_look(centre, group, cost, floor, doors, prices, piece, gains_only):
            groups.append(group)
    # stages run as in _least_part; find the last one, then walk back
    at = 0
    begin = np.zeros(len(groups), dtype=np.int64)
    for number in range(len(groups)):
        group = groups[number]
        begin[number] = at
        for unit in range(doors[group], doors[group + 1]):
            if unit != centre and _open(cost[centre, unit], prices[unit], gains_only):
                at += 1
        if number > 0:
            at += 2
    w = floor
    for other in range(floor, capacity + 1):
        if layers[at, other] < layers[at, w]:
            w = other
    for number in range(len(groups) - 1, -1, -1):
        group = groups[number]
        if number > 0:
            at -= 1
            if layers[begin[number], w] <= layers[at, w]:
                at = begin[number]
                continue
            used += 1
        for unit in range(doors[group + 1] - 1, doors[group] - 1, -1):
            if unit != centre and _open(cost[centre, unit], prices[unit], gains_only):
                at -= 1
                if layers[at + 1, w] < layers[at, w]:
                    cover[unit] += 1.0
                    w -= load[unit]
        at = begin[number]
    cover[centre] += 1.0
    return used


@njit(cache=True)
def climb(
    cost: FloatArray,
    load: IntArray,
    capacity: int,
    floor: int,
    doors: IntArray,
    door: IntArray,
    parts: int,
    pieces: int,
    goal: float,
    prices: FloatArray,
    piece: float,
    steps: int,
    tolerance: float,
    reach: float,
) -> tuple[float, FloatArray, float, FloatArray, float]:
    """Raise the bound by at most `steps` Polyak steps from the given prices.

    `pieces` < 0 leaves pieces free.  Stops when the bound is within `tolerance` of `goal`.  `reach` is the
    share of a Polyak step to go; it is returned as it was in the end, 0 when no more steps are of use.
    """
    units = load.size
    layers = np.empty((max(4, units + 2 * doors.size + 2), capacity + 1))
    value = np.empty(units)
    exact = np.empty(units, dtype=np.bool_)
    best_bound = -np.inf
    best_prices, best_piece, best_value = prices.copy(), piece, np.full(units, np.inf)
    direction = np.zeros(units)
    piece_direction = 0.0
    prices = prices.copy()
    stale = 0
    scale = 2.0
    for _ in range(steps):
        for centre in range(units):
            value[centre], exact[centre] = _least_part(
                centre, cost, load, floor, doors, door, prices, piece, layers, True, False
            )
        # the values of the parts taken must be exact, a bound is enough for the others
        while True:
            order = np.argsort(value)
            done = True
            for rank in range(parts):
                centre = order[rank]
                if not exact[centre]:
                    done = False
                    exact[centre] = True
                    value[centre], _ = _least_part(
                        centre, cost, load, floor, doors, door, prices, piece, layers, False, False
                    )
            if done:
                break
        bound = prices.sum() - (piece * pieces if pieces >= 0 else 0.0)
        for rank in range(parts):
            bound += value[order[rank]]
        if bound > best_bound + 1e-9 * abs(goal):
            if bound > best_bound + 1e-4 * (goal - best_bound):
                stale = 0
            else:
                stale += 1
            best_bound = bound
            best_prices[:] = prices
            best_piece = piece
            best_value[:] = value
        else:
            stale += 1
        if best_bound >= goal - tolerance or best_bound == np.inf:
            reach = 0.0
            break
        if stale >= 20:
            stale = 0
            reach *= 0.7
            prices[:] = best_prices
            piece = best_piece
            direction[:] = 0.0
            piece_direction = 0.0
            if reach < 0.003:
                reach = 0.0
                break
            continue
        cover = np.zeros(units)
        used = 0
        for rank in range(parts):
            used += _count_part(order[rank], cost, load, floor, doors, door, prices, piece, layers, cover)
        norm = 0.0
        for unit in range(units):
            direction[unit] = 0.7 * direction[unit] + (1.0 - cover[unit])
            norm += direction[unit] ** 2
        if pieces >= 0:
            piece_direction = 0.7 * piece_direction + scale * (used - pieces)
            if piece > 0 or piece_direction > 0:
                norm += piece_direction**2
        if norm < 1e-12:
            reach = 0.0
            break
        step = reach * (goal - bound) / norm
        for unit in range(units):
            prices[unit] += step * direction[unit]
        if pieces >= 0:
            piece = max(0.0, piece + step * scale * piece_direction)
    return best_bound, best_prices, best_piece, best_value, reach


def raise_bound(
    model: HessModel,
    parts: int,
    *,
    pieces: int | None,
    goal: float,
    start: FloatArray,
    steps: int,
    clock: Clock,
) -> Prices:
    """Bound the cost of `parts` parts that touch at most `pieces` groups together.

    Parameters
    ----------
    goal : cost of a plan, or a guess a little above the bound hoped for
    start : (n,) first prices, rows of the model; a plan's own costs serve well
    """
    best = Prices(-np.inf, start, 0.0, np.full(start.size, np.inf))
    reach, chunk = 1.0, _STEPS_AT_ONCE
    while steps > 0 and reach > 0 and (best.bound == -np.inf or not clock.out()):
        begin = clock.seconds
        if clock.left_s < np.inf and best.bound == -np.inf:
            chunk = 1
        bound, units, piece, value, reach = climb(
            model.cost,
            model.load,
            model.capacity,
            model.floor,
            model.doors,
            model.door,
            parts,
            -1 if pieces is None else pieces,
            goal,
            best.units,
            best.piece,
            min(steps, chunk),
            1e-7 * goal,
            reach,
        )
        if bound > best.bound:
            best = Prices(float(bound), units, float(piece), value)
        steps -= chunk
        if clock.left_s < np.inf:
            per_step_s = max((clock.seconds - begin) / chunk, 1e-6)
            chunk = max(1, min(_STEPS_AT_ONCE, int(0.5 * clock.left_s / per_step_s)))
    return best
