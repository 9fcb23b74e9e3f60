"""Marks: what every paper says about itself: its data, its rules, its standing, and when it was printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from spatial.grids.plan import Plan
from spatial.messages import text
from spatial.schema import PLAN_TABLES
from spatial.town import Town, fingerprint

__all__ = [
    "Marks",
    "crs_in_words",
    "data_date",
    "front",
    "map_number",
    "plan_fingerprint",
    "rules_in_words",
    "shown",
]

_FINGERPRINT_DIGITS = 12


@dataclass(frozen=True)
class Marks:
    """What an office puts on its papers.

    Attributes
    ----------
    internal : for use inside the office only
    map_number : number under which the map was examined; a line to write on when ''
    approved : the plan has been approved: the paper is then no sketch
    """

    internal: bool = False
    map_number: str = ""
    approved: bool = False


def front(town: Town, plan: Plan, marks: Marks, printed: date, title: str) -> dict[str, Any]:
    """Return what every page of a paper says, as the templates read it.

    Parameters
    ----------
    title : the document's title
    """
    statements = [
        text(
            "print.foot.plan", town=town.name, fingerprint=plan_fingerprint(plan), rules=rules_in_words(plan)
        ),
        text("print.foot.crs", crs=crs_in_words(town), as_of=data_date(town)),
        text(
            "print.foot.town",
            fingerprint=town.fingerprint()[:_FINGERPRINT_DIGITS],
            version=plan.provenance.get("code_version") or text("print.not_stated"),
        ),
        map_number(marks),
    ]
    if town.synthetic:
        statements.append(text("print.synthetic"))
    page = text("print.page", page="\0", pages="\0").split("\0")
    return {
        "title": title,
        "statements": statements,
        "sketch": "" if marks.approved else text("print.sketch"),
        "internal": text("print.internal") if marks.internal else "",
        "printed": text("print.printed", date=printed.isoformat()),
        "page": page,
    }


def map_number(marks: Marks) -> str:
    """Return the field of the map's number, a line to write on when it has none."""
    return text("print.map_number", number=marks.map_number or "_" * 12)


def plan_fingerprint(plan: Plan) -> str:
    """Return the first digits of the fingerprint of a plan's tables."""
    tables: Mapping[str, pd.DataFrame] = {
        name: getattr(plan, name) for name in PLAN_TABLES if name != "rules"
    }
    return fingerprint(tables)[:_FINGERPRINT_DIGITS]


def crs_in_words(town: Town) -> str:
    """Return name and code of a town's reference system."""
    code = town.crs.to_authority()
    return f"{town.crs.name} ({':'.join(code)})" if code else town.crs.name


def data_date(town: Town) -> str:
    """Return the day the town's data are of."""
    return town.provenance.get("as_of") or text("print.not_stated")


def rules_in_words(plan: Plan) -> str:
    """Return the window of the rules a plan was drawn under."""
    lower, upper = plan.rules.get("lower"), plan.rules.get("upper")
    if not lower or not upper:
        return text("print.not_stated")
    measure = plan.rules.get("measure", "households")
    return text(f"print.window.{measure}", lower=lower, upper=upper)


def shown(value: object) -> str:
    """Return a text of the data as it is printed, '' for a null."""
    return "" if pd.isna(value) else str(value)  # type: ignore[call-overload]
