"""``wangge import``: office files or OpenStreetMap data become a town; every row is accounted for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api.commands.frame import ExitCode, LocalCommand, argument, option, progress_bars, say, say_report

__all__ = ["command"]


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "import",
        _run,
        argument("sources", nargs=-1, required=True, type=Path),
        option("output", "-o", "--output", required=True, type=Path),
        option("mapping", "--mapping", type=Path),
        option("suggest", "--suggest", is_flag=True),
    )


def _run(
    sources: tuple[Path, ...], output: Path, mapping: Path | None, *, suggest: bool
) -> tuple[ExitCode, dict[str, Any]]:
    from spatial.errors import UsageError
    from spatial.io import import_town, suggest_mapping, write_town

    if suggest:
        output.write_text(suggest_mapping(sources), encoding="utf-8")
        say("commands.import.suggested", path=output)
        return ExitCode.DONE, {"mapping": str(output)}
    if mapping is None:
        raise UsageError("commands.import.mapping_missing")
    with progress_bars() as progress:
        imported = import_town(sources, mapping, progress)
    write_town(imported.town, output)
    counts = imported.counts
    unused = counts["table"].isna()
    for record in counts[unused].to_dict(orient="records"):
        say("commands.import.unused", layer=record["layer"], read=record["rows"])
    for (layer, table), rows in counts[~unused].groupby(["layer", "table"], sort=False):
        outcomes = rows.set_index("outcome")["rows"]
        say(
            "commands.import.counts",
            layer=layer,
            table=table,
            read=int(outcomes.sum()),
            kept=int(outcomes.get("kept", 0)),
        )
        for outcome, left_out in outcomes.drop("kept", errors="ignore").items():
            say(f"commands.import.outcome.{outcome}", rows=int(left_out))
    say_report(imported.report)
    say("commands.written", path=output)
    return ExitCode.DONE, {
        "town": str(output),
        "rows": {name: len(table) for name, table in imported.town.tables.items() if len(table)},
        "counts": counts.astype(object).where(counts.notna(), None).to_dict(orient="records"),
        "findings": [finding.as_record() for finding in imported.report],
    }
