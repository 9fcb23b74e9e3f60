"""Chapters: what a report says of a rating, its town, its plan, its coverage and its ledgers.

Every table names source and date of its figures; what was not assessed says why, and is never 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd

from maps.certificates import certificate_sentence, certificate_tag
from maps.features import household_columns
from maps.print.drawing import Scene
from maps.print.marks import Marks, crs_in_words, data_date, map_number, plan_fingerprint, rules_in_words
from maps.reports.document import Cell, Chapter, Document, Figure, Table, cell, columns
from maps.reports.figures import build_map, gap_map, plan_map
from maps.reports.ledgers import ledger_chapter
from spatial.catalogue import categories
from spatial.grids import Plan
from spatial.grids.wording import retold
from spatial.ledgers import Ledgers
from spatial.lifecircle import Coverage, covered_share
from spatial.messages import current_language, text
from spatial.standards import Gains, Rating
from spatial.town import Town

__all__ = ["Findings", "document"]

_ROWS_ON_PAGES = 60


@dataclass(frozen=True, eq=False)
class Findings:
    """What a report is about; what is None is left out.

    Attributes
    ----------
    town, rating : the town and how it was rated
    plan : the grids of the report
    coverage : the walks of the report
    ledgers : the ledgers; only summaries that may leave the office are shown
    build_list : rows of `spatial.standards.build_list`
    gains : what was gained since a date
    marks : what the office puts on its papers
    day : day of printing; today when None
    """

    town: Town
    rating: Rating
    plan: Plan | None = None
    coverage: Coverage | None = None
    ledgers: Ledgers | None = None
    build_list: pd.DataFrame | None = None
    gains: Gains | None = None
    marks: Marks = field(default_factory=Marks)
    day: date | None = None


def document(findings: Findings) -> Document:
    """Return the report in the current language."""
    town, rating = findings.town, findings.rating
    day = findings.day or date.today()  # noqa: DTZ011 - the day on the office's calendar
    labels = []
    if town.synthetic or rating.provenance.get("synthetic") == "true":
        labels.append(text("print.synthetic"))
    if rating.profile.stand_in:
        labels.append(text("reports.stand_in"))
    if not findings.marks.approved:
        labels.append(text("print.sketch"))
    marks = [text("print.internal")] if findings.marks.internal else []
    marks += [map_number(findings.marks), text("print.printed", date=day.isoformat())]
    return Document(
        title=text("reports.title", town=town.name, profile=rating.profile.title()),
        labels=tuple(labels),
        marks=tuple(marks),
        chapters=tuple(
            replace(chapter, title=text("reports.numbered", number=number, title=chapter.title))
            for number, chapter in enumerate(_chapters(findings), 1)
        ),
        language=current_language(),
    )


def _chapters(findings: Findings) -> Iterator[Chapter]:
    town, rating = findings.town, findings.rating
    scene = Scene(town, findings.plan, findings.coverage)
    yield _summary(findings)
    yield Chapter(
        text("reports.chapter.indicators"),
        (text("reports.intro.indicators"), text("reports.intro.evidence")),
        tables=(_indicators(rating),),
    )
    if findings.plan is not None:
        yield _grids(scene, town, findings.plan)
    if findings.coverage is not None:
        yield _gaps(scene, town, findings.coverage)
    if findings.build_list is not None:
        yield _build_list(scene, rating, findings.build_list)
    if findings.gains is not None:
        yield _gains(findings.gains)
    if findings.ledgers is not None:
        yield ledger_chapter(findings.ledgers, town, findings.plan)
    yield _sources(findings)


def _summary(findings: Findings) -> Chapter:
    town, rating = findings.town, findings.rating
    scores = rating.score_table()
    whole = scores.iloc[0]
    counted = household_columns(town.buildings, pd.Series("town", index=town.buildings.index))
    total = counted.iloc[0] if len(counted) else pd.Series(dtype="Int64")
    facts: list[tuple[str, Cell]] = [
        ("profile", rating.profile.title()),
        ("standard", rating.profile.source.get(current_language(), "")),
        ("score", cell(whole["score"], text("reports.not_assessed"))),
        ("stars", _stars(whole)),
        ("assessed_percent", cell(round(100 * float(whole["assessed_share"]), 1))),
        ("households", cell(total.get("households", pd.NA), text("print.not_stated"))),
        ("estimated", cell(total.get("estimated_households", pd.NA), text("print.not_stated"))),
        ("unknown_buildings", cell(total.get("unknown_buildings", pd.NA), text("print.not_stated"))),
        ("data_date", rating.provenance.get("as_of") or data_date(town)),
        ("crs", crs_in_words(town)),
        ("town_fingerprint", town.fingerprint()),
        ("profile_fingerprint", rating.profile.fingerprint),
        ("version", rating.provenance.get("code_version", "")),
    ]
    if findings.plan is not None:
        facts += [("plan", plan_fingerprint(findings.plan)), ("rules", rules_in_words(findings.plan))]
    source = _source(town)
    note = rating.profile.note.get(current_language(), "")
    return Chapter(
        text("reports.chapter.summary"),
        tuple(one for one in (note, text("reports.intro.summary")) if one),
        tables=(
            Table(
                text("reports.table.facts"),
                columns(("item", "text", 30), ("content", "text", 70)),
                tuple((text(f"reports.fact.{name}"), value) for name, value in facts),
                source,
            ),
            Table(
                text("reports.table.scores"),
                columns(
                    ("subject", "text", 20),
                    ("level", "text", 12),
                    ("score", "number", 9),
                    ("assessed_share", "share", 10),
                    ("stars", "text", 22),
                    ("vetoes", "text", 34),
                    ("indicators", "count", 8),
                    ("assessed", "count", 8),
                    ("met", "count", 8),
                ),
                tuple(
                    (
                        row["subject_name"],
                        text(f"reports.level.{row['level']}"),
                        cell(row["score"], text("reports.not_assessed")),
                        cell(row["assessed_share"]),
                        _stars(row),
                        cell(row["vetoes"]),
                        *(cell(row[name]) for name in ("indicators", "assessed", "met")),
                    )
                    for _, row in scores.iterrows()
                ),
                source,
            ),
        ),
    )


def _stars(row: pd.Series) -> Cell:
    """Return stars as a sign for each; why there are none where they are withheld."""
    if pd.isna(row["stars"]):
        return cell(row["stars_reason"], text("reports.no_stars"))
    return text("reports.stars", count=int(row["stars"]))


def _indicators(rating: Rating) -> Table:
    frame = rating.table()
    rows = tuple(
        (
            row["subject_name"],
            text(f"reports.level.{row['level']}"),
            row["name"],
            cell(row["value"], text("reports.not_assessed")),
            cell(row["unit"]),
            cell(row["target"]),
            cell(row["score"], text("reports.not_assessed")),
            cell(row["numerator"]),
            cell(row["denominator"]),
            cell(row["undetermined"]),
            cell(row["estimated_share"]),
            cell(row["reason"]),
            cell(row["limit_m"]),
            cell(row["weight"]),
            text("reports.yes") if row["mandatory"] else text("reports.no"),
            evidence(row["evidence"]),
            evidence(row["evidence_target"]),
            evidence(row["evidence_threshold"]),
            cell(row["source"]),
            cell(row["target_source"]),
            cell(row["data_source"], text("print.not_stated")),
            cell(row["as_of"], text("print.not_stated")),
        )
        for _, row in frame.iterrows()
    )
    heads = columns(
        ("subject", "text", 20),
        ("level", "text", 10, False),
        ("indicator", "text", 34),
        ("value", "number", 15),
        ("unit", "text", 20),
        ("target", "number", 12),
        ("score", "number", 14),
        ("numerator", "count", 16),
        ("denominator", "count", 16),
        ("undetermined", "count", 12, False),
        ("estimated_share", "share", 14),
        ("reason", "text", 40),
        ("limit_m", "count", 10, False),
        ("weight", "number", 10, False),
        ("mandatory", "text", 10, False),
        ("evidence", "text", 14),
        ("evidence_target", "text", 14),
        ("evidence_threshold", "text", 14, False),
        ("source", "text", 30, False),
        ("target_source", "text", 30, False),
        ("data_source", "text", 30),
        ("as_of", "text", 19),
    )
    return Table(text("reports.table.indicators"), heads, rows, grouped=True)


def evidence(word: Any) -> str:  # noqa: ANN401 - a word of the catalogue, or a null
    """Return an evidence word in the reader's language."""
    return "" if pd.isna(word) else text(f"reports.evidence.{word}")


