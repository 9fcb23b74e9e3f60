"""One connected component solved: its count, its plan, its bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from spatial.grids.attached import improved_by_attaching
from spatial.grids.bounds import (
    NODES_HURRIED,
    PieceTable,
    group_graph,
    least_violation,
    piece_table,
    possible_counts,
)
from spatial.grids.certificate import Witness, WitnessKind
from spatial.grids.clock import Clock
from spatial.grids.clusters import ClusterProof, Report, prove_as_one, prove_by_clusters
from spatial.grids.draft import Draft, annealed_drafts, first_draft
from spatial.grids.instance import Instance, IntArray, extra_pieces, plan_inertia, plan_objective
from spatial.grids.least_change import least_change
from spatial.grids.naming import named, weight_moved

__all__ = ["Count", "Solved", "ranked_counts", "solve"]

_RESTARTS = 16
_COUNTS_TRIED = 4
# Without a piece table the bound on pieces is 0, which says nothing of whether a search is worth its time.
_COUNTS_UNBOUNDED = 3
_EXTRA_TRIED = 3
_DRAFTS_BEFORE = 12
_HURRIED_BELOW_S = 10.0


@dataclass(frozen=True, order=True)
class Count:
    """A number of parts and what no plan of so many parts can beat, in the order counts are tried.

    Attributes
    ----------
    violation, extra_pieces : least of any plan with so many parts
    distance : of the mean weight to the target
    """

    violation: float
    extra_pieces: int
    distance: float
    parts: int


@dataclass(frozen=True, eq=False)
class Solved:
    """A component's plan and bounds.

    Attributes
    ----------
    labels : part of each unit, 0 … parts − 1; None when no plan was found
    extra_bound : least extra pieces of any plan with as many parts
    least_violation : weight that lies outside the window in any plan with as many parts
    bound : on the objective of plans with as many parts and the least extra pieces; None when unknown
    moved_bound : no lawful plan moves less weight against the previous one
    """

    labels: IntArray | None
    parts: int
    extra_bound: int
    bound: float | None = None
    least_violation: float = 0.0
    witness: tuple[Witness, ...] = ()
    unmoved: bool = False
    moved_bound: float = 0.0


def ranked_counts(component: Instance, target: float, table: PieceTable | None) -> list[Count]:
    """Return the counts worth trying, best first."""
    lawful = possible_counts(component.total, component.lower, component.upper)
    fewest, most = _count_range(component)
    return sorted(
        Count(
            least_violation(component.weights, k, component.lower, component.upper),
            (table.extra_pieces(k) or 0) if table is not None and k in lawful else 0,
            abs(component.total / k - target),
            k,
        )
        for k in range(fewest, most + 1)
    )


def _count_range(component: Instance) -> tuple[int, int]:
    labels = np.unique(component.fixed[component.fixed >= 0]).size
    fewest = max(1, int(component.total // component.upper), labels)
    most = max(fewest, int(np.ceil(component.total / max(component.lower, 1e-9))) + 1)
    return fewest, min(component.units, most)


def pieces_of(component: Instance, parts: int | None, clock: Clock) -> PieceTable | None:
    """Return the piece table of a component, up to `parts` or to every count worth trying."""
    most = max(parts or 0, _count_range(component)[1])
    graph = group_graph(component)
    hurried = graph.weights.size > NODES_HURRIED and clock.hurried(_HURRIED_BELOW_S)
    return piece_table(component, graph, most, hurried=hurried)


def solve(
    component: Instance,
    parts: int | None,
    target: float,
    *,
    rng: np.random.Generator,
    clock: Clock,
    report: Report,
) -> Solved:
    """Choose the count, find a plan, and bound it.

    Parameters
    ----------
    component : connected; its units in canonical order
    parts : number of parts, or None
    report : told (labels, objective, bound) whenever one of them improves
    """
    table = pieces_of(component, parts, clock)
    ranked = ranked_counts(component, target, table)
    if parts is not None:
        violation = least_violation(component.weights, parts, component.lower, component.upper)
        ranked = [one for one in ranked if one.parts == parts] or [Count(violation, 0, 0.0, parts)]
    held = np.unique(component.fixed[component.fixed >= 0]).size
    if parts is not None and held > parts:
        values = {
            "total": component.total,
            "fewest": float(held),
            "most": float(component.units),
            "parts": float(parts),
        }
        return Solved(None, parts, 0, witness=(_witness(component, "parts", range(component.units), values),))
    witness = witnesses(component, parts, ranked[0].violation)
    if not witness and _previous_is_lawful(component, parts):
        kept = np.unique(component.previous, return_inverse=True)[1].astype(np.int64)
        extra, value = extra_pieces(component, kept), plan_objective(component, kept)
        return Solved(kept, int(kept.max()) + 1, extra, value, unmoved=True)
    search = _Search(component, table, witness, rng, clock, report)
    if witness:
        return search.best_of(ranked)
    ranked = [one for one in ranked if one.violation == 0]
    if component.objective == "inertia" and (component.previous >= 0).any():
        return _with_least_change(search, ranked, target)
    return search.best_of(ranked)


def _with_least_change(search: _Search, ranked: list[Count], target: float) -> Solved:
    """Return the plan that moves least, searched exactly first and by the usual search where that is not done."""
    component, clock = search.component, search.clock
    counts = [one.parts for one in ranked]
    half = Clock(None if clock.limit_s is None else clock.left_s / 2, clock.stop)
    drafts = [
        draft
        for one in counts[:_COUNTS_TRIED]
        for draft in islice(annealed_drafts(component, one, search.rng, clock=half), _DRAFTS_BEFORE)
    ]
    known = min((one for one in drafts if one.lawful), key=lambda one: one.key[2:], default=None)
    change = least_change(
        component,
        range(min(counts), max(counts) + 1),
        target,
        None if known is None else known.labels,
        rng=search.rng,
        clock=half,
    )
    clock.pressed = clock.pressed or half.cut
    if change.labels is None:
        return replace(search.best_of(ranked), moved_bound=change.moved_bound)
    if change.bound is None:
        found = replace(search.best_of(ranked), moved_bound=change.moved_bound)
        keys = [_change_key(component, labels, target) for labels in (change.labels, found.labels)]
        if keys[1] < keys[0]:
            return found
    parts = int(change.labels.max()) + 1
    extra_bound = change.extra_bound
    if extra_bound is None:
        extra_bound = (0 if search.table is None else search.table.extra_pieces(parts)) or 0
    return Solved(change.labels, parts, extra_bound, change.bound, moved_bound=change.moved_bound)


def _change_key(component: Instance, labels: IntArray | None, target: float) -> tuple[float, ...]:
    """Key by which plans that follow another are compared; the order is that of `least_change`."""
    if labels is None:
        return (np.inf,)
    load = np.bincount(labels, weights=component.weights)
    return (
        float(np.maximum(0, np.maximum(component.lower - load, load - component.upper)).sum()),
        weight_moved(component, named(component, labels)),
        extra_pieces(component, labels),
        abs(component.total / load.size - target),
        plan_inertia(component, labels),
    )


@dataclass(eq=False)
class _Search:
    """The counts of one component, tried in turn."""

    component: Instance
    table: PieceTable | None
    witness: tuple[Witness, ...]
    rng: np.random.Generator
    clock: Clock
    report: Report

    def best_of(self, ranked: list[Count]) -> Solved:
        """Try counts, best first, until no later one can be better.

        When every count is proved to have no plan, the one that breaks the window least is returned
        with its witness; when one is neither filled nor excluded, nothing is.
        """
        best: tuple[tuple[float, ...], Solved] | None = None
        unlawful: tuple[tuple[float, ...], Solved] | None = None
        proved = True
        for tried, count in enumerate(ranked):
            if best is not None:
                # a later count is worth its time only if its bounds allow a better plan
                moved = 0.0 if (self.component.previous >= 0).any() else best[0][1]
                least = (count.violation, moved, count.extra_pieces, count.distance)
                if least >= best[0] or tried >= (_COUNTS_UNBOUNDED if self.table is None else _COUNTS_TRIED):
                    break
            if tried and self.clock.out():
                proved = False
                break
            key, solved = self._solve(count)
            entry = ((*key, count.distance), solved)
            if key[0] > count.violation and not self.witness:
                proved = proved and bool(solved.witness)
                unlawful = entry if unlawful is None or entry[0] < unlawful[0] else unlawful
            else:
                best = entry if best is None or entry[0] < best[0] else best
        if best is None and proved:
            best = unlawful
        return best[1] if best is not None else Solved(None, ranked[0].parts, ranked[0].extra_pieces)

    def _solve(self, count: Count) -> tuple[tuple[float, float, float], Solved]:
        """Plan and bounds for one count; the key is violation, weight moved, extra pieces."""
        component, parts = self.component, count.parts
        if parts == 1:
            only = next(annealed_drafts(component, 1, self.rng, 0))
            one = Solved(only.labels, 1, int(only.key[3]), only.key[-1], count.violation, self.witness)
            return (count.violation, only.key[2], only.key[3]), one
        first = first_draft(component, parts, self.rng)
        if first.lawful:
            self.report(first.labels, first.key[-1], 0.0)
        followed = (component.previous >= 0).any()
        extra_bound, proof = (count.extra_pieces, None) if followed else self._prove(count, first)
        bound = None if proof is None or proof.lower == np.inf else proof.lower
        free = not (component.fixed >= 0).any() and not followed
        if proof is not None and proof.labels is not None and free:
            return (0.0, 0.0, float(extra_bound)), Solved(proof.labels, parts, extra_bound, bound)
        draft = best_draft(
            component,
            parts,
            first,
            None if self.table is None else extra_bound,
            hopeless=bool(self.witness),
            rng=self.rng,
            clock=self.clock,
        )
        violation, _, moved, extra, _ = draft.key
        solved = Solved(draft.labels, parts, extra_bound, bound, count.violation, self.witness)
        if draft.lawful or self.witness or component.objective != "inertia" or self.clock.out():
            return (violation, moved, extra), solved
        # leave the groups out of it: is there any connected plan at all?
        plain = component.ungrouped()
        proof = prove_as_one(plain, parts, self.rng, clock=self.clock, report=self.report)
        if proof.lower == np.inf:
            values = {"total": component.total, "parts": float(parts)}
            witness = _witness(component, "no_connected_plan", range(component.units), values)
            return (violation, moved, extra), replace(solved, bound=None, witness=(witness,))
        if proof.labels is not None and free:
            extra = float(extra_pieces(component, proof.labels))
            return (0.0, 0.0, extra), Solved(proof.labels, parts, extra_bound)
        return (violation, moved, extra), solved

    def _prove(self, count: Count, first: Draft) -> tuple[int, ClusterProof | None]:
        """Least extra pieces, and what is proved of the inertia of plans that have no more."""
        component, table = self.component, self.table
        if component.objective != "inertia" or self.witness:
            return count.extra_pieces, None
        if component.group_count == 0:
            proof = prove_as_one(component, count.parts, self.rng, clock=self.clock, report=self.report)
            return 0, proof
        pieces = None if table is None else table.pieces(count.parts)
        if table is None or pieces is None:
            return count.extra_pieces, None
        if table.exact:
            proof = prove_by_clusters(
                component, table, count.parts, self.rng, clock=self.clock, report=self.report
            )
        else:
            known = None
            if first.lawful:
                known = improved_by_attaching(component, first.labels, self.rng, clock=self.clock)
            proof = prove_as_one(
                component,
                count.parts,
                self.rng,
                pieces=pieces,
                known=known,
                clock=self.clock,
                report=self.report,
            )
        extra = count.extra_pieces
        while proof.lower == np.inf and extra < count.extra_pieces + _EXTRA_TRIED:
            # no plan has so few pieces: allow one more
            extra += 1
            proof = prove_as_one(
                component,
                count.parts,
                self.rng,
                pieces=pieces + extra - count.extra_pieces,
                clock=self.clock,
                report=self.report,
            )
        return extra + int(proof.lower == np.inf), proof


def witnesses(component: Instance, parts: int | None, violation: float) -> tuple[Witness, ...]:
    """Return proofs that the window cannot be met, from the weights alone; units as numbered here."""
    heavy = [
        _witness(component, "fixed_above_upper", np.flatnonzero(own), {"label": float(label), "weight": load})
        for label in np.unique(component.fixed[component.fixed >= 0])
        for own in [component.fixed == label]
        for load in [float(component.weights[own].sum())]
        if load > component.upper and own.sum() > 1
    ]
    if violation <= 0:
        return tuple(heavy)
    counts = possible_counts(component.total, component.lower, component.upper)
    values = {"violation": violation, "total": component.total}
    found = heavy + [
        _witness(
            component, "unit_above_upper", [int(unit)], values | {"weight": float(component.weights[unit])}
        )
        for unit in np.flatnonzero(component.weights > component.upper)
    ]
    everyone = np.arange(component.units)
    if component.total < component.lower:
        found.append(_witness(component, "below_lower", everyone, values))
    elif not counts and component.units > 1:
        between = {"fewest": float(component.total // component.upper), "most": float(counts.start)}
        found.append(_witness(component, "no_count", everyone, values | between))
    elif parts is not None and parts not in counts and component.units > 1:
        between = {"fewest": float(counts.start), "most": float(counts.stop - 1), "parts": float(parts)}
        found.append(_witness(component, "parts", everyone, values | between))
    return tuple(found)


def _witness(
    component: Instance, kind: WitnessKind, units: Iterable[int], values: Mapping[str, float]
) -> Witness:
    window = {"lower": component.lower, "upper": component.upper}
    return Witness(kind, tuple(int(unit) for unit in units), {**window, **values})


def _previous_is_lawful(component: Instance, parts: int | None) -> bool:
    """Whether the previous plan covers every unit and breaks no hard rule: then nothing moves."""
    before = component.previous
    if (before < 0).any() or ((component.fixed >= 0) & (component.fixed != before)).any():
        return False
    labels, where = np.unique(before, return_inverse=True)
    load = np.bincount(where, weights=component.weights)
    if (load < component.lower).any() or (load > component.upper).any():
        return False
    if parts is not None and labels.size != parts:
        return False
    return all(
        len(component.restricted(np.flatnonzero(where == at)).components()) == 1 for at in range(labels.size)
    )


def best_draft(
    component: Instance,
    parts: int,
    first: Draft,
    extra_bound: int | None,
    *,
    hopeless: bool,
    rng: np.random.Generator,
    clock: Clock,
) -> Draft:
    """Best of the first plan and some annealed ones; of more while none is lawful with least extra pieces.

    ``extra_bound`` is None where nothing is known of the least: then any lawful plan ends the search.
    """
    best = first
    enough = min(_RESTARTS, 4 + component.units // 4)
    most = min(_RESTARTS, max(enough, component.units // 2))
    for tried, draft in enumerate(annealed_drafts(component, parts, rng, clock=clock), start=1):
        best = min(best, draft, key=lambda one: one.key)
        settled = hopeless or (best.lawful and (extra_bound is None or best.key[3] <= extra_bound))
        if tried >= (enough if settled else most) or clock.out():
            break
    return best
