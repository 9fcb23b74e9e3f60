"""The attack on a table with hidden counts: how narrow an interval the published ones leave to each.

The attacker knows the published counts, every sum, the least a hidden count can be, and the most that is
known without the table; a linear programme gives the least and the greatest value each hidden count can have.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["Attacker"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_TOLERANCE = 1e-6


class Attacker:
    """A linear programme over all counts of a table, kept from question to question.

    The sums are a network, so that moving one count by ``width`` moves no other by more: bounds that far
    from the true counts leave every answer up to the width as it is, and all answers are finite.

    Parameters
    ----------
    equations : sparse (e, n), every row of which times the counts is 0
    value : (n,) the true counts
    floor, ceiling : (n,) what is known of each count without the table
    width : intervals are told up to this width on either side of the true count
    """

    def __init__(
        self, equations: sparse.csr_array, value: Floats, floor: Floats, ceiling: Floats, width: float
    ) -> None:
        import highspy

        self._value = value
        never = value < floor  # a zero that is always published
        self.lower = np.where(never, value, np.maximum(floor, value - width))
        self.upper = np.where(never, value, np.minimum(ceiling, value + width))
        self.hidden = np.zeros(value.size, bool)
        programme = highspy.HighsLp()
        programme.num_col_, programme.num_row_ = value.size, equations.shape[0]
        programme.col_cost_ = np.zeros(value.size)
        programme.col_lower_ = programme.col_upper_ = value
        programme.row_lower_ = programme.row_upper_ = np.zeros(equations.shape[0])
        programme.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        programme.a_matrix_.start_ = equations.indptr.astype(np.int32)
        programme.a_matrix_.index_ = equations.indices.astype(np.int32)
        programme.a_matrix_.value_ = equations.data.astype(float)
        self._solver = highspy.Highs()
        self._solver.setOptionValue("output_flag", False)
        self._solver.setOptionValue("presolve", "off")  # so that each answer starts from the last
        self._solver.passModel(programme)

    def hide(self, cells: Iterable[int]) -> None:
        """Hide counts: the attacker knows of them what was known without the table."""
        for cell in cells:
            self.hidden[cell] = True
            self._solver.changeColBounds(cell, self.lower[cell], self.upper[cell])

    def show(self, cell: int) -> None:
        """Publish a count."""
        self.hidden[cell] = False
        self._solver.changeColBounds(cell, self._value[cell], self._value[cell])

    def interval(self, cell: int) -> tuple[float, float]:
        """Return the least and the greatest value that a count can have, as far as the width."""
        ends = []
        for sign in (1.0, -1.0):
            self._solver.changeColCost(cell, sign)
            self._solver.run()
            ends.append(sign * self._solver.getInfo().objective_function_value)
        self._solver.changeColCost(cell, 0.0)
        return ends[0], ends[1]

    def width(self, cell: int) -> float:
        """Return the width of the interval of a count."""
        least, greatest = self.interval(cell)
        return greatest - least

    def is_narrow(self, cell: int, needed: Floats) -> bool:
        """Return whether a count can be told to a narrower interval than it needs."""
        return self.width(cell) < float(needed[cell]) - _TOLERANCE
