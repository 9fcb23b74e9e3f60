"""``wangge rate``: indicators, scores and stars of a town by a standard, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.commands.frame import ExitCode, LocalCommand, argument, option, progress_bars, say

if TYPE_CHECKING:
    import pandas as pd

    from spatial.standards import Gains, Rating

__all__ = ["command"]

_DATE = click.DateTime(["%Y-%m-%d"])


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "rate",
        _run,
        argument("town", type=Path),
        option("standard", "--profile", required=True),
        option("rated_plan", "--plan", type=Path),
        option("rated_ledgers", "--ledgers", type=Path),
        option("as_of", "--as-of", type=_DATE),
        option("since", "--since", type=_DATE),
        option("build_list", "--build-list", is_flag=True),
        option("internal", "--internal", is_flag=True),
        option("map_number", "--map-number", default=""),
        option("approved", "--approved", is_flag=True),
        option("report", "-o", "--output", type=Path),
    )


def _run(
    *,
    town: Path,
    standard: str,
    rated_plan: Path | None,
    rated_ledgers: Path | None,
    as_of: datetime | None,
    since: datetime | None,
    build_list: bool,
    internal: bool,
    map_number: str,
    approved: bool,
    report: Path | None,
) -> tuple[ExitCode, dict[str, Any]]:
    from maps.print import Marks
    from maps.reports import Findings, write_report
    from spatial import standards
    from spatial.io import read_ledgers, read_plan, read_town
    from spatial.ledgers import ledger_measures

    profile = standards.read_profile(standard)
    place = read_town(town)
    plan = None if rated_plan is None else read_plan(rated_plan)
    ledgers = None if rated_ledgers is None else read_ledgers(rated_ledgers)
    measures = None if ledgers is None else ledger_measures(ledgers, place, plan)
    day = None if as_of is None else as_of.date().isoformat()
    with progress_bars() as progress:
        if since is None:
            gains = None
            rating = standards.rate_town(
                place, profile, plan=plan, measures=measures, as_of=day, progress=progress
            )
        else:
            gains = standards.gained_since(
                place,
                profile,
                since.date().isoformat(),
                until=day,
                plan=plan,
                measures=measures,
                progress=progress,
            )
            rating = gains.after
    _say_scores(rating)
    result: dict[str, Any] = {
        "profile": profile.profile_id,
        "title": profile.title(),
        "stand_in": profile.stand_in,
        "provenance": dict(rating.provenance),
        "scores": _records(rating.score_table()),
        "indicators": _records(rating.table()),
    }
    if gains is not None:
        _say_gains(gains)
        result["gains"] = {
            name: _records(getattr(gains, name)) for name in ("indicators", "scores", "facilities")
        }
    lines = standards.build_list(rating) if build_list or report is not None else None
    if lines is not None:
        say("commands.rate.build_list", lines=len(lines), score=_last_score(lines, rating))
        result["build_list"] = _records(lines.reset_index())
    if report is not None:
        findings = Findings(
            town=place,
            rating=rating,
            plan=plan,
            coverage=rating.facts.assessment.coverage(),
            ledgers=ledgers,
            build_list=lines,
            gains=gains,
            marks=Marks(internal=internal, map_number=map_number, approved=approved),
        )
        write_report(report, findings)
        say("commands.written", path=report)
        result["report"] = str(report)
    return ExitCode.DONE, result


def _say_scores(rating: Rating) -> None:
    """Say title, scores and stars; what is not assessed is said beside them."""
    import pandas as pd

    say("commands.rate.title", title=rating.profile.title())
    for row in rating.score_table().to_dict(orient="records"):
        key = "not_assessed" if pd.isna(row["score"]) else "unstarred" if pd.isna(row["stars"]) else "starred"
        say(f"commands.rate.{key}", **{str(name): value for name, value in row.items()})


def _say_gains(gains: Gains) -> None:
    whole = gains.scores.iloc[0].to_dict()
    say(
        "commands.rate.gains",
        facilities=len(gains.facilities),
        before=float(whole["score_before"]),
        after=float(whole["score_after"]),
    )


def _last_score(lines: pd.DataFrame, rating: Rating) -> float:
    """Return the score of the town once all is done."""
    return float(lines["town_score"].iloc[-1] if len(lines) else rating.scores["score"].iloc[0])


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON holds them: unknown is null, a text by language is that of the reader."""
    import pandas as pd

    from spatial.messages import current_language

    def plain(value: Any) -> object:  # noqa: ANN401 - any cell of a table
        if isinstance(value, Mapping):
            return value.get(current_language())
        if isinstance(value, tuple | list):
            return list(value)
        return None if value is None or pd.isna(value) else value

    return [
        {str(name): plain(value) for name, value in row.items()}
        for row in frame.astype(object).to_dict(orient="records")
    ]
