"""The summary: one printed page's worth of figures on a town, its plan and its coverage, as HTML.

Written once in each language, the files linked to each other; nothing in them is fetched.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

import pandas as pd

from maps.certificates import certificate_sentence, certificate_tag
from maps.features import household_columns
from maps.symbology import tokens_css
from spatial.catalogue import categories
from spatial.grids.plan import Plan
from spatial.grids.wording import retold
from spatial.lifecircle import Coverage, covered_share
from spatial.messages import LANGUAGES, current_language, text, use_language
from spatial.town import Town

__all__ = ["write_summary"]

_GAPS_SHOWN = 15


def write_summary(
    town: Town, plan: Plan, coverage: Coverage, folder: Path, language: str | None = None
) -> Path:
    """Write the summary in every language and return the path of the one in ``language``.

    Parameters
    ----------
    town, plan, coverage : what is summed up
    folder : where ``summary.html`` (Chinese) and ``summary.en.html`` are written; made when missing
    language : whose path is returned; the current language when None
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for one in LANGUAGES:
        with use_language(one):
            (folder / _file_name(one)).write_text(_document(town, plan, coverage), encoding="utf-8")
    return folder / _file_name(language or current_language())


def _file_name(language: str) -> str:
    return "summary.html" if language == LANGUAGES[0] else f"summary.{language}.html"


def _document(town: Town, plan: Plan, coverage: Coverage) -> str:
    own = current_language()
    links = " · ".join(
        f'<a lang="{one}" href="{_file_name(one)}">{text("summary.language_name", language=one)}</a>'
        for one in LANGUAGES
        if one != own
    )
    style = (files("maps") / "summary.css").read_text(encoding="utf-8")
    label = f'<span class="tag">{text("summary.synthetic")}</span>' if town.synthetic else ""
    sections = [
        _section("totals", _totals(town, plan)),
        _section("certificates", _certificates(town, plan)),
        _section("coverage", _coverage(town, coverage)),
        _section("gaps", _gaps(town, coverage)),
        _section("provenance", _provenance(town, plan, coverage)),
    ]
    title = text("summary.title", town=town.name)
    return (
        f'<!DOCTYPE html>\n<html lang="{own}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_safe(title)}</title><style>{tokens_css()}{style}</style></head><body>"
        f"<header><h1>{_safe(title)}</h1>{label}<nav>{links}</nav></header>"
        f"<main>{''.join(sections)}</main></body></html>\n"
    )


