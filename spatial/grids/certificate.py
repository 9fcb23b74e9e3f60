"""What is known of a plan: its figures, what proves them, and why a window cannot be met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from spatial.grids.instance import IntArray

__all__ = ["Certificate", "Progress", "Status", "Witness", "WitnessKind"]

Status = Literal["optimal", "bounded", "not_proven", "infeasible", "none_found"]


WitnessKind = Literal[
    "no_count",
    "below_lower",
    "unit_above_upper",
    "parts",
    "fixed_above_upper",
    "fixed_apart",
    "no_connected_plan",
]


@dataclass(frozen=True)
class Witness:
    """Why no plan can hold every hard rule, as numbers; prose is made of it elsewhere.

    Attributes
    ----------
    kind : ``no_count`` (no number of parts fits the total), ``below_lower`` (the total is less than one
        part's lower bound), ``unit_above_upper`` (one unit is more than a part may hold), ``parts`` (the
        count asked for does not fit the total or the fixed labels), ``fixed_above_upper`` (units fixed
        together are more than a part may hold), ``fixed_apart`` (units fixed together cannot be joined),
        ``no_connected_plan`` (every way to cut the units into connected parts was searched)
    units : the units concerned
    values : its numbers: total, lower, upper, violation, fewest, most, parts, weight, label
    """

    kind: WitnessKind
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
    moved, moved_bound : weight of units whose label is not their previous one; no lawful plan moves less
    extra_pieces, extra_pieces_bound : of the plan, and the least of any plan with as many parts (that moves
        as little)
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
    moved_bound: float
    extra_pieces: int
    extra_pieces_bound: int
    seconds: float
    time_limited: bool


@dataclass(frozen=True, eq=False)
class Progress:
    """A better plan or a better bound of one connected component, told while the search runs.

    Plans get better in the order of the design: fewer extra pieces, then a lower objective.

    Attributes
    ----------
    units : units of the component
    labels : part of each of them, 0 … parts − 1; None while no plan is known
    objective, bound : the component's share of the whole objective and of its bound; inf and 0 at first.
        The bound is of plans with the least extra pieces
    extra_pieces : of the plan; None while none is known
    """

    units: IntArray
    labels: IntArray | None
    extra_pieces: int | None
    objective: float
    bound: float
