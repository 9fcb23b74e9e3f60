"""Capped least cost, solved: greedy and exchange at once, then proof.

The proof goes from cheap to dear.  A Lagrangian bound (each demand's "is served once" relaxed; Beasley
1985) comes with a bound for every site open and closed; a site whose bound is no better than the best
solution is fixed.  What is left goes to an integer programme in the radius formulation (Cornuéjols,
Nemhauser and Wolsey 1980; Elloumi 2010): one variable for "none of the k nearest sites is open",
shared by all demand with the same k nearest sites.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from spatial.lifecircle.siting import kernels
from spatial.lifecircle.siting.lagrange import climb_prices, first_prices
from spatial.lifecircle.siting.problem import Flags, Integers, Problem
from spatial.lifecircle.siting.radius import solve_radius

__all__ = ["Answer", "prove", "quick"]

# Two totals that are closer than this, relative to their size, are one.
RELATIVE_TOLERANCE = 1e-9

_LEAST_STEP = 1e-3


@dataclass(frozen=True)
class Answer:
    """The best sites known and what is proved about them.

    Attributes
    ----------
    sites : site numbers, ascending
    total : what they cost
    bound : no choice costs less
    """

    sites: Integers
    total: float
    bound: float


def quick(problem: Problem, start: Integers | None = None) -> tuple[Integers, float]:
    """Return a good choice and its total at once: greedy, or ``start``, then exchange."""
    chosen = kernels.greedy(*problem.by_site, problem.cap, problem.count) if start is None else start
    chosen, total = kernels.exchange(*problem.by_site, problem.cap, chosen)
    return chosen, float(total)


def prove(problem: Problem, chosen: Integers, total: float, deadline: float) -> Answer:
    """Return the best choice found by the deadline (`time.monotonic`) and the bound proved by then.

    ``chosen`` and its ``total`` are the start; the answer is proved when bound and total are equal.
    """
    if problem.count == 0:
        return Answer(chosen, total, total)
    search = _Search(problem, chosen, total)
    search.run(deadline)
    return Answer(np.sort(search.chosen), search.total, min(search.bound, search.total))


class _Search:
    """One proof under way: the best solution, the bound, and the problem that is left.

    ``numbers`` maps the sites of ``problem``, which shrinks as sites are fixed, to those of the first
    problem, and ``opened`` holds those fixed open.  Fixing leaves the total of a solution as it is,
    since open sites live on in the caps.
    """

    def __init__(self, problem: Problem, chosen: Integers, total: float) -> None:
        self.problem = problem
        self.numbers = np.arange(problem.sites)
        self.opened = np.empty(0, np.int64)
        self.chosen = chosen
        self.total = total
        self.bound = 0.0
        self.granularity = problem.granularity

    @property
    def cutoff(self) -> float:
        """A part of the search whose bound reaches this holds no better solution."""
        if self.granularity:
            return self.total - self.granularity + 1e-6
        return self.total - RELATIVE_TOLERANCE * max(1.0, self.total)

    def run(self, deadline: float) -> None:
        """Prove as much as the deadline allows."""
        costs = self.problem.costs
        rows = (costs.indptr.astype(np.int64), costs.indices.astype(np.int64))
        held = kernels.dominated_lines(*self.problem.by_site, *rows, False)
        self._fix(np.zeros_like(held), held)
        self._raise_bound(deadline)
        if not self._settled() and time.monotonic() < deadline:
            self._enumerate(deadline)

    def _settled(self) -> bool:
        """Whether nothing is left to choose or to prove; the bound is then the total."""
        if self.problem.sites <= self.problem.count:
            rest = np.arange(self.problem.sites)
            self._offer(rest, float(self.problem.opened(rest).sum()))
            self.bound = self.total
        elif self.problem.count == 0 or self.bound >= self.cutoff:
            self.bound = self.total
        return self.bound >= self.total

    def _offer(self, sites: Integers, total: float) -> None:
        if total < self.total:
            self.chosen = np.concatenate([self.opened, self.numbers[sites]])
            self.total = total

    def _fix(self, opened: Flags, closed: Flags) -> None:
        """Open and close sites for good: every better solution has them so."""
        if (opened & closed).any() or np.count_nonzero(opened) > self.problem.count:
            self.bound = self.total
            return
        kept = np.flatnonzero(~(opened | closed))
        self.problem = self.problem.reduced(np.flatnonzero(opened), kept)
        self.opened = np.concatenate([self.opened, self.numbers[opened]])
        self.numbers = self.numbers[kept]
        if self.problem.count == 0:
            self._offer(np.empty(0, np.int64), float(self.problem.cap.sum()))

    def _known(self) -> Integers:
        """Return the best solution in the numbers of the problem that is left."""
        return np.flatnonzero(np.isin(self.numbers, self.chosen))

    def _raise_bound(self, deadline: float) -> None:
        """Climb the Lagrangian bound, fixing sites on the way, until it stalls or all is settled."""
        prices = first_prices(self.problem, self._known())
        step = 1.0
        offered: set[bytes] = set()
        while not self._settled() and step > _LEAST_STEP:
            problem = self.problem
            climb = climb_prices(problem, np.minimum(prices, problem.cap), self.total, step)
            prices, step = climb.prices, climb.step
            self.bound = max(self.bound, climb.bound)
            tried = np.sort(self.numbers[climb.chosen]).tobytes()
            if tried not in offered:
                offered.add(tried)
                self._offer(*quick(problem, climb.chosen))
            opened, closed = climb.if_closed >= self.cutoff, climb.if_open >= self.cutoff
            if opened.any() or closed.any():
                self._fix(opened, closed)
            if time.monotonic() >= deadline:
                break

    def _enumerate(self, deadline: float) -> None:
        """Give what is left to an integer programme that looks for something better only."""
        sites, bound = solve_radius(self.problem, self._known(), self.total, self.cutoff, deadline)
        if sites is not None:
            self._offer(*quick(self.problem, sites))
        self.bound = max(self.bound, bound)
        self._settled()
