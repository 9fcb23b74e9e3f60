"""The command line: ``wangge COMMAND …``.

Progress and prose go to standard error, results to standard output; with ``--json`` the last line of
standard output is one JSON object.  Each command stands in a module of its own, imported when it is
called: ``wangge check`` loads neither the web service nor the database.

Exit codes: 0 done; 1 a rule is broken (see each command); 2 wrong usage, unreadable input or too
little known; 3 nothing found within the limits, or an internal failure; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from api.commands.frame import CommandGroup, report_failure
from spatial.messages import LANGUAGES, use_language

__all__ = ["main"]

_COMMANDS = {
    "demo": "api.commands.demo",
    "import": "api.commands.importing",
    "check": "api.commands.check",
    "evaluate": "api.commands.evaluate",
    "draw": "api.commands.draw",
    "compare": "api.commands.compare",
    "cover": "api.commands.cover",
    "site": "api.commands.site",
    "rate": "api.commands.rate",
    "ledgers": "api.commands.ledgers",
    "assign": "api.commands.assign",
    "export": "api.commands.export",
    "template": "api.commands.template",
    "serve": "api.commands.serve",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave the process with its exit code.

    The language is that of ``--language``, else of the environment variable ``WANGGE_LANGUAGE``,
    else Chinese.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    with use_language(_language_of(words)):
        group = CommandGroup(_COMMANDS)
        try:
            outcome = group.main(words, prog_name="wangge", standalone_mode=False)
        except BaseException as failure:  # noqa: BLE001 - every failure becomes an exit code and a sentence
            sys.exit(report_failure(failure))
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _language_of(words: list[str]) -> str:
    # The language must be known before the help texts are made, so it is read ahead of all options.
    chosen = os.environ.get("WANGGE_LANGUAGE", LANGUAGES[0])
    for position, word in enumerate(words):
        if word == "--language" and position + 1 < len(words):
            chosen = words[position + 1]
        elif word.startswith("--language="):
            chosen = word.partition("=")[2]
    return chosen if chosen in LANGUAGES else LANGUAGES[0]
