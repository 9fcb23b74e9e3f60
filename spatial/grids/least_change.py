"""Redrawing with least change, exactly: of all lawful plans, one that moves the least weight.

A variable says whether a unit lies in a part, another whether a part is open.  A part may carry on a previous
label; what else lies in it has moved.  Contiguity comes as rows that plans break when they first do (Oehrlein
and Haunert, *A cutting-plane method for contiguity-constrained spatial aggregation*, 2017): a set of units too
light to be a part has a neighbour in its part, and two units of a part hold one of every set that parts them.

The plan is decided level by level, each within what the level before has reached: least weight moved, fewest
extra pieces, the count nearest the target, least inertia.  So few plans move as little as can be that the
last level lists them all.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array, vstack

from spatial.grids.clock import Clock
from spatial.grids.draft import mended
from spatial.grids.instance import FloatArray, Instance, IntArray, extra_pieces, plan_inertia
from spatial.grids.naming import named
from spatial.programme import Outcome, minimise

__all__ = ["LeastChange", "least_change"]

BoolArray = NDArray[np.bool_]

# What a planner waits for, some tens of seconds: pairs of unit and part, iterations in all, branches of one
# programme.
_MOST_CELLS = 20_000
_MOST_ITERATIONS = 40_000
_MOST_NODES = 500
_PLANS_LISTED = 40
# Where weights are whole numbers, moving a unit without any costs a little, so that none moves for nothing.
_WEIGHTLESS = 1e-3
_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class LeastChange:
    """The plan of least change, and what is proved of it.

    Attributes
    ----------
    labels : (n,) part of each unit, 0 … parts − 1; None when none was found
    moved_bound : no lawful plan moves less weight
    extra_bound : no plan that moves as little has fewer extra pieces; None when that is not proved
    bound : no such plan has less inertia (m²); None when that is not proved
    """

    labels: IntArray | None
    moved_bound: float = 0.0
    extra_bound: int | None = None
    bound: float | None = None


def least_change(
    component: Instance,
    counts: range,
    target: float,
    known: IntArray | None = None,
    *,
    rng: np.random.Generator,
    clock: Clock,
) -> LeastChange:
    """Return the lawful plan that moves least weight against the previous labels.

    Parameters
    ----------
    component : connected, with previous labels and, where some must hold, fixed ones
    counts : numbers of parts that a plan may have
    target : weight that a part should have
    known : a lawful plan, which saves time the better it is
    """
    labels = np.unique(np.concatenate([component.previous, component.fixed]))
    labels = labels[labels >= 0]
    # A part that carries nothing on may as well bear the name of a label that is given up.
    parts = max(labels.size, counts.stop - 1)
    if not counts or component.units * parts > _MOST_CELLS:
        return LeastChange(None)
    return _Levels(component, labels, parts, counts, rng, clock).decided(target, known)


class _Levels:
    """The programme of one component, and the rows and limits that the levels have added."""

    def __init__(  # noqa: PLR0917
        self,
        component: Instance,
        labels: IntArray,
        parts: int,
        counts: range,
        rng: np.random.Generator,
        clock: Clock,
    ) -> None:
        self.component, self.labels, self.rng, self.clock = component, labels, rng, clock
        self.parts, self.counts = parts, counts
        self.iterations = 0
        self.is_whole = bool((component.weights == np.rint(component.weights)).all())
        # Columns: unit in part, part open, group touches part, and as often one extra piece of a group.
        self.open = component.units * self.parts
        self.touch = self.open + self.parts
        self.extra = self.touch + component.group_count * self.parts
        self.columns = self.extra + component.group_count * self.parts
        self.blocks: list[csr_array] = []
        self.lower: list[FloatArray] = []
        self.upper: list[FloatArray] = []
        home = np.searchsorted(labels, component.previous)
        self.home = np.where(component.previous >= 0, home, -1)
        self._add_counts()
        self._add_window()
        light = np.flatnonzero(component.weights < component.lower)
        if light.size:
            self._add_attachment(light, [self._around(light[at : at + 1]) for at in range(light.size)])
        self._add_groups()
        self._add_fixed()

    def decided(self, target: float, known: IntArray | None) -> LeastChange:
        """Decide level by level."""
        moved_cost = self._cost_of_moving()
        if known is not None:
            known = self._carried_on(known)
            self._settle(moved_cost, self._cost(moved_cost, known))
        labels, bound = self._plan(moved_cost, known)
        bound = self._least_weight(bound)
        if labels is None:
            return LeastChange(None, bound)
        moved = self._weight_moved(labels)
        if bound < moved * (1 - _TOLERANCE):
            return LeastChange(self._renumbered(labels), bound)
        self._keep(moved_cost, self._cost(moved_cost, labels))
        labels, extra_bound = self._with_fewest_pieces(labels)
        labels, is_nearest = self._with_count_nearest(labels, target)
        least = None
        if extra_bound is not None and is_nearest:
            labels, least = self._with_least_inertia(labels)
        return LeastChange(self._renumbered(labels), moved, extra_bound, least)

    def _with_fewest_pieces(self, labels: IntArray) -> tuple[IntArray, int | None]:
        """Return a plan with the fewest extra pieces, and their number where that is proved."""
        pieces = extra_pieces(self.component, labels)
        if pieces == 0:
            return labels, 0
        cost = np.zeros(self.columns)
        cost[self.extra :] = 1.0
        better, bound = self._plan(cost, labels)
        if better is not None:
            labels, pieces = better, extra_pieces(self.component, better)
        proved = bound > pieces - 1 + _TOLERANCE
        if proved:
            self._keep(cost, float(pieces))
        return labels, pieces if proved else None

    def _with_count_nearest(self, labels: IntArray, target: float) -> tuple[IntArray, bool]:
        """Return a plan whose mean weight is nearest the target, and whether that is proved."""
        own, total, proved = np.unique(labels).size, self.component.total, True
        for count in sorted(self.counts, key=lambda one: abs(total / one - target)):
            self._set_counts(count, count)
            if count == own:
                break
            found, bound = self._plan(np.zeros(self.columns))
            if found is not None:
                return found, proved
            proved = proved and bound == np.inf
        return labels, proved

    def _with_least_inertia(self, labels: IntArray) -> tuple[IntArray, float | None]:
        """List the plans that are left; return the most compact one, and its inertia where all were listed."""
        best, least = labels, plan_inertia(self.component, labels)
        for _ in range(_PLANS_LISTED):
            cells = np.arange(self.component.units) * self.parts + labels
            row = csr_array(
                (np.ones(cells.size), (np.zeros(cells.size, np.int64), cells)), shape=(1, self.columns)
            )
            self._add(row, -np.inf, cells.size - 1.0)
            found, bound = self._plan(self._cost_of_inertia(best))
            if found is None:
                return best, least if bound == np.inf else None
            labels = found
            inertia = plan_inertia(self.component, labels)
            if inertia < least * (1 - 1e-12):
                best, least = labels, inertia
        return best, None

    def _plan(self, cost: FloatArray, known: IntArray | None = None) -> tuple[IntArray | None, float]:
        """Return the best connected plan found, and what no plan undercuts; inf when there is none.

        Parts that are not connected are mended, and forbidden; the search ends where the best plan is as
        good as the bound.
        """
        integral = np.zeros(self.columns, dtype=np.bool_)
        integral[: self.touch] = True
        best, least, bound = known, np.inf, -np.inf
        if known is not None:
            least = self._cost(cost, known)
        while self.iterations < _MOST_ITERATIONS and not self.clock.out():
            outcome = self._minimised(cost, integral)
            bound = max(bound, outcome.bound)
            if outcome.values is None:
                break
            cells = outcome.values[: self.open].reshape(-1, self.parts)
            labels = cells.argmax(axis=1).astype(np.int64)
            is_apart = self._part_what_is_apart(labels)
            if is_apart:
                labels = self._mended(labels)
            value = self._cost(cost, labels)
            if value < least and (not is_apart or self._allows(labels)):
                best, least = labels, value
            if not is_apart or bound >= least - _TOLERANCE * max(1.0, least):
                break
        return best, bound

    def _mended(self, labels: IntArray) -> IntArray:
        """Return a plan with the same parts open, all connected, near one that may have others."""
        used, near = np.unique(labels, return_inverse=True)
        home = np.where(self.home >= 0, used.size, -1)
        kept = np.isin(self.home, used)
        home[kept] = np.searchsorted(used, self.home[kept])
        return used[mended(self.component, near.astype(np.int64), home, self.rng).labels]

    def _values(self, labels: IntArray) -> FloatArray:
        """Return the columns as a plan sets them."""
        component, values = self.component, np.zeros(self.columns)
        values[self._cells(np.arange(component.units), labels)] = 1.0
        values[self.open + np.unique(labels)] = 1.0
        own = component.groups >= 0
        touched = np.zeros((component.group_count, self.parts), dtype=np.bool_)
        touched[component.groups[own], labels[own]] = True
        values[self.touch : self.extra] = touched.ravel()
        extra = np.maximum(0, touched.sum(axis=1) - component.group_allowance())
        values[self.extra :] = (np.arange(self.parts) < extra[:, None]).ravel()
        return values

    def _allows(self, labels: IntArray) -> bool:
        """Return whether a plan keeps all rows."""
        values = self._values(labels)
        return all(
            bool(((rows @ values >= lower - _TOLERANCE) & (rows @ values <= upper + _TOLERANCE)).all())
            for rows, lower, upper in zip(self.blocks, self.lower, self.upper, strict=True)
        )

    def _part_what_is_apart(self, labels: IntArray) -> bool:
        """Add rows that forbid the parts of a plan that are not connected; return whether there were any."""
        component = self.component
        piece = component.pieces(labels)
        weight = np.bincount(piece, weights=component.weights)
        part = np.full(weight.size, -1)
        part[piece] = labels
        found = False
        for one in np.unique(part):
            pieces = np.flatnonzero(part == one)
            if pieces.size < 2:
                continue
            found = True
            main = pieces[weight[pieces].argmax()]
            for other in pieces[pieces != main]:
                members = np.flatnonzero(piece == other)
                if weight[other] < component.lower:
                    self._add_attachment(members, [self._around(members)] * members.size)
                else:
                    self._add_separator(members, np.flatnonzero(piece == main))
        return found

    def _keep(self, cost: FloatArray, value: float) -> None:
        """Keep to what a level has reached."""
        self._add(csr_array(cost[None]), -np.inf, value + _TOLERANCE * max(1.0, value))
        self._settle(cost, value)

    def _settle(self, cost: FloatArray, value: float) -> None:
        """Settle the columns whose reduced cost tells how they stand in every plan that costs no more."""
        relaxed = self._minimised(cost, None)
        if relaxed.reduced is None:
            return
        slack = value - relaxed.bound + _TOLERANCE * max(1.0, value)
        for sign in (1.0, -1.0):
            settled = np.flatnonzero(sign * relaxed.reduced > slack)
            self._add(self._rows([(0, settled, sign)], 1), -np.inf, 0.0 if sign > 0 else -settled.size)

    def _minimised(self, cost: FloatArray, integral: BoolArray | None) -> Outcome:
        outcome = minimise(
            cost,
            vstack(self.blocks, format="csr"),
            np.concatenate(self.lower),
            np.concatenate(self.upper),
            integral=integral,
            deadline=time.monotonic() + self.clock.left_s,
            most_nodes=_MOST_NODES,
        )
        self.iterations += outcome.iterations
        return outcome

    # rows

    def _add(self, rows: csr_array, lower: float, upper: float) -> None:
        self.blocks.append(rows)
        self.lower.append(np.full(rows.shape[0], lower))
        self.upper.append(np.full(rows.shape[0], upper))

    def _rows(self, entries: Iterable[tuple[ArrayLike, ArrayLike, ArrayLike]], count: int) -> csr_array:
        """Return rows from (row, column, value) triples, each brought to one shape."""
        flat = [[one.ravel() for one in np.broadcast_arrays(*entry)] for entry in entries]
        row, column, value = (np.concatenate([entry[at] for entry in flat]) for at in range(3))
        return coo_array((value.astype(np.float64), (row, column)), shape=(count, self.columns)).tocsr()

    def _cells(self, units: IntArray, parts: IntArray) -> IntArray:
        return units * self.parts + parts

    def _add_window(self) -> None:
        """Every unit in one part; the weight of an open part inside the window."""
        component, parts = self.component, np.arange(self.parts)
        units = np.arange(component.units)
        cells = self._cells(units[:, None], parts)
        self._add(self._rows([(units[:, None], cells, 1.0)], units.size), 1, 1)
        load = (parts, cells, component.weights[:, None])
        for limit, low, high in (
            (component.lower, 0.0, np.inf),
            (component.upper, -np.inf, 0.0),
        ):
            self._add(self._rows([load, (parts, self.open + parts, -limit)], self.parts), low, high)
        # An open part holds a unit, a closed one none, not even one without weight.
        held = (parts, cells, 1.0)
        self._add(self._rows([held, (parts, self.open + parts, -1.0)], self.parts), 0.0, np.inf)
        self._add(
            self._rows([held, (parts, self.open + parts, -float(units.size))], self.parts), -np.inf, 0.0
        )

    def _add_counts(self) -> None:
        """As many parts as there may be; new ones are opened in turn."""
        parts = np.arange(self.parts)
        self._add(self._rows([(0, self.open + parts, 1.0)], 1), 0.0, np.inf)
        self._set_counts(self.counts.start, self.counts.stop - 1)
        later = parts[self.labels.size + 1 :]
        if later.size:
            at = np.arange(later.size)
            turns = [(at, self.open + later - 1, 1.0), (at, self.open + later, -1.0)]
            self._add(self._rows(turns, later.size), 0.0, np.inf)

    def _set_counts(self, fewest: int, most: int) -> None:
        """Set the limits of the row of counts, which stands first."""
        self.lower[0][0], self.upper[0][0] = fewest, most

    def _around(self, members: IntArray) -> IntArray:
        """Return the neighbours of a set of units."""
        pointers = self.component.pointers
        near = [self.component.neighbours[pointers[one] : pointers[one + 1]] for one in members]
        return np.setdiff1d(np.concatenate(near), members)

    def _add_attachment(self, units: IntArray, near: list[IntArray]) -> None:
        """Each of some units has one of those near it in its part: what lies within them is too light alone."""
        row, parts = np.arange(units.size)[:, None] * self.parts, np.arange(self.parts)
        of_near = np.repeat(row, [one.size for one in near], axis=0)
        entries = [
            (of_near + parts, self._cells(np.concatenate(near)[:, None], parts), 1.0),
            (row + parts, self._cells(units[:, None], parts), -1.0),
        ]
        self._add(self._rows(entries, units.size * self.parts), 0.0, np.inf)

    def _add_separator(self, members: IntArray, others: IntArray) -> None:
        """Two units of one part hold one of the units between them; for the heaviest of either side."""
        weights = self.component.weights
        first, second = (one[weights[one].argmax()] for one in (members, others))
        between = self._around(members)
        parts = np.arange(self.parts)
        entries = [
            (parts, self._cells(between[:, None], parts), 1.0),
            (parts, self._cells(np.full(self.parts, first), parts), -1.0),
            (parts, self._cells(np.full(self.parts, second), parts), -1.0),
        ]
        self._add(self._rows(entries, self.parts), -1.0, np.inf)

    def _add_groups(self) -> None:
        """Make a group touch the parts its units lie in; pieces beyond its allowance are extra."""
        component, parts = self.component, np.arange(self.parts)
        grouped = np.flatnonzero(component.groups >= 0)
        if not grouped.size:
            return
        group = component.groups[grouped]
        at = np.arange(grouped.size)[:, None] * self.parts + parts
        touch = [
            (at, self.touch + group[:, None] * self.parts + parts, 1.0),
            (at, self._cells(grouped[:, None], parts), -1.0),
        ]
        self._add(self._rows(touch, at.size), 0.0, np.inf)
        groups = np.arange(component.group_count)
        cells = groups[:, None] * self.parts + parts
        pieces = [
            (groups[:, None], self.touch + cells, 1.0),
            (groups[:, None], self.extra + cells, -1.0),
        ]
        self._add(self._rows(pieces, groups.size), -np.inf, 0.0)
        self.upper[-1] = component.group_allowance().astype(np.float64)

    def _add_fixed(self) -> None:
        """Put fixed units into the part of their label."""
        units = np.flatnonzero(self.component.fixed >= 0)
        if units.size:
            cells = self._cells(units, np.searchsorted(self.labels, self.component.fixed[units]))
            self._add(self._rows([(np.arange(units.size), cells, 1.0)], units.size), 1.0, 1.0)

    # costs

    def _cost_of_moving(self) -> FloatArray:
        """Weight of a unit in every part but the one that carries its label on."""
        weights = self.component.weights
        price = np.where((weights > 0) | ~self.is_whole, weights, _WEIGHTLESS)
        away = np.arange(self.parts) != self.home[:, None]
        cost = np.zeros(self.columns)
        cost[: self.open] = np.where(away & (self.home >= 0)[:, None], price[:, None], 0.0).ravel()
        return cost

    def _cost_of_inertia(self, labels: IntArray) -> FloatArray:
        """Inertia as it would be about the centres of a plan: a guide to good plans, no bound."""
        component = self.component
        distance = component.squared_distances()
        moment = np.zeros((component.units, self.parts))
        for part in np.unique(labels):
            own = np.flatnonzero(labels == part)
            centre = own[(component.weights[own] @ distance[np.ix_(own, own)]).argmin()]
            moment[:, part] = component.weights * distance[centre]
        cost = np.zeros(self.columns)
        cost[: self.open] = moment.ravel() / max(float(moment.max()), 1e-9)
        return cost

    def _cost(self, cost: FloatArray, labels: IntArray) -> float:
        return float(cost @ self._values(labels))

    def _least_weight(self, bound: float) -> float:
        """Least weight moved, from a bound on its cost."""
        if not np.isfinite(bound):
            return 0.0
        if not self.is_whole:
            return max(0.0, bound)
        weightless = _WEIGHTLESS * np.count_nonzero(self.component.weights == 0)
        return max(0.0, float(np.ceil(bound - weightless - _TOLERANCE * max(1.0, bound))))

    def _weight_moved(self, labels: IntArray) -> float:
        moved = (self.home >= 0) & (self.home != labels)
        return float(self.component.weights[moved].sum())

    def _carried_on(self, labels: IntArray) -> IntArray:
        """Return a plan's parts as they carry the previous labels on; the others take what is left."""
        names, where = np.unique(named(self.component, labels), return_inverse=True)
        old = np.isin(names, self.labels)
        part = np.searchsorted(self.labels, names)
        part[~old] = np.setdiff1d(np.arange(self.parts), part[old])[: np.count_nonzero(~old)]
        return part[where].astype(np.int64)

    def _renumbered(self, labels: IntArray) -> IntArray:
        return np.unique(labels, return_inverse=True)[1].astype(np.int64)
