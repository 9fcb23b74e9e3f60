"""``wangge serve``: the service and web page, for a single user on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.commands.frame import ExitCode, LocalCommand, argument, option, say, say_report

if TYPE_CHECKING:
    from api.store import Intake

__all__ = ["command"]


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "serve",
        _run,
        argument("packages", nargs=-1, type=Path),
        option("database_url", "--database-url"),
        option("host", "--host", default="127.0.0.1", show_default=True),
        option("port", "--port", default=8000, show_default=True, type=click.IntRange(0, 65535)),
        option("adopt", "--adopt", is_flag=True),
    )


def _run(
    packages: tuple[Path, ...], database_url: str | None, host: str, port: int, *, adopt: bool
) -> tuple[ExitCode, dict[str, Any]]:
    from api.serving import serve

    serve(
        packages,
        database_url,
        port,
        host=host,
        adopt=adopt,
        taken_in=_say_intakes,
        ready=lambda address: say("commands.serve.ready", address=address),
    )
    return ExitCode.DONE, {}


def _say_intakes(intakes: list[Intake]) -> None:
    for intake in intakes:
        say(f"commands.serve.state.{intake.state}", package=intake.key, revision=intake.revision)
        for one in intake.differences:
            say(
                "commands.serve.difference",
                table=one.table,
                added=one.added,
                removed=one.removed,
                changed=one.changed,
            )
        if len(intake.report):
            say_report(intake.report)
