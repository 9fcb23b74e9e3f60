"""Suppression: which counts of a table may be published so that no small one can be had from the others.

A table counts classes (columns) by communities, their subdistricts and the town: every level is the sum
of the one below, and all levels are published together.  A count below the limit is hidden (*primary*).
What remains would still give it away by subtraction, so that further counts are hidden (*complementary*)
until whoever knows the published ones, the sums, and how many households each community has, cannot tell
a hidden count to an interval narrower than the protection width.

The further counts are found by linear programmes on the deviations a hidden count needs (the network
heuristic of Castro and of Fischetti and Salazar-González for tables with sums); then each is published
again if the table bears it.  What counts is the audit, which attacks the table by linear programming, and
not the way it was found.  The sums of such a table are a network, so that the intervals of the programmes
are those of whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from spatial.errors import UsageError
from spatial.ledgers.attack import Attacker

__all__ = ["SuppressedTable", "suppress"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LEVELS = ("town", "subdistrict", "community")
_IMPORTANCE = {"town": 4.0, "subdistrict": 2.0, "community": 1.0}
_SMALLEST_MOVE = 1e-6


@dataclass(frozen=True, eq=False)
class SuppressedTable:
    """Counts that may be published.

    Attributes
    ----------
    table : subject_type (town, subdistrict, community), subject_id, and a column to each class; null
        where the count is hidden.  Whether it is small itself or hides another is not told
    limit : counts below it are hidden
    width : no hidden count can be told to a narrower interval by what is published
    hide_zeros : whether a count of 0 is hidden like any small one; else it is published as it is
    primary, complementary : how many counts are hidden for their size, and for the others' sake; for the
        office alone, since where there is no further count, every hidden one is known to be small
    """

    table: pd.DataFrame
    limit: int
    width: int
    hide_zeros: bool
    primary: int
    complementary: int

    def at(self, subject_type: str) -> pd.DataFrame:
        """Return the counts of one level, by subject_id: a cut of the one table, hidden where it is hidden."""
        rows = self.table[(self.table["subject_type"] == subject_type).to_numpy(bool)]
        return rows.drop(columns="subject_type").set_index("subject_id")


@dataclass(frozen=True, eq=False)
class _Tree:
    """Communities, subdistricts and the town as rows of a table, and which row sums up which.

    Attributes
    ----------
    level, subject : (r,) the row's level and id; the town first, communities last
    parent : (r,) the row that sums it up, −1 for the town
    """

    level: NDArray[np.object_]
    subject: NDArray[np.object_]
    parent: NDArray[np.int64]

    @classmethod
    def of(cls, communities: pd.Index, subdistrict: pd.Series, town: str) -> _Tree:
        groups = subdistrict.reindex(communities)
        names = sorted(groups.dropna().unique())
        place = {name: number for number, name in enumerate(names, 1)}
        # A community of no subdistrict stands under the town itself.
        above = groups.map(place).fillna(0).to_numpy(np.int64)
        sizes = (1, len(names), len(communities))
        return cls(
            np.repeat(np.array(_LEVELS, object), sizes),
            np.array([town, *names, *communities], object),
            np.concatenate([[-1], np.zeros(len(names), np.int64), above]),
        )

    def __len__(self) -> int:
        return len(self.level)

    @cached_property
    def sums(self) -> sparse.csr_array:
        """Equations (rows that have parts × rows): the row less the sum of its parts is 0."""
        child = np.flatnonzero(self.parent >= 0)
        wholes, equation = np.unique(self.parent[child], return_inverse=True)
        value = np.concatenate([np.ones(len(wholes)), -np.ones(len(child))])
        row = np.concatenate([np.arange(len(wholes)), equation])
        column = np.concatenate([wholes, child])
        return sparse.csr_array((value, (row, column)), shape=(len(wholes), len(self)))

    def summed(self, leaves: Floats) -> Floats:
        """Return values of communities (c, k) summed up for every row (r, k)."""
        values = np.zeros((len(self), leaves.shape[1]))
        values[len(self) - len(leaves) :] = leaves
        for row in range(len(self) - 1, 0, -1):  # parts stand behind what they sum up to
            values[self.parent[row]] += values[row]
        return values


def suppress(
    counts: pd.DataFrame,
    subdistrict: pd.Series,
    town: str,
    *,
    limit: int = 5,
    width: int | None = None,
    hide_zeros: bool = False,
    ceilings: pd.Series | None = None,
) -> SuppressedTable:
    """Hide small counts, and as few others as needed, in a table by community, subdistrict and town.

    Parameters
    ----------
    counts : whole numbers, communities × classes, indexed by community_id
    subdistrict : subdistrict of each community by its id; null stands under the town itself
    town : name of the town
    limit : counts from 1 (from 0 with ``hide_zeros``) to ``limit − 1`` are hidden
    width : least width of the interval to which a hidden count can be told; ``limit − 1`` when None.
        Where public knowledge alone is narrower, it is not narrowed further
    hide_zeros : hide counts of 0 too; else they are published, and a hidden count is known to be 1 at least
    ceilings : what is known to everybody to be the most each community can count in a class (its
        households), by community_id; null for none

    Raises
    ------
    UsageError
        If a count is missing, negative or not whole, or the limit or width is below 1.

    Examples
    --------
    >>> counts = pd.DataFrame({"red": [3, 20, 30]}, index=["c1", "c2", "c3"])
    >>> suppress(counts, pd.Series("s", counts.index), "t").at("community")["red"].isna().sum()
    np.int64(2)
    """
    least = limit - 1 if width is None else width
    leaves = counts.to_numpy(float, na_value=np.nan)
    if limit < 1 or least < 1:
        raise UsageError("ledgers.limit_too_small", limit=limit, width=least)
    wrong = ~((leaves >= 0) & (leaves % 1 == 0))
    if wrong.any():
        raise UsageError(
            "ledgers.counts_not_whole", ids=counts.index[wrong.any(axis=1)], count=int(wrong.sum())
        )
    tree = _Tree.of(counts.index, subdistrict, town)
    most = np.full(len(counts), np.inf)
    if ceilings is not None:
        most = ceilings.reindex(counts.index).to_numpy(float, na_value=np.inf)
    # A count above what the town knows of itself shows that this is not the most there can be.
    ceiling = tree.summed(np.where(leaves > most[:, None], np.inf, most[:, None]))
    values = tree.summed(leaves)
    small = (values < limit) & ((values > 0) | hide_zeros)
    importance = np.array([_IMPORTANCE[level] for level in tree.level])
    # Classes have no sum in common: a household may be of several, or of none.
    hidden = np.column_stack(
        [
            _Column(tree.sums, values[:, at], ceiling[:, at], importance, least, hide_zeros).hidden(
                small[:, at]
            )
            for at in range(values.shape[1])
        ]
    )
    shown = pd.DataFrame(values, columns=counts.columns).astype("Int64").mask(hidden)
    names = pd.DataFrame({"subject_type": tree.level, "subject_id": tree.subject}, dtype="string")
    return SuppressedTable(
        names.join(shown), limit, least, hide_zeros, int(small.sum()), int((hidden & ~small).sum())
    )


@dataclass(frozen=True, eq=False)
class _Column:
    """The counts of one class, (r,) to a row of the tree, the sums between them, and what each is worth."""

    sums: sparse.csr_array
    values: Floats
    ceiling: Floats
    importance: Floats
    width: int
    hide_zeros: bool

    def hidden(self, small: Flags) -> Flags:
        """Return which counts are hidden, given those hidden for their size."""
        if not small.any():
            return small
        value = self.values
        floor = np.full(value.size, 0.0 if self.hide_zeros else 1.0)
        attacker = Attacker(self.sums, value, floor, self.ceiling, self.width)
        may_hide = _places(value >= floor)
        attacker.hide(may_hide)
        needed = np.zeros(value.size)
        needed[may_hide] = [min(self.width, attacker.width(cell)) for cell in may_hide]
        for cell in may_hide:
            attacker.show(cell)

        # Sums are what an office reports first, so that hiding one loses more.
        loss = self.importance + value / max(value.max(), 1)
        attacker.hide(_places(small))
        self._protect(attacker, needed, loss)
        for cell in sorted(_places(attacker.hidden & ~small), key=lambda cell: -loss[cell]):
            attacker.show(cell)
            if any(attacker.is_narrow(other, needed) for other in _places(attacker.hidden)):
                attacker.hide([cell])
        return attacker.hidden

    def _protect(self, attacker: Attacker, needed: Floats, loss: Floats) -> None:
        """Hide further counts until none can be told to a narrower interval than it needs."""
        while True:
            narrow = [cell for cell in _places(attacker.hidden) if attacker.is_narrow(cell, needed)]
            if not narrow:
                return
            for cell in narrow:
                if attacker.is_narrow(cell, needed):
                    attacker.hide(self._further(attacker, cell, needed[cell], loss))

    def _further(self, attacker: Attacker, cell: int, needed: float, loss: Floats) -> list[int]:
        """Return the counts to hide so that one can move as far as it needs, at the least loss.

        Two tables that agree with what is published are looked for, in which the count differs by what
        it needs; hidden counts move for nothing, others cost their loss for each household moved.
        """
        from scipy.optimize import linprog

        free = np.flatnonzero(attacker.upper > attacker.lower)
        sums = self.sums[:, free]
        up, down = attacker.upper[free] - self.values[free], self.values[free] - attacker.lower[free]
        price = np.where(attacker.hidden[free], 0.0, loss[free])
        moves = sparse.hstack([sums, -sums])
        apart = np.where(free == cell, 1.0, 0.0)
        most = np.concatenate([up, down, up, down])
        found = linprog(
            np.tile(price, 4),
            A_eq=sparse.block_diag([moves, moves]),
            b_eq=np.zeros(2 * sums.shape[0]),
            A_ub=-np.concatenate([apart, -apart, -apart, apart])[None, :],
            b_ub=[-needed],
            bounds=[(0.0, one) for one in most],
        )
        moved = np.reshape(np.asarray(found.x), (4, -1)).max(axis=0) > _SMALLEST_MOVE
        return [int(one) for one in free[moved & ~attacker.hidden[free]]]


def _places(flags: Flags) -> list[int]:
    return [int(one) for one in np.flatnonzero(flags)]
