"""What was gained since a date: the same town rated then and now, by when its facilities opened and closed."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from spatial.grids import Plan
from spatial.standards.profile import Profile
from spatial.standards.rate import Progress, rate_town, town_at
from spatial.standards.rating import Rating
from spatial.town import Town

__all__ = ["Gains", "gained_since"]

_SUBJECT = ["subject_type", "subject_id", "subject_name", "level"]
_COMPARED = ["value", "numerator", "score"]


@dataclass(frozen=True, eq=False)
class Gains:
    """What changed between two dates under one profile.

    Attributes
    ----------
    before, after : the ratings of both dates
    indicators : one row to a subject and an indicator whose value changed: subject columns, indicator,
        ``value_before``, ``value_after``, ``numerator_before``, ``numerator_after``, ``score_before``,
        ``score_after``, ``gained`` (numerator after less before: of a coverage, the people newly within
        the limit); null where it was not assessed
    scores : one row to a subject: ``score_before``, ``score_after``, ``stars_before``, ``stars_after``
    facilities : those that opened (``change`` opened) or closed (closed) since: facility_id, name,
        categories (tuple of ids), change, date
    """

    before: Rating
    after: Rating
    indicators: pd.DataFrame
    scores: pd.DataFrame
    facilities: pd.DataFrame


def gained_since(
    town: Town,
    profile: Profile,
    date: str,
    *,
    until: str | None = None,
    plan: Plan | None = None,
    measures: pd.DataFrame | None = None,
    progress: Progress | None = None,
) -> Gains:
    """Return what a town gained since a date (ISO 8601), up to another or today's state.

    Facilities count by their columns ``opened`` and ``closed``; one without an opening date was there all
    the time.  Residents, grids and measures are those of today on both dates, so that every difference is
    what facilities brought.
    """
    before, after = (
        rate_town(state, profile, plan=plan, measures=measures, progress=progress)
        for state in (town_at(town, date), town if until is None else town_at(town, until))
    )
    key = [*_SUBJECT, "indicator"]
    both = before.indicators[[*key, *_COMPARED]].merge(
        after.indicators[[*key, *_COMPARED]], on=key, suffixes=("_before", "_after")
    )
    changed = both["value_before"].ne(both["value_after"]).fillna(value=False) | (
        both["value_before"].isna() != both["value_after"].isna()
    )
    rows = both.loc[changed].reset_index(drop=True)
    rows = rows.assign(gained=rows["numerator_after"] - rows["numerator_before"])
    scores = before.scores[[*_SUBJECT, "score", "stars"]].merge(
        after.scores[[*_SUBJECT, "score", "stars"]], on=_SUBJECT, suffixes=("_before", "_after")
    )
    return Gains(before, after, rows, scores, _moved(town, date, until))


def _moved(town: Town, date: str, until: str | None) -> pd.DataFrame:
    """Return the facilities that opened or closed after a date."""
    frames = []
    offered = {
        facility: tuple(sorted(set(rows["category"])))
        for facility, rows in town.services.groupby("facility_id")
    }
    for change in ("opened", "closed"):
        day = town.facilities[change]
        since = (day > date).fillna(value=False)
        if until is not None:
            since &= (day <= until).fillna(value=False)
        rows = town.facilities.loc[since]
        frames.append(
            pd.DataFrame(
                {
                    "facility_id": rows.index,
                    "name": rows["name"].to_numpy(),
                    "categories": [offered.get(one, ()) for one in rows.index],
                    "change": change,
                    "date": rows[change].to_numpy(),
                }
            )
        )
    return pd.concat(frames, ignore_index=True).sort_values("date", ignore_index=True, kind="stable")
