"""``wangge check``: every finding about a town package, with table, ids and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api.commands.frame import ExitCode, LocalCommand, argument, say_report

__all__ = ["command"]


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand("check", _run, argument("town", type=Path))


def _run(town: Path) -> tuple[ExitCode, dict[str, Any]]:
    from spatial.errors import SchemaError
    from spatial.io import read_town

    try:
        checked = read_town(town)
    except SchemaError as failure:
        report, rows = failure.report, {}
    else:
        report = checked.report
        rows = {name: len(table) for name, table in checked.tables.items() if len(table)}
    say_report(report)
    code = ExitCode.RULE_BROKEN if report.errors else ExitCode.DONE
    return code, {
        "town": str(town),
        "rows": rows,
        "errors": len(report.errors),
        "findings": [finding.as_record() for finding in report],
    }
