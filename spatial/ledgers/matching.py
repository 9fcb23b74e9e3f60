"""Workers to grids on plain arrays: every grid one worker, exactly, with a proof.

Where no worker's load can add up over several grids, it is an assignment: it is solved in whole decimetres
and proved by prices, whole numbers too, under which no pair that is allowed costs less than it brings.
Where loads add up, it is an integer programme, with the bound of its solver.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from spatial.programme import minimise

__all__ = ["Matching", "Shortage", "match"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_PER_M = 10  # costs are whole decimetres, so that sums and proofs are exact
_NEVER = np.int64(1) << 60


@dataclass(frozen=True)
class Shortage:
    """Why there is no assignment: these grids have only these workers, and together they are too few.

    Attributes
    ----------
    kind : ``reach``: the workers may hold fewer grids than there are; ``load``: their loads together do
        not fit, which the solver proved
    grids, workers : numbers of the grids, and of all workers who could take one of them
    capacity : grids that these workers may hold together
    lacking : grids in all that go without a worker whatever is done, at least
    """

    kind: str
    grids: Integers
    workers: Integers
    capacity: int
    lacking: int


@dataclass(frozen=True, eq=False)
class Matching:
    """Which worker each grid has.

    Attributes
    ----------
    worker : (g,) number of the worker, None where there is no assignment
    status : optimal, bounded, infeasible (proved) or none_found
    changes, changes_bound : grids whose worker is another than today, and a number no assignment is below
    walk_m, walk_bound_m : sum of the walks, and a sum below which there is none at so few changes (with a
        worth of changes: at any); exact to the decimetre that a walk is rounded to
    shortage : the witness of infeasibility
    """

    worker: Integers | None
    status: str
    changes: int | None = None
    changes_bound: int | None = None
    walk_m: float | None = None
    walk_bound_m: float | None = None
    shortage: Shortage | None = None


def match(
    walk_m: Floats,
    load: Floats,
    *,
    most_grids: Integers,
    most_load: Floats,
    today: Integers,
    change_worth_m: float | None = None,
    time_limit_s: float | None = None,
) -> Matching:
    """Give every grid one worker: with the fewest changes, and of these with the shortest walks.

    Parameters
    ----------
    walk_m : grids × workers, metres; infinite where the worker cannot take the grid
    load : (g,) load of each grid
    most_grids, most_load : (w,) grids and load that each worker may hold
    today : (g,) worker of each grid today, −1 for none; then any worker is no change
    change_worth_m : when given, a change is made where it saves more than so many metres of walk, and the
        sum of both is least; None keeps today's worker wherever that is possible
    time_limit_s : wall seconds for an integer programme; an assignment needs none

    Examples
    --------
    >>> two = np.ones(2, np.int64)
    >>> match(np.array([[5.0, 1.0], [4.0, 3.0]]), np.ones(2), most_grids=two, most_load=np.full(2, 9.0),
    ...       today=np.array([-1, -1])).worker
    array([1, 0])
    """
    allowed = np.isfinite(walk_m) & (load[:, None] <= most_load[None, :]) & (most_grids > 0)[None, :]
    if not load.size:
        return Matching(np.empty(0, np.int64), "optimal", 0, 0, 0.0, 0.0)
    shortage = _shortage(allowed, most_grids)
    if shortage is not None:
        return Matching(None, "infeasible", shortage=shortage)
    steps = np.where(allowed, np.rint(np.where(allowed, walk_m, 0.0) * _PER_M), 0).astype(np.int64)
    changed = (today >= 0)[:, None] & (today[:, None] != np.arange(walk_m.shape[1])[None, :])
    if change_worth_m is None:  # one change is worth more than all walks together
        worth = np.int64(1 + steps.max(axis=1, initial=0).sum())
    else:
        worth = np.int64(round(change_worth_m * _PER_M))
    heaviest = np.cumsum(np.sort(load)[::-1])
    together = np.where(most_grids > 1, heaviest[np.minimum(most_grids, load.size) - 1], 0.0)
    if (together <= most_load).all():
        worker, proved = _assigned(np.where(allowed, steps + worth * changed, _NEVER), most_grids)
        status = "optimal" if proved else "bounded"
        changes, walked = _figures(worker, steps, changed)
        bound = (changes, walked) if proved else (0, 0.0)
        return Matching(worker, status, changes, bound[0], walked, bound[1])
    return _programme(
        allowed, steps, changed, load, most_grids, most_load,
        None if change_worth_m is None else float(worth), time_limit_s,
    )  # fmt: skip


def _figures(worker: Integers, steps: Integers, changed: Flags) -> tuple[int, float]:
    grid = np.arange(worker.size)
    return int(changed[grid, worker].sum()), float(steps[grid, worker].sum()) / _PER_M


def _shortage(allowed: Flags, most_grids: Integers) -> Shortage | None:
    """Return grids that have too few workers between them, or None (Hall's condition)."""
    from scipy.sparse.csgraph import maximum_bipartite_matching

    slot_worker = np.repeat(np.arange(most_grids.size), np.minimum(most_grids, allowed.shape[0]))
    slots = sparse.csr_array(allowed[:, slot_worker])
    slot_of = maximum_bipartite_matching(slots, perm_type="column")
    left = np.flatnonzero(slot_of < 0)
    if not left.size:
        return None
    grid_of = np.full(slot_worker.size, -1)
    grid_of[slot_of[slot_of >= 0]] = np.flatnonzero(slot_of >= 0)
    fewest = min(
        (_dead_end(int(grid), allowed[:, slot_worker], grid_of) for grid in left), key=lambda one: len(one[0])
    )
    grids, slots_reached = fewest
    return Shortage("reach", grids, np.unique(slot_worker[slots_reached]), len(slots_reached), left.size)


def _dead_end(grid: int, allowed: Flags, grid_of: Integers) -> tuple[Integers, Integers]:
    """Return the grids and places that augmenting paths from a grid left over come to: no place is free."""
    seen, reached = np.zeros(allowed.shape[0], bool), np.zeros(allowed.shape[1], bool)
    wave = np.array([grid])
    while wave.size:
        seen[wave] = True
        fresh = np.flatnonzero(allowed[wave].any(axis=0) & ~reached)
        reached[fresh] = True
        wave = np.setdiff1d(grid_of[fresh], np.flatnonzero(seen))
    return np.flatnonzero(seen), np.flatnonzero(reached)


def _assigned(cost: Integers, most_grids: Integers) -> tuple[Integers, bool]:
    """Return the cheapest worker of each grid, and whether prices prove that nothing is cheaper.

    Prices v ≤ 0 of the workers' places, 0 where one stays free, and u of the grids with u + v ≤ cost
    everywhere and u + v = cost where assigned sum up to the cost of the assignment and to no more than
    that of any other.  They are the shortest ways in the graph of exchanges, and exist if and only if no
    exchange gains.
    """
    from scipy.optimize import linear_sum_assignment

    slot_worker = np.repeat(np.arange(most_grids.size), np.minimum(most_grids, cost.shape[0]))
    slots = cost[:, slot_worker]
    never = slots >= _NEVER
    _, slot = linear_sum_assignment(np.where(never, np.inf, slots.astype(float)))
    own = slots[np.arange(slot.size), slot]
    price = np.zeros(slot_worker.size, np.int64)
    exchange = np.where(never, _NEVER, slots - own[:, None])
    for _ in range(slot_worker.size + 1):
        lower = np.minimum(price, (price[slot][:, None] + exchange).min(axis=0, initial=_NEVER))
        if (lower == price).all():
            break
        price = lower
    free = np.setdiff1d(np.arange(slot_worker.size), slot)
    grid_price = own - price[slot]
    slack = np.where(never, 0, slots - grid_price[:, None] - price[None, :])
    proved = bool((slack >= 0).all() and (price[free] == 0).all() and (price <= 0).all())
    worker: Integers = slot_worker[slot]
    return worker, proved


def _programme(  # noqa: PLR0917 - arrays of one model
    allowed: Flags,
    steps: Integers,
    changed: Flags,
    load: Floats,
    most_grids: Integers,
    most_load: Floats,
    worth: float | None,
    time_limit_s: float | None,
) -> Matching:
    """Assign under loads that add up, by integer programmes: changes first, then walks."""
    deadline = np.inf if time_limit_s is None else time.monotonic() + time_limit_s
    grid, worker = np.nonzero(allowed)
    pairs = np.arange(grid.size)
    grids, workers = allowed.shape

    def summed(value: Floats, row: Integers, count: int) -> sparse.csr_array:
        return sparse.csr_array((value, (row, pairs)), shape=(count, pairs.size))

    ones = np.ones(pairs.size)
    rows = sparse.csr_array(
        sparse.vstack([
            summed(ones, grid, grids), summed(ones, worker, workers), summed(load[grid], worker, workers)
        ])
    )  # fmt: skip
    lower = np.concatenate([np.ones(grids), np.full(2 * workers, -np.inf)])
    upper = np.concatenate([np.ones(grids), most_grids, np.where(np.isfinite(most_load), most_load, np.inf)])
    change, walk = changed[grid, worker].astype(float), steps[grid, worker].astype(float)
    integral = np.ones(pairs.size, bool)

    first = minimise(
        change if worth is None else walk + worth * change,
        rows, lower, upper, integral=integral, deadline=deadline,
    )  # fmt: skip
    if first.values is None:
        if first.bound < np.inf:
            return Matching(None, "none_found")
        shortage = Shortage("load", np.arange(grids), np.unique(worker), int(most_grids.sum()), 1)
        return Matching(None, "infeasible", shortage=shortage)
    found = _of_values(first.values, grid, worker, grids)
    changes, walked = _figures(found, steps, changed)
    if worth is not None:
        total = walked * _PER_M + worth * changes
        proved = np.ceil(first.bound - 1e-6) >= total
        bounds = (changes, walked) if proved else (0, 0.0)
        return Matching(found, "optimal" if proved else "bounded", changes, bounds[0], walked, bounds[1])
    changes_bound = max(int(np.ceil(first.bound - 1e-6)), 0) if np.isfinite(first.bound) else 0
    with_changes = sparse.csr_array(sparse.vstack([rows, sparse.csr_array(change[None, :])]))
    second = minimise(
        walk, with_changes, np.append(lower, -np.inf), np.append(upper, changes),
        integral=integral, deadline=deadline,
    )  # fmt: skip
    if second.values is not None:
        better = _of_values(second.values, grid, worker, grids)
        if _figures(better, steps, changed) <= (changes, walked):
            found = better
    changes, walked = _figures(found, steps, changed)
    bound_m = max(float(np.ceil(second.bound - 1e-6)), 0.0) / _PER_M if np.isfinite(second.bound) else 0.0
    proved = changes_bound >= changes and bound_m >= walked
    return Matching(found, "optimal" if proved else "bounded", changes, changes_bound, walked, bound_m)


def _of_values(values: Floats, grid: Integers, worker: Integers, grids: int) -> Integers:
    found = np.zeros(grids, np.int64)
    chosen = values > 0.5
    found[grid[chosen]] = worker[chosen]
    return found
