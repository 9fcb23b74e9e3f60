"""One connected component solved: its count, its plan, its bounds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spatial.grids.bounds import PieceTable, group_graph, least_violation, piece_table, possible_counts
from spatial.grids.certificate import Witness
from spatial.grids.clusters import Report, prove_as_one, prove_by_clusters
from spatial.grids.draft import Draft, annealed_drafts
from spatial.grids.instance import Instance, IntArray

__all__ = ["Clock", "Count", "Solved", "ranked_counts", "solve"]

_RESTARTS = 16
_RESTARTS_AT_MOST = 96
_COUNTS_TRIED = 4


class Clock:
    """Wall time, the limit on it, and the caller's wish to stop."""

    def __init__(self, limit_s: float | None, stop: Callable[[], bool] | None) -> None:
        self.start = time.perf_counter()
        self.limit_s = limit_s
        self.stop = stop
        self.cut = False

    @property
    def seconds(self) -> float:
        """Wall seconds since the start."""
        return time.perf_counter() - self.start

    def out(self) -> bool:
        """Whether to stop now; remembered."""
        late = self.limit_s is not None and self.seconds > self.limit_s
        self.cut = self.cut or late or (self.stop is not None and self.stop())
        return self.cut


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
    """

    labels: IntArray | None
    parts: int
    extra_bound: int
    bound: float | None = None
    least_violation: float = 0.0
    witness: tuple[Witness, ...] = ()
    unmoved: bool = False


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


def pieces_of(component: Instance, parts: int | None) -> PieceTable | None:
    """Return the piece table of a component, up to `parts` or to every count worth trying."""
    return piece_table(component, group_graph(component), max(parts or 0, _count_range(component)[1]))


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
    table = pieces_of(component, parts)
    ranked = ranked_counts(component, target, table)
    if parts is not None:
        violation = least_violation(component.weights, parts, component.lower, component.upper)
        ranked = [one for one in ranked if one.parts == parts] or [Count(violation, 0, 0.0, parts)]
    witness = witnesses(component, parts, ranked[0].violation)
    if not witness and _previous_is_lawful(component, parts):
        kept = np.unique(component.previous, return_inverse=True)[1].astype(np.int64)
        return Solved(kept, int(kept.max()) + 1, 0, unmoved=True)
    best: tuple[tuple[float, ...], Solved] | None = None
    for tried, count in enumerate(ranked):
        if best is not None:
            # a later count is worth its time only if its bounds allow a better plan
            moved = 0.0 if (component.previous >= 0).any() else best[0][1]
            least = (count.violation, moved, count.extra_pieces, count.distance)
            if least >= best[0] or tried >= _COUNTS_TRIED or clock.out():
                break
        key, solved = _solve_count(component, count, table, witness, rng=rng, clock=clock, report=report)
        if solved.labels is not None and (best is None or (*key, count.distance) < best[0]):
            best = ((*key, count.distance), solved)
    if best is None:
        return Solved(None, ranked[0].parts, ranked[0].extra_pieces, witness=witness)
    return best[1]


def _solve_count(
    component: Instance,
    count: Count,
    table: PieceTable | None,
    witness: tuple[Witness, ...],
    *,
    rng: np.random.Generator,
    clock: Clock,
    report: Report,
) -> tuple[tuple[float, float, float], Solved]:
    """Plan and bounds for one count; the key is violation, weight moved, extra pieces."""
    extra_bound, bound = count.extra_pieces, None
    if count.parts == 1:
        only = next(annealed_drafts(component, 1, rng, 0))
        one = Solved(only.labels, 1, int(only.key[3]), only.key[-1], count.violation, witness)
        return (count.violation, only.key[2], only.key[3]), one
    provable = component.objective == "inertia" and not witness
    bare = not (component.fixed >= 0).any() and not (component.previous >= 0).any()
    if provable and table is not None and table.extra_pieces(count.parts) is not None:
        proof = prove_by_clusters(component, table, count.parts, rng, out_of_time=clock.out, report=report)
        if proof.lower == np.inf:
            extra_bound += 1
        else:
            bound = proof.lower
        if proof.labels is not None and bare:
            return (0.0, 0.0, float(extra_bound)), Solved(proof.labels, count.parts, extra_bound, bound)
    elif provable and component.group_count == 0:
        proof = prove_as_one(component, count.parts, rng, out_of_time=clock.out, report=report)
        bound = proof.lower if proof.lower < np.inf else None
        if proof.labels is not None and bare:
            return (0.0, 0.0, 0.0), Solved(proof.labels, count.parts, 0, bound)
    draft = best_draft(component, count.parts, extra_bound, hopeless=bool(witness), rng=rng, clock=clock)
    if not draft.lawful and not witness:
        return (0.0, 0.0, 0.0), Solved(None, count.parts, extra_bound)
    violation, _, moved, extra, _ = draft.key
    return (violation, moved, extra), Solved(
        draft.labels, count.parts, extra_bound, bound, count.violation, witness
    )


def witnesses(component: Instance, parts: int | None, violation: float) -> tuple[Witness, ...]:
    """Proofs that the window cannot be met, from the weights alone; units as numbered here."""
    if violation <= 0:
        return ()
    everyone = tuple(range(component.units))
    counts = possible_counts(component.total, component.lower, component.upper)
    values = {
        "total": component.total,
        "lower": component.lower,
        "upper": component.upper,
        "violation": violation,
    }
    found = [
        Witness("unit_above_upper", (int(unit),), values | {"weight": float(component.weights[unit])})
        for unit in np.flatnonzero(component.weights > component.upper)
    ]
    if component.total < component.lower:
        found.append(Witness("below_lower", everyone, values))
    elif not counts:
        between = {"fewest": float(component.total // component.upper), "most": float(counts.start)}
        found.append(Witness("no_count", everyone, values | between))
    elif parts is not None and parts not in counts:
        between = {"fewest": float(counts.start), "most": float(counts.stop - 1), "parts": float(parts)}
        found.append(Witness("parts", everyone, values | between))
    return tuple(found)


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
    extra_bound: int,
    *,
    hopeless: bool,
    rng: np.random.Generator,
    clock: Clock,
) -> Draft:
    """Best of some annealed plans; of more while none is lawful with the least extra pieces."""
    drafts = annealed_drafts(component, parts, rng)
    best = next(drafts)
    for tried, draft in enumerate(drafts, start=2):
        settled = hopeless or (best.lawful and best.key[3] <= extra_bound)
        if tried > (_RESTARTS if settled else _RESTARTS_AT_MOST) or clock.out():
            break
        if draft.key < best.key:
            best = draft
    return best