def _grids(scene: Scene, town: Town, plan: Plan) -> Chapter:
    frame = scene.frame("grids")
    rows = tuple(
        (
            cell(row["code"], str(grid_id)),
            cell(row["community"]),
            text(f"reports.grid_kind.{row['kind']}"),
            cell(row["households"], text("print.not_stated") if row["kind"] == "basic" else None),
            cell(row["estimated_households"]),
            cell(row["unknown_buildings"]),
            cell(row["buildings"]),
            cell(row["estates"]),
            cell(row["area_m2"]),
            _in_range(plan.grids["in_range"].get(grid_id)) if row["kind"] == "basic" else None,
            cell(retold(plan.grids.loc[grid_id], "exception_reason")),
        )
        for grid_id, row in frame.assign(kind=plan.grids["kind"].reindex(frame.index)).iterrows()
    )
    heads = columns(
        ("code", "text", 26),
        ("community", "text", 18),
        ("kind", "text", 12),
        ("households", "count", 10),
        ("estimated", "count", 10),
        ("unknown_buildings", "count", 12),
        ("buildings", "count", 9),
        ("estates", "count", 9),
        ("area_m2", "count", 12),
        ("in_range", "text", 11),
        ("exception", "text", 30),
    )
    names = town.communities["name"]
    certificates = tuple(
        (
            cell(names.get(community_id, community_id)),
            certificate_tag(row["status"]),
            cell(row["grids"]),
            cell(row["households"]),
            cell(row["extra_pieces"]),
            certificate_sentence(row),
        )
        for community_id, row in plan.certificates.iterrows()
    )
    certified = columns(
        ("community", "text", 18),
        ("certificate", "text", 12),
        ("grids", "count", 8),
        ("households", "count", 10),
        ("extra_pieces", "count", 10),
        ("meaning", "text", 60),
    )
    source = _source(town)
    return Chapter(
        text("reports.chapter.grids"),
        (text("reports.intro.grids", rules=rules_in_words(plan), fingerprint=plan_fingerprint(plan)),),
        figures=(plan_map(scene, source),),
        tables=(
            Table(text("reports.table.grids"), heads, rows, source),
            Table(text("reports.table.certificates"), certified, certificates, source),
        ),
    )


