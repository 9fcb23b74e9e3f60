"""``wangge export``: a town, a plan or a coverage in the formats that offices use, or on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from api.commands.frame import ExitCode, LocalCommand, argument, option, say, say_report
from spatial.findings import Report

__all__ = ["command"]


def command() -> LocalCommand:
    """Return the command."""
    from maps.print import PRINT_FORMATS
    from spatial.io import EXPORT_FORMATS

    return LocalCommand(
        "export",
        _run,
        argument("package", type=Path),
        option("to", "--to", required=True, type=click.Choice((*EXPORT_FORMATS, *PRINT_FORMATS))),
        option("crs", "--crs", default=""),
        option("encoding", "--encoding", type=click.Choice(("utf-8", "gbk")), default="utf-8"),
        option("town", "--town", type=Path),
        option("notice_ledgers", "--ledgers", type=Path),
        option("internal", "--internal", is_flag=True),
        option("map_number", "--map-number", default=""),
        option("approved", "--approved", is_flag=True),
        option("output", "-o", "--output", required=True, type=Path),
    )


def _run(package: Path, to: str, output: Path, **how: Any) -> tuple[ExitCode, dict[str, Any]]:  # noqa: ANN401 - options of both kinds
    from maps.print import PRINT_FORMATS
    from spatial.io import read_package

    name, system, tables = read_package(package)
    if to in PRINT_FORMATS:
        report = _print(package, to, output, drawn="assignment" in tables, **how)
        lost = PRINT_FORMATS[to].lost
        say("commands.export.lost", lost=lost)
    else:
        from spatial.io import export_tables
        from spatial.messages import current_language

        report = export_tables(
            name,
            system,
            tables,
            output,
            to=to,
            reference=how["crs"],
            encoding=how["encoding"],
            titles=current_language(),
        )
    say_report(report)
    say("commands.written", path=output)
    return ExitCode.DONE, {
        "file": str(output),
        "rows": {table: len(frame) for table, frame in tables.items() if len(frame)},
        "findings": [finding.as_record() for finding in report],
    }


def _print(package: Path, to: str, output: Path, *, drawn: bool, **how: Any) -> Report:  # noqa: ANN401 - the same
    """Print a plan of ``--town``, or the grids of today of a town."""
    from maps.print import Marks, Printed, print_plan
    from spatial.errors import UsageError
    from spatial.grids import assignment_of_today, evaluate_plan
    from spatial.io import read_ledgers, read_plan, read_town

    if drawn and how["town"] is None:
        raise UsageError("print.town_missing", path=package)
    town = read_town(how["town"] or package)
    plan = read_plan(package) if drawn else evaluate_plan(town, assignment_of_today(town)).plan
    ledgers = read_ledgers(how["notice_ledgers"]) if how["notice_ledgers"] else None
    marks = Marks(how["internal"], how["map_number"], how["approved"])
    return print_plan(Printed(town, plan, ledgers, marks), output, to=to)
