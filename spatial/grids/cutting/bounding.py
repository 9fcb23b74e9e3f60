"""What fractional plans of listed and unlisted parts cut at least: a linear programme and its prices.

A plan takes each unit once: from a listed part, or from one of the *holes*, parts beyond the list that
all cut at least ``hole_cut``.  The programme lets parts be taken in fractions and knows of the holes only
their number and the weight they hold.  Its prices bound every plan from below, and say by how much a
plan with a certain part, or with a unit in a hole, is above that bound.  Sums of cuts count each edge
between parts twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, hstack

from spatial.grids.instance import FloatArray, Instance

__all__ = ["Priced", "add_parts", "priced"]

_STEP = 400
_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Priced:
    """A bound on sums of cuts, and what each choice adds to it.

    Attributes
    ----------
    value : no plan's sum of cuts is less; infinity where there is no plan
    rises : (parts listed,) rise of the bound when the part is taken
    hole_rises : (n,) rise of the bound when the unit is in a hole
    """

    value: float
    rises: FloatArray
    hole_rises: FloatArray


def priced(
    instance: Instance,
    members: csr_array,
    cuts: FloatArray,
    parts: int,
    *,
    holes: tuple[int, int],
    hole_cut: float,
    ceiling: float,
    out_of_time: Callable[[], bool],
) -> Priced | None:
    """Return the bound of plans with so many parts and holes; None when time is out.

    Parameters
    ----------
    members : (parts listed, n) 1 where the unit is in the part
    holes : fewest and most
    ceiling : a sum of cuts above all that matter; a bound beyond it stands for infinity
    """
    units = instance.units
    fewest, most = holes
    solver = _solver(instance, parts, holes, hole_cut, ceiling)
    inside = np.zeros(cuts.size, dtype=np.bool_)
    size = np.maximum(np.diff(members.indptr), 1)
    fresh = np.argsort(cuts / size, kind="stable")[:_STEP]
    while True:
        if out_of_time():
            return None
        inside[fresh] = True
        add_parts(solver, members[fresh], cuts[fresh])
        solver.run()
        dual = np.array(solver.getSolution().row_dual)
        price, count, above, below = dual[:units], dual[units], -min(dual[-2], 0.0), max(dual[-1], 0.0)
        reduced = cuts - members @ price - count
        wanted = np.flatnonzero((reduced < -1e-7 * max(ceiling, 1.0)) & ~inside)
        if wanted.size == 0:
            break
        fresh = wanted
        if wanted.size > _STEP:
            fresh = wanted[np.argpartition(reduced[wanted], _STEP)[:_STEP]]
    # the bound by the prices themselves, whatever the solver's tolerances
    of_unit = (above - below) * instance.weights - price
    of_hole = hole_cut - count - above * instance.upper + below * instance.lower
    value = float(price.sum() + count * parts + min(fewest * of_hole, most * of_hole))
    value += parts * min(0.0, float(reduced.min(initial=0.0)))
    if most:
        value += float(np.minimum(of_unit, 0.0).sum())
    rises = np.maximum(reduced, 0.0)
    if most:
        rises = rises + members @ np.maximum(-of_unit, 0.0)
    if value > ceiling + _TOLERANCE:
        value = np.inf
    return Priced(value, rises, np.maximum(of_unit, 0.0))


def _solver(instance: Instance, parts: int, holes: tuple[int, int], hole_cut: float, ceiling: float) -> Any:  # noqa: ANN401 - the solver ships no types
    """Return the programme without listed parts: rows of units, the count, and the weight of the holes."""
    import highspy

    units = instance.units
    fewest, most = holes
    solver = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1)):
        solver.setOptionValue(option, value)
    nothing = np.array([], dtype=np.int32), np.array([])
    for _ in range(units):
        solver.addRow(1.0, 1.0, 0, *nothing)
    solver.addRow(float(parts), float(parts), 0, *nothing)
    solver.addRow(-np.inf, 0.0, 0, *nothing)
    solver.addRow(0.0, np.inf, 0, *nothing)
    for unit, weight in enumerate(instance.weights):
        # a unit left out, or a part too few, costs more than any plan that matters
        solver.addCol(2 * ceiling + 1, 0.0, 1.0, 1, np.array([unit], dtype=np.int32), np.array([1.0]))
        if most:
            rows = np.array([unit, units + 1, units + 2], dtype=np.int32)
            solver.addCol(0.0, 0.0, 1.0, 3, rows, np.array([1.0, weight, weight]))
    solver.addCol(2 * ceiling + 1, 0.0, parts, 1, np.array([units], dtype=np.int32), np.array([1.0]))
    if most:
        rows = np.array([units, units + 1, units + 2], dtype=np.int32)
        values = np.array([1.0, -instance.upper, -instance.lower])
        solver.addCol(hole_cut, float(fewest), float(most), 3, rows, values)
    return solver


def add_parts(solver: Any, rows: csr_array, cuts: FloatArray) -> None:  # noqa: ANN401 - the solver ships no types
    """Let plans of the programme take these parts too."""
    size = cuts.size
    block = hstack([rows, csr_array(np.ones((size, 1)))], format="csr")
    solver.addCols(
        size,
        cuts,
        np.zeros(size),
        np.full(size, np.inf),
        block.nnz,
        block.indptr[:-1].astype(np.int32),
        block.indices.astype(np.int32),
        block.data.astype(np.float64),
    )
