"""``wangge template``: explained Excel tables to fill, empty or prefilled from a town."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api.commands.frame import ExitCode, LocalCommand, argument, option, say

__all__ = ["command"]


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "template",
        _run,
        argument("town", required=False, type=Path),
        option("output", "-o", "--output", required=True, type=Path),
    )


def _run(town: Path | None, output: Path) -> tuple[ExitCode, dict[str, Any]]:
    from spatial.io import read_town, write_templates

    written = write_templates(output, None if town is None else read_town(town))
    for path in written:
        say("commands.written", path=path)
    return ExitCode.DONE, {"files": [str(path) for path in written]}
