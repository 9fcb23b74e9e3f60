"""Editing by hand: each step is answered at once, reversible, and one entry of the journal.

An *edit* says what a planner wants (move these buildings there).  It is turned into a *change*: which
unit goes from which grid to which, which grids come and go, with old and new value.  A change can be
applied, and its inverse takes it back; where an old value no longer holds, it is a conflict and nothing
happens.  A plan may be broken on the way to a better one: an edit that breaks a rule is applied and
named; only what can never be right (a locked grid, another community, a special area) is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import UsageError
from spatial.findings import Finding, Report, Severity
from spatial.grids.codes import new_codes, new_ids
from spatial.grids.constraints import judge
from spatial.grids.division import Division, divide
from spatial.grids.fabric import Fabric
from spatial.grids.journal import Change, Moved, apply_change, grid_row
from spatial.grids.measures import measure, problem
from spatial.grids.partition import partition
from spatial.grids.plan import Plan

__all__ = [
    "Answer",
    "Edit",
    "Editor",
    "Merge",
    "Move",
    "Repair",
    "Split",
    "Swap",
    "next_problem",
]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Move:
    """Move units into a grid.

    Attributes
    ----------
    units : ids of buildings, or of stairwells where a building is divided
    to_grid : id of the grid they go to
    """

    units: tuple[str, ...]
    to_grid: str


@dataclass(frozen=True)
class Split:
    """Take units of a grid into a new one; without units, split it into two even, connected parts."""

    grid: str
    units: tuple[str, ...] = ()


@dataclass(frozen=True)
class Merge:
    """Join grids into the one with most households."""

    grids: tuple[str, ...]


@dataclass(frozen=True)
class Swap:
    """Exchange units of two grids."""

    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(frozen=True)
class Repair:
    """Draw grids and their neighbours anew, with least change, so that they hold the rules."""

    grids: tuple[str, ...]
    time_limit_s: float = 0.7
    seed: int = 0


Edit = Move | Split | Merge | Swap | Repair


@dataclass(frozen=True, eq=False)
class Answer:
    """What becomes of an edit.

    Attributes
    ----------
    refusal : why nothing happened, or None
    change : the entry of the journal, or None when refused
    division : the grids after it (unchanged when refused)
    report : every finding about the communities it touches, after it
    caused, solved : findings that are new, and that are gone
    grids : touched grids by grid_id: households_before, households_after (null where it is not there)
    scores_before, scores_after : measures of the communities it touches, see `spatial.grids.measures`
    """

    refusal: Finding | None
    change: Change | None
    division: Division
    report: Report
    caused: tuple[Finding, ...]
    solved: tuple[Finding, ...]
    grids: pd.DataFrame
    scores_before: pd.DataFrame
    scores_after: pd.DataFrame

    @property
    def verdict(self) -> str:
        """One of refused, broken (a hard rule is newly broken), notice (a wish is), fine."""
        if self.refusal is not None:
            return "refused"
        if any(one.severity is Severity.ERROR for one in self.caused):
            return "broken"
        return "notice" if any(one.severity is Severity.WARNING for one in self.caused) else "fine"


@dataclass(frozen=True, eq=False)
class Editor:
    """Answers edits of one town's plan.

    Attributes
    ----------
    fabric : the town's single buildings (`build_fabric` with ``bonded=False``), under the plan's rules
    before : the plan that locks refer to, as a division of the same fabric
    retired_codes, retired_ids : names that are never given again
    """

    fabric: Fabric
    before: Division
    retired_codes: frozenset[str] = frozenset()
    retired_ids: frozenset[str] = frozenset()
    _slices: dict[frozenset[str], tuple[Fabric, Ints]] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, fabric: Fabric, plan: Plan) -> Editor:
        """Return an editor that starts from a plan; the division to edit is its ``before``."""
        codes = frozenset(filter(None, plan.provenance.get("retired_codes", "").split(";")))
        ids = frozenset(filter(None, plan.provenance.get("retired_grid_ids", "").split(";")))
        return cls(fabric, divide(fabric, plan.assignment, plan.grids), codes, ids)

    def answer(self, division: Division, edit: Edit) -> Answer:
        """Return what becomes of an edit; the division itself is not changed.

        Raises
        ------
        UsageError
            If the edit names a unit or a grid that does not exist, or asks for nothing.
        """
        units, grids = _named(division, edit)
        refusal = self._refusal(division, edit, units, grids)
        if refusal is not None:
            nothing = pd.DataFrame({"households_before": [], "households_after": []})
            scores = measure(division, ())
            return Answer(refusal, None, division, Report(), (), (), nothing, scores, scores)
        return self.answer_change(division, self._change(division, edit, units, grids))

    def answer_change(self, division: Division, change: Change) -> Answer:
        """Return what becomes of a change, as in undoing (``change.inverse()``) and replaying.

        Raises
        ------
        ConflictError
            If an old value of the change no longer holds.
        """
        after = apply_change(division, change)
        touched = sorted(
            {name for one in change.moved for name in (one.from_grid, one.to_grid) if name is not None}
            | {str(row["grid_id"]) for row in (*change.created, *change.retired)}
        )
        communities = frozenset(
            str(one.grids["community_id"][name])
            for one in (division, after)
            for name in touched
            if name in one.grids.index
        )
        old, new = (self._within(one, communities) for one in (division, after))
        locks = self._within(self.before, communities)
        found_before, found_after = judge(old, locks), judge(new, locks)
        keys = {_key(one) for one in found_before}, {_key(one) for one in found_after}
        return Answer(
            refusal=None,
            change=change,
            division=after,
            report=found_after,
            caused=tuple(one for one in found_after if _key(one) not in keys[0]),
            solved=tuple(one for one in found_before if _key(one) not in keys[1]),
            grids=pd.DataFrame(
                {
                    "households_before": _households(division, touched),
                    "households_after": _households(after, touched),
                },
                index=pd.Index(touched, name="grid_id"),
            ),
            scores_before=measure(old, sorted(communities)),
            scores_after=measure(new, sorted(communities)),
        )

    def problems(self, division: Division) -> list[Finding]:
        """Return what is broken, hard rules first, then by households, most first; notes are left out."""
        found = [one for one in judge(division, self.before) if one.severity is not Severity.NOTE]
        return sorted(found, key=lambda one: (one.severity is not Severity.ERROR, -_weight(one)))

    def _within(self, division: Division, communities: frozenset[str]) -> Division:
        if communities not in self._slices:
            self._slices[communities] = self.fabric.restricted(communities)
        fabric, units = self._slices[communities]
        return division.restricted(fabric, units, communities)

    # what an edit comes to

    def _refusal(self, division: Division, edit: Edit, units: Ints, grids: list[str]) -> Finding | None:
        """Say why an edit can never be right."""
        locked = self.fabric.rules.locked_grids
        ids = division.grids.index.to_numpy(object)
        touched = [*grids, *(str(ids[one]) for one in np.unique(division.grid[units]) if one >= 0)]
        for name in touched:
            if name in locked and not isinstance(edit, Repair):
                return _refused("refused_locked", [name], locked=name, reason=locked[name])
        kinds = division.grids["kind"]
        special = [name for name in touched if kinds[name] == "special"]
        strangers = [one for one in _unit_names(edit) if not self.fabric.units_of_name[one]]
        if special or strangers:
            return _refused("refused_special", special, buildings=" / ".join(strangers))
        community = self.fabric.arrays.community
        homes = {str(division.grids["community_id"][name]) for name in grids} | set(community[units])
        if len(homes) > 1 and not isinstance(edit, Repair):
            names = self.fabric.town.communities["name"]
            return _refused(
                "refused_community", grids, communities=" / ".join(str(names[one]) for one in sorted(homes))
            )
        return None

    def _change(self, division: Division, edit: Edit, units: Ints, grids: list[str]) -> Change:
        number = division.numbers_of(grids)
        target = division.grid.copy()
        match edit:
            case Move():
                target[units] = number[0]
            case Swap():
                first, second = (_units(division, names) for names in (edit.first, edit.second))
                target[first], target[second] = _only_grid(division, second), _only_grid(division, first)
            case Merge():
                largest = number[division.weight[number].argmax()]
                target[np.isin(division.grid, number)] = largest
            case Split():
                taken = units if len(units) else _half(division, int(number[0]))
                target[taken] = len(division.grids)
            case Repair():
                target = self._repaired(division, edit)
        return self._as_change(division, target, type(edit).__name__.lower())

    def _as_change(self, division: Division, target: Ints, kind: str) -> Change:
        """Return the change from the grids of a division to others; numbers beyond its grids are new."""
        moving = np.flatnonzero(target != division.grid)
        if not len(moving):
            raise UsageError("grids.edit_changes_nothing")
        community = self.fabric.arrays.community
        known = len(division.grids)
        created: list[dict[str, Any]] = []
        names = dict(enumerate(division.grids.index.astype(str)))
        for new in np.unique(target[target >= known]):
            home = str(community[target == new][0])
            used_codes = {
                *division.grids["code"].dropna(),
                *self.retired_codes,
                *(c["code"] for c in created),
            }
            used_ids = {*names.values(), *self.retired_ids, *self.before.grids.index}
            used_codes |= set(self.before.grids["code"].dropna())
            names[int(new)] = new_ids(1, used_ids)[0]
            created.append(
                {
                    "grid_id": names[int(new)],
                    "code": new_codes(home, "basic", 1, used_codes)[0],
                    "kind": "basic",
                    "community_id": home,
                    "level": 2,
                    "parent_id": None,
                }
            )
        left = np.setdiff1d(division.grid[moving], target)
        retired = [grid_row(division, int(one)) for one in left if one >= 0]
        members = self.fabric.members[self.fabric.members["unit"].isin(moving)]
        unit = members["unit"].to_numpy(dtype=np.int64)
        moved = tuple(
            Moved(
                str(building),
                None if pd.isna(stairwell) else str(stairwell),
                names.get(int(old)),
                names.get(int(new)),
            )
            for building, stairwell, old, new in zip(
                members["building_id"],
                members["stairwell_id"],
                division.grid[unit],
                target[unit],
                strict=True,
            )
        )
        households = round(float(members["households"].sum()))
        return Change(kind, moved, tuple(created), tuple(retired), households)

    def _repaired(self, division: Division, edit: Repair) -> Ints:
        """Return the grids after drawing some of them and their neighbours anew."""
        numbers = _with_neighbours(division, division.numbers_of(edit.grids))
        locked = division.numbers_of(list(self.fabric.rules.locked_grids))
        target = division.grid.copy()
        community = self.fabric.arrays.community
        home = division.home
        fresh = len(division.grids)
        for community_id in sorted({str(home[one]) for one in numbers}):
            own = numbers[(home[numbers] == community_id) & ~np.isin(numbers, locked)]
            units = np.flatnonzero(np.isin(division.grid, own) | (division.grid < 0))
            units = units[community[units] == community_id]
            labels, _ = partition(
                **problem(self.fabric, units),
                previous=division.grid[units],
                target=self.fabric.rules.target,
                time_limit_s=edit.time_limit_s,
                rng=np.random.default_rng(edit.seed),
            )
            if labels is not None:
                beyond = np.unique(labels[~np.isin(labels, own)])
                new = {int(one): fresh + at for at, one in enumerate(beyond)}
                fresh += len(beyond)
                target[units] = [new.get(int(one), int(one)) for one in labels]
        return target


def next_problem(
    problems: Sequence[Finding], current: Finding | None = None, *, back: bool = False
) -> Finding | None:
    """Return the problem after (or before) the current one; None at the end, or when nothing is wrong."""
    if current is None:
        return problems[-1 if back else 0] if problems else None
    keys = [_key(one) for one in problems]
    if _key(current) not in keys:
        return problems[0] if problems else None
    at = keys.index(_key(current)) + (-1 if back else 1)
    return problems[at] if 0 <= at < len(problems) else None


def _key(finding: Finding) -> tuple[object, ...]:
    """Return what makes two findings the same fault: rule, rows, and the estate or group it is about."""
    statement = finding.statement
    about = (statement.values.get(name) for name in ("estate_id", "group", "community"))
    return (finding.rule, statement.table, frozenset(statement.ids), *about)


def _weight(finding: Finding) -> float:
    values = finding.statement.values
    amount = next((values[name] for name in ("over", "short", "households") if name in values), 0)
    return float(amount) if isinstance(amount, int | float) else 0.0


def _refused(rule: str, grids: Sequence[str], **values: object) -> Finding:
    return Finding.of(Severity.ERROR, f"grids.{rule}", "grids", grids, **values)


def _unit_names(edit: Edit) -> tuple[str, ...]:
    match edit:
        case Move() | Split():
            return edit.units
        case Swap():
            return (*edit.first, *edit.second)
        case _:
            return ()


def _named(division: Division, edit: Edit) -> tuple[Ints, list[str]]:
    """Units and grids that an edit names."""
    match edit:
        case Move():
            grids = [edit.to_grid]
        case Split():
            grids = [edit.grid]
        case Merge() | Repair():
            grids = list(edit.grids)
        case Swap():
            grids = []
    missing = [one for one in grids if one not in division.grids.index]
    if missing:
        raise UsageError("grids.edit_names_unknown", table="grids", ids=missing)
    return _units(division, _unit_names(edit)), grids


def _units(division: Division, names: Collection[str]) -> Ints:
    """Units of buildings or stairwells, by id; buildings of special areas have none."""
    known = division.fabric.units_of_name
    missing = set(names) - known.keys()
    if missing:
        raise UsageError("grids.edit_names_unknown", table="buildings", ids=sorted(missing))
    return np.unique(np.array([unit for name in names for unit in known[name]], dtype=np.int64))


def _only_grid(division: Division, units: Ints) -> int:
    grids = np.unique(division.grid[units])
    if len(grids) != 1 or grids[0] < 0:
        raise UsageError("grids.swap_of_several", grids=len(grids))
    return int(grids[0])


def _households(division: Division, names: Sequence[str]) -> pd.arrays.IntegerArray:
    number = division.numbers_of(names)
    values = pd.array(np.rint(division.households[number]).astype(np.int64), dtype="Int64")
    values[number < 0] = pd.NA
    return values


def _half(division: Division, number: int) -> Ints:
    """Units of the smaller of two even, connected parts of a grid."""
    units = division.units_of(number)
    arrays = problem(division.fabric, units) | {"groups": None}
    total = float(arrays["weights"].sum())
    if len(units) < 2:
        raise UsageError("grids.split_of_one", grid=str(division.grids.index[number]))
    for slack in (0.05, 0.15, 0.5):
        window = {"lower": total / 2 * (1 - slack), "upper": max(total / 2 * (1 + slack), 1.0)}
        labels, _ = partition(**(arrays | window), parts=2, time_limit_s=1.0, rng=np.random.default_rng(0))
        if labels is not None and len(np.unique(labels)) == 2:
            share = [arrays["weights"][labels == one].sum() for one in np.unique(labels)]
            smaller: Ints = units[labels == np.unique(labels)[int(np.argmin(share))]]
            return smaller
    raise UsageError("grids.split_not_found", grid=str(division.grids.index[number]))


def _with_neighbours(division: Division, numbers: Ints) -> Ints:
    """Return basic grids and the basic grids that touch them."""
    first, second = division.grid[division.fabric.ends.T]
    beside = np.concatenate([second[np.isin(first, numbers)], first[np.isin(second, numbers)], numbers])
    beside = np.unique(beside[beside >= 0])
    basic: Ints = beside[division.is_basic[beside]]
    return basic
