"""What all commands share: help in the reader's language, progress, results, and exit codes."""

from __future__ import annotations

import json
import os
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from enum import IntEnum
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from spatial.errors import SchemaError, SearchError, WanggeError
from spatial.findings import Report
from spatial.messages import LANGUAGES, text

__all__ = [
    "CommandGroup",
    "ExitCode",
    "LocalCommand",
    "argument",
    "option",
    "processes",
    "progress_bars",
    "publish",
    "report_failure",
    "say",
    "say_report",
]

Progress = Callable[[str, int, int], None]

# A process takes seconds to start, as long as a few small communities take to draw.
_TASKS_WORTH_PROCESSES = 8


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    RULE_BROKEN = 1
    WRONG_INPUT = 2
    NOT_FOUND = 3
    INTERRUPTED = 130


class _LocalHelp(click.Command):
    """A command whose help has its headings in the reader's language."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        words = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, words, prefix=text("commands.usage") + " ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [record for one in self.get_params(ctx) if (record := one.get_help_record(ctx)) is not None]
        with formatter.section(text("commands.options")):
            formatter.write_dl(rows)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        found = super().get_help_option(ctx)
        if found is not None:
            found.help = text("commands.help")
        return found


class LocalCommand(_LocalHelp):
    """One command: its name, its parameters, and the function that runs it.

    Its description is the text ``commands.NAME.help``; every command takes ``--json`` and
    ``--language``.

    Parameters
    ----------
    name : the word after ``wangge``
    run : called with the parameters by name; returns an exit code and a result for ``--json``
    parameters : made by `argument` and `option`
    """

    def __init__(
        self, name: str, run: Callable[..., tuple[ExitCode, Mapping[str, Any]]], *parameters: click.Parameter
    ) -> None:
        def finish(*, json: bool, **values: Any) -> int:  # noqa: ANN401 - parameters of any command
            code, result = run(**values)
            if json:
                publish({"command": name, "exit_code": int(code), **result})
            return int(code)

        super().__init__(
            name,
            options_metavar=text("commands.options_metavar"),
            callback=finish,
            params=[*parameters, option("json", "--json", is_flag=True), _language_option()],
            help=text(f"commands.{name}.help"),
        )


class CommandGroup(_LocalHelp, click.Group):
    """All commands, each imported only when it is called or listed.

    Parameters
    ----------
    modules : module of each command by its name; the module has ``command()`` → `LocalCommand`
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        super().__init__(
            "wangge",
            options_metavar=text("commands.options_metavar"),
            subcommand_metavar=text("commands.subcommand_metavar"),
            params=[_language_option()],
            help=text("commands.wangge.help"),
            no_args_is_help=True,
        )
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - signature of click
        """Return the names of all commands."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command."""
        if name not in self._modules:
            return None
        made: click.Command = import_module(self._modules[name]).command()
        return made

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the commands."""
        super().format_options(ctx, formatter)
        # The descriptions stand in the catalogue, so that listing the commands imports none of them.
        rows = [(name, text(f"commands.{name}.help").partition("\n")[0]) for name in self._modules]
        with formatter.section(text("commands.commands")):
            formatter.write_dl(rows)


def argument(name: str, **settings: Any) -> click.Argument:  # noqa: ANN401 - passed to click
    """Return a positional parameter; its help stands in its command's description."""
    return click.Argument([name], **settings)


def option(name: str, *spellings: str, **settings: Any) -> click.Option:  # noqa: ANN401 - passed to click
    """Return an option whose help is the text ``commands.option.NAME``."""
    return click.Option([*spellings, name], help=text(f"commands.option.{name}"), **settings)


def _language_option() -> click.Option:
    return option("language", "--language", type=click.Choice(LANGUAGES), expose_value=False)


def publish(result: Mapping[str, Any]) -> None:
    """Print a result as one line of JSON on standard output."""
    click.echo(json.dumps(result, ensure_ascii=False, allow_nan=False))


def say(key: str, **values: object) -> None:
    """Print a text of the catalogues on standard error."""
    click.echo(text(key, language=None, **values), err=True)


def say_report(report: Report) -> None:
    """Print every finding of a report on standard error, one to a line, and how many there are."""
    for finding in report:
        say(f"commands.severity.{finding.severity.value}", message=finding.statement.text())
    say("commands.report", findings=len(report), errors=len(report.errors))


@contextmanager
def processes(tasks: int) -> Iterator[Executor | None]:
    """Run some processes for the ``with`` block, one to a core; None where few tasks would not repay them."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    cores = os.cpu_count() or 1
    if tasks < _TASKS_WORTH_PROCESSES or cores == 1:
        yield None
        return
    # A fresh process is the same on every system, and takes no threads of the libraries with it.
    with ProcessPoolExecutor(min(cores, tasks), mp_context=get_context("spawn")) as pool:
        yield pool


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Show a bar for every stage a planning function reports; quiet where nobody watches."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def update(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(text(stage), total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield update


def report_failure(failure: BaseException) -> int:  # noqa: PLR0911 - one return to a kind of failure
    """Say what went wrong on standard error and return the exit code that stands for it."""
    match failure:
        case SchemaError():
            say_report(failure.report)
            return ExitCode.WRONG_INPUT
        case SearchError():
            click.echo(str(failure), err=True)
            return ExitCode.NOT_FOUND
        case WanggeError():
            click.echo(str(failure), err=True)
            return ExitCode.WRONG_INPUT
        case click.exceptions.Exit():
            return failure.exit_code
        case click.exceptions.NoArgsIsHelpError():
            click.echo(failure.format_message(), err=True)
            return ExitCode.WRONG_INPUT
        case click.ClickException():
            say("commands.wrong_usage", message=failure.format_message())
            return ExitCode.WRONG_INPUT
        case KeyboardInterrupt() | click.Abort():
            say("commands.interrupted")
            return ExitCode.INTERRUPTED
    # Nobody at a planning desk can read a traceback, but whoever mends the fault needs it.
    with tempfile.NamedTemporaryFile(
        "w", prefix="wangge-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        traceback.print_exception(failure, file=log)
    say("commands.internal", kind=type(failure).__name__, message=str(failure), log=Path(log.name))
    return ExitCode.NOT_FOUND
