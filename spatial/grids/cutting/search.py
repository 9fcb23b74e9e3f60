"""Good plans of least cut: annealed recombination, then hops of one kick and annealed moves.

A start is brought into the window by recombination while the temperature falls; a hop recombines a few
pairs of parts, whatever that costs, and anneals single units and swaps.  Hops that lead no further end
in a new start.  Extra pieces of groups and weight moved from a previous plan stand before the cut, as
in every plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from spatial.grids.anneal import anneal, plan_key
from spatial.grids.cutting.recombination import recombine
from spatial.grids.draft import Draft, annealed_drafts
from spatial.grids.instance import FloatArray, Instance, IntArray

__all__ = ["better_plans"]

_PROPOSALS = 1500
_MOVES_PER_UNIT = 2000
_MOVES_AT_MOST = 150_000
_HOPS_OF_A_START = 24
_KICKS = 3

# Schedules (first, last).  Temperatures and piece penalties in mean edge costs; window and move
# penalties in mean edge costs per mean weight of a unit.
_RECOMBINATION_HEAT = (2.0, 0.2)
_RECOMBINATION_WINDOW = (2.0, 40.0)
_KICK_HEAT = (4.0, 2.0)
_MOVE_HEAT = (1.2, 0.3)
_MOVE_WINDOW = (0.5, 8.0)
_PIECES = (1.0, 16.0)
_MOVED = (1.0, 16.0)
# The window weighs more after each plan outside it, less after each inside.
_PRESSURE_UP, _PRESSURE_DOWN, _PRESSURE_AT_MOST = 1.25, 0.9, 1e3
# A hop whose energy is this much above the plan it came from may still be kept, in mean edge costs.
_HOP_HEAT = 0.5


def better_plans(
    instance: Instance, parts: int, rng: np.random.Generator, out_of_time: Callable[[], bool]
) -> Iterator[Draft | None]:
    """Yield each plan better than all before it, None for a hop that found none; for ever.

    Parameters
    ----------
    instance : connected, of at least `parts` units
    out_of_time : asked between hops; True ends the search
    """
    search = _Search(instance, parts, rng)
    best: Draft | None = None
    while True:
        here = search.start()
        if best is None or here.key < best.key:
            best = here
            yield best
        idle = 0
        while idle < _HOPS_OF_A_START:
            if out_of_time():
                return
            there = search.hop(here)
            idle += 1
            if there.key < here.key:
                idle = 0
            if search.follows(here, there):
                here = there
            if there.key < best.key:
                best = there
                yield best
            else:
                yield None


class _Search:
    """Arrays and schedules of one instance, and the two steps of the search."""

    def __init__(self, instance: Instance, parts: int, rng: np.random.Generator) -> None:
        self.instance = instance
        self.parts = parts
        self.rng = rng
        self.drafts = annealed_drafts(instance, parts, rng, 0)
        cost = float(instance.costs.mean()) if instance.costs.size else 1.0
        weight = cost * instance.units / max(instance.total, 1e-300)
        self.cost = max(cost, 1e-300)
        self.heat, self.kick_heat, self.move_heat, self.pieces = (
            np.array(one) * self.cost for one in (_RECOMBINATION_HEAT, _KICK_HEAT, _MOVE_HEAT, _PIECES)
        )
        self.window, self.move_window, self.moved = (
            np.array(one) * weight for one in (_RECOMBINATION_WINDOW, _MOVE_WINDOW, _MOVED)
        )
        fixed = np.unique(instance.fixed[instance.fixed >= 0])
        # a start numbers the fixed labels first, in this order
        self.held = np.where(instance.fixed >= 0, np.searchsorted(fixed, instance.fixed), -1)
        self.moves = min(_MOVES_AT_MOST, _MOVES_PER_UNIT * instance.units)
        self.pressure = 1.0
        self.home = np.full(instance.units, -1, dtype=np.int64)

    def start(self) -> Draft:
        """Return a new plan, from a start that knows fixed and previous labels."""
        draft = next(self.drafts)
        label = self._recombined(draft.labels, _PROPOSALS, self.heat, self.window * self.pressure)[1]
        return self._annealed(label)

    def hop(self, plan: Draft) -> Draft:
        """Return the plan after a kick and annealed moves."""
        kicks = 1 + int(self.rng.integers(_KICKS))
        label = self._recombined(plan.labels, kicks, self.kick_heat, self.window * self.pressure)[0]
        return self._annealed(label)

    def follows(self, here: Draft, there: Draft) -> bool:
        """Whether the search goes on from there: when it is no worse, or a little, by chance."""
        if there.key[:-1] != here.key[:-1]:
            return there.key < here.key
        rise = there.key[-1] - here.key[-1]
        return rise <= 0 or self.rng.random() < float(np.exp(-rise / (_HOP_HEAT * self.cost)))

    def _recombined(
        self, label: IntArray, proposals: int, heat: FloatArray, window: FloatArray
    ) -> tuple[IntArray, IntArray]:
        now, best = label.copy(), label.copy()
        instance = self.instance
        if self.parts > 1:
            recombine(
                now,
                best,
                self.parts,
                instance.weights,
                instance.pointers,
                instance.neighbours,
                instance.costs,
                self.held,
                instance.lower,
                instance.upper,
                proposals,
                heat,
                window,
                self.rng,
            )
        return now, best

    def _annealed(self, label: IntArray) -> Draft:
        instance = self.instance
        now, best = label.copy(), label.copy()
        arguments = (
            self.parts,
            instance.weights,
            instance.pointers,
            instance.neighbours,
            instance.costs,
            np.zeros((0, 0)),
            instance.groups,
            instance.group_allowance(),
            self.home,
        )
        key = plan_key(now, *arguments, instance.lower, instance.upper)
        anneal(
            now,
            best,
            key,
            *arguments,
            instance.fixed < 0,
            instance.lower,
            instance.upper,
            0,
            self.moves,
            self.moves,
            self.move_heat,
            self.move_window * self.pressure,
            self.pieces,
            self.moved,
            int(self.rng.integers(1 << 62)),
        )
        key = plan_key(best, *arguments, instance.lower, instance.upper)
        plan = Draft(best, tuple(float(value) for value in key))
        change = _PRESSURE_DOWN if plan.lawful else _PRESSURE_UP
        self.pressure = min(max(1.0, self.pressure * change), _PRESSURE_AT_MOST)
        return plan
