"""Checks of ledgers against their town: every finding, by row and by person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from spatial.findings import Finding, Report, Severity
from spatial.grids import Plan
from spatial.ledgers.ledger import Ledgers
from spatial.ledgers.periods import moments, periods, reference_day
from spatial.ledgers.places import GridTimes, grid_times, locate_events
from spatial.ledgers.staffing import StaffingRules, check_staffing
from spatial.ledgers.tables import LEDGER_TABLES, SUBJECT_TABLES
from spatial.town import Town

__all__ = ["check_ledgers"]

_VALUES_SHOWN = 3


def check_ledgers(
    ledgers: Ledgers,
    town: Town,
    plan: Plan | None = None,
    *,
    rules: StaffingRules | None = None,
    day: pd.Timestamp | None = None,
) -> Report:
    """Return every finding about ledgers, those of reading them first.

    Parameters
    ----------
    ledgers : the ledgers
    town : the town whose grids, estates and buildings they name
    plan : the grids; those of today when None
    rules : the staffing they are measured by; `StaffingRules.usual` when None
    day : day on which nobody may be missing; `reference_day` when None
    """
    times = grid_times(town, plan)
    rules = rules or StaffingRules.usual()
    findings = [
        *ledgers.report,
        *_references(ledgers, town, times),
        *_periods(ledgers),
        *check_staffing(ledgers, town, times, rules, day or reference_day(ledgers)),
        *_events(ledgers, town, plan),
        *_classes(ledgers, town),
        *_premises(ledgers),
    ]
    return Report(tuple(findings))


def _references(ledgers: Ledgers, town: Town, times: GridTimes) -> Iterator[Finding]:
    known = {
        "grids": pd.concat([times.grids["grid_id"], times.grids["code"]]).dropna().unique(),
        "estates": town.estates.index,
        "communities": town.communities.index,
        "buildings": town.buildings.index,
        "partners": ledgers.partners["partner_id"].unique(),
    }
    for table in LEDGER_TABLES.values():
        frame = ledgers.tables[table.name]
        for column in table.columns:
            if column.refers_to:
                named = frame[column.name]
                yield from _unknown(table.name, column.name, named, column.refers_to, known)
        if "subject_type" in frame.columns:
            for kind, target in SUBJECT_TABLES.items():
                named = frame.loc[(frame["subject_type"] == kind).to_numpy(bool), "subject_id"]
                yield from _unknown(table.name, "subject_id", named, target, known)


def _unknown(
    table: str, column: str, named: pd.Series, target: str, known: Mapping[str, Any]
) -> Iterator[Finding]:
    unknown = named[(named.notna() & ~named.isin(known[target])).to_numpy(bool)]
    if len(unknown):
        ids = unknown.index if unknown.index.name else unknown.unique()
        yield Finding.of(
            Severity.ERROR,
            "checks.unknown_reference",
            table,
            ids,
            column=column,
            target=target,
            values="、".join(unknown.unique()[:_VALUES_SHOWN]),
            count=len(unknown),
        )


def _periods(ledgers: Ledgers) -> Iterator[Finding]:
    for name, table in ledgers.tables.items():
        days = periods(table)
        reversed_ = (days["ends"] < days["starts"]).to_numpy(bool)
        if reversed_.any():
            labels = np.asarray(table["person_id"] if name == "staff" else table.index, object)
            yield Finding.of(
                Severity.ERROR, "ledgers.period_reversed", name, labels[reversed_], count=int(reversed_.sum())
            )


def _events(ledgers: Ledgers, town: Town, plan: Plan | None) -> Iterator[Finding]:
    events = ledgers.events
    if events.empty:
        return
    located = locate_events(ledgers, town, plan)
    closed = moments(events["closed_on"])
    still_open = located["reopened"] & ~located["closed"]
    for severity, rule, rows in (
        (Severity.WARNING, "event_undated", located["reported"].isna()),
        (Severity.WARNING, "event_unlocated", located["grid_id"].isna()),
        (Severity.WARNING, "event_closed_before", closed < located["reported"].dt.floor("D")),
        (Severity.NOTE, "event_reopened", located["reopened"]),
    ):
        named = events.index[rows.to_numpy(bool)]
        if len(named):
            yield Finding.of(
                severity,
                f"ledgers.{rule}",
                "events",
                named,
                count=len(named),
                events=len(events),
                still_open=int(still_open.sum()),
            )


def _classes(ledgers: Ledgers, town: Town) -> Iterator[Finding]:
    rows = ledgers.household_classes
    placed = rows["community_id"].notna() | rows["building_id"].map(town.buildings["community_id"]).notna()
    for rule, wrong in (
        ("class_unlocated", ~placed),
        ("class_twice", rows["household_id"].notna() & rows.duplicated(["household_id", "household_class"])),
    ):
        # No household is named in a finding: a report may leave the office.
        if wrong.any():
            yield Finding.of(
                Severity.WARNING, f"ledgers.{rule}", "household_classes", (), count=int(wrong.sum())
            )


def _premises(ledgers: Ledgers) -> Iterator[Finding]:
    unknown = ledgers.premises.index[ledgers.premises["floor_area_m2"].isna().to_numpy(bool)]
    if len(unknown):
        yield Finding.of(
            Severity.WARNING, "ledgers.premises_area_unknown", "premises", unknown, count=len(unknown)
        )
