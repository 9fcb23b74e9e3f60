"""From gaps to a plan: what would meet each unmet indicator, how many, how large, and where.

Every line is one thing to do.  ``households`` are those for whom the indicator holds once it is done: of
a new site those newly within the limit; of an amount that is short, the part of the subject's households
that it stands for.  Lines are ranked by them, and ``town_score`` is the score of the whole town once
this line and all before it are done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse

from spatial.lifecircle import candidate_walks, locate
from spatial.messages import LANGUAGES, text
from spatial.standards.facts import Facts
from spatial.standards.judging import judge
from spatial.standards.profile import ProfileIndicator, coverage_basis
from spatial.standards.rating import Rating
from spatial.standards.territories import Territories
from spatial.town import Town

__all__ = ["build_list"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_PROOF_S = 5.0
"""Wall seconds for the proof of one choice of sites."""
_NOBODY = 1e-6
"""Fewer people than this are nobody: a remainder of rounding."""
_SIZES = ("floor_area_m2", "land_area_m2")
_NUMBERS = (
    "count",
    "amount",
    "least_floor_area_m2",
    "least_land_area_m2",
    "x",
    "y",
    "households",
    "town_score",
)
_TEXTS = (
    "indicator",
    "kind",
    "action",
    "subject_type",
    "subject_id",
    "subject_name",
    "place_id",
    "place_name",
)


def build_list(rating: Rating, candidates: gpd.GeoDataFrame | None = None) -> pd.DataFrame:
    """Return what would meet every unmet indicator of a rating, ranked by households gained.

    Where a community is below the target of a coverage, sites are chosen among the candidates until it
    reaches it, as few as a greedy choice needs, and then so many that hold most people (`locate`, mclp).
    Where no candidate reaches those who are left, a line without count and place says how many people the
    community is still short of.  What was not assessed is not in the list.

    Parameters
    ----------
    rating : the rating
    candidates : layer of candidate sites by id, with ``name``; the town's ``sites`` and its estates when None

    Returns
    -------
    pandas.DataFrame
        By ``rank`` from 1: indicator, kind, action (open, enlarge, add, name), categories (tuple of ids),
        subject_type, subject_id, subject_name (where it is needed), count (facilities to open), amount and
        unit (how much is short, text by language), least_floor_area_m2, least_land_area_m2 (of each
        facility), place_id, place_name, x, y (where, in metres of the town's CRS; null where nothing is to
        be sited or no candidate lies there), proven (whether the sites are proved best), households,
        town_score, evidence, evidence_target.
    """
    facts = rating.facts
    sites = _Candidates(facts, candidates)
    lines = [line for one in rating.profile.indicators for line in _lines(facts, one, sites)]
    order = sorted(range(len(lines)), key=lambda place: -lines[place]["households"])
    lines = [lines[place] for place in order]
    scores = _running_scores(rating, lines)
    rows = [{**line, "town_score": score} for line, score in zip(lines, scores, strict=True)]
    columns = [
        "indicator",
        "kind",
        "action",
        "categories",
        "subject_type",
        "subject_id",
        "subject_name",
        "count",
        "amount",
        "unit",
        "least_floor_area_m2",
        "least_land_area_m2",
        "place_id",
        "place_name",
        "x",
        "y",
        "proven",
        "households",
        "town_score",
        "evidence",
        "evidence_target",
    ]
    frame = pd.DataFrame(rows, columns=columns, index=pd.RangeIndex(1, len(rows) + 1, name="rank"))
    types = dict.fromkeys(_NUMBERS, "Float64") | dict.fromkeys(_TEXTS, "string") | {"proven": "boolean"}
    return frame.astype(types)


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Sites where something could be opened, and the walks to them, searched when first needed."""

    facts: Facts
    given: gpd.GeoDataFrame | None

    @cached_property
    def found(self) -> tuple[gpd.GeoDataFrame, sparse.csc_array]:
        layer = _sites_and_estates(self.facts.town) if self.given is None else self.given
        limits = [one.limit_m for one in self.facts.profile.indicators if one.limit_m is not None]
        radii = [one.radius_m for one in self.facts.profile.categories.values()]
        if layer.empty:
            return layer, sparse.csc_array((len(self.facts.town.buildings), 0))
        layer, walks = candidate_walks(self.facts.town, layer, max([*limits, *radii]))
        return layer, sparse.csc_array(walks)

    @cached_property
    def points(self) -> npt.NDArray[np.object_]:
        """(s,) a point in each site."""
        return np.asarray(shapely.point_on_surface(self.found[0].geometry.to_numpy()), object)

    @cached_property
    def _near(self) -> dict[float, sparse.csc_array]:
        return {}

    def within(self, limit_m: float) -> sparse.csc_array:
        """Return sparse (building × site) 1 where a walk is within a limit."""
        if limit_m not in self._near:
            walks = self.found[1]
            near = walks.data <= limit_m
            column = np.repeat(np.arange(walks.shape[1]), np.diff(walks.indptr))
            self._near[limit_m] = sparse.csc_array(
                (np.ones(int(near.sum())), (walks.indices[near], column[near])), shape=walks.shape
            )
        return self._near[limit_m]

    def place(self, site: int | None) -> dict[str, Any]:
        """Return the columns that say where a site is."""
        if site is None:
            return {"place_id": None, "place_name": None, "x": np.nan, "y": np.nan, "proven": None}
        layer, point = self.found[0], self.points[site]
        name = layer["name"].iloc[site]
        return {
            "place_id": layer.index[site],
            "place_name": None if pd.isna(name) else name,
            "x": point.x,
            "y": point.y,
            "proven": None,
        }


