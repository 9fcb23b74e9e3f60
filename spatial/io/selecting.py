"""Selecting rows by what their columns hold, in the words of OpenStreetMap tags.

A *condition* is ``key=value``, ``key=*`` (any value) or ``key!=value``; ``&`` joins conditions that
must all hold; of a list of filters one is enough.  The catalogue and the mapping files share this
syntax, and a column of any table counts as a tag.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import RulesError

__all__ = ["Condition", "RowFilter", "any_of"]


@dataclass(frozen=True)
class Condition:
    """One comparison of a column with a value."""

    key: str
    value: str
    equal: bool

    def holds(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Return for each row whether the condition holds; a null equals nothing."""
        if self.key not in frame.columns:
            return np.full(len(frame), not self.equal)
        column = frame[self.key]
        present = column.notna().to_numpy(dtype=bool)
        if self.value == "*":
            same = present
        else:
            texts = column.astype("string").str.strip()
            same = present & (texts == self.value).to_numpy(dtype=bool, na_value=False)
        chosen: NDArray[np.bool_] = same if self.equal else ~same
        return chosen


@dataclass(frozen=True)
class RowFilter:
    """Conditions that must all hold.

    Examples
    --------
    >>> RowFilter.parse("highway=*&area!=yes").keys
    ('highway', 'area')
    """

    conditions: tuple[Condition, ...]

    @classmethod
    def parse(cls, text: str) -> RowFilter:
        """Read a filter from its text.

        Raises
        ------
        RulesError
            If a part of it has no key or no ``=``.
        """
        conditions = []
        for part in text.split("&"):
            key, sign, value = part.partition("=")
            equal = not key.endswith("!")
            key = key.removesuffix("!").strip()
            if not sign or not key or not value.strip():
                raise RulesError("io.filter_unreadable", filter=text)
            conditions.append(Condition(key, value.strip(), equal))
        return cls(tuple(conditions))

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns the filter looks at."""
        return tuple(condition.key for condition in self.conditions)

    def rows(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Return for each row whether all conditions hold."""
        chosen: NDArray[np.bool_] = np.logical_and.reduce([one.holds(frame) for one in self.conditions])
        return chosen


def any_of(filters: Iterable[RowFilter], frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return for each row whether one of the filters chooses it; every row when there is no filter."""
    choices = [one.rows(frame) for one in filters]
    if not choices:
        return np.ones(len(frame), dtype=bool)
    chosen: NDArray[np.bool_] = np.logical_or.reduce(choices)
    return chosen
