"""Capped least cost, solved: greedy and exchange at once, then proof by branch and bound.

A Lagrangian bound (`lagrange`) comes with a bound for every site open and every site closed.  A site
whose bound is no better than the best solution is fixed; open sites live on in the caps, so the problem
shrinks.  Where no more can be fixed, the site whose two sides promise most is opened in one branch and
closed in the other (Beasley 1985).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from spatial.lifecircle.siting import kernels
from spatial.lifecircle.siting.lagrange import Climb, climb_prices, first_prices
from spatial.lifecircle.siting.problem import Flags, Floats, Integers, Problem

__all__ = ["Answer", "prove", "quick"]

# Two totals that are closer than this, relative to their size, are one.
_RELATIVE_TOLERANCE = 1e-9

# Subgradient steps: of a round, first step size, and the step size at which a climb ends.
_ROUND, _ROOT_STEP, _ROOT_END = 30, 1.0, 1e-3
_BRANCH_STEP, _BRANCH_END = 0.25, 0.02


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
    search = _Search(problem.granularity, chosen, total)
    bound = search.run(_Branch.root(problem, chosen), deadline)
    return Answer(np.sort(search.chosen), search.total, min(bound, search.total))


@dataclass(frozen=True, eq=False)
class _Branch:
    """A part of all choices: what is open for good, and what is left to choose.

    Attributes
    ----------
    problem : what is left
    numbers : (sites,), number of each site that is left in the first problem
    opened : numbers of the sites that are open for good
    prices : (demand,), Lagrangian prices
    bound : no choice of this part costs less
    """

    problem: Problem
    numbers: Integers
    opened: Integers
    prices: Floats
    bound: float

    @classmethod
    def root(cls, problem: Problem, chosen: Integers) -> _Branch:
        """Return the branch of all choices, without the sites that another site makes needless."""
        rows = (problem.costs.indptr.astype(np.int64), problem.costs.indices.astype(np.int64))
        held = kernels.dominated_lines(*problem.by_site, *rows, False)
        prices = first_prices(problem, chosen)
        whole = cls(problem, np.arange(problem.sites), np.empty(0, np.int64), prices, 0.0)
        return whole.fixed(np.zeros_like(held), held, 0.0)

    def fixed(self, opened: Flags, closed: Flags, bound: float) -> _Branch:
        """Return the part with some sites open and others closed for good."""
        kept = np.flatnonzero(~(opened | closed))
        return _Branch(
            self.problem.reduced(np.flatnonzero(opened), kept),
            self.numbers[kept],
            np.concatenate([self.opened, self.numbers[opened]]),
            self.prices,
            max(bound, self.bound),
        )


class _Search:
    """Branch and bound, depth first: the best solution, and how good another would have to be."""

    def __init__(self, granularity: float, chosen: Integers, total: float) -> None:
        self.granularity = granularity
        self.chosen = chosen
        self.total = total
        self.tried: set[bytes] = set()

    @property
    def cutoff(self) -> float:
        """A branch whose bound reaches this holds no better solution."""
        if self.granularity:
            return self.total - self.granularity + 1e-6
        return self.total - _RELATIVE_TOLERANCE * max(1.0, self.total)

    def run(self, root: _Branch, deadline: float) -> float:
        """Search until nothing is left or the deadline is met; return the bound."""
        step, end = _ROOT_STEP, _ROOT_END
        waiting = [root]
        while waiting:
            branch = waiting.pop()
            if branch.bound >= self.cutoff:
                continue
            parts = self._split(branch, step, end, deadline)
            waiting.extend(parts)
            step, end = _BRANCH_STEP, _BRANCH_END
            if time.monotonic() >= deadline:
                break
        return min((branch.bound for branch in waiting if branch.bound < self.cutoff), default=self.total)

    def _split(self, branch: _Branch, step: float, end: float, deadline: float) -> list[_Branch]:
        """Raise the bound of a branch, fixing sites on the way; return its parts, the better one last.

        Nothing is left of a branch that holds no better solution, and the branch itself is returned
        when the deadline ends the climb.
        """
        while True:
            problem = branch.problem
            if problem.count == 0 or problem.sites <= problem.count:
                rest = np.arange(problem.sites if problem.count else 0)
                self._offer(branch, rest, float(problem.opened(rest).sum()))
                return []
            climb = climb_prices(problem, branch.prices, self.total, step, _ROUND)
            self._try(branch, climb.chosen)
            bound = max(branch.bound, climb.bound)
            if bound >= self.cutoff:
                return []
            opened, closed = climb.if_closed >= self.cutoff, climb.if_open >= self.cutoff
            if (opened & closed).any() or np.count_nonzero(opened) > problem.count:
                return []
            step = climb.step
            branch = _Branch(problem, branch.numbers, branch.opened, climb.prices, bound)
            if opened.any() or closed.any():
                branch = branch.fixed(opened, closed, bound)
            elif step <= end:
                return self._branches(branch, climb)
            if time.monotonic() >= deadline:
                return [branch]

    def _branches(self, branch: _Branch, climb: Climb) -> list[_Branch]:
        """Part a branch by the site whose worse side promises most."""
        site = int(np.argmax(np.minimum(climb.if_open, climb.if_closed)))
        this, none = np.zeros(branch.problem.sites, bool), np.zeros(branch.problem.sites, bool)
        this[site] = True
        parts = [
            branch.fixed(none, this, climb.if_closed[site]),
            branch.fixed(this, none, climb.if_open[site]),
        ]
        return sorted(parts, key=lambda part: -part.bound)

    def _try(self, branch: _Branch, sites: Integers) -> None:
        """Improve a set of sites by exchange, unless it was tried before."""
        name = np.sort(np.concatenate([branch.opened, branch.numbers[sites]])).tobytes()
        if name not in self.tried:
            self.tried.add(name)
            self._offer(branch, *quick(branch.problem, sites))

    def _offer(self, branch: _Branch, sites: Integers, total: float) -> None:
        if total < self.total:
            self.chosen = np.concatenate([branch.opened, branch.numbers[sites]])
            self.total = total
