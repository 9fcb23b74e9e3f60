"""The front door of the solver: weights and edges in, labels and a certificate out.

A plan is judged in this order: violation of the window, weight moved against a previous plan, extra
pieces of groups, then the objective.  The inertia of a plan (m²) is the sum over parts of the least,
over a centre unit of the part, of Σ weight × squared distance / total weight; the squared distance is
(straight distance + ``side_penalty_m`` when the sides differ)².
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from spatial.errors import UsageError
from spatial.grids.bounds import possible_counts
from spatial.grids.certificate import Certificate, Progress, Status, Witness
from spatial.grids.clock import Clock
from spatial.grids.component import Solved, pieces_of, ranked_counts, solve
from spatial.grids.cutting import solve_cut
from spatial.grids.instance import (
    FloatArray,
    Instance,
    IntArray,
    Objective,
    extra_pieces,
    plan_objective,
)
from spatial.grids.naming import named, weight_moved

__all__ = ["partition", "separated"]

_PROVEN_GAP = 1e-6


def partition(
    weights: ArrayLike,
    edges: ArrayLike,
    *,
    lower: float,
    upper: float,
    parts: int | None = None,
    coordinates: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    sides: ArrayLike | None = None,
    side_penalty_m: float = 0.0,
    edge_cost: ArrayLike | None = None,
    fixed: ArrayLike | None = None,
    previous: ArrayLike | None = None,
    objective: Objective = "inertia",
    target: float | None = None,
    time_limit_s: float | None = None,
    rng: np.random.Generator | None = None,
    stop: Callable[[], bool] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[IntArray | None, Certificate]:
    """Cut a weighted graph into connected parts whose weights lie in a window.

    Parameters
    ----------
    weights : (n,) households per unit, ≥ 0
    edges : (m, 2) int, undirected
    lower, upper : window of a part's weight, both inclusive
    parts : number of parts; None chooses the count with fewest extra pieces, then the one whose mean
        weight is nearest `target`
    coordinates : (n, 2) metres, needed for inertia
    groups : (n,) int, the estate of each unit, −1 = none; the fewest extra pieces come first
    sides : (n,) int, the side of the main roads
    side_penalty_m : metres added to a distance between units of different sides
    edge_cost : (m,) cost of an edge between parts, 1 when None; used by ``"cut"``
    fixed : (n,) int, labels that must hold, −1 = free; free units may join a fixed label
    previous : (n,) int, labels of the plan before, −1 = none; fewest weight moved comes before extra
        pieces, and a part keeps the label of the previous part that gives it most weight
    objective : ``"inertia"`` (m²) or ``"cut"`` (sum of edge costs between parts)
    target : weight a part should have when the count is free; the middle of the window when None
    time_limit_s : wall seconds
    rng : source of all randomness; seeded with 0 when None
    stop : called between steps; True ends the search with the best plan so far
    progress : told every better plan and bound

    Returns
    -------
    labels : (n,) int, or None when there is no plan
    certificate : its figures and what is proved of them

    Raises
    ------
    UsageError
        If the arrays do not fit each other.

    Examples
    --------
    >>> labels, certificate = partition(
    ...     [200, 200, 200, 200], [(0, 1), (1, 2), (2, 3)], lower=300, upper=500,
    ...     coordinates=[(0, 0), (1, 0), (2, 0), (3, 0)])
    >>> labels.tolist(), certificate.parts
    ([0, 0, 1, 1], 2)
    """
    instance = Instance.build(
        weights,
        edges,
        lower=lower,
        upper=upper,
        coordinates=coordinates,
        groups=groups,
        sides=sides,
        side_penalty_m=side_penalty_m,
        edge_cost=edge_cost,
        fixed=fixed,
        previous=previous,
        objective=objective,
    )
    if parts is not None and not 1 <= parts <= instance.units:
        raise UsageError("partition.parts", parts=parts, units=instance.units)
    clock = Clock(time_limit_s, stop)
    rng = np.random.default_rng(0) if rng is None else rng
    target = (lower + upper) / 2 if target is None else target

    pieces = []
    components = separated(instance)
    followed, torn = _torn_labels(instance, components)
    for component in components:
        piece = followed.restricted(component)
        order = piece.canonical_order()
        pieces.append((component[order], piece.restricted(order)))
    apart = _fixed_apart(instance)
    solved: list[Solved] = []
    for (units, piece), count in zip(pieces, _shared_out(pieces, parts, target, clock), strict=True):
        if apart:
            break
        share = piece.total / instance.total if objective == "inertia" else 1.0

        report = partial(_told, progress, units, piece, share)
        draw = solve_cut if objective == "cut" else solve
        one = draw(piece, count, target, rng=rng, clock=clock, report=report)
        report(
            one.labels, np.inf if one.labels is None else plan_objective(piece, one.labels), one.bound or 0.0
        )
        solved.append(one)
    return _assembled(instance, [units for units, _ in pieces], solved, torn, apart=apart, clock=clock)


def _told(  # noqa: PLR0917 - bound one after the other
    progress: Callable[[Progress], None] | None,
    units: IntArray,
    piece: Instance,
    share: float,
    labels: IntArray | None,
    value: float,
    bound: float,
) -> None:
    """Tell of a component's plan and bound; both are its shares of the whole."""
    if progress is not None:
        extra = None if labels is None else extra_pieces(piece, labels)
        progress(Progress(units, labels, extra, value * share, bound * share))


