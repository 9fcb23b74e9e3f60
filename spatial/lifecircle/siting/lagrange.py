"""The Lagrangian bound of capped least cost.

"Every demand is served once" is given up against a price per demand.  What is left falls apart by
site: a site saves what its demand pays above its cost, and the ``count`` sites that save most are
opened.  For any prices the result is a bound on every choice of sites (Cornuéjols, Fisher and
Nemhauser 1977).  Subgradient steps raise it; each keeps a part of the direction of the step before
(Camerini, Fratta and Maffioli 1975), which ends three times nearer to the greatest bound than plain steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from spatial.lifecircle.siting.problem import Flags, Floats, Integers, Rows, Sites

__all__ = ["Climb", "climb_prices"]

# A bound that rose by less than this share has not risen; so many such steps halve the step size.
_STALLED = 1e-7
_PATIENCE = 12

# Share of the last direction kept in the next, and weight of a step in the share of time a site is open.
_MOMENTUM = 0.7
_FRESH = 0.1


@dataclass(frozen=True)
class Climb:
    """What some subgradient steps brought.

    Attributes
    ----------
    bound : no choice costs less
    prices : (demand,), the prices that give the bound
    step : size of the next step; it shrinks as the climb stalls
    chosen : the sites opened at these prices
    if_open, if_closed : (sites,), no choice with the site open, or closed, costs less
    often : (sites,), in what share of the last steps the site was opened
    """

    bound: float
    prices: Floats
    step: float
    chosen: Integers
    if_open: Floats
    if_closed: Floats
    often: Floats


def climb_prices(
    rows: Rows, cap: Floats, sites: int, count: int, *, prices: Floats, total: float, step: float, steps: int
) -> Climb:
    """Raise the bound by some subgradient steps towards ``total``, the least cost known.

    It stops early once the bound has reached the total.  There must be more ``sites`` than ``count``.
    """
    nearest, farthest = cap.copy(), cap.copy()
    filled = np.flatnonzero(np.diff(rows.start))
    nearest[filled] = rows.cost[rows.start[filled]]
    farthest[filled] = rows.cost[rows.start[filled + 1] - 1]
    # Prices move as far as costs lie apart; without that the heaviest demand would set the pace of all.
    spread = np.where(farthest > nearest, farthest, cap) - nearest
    largest = spread.max(initial=0.0)
    scale = spread / largest if largest > 0 else np.ones_like(spread)
    if_open = np.full(sites, -np.inf)
    if_closed = np.full(sites, -np.inf)
    often = np.zeros(sites)
    bound, best_prices, step, chosen = _climb(
        rows.start,
        rows.site,
        rows.cost,
        nearest,
        cap,
        scale,
        count,
        np.clip(prices, nearest, cap),
        total,
        step,
        steps,
        if_open,
        if_closed,
        often,
    )
    return Climb(bound, best_prices, step, chosen, if_open, if_closed, often)


@njit(cache=True)
def _climb(  # noqa: PLR0917 — a kernel takes arrays by place
    row_start: Integers,
    row_site: Sites,
    row_cost: Floats,
    nearest: Floats,
    cap: Floats,
    scale: Floats,
    count: int,
    prices: Floats,
    total: float,
    step: float,
    steps: int,
    if_open: Floats,
    if_closed: Floats,
    often: Floats,
) -> tuple[float, Floats, float, Integers]:
    """Take the steps; fills the last three arrays, returns bound, prices, step and sites."""
    sites = if_open.size
    best_bound, best_prices, chosen = -np.inf, prices.copy(), np.arange(count)
    direction = np.zeros(prices.size)
    stalled = 0
    weight = 0.0
    for _ in range(steps):
        reduced = _reduced_costs(row_start, row_site, row_cost, prices, sites)
        order = np.argsort(reduced, kind="mergesort")
        selected = np.zeros(sites, np.bool_)
        selected[order[:count]] = True
        bound = prices.sum() + reduced[order[:count]].sum()
        _note_sites(reduced, selected, order, bound, if_open, if_closed)
        often += _FRESH * (selected - often)
        weight += _FRESH * (1.0 - weight)
        stalled += 1
        if bound > best_bound:
            if bound > best_bound + _STALLED * abs(best_bound):
                stalled = 0
            best_bound, chosen = bound, order[:count].copy()
            best_prices[:] = prices
        if best_bound >= total:
            break
        if stalled >= _PATIENCE:
            step, stalled = step / 2, 0
            prices[:] = best_prices
            direction[:] = 0.0
            continue
        missing = _missing(row_start, row_site, row_cost, prices, selected)
        if not ((missing > 0) & (prices < cap) | (missing < 0) & (prices > nearest)).any():
            step = 0.0  # the bound is the cost of the sites opened
            break
        direction = missing + _MOMENTUM * direction
        # A price at its end cannot move outwards; such a component would only shorten the step.
        outwards = (direction > 0) & (prices >= cap) | (direction < 0) & (prices <= nearest)
        change = np.where(outwards, 0.0, scale * direction)
        norm = (change * direction).sum()
        if norm == 0.0:
            stalled = _PATIENCE
            continue
        length = step * (total - bound) / norm
        prices = np.minimum(np.maximum(prices + length * change, nearest), cap)
    often /= weight
    return best_bound, best_prices, step, chosen


@njit(cache=True)
def _reduced_costs(
    row_start: Integers, row_site: Sites, row_cost: Floats, prices: Floats, sites: int
) -> Floats:
    """Return for every site what opening it saves at these prices, as a number of at most 0."""
    reduced = np.zeros(sites)
    for row in range(prices.size):
        for entry in range(row_start[row], row_start[row + 1]):
            if row_cost[entry] >= prices[row]:
                break
            reduced[row_site[entry]] += row_cost[entry] - prices[row]
    return reduced


@njit(cache=True)
def _note_sites(  # noqa: PLR0917 — as above
    reduced: Floats, selected: Flags, order: Integers, bound: float, if_open: Floats, if_closed: Floats
) -> None:
    """Raise the bounds of sites: one more opened in place of the worst, the next best in place of one."""
    count = np.count_nonzero(selected)
    worst, next_best = reduced[order[count - 1]], reduced[order[count]]
    for site in range(selected.size):
        opened = bound if selected[site] else bound + reduced[site] - worst
        closed = bound + next_best - reduced[site] if selected[site] else bound
        if_open[site] = max(if_open[site], opened)
        if_closed[site] = max(if_closed[site], closed)


@njit(cache=True)
def _missing(
    row_start: Integers, row_site: Sites, row_cost: Floats, prices: Floats, selected: Flags
) -> Floats:
    """Return for every demand 1 less the number of selected sites that serve it below its price."""
    missing = np.ones(prices.size)
    for row in range(prices.size):
        for entry in range(row_start[row], row_start[row + 1]):
            if row_cost[entry] >= prices[row]:
                break
            if selected[row_site[entry]]:
                missing[row] -= 1.0
    return missing
