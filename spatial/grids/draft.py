"""A first plan, and many of them improved: seeds, growth, annealed restarts.

A start plan has connected parts and any weights; the annealer brings them into the window.  Restarts
differ in their seeds alone, so a plan is a function of the instance and the generator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from spatial.grids.anneal import anneal, plan_key
from spatial.grids.clock import Clock
from spatial.grids.instance import FloatArray, Instance, IntArray

__all__ = ["Draft", "annealed_drafts", "first_draft", "mended"]

_PROPOSALS_PER_UNIT = 4000
_FIRST_PROPOSALS_PER_UNIT = 400
_FIRST_TRIES = 8
_MENDING_PROPOSALS_PER_UNIT = 1000
_CHUNK = 100_000

# Schedules (first, last): temperature and piece penalty in objective per unit, window and move penalties
# in objective per weight.
_INERTIA = ((3.0, 0.03), (2.0, 500.0), (2.0, 50.0), (1.0, 100.0))
# Against a previous plan a grid outside the window weighs more than whoever has to move for it, at any heat.
_INERTIA_AGAIN = ((60.0, 0.1), (100.0, 500.0), (0.5, 5.0), (5.0, 20.0))
_MENDING = ((0.3, 0.03), (100.0, 500.0), (2.0, 20.0), (10.0, 20.0))
_CUT = ((1.2, 0.3), (0.5, 8.0), (1.0, 10.0), (0.5, 8.0))


@dataclass(frozen=True, eq=False)
class Draft:
    """A plan of one connected instance.

    Attributes
    ----------
    labels : (n,) part of each unit, 0 … parts − 1
    key : violation, parts outside, weight moved, extra pieces, objective
    """

    labels: IntArray
    key: tuple[float, ...]

    @property
    def lawful(self) -> bool:
        """Whether every part lies in the window."""
        return self.key[1] == 0


def first_draft(instance: Instance, parts: int, rng: np.random.Generator) -> Draft:
    """Return a plan in little time, lawful if a few short runs find one."""
    drafts = annealed_drafts(instance, parts, rng, _FIRST_PROPOSALS_PER_UNIT)
    best = next(drafts)
    for _, draft in zip(range(1, _FIRST_TRIES), drafts, strict=False):
        if best.lawful:
            break
        best = min(best, draft, key=lambda one: one.key)
    return best


def annealed_drafts(
    instance: Instance,
    parts: int,
    rng: np.random.Generator,
    proposals_per_unit: int = _PROPOSALS_PER_UNIT,
    clock: Clock | None = None,
) -> Iterator[Draft]:
    """Yield one annealed plan after another, for ever; each is independent of those before.

    Between two yields about `proposals_per_unit` moves per unit are tried, fewer when the clock is out.
    """
    schedule = _CUT
    if instance.objective == "inertia":
        schedule = _INERTIA_AGAIN if (instance.previous >= 0).any() else _INERTIA
    distance = _distance(instance)
    while True:
        home, start = _start(instance, parts, distance, rng)
        yield _annealed(
            instance, parts, home, start, distance, schedule, proposals_per_unit, rng=rng, clock=clock
        )


def mended(instance: Instance, labels: IntArray, home: IntArray, rng: np.random.Generator) -> Draft:
    """Return a plan with connected parts near one that may have others, annealed at little heat.

    Parameters
    ----------
    labels : (n,) part of each unit, 0 … parts − 1, all of them there
    home : (n,) part that carries on the previous label of a unit; `parts` where none does, -1 where it has none
    """
    parts = int(labels.max()) + 1
    start, distance = labels.copy(), _distance(instance)
    _keep_one_piece(instance, start)
    _grow(start, parts, instance.weights, instance.pointers, instance.neighbours, distance)
    return _annealed(
        instance, parts, home, start, distance, _MENDING, _MENDING_PROPOSALS_PER_UNIT, rng=rng, clock=None
    )


def _distance(instance: Instance) -> FloatArray:
    """Return what the kernels read distances of: (n, n), squared, over the total weight; none for cut edges."""
    if instance.objective == "inertia":
        return instance.squared_distances() / max(instance.total, 1.0)
    return np.zeros((0, 0))


def _annealed(  # noqa: PLR0917
    instance: Instance,
    parts: int,
    home: IntArray,
    start: IntArray,
    distance: FloatArray,
    schedule: tuple[tuple[float, float], ...],
    proposals_per_unit: int,
    *,
    rng: np.random.Generator,
    clock: Clock | None,
) -> Draft:
    """Anneal a plan with connected parts, which is overwritten; return the best plan seen."""
    arguments = (
        parts,
        instance.weights,
        instance.pointers,
        instance.neighbours,
        instance.costs,
        distance,
        instance.groups,
        instance.group_allowance(),
        home,
    )
    key = plan_key(start, *arguments, instance.lower, instance.upper)
    best, best_key = start.copy(), key.copy()
    schedules = _schedules(instance, schedule, key[-1])
    total = int(proposals_per_unit * instance.units)
    seed = int(rng.integers(1 << 62))
    for begin in range(0, total, _CHUNK):
        if clock is not None and clock.out():
            break
        anneal(
            start,
            best,
            best_key,
            *arguments,
            instance.fixed < 0,
            instance.lower,
            instance.upper,
            begin,
            min(begin + _CHUNK, total),
            total,
            *schedules,
            seed + begin,
        )
    key = plan_key(best, *arguments, instance.lower, instance.upper)
    return Draft(best, tuple(float(value) for value in key))


def _schedules(
    instance: Instance, schedule: tuple[tuple[float, float], ...], objective: float
) -> tuple[FloatArray, ...]:
    heat, window, pieces, moves = schedule
    if instance.objective == "inertia":
        # a grown start is about twice as wide as a good plan
        per_unit = max(objective, 1e-9) / 2 / instance.units
        per_weight = per_unit * instance.units / max(instance.total, 1.0)
    else:
        per_unit = float(instance.costs.mean()) if instance.costs.size else 1.0
        per_weight = per_unit * instance.units / max(instance.total, 1.0)
    return (
        np.array(heat) * per_unit,
        np.array(window) * per_weight,
        np.array(pieces) * per_unit,
        np.array(moves) * per_weight,
    )


def _start(
    instance: Instance, parts: int, distance: FloatArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Home part of each unit (−1 = none, `parts` = none is left) and a plan with connected parts."""
    label = np.full(instance.units, -1, dtype=np.int64)
    index = {int(value): at for at, value in enumerate(np.unique(instance.fixed[instance.fixed >= 0]))}
    old, where = np.unique(instance.previous[instance.previous >= 0], return_inverse=True)
    load = np.bincount(where, weights=instance.weights[instance.previous >= 0], minlength=old.size)
    # when parts are fewer than before, light ones are given up first, though not always the same
    for value in old[np.argsort(-load * rng.uniform(0.7, 1.3, old.size))]:
        if int(value) not in index and len(index) < parts:
            index[int(value)] = len(index)
    home = np.array([index.get(int(v), parts) if v >= 0 else -1 for v in instance.previous], dtype=np.int64)
    for unit in np.flatnonzero((home >= 0) & (home < parts)):
        label[unit] = home[unit]
    for unit in np.flatnonzero(instance.fixed >= 0):
        label[unit] = index[int(instance.fixed[unit])]
    if (label < 0).all():
        return home, _halved(instance, parts, rng)
    _connect_fixed(instance, label)
    _keep_one_piece(instance, label)
    _seed_missing(instance, label, parts, distance, rng)
    _keep_one_piece(instance, label)
    _grow(label, parts, instance.weights, instance.pointers, instance.neighbours, distance)
    return home, label