def _sites_and_estates(town: Town) -> gpd.GeoDataFrame:
    """Return the candidate parcels of a town, and a point in each estate."""
    parcels, estates = town.layer("sites"), town.estates
    inside = shapely.point_on_surface(estates.geometry.to_numpy())
    return gpd.GeoDataFrame(
        {"name": [*parcels["name"], *estates["name"]]},
        geometry=[*parcels.geometry, *inside],
        index=pd.Index([*parcels.index, *estates.index], name="candidate_id"),
        crs=town.crs,
    )


def _lines(facts: Facts, indicator: ProfileIndicator, sites: _Candidates) -> Iterator[dict[str, Any]]:
    if indicator.kind == "coverage":
        yield from _sited(facts, indicator, sites)
        return
    kind = indicator.per or "community"
    territories = facts.territories.get(kind, facts.territories["town"])
    judged = judge(facts, indicator, kind if kind in facts.territories else "town")
    score = judged.score
    households = territories.buildings @ facts.households
    shared = indicator.kind in {"presence", "threshold_by_population"}
    for number in np.flatnonzero(score < 100).tolist():
        short = (judged.target - judged.value[number]) * judged.denominator[number] / judged.factor
        line = _line(indicator, territories, number)
        line |= _short(facts, indicator, territories, number, short)
        line |= sites.place(_best_site(facts, territories, number, sites, line))
        yield line | {
            "households": float(households[number] * (1 - score[number] / 100)),
            "adds": 1.0 if shared else short,
        }


def _line(indicator: ProfileIndicator, territories: Territories, number: int) -> dict[str, Any]:
    return {
        "indicator": indicator.indicator,
        "kind": indicator.kind,
        "categories": indicator.categories,
        "subject_type": "circle" if territories.kind.startswith("circle") else territories.kind,
        "subject_id": territories.ids[number],
        "subject_name": territories.names[number],
        "unit": None,
        "count": np.nan,
        "amount": np.nan,
        "least_floor_area_m2": np.nan,
        "least_land_area_m2": np.nan,
        "evidence": indicator.evidence,
        "evidence_target": indicator.evidence_target,
    }


