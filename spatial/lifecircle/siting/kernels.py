"""The inner loops of siting, compiled: greedy, exchange, Lagrangian prices, dominance.

All work on one shape of problem (`spatial.lifecircle.siting.problem`): demand i costs the least of
its cap and of the costs of the open sites it can reach.  Columns (sites) and rows (demand) come as
compressed arrays: the entries of line k are ``start[k]:start[k + 1]``.  Ties go to the lower number.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from spatial.lifecircle.siting.problem import Flags, Floats, Integers

__all__ = [
    "disjoint_rows",
    "dominated_lines",
    "exchange",
    "greedy",
    "two_nearest",
]


@njit(cache=True)
def greedy(
    column_start: Integers, column_row: Integers, column_cost: Floats, cap: Floats, count: int
) -> Integers:
    """Open up to ``count`` sites, each time the one that saves most; stop when none saves.

    Savings only shrink as sites open, so an old saving is a bound: a site is looked at again only
    when its old saving is the greatest (lazy evaluation; Minoux 1978).
    """
    sites = column_start.size - 1
    current = cap.copy()
    saving = np.full(sites, np.inf)
    seen_at = np.full(sites, -1, np.int64)
    chosen = np.empty(min(count, sites), np.int64)
    opened = 0
    while opened < chosen.size:
        best = np.argmax(saving)
        if seen_at[best] == opened:
            if saving[best] <= 0.0:
                break
            chosen[opened] = best
            opened += 1
            saving[best] = -1.0
            for entry in range(column_start[best], column_start[best + 1]):
                row = column_row[entry]
                current[row] = min(current[row], column_cost[entry])
            continue
        total = 0.0
        for entry in range(column_start[best], column_start[best + 1]):
            difference = current[column_row[entry]] - column_cost[entry]
            if difference > 0.0:
                total += difference
        saving[best] = total
        seen_at[best] = opened
    return chosen[:opened]


@njit(cache=True)
def two_nearest(
    column_start: Integers, column_row: Integers, column_cost: Floats, cap: Floats, chosen: Integers
) -> tuple[Floats, Integers, Floats]:
    """Return cost and place in ``chosen`` (−1 = the cap) of the nearest site, and the second cost."""
    first = cap.copy()
    second = cap.copy()
    place = np.full(cap.size, -1, np.int64)
    for position in range(chosen.size):
        site = chosen[position]
        for entry in range(column_start[site], column_start[site + 1]):
            row = column_row[entry]
            cost = column_cost[entry]
            if cost < first[row]:
                second[row] = first[row]
                first[row] = cost
                place[row] = position
            elif cost < second[row]:
                second[row] = cost
    return first, place, second


@njit(cache=True)
def _losses(first: Floats, place: Integers, second: Floats, open_sites: int) -> Floats:
    """Return what closing each open site costs while nothing opens."""
    loss = np.zeros(open_sites)
    for row in range(first.size):
        if place[row] >= 0:
            loss[place[row]] += second[row] - first[row]
    return loss


@njit(cache=True)
def _best_swap(  # noqa: PLR0917 — a kernel takes arrays by place
    rows: Integers, costs: Floats, first: Floats, place: Integers, second: Floats, loss: Floats
) -> tuple[float, int]:
    """Return the least change of the total when one site opens, and the place of the one to close.

    One pass over the opening site's column serves every partner: the losses are known, and only
    demand near the new site changes them (Schubert and Rousseeuw 2021, FastPAM).
    """
    gained = 0.0
    change = loss.copy()
    for entry in range(rows.size):
        row = rows[entry]
        cost = costs[entry]
        if cost < first[row]:
            gained += cost - first[row]
            if place[row] >= 0:
                change[place[row]] -= second[row] - first[row]
        elif cost < second[row]:
            change[place[row]] -= second[row] - cost
    leaving = int(np.argmin(change))
    return gained + change[leaving], leaving


@njit(cache=True)
def exchange(
    column_start: Integers, column_row: Integers, column_cost: Floats, cap: Floats, start: Integers
) -> tuple[Integers, float]:
    """Swap one open site for a closed one while that lowers the total (Teitz and Bart 1968).

    Returns the sites, where no single swap brings anything, and the total.
    """
    sites = column_start.size - 1
    chosen = start.copy()
    is_open = np.zeros(sites, np.bool_)
    is_open[chosen] = True
    first, place, second = two_nearest(column_start, column_row, column_cost, cap, chosen)
    loss = _losses(first, place, second, chosen.size)
    least_gain = 1e-13 * cap.sum()
    idle = 0
    site = 0
    while idle < sites and chosen.size > 0:
        idle += 1
        if not is_open[site]:
            entries = slice(column_start[site], column_start[site + 1])
            change, leaving = _best_swap(
                column_row[entries], column_cost[entries], first, place, second, loss
            )
            if change < -least_gain:
                former = chosen[leaving]
                chosen[leaving] = site
                trial = two_nearest(column_start, column_row, column_cost, cap, chosen)
                if trial[0].sum() < first.sum():
                    is_open[former], is_open[site] = False, True
                    first, place, second = trial
                    loss = _losses(first, place, second, chosen.size)
                    idle = 0
                else:  # a gain of rounding only
                    chosen[leaving] = former
        site = (site + 1) % sites
    return chosen, first.sum()


@njit(cache=True)
def disjoint_rows(row_start: Integers, row_site: Integers, order: Integers, sites: int) -> Integers:
    """Return the rows, taken in order, that share no site with those taken before."""
    taken = np.zeros(sites, np.bool_)
    chosen = np.empty(order.size, np.int64)
    count = 0
    for row in order:
        entries = row_site[row_start[row] : row_start[row + 1]]
        if not taken[entries].any():
            taken[entries] = True
            chosen[count] = row
            count += 1
    return chosen[:count]


_APART, _HOLDS, _EQUAL = 0, 1, 2


@njit(cache=True)
def _compare(  # noqa: PLR0917
    items: Integers, costs: Floats, stamp: Integers, ceiling: Floats, line: int, length: int
) -> int:
    """Tell whether a line holds the stamped one: all its items, none at a greater cost."""
    found = 0
    equal = items.size == length
    for entry in range(items.size):
        one = items[entry]
        if stamp[one] == line and costs[entry] <= ceiling[one]:
            found += 1
            equal = equal and costs[entry] == ceiling[one]
        elif found + items.size - entry - 1 < length:
            return _APART
    if found < length:
        return _APART
    return _EQUAL if equal else _HOLDS


@njit(cache=True)
def dominated_lines(  # noqa: PLR0917
    start: Integers,
    item: Integers,
    cost: Floats,
    item_start: Integers,
    item_line: Integers,
    mark_larger: bool,
) -> Flags:
    """Mark lines that another line makes needless, and empty ones.

    Line b holds line a when every item of a is in b at no greater cost.  With ``mark_larger`` false
    the held line a is marked (a site whose demand another site serves as well); with true the
    holding line b (a demand that is covered whenever a is).  Of equal lines the lowest stays.
    """
    lines = start.size - 1
    marked: Flags = start[1:] == start[:-1]
    stamp = np.full(item_start.size - 1, -1, np.int64)
    ceiling = np.zeros(item_start.size - 1)
    for line in range(lines):
        if marked[line]:
            continue
        rarest = item[start[line]]
        for entry in range(start[line], start[line + 1]):
            one = item[entry]
            stamp[one] = line
            ceiling[one] = cost[entry]
            if item_start[one + 1] - item_start[one] < item_start[rarest + 1] - item_start[rarest]:
                rarest = one
        length = start[line + 1] - start[line]
        for place in range(item_start[rarest], item_start[rarest + 1]):
            other = item_line[place]
            if other == line or marked[other] or start[other + 1] - start[other] < length:
                continue
            entries = slice(start[other], start[other + 1])
            relation = _compare(item[entries], cost[entries], stamp, ceiling, line, length)
            if relation == _EQUAL:
                marked[max(line, other)] = True
            elif relation == _HOLDS:
                marked[other if mark_larger else line] = True
            if marked[line]:
                break
    return marked
