"""Rating a town: facts gathered once, every indicator judged, subjects scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from spatial.grids import Plan
from spatial.lifecircle import Assessment
from spatial.messages import LANGUAGES, text
from spatial.standards.facts import Facts
from spatial.standards.judging import holding, judge
from spatial.standards.profile import (
    CIRCLES,
    Profile,
    ProfileIndicator,
    Words,
    coverage_basis,
    coverage_indicators,
)
from spatial.standards.rating import Rating
from spatial.standards.scoring import score_subjects
from spatial.standards.territories import RANKS, Territories
from spatial.town import Town, code_version

__all__ = ["rate_town", "town_at"]

Progress = Callable[[str, int, int], None]


def rate_town(
    town: Town,
    profile: Profile,
    *,
    plan: Plan | None = None,
    assessment: Assessment | None = None,
    measures: pd.DataFrame | None = None,
    as_of: str | None = None,
    progress: Progress | None = None,
) -> Rating:
    """Rate a town, its communities and its life circles by a profile.

    Parameters
    ----------
    town : the town
    profile : the profile, see `read_profile`
    plan : the plan whose grids count; the grids of today when None
    assessment : walks measured already, of this very town with ``coverage_indicators(profile, town)``
    measures : more rows of the columns of the table ``measures``, such as those of the ledgers
    as_of : date (ISO 8601): facilities opened later or closed by then, and later measures, do not count
    progress : told the stage, what is done and what there is to do

    Returns
    -------
    The rating; what cannot be known is not assessed, and never 0.
    """
    if as_of is not None:
        town = town_at(town, as_of)
    if assessment is None:
        assessment = Assessment.of(town, plan, coverage_indicators(profile, town), progress)
    facts = Facts.of(town, profile, assessment, plan=plan, measures=measures, as_of=as_of)
    kinds = [kind for kind in ("town", "community", *CIRCLES) if _rated(kind, facts)]
    frames: list[pd.DataFrame] = []
    for done, kind in enumerate(kinds):
        if progress is not None:
            progress("standards.stage_rating", done, len(kinds))
        frames += [_rows(facts, indicator, kind) for indicator in profile.listed(kind)]
    if progress is not None:
        progress("standards.stage_rating", len(kinds), len(kinds))
    indicators = _typed(pd.concat(frames, ignore_index=True), profile)
    provenance = {
        "town": town.name,
        "town_fingerprint": town.fingerprint(),
        "profile": profile.profile_id,
        "profile_fingerprint": profile.fingerprint,
        "stand_in": "true" if profile.stand_in else "false",
        "synthetic": "true" if town.synthetic else "false",
        "as_of": as_of or town.provenance.get("as_of", ""),
        "plan": "true" if plan is not None else "false",
        "code_version": code_version(),
    }
    return Rating(profile, indicators, score_subjects(profile, indicators), facts, provenance)


def town_at(town: Town, date: str) -> Town:
    """Return the town with the facilities that were open on a date (ISO 8601).

    A facility without an opening date was there already; one that closes later is open.
    """
    facilities = town.facilities
    later = (facilities["opened"] > date).fillna(value=False)
    gone = (facilities["closed"] <= date).fillna(value=False)
    there = facilities.loc[~(later | gone)]
    there = there.assign(closed=pd.Series(pd.NA, index=there.index, dtype=facilities["closed"].dtype))
    services = town.services.loc[town.services["facility_id"].isin(there.index)]
    return replace(town, tables={**town.tables, "facilities": there, "services": services})


def _rated(kind: str, facts: Facts) -> bool:
    """Whether there are subjects of a kind, and a list to rate them on."""
    found = facts.territories.get(kind)
    return found is not None and found.kind == kind and bool(facts.profile.listed(kind))


def _rows(facts: Facts, indicator: ProfileIndicator, kind: str) -> pd.DataFrame:
    """Return the rows of one indicator for every subject of a kind."""
    subjects = facts.territories[kind]
    judged = judge(facts, indicator, kind)
    unit = _in_all_languages("standards.share_of_parts") if judged.shared else indicator.unit
    basis = coverage_basis(indicator, facts.town) if indicator.kind == "coverage" else indicator.basis
    count = len(subjects)

    def same(value: object) -> list[object]:
        return [value] * count

    return pd.DataFrame(
        {
            "subject_type": "circle" if kind in CIRCLES else kind,
            "subject_id": subjects.ids,
            "subject_name": subjects.names,
            "level": kind,
            "indicator": indicator.indicator,
            "kind": indicator.kind,
            "categories": same(indicator.categories),
            "basis": basis,
            "limit_m": indicator.limit_m,
            "value": judged.value,
            "target": judged.target,
            "unit": same(unit),
            "score": judged.score,
            "numerator": judged.numerator,
            "denominator": judged.denominator,
            "undetermined": judged.undetermined,
            "weight": indicator.weight,
            "mandatory": indicator.mandatory,
            "assessed": judged.assessed,
            "reason": judged.reason,
            "judged_on": _judged_on(facts, indicator, kind, subjects),
            "evidence": indicator.evidence,
            "evidence_target": indicator.evidence_target,
            "evidence_threshold": indicator.evidence_threshold,
            "source": same(indicator.source),
            "target_source": same(indicator.value_source or indicator.source),
            "data_source": judged.said.source,
            "as_of": judged.said.as_of,
            "estimated_share": judged.estimated,
        }
    )


def _in_all_languages(key: str) -> Words:
    return {language: text(key, language=language) for language in LANGUAGES}


def _judged_on(
    facts: Facts, indicator: ProfileIndicator, kind: str, subjects: Territories
) -> npt.NDArray[np.object_]:
    """Return the territory each subject was judged on where that holds more than the subject, else null."""
    if not indicator.per or RANKS.index(indicator.per) <= RANKS.index(kind):
        return np.full(len(subjects), None, object)
    holder = holding(facts, indicator.per, subjects)
    return np.array([*facts.territories[indicator.per].ids, None], object)[holder]


_TEXTS = (
    "subject_type",
    "subject_id",
    "subject_name",
    "level",
    "indicator",
    "kind",
    "basis",
    "judged_on",
    "evidence",
    "evidence_target",
    "evidence_threshold",
    "data_source",
    "as_of",
)
_NUMBERS = (
    "limit_m",
    "value",
    "target",
    "score",
    "numerator",
    "denominator",
    "undetermined",
    "weight",
    "estimated_share",
)


def _typed(rows: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return the rows by subject, then in the order of the profile, unknown numbers null."""
    order = {one.indicator: place for place, one in enumerate(profile.indicators)}
    subject = rows.groupby(["level", "subject_id"], sort=False).ngroup()
    level = rows["level"].map({name: place for place, name in enumerate(("town", "community", *CIRCLES))})
    rows = rows.iloc[np.lexsort((rows["indicator"].map(order), subject, level))].reset_index(drop=True)
    numbers = {name: pd.array(rows[name].to_numpy(float, na_value=np.nan), "Float64") for name in _NUMBERS}
    return rows.assign(**numbers).astype(dict.fromkeys(_TEXTS, "string"))
