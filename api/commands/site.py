"""``wangge site``: where the next services of a category go, and how surely that is best."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.commands.frame import ExitCode, LocalCommand, argument, option, say

if TYPE_CHECKING:
    from spatial.lifecircle.proposal import CandidateKind
    from spatial.lifecircle.siting import Model

__all__ = ["command"]

_MODELS = ("mclp", "lscp", "p_median", "p_center")
_CANDIDATES = ("sites", "estates", "facilities", "junctions")


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "site",
        _run,
        argument("town", type=Path),
        option("category", "--category", required=True),
        option("count", "--count", type=click.IntRange(min=0)),
        option("model", "--model", type=click.Choice(_MODELS), default="mclp", show_default=True),
        option(
            "candidates", "--candidates", type=click.Choice(_CANDIDATES), default="sites", show_default=True
        ),
        option("budget", "--budget", type=click.FloatRange(min=0)),
        option("capacity", "--capacity", type=click.FloatRange(min=0, min_open=True)),
        option("time_limit", "--time-limit", type=click.FloatRange(min=0, min_open=True)),
        option("output", "-o", "--output", required=True, type=Path),
    )


def _run(
    *,
    town: Path,
    category: str,
    count: int | None,
    model: Model,
    candidates: CandidateKind,
    budget: float | None,
    capacity: float | None,
    time_limit: float | None,
    output: Path,
) -> tuple[ExitCode, dict[str, Any]]:
    import numpy as np

    from spatial.io import read_town, write_proposal
    from spatial.lifecircle import site_facilities

    proposal = site_facilities(
        read_town(town),
        category,
        count,
        model,
        candidates=candidates,
        budget=budget,
        capacity=capacity,
        time_limit_s=time_limit,
    )
    write_proposal(proposal, output)
    summary = proposal.summary.iloc[0].to_dict()
    if summary["unreached"] > 0:
        say("commands.site.unreached", demand=summary["unreached"])
    for rank, row in proposal.sites.iterrows():
        say(
            "commands.site.chosen",
            rank=rank,
            name=row["name"] if isinstance(row["name"], str) else row["candidate_id"],
            gained=row["gained"],
            cumulated=row["cumulated"],
        )
    say(
        f"commands.site.status.{summary['status']}",
        bound=summary["bound"],
        gap=0.0 if summary["gap"] is None else summary["gap"],
    )
    say("commands.written", path=output)
    code = ExitCode.NOT_FOUND if summary["status"] == "none_found" else ExitCode.DONE
    finite = proposal.summary.replace([np.inf, -np.inf], np.nan)
    return code, {"sites": str(output), **json.loads(finite.iloc[0].to_json())}
