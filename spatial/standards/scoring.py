"""Scores: the indicators of a subject become one score, an assessed share, and stars.

Stars are withheld where less of the weight is assessed than the profile demands.  A veto takes the
upper stars: where an indicator it names has too low a score, or was not assessed, so that the
condition of those stars is not shown to hold.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping

import numpy as np
import pandas as pd

from spatial.standards.profile import Profile, StarVeto
from spatial.standards.rating import Reason

__all__ = ["score_subjects", "stars_of"]

_SUBJECT = ["subject_type", "subject_id", "subject_name", "level"]


def score_subjects(profile: Profile, indicators: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of every subject, in the order of the indicators' rows; see `Rating.scores`."""
    rows = []
    for subject, own in indicators.groupby(_SUBJECT, sort=False):
        weight = own["weight"].to_numpy(float)
        score = own["score"].to_numpy(float, na_value=np.nan)
        told = own["assessed"].to_numpy(bool)
        share = float(weight[told].sum() / weight.sum())
        total = float(weight[told] @ score[told] / weight[told].sum()) if told.any() else np.nan
        values = own["value"].to_numpy(float, na_value=np.nan)
        stars, reason, vetoes = stars_of(
            profile, total, share, dict(zip(own["indicator"], zip(score, values, strict=True), strict=True))
        )
        rows.append(
            dict(zip(_SUBJECT, subject, strict=True))
            | {
                "score": total,
                "assessed_share": share,
                "stars": stars,
                "stars_reason": reason,
                "vetoes": vetoes,
                "indicators": len(own),
                "assessed": int(told.sum()),
                "met": int((score[told] >= 100).sum()),
            }
        )
    frame = pd.DataFrame(rows, columns=[*_SUBJECT, "score", "assessed_share", "stars", "stars_reason", "vetoes",
                                        "indicators", "assessed", "met"])  # fmt: skip
    text = dict.fromkeys(_SUBJECT, "string")
    return frame.astype({**text, "score": "Float64", "assessed_share": "Float64", "stars": "Int64"})


def stars_of(
    profile: Profile, score: float, assessed_share: float, results: Mapping[str, tuple[float, float]]
) -> tuple[int | None, Reason | None, tuple[Reason, ...]]:
    """Return the stars of a subject, why there are none, and what took some.

    Parameters
    ----------
    results : score and value of each indicator of its list; not-a-number where not assessed
    """
    if assessed_share < profile.minimum_assessed_share - 1e-9 or np.isnan(score):
        least = profile.minimum_assessed_share
        return None, Reason.of("too_little_assessed", assessed=assessed_share, least=least), ()
    stars = bisect.bisect_right(profile.star_thresholds, score + 1e-9)
    reasons = []
    for veto in profile.star_vetoes:
        if stars < veto.from_stars:
            continue
        failing = _failing(veto, results)
        if failing:
            stars = veto.from_stars - 1
            silent = [one for one in failing if np.isnan(results[one][0])]
            for name, those in (
                ("veto", [one for one in failing if one not in silent]),
                ("veto_unknown", silent),
            ):
                if those:
                    names = tuple(profile.indicator(one).names for one in those)
                    reasons.append(Reason.of(name, stars=veto.from_stars, indicators=names))
    return stars, None, tuple(reasons)


def _failing(veto: StarVeto, results: Mapping[str, tuple[float, float]]) -> list[str]:
    """Return the indicators of the list that do not show the condition to hold."""
    found = []
    for one in veto.indicators:
        if one in results:
            score, value = results[one]
            kept = value > 0 if veto.present else score >= veto.least_score - 1e-9
            if not kept:
                found.append(one)
    return found
