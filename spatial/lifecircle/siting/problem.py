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

__all__ = ["Flags", "Floats", "Integers", "Problem", "Rows", "filtered", "nearest_cost"]

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Entries by demand, nearest site first, equal costs by site number."""

    start: Integers
    site: Integers
    cost: Floats


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
        return Rows(start, self.costs.indices[order].astype(np.int64), self.costs.data[order])

    @cached_property
    def granularity(self) -> float:
        """Least difference between two totals that differ: 1 when all costs are whole, else 0."""
        whole = (
            self.cap.sum() < 2.0**52
            and bool((self.cap == np.rint(self.cap)).all())
            and bool((self.costs.data == np.rint(self.costs.data)).all())
        )
        return 1.0 if whole else 0.0

    def opened(self, sites: Integers) -> Floats:
        """Return the caps once ``sites`` are open."""
        caps = self.cap.copy()
        start, row, cost = self.by_site
        for site in sites:
            entries = slice(start[site], start[site + 1])
            caps[row[entries]] = np.minimum(caps[row[entries]], cost[entries])
        return caps

    def reduced(self, opened: Integers, kept: Integers) -> Problem:
        """Return the problem with ``opened`` open for good and only ``kept`` left to choose from."""
        return Problem.of(self.costs[:, kept], self.opened(opened), self.count - opened.size)