def _in_range(value: Any) -> str:  # noqa: ANN401 - a flag or a null
    return text("print.not_stated") if pd.isna(value) else text("reports.yes" if value else "reports.no")


def _gaps(scene: Scene, town: Town, coverage: Coverage) -> Chapter:
    known = categories()
    language = current_language()
    rates = coverage.rates
    rates = rates[(rates["subject_type"] == "town") & (rates["basis"] == "households")]
    limits = rates["category"].map({name: one.radius_m for name, one in known.items()})
    rates = rates[(rates["limit_m"] == limits).fillna(value=False).to_numpy(bool)]
    rates = rates.assign(share=covered_share(rates))
    covered = tuple(
        (
            known[row["category"]].names[language],
            cell(row["limit_m"]),
            cell(row["share"], text("reports.not_assessed")),
            cell(row["numerator"]),
            cell(row["denominator"]),
            cell(row["undetermined"]),
            cell(row["estimated_share"]),
        )
        for _, row in rates.iterrows()
    )
    gaps = coverage.gaps.sort_values("households", ascending=False, kind="stable")
    place = scene.frame("gaps")["title"].reindex(gaps.index)
    listed = tuple(
        (
            known[row["category"]].names[language],
            cell(place[gap_id]),
            cell(row["limit_m"]),
            cell(row["households"], text("print.not_stated")),
            cell(row["buildings"]),
            cell(row["nearest_m"], text("print.not_stated")),
            "" if pd.isna(row["cause"]) else text(f"maps.code.gap_cause.{row['cause']}"),
        )
        for gap_id, row in gaps.iterrows()
    )
    source = _source(town)
    figures: tuple[Figure, ...] = ()
    if len(gaps):
        worst = str(gaps.groupby("category")["households"].sum().idxmax())
        figures = (gap_map(scene, coverage, worst, source),)
    return Chapter(
        text("reports.chapter.gaps"),
        (text("reports.intro.gaps"),),
        figures=figures,
        tables=(
            Table(
                text("reports.table.rates"),
                columns(
                    ("category", "text", 34),
                    ("limit_m", "count", 10),
                    ("rate", "share", 12),
                    ("covered", "count", 12),
                    ("all_households", "count", 12),
                    ("undetermined", "count", 12),
                    ("estimated_share", "share", 14),
                ),
                covered,
                source,
            ),
            Table(
                text("reports.table.gaps"),
                columns(
                    ("category", "text", 34),
                    ("community", "text", 18),
                    ("limit_m", "count", 10),
                    ("households", "count", 12),
                    ("buildings", "count", 10),
                    ("nearest_m", "count", 12),
                    ("cause", "text", 24),
                ),
                listed,
                source,
                most_on_pages=_ROWS_ON_PAGES,
            ),
        ),
    )


