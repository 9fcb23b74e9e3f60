"""A profile: the indicators of one standard, with weights, targets and the rules of its stars, as data.

Every value carries an evidence word of `spatial.catalogue.EVIDENCE_WORDS`, which travels into every
table and report.  A profile that stands in for a document nobody has seen says so in its title.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from spatial.catalogue import Category, categories, section
from spatial.lifecircle import Indicator
from spatial.messages import current_language, text
from spatial.town import Town

__all__ = [
    "CIRCLES",
    "KINDS",
    "Kind",
    "Profile",
    "ProfileIndicator",
    "StarVeto",
    "Words",
    "coverage_basis",
    "coverage_indicators",
]

Kind = Literal[
    "coverage", "count_per_1000", "area_per_capita", "presence", "threshold_by_population", "ratio"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
CIRCLES = ("circle5", "circle10", "circle15")

Words = Mapping[str, str]
"""One text by language."""


@dataclass(frozen=True)
class ProfileIndicator:
    """One indicator of a profile.

    Attributes
    ----------
    indicator : its id
    names : what it is called, by language
    kind : how its value is made, one of `KINDS`
    level : the list it stands on: community, circle5, circle10 or circle15
    categories : ids of the categories of service it asks for
    target : the value that scores 100
    unit : of value and target, by language
    weight : its part of the score; the weights of a profile sum to 100
    mandatory : whether the standard demands it
    per : what it is judged on: community, estate, circle5, circle10 or circle15; '' for any subject
    limit_m : coverage: longest walk that counts, metres
    basis : coverage: residents, households or an age group; area_per_capita: resident or 100_households
    any_of : coverage: whether one of several categories is enough; otherwise each must be within reach
    count : count_per_1000: ``facilities``, or the sum of their ``capacity``
    count_distinct : presence: whether different categories are counted instead of facilities
    area : which area is summed: floor or land; '' where the rule is not about an area
    quantity : measured quantity that goes before the sum over services, or ''
    numerator, denominator : ratio: ids of quantities
    population_from : threshold_by_population: residents from which the rule applies
    below_threshold : quantity accepted below that instead, or ''
    least : least size of a service that counts, by column of ``services`` and by category
    evidence, evidence_target, evidence_threshold : evidence word of the item, its target and its sizes
    source : document the item is from, by language
    value_source : where the target is from, by language; empty when from ``source``
    note : remark on the target, by language
    """

    indicator: str
    names: Words
    kind: Kind
    level: str
    categories: tuple[str, ...]
    target: float
    unit: Words
    weight: float
    mandatory: bool
    evidence: str
    evidence_target: str
    evidence_threshold: str
    source: Words
    per: str = ""
    limit_m: float | None = None
    basis: str = ""
    any_of: bool = True
    count: str = "facilities"
    count_distinct: bool = False
    area: str = ""
    quantity: str = ""
    numerator: str = ""
    denominator: str = ""
    population_from: float | None = None
    below_threshold: str = ""
    least: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    value_source: Words = field(default_factory=dict)
    note: Words = field(default_factory=dict)

    def name(self, language: str | None = None) -> str:
        """Return what it is called in a language, the current one when None."""
        return self.names[language or current_language()]


@dataclass(frozen=True)
class StarVeto:
    """A condition of the upper stars: some indicators must reach a score, or be there at all.

    Attributes
    ----------
    from_stars : the lowest number of stars that needs it
    indicators : ids of the indicators concerned
    least_score : score each of them must reach
    present : instead of a score, the value must be above zero
    """

    from_stars: int
    indicators: tuple[str, ...]
    least_score: float
    present: bool = False


@dataclass(frozen=True)
class Profile:
    """The indicators of one standard and how they become a score and stars.

    Attributes
    ----------
    profile_id : its id
    names : its title, by language; shown through `title`
    unit : what it rates, by language
    note : what is known of it and what is not, by language
    source : the document, by language
    stand_in : whether it stands in for a document that was not found
    indicators : its indicators, in order
    star_thresholds : least score for 1, 2, … stars
    star_vetoes : conditions of the upper stars
    minimum_assessed_share : share of weight that must be assessed for stars
    minimum_known_share : share of households of a subject that must be known for a value
    evidence_stars, evidence_weights : evidence words
    own_categories : categories the profile itself defines, by id
    own_quantities : names of the quantities it defines, by id
    fingerprint : SHA-256 of its content
    """

    profile_id: str
    names: Words
    unit: Words
    note: Words
    source: Words
    stand_in: bool
    indicators: tuple[ProfileIndicator, ...]
    star_thresholds: tuple[float, ...]
    star_vetoes: tuple[StarVeto, ...]
    minimum_assessed_share: float
    minimum_known_share: float
    evidence_stars: str
    evidence_weights: str
    own_categories: Mapping[str, Category]
    own_quantities: Mapping[str, Words]
    fingerprint: str

    def title(self, language: str | None = None) -> str:
        """Return its title in a language; that of a stand-in says so."""
        name = self.names[language or current_language()]
        return text("standards.stand_in", language=language, title=name) if self.stand_in else name

    @property
    def categories(self) -> Mapping[str, Category]:
        """Every category its indicators may name: those of the catalogue and its own."""
        return {**categories(), **self.own_categories}

    def quantity_names(self, quantity: str) -> Words:
        """Return what a quantity is called, by language; empty for ''."""
        if not quantity:
            return {}
        if quantity in self.own_quantities:
            return self.own_quantities[quantity]
        entry = section("quantity")[quantity]
        return {"zh-CN": entry["zh"], "en": entry["en"]}

    def indicator(self, indicator: str) -> ProfileIndicator:
        """Return one indicator by its id."""
        return next(one for one in self.indicators if one.indicator == indicator)

    def listed(self, level: str) -> tuple[ProfileIndicator, ...]:
        """Return the indicators a subject is rated on.

        A circle is rated on the list of its own level; a community and the town on every list.
        """
        if level not in CIRCLES:
            return self.indicators
        return tuple(one for one in self.indicators if one.level == level)


def coverage_basis(indicator: ProfileIndicator, town: Town | None) -> str:
    """Return what a coverage indicator counts: households where a town knows no residents at all."""
    if indicator.basis == "residents" and town is not None:
        return indicator.basis if (town.buildings["residents"] > 0).any() else "households"
    return indicator.basis


def coverage_indicators(profile: Profile, town: Town | None = None) -> tuple[Indicator, ...]:
    """Return the coverage indicators of a profile, as `spatial.lifecircle.assess_coverage` takes them.

    Their limits are the profile's, whatever the radius of the category.  Given the town, households are
    counted for residents where it knows no residents at all.
    """
    return tuple(
        Indicator(one.indicator, one.categories, one.limit_m, coverage_basis(one, town), one.any_of)
        for one in profile.indicators
        if one.limit_m is not None
    )