def _section(name: str, content: str) -> str:
    note_key = f"summary.{name}.note"
    return f"<section><h2>{text(f'summary.{name}.title')}</h2><p>{text(note_key)}</p>{content}</section>"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int]) -> str:
    def cells(kind: str, values: Sequence[str]) -> str:
        return "".join(
            f"<{kind}{' class=number' if i in numbers else ''}>{value}</{kind}>"
            for i, value in enumerate(values)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    heads = cells("th", [text(f"summary.column.{name}") for name in columns])
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _totals(town: Town, plan: Plan) -> str:
    counted = household_columns(town.buildings, pd.Series("town", index=town.buildings.index))
    total = counted.iloc[0] if len(counted) else pd.Series(dtype="Int64")
    basic = plan.grids[plan.grids["kind"] == "basic"]
    figures = {
        "households": _count(total.get("households", pd.NA)),
        "estimated": _count(total.get("estimated_households", pd.NA)),
        "unknown_buildings": _count(total.get("unknown_buildings", pd.NA)),
        "communities": _count(len(town.communities)),
        "estates": _count(len(town.estates)),
        "buildings": _count(len(town.buildings)),
        "grids": _count(len(basic)),
        "in_range": _count(basic["in_range"].sum()),
        "special": _count((plan.grids["kind"] == "special").sum()),
        "extra_pieces": _count(plan.certificates["extra_pieces"].sum(min_count=1)),
    }
    return (
        "<dl class=figures>"
        + "".join(
            f"<div><dt>{text(f'summary.total.{name}')}</dt><dd>{value}</dd></div>"
            for name, value in figures.items()
        )
        + "</dl>"
    )


def _certificates(town: Town, plan: Plan) -> str:
    names = town.communities["name"]
    rows = [
        (
            _safe(names.get(community_id, community_id)),
            f'<span class="tag {row["status"]}">{certificate_tag(row["status"])}</span>',
            _count(row["grids"]),
            _count(row["households"]),
            _count(row["extra_pieces"]),
            _safe(certificate_sentence(row)),
        )
        for community_id, row in plan.certificates.iterrows()
    ]
    exceptions = plan.grids[plan.grids["exception_reason"].notna()]
    listed = "".join(
        f"<li>{_safe(text('summary.exception', grid=row['code'], households=_count(row['households'])))}"
        f" {_safe(retold(row, 'exception_reason'))}</li>"
        for _, row in exceptions.iterrows()
    )
    table = _table(
        ("community", "certificate", "grids", "households", "extra_pieces", "meaning"), rows, (2, 3, 4)
    )
    return table + (f"<ul>{listed}</ul>" if listed else "")


def _coverage(town: Town, coverage: Coverage) -> str:
    known = categories()
    offered = town.services["category"].value_counts()
    rates = coverage.rates
    rates = rates[(rates["subject_type"] == "town") & (rates["basis"] == "households")]
    assessed = set(coverage.walks["category"].unique())
    rows = []
    for category in (one for one in known if one in assessed):
        limit = known[category].radius_m
        found = rates[(rates["category"] == category) & (rates["limit_m"] == limit)]
        gaps = coverage.gaps[coverage.gaps["category"] == category]
        rows.append(
            (
                _safe(known[category].names[current_language()]),
                f"{limit:,.0f} m",
                _count(offered.get(category, 0)),
                *_rate_cells(found),
                _count(len(gaps)),
                _count(gaps["households"].max() if len(gaps) else 0),
            )
        )
    columns = ("category", "limit", "facilities", "rate", "covered", "undetermined", "gaps", "largest_gap")
    return _table(columns, rows, range(1, 8))


def _rate_cells(found: pd.DataFrame) -> tuple[str, str, str]:
    """Return rate, covered of all, and undetermined; what is not assessed is said, never 0 %."""
    share = covered_share(found)
    if share.isna().all():
        return text("summary.not_assessed"), "", ""
    row = found.iloc[0]
    covered = f"{_count(row['numerator'])} / {_count(row['denominator'])}"
    return f"{share.iloc[0]:.1%}", covered, _count(row["undetermined"])


def _gaps(town: Town, coverage: Coverage) -> str:
    largest = coverage.gaps.sort_values("households", ascending=False, kind="stable").head(_GAPS_SHOWN)
    if largest.empty:
        return ""
    points = largest.set_geometry(largest.representative_point())[["geometry"]]
    within = points.sjoin(town.communities[["name", "geometry"]], predicate="within", how="left")["name"]
    place = within[~within.index.duplicated()]
    known = categories()
    rows = [
        (
            _safe(known[row["category"]].names[current_language()]),
            _safe(place.get(gap_id, "")),
            _count(row["households"]),
            _count(row["buildings"]),
            text("summary.unknown") if pd.isna(row["nearest_m"]) else f"{row['nearest_m']:,.0f} m",
        )
        for gap_id, row in largest.iterrows()
    ]
    return _table(("category", "community", "households", "buildings", "nearest"), rows, (2, 3, 4))


def _provenance(town: Town, plan: Plan, coverage: Coverage) -> str:
    entries = [
        (text(f"summary.from.{name}"), key, value)
        for name, one in (("town", town), ("plan", plan), ("coverage", coverage))
        for key, value in one.provenance.items()
    ]
    rows = [(source, _safe(key), _safe(value)) for source, key, value in entries]
    return _table(("from", "key", "value"), rows, ())


def _count(value: object) -> str:
    return text("summary.unknown") if pd.isna(value) else f"{round(float(value)):,}"  # type: ignore[call-overload, arg-type]


def _safe(value: object) -> str:
    return html.escape("" if pd.isna(value) else str(value))  # type: ignore[call-overload]
