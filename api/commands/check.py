"""``wangge check``: every finding about a town package, with table, ids and remedy; safe repairs on request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api.commands.frame import ExitCode, LocalCommand, argument, option, say, say_report

__all__ = ["command"]


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "check",
        _run,
        argument("town", type=Path),
        option("repair", "--repair", is_flag=True),
        option("output", "-o", "--output", type=Path),
        option("findings", "--findings", type=Path),
    )


def _run(
    town: Path, output: Path | None, findings: Path | None, *, repair: bool
) -> tuple[ExitCode, dict[str, Any]]:
    from spatial.errors import UsageError
    from spatial.io import check_package, write_account, write_town

    if repair != (output is not None):
        raise UsageError("commands.check.repair_and_output")
    checked = check_package(town, repair=repair)
    say_report(checked.report)
    mended = None
    if output is not None and checked.town is not None:
        mended = write_town(checked.town, output)
        say("commands.written", path=mended)
        if findings is None and len(checked.repairs):  # no repair without its record
            findings = output.with_name(f"{output.stem}-repairs.gpkg")
    if findings is not None:
        write_account(checked.report, checked.tables, checked.crs, findings, checked.repairs)
        say("commands.written", path=findings)
    code = ExitCode.RULE_BROKEN if checked.report.errors else ExitCode.DONE
    rows = {} if checked.town is None else checked.town.tables
    return code, {
        "town": str(town),
        "mended": None if mended is None else str(mended),
        "findings_file": None if findings is None else str(findings),
        "rows": {name: len(table) for name, table in rows.items() if len(table)},
        "errors": len(checked.report.errors),
        "repairs": len(checked.repairs),
        "findings": [finding.as_record() for finding in checked.report],
    }
