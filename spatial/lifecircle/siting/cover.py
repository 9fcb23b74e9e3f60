"""Set covers: the fewest sites that reach all demand (LSCP), and the least radius that p sites need.

A demand whose sites include all sites of another is covered with it, a site whose demand another site
covers too is needless, and a demand with one site left fixes that site.  These reductions are applied
until none is left (Toregas and ReVelle 1972); what remains goes to the integer solver.

The p-center is found by bisection over the walks that occur: a radius will do when its cover needs no
more than p sites (Minieka 1970); a few of the demand decide whether it does (Chen and Chen 2009).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from spatial.lifecircle.siting import kernels
from spatial.lifecircle.siting.problem import Flags, Floats, Integers, Problem, filtered, nearest_cost
from spatial.programme import minimise

__all__ = ["fewest_sites", "least_radius"]

# The bound of a linear programme is rounded up to a whole number of sites, less the solver's tolerance.
_WHOLE_TOLERANCE = 1e-6

# Comparing all pairs of long rows costs more than the integer solver's own presolve.
_MOST_COMPARISONS = 500_000_000


def fewest_sites(reach: sparse.csr_array, deadline: float, most: int | None = None) -> tuple[Integers, int]:
    """Cover every row with the fewest columns.

    Parameters
    ----------
    reach : demand × site; an entry stored, whatever its value, means that the site reaches the demand;
        no row is empty
    deadline : `time.monotonic` at which to stop
    most : when given, any cover of at most so many sites will do, and the bound need only tell
        whether there is one

    Returns
    -------
    tuple of Integers and int
        The smallest cover found, ascending, and a number of sites below which there is none.
    """
    reach = sparse.csr_array((np.ones(reach.nnz), reach.indices, reach.indptr), shape=reach.shape)
    cover = _greedy_cover(reach)
    if most is not None and cover.size <= most:
        return cover, 0
    reach, numbers, forced = _reduce(reach)
    fixed = forced.size
    if reach.shape[0] == 0:
        return np.sort(forced), fixed
    rows, sites = reach.shape
    smaller = np.concatenate([forced, numbers[_greedy_cover(reach)]])
    if smaller.size < cover.size:
        cover = np.sort(smaller)

    ones = np.ones(sites)
    relaxed = minimise(ones, reach, np.ones(rows), np.full(rows, np.inf), deadline=deadline)
    bound = fixed + _whole(relaxed.bound)
    wanted = cover.size - 1 if most is None else most
    if bound > wanted or time.monotonic() >= deadline:
        return cover, bound
    outcome = minimise(
        ones,
        sparse.vstack([reach, sparse.csr_array(ones[None, :])], format="csr"),
        np.ones(rows + 1),
        np.append(np.full(rows, np.inf), wanted - fixed),
        integral=np.ones(sites, bool),
        any_solution=most is not None,
        deadline=deadline,
    )
    if outcome.values is None:
        # With no cover of ``wanted`` sites the bound is infinite; the cover known is then the least.
        bound = wanted + 1 if outcome.bound == np.inf else max(bound, fixed + _whole(outcome.bound))
        return cover, bound
    found = np.sort(np.concatenate([forced, numbers[outcome.values > 0.5]]))
    return found, max(bound, fixed + _whole(outcome.bound))


def least_radius(
    distances: sparse.csr_array, today: Floats, count: int, deadline: float
) -> tuple[Integers | None, float, float]:
    """Open ``count`` sites so that the longest walk is least.

    Parameters
    ----------
    distances : demand × site, metres; an entry not stored cannot be walked
    today : (demand,), walk to the nearest site that is open already, infinite where there is none;
        every demand has that or an entry
    count : how many sites open
    deadline : `time.monotonic` at which to stop

    Returns
    -------
    tuple of Integers or None, float, float
        The sites (None when no ``count`` sites were found that reach all), the longest walk (infinite
        then), and a walk below which there is no solution (infinite when no sites reach all).
    """
    walks = np.concatenate([distances.data, today[np.isfinite(today)]])
    least = np.minimum(nearest_cost(distances), today).max(initial=0.0)
    radii = np.unique(walks[walks >= least])
    best: Integers | None = None
    # ``low`` … ``high``: the places of the least radius that may do; len(radii) stands for none.
    low, high = 0, radii.size
    while low < high:  # greedy covers first: they can only lower the upper end
        middle = (low + high) // 2
        cover = _greedy_cover(_beyond(distances, today, radii[middle]))
        if cover.size <= count:
            best, high = cover, middle
        else:
            low = middle + 1
    low = 0
    asked = np.empty(0, np.int64)
    while low < high and time.monotonic() < deadline:
        middle = (low + high) // 2
        unserved = np.flatnonzero(today > radii[middle])
        found = _cover_of(_beyond(distances, today, radii[middle]), unserved, count, asked, deadline)
        asked = found.asked
        if found.cover is not None:
            best, high = found.cover, middle
        elif found.proven_none:
            low = middle + 1
        else:
            break
    if radii.size == 0:
        return np.empty(0, np.int64), 0.0, 0.0
    ends = np.append(radii, np.inf)
    return best, float(ends[high]), float(ends[low])


@dataclass(frozen=True)
class _Found:
    """A cover of at most so many sites, or the proof that there is none, or neither for want of time.

    Attributes
    ----------
    cover : sites, ascending; None when none was found
    proven_none : whether there is none
    asked : numbers of the demand that decided it, a good start for the next radius
    """

    cover: Integers | None
    proven_none: bool
    asked: Integers


def _cover_of(
    reach: sparse.csr_array, numbers: Integers, most: int, asked: Integers, deadline: float
) -> _Found:
    """Look for at most ``most`` sites that reach every row.

    A few rows decide: a cover of them that exchanges cannot mend is refused by the rows it misses, and
    those join the few, until they cannot be covered or their cover will do (Chen and Chen 2009).

    Parameters
    ----------
    reach : demand × site, rows of the demand ``numbers``
    asked : demand that decided another radius
    """
    if not reach.shape[0]:
        return _Found(np.empty(0, np.int64), False, asked)
    if (np.diff(reach.indptr) == 0).any():
        return _Found(None, True, asked)
    rows = np.flatnonzero(np.isin(numbers, asked))
    rows = np.union1d(rows, _disjoint(reach, np.arange(reach.shape[0])))
    whole = Problem.of(
        sparse.csr_array((np.zeros(reach.nnz), reach.indices, reach.indptr), shape=reach.shape),
        np.ones(reach.shape[0]),
        most,
    )
    while time.monotonic() < deadline:
        few = sparse.csr_array(reach[rows])
        few.data = np.ones(few.nnz)
        few, sites, forced = _reduce(few)
        cover = forced
        if few.shape[0]:
            ones = np.ones(sites.size)
            outcome = minimise(
                ones,
                sparse.vstack([few, sparse.csr_array(ones[None, :])], format="csr"),
                np.ones(few.shape[0] + 1),
                np.append(np.full(few.shape[0], np.inf), most - forced.size),
                integral=np.ones(sites.size, bool),
                any_solution=True,
                deadline=deadline,
            )
            if outcome.values is None:
                return _Found(None, outcome.bound == np.inf, numbers[rows])
            cover = np.concatenate([forced, sites[outcome.values > 0.5]])
        if cover.size > most:
            return _Found(None, True, numbers[rows])
        start = np.concatenate([cover, np.setdiff1d(np.arange(reach.shape[1]), cover)[: most - cover.size]])
        mended, missed = kernels.exchange(*whole.by_site, whole.cap, start)
        if missed == 0:
            return _Found(np.sort(mended), False, numbers[rows])
        uncovered = np.flatnonzero(np.diff(sparse.csr_array(reach[:, np.sort(cover)]).indptr) == 0)
        still = np.flatnonzero(np.diff(sparse.csr_array(reach[:, np.sort(mended)]).indptr) == 0)
        rows = np.union1d(rows, np.concatenate([_disjoint(reach, uncovered), _disjoint(reach, still)]))
    return _Found(None, False, numbers[rows])


def _disjoint(reach: sparse.csr_array, rows: Integers) -> Integers:
    """Choose rows that no site reaches two of, those with the fewest sites first."""
    order = rows[np.argsort(np.diff(reach.indptr)[rows], kind="stable")]
    chosen: Integers = kernels.disjoint_rows(
        reach.indptr.astype(np.int64), reach.indices.astype(np.int64), order, reach.shape[1]
    )
    return chosen


def _beyond(distances: sparse.csr_array, today: Floats, radius_m: float) -> sparse.csr_array:
    """Return which sites lie within a radius of the demand that no open site serves within it."""
    unserved = distances[today > radius_m]
    return filtered(unserved, unserved.data <= radius_m)


def _whole(bound: float) -> int:
    return int(np.ceil(bound - _WHOLE_TOLERANCE)) if np.isfinite(bound) else 0


def _greedy_cover(reach: sparse.csr_array) -> Integers:
    """Cover by greedy, then close every site that the others make needless."""
    free = sparse.csr_array((np.zeros(reach.nnz), reach.indices, reach.indptr), shape=reach.shape)
    problem = Problem.of(free, np.ones(reach.shape[0]), reach.shape[1])
    chosen = kernels.greedy(*problem.by_site, problem.cap, problem.count)
    start, row, _ = problem.by_site
    times = np.bincount(
        np.concatenate([np.empty(0, np.int64), *(row[start[one] : start[one + 1]] for one in chosen)]),
        minlength=reach.shape[0],
    )
    kept = []
    for site in chosen[::-1]:
        covered = row[start[site] : start[site + 1]]
        if (times[covered] > 1).all():
            times[covered] -= 1
        else:
            kept.append(site)
    return np.sort(np.array(kept, np.int64))


def _reduce(reach: sparse.csr_array) -> tuple[sparse.csr_array, Integers, Integers]:
    """Return what is left to cover, the numbers of its sites, and the sites that are forced."""
    numbers = np.arange(reach.shape[1])
    forced: list[Integers] = []
    while True:
        before = reach.shape
        alone = np.unique(reach.indices[reach.indptr[:-1][np.diff(reach.indptr) == 1]])
        if alone.size:
            forced.append(numbers[alone])
            covered = np.diff(reach[:, alone].indptr) > 0
            reach, numbers = reach[~covered], np.delete(numbers, alone)
            reach = reach[:, np.setdiff1d(np.arange(before[1]), alone)]
        needed = ~_needless(reach, False)
        reach = reach[needed]
        useful = ~_needless(reach, True)
        reach, numbers = reach[:, useful], numbers[useful]
        if reach.shape == before:
            return reach, numbers, np.concatenate([np.empty(0, np.int64), *forced])


def _needless(reach: sparse.csr_array, columns: bool) -> Flags:
    """Mark rows covered whenever another is, or columns whose rows another column covers."""
    by_row, by_column = reach, reach.tocsc()
    lines, items = (by_column, by_row) if columns else (by_row, by_column)
    length = np.diff(lines.indptr).astype(np.int64)
    if length @ length > _MOST_COMPARISONS:
        empty: Flags = length == 0
        return empty
    marked: Flags = kernels.dominated_lines(
        lines.indptr.astype(np.int64),
        lines.indices.astype(np.int64),
        np.zeros(lines.nnz),
        items.indptr.astype(np.int64),
        items.indices.astype(np.int64),
        not columns,
    )
    return marked
