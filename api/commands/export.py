"""``wangge export``: a town, a plan or a coverage in the formats that offices use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from api.commands.frame import ExitCode, LocalCommand, argument, option, say, say_report

__all__ = ["command"]


def command() -> LocalCommand:
    """Return the command."""
    from spatial.io import EXPORT_FORMATS

    return LocalCommand(
        "export",
        _run,
        argument("package", type=Path),
        option("to", "--to", required=True, type=click.Choice(EXPORT_FORMATS)),
        option("crs", "--crs", default=""),
        option("encoding", "--encoding", type=click.Choice(("utf-8", "gbk")), default="utf-8"),
        option("output", "-o", "--output", required=True, type=Path),
    )


def _run(package: Path, to: str, crs: str, encoding: str, output: Path) -> tuple[ExitCode, dict[str, Any]]:
    from spatial.io import export_tables, read_package
    from spatial.messages import current_language

    name, system, tables = read_package(package)
    report = export_tables(
        name, system, tables, output, to=to, reference=crs, encoding=encoding, titles=current_language()
    )
    say_report(report)
    say("commands.written", path=output)
    return ExitCode.DONE, {
        "file": str(output),
        "rows": {table: len(frame) for table, frame in tables.items() if len(frame)},
        "findings": [finding.as_record() for finding in report],
    }
