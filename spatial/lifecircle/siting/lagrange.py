"""The Lagrangian bound of capped least cost.

"Every demand is served once" is given up against a price per demand.  What is left falls apart by
site: a site saves what its demand pays above its cost, and the ``count`` sites that save most are
opened.  For any prices the result is a bound on every choice of sites (Cornuéjols, Fisher and
Nemhauser 1977); subgradient steps raise it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial.lifecircle.siting import kernels
from spatial.lifecircle.siting.problem import Floats, Integers, Problem

__all__ = ["Climb", "climb_prices", "first_prices"]

_STEPS = 60
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


def climb_prices(problem: Problem, prices: Floats, total: float, step: float) -> Climb:
    """Raise the bound by some subgradient steps towards ``total``, the least cost known."""
    rows = problem.by_demand
    entries = (rows.start, rows.site, rows.cost)
    nearest = problem.cap.copy()
    filled = np.flatnonzero(np.diff(rows.start))
    nearest[filled] = rows.cost[rows.start[filled]]
    best_bound, best_prices, chosen = -np.inf, prices, np.arange(problem.count)
    if_open = np.full(problem.sites, -np.inf)
    if_closed = np.full(problem.sites, -np.inf)
    stalled = 0
    for _ in range(_STEPS):
        reduced = kernels.reduced_costs(*entries, prices, problem.sites)
        order = np.argsort(reduced, kind="stable")
        opened = order[: problem.count]
        bound = float(prices.sum() + reduced[opened].sum())
        selected = np.zeros(problem.sites, bool)
        selected[opened] = True
        # Open one more in place of the worst that is open, or the next best in place of one closed.
        worst, next_best = reduced[order[problem.count - 1]], reduced[order[problem.count]]
        np.maximum(if_open, np.where(selected, bound, bound + reduced - worst), out=if_open)
        np.maximum(if_closed, np.where(selected, bound - reduced + next_best, bound), out=if_closed)
        stalled += 1
        if bound > best_bound:
            if bound > best_bound + 1e-7 * abs(best_bound):
                stalled = 0
            best_bound, best_prices, chosen = bound, prices, opened
        if stalled >= _PATIENCE:
            step, stalled, prices = step / 2, 0, best_prices
            continue
        missing = 1.0 - kernels.serving(*entries, prices, selected)
        # A price at its end cannot move outwards; such a component would only shorten the step.
        missing[((missing > 0) & (prices >= problem.cap)) | ((missing < 0) & (prices <= nearest))] = 0.0
        norm = float(missing @ missing)
        if norm == 0.0:
            step = 0.0  # the sites opened serve all demand once: the bound is their cost
            break
        prices = np.clip(prices + step * (total - bound) / norm * missing, nearest, problem.cap)
    return Climb(best_bound, best_prices, step, chosen, if_open, if_closed)
