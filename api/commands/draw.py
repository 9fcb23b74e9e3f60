"""``wangge draw``: the grids of a town, by the rules, with certificates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.commands.frame import ExitCode, LocalCommand, argument, option, processes, progress_bars, say

if TYPE_CHECKING:
    from spatial.grids import GridRules, Plan

__all__ = ["command", "plan_summary", "rules_from"]


_NAMED_EXCEPTIONS = frozenset({"below_lower", "unit_above_upper"})


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "draw",
        _run,
        argument("town", type=Path),
        option("output", "-o", "--output", required=True, type=Path),
        option("rules", "--rules", type=Path),
        option("lower", "--lower", type=click.IntRange(min=0)),
        option("upper", "--upper", type=click.IntRange(min=1)),
        option("previous", "--previous", type=Path),
        option("time_limit", "--time-limit", type=click.FloatRange(min=0, min_open=True)),
        option("seed", "--seed", default=0, type=click.IntRange(min=0), show_default=True),
    )


def rules_from(path: Path | None, lower: int | None, upper: int | None) -> GridRules:
    """Return the rules of a file, or the default ones, with the window of the command line."""
    from dataclasses import replace

    from spatial.grids import GridRules, read_rules

    rules = GridRules() if path is None else read_rules(path)
    return replace(
        rules,
        lower=rules.lower if lower is None else lower,
        upper=rules.upper if upper is None else upper,
    )


def plan_summary(plan: Plan) -> dict[str, Any]:
    """Return what a plan comes to, as plain values."""
    # Parent grids, of level 1, hold the basic ones of level 2.
    drawn = plan.grids[plan.grids["level"] == 2]
    basic = drawn[drawn["kind"] == "basic"]
    certificates = plan.certificates
    return {
        "grids": len(basic),
        "special_grids": len(drawn) - len(basic),
        "in_range": int(basic["in_range"].fillna(value=False).sum()),
        "households": int(basic["households"].sum()),
        "extra_pieces": _total(certificates["extra_pieces"]),
        "extra_pieces_bound": _total(certificates["extra_pieces_bound"]),
        "statuses": certificates["status"].to_dict(),
        "exceptions": basic["exception_reason"].dropna().to_dict(),
    }


def _total(column: Any) -> int | None:  # noqa: ANN401 - a pandas column
    return int(column.sum()) if column.notna().all() else None


def _run(
    *,
    town: Path,
    output: Path,
    rules: Path | None,
    lower: int | None,
    upper: int | None,
    previous: Path | None,
    time_limit: float | None,
    seed: int,
) -> tuple[ExitCode, dict[str, Any]]:
    import numpy as np

    from spatial.grids import draw_plan
    from spatial.io import read_plan, read_town, write_plan

    window = rules_from(rules, lower, upper)
    place = read_town(town)
    with progress_bars() as progress, processes(len(place.communities)) as executor:
        plan = draw_plan(
            place,
            window,
            previous=None if previous is None else read_plan(previous),
            time_limit_s=time_limit,
            rng=np.random.default_rng(seed),
            progress=progress,
            executor=executor,
        )
    write_plan(plan, output)
    summary = plan_summary(plan)
    say("commands.draw.result", lower=window.lower, upper=window.upper, **summary)
    for grid_id, reason in summary["exceptions"].items():
        say("commands.draw.exception", grid=grid_id, reason=reason)
    say("commands.written", path=output)
    return _exit_code(plan), {"plan": str(output), "seed": seed, **summary}


def _exit_code(plan: Plan) -> ExitCode:
    from spatial.messages import text

    statuses = plan.certificates["status"]
    if (statuses == "none_found").any():
        missing = text("common.separator").join(plan.certificates.index[statuses == "none_found"])
        say("commands.draw.none_found", communities=missing)
        return ExitCode.NOT_FOUND
    # The exceptions that the rules name: a community below the window, one building above it.
    reasons = plan.certificates.loc[statuses == "infeasible", "witness_rules"].fillna("").str.split(";")
    named = reasons.map(lambda rules: set(rules) <= _NAMED_EXCEPTIONS).all()
    return ExitCode.DONE if named else ExitCode.RULE_BROKEN
