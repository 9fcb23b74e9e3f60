"""Siting under a budget and with capacities: integer programmes with a greedy answer beside them.

A new site costs what it costs, and all new sites together at most the budget.  A site serves at most its
capacity of the weight; the weight of one demand may be shared among sites.  The programmes are the
textbook ones: x says what share of a demand a site serves, y whether the site is open, x ≤ y (Daskin
2013, Network and Discrete Location, chapters 4 and 6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from spatial.lifecircle.siting.problem import Floats, Integers
from spatial.programme import minimise

__all__ = ["Limits", "choose"]


@dataclass(frozen=True)
class Limits:
    """What new sites may cost and how much sites can serve; infinite where there is no limit.

    Attributes
    ----------
    costs : (sites,), of opening each; those that are open already cost nothing more
    budget : most that new sites may cost together
    capacities : (sites,), most weight that each serves
    """

    costs: Floats
    budget: float
    capacities: Floats


@dataclass(frozen=True)
class _Served:
    """A choice of sites with what it serves: weight, weight × walk, and whether that is everything."""

    sites: Integers
    weight: float
    walked: float
    everything: bool


def choose(
    model: str,
    walks: sparse.csr_array,
    weights: Floats,
    *,
    opened: Integers,
    count: int,
    limits: Limits,
    deadline: float,
) -> tuple[Integers, float, float]:
    """Return new sites with objective and bound of lscp (total cost), mclp or p_median under limits.

    Parameters
    ----------
    walks : demand × site, metres; an entry not stored cannot be reached, and no row is empty
    weights : (demand,), above zero
    opened : columns that are open already
    count : most new sites
    deadline : `time.monotonic` at which to stop

    Returns
    -------
    Columns of the new sites, ascending; the objective, infinite where no choice that serves all was
    found; a bound that no choice betters, infinite where it is proved that there is none.
    """
    quick = _greedy(walks, weights, opened=opened, count=count, limits=limits)
    costs = limits.costs.copy()
    costs[opened] = 0.0
    found = _programme(model, walks, weights, opened, count, costs, limits, deadline)
    sign = -1.0 if model == "mclp" else 1.0
    answers = [(found.objective, found.sites)] if found.sites is not None else []
    if model == "mclp" or quick.everything:
        value = {"mclp": -quick.weight, "p_median": quick.walked, "lscp": float(costs[quick.sites].sum())}
        answers.append((value[model], quick.sites))
    if not answers:
        bound = found.bound if np.isinf(found.bound) and found.bound > 0 else max(found.bound, 0.0)
        return np.empty(0, np.int64), np.inf, bound
    # The programme comes first, so that equal answers are its own.
    objective, sites = min(answers, key=lambda one: one[0])
    floor = -float(weights.sum()) if model == "mclp" else 0.0
    return np.sort(sites), sign * objective, sign * min(max(found.bound, floor), objective)


def _greedy(
    walks: sparse.csr_array, weights: Floats, *, opened: Integers, count: int, limits: Limits
) -> _Served:
    """Open what serves most for its cost, one site after the other, each serving the nearest first."""
    columns = walks.tocsc()
    pattern = sparse.csc_array((np.ones(columns.nnz), columns.indices, columns.indptr), shape=walks.shape)
    left, walked, money = weights.copy(), 0.0, limits.budget

    def serve(site: int) -> float:
        entries = slice(columns.indptr[site], columns.indptr[site + 1])
        order = np.argsort(columns.data[entries], kind="stable")
        rows, walk = columns.indices[entries][order], columns.data[entries][order]
        before = np.cumsum(left[rows]) - left[rows]
        taken = np.clip(limits.capacities[site] - before, 0.0, left[rows])
        left[rows] -= taken
        return float(taken @ walk)

    for site in opened:
        walked += serve(int(site))
    chosen: list[int] = []
    closed = np.ones(walks.shape[1], bool)
    closed[opened] = False
    while len(chosen) < count:
        gain = np.minimum(np.asarray(pattern.T @ left), limits.capacities)
        gain[~closed | (limits.costs > money)] = 0.0
        if not gain.any():
            break
        worth = np.divide(gain, limits.costs, out=np.full(gain.size, np.inf), where=limits.costs > 0)
        site = int(np.argmax(np.where(gain > 0, worth, -1.0)))
        walked += serve(site)
        money -= limits.costs[site]
        closed[site] = False
        chosen.append(site)
    served = float(weights.sum() - left.sum())
    return _Served(np.array(sorted(chosen), np.int64), served, walked, not (left > 0).any())


@dataclass(frozen=True)
class _Found:
    """What the programme found: new sites or None, objective and bound of what is to be least."""

    sites: Integers | None
    objective: float
    bound: float


def _programme(  # noqa: PLR0917 - one call, one place
    model: str,
    walks: sparse.csr_array,
    weights: Floats,
    opened: Integers,
    count: int,
    costs: Floats,
    limits: Limits,
    deadline: float,
) -> _Found:
    demand, sites = walks.shape
    entries = sparse.coo_array(walks)
    row, column = entries.row.astype(np.int64), entries.col.astype(np.int64)
    shares = np.arange(entries.nnz)
    ones = np.ones(entries.nnz)
    wide = sites + entries.nnz

    def rows(values: Floats, at: Integers, variable: Integers, height: int) -> sparse.csr_array:
        return sparse.csr_array((values, (at, variable)), shape=(height, wide))

    open_rows = sparse.csr_array((np.ones(sites), (np.arange(sites), np.arange(sites))), shape=(sites, wide))
    new = np.setdiff1d(np.arange(sites), opened)
    limited = np.flatnonzero(np.isfinite(limits.capacities))
    loads = rows(weights[row], column, sites + shares, sites)
    room = sparse.diags_array(np.where(np.isfinite(limits.capacities), limits.capacities, 0.0))
    within = loads - sparse.hstack([room, sparse.csr_array((sites, entries.nnz))], format="csr")
    whole = 1.0 if model != "mclp" else 0.0
    blocks = [
        (rows(ones, row, sites + shares, demand), np.full(demand, whole), np.ones(demand)),
        (
            rows(ones, shares, sites + shares, entries.nnz) - rows(ones, shares, column, entries.nnz),
            np.full(entries.nnz, -np.inf),
            np.zeros(entries.nnz),
        ),
        (within[limited], np.full(limited.size, -np.inf), np.zeros(limited.size)),
        (open_rows[opened], np.ones(opened.size), np.ones(opened.size)),
        (_sum_row(np.ones(new.size), new, wide), np.array([0.0]), np.array([float(count)])),
    ]
    if np.isfinite(limits.budget):
        blocks.append((_sum_row(costs[new], new, wide), np.array([0.0]), np.array([limits.budget])))
    cost = np.zeros(wide)
    if model == "lscp":
        cost[:sites] = costs
    elif model == "mclp":
        cost[sites:] = -weights[row]
    else:
        cost[sites:] = weights[row] * entries.data
    outcome = minimise(
        cost,
        sparse.csr_array(sparse.vstack([block for block, _, _ in blocks])),
        np.concatenate([lower for _, lower, _ in blocks]),
        np.concatenate([upper for _, _, upper in blocks]),
        integral=np.arange(wide) < sites,
        deadline=deadline,
    )
    if outcome.values is None:
        return _Found(None, np.inf, outcome.bound)
    chosen = new[outcome.values[new] > 0.5]
    return _Found(chosen, float(cost @ outcome.values), outcome.bound)


def _sum_row(values: Floats, columns: Integers, wide: int) -> sparse.csr_array:
    row = sparse.csr_array((values, (np.zeros(columns.size, np.int64), columns)), shape=(1, wide))
    return sparse.csr_array(row)
