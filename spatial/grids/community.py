"""Drawing one community: its units as plain arrays, locks taken out, the solver called, rules checked.

The solver knows the window, contiguity, estates, main roads, fixed units and the previous plan.  What it
does not know (units that must be apart, the greatest walk) is checked on its plan: units that must be
apart are then fixed in different grids, and for the greatest walk more grids are tried.  A plan that
breaks such a rule in the end is not given out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.grids.certificate import Certificate
from spatial.grids.constraints import boundary_units
from spatial.grids.division import Division
from spatial.grids.fabric import Fabric
from spatial.grids.measures import problem
from spatial.grids.partition import partition
from spatial.grids.walks import walks_between

__all__ = ["CommunityPlan", "CommunityTask", "draw_community", "held_grids", "task_of"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CommunityTask:
    """One community's problem; plain arrays only, so that it can go to another process.

    Attributes
    ----------
    units : the town's numbers of the units to be drawn
    locked_units, locked : units that stay in a locked grid, and the previous number of that grid
    arrays : what `spatial.grids.partition` takes
    parts : grids asked for, or None
    fixed, previous : a label per unit to be drawn, −1 for none; labels are previous grid numbers
    apart : groups of units (positions in ``units``) of which no two may share a grid
    walks_m, greatest_walk_m : walks between the units to be drawn, and the greatest allowed; or None
    """

    community_id: str
    units: Ints
    locked_units: Ints
    locked: Ints
    arrays: Mapping[str, Any]
    parts: int | None
    fixed: Ints | None
    previous: Ints | None
    apart: tuple[Ints, ...]
    walks_m: NDArray[np.float64] | None
    greatest_walk_m: float | None
    target: float
    time_limit_s: float | None
    seed: int


@dataclass(frozen=True, eq=False)
class CommunityPlan:
    """One community as drawn.

    Attributes
    ----------
    units : the town's numbers of its units
    labels : a grid per unit; those below the number of previous grids carry on a previous grid where
        something is fixed to it; None when nothing was found
    drawn_units : the units that the certificate counts from 0
    certificate : what the solver proved, or None where the previous grids were kept
    broken : the rule that no plan found holds (apart, greatest_walk), or ''
    """

    units: Ints
    labels: Ints | None
    drawn_units: Ints
    certificate: Certificate | None
    broken: str = ""


def task_of(
    fabric: Fabric,
    before: Division | None,
    community_id: str,
    *,
    time_limit_s: float | None,
    seed: int,
) -> CommunityTask:
    """Return the problem of a community; ``before`` is the previous plan on the same fabric."""
    rules = fabric.rules
    units = fabric.units_of(community_id)
    locked = np.full(len(units), -1, dtype=np.int64)
    previous = fixed = None
    if before is not None:
        held = before.grids.index.isin(list(rules.locked_grids))
        old = before.grid[units]
        locked = np.where((old >= 0) & held[old], old, -1)
        if "moved_households" in rules.wishes:
            previous = old[locked < 0]
        fixed = held_grids(before, units)[locked < 0]
    drawn = units[locked < 0]
    limit_m = rules.greatest_walk_m
    parts = rules.counts.get(community_id)
    if parts is not None:
        parts = max(1, parts - len(np.unique(locked[locked >= 0])))
    return CommunityTask(
        community_id=community_id,
        units=drawn,
        locked_units=units[locked >= 0],
        locked=locked[locked >= 0],
        arrays=problem(fabric, drawn),
        parts=parts,
        fixed=fixed if fixed is not None and (fixed >= 0).any() else None,
        previous=previous if previous is not None and (previous >= 0).any() else None,
        apart=_apart(fabric, drawn),
        walks_m=None if limit_m is None else walks_between(fabric, drawn, limit_m)[0],
        greatest_walk_m=limit_m,
        target=rules.target,
        time_limit_s=time_limit_s,
        seed=seed,
    )


def held_grids(before: Division, units: Ints) -> Ints:
    """Previous grid of units along a locked boundary, −1 elsewhere."""
    fixed = np.full(len(before.grid), -1, dtype=np.int64)
    for first, second in before.fabric.rules.locked_boundaries:
        along = boundary_units(before, first, second)
        fixed[along] = before.grid[along]
    return fixed[units]


def _apart(fabric: Fabric, units: Ints) -> tuple[Ints, ...]:
    """Return groups of units that must be apart, as positions in ``units``."""
    members = fabric.members
    groups = []
    for group in fabric.rules.apart:
        of_group = members["unit"][members["building_id"].isin(group)].unique()
        positions = np.flatnonzero(np.isin(units, of_group))
        if len(positions) > 1:
            groups.append(positions)
    return tuple(groups)


def draw_community(task: CommunityTask) -> CommunityPlan:
    """Return the plan of a community."""
    everyone = np.concatenate([task.units, task.locked_units])
    if not len(task.units):
        return CommunityPlan(everyone, task.locked, task.units, None)
    labels, certificate = _solved(task, task.parts, task.fixed)
    if labels is not None and any(_shared(labels, group) for group in task.apart):
        labels, certificate = _solved(task, task.parts, _kept_apart(task))
    if labels is not None and any(_shared(labels, group) for group in task.apart):
        return CommunityPlan(everyone, None, task.units, certificate, "apart")
    if task.greatest_walk_m is not None and labels is not None:
        total, lower = float(np.sum(task.arrays["weights"])), task.arrays["lower"]
        most = certificate.parts if task.parts is not None else int(total // max(lower, 1))
        for parts in range(certificate.parts + 1, most + 1):
            if _greatest_walk_m(task, labels) <= task.greatest_walk_m:
                break
            more, other = _solved(task, parts, task.fixed)
            if more is not None and other.violation <= certificate.violation:
                labels, certificate = more, other
        if _greatest_walk_m(task, labels) > task.greatest_walk_m:
            return CommunityPlan(everyone, None, task.units, certificate, "greatest_walk")
    if labels is None:
        return CommunityPlan(everyone, None, task.units, certificate)
    return CommunityPlan(everyone, np.concatenate([labels, task.locked]), task.units, certificate)


def _solved(task: CommunityTask, parts: int | None, fixed: Ints | None) -> tuple[Ints | None, Certificate]:
    labels, certificate = partition(
        **task.arrays,
        parts=parts,
        fixed=fixed,
        previous=task.previous,
        target=task.target,
        time_limit_s=task.time_limit_s,
        rng=np.random.default_rng(task.seed),
    )
    if fixed is not task.fixed and certificate.status in {"optimal", "bounded"}:
        # proved among the plans with these units fixed, not among all that part them
        certificate = replace(certificate, status="not_proven", bound=None, gap=None)
    return labels, certificate


def _shared(labels: Ints, group: Ints) -> bool:
    return len(np.unique(labels[group])) < len(group)


def _kept_apart(task: CommunityTask) -> Ints:
    """Labels that part the units of each group: fixed ones stay, the others get labels of their own."""
    fixed = np.full(len(task.units), -1, dtype=np.int64) if task.fixed is None else task.fixed.copy()
    last = max(int(fixed.max()), -1 if task.previous is None else int(task.previous.max()))
    for group in task.apart:
        loose = group[fixed[group] < 0]
        # the groups share their new labels, so that they ask for no more grids than they must
        fixed[loose] = last + 1 + np.arange(len(loose))
    return fixed


def _greatest_walk_m(task: CommunityTask, labels: Ints) -> float:
    if task.walks_m is None:
        return 0.0
    together = labels[:, None] == labels[None]
    return float(task.walks_m[together].max())
