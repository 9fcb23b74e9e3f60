"""Every part that a better plan could have, listed by prices instead of by its cut.

The prices of a linear programme over some parts say what a part should cut where it lies.  Parts that
cut less than their prices are searched for and join the programme until there are none; then the
programme bounds every plan.  A plan below a goal has only parts that cut little more than their prices,
and these are listed.  Sums of cuts count each edge between parts twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from spatial.grids.cutting.bounding import add_parts
from spatial.grids.cutting.listing import Listing, Words, members_of
from spatial.grids.instance import FloatArray, Instance, IntArray

__all__ = ["Pricing", "Worthwhile"]

# Prices are multiples of this share of the mean edge cost, so that flows are sums without rounding.
_GRAIN = 2.0**-16
# A part this much below its prices, in mean edge costs, joins the programme.
_BELOW = 1 / 1024
# Parts that join after one search, and from one root.
_JOINING, _JOINING_OF_ROOT = 600, 40
# Steps of a search after which the parts found join.
_STEPS = 40_000
# How far prices may be from 0 at first, in mean edge costs for a unit of the weight of a part, and how
# much of that a unit without weight may; a wider programme must raise the bound by so much.
_WIDTH, _WIDTH_LEAST = 1.0, 0.25
_RAISED = 0.5
_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Worthwhile:
    """The parts that plans below a goal can have.

    Attributes
    ----------
    sets, cuts : the parts as bits and their cuts
    value : no plan's sum of cuts is less
    rises : (parts,) by how much more it is with the part
    """

    sets: Words
    cuts: FloatArray
    value: float
    rises: FloatArray


class _Pool:
    """Parts, and the programme over those that matter.

    A unit may be left out, or taken twice, at a cost: its price is at most that wide of 0, and the prices
    of all units together are 0.  Prices far from 0 would be harder to search by.
    """

    def __init__(self, instance: Instance, parts: int, ceiling: float) -> None:
        import highspy

        units = instance.units
        self.members = csr_array((0, units))
        self.cuts = np.zeros(0)
        self.price = np.zeros(units)
        self.count = 0.0
        self._parts = parts
        self._inside = np.zeros(0, dtype=np.bool_)
        self._weight = _WIDTH_LEAST + instance.weights * (parts / max(instance.total, 1e-300))
        self._solver = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1)):
            self._solver.setOptionValue(option, value)
        nothing = np.array([], dtype=np.int32), np.array([])
        for amount in (*np.ones(units), float(parts)):
            self._solver.addRow(amount, amount, 0, *nothing)
        for sign in (1.0, -1.0):
            for unit in range(units):
                self._solver.addCol(0.0, 0.0, np.inf, 1, np.array([unit], dtype=np.int32), np.array([sign]))
        everyone = np.arange(units, dtype=np.int32)
        self._solver.addCol(0.0, -np.inf, np.inf, units, everyone, np.ones(units))
        count = np.array([units], dtype=np.int32)
        self._solver.addCol(2 * ceiling + 1, 0.0, np.inf, 1, count, np.array([1.0]))

    def add(self, members: csr_array, cuts: FloatArray) -> None:
        """Take more parts."""
        self.members = csr_array(vstack([self.members, members], format="csr"))
        self.cuts = np.concatenate([self.cuts, cuts])
        self._inside = np.append(self._inside, np.zeros(cuts.size, dtype=np.bool_))

    def widen(self, width: float) -> None:
        """Let prices be so far from 0, and more where the unit is heavy."""
        for at, cost in enumerate(np.tile(width * self._weight, 2)):
            self._solver.changeColCost(at, float(cost))

    def solve(self, grain: float, below: float) -> None:
        """Set the prices that none of the parts is below."""
        units = self.price.size
        fresh = np.argsort(self.cuts, kind="stable")[:_JOINING] if not self._inside.any() else _NONE
        while True:
            self._inside[fresh] = True
            if fresh.size:
                add_parts(self._solver, self.members[fresh], self.cuts[fresh])
            self._solver.run()
            dual = np.rint(np.array(self._solver.getSolution().row_dual) / grain) * grain
            self.price, self.count = dual[:units], float(dual[units])
            reduced = self.cuts - self.members @ self.price - self.count
            fresh = np.flatnonzero((reduced < -below) & ~self._inside)
            if fresh.size == 0:
                return
            if fresh.size > _JOINING:
                fresh = fresh[np.argpartition(reduced[fresh], _JOINING)[:_JOINING]]

    @property
    def value(self) -> float:
        """Sum of the prices of all units and parts."""
        return float(self.price.sum()) + self.count * self._parts


class Pricing:
    """The programme over parts, its prices and its bound.

    Parameters
    ----------
    order : units; a part is searched from the first of its units in this order
    parts : of a plan

    Attributes
    ----------
    value : no plan's sum of cuts is less; infinity where there is no plan
    price, count : of units, and of a part beside those of its units
    nodes : steps of the searches so far
    """

    def __init__(self, instance: Instance, order: IntArray, parts: int) -> None:
        self.value = 0.0
        self.nodes = 0
        self._instance = instance
        self._order = order
        self._parts = parts
        self._mean = float(instance.costs.mean()) if instance.costs.size else 1.0
        self._grain, self._below = _GRAIN * self._mean, _BELOW * self._mean
        self._width = _WIDTH
        self._members = csr_array((0, instance.units))
        self._cuts = np.zeros(0)
        self.price = np.zeros(instance.units)
        self.count = 0.0

    def settle(
        self, members: csr_array, cuts: FloatArray, ceiling: float, goes_on: Callable[[], bool]
    ) -> bool:
        """Search for prices that no part is below, wider and wider while that raises the bound.

        Parameters
        ----------
        members, cuts : parts to begin with, rows of ones and their cuts
        ceiling : a sum of cuts above all that matter; a bound beyond it stands for infinity

        Returns
        -------
        bool
            Whether there are prices and a bound.
        """
        pool = _Pool(self._instance, self._parts, ceiling)
        pool.add(members, cuts)
        pool.add(self._members, self._cuts)
        settled = False
        while self._settled(pool, self._width * self._mean, goes_on):
            value = pool.value - self._parts * self._below
            raised = value - self.value if settled else np.inf
            settled = True
            if raised < _RAISED * self._mean:
                break
            self.price, self.count, self.value = pool.price, pool.count, value
            if value > ceiling:
                self.value = np.inf
                break
            if value > ceiling - 4 * self._mean:
                break
            self._width *= 2
        self._members, self._cuts = pool.members[cuts.size :], pool.cuts[cuts.size :]
        return settled

    def _settled(self, pool: _Pool, width: float, goes_on: Callable[[], bool]) -> bool:
        """Let parts join until none is below the prices; False when it was left unfinished."""
        pool.widen(width)
        root = 0
        while True:
            pool.solve(self._grain, self._below)
            found = self._below_prices(pool, root, goes_on)
            if found is None:
                return False
            sets, cuts, root = found
            if cuts.size == 0:
                return True
            pool.add(members_of(sets, self._instance.units), cuts)

    def worthwhile(self, most: float, crowd: int, goes_on: Callable[[], bool]) -> Worthwhile | None:
        """Return the parts of plans whose sum of cuts is at most so much; None when left unfinished.

        Parameters
        ----------
        crowd : parts beyond which the list is given up
        """
        spare = most - self._sum() + self._parts * self._below
        sets, cuts = [], []
        found = 0
        for root in range(self._instance.units):
            limit = self.count + spare
            listing = Listing(self._instance, self._order, root, self._parts, limit, self.price)
            for _ in self._steps(listing):
                if found + listing.found > crowd or not goes_on():
                    return None
            sets.append(listing.sets)
            cuts.append(listing.cuts)
            found += listing.found
        every, cut = np.concatenate(sets), np.concatenate(cuts)
        reduced = cut - members_of(every, self._instance.units) @ self.price - self.count
        base = self._sum() - self._parts * self._below
        return Worthwhile(every, cut, base, np.maximum(reduced + self._below, 0.0))

    def _sum(self) -> float:
        """Return the prices of all units and parts."""
        return float(self.price.sum()) + self.count * self._parts

    def _steps(self, listing: Listing) -> Iterator[None]:
        while not listing.done:
            self.nodes += listing.advance()
            yield

    def _below_prices(
        self, pool: _Pool, begin: int, goes_on: Callable[[], bool]
    ) -> tuple[Words, FloatArray, int] | None:
        """Search the roots in turn for parts below their prices; return them and the root to go on from."""
        units = self._instance.units
        sets, cuts = [], []
        found, before = 0, self.nodes
        root = begin
        for turn in range(units):
            root = (begin + turn) % units
            limit = pool.count - self._below
            listing = Listing(
                self._instance, self._order, root, self._parts, limit, pool.price, _JOINING_OF_ROOT
            )
            for _ in self._steps(listing):
                if not goes_on():
                    return None
                if listing.found:
                    break
            sets.append(listing.sets)
            cuts.append(listing.cuts)
            found += listing.found
            if found >= _JOINING or (found and self.nodes - before > _STEPS):
                break
        return np.concatenate(sets), np.concatenate(cuts), (root + 1) % units
