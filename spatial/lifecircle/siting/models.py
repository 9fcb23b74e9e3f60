"""Where the next services go: the front door to the four location models, on plain arrays."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
import numpy.typing as npt
from scipy import sparse

from spatial.errors import UsageError
from spatial.lifecircle.siting import cover, limited, median
from spatial.lifecircle.siting.problem import Floats, Integers, Problem, filtered, nearest_cost

__all__ = ["Model", "Siting", "locate"]

Model = Literal["lscp", "mclp", "p_median", "p_center"]
Distances: TypeAlias = npt.ArrayLike | sparse.sparray | sparse.spmatrix

# Objective and bound that are closer than this, relative to their size, are one number.
_RELATIVE_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Siting:
    """Sites for new services, and what is proved about them.

    Attributes
    ----------
    model : the location model
    sites : column numbers of the new sites, ascending; empty when none were found
    objective : lscp: number of new sites, or their cost where costs are given; mclp: weight covered, by existing sites too; p_median: sum
        of weight × walk in metres; p_center: longest walk in metres.  Infinite when no sites were
        found that reach all demand that can be reached
    bound : no choice of sites is better than this: an upper bound for mclp, a lower one otherwise
    unreachable : row numbers of the demand with weight that no site, existing or new, can reach; it
        is left out of the model
    seconds : wall seconds taken
    """

    model: Model
    sites: Integers
    objective: float
    bound: float
    unreachable: Integers
    seconds: float

    @property
    def proven(self) -> bool:
        """Whether no choice is better (or, with an infinite objective, none exists)."""
        return self.gap == 0.0

    @property
    def feasible(self) -> bool:
        """Whether sites were found; not feasible and proven: there are none."""
        return bool(np.isfinite(self.objective))

    @property
    def status(self) -> str:
        """One word: optimal, bounded, not_proven, infeasible (proved) or none_found."""
        if self.feasible:
            return "optimal" if self.proven else "bounded" if np.isfinite(self.gap) else "not_proven"
        return "infeasible" if self.proven else "none_found"

    @property
    def gap(self) -> float:
        """Distance of objective and bound as a share of the objective; 0 when proven."""
        if self.objective == self.bound:
            return 0.0
        apart = abs(self.objective - self.bound)
        if apart <= _RELATIVE_TOLERANCE * max(1.0, abs(self.objective)):
            return 0.0
        return apart / abs(self.objective) if self.feasible and self.objective else np.inf


def locate(
    model: Model,
    distances: Distances,
    weights: npt.ArrayLike,
    *,
    count: int | None = None,
    limit_m: float | None = None,
    existing: npt.ArrayLike | None = None,
    costs: npt.ArrayLike | None = None,
    budget: float | None = None,
    capacities: npt.ArrayLike | None = None,
    time_limit_s: float | None = None,
) -> Siting:
    """Choose sites for new services by one of the four classical location models.

    ========  ==============================================================================
    lscp      the fewest sites that put all demand within the limit (Toregas et al. 1971)
    mclp      ``count`` sites that put most weight within the limit (Church, ReVelle 1974)
    p_median  ``count`` sites with the least sum of weight × walk (Hakimi 1964)
    p_center  ``count`` sites with the shortest longest walk, whatever the weight (Hakimi 1964)
    ========  ==============================================================================

    A good answer is there at once (greedy, exchange); the rest of the time goes into the proof.  With
    ``costs``, a ``budget`` or ``capacities`` all but p_center are solved as integer programmes
    (`spatial.lifecircle.siting.limited`): lscp then has the least total cost, and the weight of one
    demand may be shared among sites.

    Parameters
    ----------
    model : the location model
    distances : demand × site, metres.  Dense: infinite where the site cannot be reached.  Sparse: an
        entry not stored cannot be reached, a stored 0 is a walk of 0 m; of two entries for one pair
        the shorter holds
    weights : (demand,), households or another weight; demand of weight 0 asks for nothing, in any
        model
    count : how many new sites, at most as many as there are columns that are not existing; all are
        opened, even where fewer would do.  None for lscp.  With a budget it is the most that open, and
        may be None
    limit_m : longest walk that counts.  Needed for lscp and mclp; for the others a longer walk
        counts as unreachable
    existing : column numbers of services that are open already; they are neither counted nor paid for
    costs : (sites,), of opening each; 1 for every site when None
    budget : most that the new sites may cost together, in the unit of ``costs``
    capacities : (sites,), most weight that each site serves, existing ones too; infinite for no limit
    time_limit_s : wall seconds after which the best answer so far is returned with its bound; None
        for no limit, 0 for the quick answer alone

    Returns
    -------
    Siting
        With the best sites found and a proved bound.  Equal input gives equal output, unless the
        time limit is met.

    Raises
    ------
    UsageError
        If the model is unknown, a shape does not fit, a distance or weight is negative or not a
        number, or an argument is missing or does not belong to the model.

    Examples
    --------
    >>> siting = locate("mclp", [[100.0, 900.0], [700.0, 200.0]], [30, 50], count=1, limit_m=500.0)
    >>> siting.sites.tolist(), siting.objective, siting.proven
    ([1], 50.0, True)
    """
    begun = time.monotonic()
    if time_limit_s is not None and not time_limit_s >= 0:
        raise UsageError("siting.wrong_time_limit", time_limit_s=time_limit_s)
    deadline = begun + (np.inf if time_limit_s is None else time_limit_s)
    if model not in get_args(Model):
        raise UsageError("siting.unknown_model", model=model, models=", ".join(get_args(Model)))
    demand_weights = _weights(weights)
    matrix = _distances(distances, demand_weights.size)
    opened = _existing(existing, matrix.shape[1])
    new = np.setdiff1d(np.arange(matrix.shape[1]), opened)
    limits = _limits(model, costs, budget, capacities, matrix.shape[1])
    wanted = new.size if count is None and budget is not None else _count(model, count, new.size)
    matrix = _reachable(model, matrix, limit_m)

    asking = np.flatnonzero(demand_weights > 0)
    matrix, demand_weights = matrix[asking], demand_weights[asking]
    reached = np.diff(matrix.indptr) > 0
    unreachable = asking[~reached]
    matrix, demand_weights = matrix[reached], demand_weights[reached]
    if limits is not None:
        sites, objective, bound = limited.choose(
            model,
            matrix,
            demand_weights,
            opened=opened,
            count=wanted,
            limits=limits,
            deadline=deadline,
        )
        return Siting(model, sites, objective, bound, unreachable, time.monotonic() - begun)
    today = nearest_cost(matrix[:, opened])
    matrix = matrix[:, new]

    if model == "lscp":
        sites, objective, bound = _lscp(matrix, today, deadline)
    elif model == "mclp":
        sites, objective, bound = _mclp(matrix, today, demand_weights, wanted, deadline)
    elif model == "p_median":
        sites, objective, bound = _p_median(matrix, today, demand_weights, wanted, deadline)
    else:
        sites, objective, bound = _p_center(matrix, today, wanted, deadline)
    if model != "lscp" and np.isfinite(objective):
        # Sites that change nothing fill the number asked for, lowest numbers first.
        spare = np.setdiff1d(np.arange(new.size), sites)[: wanted - sites.size]
        sites = np.concatenate([sites, spare])
    return Siting(model, np.sort(new[sites]), objective, bound, unreachable, time.monotonic() - begun)


def _weights(weights: npt.ArrayLike) -> Floats:
    values = np.asarray(weights, dtype=float)
    if values.ndim != 1:
        raise UsageError("siting.weights_shape", shape=values.shape)
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if wrong.size:
        raise UsageError("siting.wrong_weight", row=int(wrong[0]), value=values[wrong[0]], count=wrong.size)
    return values


def _distances(distances: Distances, demand: int) -> sparse.csr_array:
    """Return the distances as a matrix that stores what can be reached, zeros too."""
    rows = (
        _stored(distances) if isinstance(distances, sparse.sparray | sparse.spmatrix) else _dense(distances)
    )
    if rows is None or rows.shape[0] != demand:
        raise UsageError("siting.distances_shape", shape=np.shape(cast("Any", distances)), demand=demand)
    wrong = np.flatnonzero(~(rows.data >= 0))
    if wrong.size:
        row = int(np.searchsorted(rows.indptr, wrong[0], side="right") - 1)
        value = rows.data[wrong[0]]
        raise UsageError(
            "siting.wrong_distance", row=row, site=int(rows.indices[wrong[0]]), value=value, count=wrong.size
        )
    return rows


def _dense(distances: npt.ArrayLike) -> sparse.csr_array | None:
    """Store what is not infinite; None when the array has not two dimensions."""
    dense = np.asarray(distances, dtype=float)
    if dense.ndim != 2:
        return None
    kept = ~np.isposinf(dense)
    start = np.concatenate([[0], np.cumsum(np.count_nonzero(kept, axis=1))])
    return sparse.csr_array((dense[kept], np.nonzero(kept)[1], start), shape=dense.shape)


def _stored(distances: sparse.sparray | sparse.spmatrix) -> sparse.csr_array | None:
    """Keep the stored entries, the least of those that stand at one place; None unless in two dimensions."""
    entries: Any = sparse.coo_array(cast("Any", distances))
    if entries.ndim != 2:
        return None
    rows = sparse.csr_array(entries, dtype=float)
    if rows.nnz == entries.nnz:
        return rows
    # Making rows has added up entries that stand at one place.
    order = np.lexsort((entries.data, entries.col, entries.row))
    row, column, value = entries.row[order], entries.col[order], entries.data[order]
    first = np.ones(row.size, bool)
    first[1:] = (row[1:] != row[:-1]) | (column[1:] != column[:-1])
    return sparse.csr_array((value[first].astype(float), (row[first], column[first])), shape=entries.shape)


def _existing(existing: npt.ArrayLike | None, sites: int) -> Integers:
    numbers = np.asarray([] if existing is None else existing)
    if numbers.size == 0:
        return np.empty(0, np.int64)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise UsageError("siting.wrong_existing", found=existing, sites=sites)
    wrong = numbers[(numbers < 0) | (numbers >= sites)]
    if wrong.size:
        raise UsageError("siting.wrong_existing", found=int(wrong[0]), sites=sites)
    return np.unique(numbers.astype(np.int64))


def _count(model: Model, count: int | None, candidates: int) -> int:
    if model == "lscp":
        if count is not None:
            raise UsageError("siting.count_with_lscp", count=count)
        return candidates
    if count is None or count < 0 or count != int(count):
        raise UsageError("siting.wrong_count", model=model, count=count)
    if count > candidates:
        raise UsageError("siting.count_above_candidates", count=count, candidates=candidates)
    return int(count)


def _limits(
    model: Model,
    costs: npt.ArrayLike | None,
    budget: float | None,
    capacities: npt.ArrayLike | None,
    sites: int,
) -> limited.Limits | None:
    """Return what sites may cost and serve; None where nothing limits either."""
    if costs is None and budget is None and capacities is None:
        return None
    if model == "p_center":
        raise UsageError("siting.limits_with_center")
    if budget is not None and not budget >= 0:
        raise UsageError("siting.wrong_budget", budget=budget)
    return limited.Limits(
        _by_site("costs", costs, sites, 1.0),
        np.inf if budget is None else float(budget),
        _by_site("capacities", capacities, sites, np.inf),
    )


def _by_site(name: str, given: npt.ArrayLike | None, sites: int, otherwise: float) -> Floats:
    values = np.full(sites, otherwise) if given is None else np.asarray(given, dtype=float)
    if values.shape != (sites,):
        raise UsageError("siting.by_site_shape", name=name, shape=values.shape, sites=sites)
    wrong = np.flatnonzero(~(values >= 0) | (np.isinf(values) & (name == "costs")))
    if wrong.size:
        raise UsageError("siting.wrong_by_site", name=name, site=int(wrong[0]), value=values[wrong[0]])
    return values


def _reachable(model: Model, matrix: sparse.csr_array, limit_m: float | None) -> sparse.csr_array:
    """Drop what is farther than the limit, or stored as infinite."""
    if limit_m is None:
        if model in ("lscp", "mclp"):
            raise UsageError("siting.limit_missing", model=model)
        limit_m = float(np.finfo(float).max)
    if not limit_m >= 0:
        raise UsageError("siting.wrong_limit", limit_m=limit_m)
    return filtered(matrix, matrix.data <= limit_m)


def _lscp(matrix: sparse.csr_array, today: Floats, deadline: float) -> tuple[Integers, float, float]:
    sites, bound = cover.fewest_sites(matrix[np.isinf(today)], deadline)
    return sites, float(sites.size), float(bound)


def _mclp(
    matrix: sparse.csr_array, today: Floats, weights: Floats, count: int, deadline: float
) -> tuple[Integers, float, float]:
    # What stays uncovered is to be least: cost 0 within the limit, the weight beyond it.
    open_rows = np.isinf(today)
    reach = matrix[open_rows]
    costs = sparse.csr_array((np.zeros(reach.nnz), reach.indices, reach.indptr), shape=reach.shape)
    problem = Problem.of(costs, weights[open_rows], count)
    answer = median.prove(problem, *median.quick(problem), deadline)
    everything = float(weights.sum())
    return answer.sites, everything - answer.total, everything - answer.bound


def _p_median(
    matrix: sparse.csr_array, today: Floats, weights: Floats, count: int, deadline: float
) -> tuple[Integers, float, float]:
    costs = matrix.copy()
    costs.data *= np.repeat(weights, np.diff(matrix.indptr))
    served = np.isfinite(today)
    cost_today = np.where(served, today, 0.0) * weights
    farthest = cost_today.copy()
    np.maximum.at(farthest, np.repeat(np.arange(weights.size), np.diff(costs.indptr)), costs.data)
    # More than any choice costs that reaches all, so that leaving demand out is never worth it.
    prohibitive = 2.0 * float(farthest.sum()) or 1.0
    problem = Problem.of(costs, np.where(served, cost_today, prohibitive), count)
    chosen, total = median.quick(problem)
    if total >= prohibitive:
        reaching, fewest = cover.fewest_sites(matrix[~served], deadline, most=count)
        if reaching.size > count:
            return np.empty(0, np.int64), np.inf, np.inf if fewest > count else 0.0
        chosen, total = median.quick(problem, reaching)
    answer = median.prove(problem, chosen, total, deadline)
    return answer.sites, answer.total, answer.bound


def _p_center(
    matrix: sparse.csr_array, today: Floats, count: int, deadline: float
) -> tuple[Integers, float, float]:
    sites, longest, bound = cover.least_radius(matrix, today, count, deadline)
    return (np.empty(0, np.int64) if sites is None else sites), longest, bound
