"""Staffing: who a grid, an estate or a community lacks, and who is booked twice."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import UsageError
from spatial.findings import Finding, Severity
from spatial.ledgers.ledger import Ledgers
from spatial.ledgers.periods import holding, periods
from spatial.ledgers.places import GridTimes
from spatial.ledgers.tables import FULL_TIME_ROLES, SUBJECT_TABLES
from spatial.town import Town

__all__ = ["Requirement", "StaffingRules", "basic_grids", "check_staffing", "present"]

_SEPARATOR = "、"


@dataclass(frozen=True)
class Requirement:
    """What every subject of a kind must have.

    Attributes
    ----------
    name : the message ``ledgers.lacks_NAME`` says that it is lacking
    subject_type : grid, estate or community
    roles : any of these
    least : different people, at least
    through : kinds of subjects inside it or around it whose postings count too: for an estate the grids
        that hold a part of it, for a community its grids and estates
    """

    name: str
    subject_type: str
    roles: tuple[str, ...]
    least: int
    through: tuple[str, ...] = ()


@dataclass(frozen=True)
class StaffingRules:
    """What staffing is measured by.

    Attributes
    ----------
    requirements : what every grid, estate or community must have
    dedicated_grids : how many grids a dedicated worker may hold at the same time
    official_grids : how many grids or estates a linked official may hold at the same time
    not_beside : roles that nobody in a full-time role may hold at the same time
    """

    requirements: tuple[Requirement, ...]
    dedicated_grids: int = 1
    official_grids: int = 1
    not_beside: tuple[str, ...] = ("part_time", "linked_official", "linked_worker")

    @classmethod
    def of_models(cls, *models: str) -> StaffingRules:
        """Return the rules of staffing models of the catalogue, such as ``one-grid-many`` and ``dual``.

        Raises
        ------
        UsageError
            If the catalogue has no such model.

        Examples
        --------
        >>> StaffingRules.of_models("1-N").requirements[0].roles
        ('dedicated',)
        """
        known = _models()
        for model in models:
            if model not in known:
                raise UsageError("ledgers.unknown_model", model=model, known=_SEPARATOR.join(known))
        return cls(tuple(requirement for model in models for requirement in known[model]))

    @classmethod
    def usual(cls) -> StaffingRules:
        """Return the rules of a dedicated worker and a linked official to a grid, and two workers to an estate."""
        return cls.of_models("one-grid-many", "dual")


@cache
def _models() -> Mapping[str, tuple[Requirement, ...]]:
    document = tomllib.loads((files("spatial.ledgers") / "staffing.toml").read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            model: tuple(_requirement(entry) for entry in entries["requirement"])
            for model, entries in document.items()
        }
    )


def _requirement(entry: Mapping[str, Any]) -> Requirement:
    values = {**entry, "roles": tuple(entry["roles"]), "through": tuple(entry.get("through", ()))}
    return Requirement(**values)


def present(
    ledgers: Ledgers, town: Town, times: GridTimes, requirement: Requirement, day: pd.Timestamp
) -> pd.Series:
    """Return how many different people each subject has towards a requirement on a day, by subject_id.

    Every subject of the kind is there, also one without anybody.  Grids are the basic grids of the day;
    estates are those of the town.
    """
    staff = times.by_grid_id(ledgers.staff[holding(ledgers.staff, day)])
    staff = staff[staff["staff_role"].isin(requirement.roles).to_numpy(bool)]
    own = staff.loc[(staff["subject_type"] == requirement.subject_type).to_numpy(bool)]
    parts = [own[["subject_id", "person_id"]]]
    for kind in requirement.through:
        around = _around(town, times, requirement.subject_type, kind, day)
        posted = staff.loc[(staff["subject_type"] == kind).to_numpy(bool), ["subject_id", "person_id"]]
        through = posted.merge(around, left_on="subject_id", right_on="part")
        parts.append(through[["whole", "person_id"]].rename(columns={"whole": "subject_id"}))
    people = pd.concat(parts).groupby("subject_id")["person_id"].nunique()
    return people.reindex(_subjects(town, times, requirement.subject_type, day), fill_value=0)


def _subjects(town: Town, times: GridTimes, kind: str, day: pd.Timestamp) -> pd.Index:
    if kind == "grid":
        return pd.Index(basic_grids(times, day), name="subject_id")
    subjects: pd.Index = town.layer(SUBJECT_TABLES[kind]).index.rename("subject_id")
    return subjects


def basic_grids(times: GridTimes, day: pd.Timestamp) -> list[str]:
    """Return the ids of the basic grids that hold on a day; one whose kind is not known is basic."""
    grids = times.grids
    held = (grids["starts"] <= day) & (day <= grids["ends"])
    basic = grids["kind"].ne("special").fillna(value=True).to_numpy(bool)
    return list(grids.loc[held.to_numpy(bool) & basic, "grid_id"].unique())


def _around(town: Town, times: GridTimes, whole: str, part: str, day: pd.Timestamp) -> pd.DataFrame:
    """Return which parts (grids, estates) belong to which whole: columns whole, part."""
    if whole == "estate":
        held = times.assignment[
            ((times.assignment["starts"] <= day) & (day <= times.assignment["ends"])).to_numpy(bool)
        ]
        pairs = held.assign(whole=held["building_id"].map(town.buildings["estate_id"]), part=held["grid_id"])
    elif part == "grid":
        pairs = times.grids.assign(whole=times.grids["community_id"], part=times.grids["grid_id"])
    else:
        estates = town.estates
        pairs = pd.DataFrame({"whole": estates["community_id"].to_numpy(), "part": estates.index})
    return pd.DataFrame(pairs[["whole", "part"]]).dropna().drop_duplicates()


def check_staffing(
    ledgers: Ledgers, town: Town, times: GridTimes, rules: StaffingRules, day: pd.Timestamp
) -> list[Finding]:
    """Return the findings about postings: who is missing on a day, who is booked twice at any time.

    A ledger without any posting says nothing about staff: it has no finding.
    """
    if ledgers.staff.empty:
        return []
    findings = [
        Finding.of(
            Severity.ERROR,
            f"ledgers.lacks_{requirement.name}",
            SUBJECT_TABLES[requirement.subject_type],
            short.index,
            least=requirement.least,
            count=len(short),
            of=len(people),
        )
        for requirement in rules.requirements
        for people in [present(ledgers, town, times, requirement, day)]
        for short in [people[people < requirement.least]]
        if len(short)
    ]
    staff = times.by_grid_id(ledgers.staff)
    meeting = _meeting(staff)
    return [*findings, *_double_booked(staff, meeting, rules), *_entered_badly(staff, meeting)]


def _meeting(staff: pd.DataFrame) -> pd.DataFrame:
    """Return pairs of different postings of one person that hold on a same day: columns of both, ``_x``, ``_y``."""
    rows = staff[["person_id", "staff_role", "subject_type", "subject_id"]].join(periods(staff))
    rows = rows.reset_index(drop=True).reset_index(names="row")
    pairs = rows.merge(rows, on="person_id")
    meet = (pairs["starts_x"] <= pairs["ends_y"]) & (pairs["starts_y"] <= pairs["ends_x"])
    return pairs[meet.to_numpy(bool) & (pairs["row_x"] != pairs["row_y"]).to_numpy(bool)]


def _double_booked(staff: pd.DataFrame, meeting: pd.DataFrame, rules: StaffingRules) -> Iterator[Finding]:
    rows = staff[["person_id", "staff_role", "subject_type", "subject_id"]].join(periods(staff))
    for role, kinds, rule, most in (
        ("dedicated", ("grid",), "double_booked", rules.dedicated_grids),
        ("linked_official", ("grid", "estate"), "official_overloaded", rules.official_grids),
    ):
        own = rows[
            (rows["staff_role"] == role).to_numpy(bool) & rows["subject_type"].isin(kinds).to_numpy(bool)
        ]
        # The most subjects at once are held on the first day of some posting.
        pairs = own.merge(own, on="person_id")
        held = pairs[
            ((pairs["starts_y"] <= pairs["starts_x"]) & (pairs["starts_x"] <= pairs["ends_y"])).to_numpy(bool)
        ]
        at_once = (
            held.assign(subject=held["subject_type_y"] + "/" + held["subject_id_y"])
            .groupby(["person_id", "starts_x"])["subject"]
            .nunique()
            .groupby("person_id")
            .max()
        )
        over = at_once[at_once > most]
        if len(over):
            yield Finding.of(
                Severity.ERROR,
                f"ledgers.{rule}",
                "staff",
                over.index,
                most=most,
                count=len(over),
                held=int(over.max()),
            )
    beside = meeting["staff_role_x"].isin(FULL_TIME_ROLES) & meeting["staff_role_y"].isin(rules.not_beside)
    people = meeting.loc[beside.to_numpy(bool), "person_id"].unique()
    if len(people):
        yield Finding.of(Severity.ERROR, "ledgers.full_time_beside", "staff", people, count=len(people))


def _entered_badly(staff: pd.DataFrame, meeting: pd.DataFrame) -> Iterator[Finding]:
    same = np.logical_and.reduce(
        [
            (meeting[f"{name}_x"] == meeting[f"{name}_y"]).to_numpy(bool)
            for name in ("staff_role", "subject_type", "subject_id")
        ]
    )
    twice = meeting.loc[same, "person_id"].unique()
    if len(twice):
        yield Finding.of(Severity.WARNING, "ledgers.posting_twice", "staff", twice, count=len(twice))
    names = staff.groupby("person_id")["name"].nunique()
    differing = names.index[(names > 1).to_numpy(bool)]
    if len(differing):
        yield Finding.of(Severity.WARNING, "ledgers.person_differs", "staff", differing, count=len(differing))
