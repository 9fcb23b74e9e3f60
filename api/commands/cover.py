"""``wangge cover``: how far every household walks, and what share is covered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api.commands.frame import ExitCode, LocalCommand, argument, option, progress_bars, say

__all__ = ["command"]


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "cover",
        _run,
        argument("town", type=Path),
        option("output", "-o", "--output", required=True, type=Path),
        option("coverage_plan", "--plan", type=Path),
    )


def _run(town: Path, output: Path, coverage_plan: Path | None) -> tuple[ExitCode, dict[str, Any]]:
    import pandas as pd

    from spatial.catalogue import categories
    from spatial.io import read_plan, read_town, write_coverage
    from spatial.lifecircle import assess_coverage, covered_share
    from spatial.messages import current_language

    place = read_town(town)
    plan = None if coverage_plan is None else read_plan(coverage_plan)
    with progress_bars() as progress:
        coverage = assess_coverage(place, plan=plan, progress=progress)
    write_coverage(coverage, output)
    catalogue = categories()
    rates = coverage.rates
    whole = rates[(rates["subject_type"] == "town") & (rates["basis"] == "households")]
    own_limit = whole["category"].map({name: one.radius_m for name, one in catalogue.items()})
    whole = whole[whole["limit_m"] == own_limit]
    say(
        "commands.cover.result",
        categories=len(whole),
        buildings=len(coverage.buildings),
        households=int(coverage.buildings["households"].sum()),
    )
    results: dict[str, Any] = {}
    for record, share in zip(whole.to_dict(orient="records"), covered_share(whole), strict=True):
        category = str(record["category"])
        name = catalogue[category].names[current_language()]
        results[category] = {"limit_m": record["limit_m"], "share": None}
        if pd.isna(share):
            say("commands.cover.not_assessed", name=name)
            continue
        counts = {part: float(record[part]) for part in ("numerator", "denominator", "undetermined")}
        say("commands.cover.rate", name=name, limit_m=record["limit_m"], share=share, **counts)
        results[category] |= {"share": float(share), **counts}
    say("commands.written", path=output)
    return ExitCode.DONE, {"coverage": str(output), "gaps": len(coverage.gaps), "rates": results}