def _halved(instance: Instance, parts: int, rng: np.random.Generator) -> IntArray:
    """Return connected parts of about equal weight, by halving again and again in random directions.

    Halves are cut across a direction, or by hops from a random unit when there are no coordinates.
    """
    angle = rng.uniform(0, 2 * np.pi, parts)
    label: IntArray = _halve(
        parts,
        instance.weights,
        instance.pointers,
        instance.neighbours,
        instance.coordinates,
        instance.objective == "inertia",
        np.column_stack([np.cos(angle), np.sin(angle), rng.uniform(0, 1, parts)]),
    )
    return label


@njit(cache=True)
def _halve(  # noqa: C901, PLR0912, PLR0915, PLR0917 - a kernel takes plain arrays
    parts: int,
    weights: FloatArray,
    pointers: IntArray,
    neighbours: IntArray,
    coordinates: FloatArray,
    straight: bool,
    chance: FloatArray,
) -> IntArray:
    units = weights.size
    label = np.zeros(units, dtype=np.int64)
    wanted = np.zeros(parts, dtype=np.int64)
    wanted[0] = parts
    queue = np.empty(units, dtype=np.int64)
    piece = np.empty(units, dtype=np.int64)
    turn = 0
    # labels are offsets: a set of label o with w wanted parts ends as labels o … o + w − 1
    offset = 0
    while offset < parts:
        if wanted[offset] == 1:
            offset += 1
            continue
        own = np.flatnonzero(label == offset)
        along = np.zeros(own.size)
        if straight:
            for at in range(own.size):
                along[at] = (
                    coordinates[own[at], 0] * chance[turn, 0] + coordinates[own[at], 1] * chance[turn, 1]
                )
        else:
            source = own[int(chance[turn, 2] * own.size)]
            piece[:] = -1
            piece[source] = 0
            queue[0] = source
            head, tail = 0, 1
            while head < tail:
                here = queue[head]
                head += 1
                for at in range(pointers[here], pointers[here + 1]):
                    near = neighbours[at]
                    if label[near] == offset and piece[near] < 0:
                        piece[near] = piece[here] + 1
                        queue[tail] = near
                        tail += 1
            for at in range(own.size):
                along[at] = piece[own[at]] + 0.5 * np.sin(1.0 + 7.3 * own[at])
        turn += 1
        order = np.argsort(along)
        total = weights[own].sum()
        taken, load = 0, 0.0
        while taken < own.size - 1 and (taken == 0 or load < total * (wanted[offset] // 2) / wanted[offset]):
            load += weights[own[order[taken]]]
            taken += 1
        for rank in range(taken, own.size):
            label[own[order[rank]]] = -2
        # only the main piece of the second half stays apart, only what then hangs together the first
        for kept, rest in ((-2, offset), (offset, -2)):
            piece[:] = -1
            number, largest, best = 0, -1, 0
            for start in own:
                if label[start] != kept or piece[start] >= 0:
                    continue
                piece[start] = number
                queue[0] = start
                head, tail = 0, 1
                while head < tail:
                    here = queue[head]
                    head += 1
                    for at in range(pointers[here], pointers[here + 1]):
                        near = neighbours[at]
                        if label[near] == kept and piece[near] < 0:
                            piece[near] = number
                            queue[tail] = near
                            tail += 1
                if tail > best:
                    largest, best = number, tail
                number += 1
            for unit in own:
                if label[unit] == kept and piece[unit] != largest:
                    label[unit] = rest
        load, size = 0.0, 0
        for unit in own:
            if label[unit] == offset:
                load += weights[unit]
                size += 1
        left = int(np.round(wanted[offset] * load / max(total, 1e-300)))
        left = min(max(left, 1, wanted[offset] - (own.size - size)), wanted[offset] - 1, size)
        other = offset + left
        for unit in own:
            if label[unit] == -2:
                label[unit] = other
        wanted[other] = wanted[offset] - left
        wanted[offset] = left
    return label


def _graph(instance: Instance) -> csr_array:
    return csr_array(
        (np.ones(instance.neighbours.size), instance.neighbours, instance.pointers),
        shape=(instance.units, instance.units),
    )


def _connect_fixed(instance: Instance, label: IntArray) -> None:
    """Join the fixed units of a label by fewest free units between them."""
    for value in np.unique(instance.fixed[instance.fixed >= 0]):
        own = np.flatnonzero(instance.fixed == value)
        free = np.flatnonzero((instance.fixed < 0) | (instance.fixed == value))
        reached = {int(own[0])}
        hops, via = shortest_path(
            _graph(instance)[free][:, free],
            unweighted=True,
            directed=False,
            indices=np.searchsorted(free, own[0]),
            return_predecessors=True,
        )
        for unit in own[np.argsort(hops[np.searchsorted(free, own)])]:
            at = int(np.searchsorted(free, unit))
            while int(free[at]) not in reached and np.isfinite(hops[at]):
                reached.add(int(free[at]))
                label[free[at]] = label[own[0]]
                at = int(via[at])


def _keep_one_piece(instance: Instance, label: IntArray) -> None:
    """Leave each part its piece with fixed units, else its heaviest; the rest becomes unassigned."""
    piece = instance.pieces(label)
    weight = np.bincount(piece, weights=instance.weights + 1e-6).astype(np.float64)
    weight += np.bincount(piece, weights=instance.fixed >= 0) * (instance.total + 1.0)
    for part in np.unique(label[label >= 0]):
        pieces = np.unique(piece[label == part])
        if pieces.size > 1:
            keep = pieces[np.argmax(weight[pieces])]
            label[(label == part) & (piece != keep)] = -1


def _seed_missing(
    instance: Instance, label: IntArray, parts: int, distance: FloatArray, rng: np.random.Generator
) -> None:
    """Give every part without a unit one: far from the others, or out of an overfull part."""
    for part in range(parts):
        if (label == part).any():
            continue
        sizes = np.bincount(label[label >= 0], minlength=parts)
        open_units = np.flatnonzero(label < 0)
        if open_units.size == 0:
            load = np.bincount(label, weights=instance.weights, minlength=parts)
            open_units = np.flatnonzero((instance.fixed < 0) & (sizes[label] > 1))
            chance = np.maximum(load[label[open_units]] - instance.upper, 1e-3)
        elif distance.size and (label >= 0).any():
            chance = distance[np.ix_(open_units, np.flatnonzero(label >= 0))].min(axis=1) + 1e-12
        else:
            chance = np.ones(open_units.size)
        label[rng.choice(open_units, p=chance / chance.sum())] = part


@njit(cache=True)
def _grow(  # noqa: C901, PLR0912, PLR0917 - a kernel takes plain arrays
    label: IntArray,
    parts: int,
    weights: FloatArray,
    pointers: IntArray,
    neighbours: IntArray,
    distance: FloatArray,
) -> None:
    """Give each unassigned unit to the lightest part beside it, nearest to the part's first unit."""
    units = label.size
    load = np.zeros(parts)
    seed = np.full(parts, -1, dtype=np.int64)
    left = 0
    for unit in range(units):
        if label[unit] < 0:
            left += 1
        else:
            load[label[unit]] += weights[unit]
            if seed[label[unit]] < 0:
                seed[label[unit]] = unit
    done = np.zeros(parts, dtype=np.bool_)
    while left:
        part = -1
        for one in range(parts):
            if not done[one] and (part < 0 or load[one] < load[part]):
                part = one
        if part < 0:
            return
        chosen, nearest = -1, np.inf
        for unit in range(units):
            if label[unit] >= 0:
                continue
            for at in range(pointers[unit], pointers[unit + 1]):
                if label[neighbours[at]] == part:
                    far = distance[unit, seed[part]] if distance.shape[0] else 0.0
                    if far < nearest:
                        chosen, nearest = unit, far
                    break
        if chosen < 0:
            done[part] = True
            continue
        label[chosen] = part
        load[part] += weights[chosen]
        left -= 1
