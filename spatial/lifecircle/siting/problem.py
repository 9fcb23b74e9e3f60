"""One shape for the models that open a fixed number of sites: capped least cost.

Demand i costs the least of its cap and of the costs of the open sites it can reach; the total is to
be least.  With distances times weights as costs and a cap above every possible total it is the
p-median problem; with cost 0 within the limit and the weight as cap it is the maximal covering
location problem (MCLP: the total is what stays uncovered).  Sites that are open already only lower
the caps, and so does a site that a proof has shown to be open in every better solution.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy import sparse

__all__ = [
    "CLOSED",
    "OPENED",
    "Flags",
    "Floats",
    "Integers",
    "Problem",
    "Rows",
    "Sites",
    "filtered",
    "nearest_cost",
]

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Sites = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Rows:
    """Entries by demand, nearest site first, equal costs by site number."""

    start: Integers
    site: Sites
    cost: Floats

    def restricted(self, cap: Floats, number: Integers) -> tuple[Rows, Floats]:
        """Return the entries of the sites that are left, and the caps once some sites are open.

        Parameters
        ----------
        number : (sites,), new number of a site that is left; `OPENED` or `CLOSED` for the others
        """
        start, site, cost, caps = _restricted(self.start, self.site, self.cost, cap, number)
        return Rows(start, site, cost), caps


OPENED, CLOSED = -2, -1


@njit(cache=True)
def _restricted(
    start: Integers, site: Sites, cost: Floats, cap: Floats, number: Integers
) -> tuple[Integers, Sites, Floats, Floats]:
    caps = cap.copy()
    new_start = np.zeros(start.size, np.int64)
    new_site = np.empty(site.size, np.int32)
    new_cost = np.empty(cost.size)
    count = 0
    for row in range(cap.size):
        for entry in range(start[row], start[row + 1]):
            new = number[site[entry]]
            if new == OPENED:
                caps[row] = cost[entry]
                break
            if new != CLOSED:
                new_site[count] = new
                new_cost[count] = cost[entry]
                count += 1
        # Equal costs may stand before the open site; they do not lower its cap.
        while count > new_start[row] and new_cost[count - 1] >= caps[row]:
            count -= 1
        new_start[row + 1] = count
    return new_start, new_site[:count].copy(), new_cost[:count].copy(), caps


def filtered(matrix: sparse.csr_array, kept: Flags) -> sparse.csr_array:
    """Return a matrix with only the stored entries that are ``kept``; zeros stay stored."""
    if kept.all():
        return matrix
    start = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return sparse.csr_array((matrix.data[kept], matrix.indices[kept], start), shape=matrix.shape)


def nearest_cost(matrix: sparse.csr_array) -> Floats:
    """Return the least entry of every row, infinite for an empty row."""
    nearest = np.full(matrix.shape[0], np.inf)
    np.minimum.at(nearest, np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.data)
    return nearest


@njit(cache=True)
def rows_by_cost(start: Integers, cost: Floats) -> Integers:
    """Return the places of the entries with each row sorted by cost, equal costs as they stand."""
    order = np.empty(cost.size, np.int64)
    for row in range(start.size - 1):
        entries = slice(start[row], start[row + 1])
        order[entries] = start[row] + np.argsort(cost[entries], kind="mergesort")
    return order


@dataclass(frozen=True)
class Problem:
    """Open ``count`` sites so that the sum over demand of min(cap, least cost) is least.

    Attributes
    ----------
    costs : demand × site; an entry not stored is not below the cap, a stored 0 is a cost of 0
    cap : (demand,), what a demand costs when no open site serves it for less
    count : how many sites may open
    """

    costs: sparse.csr_array
    cap: Floats
    count: int

    @classmethod
    def of(cls, costs: sparse.csr_array, cap: Floats, count: int) -> Problem:
        """Make a problem, leaving out the entries that cannot lower a cap."""
        useful = costs.data < np.repeat(cap, np.diff(costs.indptr))
        return cls(filtered(costs, useful), cap, min(count, costs.shape[1]))

    @property
    def sites(self) -> int:
        """How many sites there are to choose from."""
        return int(self.costs.shape[1])

    @cached_property
    def by_site(self) -> tuple[Integers, Integers, Floats]:
        """Entries by site: start, demand, cost."""
        columns = self.costs.tocsc()
        return columns.indptr.astype(np.int64), columns.indices.astype(np.int64), columns.data

    @cached_property
    def by_demand(self) -> Rows:
        """Entries by demand, nearest first."""
        start = self.costs.indptr.astype(np.int64)
        order = rows_by_cost(start, self.costs.data)
        return Rows(start, self.costs.indices[order].astype(np.int32), self.costs.data[order])

    @cached_property
    def granularity(self) -> float:
        """Least difference between two totals that differ: the common divisor of whole costs, else 0."""
        if not self.cap.sum() < 2.0**40:  # beyond, rounding of sums is no longer small beside 1
            return 0.0
        divisor = 0
        for costs in (self.cap, self.costs.data):
            whole = costs.astype(np.int64)
            if (whole != costs).any():
                return 0.0
            divisor = int(np.gcd.reduce(whole, initial=divisor))
            if divisor == 1:
                break
        return float(divisor)

    def total(self, sites: Integers) -> float:
        """Return what a choice of sites costs."""
        costs = self.cap.copy()
        start, row, cost = self.by_site
        for site in sites:
            entries = slice(start[site], start[site + 1])
            costs[row[entries]] = np.minimum(costs[row[entries]], cost[entries])
        return float(costs.sum())
