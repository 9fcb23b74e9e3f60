"""``wangge ledgers``: staff, events and premises of an office checked against its town."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.commands.frame import ExitCode, LocalCommand, argument, option, say, say_report

if TYPE_CHECKING:
    import pandas as pd

    from spatial.ledgers import SuppressedTable

__all__ = ["command"]

_DATE = click.DateTime(["%Y-%m-%d"])


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "ledgers",
        _run,
        argument("town", type=Path),
        argument("ledgers", type=Path),
        option("ledgers_plan", "--plan", type=Path),
        option("staffing_model", "--model", multiple=True),
        option("suppression_limit", "--limit", type=click.IntRange(min=2), default=5),
        option("staffing_day", "--day", type=_DATE),
        option("ledgers_output", "-o", "--output", type=Path),
    )


def _run(
    *,
    town: Path,
    ledgers: Path,
    ledgers_plan: Path | None,
    staffing_model: tuple[str, ...],
    suppression_limit: int,
    staffing_day: datetime | None,
    ledgers_output: Path | None,
) -> tuple[ExitCode, dict[str, Any]]:
    import pandas as pd

    from spatial.io import read_ledgers, read_plan, read_town, write_ledgers
    from spatial.ledgers import (
        StaffingRules,
        check_ledgers,
        closing_rates,
        ledger_measures,
        published_classes,
    )

    rules = StaffingRules.of_models(*staffing_model) if staffing_model else StaffingRules.usual()
    place, book = read_town(town), read_ledgers(ledgers)
    plan = None if ledgers_plan is None else read_plan(ledgers_plan)
    day = None if staffing_day is None else pd.Timestamp(staffing_day)
    report = check_ledgers(book, place, plan, rules=rules, day=day)
    say_report(report)
    measures = ledger_measures(book, place, plan, day=day)
    whole = measures[(measures["subject_type"] == "town").to_numpy(bool)].set_index("quantity")["value"]
    result: dict[str, Any] = {
        "measures": {quantity: float(value) for quantity, value in whole.items()},
        "closing": _closing(closing_rates(book, place, plan)),
        "household_classes": _classes(published_classes(book, place, limit=suppression_limit)),
        "errors": len(report.errors),
        "findings": [finding.as_record() for finding in report],
    }
    if ledgers_output is not None:
        write_ledgers(book, ledgers_output)
        say("commands.written", path=ledgers_output)
        result["ledgers"] = str(ledgers_output)
    return ExitCode.RULE_BROKEN if report.errors else ExitCode.DONE, result


def _closing(rates: pd.DataFrame) -> dict[str, int]:
    """Say how many events are closed, and return the sums."""
    sums = {name: int(rates[name].sum()) for name in ("reported", "closed", "reopened", "open")}
    sums["undated"] = int(rates.loc[rates["month"].isna(), "reported"].sum())
    sums["unlocated"] = int(rates.loc[rates["grid_id"].isna(), "reported"].sum())
    if sums["reported"]:
        say("commands.ledgers.closing", share=sums["closed"] / sums["reported"], **sums)
    return sums


def _classes(published: SuppressedTable) -> list[dict[str, Any]]:
    """Say how many counts of household classes are hidden, and return those that are not."""
    if len(published.table):
        # How many of them are small themselves is not told: it would help to tell which.
        hidden = published.primary + published.complementary
        say("commands.ledgers.classes", limit=published.limit, hidden=hidden)
    shown = published.table.astype(object).where(published.table.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in shown.to_dict(orient="records")]