def separated(instance: Instance) -> list[IntArray]:
    """Units of each problem that can be solved alone: components, and units above `upper`.

    A unit above `upper` breaks the window least when it is a part of its own, if what is left around it
    can still meet the window.
    """
    found = []
    for component in instance.components():
        alone = component[instance.weights[component] > instance.upper]
        rest = np.setdiff1d(component, alone)
        others = [rest[own] for own in instance.restricted(rest).components()] if rest.size else []
        held = [
            np.unique(instance.fixed[own][instance.fixed[own] >= 0]) for own in [*others, *alone[:, None]]
        ]
        labels = np.concatenate(held)
        fits = all(
            possible_counts(float(instance.weights[own].sum()), instance.lower, instance.upper)
            for own in others
        )
        if alone.size and fits and np.unique(labels).size == labels.size:
            found += [*others, *alone[:, None]]
        else:
            found.append(component)
    return found


@dataclass(frozen=True)
class _Torn:
    """A previous label that lies in several components, of which one alone can carry it on.

    Attributes
    ----------
    component : the one that may, where fixed units or else the most weight have the label
    kept, lost : weight that has the label there and in the others
    """

    component: int
    kept: float
    lost: float

    def bound(self, moved_bound: float) -> float:
        """Return what it adds at least to a bound on what moves in its component."""
        return min(self.lost, max(0.0, self.kept - moved_bound))


def _torn_labels(instance: Instance, components: list[IntArray]) -> tuple[Instance, list[_Torn]]:
    """Return the instance with every previous label in one component only, and those that lay in several."""
    where = np.empty(instance.units, dtype=np.int64)
    for number, units in enumerate(components):
        where[units] = number
    previous, torn = instance.previous.copy(), []
    for label in np.unique(previous[previous >= 0]):
        own = np.flatnonzero(previous == label)
        if np.unique(where[own]).size == 1:
            continue
        load = np.bincount(where[own], weights=instance.weights[own])
        fixed = np.flatnonzero(instance.fixed == label)
        component = int(where[fixed[0]] if fixed.size else load.argmax())
        torn.append(_Torn(component, float(load[component]), float(load.sum() - load[component])))
        previous[own[where[own] != component]] = -1
    return replace(instance, previous=previous), torn


def _fixed_apart(instance: Instance) -> tuple[Witness, ...]:
    """Return the labels whose fixed units cannot be joined through free units."""
    found = []
    for label in np.unique(instance.fixed[instance.fixed >= 0]):
        own = instance.fixed == label
        usable = own | (instance.fixed < 0)
        piece = instance.pieces(np.where(usable, 0, -1))
        held = tuple(int(unit) for unit in np.flatnonzero(own))
        if np.unique(piece[own]).size > 1:
            found.append(Witness("fixed_apart", held, {"label": float(label)}))
    return tuple(found)


def _shared_out(
    pieces: list[tuple[IntArray, Instance]], parts: int | None, target: float, clock: Clock
) -> list[int | None]:
    """Count of each component when the whole count is given: least violation, extra pieces, unevenness."""
    if parts is None:
        return [None] * len(pieces)
    if len(pieces) == 1:
        return [parts]
    mean = sum(piece.total for _, piece in pieces) / parts
    best: dict[int, tuple[tuple[float, float, float], tuple[int, ...]]] = {0: ((0.0, 0.0, 0.0), ())}
    for at, (_, piece) in enumerate(pieces):
        later = len(pieces) - at - 1
        options = {
            one.parts: (one.violation, float(one.extra_pieces), abs(piece.total - one.parts * mean))
            for one in ranked_counts(piece, target, pieces_of(piece, None, clock))
        }
        grown: dict[int, tuple[tuple[float, float, float], tuple[int, ...]]] = {}
        for used, (cost, chosen) in best.items():
            for k, price in options.items():
                if used + k + later > parts:
                    continue
                entry = ((cost[0] + price[0], cost[1] + price[1], cost[2] + price[2]), (*chosen, k))
                if used + k not in grown or entry < grown[used + k]:
                    grown[used + k] = entry
        best = grown
    if parts in best:
        return list(best[parts][1])
    nearest = min(best, key=lambda k: abs(k - parts), default=None)
    if nearest is None:
        return [None] * len(pieces)
    return list(best[nearest][1])


