"""``wangge cover``: how far every household walks, what share is covered, and what a scenario changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.commands.frame import ExitCode, LocalCommand, argument, option, progress_bars, say

if TYPE_CHECKING:
    from spatial.lifecircle import Assessment, Coverage, Indicator, Outcome
    from spatial.town import Town

__all__ = ["command"]


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "cover",
        _run,
        argument("town", type=Path),
        option("output", "-o", "--output", required=True, type=Path),
        option("coverage_plan", "--plan", type=Path),
        option("profile", "--profile"),
        option("scenario", "--scenario", type=Path),
        option("pace", "--pace"),
    )


def _run(
    *,
    town: Path,
    output: Path,
    coverage_plan: Path | None,
    profile: str | None,
    scenario: Path | None,
    pace: str | None,
) -> tuple[ExitCode, dict[str, Any]]:
    from spatial.io import read_plan, read_town, write_coverage
    from spatial.lifecircle import Assessment, try_changes
    from spatial.scenario import read_scenario

    place = read_town(town)
    plan = None if coverage_plan is None else read_plan(coverage_plan)
    indicators = () if profile is None else _indicators(profile, place)
    asked = None if scenario is None else read_scenario(scenario, place)
    with progress_bars() as progress:
        assessment = Assessment.of(place, plan, indicators, progress, pace=pace)
        if asked is None:
            outcome, coverage = None, assessment.coverage(progress)
        else:
            outcome = try_changes(assessment, asked.changes, pace=asked.pace)
            assessment, coverage = outcome.after, outcome.coverage(asked.name, progress)
    write_coverage(coverage, output)
    result: dict[str, Any] = {"coverage": str(output), "gaps": len(coverage.gaps)}
    result |= _rates(assessment, coverage)
    if asked is not None and outcome is not None:
        result["scenario"] = {"name": asked.name, **_effects(asked.name, outcome)}
    say("commands.written", path=output)
    return ExitCode.DONE, result


def _indicators(profile: str, town: Town) -> tuple[Indicator, ...]:
    """Return the coverage indicators of a standard, by its id or its file."""
    from spatial.standards import coverage_indicators, read_profile

    return coverage_indicators(read_profile(profile), town)


def _rates(assessment: Assessment, coverage: Coverage) -> dict[str, Any]:
    """Say the rates of the whole town, and return them by category and by indicator."""
    import pandas as pd

    from spatial.catalogue import categories
    from spatial.lifecircle import covered_share
    from spatial.messages import current_language

    catalogue = categories()
    names = assessment.survey.places.categories
    own_limit = {name: limits[0] for name, limits in zip(names, assessment.limits, strict=True)}
    rates = coverage.rates
    whole = rates[rates["subject_type"] == "town"]
    own = (whole["basis"] == "households") & (whole["limit_m"] == whole["category"].map(own_limit))
    whole = whole[own.fillna(value=False).astype(bool) | whole["indicator"].notna()]
    households = coverage.buildings["households"].sum(min_count=1)
    known = "result" if pd.notna(households) else "result_unknown"
    say(
        f"commands.cover.{known}",
        categories=len(names),
        buildings=len(coverage.buildings),
        households=households,
    )
    result: dict[str, Any] = {"rates": {}, "indicators": {}}
    for record, share in zip(whole.to_dict(orient="records"), covered_share(whole), strict=True):
        is_category = not pd.isna(record["category"])
        key = str(record["category"] if is_category else record["indicator"])
        name = catalogue[key].names[current_language()] if is_category and key in catalogue else key
        found: dict[str, Any] = {"limit_m": record["limit_m"], "basis": record["basis"], "share": None}
        if pd.isna(share):
            say("commands.cover.not_assessed", name=name)
        else:
            counts = {part: float(record[part]) for part in ("numerator", "denominator", "undetermined")}
            said = "rate" if is_category else "indicator"
            limit = _limit(assessment, record["limit_m"])
            say(f"commands.cover.{said}", name=name, share=share, limit=limit, **counts)
            found |= {"share": float(share), **counts}
        result["rates" if is_category else "indicators"][key] = found
    result["assessed"] = sum(one["share"] is not None for one in result["rates"].values())
    if not result["assessed"]:
        say("commands.cover.too_little")
    return result


def _limit(assessment: Assessment, limit_m: float) -> str:
    """Return a limit in metres, or in minutes of the pace."""
    from spatial.messages import text

    if assessment.pace is None:
        return text("commands.cover.metres", limit_m=limit_m)
    return text("commands.cover.minutes", minutes=limit_m / assessment.pace.metres_per_minute)


def _effects(name: str, outcome: Outcome) -> dict[str, Any]:
    """Say what a scenario changes, and return it by category."""
    from spatial.catalogue import categories
    from spatial.messages import current_language

    effects = outcome.effects()
    say("commands.cover.scenario", name=name, changes=len(outcome.changes), categories=len(effects))
    for row in effects.itertuples():
        known = categories().get(str(row.Index))
        said = known.names[current_language()] if known else str(row.Index)
        say("commands.cover.effect", name=said, gained=row.gained_households, lost=row.lost_households)
    return {
        "changes": len(outcome.changes),
        "pace": outcome.after.pace.name if outcome.after.pace else None,
        "effects": effects.to_dict(orient="index"),
    }