def _build_list(scene: Scene, rating: Rating, lines: pd.DataFrame) -> Chapter:
    language = current_language()
    known = rating.profile.categories
    separator = text("common.separator")
    rows = tuple(
        (
            cell(rank),
            text(f"reports.action.{row['action']}"),
            rating.profile.indicator(row["indicator"]).name(),
            separator.join(known[one].names[language] for one in row["categories"]),
            cell(row["subject_name"]),
            cell(row["count"]),
            cell(row["amount"]),
            row["unit"][language] if row["unit"] else None,
            cell(row["least_floor_area_m2"]),
            cell(row["least_land_area_m2"]),
            cell(row["place_name"]),
            cell(row["x"]),
            cell(row["y"]),
            cell(row["households"]),
            cell(row["town_score"]),
            _proven(row["proven"]),
            evidence(row["evidence"]),
            evidence(row["evidence_target"]),
        )
        for rank, row in lines.iterrows()
    )
    heads = columns(
        ("rank", "count", 8),
        ("action", "text", 10),
        ("indicator", "text", 30),
        ("category", "text", 26, False),
        ("subject", "text", 18),
        ("count", "count", 9),
        ("amount", "number", 12),
        ("unit", "text", 16),
        ("floor_area", "count", 12, False),
        ("land_area", "count", 12, False),
        ("place", "text", 24),
        ("x", "count", 12, False),
        ("y", "count", 12, False),
        ("gained", "count", 12),
        ("town_score", "number", 12),
        ("proven", "text", 12),
        ("evidence", "text", 14),
        ("evidence_target", "text", 14),
    )
    source = _source(scene.town)
    sited = lines["x"].notna().any()
    return Chapter(
        text("reports.chapter.build"),
        (text("reports.intro.build"),),
        figures=(build_map(scene, lines, source),) if sited else (),
        tables=(Table(text("reports.table.build"), heads, rows, source, most_on_pages=_ROWS_ON_PAGES),),
    )


def _proven(value: Any) -> Cell:  # noqa: ANN401 - a flag or a null
    return None if pd.isna(value) else text("reports.proven" if value else "reports.not_proven")


def _gains(gains: Gains) -> Chapter:
    named = gains.after.profile
    rows = tuple(
        (
            cell(row["subject_name"]),
            named.indicator(row["indicator"]).name(),
            *(
                cell(row[name])
                for name in ("value_before", "value_after", "gained", "score_before", "score_after")
            ),
        )
        for _, row in gains.indicators.iterrows()
    )
    heads = columns(
        ("subject", "text", 20),
        ("indicator", "text", 34),
        ("value_before", "number", 14),
        ("value_after", "number", 14),
        ("gained", "count", 14),
        ("score_before", "number", 14),
        ("score_after", "number", 14),
    )
    return Chapter(
        text("reports.chapter.gains"),
        (text("reports.intro.gains", facilities=len(gains.facilities)),),
        tables=(Table(text("reports.table.gains"), heads, rows),) if rows else (),
    )


def _sources(findings: Findings) -> Chapter:
    held: list[tuple[str, Mapping[str, str]]] = [("town", findings.town.provenance)]
    for name in ("plan", "coverage", "ledgers", "rating"):
        part = getattr(findings, name)
        if part is not None:
            held.append((name, part.provenance))
    rows = tuple(
        (text(f"reports.from.{name}"), key, value) for name, own in held for key, value in own.items()
    )
    heads = columns(("from", "text", 20), ("key", "text", 30), ("content", "text", 80))
    return Chapter(
        text("reports.chapter.sources"), tables=(Table(text("reports.table.sources"), heads, rows),)
    )


def _source(town: Town) -> str:
    """Return source and date of what is counted from the town."""
    stated = town.provenance.get("source") or text("print.not_stated")
    return text("reports.source", source=stated, date=data_date(town))