def _short(
    facts: Facts,
    indicator: ProfileIndicator,
    territories: Territories,
    number: int,
    short: float,
) -> dict[str, Any]:
    """Return what is to be done about an indicator that is short of its target: how many and how large."""
    if indicator.kind == "presence":
        if not indicator.count_distinct:
            return {
                "action": "open",
                "count": float(np.ceil(short)),
                **_least(facts, indicator, indicator.categories),
            }
        supply = facts.supply(indicator, territories, "categories")
        absent = tuple(
            one for one, there in zip(indicator.categories, supply.present[number], strict=True) if not there
        )
        return {
            "action": "open",
            "count": float(np.ceil(short)),
            "categories": absent,
            **_least(facts, indicator, absent),
        }
    if indicator.area:
        square_metres = {one: text("standards.square_metres", language=one) for one in LANGUAGES}
        return {"action": "enlarge", "amount": float(short), "unit": square_metres}
    if indicator.kind == "threshold_by_population":
        residents = facts.residents(territories)[number]
        if indicator.below_threshold and residents < (indicator.population_from or 0):
            return {"action": "name", "count": 1.0}
        return {"action": "open", "count": 1.0, **_least(facts, indicator, indicator.categories)}
    amount = float(np.ceil(short - 1e-9))
    return {
        "action": "add",
        "amount": amount,
        "unit": facts.profile.quantity_names(indicator.numerator or indicator.quantity),
    }


def _least(facts: Facts, indicator: ProfileIndicator, categories: tuple[str, ...]) -> dict[str, float]:
    """Return the least sizes of what is to be opened: the indicator's, else those of the catalogue."""
    found = {}
    for size in _SIZES:
        own = indicator.least.get(size, {})
        known = [
            own.get(one, facts.profile.categories[one].details.get(f"min_{size}", np.nan))
            for one in categories
        ]
        numbers = [float(one) for one in known if not np.isnan(one)]
        found[f"least_{size}"] = max(numbers) if numbers else np.nan
    return found


def _best_site(
    facts: Facts,
    territories: Territories,
    number: int,
    sites: _Candidates,
    line: dict[str, Any],
) -> int | None:
    """Return the site within a territory that most of its households would have within the radius."""
    if line["action"] not in {"open", "enlarge"} or not line["categories"] or territories.kind == "estate":
        return None
    outline = territories.outlines[number]
    inside = (
        np.ones(len(sites.points), bool) if outline is None else shapely.intersects(outline, sites.points)
    )
    weight = facts.households * territories.buildings[[number], :].toarray()[0]
    limit_m = facts.profile.categories[line["categories"][0]].radius_m
    gained = np.asarray(sites.within(limit_m).T @ weight) * inside
    return int(gained.argmax()) if gained.max(initial=0) > 0 else None


def _sited(facts: Facts, indicator: ProfileIndicator, sites: _Candidates) -> Iterator[dict[str, Any]]:
    """Return sites that bring every community to the target of a coverage, as far as candidates reach."""
    subjects = facts.territories.get("community", facts.territories["town"])
    judged = judge(facts, indicator, subjects.kind)
    failing = judged.score < 100
    if not failing.any():  # met, or not assessed: of an age group that nobody counted there are no figures
        return
    basis = next(
        one for one in facts.assessment.figures.bases if one.name == coverage_basis(indicator, facts.town)
    )
    weight = np.nan_to_num(basis.weight)
    covered, undetermined = facts.assessment.covered(indicator.indicator)
    short = np.where(failing, (judged.target - judged.value) * judged.denominator / judged.factor, 0.0)
    open_ = ~covered & ~undetermined
    asking = (weight > 0) & open_ & (subjects.buildings[failing].sum(axis=0) > 0)
    near = sites.within(float(indicator.limit_m or 0))
    people = sparse.csr_array(subjects.buildings * (weight * asking)[None, :])
    order, proven = _chosen(near, people, short, weight * asking)
    for site in order:
        newly = np.asarray(near[:, [site]].toarray()[:, 0] > 0) & open_
        open_ = open_ & ~newly
        helped = np.asarray(subjects.buildings @ (facts.households * newly))
        line = _line(indicator, subjects, int(helped.argmax())) | {"action": "open", "count": 1.0}
        line |= _least(facts, indicator, indicator.categories[:1]) | sites.place(site)
        yield line | {
            "proven": proven,
            "households": float((facts.households * newly).sum()),
            "adds": float((weight * newly).sum()),
        }
    rest = short - people @ (near[:, order].sum(axis=1) > 0).astype(float)
    counted = facts.profile.quantity_names("households" if basis.name == "households" else "residents")
    for number in np.flatnonzero(rest > _NOBODY).tolist():
        line = _line(indicator, subjects, number) | {"action": "open", "amount": float(rest[number])}
        yield line | sites.place(None) | {"unit": counted, "households": 0.0, "adds": 0.0}


