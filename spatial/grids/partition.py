"""The front door of the solver: weights and edges in, labels and a certificate out.

A plan is judged in this order: violation of the window, weight moved against a previous plan, extra
pieces of groups, then the objective.  The inertia of a plan (m²) is the sum over parts of the least,
over a centre unit of the part, of Σ weight × squared distance / total weight; the squared distance is
(straight distance + ``side_penalty_m`` when the sides differ)².
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from spatial.errors import UsageError
from spatial.grids.bounds import least_extra_pieces, least_violation, possible_counts
from spatial.grids.draft import Draft, annealed_drafts
from spatial.grids.instance import (
    FloatArray,
    Instance,
    IntArray,
    Objective,
    extra_pieces,
    part_inertia,
)

__all__ = ["Certificate", "Status", "Witness", "partition"]

Status = Literal["optimal", "bounded", "not_proven", "infeasible", "none_found"]

_RESTARTS = 16
_RESTARTS_AT_MOST = 96
_COUNTS_TRIED = 4


@dataclass(frozen=True)
class Witness:
    """Why no plan can hold every hard rule, as numbers; prose is made of it elsewhere.

    Attributes
    ----------
    kind : ``no_count`` (no number of parts fits the total), ``below_lower`` (the total is less than one
        part's lower bound), ``unit_above_upper`` (one unit is more than a part may hold), ``parts`` (the
        count asked for does not fit the total), ``fixed_apart`` (units fixed together cannot be joined)
    units : the units concerned
    values : its numbers: total, lower, upper, violation, fewest, most, parts, weight, label
    """

    kind: Literal["no_count", "below_lower", "unit_above_upper", "parts", "fixed_apart"]
    units: tuple[int, ...]
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Certificate:
    """How good a plan is, and what proves it.

    Attributes
    ----------
    status : ``optimal``; ``bounded`` (gap known); ``not_proven``; ``infeasible`` (proved: the plan has the
        least violation found, or there is none); ``none_found`` (nothing found, nothing proved)
    objective, bound : of the plan and of any plan with its parts and extra pieces; None when unknown
    gap : (objective − bound) / objective; None unless extra_pieces equals its bound
    witness : proofs of infeasibility
    parts : parts of the plan
    violation, parts_outside : weight outside the window and parts it lies in
    moved : weight of units whose label is not their previous one
    extra_pieces, extra_pieces_bound : of the plan, and the least of any plan with as many parts
    seconds : wall time spent
    time_limited : whether a limit or a stop cut the search; if not, the seed alone decides the plan
    """

    status: Status
    objective: float | None
    bound: float | None
    gap: float | None
    witness: tuple[Witness, ...]
    parts: int
    violation: float
    parts_outside: int
    moved: float
    extra_pieces: int
    extra_pieces_bound: int
    seconds: float
    time_limited: bool


class _Clock:
    """Wall time, the limit on it, and the caller's wish to stop."""

    def __init__(self, limit_s: float | None, stop: Callable[[], bool] | None) -> None:
        self.start = time.perf_counter()
        self.limit_s = limit_s
        self.stop = stop
        self.cut = False

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def out(self) -> bool:
        """Whether to stop now; remembered."""
        late = self.limit_s is not None and self.seconds > self.limit_s
        self.cut = self.cut or late or (self.stop is not None and self.stop())
        return self.cut


@dataclass(frozen=True, eq=False)
class _Solved:
    """One component's plan and bounds; labels None when none was found."""

    labels: IntArray | None
    parts: int
    extra_bound: int
    bound: float | None
    witness: tuple[Witness, ...]
    optimal: bool = False


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
    clock = _Clock(time_limit_s, stop)
    rng = np.random.default_rng(0) if rng is None else rng
    target = (lower + upper) / 2 if target is None else target

    components = instance.components()
    pieces = []
    for component in components:
        piece = instance.restricted(component)
        order = piece.canonical_order()
        pieces.append((component[order], piece.restricted(order)))
    solved: list[_Solved] = []
    apart = _fixed_apart(instance, components)
    if not apart:
        given = _shared_out(pieces, parts, target)
        for (units, piece), count in zip(pieces, given, strict=True):
            solved.append(_solve_component(piece, units, count, target, rng=rng, clock=clock))
    return _assembled(instance, [units for units, _ in pieces], solved, apart=apart, parts=parts, clock=clock)


def _fixed_apart(instance: Instance, components: list[IntArray]) -> tuple[Witness, ...]:
    """Labels whose fixed units cannot be joined through free units."""
    found = []
    source = np.repeat(np.arange(instance.units), np.diff(instance.pointers))
    component = np.empty(instance.units, dtype=np.int64)
    for at, units in enumerate(components):
        component[units] = at
    for label in np.unique(instance.fixed[instance.fixed >= 0]):
        own = instance.fixed == label
        usable = own | (instance.fixed < 0)
        inside = usable[source] & usable[instance.neighbours]
        graph = csr_array(
            (np.ones(int(inside.sum())), (source[inside], instance.neighbours[inside])),
            shape=(instance.units, instance.units),
        )
        piece = connected_components(graph, directed=False)[1]
        if np.unique(piece[own]).size > 1:
            held = tuple(int(unit) for unit in np.flatnonzero(own))
            found.append(Witness("fixed_apart", held, {"label": float(label)}))
    return tuple(found)


