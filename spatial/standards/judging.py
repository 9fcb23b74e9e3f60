"""Judging: the six kinds of indicators, each on the territories of one kind.

An indicator that is judged *per* community or circle is judged on those.  A smaller subject takes the
value of the territory that holds most of it; of a larger one the value is the share of its parts that
comply, except where amounts can be added up (counts, areas, ratios).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from spatial.standards.facts import Facts, People, Supply
from spatial.standards.judged import Judged, Reasons, divided
from spatial.standards.profile import ProfileIndicator, coverage_basis
from spatial.standards.quantities import Said
from spatial.standards.rating import Reason
from spatial.standards.territories import RANKS, Territories

__all__ = ["holding", "judge"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_ADDED_UP = frozenset({"coverage", "count_per_1000", "area_per_capita", "ratio"})
_AREAS = {"floor": "floor_area_m2", "land": "land_area_m2"}


def judge(facts: Facts, indicator: ProfileIndicator, kind: str) -> Judged:
    """Return the value of an indicator for every territory of a kind."""
    territories = facts.territories[kind]
    per = indicator.per or kind
    if per == kind or (RANKS.index(per) < RANKS.index(kind) and indicator.kind in _ADDED_UP):
        return _direct(facts, indicator, territories)
    if RANKS.index(per) > RANKS.index(kind):
        judged = judge(facts, indicator, per)
        return judged.taken(holding(facts, per, territories), Reason.of("outside"))
    parts = facts.territories.get(per)
    if parts is None:  # a town without communities is judged as one
        return _direct(facts, indicator, territories)
    return _of_parts(facts, indicator, territories, judge(facts, indicator, per), parts)


def holding(facts: Facts, per: str, territories: Territories) -> Ints:
    """Return which territory of a larger kind holds most of each territory, -1 for none."""
    return facts.territories[per].holders(territories, facts.households)


def _direct(facts: Facts, indicator: ProfileIndicator, territories: Territories) -> Judged:
    match indicator.kind:
        case "coverage":
            return _coverage(facts, indicator, territories)
        case "count_per_1000":
            return _count_per_1000(facts, indicator, territories)
        case "area_per_capita":
            return _area_per_capita(facts, indicator, territories)
        case "presence":
            return _presence(facts, indicator, territories)
        case "threshold_by_population":
            return _threshold(facts, indicator, territories)
        case "ratio":
            return _ratio(facts, indicator, territories)


def _too_little(facts: Facts, people: People, basis: str) -> Reasons:
    """Return the reasons of the territories of which too few people are known."""

    def because(place: int) -> Reason:
        known = float(people.known[place])
        if basis in {"residents", "households"}:
            return Reason.of("people_unknown", people=_quantities(facts, basis), known=known)
        return Reason.of("age_group_unknown", group=basis, known=known)

    reasons = Reasons(len(people.known))
    reasons.add(people.known < facts.profile.minimum_known_share, because)
    return reasons


def _said(facts: Facts, indicator: ProfileIndicator, count: int) -> Said:
    return Said.same(count, *facts.said_of(indicator))


def _quantities(facts: Facts, *ids: str) -> tuple[object, ...]:
    return tuple(facts.profile.quantity_names(one) for one in dict.fromkeys(ids))


def _unlisted(facts: Facts, indicator: ProfileIndicator, which: Flags) -> Reason:
    known = facts.profile.categories
    named = zip(indicator.categories, which, strict=True)
    return Reason.of("list_incomplete", categories=tuple(known[one].names for one, flag in named if flag))


def _unsized(supply: Supply) -> Callable[[int], Reason]:
    return lambda place: Reason.of("size_unknown", services=int(supply.services[place]))


def _coverage(facts: Facts, indicator: ProfileIndicator, territories: Territories) -> Judged:
    rates = facts.rates.loc[facts.rates["indicator"] == indicator.indicator]
    subject = "circle" if territories.kind.startswith("circle") else territories.kind
    rows = rates.loc[rates["subject_type"] == subject].set_index("subject_id").reindex(territories.ids)
    numerator, denominator, undetermined = (
        np.asarray(rows[name].astype("Float64").to_numpy(float, na_value=np.nan), np.float64)
        for name in ("numerator", "denominator", "undetermined")
    )
    basis = coverage_basis(indicator, facts.town)
    people = facts.people(basis, territories)
    reasons = _too_little(facts, people, basis)
    doubt = np.divide(undetermined, denominator, out=np.zeros(len(rows)), where=denominator > 0)
    searched = facts.assessment.survey.places.categories
    absent = np.array([one not in searched for one in indicator.categories])
    reasons.add(doubt >= 1, _unlisted(facts, indicator, absent if absent.any() else ~absent))
    reasons.add(
        doubt > 1 - facts.profile.minimum_known_share,
        lambda place: Reason.of("walks_unknown", share=float(doubt[place])),
    )
    return divided(
        numerator,
        denominator,
        reasons,
        _said(facts, indicator, len(rows)),
        target=indicator.target,
        factor=100.0,
        undetermined=undetermined,
        estimated=people.estimated,
    )


def _count_per_1000(facts: Facts, indicator: ProfileIndicator, territories: Territories) -> Judged:
    return _per_head(facts, indicator, territories, "residents", indicator.count, 1000.0)


def _area_per_capita(facts: Facts, indicator: ProfileIndicator, territories: Territories) -> Judged:
    basis, factor = ("residents", 1.0) if indicator.basis == "resident" else ("households", 100.0)
    return _per_head(facts, indicator, territories, basis, _AREAS[indicator.area], factor)


def _per_head(  # noqa: PLR0917 — one amount over one count of people
    facts: Facts,
    indicator: ProfileIndicator,
    territories: Territories,
    basis: str,
    measure: str,
    factor: float,
) -> Judged:
    people = facts.people(basis, territories)
    reasons = _too_little(facts, people, basis)
    need = indicator.target * people.total / factor
    amount, said = _offered(facts, indicator, territories, measure, need, reasons)
    return divided(
        amount,
        people.total,
        reasons,
        said,
        target=indicator.target,
        factor=factor,
        estimated=people.estimated,
    )


def _offered(  # noqa: PLR0917 — one amount, one place
    facts: Facts,
    indicator: ProfileIndicator,
    territories: Territories,
    measure: str,
    need: Floats,
    reasons: Reasons,
) -> tuple[Floats, Said]:
    """Return how much there is of what an indicator asks for: by its quantity, else by its services.

    Unknown sizes do not matter where what is known is already enough.
    """
    count = len(territories)
    amount, said = np.full(count, np.nan), _said(facts, indicator, count)
    if indicator.quantity:
        (measured,), known, _ = facts.amounts((indicator.quantity,), territories)
        enough = known >= facts.profile.minimum_known_share
        amount = np.where(enough, measured.value / np.where(known > 0, known, 1), np.nan)
        said = measured.said.where(~np.isnan(amount), said)
    silent = np.isnan(amount)
    if indicator.categories:
        supply = facts.supply(indicator, territories, measure)
        amount = np.where(silent, supply.least, amount)
        nothing = silent & (supply.most <= 0) & supply.unlisted.any(axis=1)
        reasons.add(nothing, lambda place: _unlisted(facts, indicator, supply.unlisted[place]))
        reasons.add(silent & (supply.most > supply.least) & ~(supply.least >= need), _unsized(supply))
    else:
        reasons.add(silent, Reason.of("quantity_unknown", quantities=_quantities(facts, indicator.quantity)))
    return amount, said


def _presence(facts: Facts, indicator: ProfileIndicator, territories: Territories) -> Judged:
    counted = "categories" if indicator.count_distinct else "facilities"
    supply = facts.supply(indicator, territories, counted)
    count = len(territories)
    reasons = Reasons(count)
    short = supply.least < indicator.target
    missing = supply.unlisted.any(axis=1) & (indicator.count_distinct | (supply.most <= 0))
    reasons.add(short & missing, lambda place: _unlisted(facts, indicator, supply.unlisted[place]))
    reasons.add(short & (supply.services > 0), _unsized(supply))
    said = _said(facts, indicator, count)
    return divided(supply.least, np.ones(count), reasons, said, target=indicator.target)


def _threshold(facts: Facts, indicator: ProfileIndicator, territories: Territories) -> Judged:
    """Judge a rule that holds from a number of residents; below it another may be kept instead."""
    count = len(territories)
    start = indicator.population_from or 0.0
    residents = facts.residents(territories)
    unknown, below = np.isnan(residents) & (start > 0), residents < start
    reasons = Reasons(count)
    if indicator.area:
        target, measure = indicator.target, _AREAS[indicator.area]
        need = np.full(count, target)
        amount, said = _offered(facts, indicator, territories, measure, need, reasons)
        kept = amount >= target
    else:
        supply = facts.supply(indicator, territories, "facilities")
        kept, said = supply.least >= 1, _said(facts, indicator, count)
        target, amount = 1.0, kept.astype(float)
        undrawn = np.array([one is None for one in territories.outlines], bool) & (
            territories.kind == "estate"
        )
        hidden = ~kept & (supply.unlisted.any(axis=1) | undrawn)
        reasons.add(hidden, _unlisted(facts, indicator, np.ones(len(indicator.categories), bool)))
        reasons.add(~kept & (supply.services > 0), _unsized(supply))
    reasons.drop(below)
    accepted = below & kept
    if indicator.below_threshold:
        (named,), _, _ = facts.amounts((indicator.below_threshold,), territories)
        instead = below & (named.value >= 1)
        accepted |= instead
        said = named.said.where(instead & ~kept, said)
        quantities = _quantities(facts, indicator.below_threshold)
        reasons.add(below & ~kept & named.unknown, Reason.of("quantity_unknown", quantities=quantities))
    else:
        reasons.add(below, Reason.of("below_population", residents=start))
    # Who keeps the rule for the large need not be counted; of the rest the residents must be known.
    reasons.drop(unknown)
    reasons.add(unknown & ~kept, Reason.of("residents_unknown"))
    value = np.where(accepted & (indicator.area == ""), 1.0, np.nan_to_num(amount))
    return divided(value, np.ones(count), reasons, said, target=target, accepted=accepted)


def _ratio(facts: Facts, indicator: ProfileIndicator, territories: Territories) -> Judged:
    names = (indicator.numerator, indicator.denominator)
    (above, below), known, lacking = facts.amounts(names, territories)

    def because(place: int) -> Reason:
        asked = [one for one, flags in zip(names, lacking, strict=True) if flags[place]]
        return Reason.of("quantity_unknown", quantities=_quantities(facts, *asked))

    reasons = Reasons(len(territories))
    reasons.add(known < facts.profile.minimum_known_share, because)
    return divided(
        above.value, below.value, reasons, above.said, target=indicator.target, estimated=1 - known
    )


def _of_parts(
    facts: Facts, indicator: ProfileIndicator, whole: Territories, judged: Judged, parts: Territories
) -> Judged:
    """Return the share of the parts of each territory that comply; parts the rule passes by do not count."""
    holder = facts.part_of(parts, whole)
    score = judged.score
    excused = np.array(
        [one is not None and one.key.endswith(".below_population") for one in judged.reason], bool
    )
    members = [np.flatnonzero((holder == place) & ~excused) for place in range(len(whole))]
    kept = np.array([(score[one] >= 100).sum() for one in members], float)
    silent = np.array([np.isnan(score[one]).sum() for one in members], float)
    everyone = np.array([len(one) for one in members], float)

    def because(place: int) -> Reason:
        first = next(one for one in judged.reason[members[place]] if one is not None)
        counts = {"silent": int(silent[place]), "parts": int(everyone[place])}
        return Reason.of("parts_unknown", because=first, **counts)

    reasons = Reasons(len(whole))
    reasons.add(silent > (1 - facts.profile.minimum_known_share + 1e-9) * everyone, because)
    said = Said.joined([judged.said[one] for one in members])
    # The target of a rule without an area is itself a share.
    is_share = indicator.kind == "threshold_by_population" and not indicator.area
    target = indicator.target if is_share else 1.0
    found = divided(kept, everyone, reasons, said, target=target, undetermined=silent)
    return replace(found, shared=not is_share)
