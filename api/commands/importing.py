"""``wangge import``: office files or OpenStreetMap data become a town; every row is accounted for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.commands.frame import ExitCode, LocalCommand, argument, option, progress_bars, say, say_report

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["command"]


def command() -> LocalCommand:
    """Return the command."""
    from spatial.io import PROPOSALS

    return LocalCommand(
        "import",
        _run,
        argument("sources", nargs=-1, type=Path),
        option("output", "-o", "--output", type=Path),
        option("mapping", "--mapping", type=Path),
        option("suggest", "--suggest", is_flag=True),
        option("repair", "--repair", is_flag=True),
        option("findings", "--findings", type=Path),
        option("propose", "--propose", type=click.Choice(PROPOSALS), multiple=True),
        option("place", "--place"),
        option("overpass", "--overpass", envvar="WANGGE_OVERPASS", default=""),
        option("nominatim", "--nominatim", envvar="WANGGE_NOMINATIM", default=""),
        option("osm_cache", "--osm-cache", envvar="WANGGE_OSM_CACHE", type=Path),
    )


def _run(  # noqa: PLR0917 — one parameter to an option
    sources: tuple[Path, ...],
    output: Path | None,
    mapping: Path | None,
    findings: Path | None,
    propose: tuple[str, ...],
    place: str | None,
    overpass: str,
    nominatim: str,
    osm_cache: Path | None,
    *,
    suggest: bool,
    repair: bool,
) -> tuple[ExitCode, dict[str, Any]]:
    from spatial.errors import UsageError
    from spatial.io import download_osm, outline_of

    if not sources and place is None:
        raise UsageError("commands.import.source_missing")
    if output is None and not (suggest and place is None):
        raise UsageError("commands.import.output_missing")
    if place is not None and output is not None:
        # Kept beside, so that the import can be repeated without the internet.
        downloaded = output.with_name(f"{output.stem}-osm.gpkg")
        wanted = outline_of(Path(place)) if Path(place).is_file() else place
        download_osm(wanted, downloaded, endpoint=overpass, geocoder=nominatim, cache=osm_cache)
        say("commands.written", path=downloaded)
        sources = (*sources, downloaded)
    if suggest:
        return _suggest(sources, output)
    if output is None:
        raise UsageError("commands.import.output_missing")
    return _import(sources, output, mapping, findings, propose, repair=repair)


def _suggest(sources: tuple[Path, ...], output: Path | None) -> tuple[ExitCode, dict[str, Any]]:
    from spatial.io import suggest_mapping, written_whole

    written = suggest_mapping(sources)
    if output is None:
        click.echo(written)
        return ExitCode.DONE, {"mapping": None}
    with written_whole(output) as partial:
        partial.write_text(written, encoding="utf-8")
    say("commands.import.suggested", path=output)
    return ExitCode.DONE, {"mapping": str(output)}


def _import(
    sources: tuple[Path, ...],
    output: Path,
    mapping: Path | None,
    findings: Path | None,
    propose: tuple[str, ...],
    *,
    repair: bool,
) -> tuple[ExitCode, dict[str, Any]]:
    from spatial.errors import SchemaError
    from spatial.findings import Report
    from spatial.io import import_tables, write_account, write_town

    imported, refused = None, Report()
    with progress_bars() as progress:
        raw = import_tables(sources, mapping, progress, repair=repair, propose=propose)
        try:
            imported = raw.town(progress)
        except SchemaError as failure:
            refused = failure.report
    if imported is None:
        _say_counts(raw.counts)
        say_report(refused)
        if findings is not None:  # where the faults lie is wanted most when there is no town
            write_account(refused, raw.tables, raw.crs, findings, raw.repairs)
            say("commands.written", path=findings)
        say("commands.import.refused" if repair else "commands.import.refused_unrepaired", path=output)
        return ExitCode.WRONG_INPUT, {
            "town": None,
            "findings_file": None if findings is None else str(findings),
            "findings": [finding.as_record() for finding in refused],
        }
    write_town(imported.town, output)
    _say_counts(imported.counts)
    say_report(imported.report)
    say("commands.written", path=output)
    if findings is None and len(imported.repairs):  # no repair without its record
        findings = output.with_name(f"{output.stem}-repairs.gpkg")
    if findings is not None:
        write_account(imported.report, imported.town.tables, imported.town.crs, findings, imported.repairs)
        say("commands.written", path=findings)
    counts = imported.counts
    return ExitCode.DONE, {
        "town": str(output),
        "findings_file": None if findings is None else str(findings),
        "rows": {name: len(table) for name, table in imported.town.tables.items() if len(table)},
        "counts": counts.astype(object).where(counts.notna(), None).to_dict(orient="records"),
        "repairs": len(imported.repairs),
        "findings": [finding.as_record() for finding in imported.report],
    }


def _say_counts(counts: pd.DataFrame) -> None:
    """Say of every layer how many rows were read, kept, and left out by which rule."""
    unused = counts["table"].isna()
    for record in counts[unused & (counts["rows"] > 0)].to_dict(orient="records"):
        say("commands.import.unused", layer=record["layer"], read=record["rows"])
    for (layer, table), rows in counts[~unused].groupby(["layer", "table"], sort=False):
        outcomes = rows.groupby("outcome", sort=False)["rows"].sum()
        say(
            "commands.import.counts",
            layer=layer,
            table=table,
            read=int(outcomes.sum()),
            kept=int(outcomes.get("kept", 0)),
        )
        for outcome, left_out in outcomes.drop("kept", errors="ignore").items():
            say(f"commands.import.outcome.{outcome}", rows=int(left_out))