def _chosen(
    near: sparse.csc_array, people: sparse.csr_array, short: Floats, weight: Floats
) -> tuple[list[int], bool]:
    """Return sites in the order of what each adds, and whether they are proved to hold most people."""
    greedy = _greedy(near, people, short)
    if not greedy:
        return [], False
    found = locate(
        "mclp", sparse.csr_array(near), weight, count=len(greedy), limit_m=1.0, time_limit_s=_PROOF_S
    )
    exact = [int(one) for one in found.sites]
    if _met(near, people, short, exact) < _met(near, people, short, greedy):
        return greedy, False
    return _by_gain(near, weight, exact), bool(found.proven)


def _greedy(near: sparse.csc_array, people: sparse.csr_array, short: Floats) -> list[int]:
    """Return sites, one after the other the one that takes most off what the communities are short of."""
    rest, open_ = short.copy(), np.ones(people.shape[1])
    chosen: list[int] = []
    while near.shape[1] and (rest > _NOBODY).any():
        gained = np.asarray((people * open_[None, :] @ near).toarray())
        best = np.minimum(gained, np.maximum(rest, 0)[:, None]).sum(axis=0)
        site = int(best.argmax())
        if best[site] <= 0:
            break
        chosen.append(site)
        rest -= gained[:, site]
        open_ = open_ * (near[:, [site]].toarray()[:, 0] == 0)
    return chosen


def _met(near: sparse.csc_array, people: sparse.csr_array, short: Floats, sites: list[int]) -> int:
    """Return how many communities some sites bring to the target."""
    reached = near[:, sites].sum(axis=1) > 0
    return int((people @ reached.astype(float) >= short - _NOBODY).sum())


def _by_gain(near: sparse.csc_array, weight: Floats, sites: list[int]) -> list[int]:
    """Order sites by what each adds to those before."""
    rest, open_, order = list(sites), weight.copy(), []
    while rest:
        gained = np.asarray(near[:, rest].T @ open_)
        order.append(rest.pop(int(gained.argmax())))
        open_ = open_ * (near[:, [order[-1]]].toarray()[:, 0] == 0)
    return order


def _running_scores(rating: Rating, lines: list[dict[str, Any]]) -> list[float]:
    """Return the score of the town after each line and all before it."""
    rows = rating.indicators.loc[rating.indicators["subject_type"] == "town"].set_index("indicator")
    told = rows.loc[rows["assessed"].astype(bool)]
    weight, score = told["weight"].astype(float), told["score"].astype(float)
    value, target = told["value"].astype(float), told["target"].astype(float)
    # One more of the numerator is worth so much of the value, also where there is none yet.
    worth = {one: judge(rating.facts, rating.profile.indicator(one), "town").factor for one in told.index}
    worth = {one: worth[one] / float(told.loc[one, "denominator"]) for one in worth}
    found = []
    for line in lines:
        one = line["indicator"]
        if one in worth:
            value[one] += line["adds"] * worth[one]
            score[one] = 100 * min(1.0, value[one] / target[one])
        found.append(float((weight * score).sum() / weight.sum()) if len(told) else np.nan)
    return found