def _ranked_counts(piece: Instance, target: float) -> list[tuple[float, int, float, int]]:
    """Return counts worth trying as (least violation, least extra pieces, distance to target, count)."""
    least_labels = max(1, np.unique(piece.fixed[piece.fixed >= 0]).size)
    lawful = possible_counts(piece.total, piece.lower, piece.upper)
    fewest = max(1, int(piece.total // piece.upper), least_labels)
    most = int(min(piece.units, max(fewest, np.ceil(piece.total / max(piece.lower, 1e-9)) + 1)))
    curve = least_extra_pieces(piece, range(lawful.start, min(lawful.stop, most + 1)))
    ranked = [
        (
            least_violation(piece.weights, k, piece.lower, piece.upper),
            curve.get(k, 0),
            abs(piece.total / k - target),
            k,
        )
        for k in range(fewest, most + 1)
    ]
    return sorted(ranked)


def _shared_out(
    pieces: list[tuple[IntArray, Instance]], parts: int | None, target: float
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
            k: (v, float(e), abs(piece.total - k * mean)) for v, e, _, k in _ranked_counts(piece, target)
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


def _solve_component(
    piece: Instance,
    units: IntArray,
    count: int | None,
    target: float,
    *,
    rng: np.random.Generator,
    clock: _Clock,
) -> _Solved:
    ranked = _ranked_counts(piece, target)
    if count is not None:
        known = {k: (v, e, d, k) for v, e, d, k in ranked}
        violation = least_violation(piece.weights, count, piece.lower, piece.upper)
        ranked = [known.get(count, (violation, 0, 0.0, count))]
    witness = _witnesses(piece, units, count, ranked[0][0])
    if not witness and _previous_is_lawful(piece, ranked, count):
        old = np.unique(piece.previous, return_inverse=True)[1].astype(np.int64)
        return _Solved(old, int(old.max()) + 1, 0, None, (), optimal=True)
    best: tuple[tuple[float, ...], Draft, int, int] | None = None
    tried = 0
    for violation, extra, distance, k in ranked:
        if best is not None:
            # a later count is worth its time only if its bounds allow a better plan
            moved = 0.0 if (piece.previous >= 0).any() else best[0][2]
            if (violation, 0.0, moved, extra, distance) >= best[0] or tried >= _COUNTS_TRIED:
                break
        tried += 1
        draft = _best_draft(piece, k, extra, hopeless=bool(witness), rng=rng, clock=clock)
        if not draft.lawful and not witness:
            continue
        key = (*draft.key[:4], distance)
        if best is None or key < best[0]:
            best = (key, draft, k, extra)
        if clock.out():
            break
    if best is None:
        return _Solved(None, ranked[0][3], ranked[0][1], None, witness)
    _, draft, k, extra = best
    return _Solved(draft.labels, k, extra, None, witness)


def _witnesses(piece: Instance, units: IntArray, count: int | None, violation: float) -> tuple[Witness, ...]:
    """Proofs that the window cannot be met, from the weights alone."""
    if violation <= 0:
        return ()
    everyone = tuple(int(unit) for unit in np.sort(units))
    counts = possible_counts(piece.total, piece.lower, piece.upper)
    values = {"total": piece.total, "lower": piece.lower, "upper": piece.upper, "violation": violation}
    heavy = np.flatnonzero(piece.weights > piece.upper)
    found = [
        Witness("unit_above_upper", (int(units[at]),), values | {"weight": float(piece.weights[at])})
        for at in heavy
    ]
    if piece.total < piece.lower:
        found.append(Witness("below_lower", everyone, values))
    elif not counts:
        edges = {"fewest": float(piece.total // piece.upper), "most": float(counts.start)}
        found.append(Witness("no_count", everyone, values | edges))
    elif count is not None and count not in counts:
        edges = {"fewest": float(counts.start), "most": float(counts.stop - 1), "parts": float(count)}
        found.append(Witness("parts", everyone, values | edges))
    return tuple(found)


def _previous_is_lawful(
    piece: Instance, ranked: list[tuple[float, int, float, int]], count: int | None
) -> bool:
    """Whether the previous plan covers every unit and breaks no hard rule: then nothing moves."""
    if (piece.previous < 0).any() or ((piece.fixed >= 0) & (piece.fixed != piece.previous)).any():
        return False
    labels, where = np.unique(piece.previous, return_inverse=True)
    if count is not None and labels.size != count:
        return False
    load = np.bincount(where, weights=piece.weights)
    if (load < piece.lower).any() or (load > piece.upper).any() or not ranked:
        return False
    return all(
        len(piece.restricted(np.flatnonzero(where == at)).components()) == 1 for at in range(labels.size)
    )


def _best_draft(
    piece: Instance, parts: int, extra_bound: int, *, hopeless: bool, rng: np.random.Generator, clock: _Clock
) -> Draft:
    """Best of some annealed plans; more of them while none is lawful."""
    best: Draft | None = None
    if parts == 1:
        return next(annealed_drafts(piece, 1, rng, 0))
    for tried, draft in enumerate(annealed_drafts(piece, parts, rng), start=1):
        if best is None or draft.key < best.key:
            best = draft
        settled = hopeless or (best.lawful and best.key[3] <= extra_bound)
        if tried >= (_RESTARTS if settled else _RESTARTS_AT_MOST) or clock.out():
            break
    if best is None:
        raise AssertionError
    return best


def _named(instance: Instance, labels: IntArray) -> IntArray:
    """Give parts their names: fixed labels, then previous ones by weight kept, then new numbers."""
    own, where = np.unique(labels, return_inverse=True)
    names = np.full(own.size, -1, dtype=np.int64)
    held = instance.fixed >= 0
    names[where[held]] = instance.fixed[held]
    free = np.flatnonzero(names < 0)
    old = np.setdiff1d(np.unique(instance.previous[instance.previous >= 0]), names)
    if old.size and free.size:
        row = np.full(own.size, -1)
        row[free] = np.arange(free.size)
        column = np.searchsorted(old, instance.previous)
        shared = (row[where] >= 0) & np.isin(instance.previous, old)
        kept = np.zeros((free.size, old.size))
        np.add.at(kept, (row[where[shared]], column[shared]), instance.weights[shared])
        rows, columns = linear_sum_assignment(-kept)
        real = kept[rows, columns] > 0
        names[free[rows[real]]] = old[columns[real]]
    fresh = np.flatnonzero(names < 0)
    first_unit = np.full(own.size, instance.units)
    np.minimum.at(first_unit, where, np.arange(instance.units))
    used = max(int(instance.fixed.max()), int(instance.previous.max()))
    names[fresh[np.argsort(first_unit[fresh])]] = used + 1 + np.arange(fresh.size)
    return names[where]


def _objective(instance: Instance, labels: IntArray) -> float:
    if instance.objective == "cut":
        source = np.repeat(np.arange(instance.units), np.diff(instance.pointers))
        return float(instance.costs[labels[source] != labels[instance.neighbours]].sum() / 2)
    moments = [part_inertia(instance, np.flatnonzero(labels == part))[0] for part in np.unique(labels)]
    return sum(moments) / max(instance.total, 1e-300)


def _window(instance: Instance, labels: IntArray) -> tuple[float, int]:
    load = np.bincount(np.unique(labels, return_inverse=True)[1], weights=instance.weights)
    miss: FloatArray = np.maximum(0, np.maximum(instance.lower - load, load - instance.upper))
    return float(miss.sum()), int((miss > 0).sum())


def _assembled(
    instance: Instance,
    order: list[IntArray],
    solved: list[_Solved],
    *,
    apart: tuple[Witness, ...],
    parts: int | None,
    clock: _Clock,
) -> tuple[IntArray | None, Certificate]:
    """Put the components together and say what is proved of the whole."""
    witness = apart + tuple(one for part in solved for one in part.witness)
    if apart or any(part.labels is None for part in solved):
        status: Status = "infeasible" if witness else "none_found"
        count = sum(part.parts for part in solved) or (parts or 0)
        bound = sum(part.extra_bound for part in solved)
        return None, Certificate(
            status, None, None, None, witness, count, 0.0, 0, 0.0, 0, bound, clock.seconds, clock.cut
        )
    labels = np.empty(instance.units, dtype=np.int64)
    offset = 0
    for units, part in zip(order, solved, strict=True):
        if part.labels is not None:
            labels[units] = part.labels + offset
            offset += part.parts
    labels = _named(instance, labels)
    value = _objective(instance, labels)
    violation, outside = _window(instance, labels)
    extra = extra_pieces(instance, labels)
    extra_bound = sum(part.extra_bound for part in solved)
    moved = float(instance.weights[(instance.previous >= 0) & (labels != instance.previous)].sum())
    shares = [part.bound for part in solved]
    bound_value = sum(one for one in shares if one is not None) if None not in shares else None
    gap = None
    if bound_value is not None and extra == extra_bound and moved == 0:
        gap = max(0.0, (value - bound_value) / value) if value > 0 else 0.0
    if witness:
        status = "infeasible"
    elif all(part.optimal for part in solved) or (gap is not None and gap <= 1e-6):
        status = "optimal"
    else:
        status = "not_proven" if gap is None else "bounded"
    return labels, Certificate(
        status,
        value,
        bound_value,
        gap,
        witness,
        offset,
        violation,
        outside,
        moved,
        extra,
        extra_bound,
        clock.seconds,
        clock.cut,
    )
