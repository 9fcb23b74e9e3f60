"""``wangge compare``: which buildings and households change grid between two plans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api.commands.frame import ExitCode, LocalCommand, argument, option, say

__all__ = ["command"]


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "compare",
        _run,
        argument("before", type=Path),
        argument("after", type=Path),
        option("output", "-o", "--output", required=True, type=Path),
    )


def _run(before: Path, after: Path, output: Path) -> tuple[ExitCode, dict[str, Any]]:
    from spatial.grids import compare_plans
    from spatial.io import read_plan, write_difference

    difference = compare_plans(read_plan(before), read_plan(after))
    write_difference(difference, output)
    changes = difference.grids["change"].value_counts().to_dict()
    say("commands.compare.result", buildings=difference.buildings, households=difference.households)
    for before_id, after_id, moved, buildings in difference.flows.itertuples(index=False, name=None):
        say(
            "commands.compare.flow",
            before=before_id,
            after=after_id,
            buildings=buildings,
            households=int(moved),
        )
    say("commands.written", path=output)
    return ExitCode.DONE, {
        "difference": str(output),
        "buildings": difference.buildings,
        "households": difference.households,
        "grids": {change: int(count) for change, count in changes.items()},
    }
