"""Ledgers in reports: summaries that may leave the office, never a name and never a small count."""

from __future__ import annotations

from typing import Any

import pandas as pd

from maps.reports.document import Cell, Chapter, Column, Table, cell, columns
from spatial.grids import Plan
from spatial.io.vocabulary import value_title
from spatial.ledgers import (
    Ledgers,
    closing_rates,
    estates_by_class,
    premises_by_size,
    published_classes,
    staff_by_role,
)
from spatial.messages import current_language, text
from spatial.town import Town

__all__ = ["ledger_chapter"]

_PREMISES_M2 = 1_000.0


def ledger_chapter(ledgers: Ledgers, town: Town, plan: Plan | None) -> Chapter:
    """Return the chapter of the ledgers; a table of theirs without rows is left out."""
    tables = []
    if len(ledgers.staff):
        tables.append(_staff(ledgers))
    if len(ledgers.events):
        tables += _closing(ledgers, town, plan)
    if town.estates["estate_class"].notna().any():
        tables.append(_estates(town))
    if len(ledgers.premises):
        tables.append(_premises(ledgers, town))
    if len(ledgers.household_classes):
        tables.append(_classes(ledgers, town))
    source = text(
        "reports.source",
        source=ledgers.provenance.get("source") or text("print.not_stated"),
        date=ledgers.provenance.get("as_of") or text("print.not_stated"),
    )
    labels = [text("print.synthetic")] if ledgers.synthetic else []
    return Chapter(
        text("reports.chapter.ledgers"),
        (source, *labels, text("reports.intro.ledgers")),
        tables=tuple(tables),
    )


def _title(code: Any, column: str) -> str:  # noqa: ANN401 - a code or a null
    return text("print.not_stated") if pd.isna(code) else value_title(str(code), current_language(), column)


def _staff(ledgers: Ledgers) -> Table:
    """Return how many people hold a role on the day of the ledgers; nobody is named."""
    rows = tuple(
        (_title(role, "staff_role"), cell(held["people"]), cell(held["postings"]))
        for role, held in staff_by_role(ledgers).iterrows()
    )
    heads = columns(("role", "text", 30), ("people", "count", 12), ("postings", "count", 12))
    return Table(text("reports.table.staff"), heads, rows)


def _closing(ledgers: Ledgers, town: Town, plan: Plan | None) -> list[Table]:
    """Return the closing rate by month, and, for workbooks, by grid and month."""
    rates = closing_rates(ledgers, town, plan)
    counts = ["reported", "closed", "reopened", "open"]
    months = rates.groupby("month", dropna=False)[counts].sum().reset_index()
    months["rate"] = months["closed"] / months["reported"]
    names = town.communities["name"]
    place = rates["community_id"].map(names).fillna(rates["community_id"])
    figures = [*counts, "rate"]
    described = (
        ("month", "text", 12),
        *((name, "count", 10) for name in counts),
        ("closing_rate", "share", 12),
    )
    by_month = tuple(
        (_place(row["month"]), *(cell(row[one]) for one in figures)) for _, row in months.iterrows()
    )
    by_grid = tuple(
        (_place(where), _place(row["grid_id"]), _place(row["month"]), *(cell(row[one]) for one in figures))
        for where, (_, row) in zip(place, rates.iterrows(), strict=True)
    )
    return [
        Table(text("reports.table.months"), columns(*described), by_month),
        Table(
            text("reports.table.closing"),
            columns(("community", "text", 20), ("grid", "text", 26), *described),
            by_grid,
            most_on_pages=0,
        ),
    ]


def _place(value: Any) -> Cell:  # noqa: ANN401 - an id or a null
    return text("print.not_stated") if pd.isna(value) else str(value)


def _estates(town: Town) -> Table:
    rows = tuple(
        (
            _title(row["estate_class"], "estate_class"),
            cell(row["treatment"], text("print.not_stated")),
            int(row["estates"]),
            cell(row["households"], text("print.not_stated")),
            cell(row["usual_treatment"]),
            "" if pd.isna(row["evidence"]) else text(f"reports.evidence.{row['evidence']}"),
        )
        for _, row in estates_by_class(town).iterrows()
    )
    heads = columns(
        ("estate_class", "text", 20),
        ("treatment", "text", 24),
        ("estates", "count", 10),
        ("households", "count", 12),
        ("usual_treatment", "text", 24, False),
        ("evidence", "text", 14),
    )
    return Table(text("reports.table.estates"), heads, rows)


def _premises(ledgers: Ledgers, town: Town) -> Table:
    counted = premises_by_size(ledgers, _PREMISES_M2).reset_index()
    names = town.communities["name"]
    place = counted["community_id"].map(names).fillna(counted["community_id"])
    rows = tuple(
        (
            cell(where, text("reports.all_communities")),
            *(cell(row[one]) for one in ("premises", "large_enough", "too_small", "unknown")),
        )
        for where, (_, row) in zip(place, counted.iterrows(), strict=True)
    )
    heads = columns(
        ("community", "text", 24),
        ("premises", "count", 12),
        ("large_enough", "count", 14),
        ("too_small", "count", 14),
        ("unknown_area", "count", 14),
    )
    return Table(text("reports.table.premises", area=_PREMISES_M2), heads, rows)


def _classes(ledgers: Ledgers, town: Town) -> Table:
    """Return household classes as far as they may be published; a hidden count says so."""
    published = published_classes(ledgers, town)
    names = {**town.communities["name"].to_dict(), town.name: town.name}
    classes = [one for one in published.table.columns if one not in {"subject_type", "subject_id"}]
    hidden = text("reports.hidden")
    rows = tuple(
        (str(names.get(row["subject_id"], row["subject_id"])), *(cell(row[one], hidden) for one in classes))
        for _, row in published.table.iterrows()
    )
    heads = (
        *columns(("community", "text", 24)),
        *(Column(_title(one, "household_class"), "count", 12) for one in classes),
    )
    note = text("reports.hidden_note", limit=published.limit)
    return Table(text("reports.table.classes"), heads, rows, note)
