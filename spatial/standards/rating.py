"""A rating: every indicator of a profile for every subject, then score, assessed share and stars.

Score of one indicator = 100 · min(1, value / target).  Score of a subject = Σ weight · score / Σ weight
over the indicators assessed; the assessed share is the part of the weight of its list that they hold.
What cannot be known is *not assessed*, with the reason, and never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from spatial.messages import current_language, text
from spatial.standards.facts import Facts
from spatial.standards.profile import Profile

__all__ = ["Rating", "Reason"]


@dataclass(frozen=True)
class Reason:
    """Why something was not assessed, or why stars are withheld: a key of the catalogues and its values.

    Attributes
    ----------
    key : full key, ``standards.reason.NAME``
    values : what the braces of the text name; a value that is a mapping by language is shown in that
        language
    """

    key: str
    values: tuple[tuple[str, object], ...] = ()

    @classmethod
    def of(cls, name: str, **values: object) -> Reason:
        """Make a reason from the last part of its key."""
        return cls(f"standards.reason.{name}", tuple(values.items()))

    def text(self, language: str | None = None) -> str:
        """Return the reason as a sentence in a language, the current one when None."""
        chosen = language or current_language()
        shown = {name: _shown(value, chosen) for name, value in self.values}
        return text(self.key, language=chosen, **shown)


def _shown(value: object, language: str) -> object:
    if isinstance(value, tuple):
        return text("common.separator", language=language).join(str(_shown(one, language)) for one in value)
    if isinstance(value, Reason):
        return value.text(language)
    return value[language] if isinstance(value, Mapping) else value


@dataclass(frozen=True, eq=False)
class Rating:
    """A town rated by one profile.

    Attributes
    ----------
    profile : the profile; show it by ``profile.title()``, which labels a stand-in
    indicators : one row to a subject and an indicator of its list, in order: ``subject_type`` (town,
        community, circle), ``subject_id``, ``subject_name``, ``level`` (town, community, circle5, circle10,
        circle15), ``indicator``, ``kind``, ``categories`` (tuple of ids), ``basis`` (residents, households,
        an age group, …), ``limit_m``, ``value``, ``target``, ``unit`` (text by language), ``score`` (0 to 100),
        ``numerator``, ``denominator``, ``undetermined`` (part of the denominator that cannot be told; value,
        score and numerator are null when not assessed), ``weight``, ``mandatory``, ``assessed``, ``reason`` (`Reason` when not assessed,
        else None), ``judged_on`` (id of the territory it was judged on, where that is another than the
        subject), ``evidence``, ``evidence_target``, ``evidence_threshold``, ``source`` (document of the item,
        text by language), ``target_source`` (document of the target, text by language), ``data_source``,
        ``as_of`` (source and date of the data), ``estimated_share`` (of the denominator that is estimated)
    scores : one row to a subject: subject_type, subject_id, subject_name, level, ``score``,
        ``assessed_share``, ``stars`` (null when withheld), ``stars_reason`` (`Reason` or None),
        ``vetoes`` (tuple of `Reason`: why there are fewer stars than the score gives), ``indicators``,
        ``assessed``, ``met`` (numbers of indicators)
    facts : what the rating was made from, for `build_list`
    provenance : ``town``, ``town_fingerprint``, ``profile``, ``profile_fingerprint``, ``stand_in``,
        ``synthetic``, ``as_of``, ``plan`` ("true" where grids came from a plan), ``code_version``
    """

    profile: Profile
    indicators: pd.DataFrame
    scores: pd.DataFrame
    facts: Facts = field(repr=False)
    provenance: Mapping[str, str]

    def table(self, language: str | None = None) -> pd.DataFrame:
        """Return the indicators with every text in a language: ``name``, unit, reason, sources."""
        chosen = language or current_language()
        named = {one.indicator: one.names[chosen] for one in self.profile.indicators}
        categories = {name: one.names[chosen] for name, one in self.profile.categories.items()}
        separator = text("common.separator", language=chosen)
        frame = self.indicators.copy()
        frame.insert(list(frame.columns).index("indicator") + 1, "name", frame["indicator"].map(named))
        frame["categories"] = [separator.join(categories[one] for one in row) for row in frame["categories"]]
        for column in ("unit", "source", "target_source"):
            frame[column] = [words.get(chosen) for words in frame[column]]
        frame["reason"] = _texts(frame["reason"], chosen)
        return frame

    def score_table(self, language: str | None = None) -> pd.DataFrame:
        """Return the scores with every text in a language."""
        chosen = language or current_language()
        separator = text("common.separator", language=chosen)
        frame = self.scores.copy()
        frame["stars_reason"] = _texts(frame["stars_reason"], chosen)
        frame["vetoes"] = [separator.join(one.text(chosen) for one in row) for row in frame["vetoes"]]
        return frame


def _texts(reasons: pd.Series, language: str) -> pd.Series:
    texts = [None if one is None else one.text(language) for one in reasons]
    return pd.Series(texts, index=reasons.index, dtype="string")
