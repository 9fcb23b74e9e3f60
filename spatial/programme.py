"""Integer programmes, handed to HiGHS as arrays.

Every variable is 0 … 1.  A modelling layer would cost some hundred times the building time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["Outcome", "minimise", "remaining_s"]

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What the solver can vouch for.

    Attributes
    ----------
    values : (variables,), the best solution found, or None
    bound : no solution costs less; infinite when it is proved that there is none
    reduced : (variables,), of a linear programme, the reduced costs; None otherwise
    iterations : of the simplex method, a measure of the work that does not depend on the machine
    """

    values: Floats | None
    bound: float
    reduced: Floats | None = None
    iterations: int = 0


def remaining_s(deadline: float) -> float:
    """Return the wall seconds left until a `time.monotonic` deadline, never below zero."""
    return max(0.0, deadline - time.monotonic())


def minimise(
    cost: Floats,
    rows: sparse.csr_array,
    lower: Floats,
    upper: Floats,
    *,
    integral: Flags | None = None,
    deadline: float = np.inf,
    any_solution: bool = False,
    most_nodes: int | None = None,
) -> Outcome:
    """Minimise ``cost @ v`` with ``lower <= rows @ v <= upper`` and 0 ≤ v ≤ 1.

    Parameters
    ----------
    integral : which variables are 0 or 1; None for none (a linear programme)
    deadline : `time.monotonic` at which to stop
    any_solution : stop at the first solution
    most_nodes : branches to look at before giving up; None for all

    Returns
    -------
    Outcome
        Its bound is that of the solver, never a guess: −inf when it had no time for one.
    """
    import highspy

    programme = highspy.HighsLp()
    programme.num_col_ = cost.size
    programme.num_row_ = rows.shape[0]
    programme.col_cost_ = cost
    programme.col_lower_ = np.zeros(cost.size)
    programme.col_upper_ = np.ones(cost.size)
    programme.row_lower_ = lower
    programme.row_upper_ = upper
    programme.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    programme.a_matrix_.start_ = rows.indptr.astype(np.int32)
    programme.a_matrix_.index_ = rows.indices.astype(np.int32)
    programme.a_matrix_.value_ = rows.data.astype(float)
    if integral is not None:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        programme.integrality_ = [kinds[int(one)] for one in integral]

    solver = highspy.Highs()
    for option, value in (
        ("output_flag", False),
        ("parallel", "off"),
        ("mip_rel_gap", 0.0),
        ("mip_abs_gap", 1e-9),
        ("mip_feasibility_tolerance", 1e-7),
    ):
        solver.setOptionValue(option, value)
    if np.isfinite(deadline):
        solver.setOptionValue("time_limit", remaining_s(deadline))
    if most_nodes is not None:
        solver.setOptionValue("mip_max_nodes", most_nodes)
    if any_solution:
        solver.setOptionValue("mip_max_improving_sols", 1)
    solver.passModel(programme)
    solver.run()
    if solver.getModelStatus() == highspy.HighsModelStatus.kSolveError:
        # What presolve took out can come back a tolerance beside a row.
        solver.setOptionValue("presolve", "off")
        solver.run()

    information = solver.getInfo()
    status = solver.getModelStatus()
    iterations = int(information.simplex_iteration_count)
    if status == highspy.HighsModelStatus.kInfeasible:
        return Outcome(None, np.inf, iterations=iterations)
    feasible = information.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.asarray(solver.getSolution().col_value) if feasible else None
    # A programme that presolve settles is optimal without a bound of its own.
    solved = status == highspy.HighsModelStatus.kOptimal and not any_solution
    bound = float(information.objective_function_value) if solved else -np.inf
    if integral is None:
        reduced = np.asarray(solver.getSolution().col_dual) if solved else None
        return Outcome(values, bound, reduced, iterations)
    if np.isfinite(information.mip_dual_bound):
        bound = float(information.mip_dual_bound)
    return Outcome(values, bound, iterations=iterations)
