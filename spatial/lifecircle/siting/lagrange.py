"""The Lagrangian bound of capped least cost.

"Every demand is served once" is given up against a price per demand.  What is left falls apart by
site: a site saves what its demand pays above its cost, and the ``count`` sites that save most are
opened.  For any prices the result is a bound on every choice of sites (Cornuéjols, Fisher and
Nemhauser 1977); subgradient steps raise it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from spatial.lifecircle.siting import kernels
from spatial.lifecircle.siting.problem import Floats, Integers, Problem

__all__ = ["Climb", "climb_prices", "first_prices"]

# A bound that rose by less than this share has not risen; so many such steps halve the step size.
_STALLED = 1e-7
_PATIENCE = 10


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
    """

    bound: float
    prices: Floats
    step: float
    chosen: Integers
    if_open: Floats
    if_closed: Floats


def first_prices(problem: Problem, chosen: Integers) -> Floats:
    """Return prices between the nearest and the second nearest open site, a fair first guess."""
    first, _, second = kernels.two_nearest(*problem.by_site, problem.cap, chosen)
    farthest = np.zeros(problem.cap.size)
    _, row, cost = problem.by_site
    np.maximum.at(farthest, row, cost)
    prices: Floats = (first + np.minimum(second, np.maximum(first, farthest))) / 2
    return prices


def climb_prices(problem: Problem, prices: Floats, total: float, step: float, steps: int) -> Climb:
    """Raise the bound by some subgradient steps towards ``total``, the least cost known.

    It stops early once the bound has reached the total.
    """
    rows = problem.by_demand
    nearest = problem.cap.copy()
    filled = np.flatnonzero(np.diff(rows.start))
    nearest[filled] = rows.cost[rows.start[filled]]
    if_open = np.full(problem.sites, -np.inf)
    if_closed = np.full(problem.sites, -np.inf)
    bound, best_prices, step, chosen = _climb(
        rows.start,
        rows.site,
        rows.cost,
        nearest,
        problem.cap,
        problem.count,
        np.clip(prices, nearest, problem.cap),
        total,
        step,
        steps,
        if_open,
        if_closed,
    )
    return Climb(bound, best_prices, step, chosen, if_open, if_closed)


@njit(cache=True)
def _climb(  # noqa: PLR0917 — a kernel takes arrays by place
    row_start: Integers,
    row_site: Integers,
    row_cost: Floats,
    nearest: Floats,
    cap: Floats,
    count: int,
    prices: Floats,
    total: float,
    step: float,
    steps: int,
    if_open: Floats,
    if_closed: Floats,
) -> tuple[float, Floats, float, Integers]:
    """Take the steps; fills ``if_open`` and ``if_closed``, returns bound, prices, step and sites."""
    sites = if_open.size
    best_bound, best_prices, chosen = -np.inf, prices, np.arange(count)
    stalled = 0
    for _ in range(steps):
        reduced = kernels.reduced_costs(row_start, row_site, row_cost, prices, sites)
        order = np.argsort(reduced, kind="mergesort")
        bound = prices.sum() + reduced[order[:count]].sum()
        selected = np.zeros(sites, np.bool_)
        selected[order[:count]] = True
        # Open one more in place of the worst that is open, or the next best in place of one closed.
        worst, next_best = reduced[order[count - 1]], reduced[order[count]]
        for site in range(sites):
            change = reduced[site] - worst
            if_open[site] = max(if_open[site], bound if selected[site] else bound + change)
            change = next_best - reduced[site]
            if_closed[site] = max(if_closed[site], bound + change if selected[site] else bound)
        stalled += 1
        if bound > best_bound:
            if bound > best_bound + _STALLED * abs(best_bound):
                stalled = 0
            best_bound, best_prices, chosen = bound, prices, order[:count]
        if best_bound >= total:
            break
        if stalled >= _PATIENCE:
            step, stalled, prices = step / 2, 0, best_prices
            continue
        missing = 1.0 - kernels.serving(row_start, row_site, row_cost, prices, selected)
        # A price at its end cannot move outwards; such a component would only shorten the step.
        for row in range(missing.size):
            if (missing[row] > 0 and prices[row] >= cap[row]) or (
                missing[row] < 0 and prices[row] <= nearest[row]
            ):
                missing[row] = 0.0
        norm = (missing * missing).sum()
        if norm == 0.0:
            step = 0.0  # the sites opened serve all demand once: the bound is their cost
            break
        prices = np.minimum(np.maximum(prices + step * (total - bound) / norm * missing, nearest), cap)
    return best_bound, best_prices, step, chosen
