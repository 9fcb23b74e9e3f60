"""One connected component drawn for least cut: its count, its plan, its bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from spatial.grids.bounds import least_violation
from spatial.grids.certificate import Witness
from spatial.grids.clock import Clock
from spatial.grids.clusters import Report
from spatial.grids.component import Count, Solved, pieces_of, ranked_counts, solve, witnesses
from spatial.grids.cutting.branching import Branches
from spatial.grids.cutting.search import better_plans
from spatial.grids.draft import Draft
from spatial.grids.instance import Instance, extra_pieces

__all__ = ["solve_cut"]

_COUNTS_TRIED = 4
# Hops before the proof, at most and for each unit; hops after those of a level of the proof, at most
# and for each of its nodes, while there is no plan; hops without a better plan, where the graph is too
# large for a proof.
_FIRST_HOPS, _FIRST_HOPS_PER_UNIT = 150, 4
_HOPS_BETWEEN, _HOPS_PER_NODE = 100, 1 / 4000
_IDLE_HOPS = 600
# Units up to which the proof is worth more than a longer search, and nodes it may take.
_UNITS_PROVED = 160
_NODES = 40_000_000
_NODES_BEYOND = 400_000


def solve_cut(
    component: Instance,
    parts: int | None,
    target: float,
    *,
    rng: np.random.Generator,
    clock: Clock,
    report: Report,
) -> Solved:
    """Choose the count, find a plan of least cut, and bound it.

    Parameters
    ----------
    component : connected; its units in canonical order
    parts : number of parts, or None
    report : told (labels, cut, bound) whenever one of them improves
    """
    table = pieces_of(component, parts, clock) if component.group_count else None
    ranked = ranked_counts(component, target, table)
    if parts is not None:
        violation = least_violation(component.weights, parts, component.lower, component.upper)
        ranked = [one for one in ranked if one.parts == parts] or [Count(violation, 0, 0.0, parts)]
    held = np.unique(component.fixed[component.fixed >= 0]).size
    hopeless = held > ranked[0].parts or witnesses(component, parts, ranked[0].violation)
    kept = (component.previous >= 0).any()
    if hopeless or kept:
        # where the window cannot be met, or the least weight moves: drafts that start from what was
        solved = solve(component, parts, target, rng=rng, clock=clock, report=report)
        if hopeless or solved.labels is not None:
            return solved
    best: Solved | None = None
    unlawful: Solved | None = None
    for count in [one for one in ranked if one.violation == 0][:_COUNTS_TRIED]:
        if best is not None and best.labels is not None:
            break
        solved = _Cut(component, count, rng, clock, report).solved()
        if solved.witness:
            unlawful = unlawful or solved
        elif best is None or solved.labels is not None:
            best = solved
    return best or unlawful or Solved(None, ranked[0].parts, ranked[0].extra_pieces)


class _Cut:
    """One count of one component."""

    def __init__(
        self, component: Instance, count: Count, rng: np.random.Generator, clock: Clock, report: Report
    ) -> None:
        self.component = component
        self.count = count
        self.clock = clock
        self.report = report
        self.best: Draft | None = None
        self.proof = Branches(component.ungrouped(), count.parts)
        self.plans: Iterator[Draft | None] = better_plans(component, count.parts, rng, clock.out)

    def solved(self) -> Solved:
        """Search, prove, and search on while time is left that the caller gave."""
        component, count = self.component, self.count
        if count.parts == 1:
            return Solved(np.zeros(component.units, dtype=np.int64), 1, count.extra_pieces, 0.0)
        small = component.units <= _UNITS_PROVED
        first = min(_FIRST_HOPS, _FIRST_HOPS_PER_UNIT * component.units)
        self._hop(first if small else _IDLE_HOPS, renewed=not small)
        nodes = _NODES if small else _NODES_BEYOND
        before = 0
        while not self.proof.settled and self.proof.raise_limit(self.clock.out, nodes):
            self._report()
            if not self._lawful and not self.proof.none:
                spent = (self.proof.nodes - before) * _HOPS_PER_NODE
                self._hop(min(_HOPS_BETWEEN, int(spent)), renewed=False)
            before = self.proof.nodes
        while not self.proof.settled and self.clock.limit_s is not None and not self.clock.out():
            self._hop(_HOPS_BETWEEN, renewed=False)
        return self._result()

    @property
    def _lawful(self) -> bool:
        return (self.best is not None and self.best.lawful) or self.proof.labels is not None

    def _hop(self, hops: int, *, renewed: bool) -> None:
        """Take so many hops of the search; ``renewed``: so many after the last better plan."""
        left = hops
        while left > 0:
            plan = next(self.plans, self.best)
            if plan is self.best:
                return
            left -= 1
            if plan is None:
                continue
            self.best = plan
            left = hops if renewed else left
            if plan.lawful:
                self.proof.offer(plan.labels, plan.key[-1])
                self._report()

    def _report(self) -> None:
        if self.best is not None and self.best.lawful:
            self.report(self.best.labels, self.best.key[-1], self.proof.bound)

    def _result(self) -> Solved:
        component, count, proof = self.component, self.count, self.proof
        solved = Solved(None, count.parts, count.extra_pieces, proof.bound or None)
        if proof.none:
            values = {"lower": component.lower, "upper": component.upper}
            values |= {"total": component.total, "parts": float(count.parts)}
            witness = Witness("no_connected_plan", tuple(range(component.units)), values)
            labels = None if self.best is None else self.best.labels
            return replace(solved, labels=labels, bound=None, witness=(witness,))
        found = [] if self.best is None or not self.best.lawful else [(self.best.key[3:], self.best.labels)]
        if proof.labels is not None:
            found.append(((float(extra_pieces(component, proof.labels)), proof.cut), proof.labels))
        if found:
            solved = replace(solved, labels=min(found, key=lambda one: one[0])[1])
        return solved