def _window(instance: Instance, labels: IntArray) -> tuple[float, int]:
    load = np.bincount(np.unique(labels, return_inverse=True)[1], weights=instance.weights)
    miss: FloatArray = np.maximum(0, np.maximum(instance.lower - load, load - instance.upper))
    return float(miss.sum()), int((miss > 0).sum())


def _assembled(
    instance: Instance,
    order: list[IntArray],
    solved: list[Solved],
    torn: list[_Torn],
    *,
    apart: tuple[Witness, ...],
    clock: Clock,
) -> tuple[IntArray | None, Certificate]:
    """Put the components together and say what is proved of the whole."""
    witness = apart + tuple(
        Witness(one.kind, tuple(sorted(int(units[at]) for at in one.units)), one.values)
        for units, part in zip(order, solved, strict=False)
        for one in part.witness
    )
    known = [(units, part, part.labels) for units, part in zip(order, solved, strict=False)]
    parts = sum(part.parts for part in solved)
    extra_bound = _extra_bound(instance, order, solved)
    labels = np.empty(instance.units, dtype=np.int64)
    offset = 0
    for units, part, own in known:
        if own is None:
            break
        labels[units] = own + offset
        offset += part.parts
    else:
        if not apart:
            return _certified(instance, labels, order, solved, torn, witness=witness, clock=clock)
    status: Status = "infeasible" if witness else "none_found"
    return None, Certificate(
        status=status,
        objective=None,
        bound=None,
        gap=None,
        witness=witness,
        parts=parts,
        violation=0.0,
        parts_outside=0,
        moved=0.0,
        moved_bound=0.0,
        extra_pieces=0,
        extra_pieces_bound=extra_bound,
        seconds=clock.seconds,
        time_limited=clock.cut or clock.pressed,
    )


def _extra_bound(instance: Instance, order: list[IntArray], solved: list[Solved]) -> int:
    """Least extra pieces of the whole: a group may lie in several components."""
    pieces = sum(
        part.extra_bound + int(instance.restricted(units).group_allowance().sum())
        for units, part in zip(order, solved, strict=False)
    )
    return max(0, pieces - int(instance.group_allowance().sum()))


def _certified(
    instance: Instance,
    labels: IntArray,
    order: list[IntArray],
    solved: list[Solved],
    torn: list[_Torn],
    *,
    witness: tuple[Witness, ...],
    clock: Clock,
) -> tuple[IntArray, Certificate]:
    labels = named(instance, labels)
    value = plan_objective(instance, labels)
    violation, outside = _window(instance, labels)
    extra = extra_pieces(instance, labels)
    extra_bound = _extra_bound(instance, order, solved)
    moved = weight_moved(instance, labels)
    bound: float | None = 0.0
    in_component = [part.moved_bound for part in solved]
    moved_bound = sum(in_component) + sum(one.bound(in_component[one.component]) for one in torn)
    # Where another component might as well carry a label on, its plans have not been looked at.
    settled = all(one.lost < one.kept - in_component[one.component] for one in torn)
    for units, part in zip(order, solved, strict=True):
        if part.bound is None or bound is None:
            bound = None
        elif instance.objective == "inertia":
            bound += part.bound * float(instance.weights[units].sum()) / max(instance.total, 1e-300)
        else:
            bound += part.bound
    gap = None
    least = sum(part.least_violation for part in solved)
    if (
        bound is not None
        and extra == extra_bound
        and settled
        and moved <= moved_bound * (1 + 1e-9)
        and violation <= least * (1 + 1e-9)
    ):
        gap = max(0.0, (value - bound) / value) if value > 0 else 0.0
    if witness:
        status: Status = "infeasible"
    elif all(part.unmoved for part in solved) or (gap is not None and gap <= _PROVEN_GAP):
        status = "optimal"
    else:
        status = "not_proven" if gap is None else "bounded"
    return labels, Certificate(
        status=status,
        objective=value,
        bound=bound,
        gap=gap,
        witness=witness,
        parts=int(np.unique(labels).size),
        violation=violation,
        parts_outside=outside,
        moved=moved,
        moved_bound=moved_bound,
        extra_pieces=extra,
        extra_pieces_bound=extra_bound,
        seconds=clock.seconds,
        time_limited=clock.cut or clock.pressed,
    )
