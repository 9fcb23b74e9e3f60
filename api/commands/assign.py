"""``wangge assign``: a worker or an official for every grid of a plan, from those the ledgers name."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from api.commands.frame import ExitCode, LocalCommand, argument, option, say, say_report

__all__ = ["command"]

_DATE = click.DateTime(["%Y-%m-%d"])

_ROLES = ("dedicated", "part_time", "linked_official")


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "assign",
        _run,
        argument("town", type=Path),
        argument("plan", type=Path),
        argument("ledgers", type=Path),
        option("ledgers_output", "-o", "--output", required=True, type=Path),
        option("staff_role", "--role", type=click.Choice(_ROLES), default=_ROLES[0]),
        option("staffing_day", "--day", type=_DATE),
        option("most_grids", "--most-grids", type=click.IntRange(min=1), default=1),
        option("most_households", "--most-households", type=click.FloatRange(min=0)),
        option("walk_limit_m", "--walk-limit", type=click.FloatRange(min=0)),
        option("change_worth_m", "--change-worth", type=click.FloatRange(min=0)),
        option("time_limit", "--time-limit", type=click.FloatRange(min=0)),
    )


def _run(
    *,
    town: Path,
    plan: Path,
    ledgers: Path,
    ledgers_output: Path,
    staff_role: str,
    staffing_day: datetime | None,
    most_grids: int,
    most_households: float | None,
    walk_limit_m: float | None,
    change_worth_m: float | None,
    time_limit: float | None,
) -> tuple[ExitCode, dict[str, Any]]:
    import pandas as pd

    from spatial.io import read_ledgers, read_plan, read_town, write_ledgers
    from spatial.ledgers import AssignmentRules, assign_workers, reposted, workers_of, workers_today

    place, grids, book = read_town(town), read_plan(plan), read_ledgers(ledgers)
    day = None if staffing_day is None else pd.Timestamp(staffing_day)
    found = assign_workers(
        place,
        grids,
        workers_of(book, place, grids, role=staff_role, day=day),
        today=workers_today(book, place, grids, role=staff_role, day=day),
        rules=AssignmentRules(most_grids, most_households, walk_limit_m, change_worth_m, time_limit),
    )
    say_report(found.report)
    matching, changed = found.matching, int(found.table["changed"].sum())
    result: dict[str, Any] = {
        "status": matching.status,
        "grids": len(found.table),
        "workers": len(found.loads),
        "changed": changed,
        "walk_m": matching.walk_m,
        "walk_bound_m": matching.walk_bound_m,
        "findings": [finding.as_record() for finding in found.report],
    }
    if matching.worker is None:
        say(f"commands.assign.{matching.status}")
        return ExitCode.RULE_BROKEN if matching.status == "infeasible" else ExitCode.NOT_FOUND, result
    say(
        f"commands.assign.{matching.status}",
        grids=len(found.table),
        changed=changed,
        mean_m=float(found.table["walk_m"].mean()),
    )
    write_ledgers(reposted(book, found, role=staff_role, day=day), ledgers_output)
    say("commands.written", path=ledgers_output)
    return ExitCode.DONE, result | {"ledgers": str(ledgers_output)}
