"""``wangge evaluate``: today's grids, or a plan, judged by every rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api.commands.draw import plan_summary, rules_from
from api.commands.frame import ExitCode, LocalCommand, argument, option, progress_bars, say, say_report

__all__ = ["command"]


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "evaluate",
        _run,
        argument("town", type=Path),
        option("plan", "--plan", type=Path),
        option("output", "-o", "--output", required=True, type=Path),
        option("rules", "--rules", type=Path),
    )


def _run(town: Path, plan: Path | None, output: Path, rules: Path | None) -> tuple[ExitCode, dict[str, Any]]:
    from spatial.grids import assignment_of_today, evaluate_plan
    from spatial.io import read_grids, read_town, write_plan

    place = read_town(town)
    judged = assignment_of_today(place) if plan is None else read_grids(plan)
    with progress_bars() as progress:
        evaluation = evaluate_plan(place, judged, rules_from(rules, None, None), progress=progress)
    write_plan(evaluation.plan, output)
    say_report(evaluation.report)
    judged_plan = plan_summary(evaluation.plan)
    verdict = {
        "grids": judged_plan["grids"],
        "in_range": judged_plan["in_range"],
        "broken": len(evaluation.broken),
    }
    say("commands.evaluate.verdict", **verdict)
    say("commands.written", path=output)
    code = ExitCode.RULE_BROKEN if evaluation.broken else ExitCode.DONE
    return code, {
        "plan": str(output),
        **verdict,
        "ambiguous": evaluation.ambiguous["building_id"].astype(str).tolist(),
        "scores": _plain(evaluation.scores),
        "findings": [finding.as_record() for finding in evaluation.report],
    }


def _plain(scores: Any) -> dict[str, Any]:  # noqa: ANN401 - a pandas frame
    plain = scores.astype(object).where(scores.notna(), None)
    records: dict[str, Any] = plain.to_dict(orient="index")
    return records
