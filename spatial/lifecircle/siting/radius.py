"""The radius formulation of capped least cost, for the integer solver.

For every demand and every k the variable z is 1 when none of its k nearest sites is open; the demand
then walks at least to the next nearest, so its cost is a sum of steps.  Two demands with the same k
nearest sites share the variable: on a street network most do.  Each z needs one short row, since the
set of the k nearest grows from the set before it (Elloumi 2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from spatial.lifecircle.siting.kernels import prefix_hashes
from spatial.lifecircle.siting.problem import Flags, Floats, Integers, Problem, Rows
from spatial.lifecircle.siting.programme import minimise

__all__ = ["solve_radius"]

# The solver's tolerances are absolute; totals are brought to this size.
_SCALED_TOTAL = 1e4


@dataclass(frozen=True)
class _Levels:
    """The distinct costs of every demand: entries ``first`` … ``last`` hold the sites at one cost.

    ``step`` is what the demand pays more when no site up to this level is open; ``leads`` tells the
    first level of a demand.
    """

    first: Integers
    last: Integers
    step: Floats
    leads: Flags


def solve_radius(
    problem: Problem, known: Integers, total: float, cutoff: float, deadline: float
) -> tuple[Integers | None, float]:
    """Look for a choice that costs less than ``cutoff``.

    Parameters
    ----------
    problem : what to choose
    known : sites of a solution to begin with, if it is complete
    total : the least cost known
    cutoff : choices that cost this or more are of no interest
    deadline : `time.monotonic` at which to stop

    Returns
    -------
    tuple of Integers or None, float
        The best sites found, and a bound on every choice; at least ``cutoff`` when there is none
        below it.
    """
    rows = problem.by_demand
    nearest = problem.cap.copy()
    filled = np.flatnonzero(np.diff(rows.start))
    nearest[filled] = rows.cost[rows.start[filled]]
    constant = float(nearest.sum())
    scale = 1.0 if problem.granularity else _SCALED_TOTAL / max(total - constant, 1e-300)

    levels = _levels(problem, rows, total - constant)
    hashes = prefix_hashes(rows.start, rows.site)[levels.last]
    _, representative, group = np.unique(hashes, axis=0, return_index=True, return_inverse=True)
    group = group.ravel()
    price = np.bincount(group, levels.step) if group.size else np.empty(0)
    sites, sets = problem.sites, price.size
    first, last = levels.first[representative], levels.last[representative]
    leads = levels.leads[representative]
    payable = price <= total - constant

    length = last - first + 1
    members = np.repeat(first - np.cumsum(length) + length, length) + np.arange(length.sum())
    own = np.flatnonzero(payable)
    chained = np.flatnonzero(~leads)
    before = group[representative[chained] - 1]
    row = np.concatenate([np.repeat(np.arange(sets), length), own, chained, np.full(sites, sets)])
    column = np.concatenate([rows.site[members], sites + own, sites + before, np.arange(sites)])
    value = np.concatenate([np.ones(length.sum() + own.size), -np.ones(chained.size), np.ones(sites)])
    matrix = sparse.csr_array((value, (row, column)), shape=(sets + 1, sites + sets))
    outcome = minimise(
        np.concatenate([np.zeros(sites), price * scale]),
        matrix,
        np.append(leads.astype(float), problem.count),
        np.append(np.full(sets, np.inf), problem.count),
        integral=np.arange(sites + sets) < sites,
        start=_start(known, problem, rows, levels, group),
        below=(cutoff - constant) * scale,
        deadline=deadline,
    )
    found = None
    if outcome.values is not None:
        found = np.flatnonzero(outcome.values[:sites] > 0.5)
    return found, outcome.bound / scale + constant


def _levels(problem: Problem, rows: Rows, most: float) -> _Levels:
    """Cut every demand's sites into levels of equal cost.

    Levels that are paid in no solution worth having are left out: those behind a step that costs
    more than ``most``, and those of so many sites that one of them is open in every choice.
    """
    entries = rows.cost.size
    row = np.repeat(np.arange(problem.cap.size), np.diff(rows.start))
    is_last = np.ones(entries, bool)
    is_last[:-1] = (row[1:] != row[:-1]) | (rows.cost[1:] != rows.cost[:-1])
    last = np.flatnonzero(is_last)
    first = np.concatenate([[0], last[:-1] + 1]).astype(np.int64)[: last.size]
    level_row = row[last]
    leads = first == rows.start[level_row]
    next_cost = problem.cap[level_row]
    inner = np.flatnonzero(level_row[1:] == level_row[:-1])
    next_cost[inner] = rows.cost[first[inner + 1]]
    step = next_cost - rows.cost[last]
    hard = np.cumsum(step > most)
    before_row = np.concatenate([[0], hard])[np.flatnonzero(leads)][np.cumsum(leads) - 1]
    hard_before = np.concatenate([[0], hard[:-1]])[: last.size] - before_row
    size = last + 1 - rows.start[level_row]
    kept = (hard_before == 0) & (size <= problem.sites - problem.count)
    return _Levels(first[kept], last[kept], step[kept], leads[kept])


def _start(known: Integers, problem: Problem, rows: Rows, levels: _Levels, group: Integers) -> Floats | None:
    """Return the variables of a known solution, or None when some of its sites are not left."""
    if known.size != problem.count:
        return None
    is_open = np.zeros(problem.sites)
    is_open[known] = 1.0
    opened = np.concatenate([[0.0], np.cumsum(is_open[rows.site])])
    row = np.searchsorted(rows.start, levels.last, side="right") - 1
    unserved = (opened[levels.last + 1] == opened[rows.start[row]]).astype(float)
    values = np.zeros(problem.sites + (int(group.max()) + 1 if group.size else 0))
    values[: problem.sites] = is_open
    values[problem.sites + group] = unserved
    return values
