"""Coverage: how far every household walks to each category of service, and what share is covered."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from spatial.catalogue import categories, section
from spatial.findings import Finding, Report, Severity
from spatial.lifecircle.cells import cells_of
from spatial.lifecircle.gaps import gaps_of
from spatial.lifecircle.rates import Figures, Indicator, Question
from spatial.lifecircle.subjects import Assigned, bases_of, subjects_of
from spatial.lifecircle.survey import Status, Survey, Walks
from spatial.network import CLOSED, STEPS_PER_M, Pace, at_pace, pace_named
from spatial.search import Labels, label_each
from spatial.town import Town, code_version

__all__ = ["Assessment", "Coverage", "assess_coverage"]

Progress = Callable[[str, int, int], None]

_BANDS_MINUTES = (5, 10, 15)
_SEARCH_FACTOR = 3
"""Walks are searched to this many times the limit."""


@dataclass(frozen=True)
class Coverage:
    """The walks of a town's buildings and the rates made from them.

    The columns of each table stand in `spatial.schema.COVERAGE_TABLES`.

    Attributes
    ----------
    buildings : layer indexed by building_id: what was measured
    walks : table building_id, category, walk_m, facility_id, status; searched to three times the limit
    rates : table of shares with numerator, denominator and undetermined households
    gaps : layer indexed by gap_id: clusters of uncovered households
    provenance : ``town_fingerprint``, ``mode``, ``code_version``, ``synthetic``, …
    report : what was noticed: stranded places, unknown households, walls without gates, …
    """

    buildings: gpd.GeoDataFrame
    walks: pd.DataFrame
    rates: pd.DataFrame
    gaps: gpd.GeoDataFrame
    provenance: Mapping[str, str] = field(default_factory=dict)
    report: Report = field(default_factory=Report)


def assess_coverage(
    town: Town,
    plan: Assigned | None = None,
    profile: Sequence[Indicator] | None = None,
    progress: Progress | None = None,
    *,
    pace: str | None = None,
) -> Coverage:
    """Measure the walk of every building to every category, and the rates and gaps that follow.

    A walk leads from the building, through an open gate of its estate where that is walled, along
    streets, to an entrance of the service, with straight legs at both ends.  Covered means that it is
    no longer than the limit.  Categories are those the town has services of, and those its
    completeness table names; a category without any service counts as 0 % where that table says
    *complete*, and as not assessed otherwise.

    Parameters
    ----------
    town : the town
    plan : a plan whose grids get rates too
    profile : indicators of a standard, which get rates with their own limit and basis
    progress : told the stage, what is done and what there is to do
    pace : a pace profile (adult, elderly, child, wheelchair); then every length is in level metres of
        that walker and the limits are what it covers in 5, 10 and 15 minutes

    Returns
    -------
    The coverage. Each category has rates at its own radius and at the 5, 10 and 15 minute distances;
    gaps are those at its own radius.

    Raises
    ------
    UsageError
        If there is no pace profile of that name.
    """
    return Assessment.of(town, plan, profile, progress, pace=pace).coverage(progress)


@dataclass(frozen=True, eq=False)
class Assessment:
    """A town measured: what a coverage is made of, kept so that a what-if need not begin anew.

    Attributes
    ----------
    town : the town
    plan, profile : plan whose grids have rates, and indicators that have
    survey : its places on its network
    pace : pace profile, None in distance mode
    limits : limits of each category in metres, its own first
    labels : nearest public service of every node, for each category
    walks : walks of every building to every category
    figures : the rates
    """

    town: Town
    plan: Assigned | None
    profile: tuple[Indicator, ...]
    survey: Survey
    pace: Pace | None
    limits: tuple[tuple[float, ...], ...]
    labels: tuple[Labels, ...]
    walks: Walks
    figures: Figures

    @classmethod
    def of(
        cls,
        town: Town,
        plan: Assigned | None = None,
        profile: Sequence[Indicator] | None = None,
        progress: Progress | None = None,
        *,
        pace: str | None = None,
    ) -> Self:
        """Measure a town; the parameters are those of `assess_coverage`."""
        told = progress or _silent
        told("lifecircle.stage_network", 0, 1)
        walker = None if pace is None else pace_named(pace)
        survey = Survey.of(town, walker)
        told("lifecircle.stage_network", 1, 1)
        return cls._of_survey(town, survey, plan, tuple(profile or ()), walker, told)

    @classmethod
    def _of_survey(  # noqa: PLR0917 - one call for each way to a survey
        cls,
        town: Town,
        survey: Survey,
        plan: Assigned | None,
        profile: tuple[Indicator, ...],
        pace: Pace | None,
        told: Progress,
    ) -> Self:
        names = survey.places.categories
        limits = tuple(_limits(name, profile, pace) for name in names)
        told("lifecircle.stage_search", 0, len(names))
        search_m = [_SEARCH_FACTOR * max(one) for one in limits]
        seeds = [survey.seeds(category) for category in range(len(names))]
        labels = label_each(survey.network, seeds, search_m, threads=os.cpu_count() or 1)
        found = [survey.measure(number, labels[number], search_m[number]) for number in range(len(names))]
        walks = Walks.of(found, len(survey.places.buildings))
        told("lifecircle.stage_search", len(names), len(names))
        told("lifecircle.stage_rates", 0, 1)
        bases = tuple(bases_of(town, survey.places).values())
        questions = [
            Question(name, None, limit_m, (number,))
            for number, name in enumerate(names)
            for limit_m in limits[number]
        ] + [Question.of(indicator, names) for indicator in profile]
        figures = Figures.of(subjects_of(town, survey.places, plan), bases, questions, walks)
        told("lifecircle.stage_rates", 1, 1)
        return cls(town, plan, profile, survey, pace, limits, tuple(labels), walks, figures)

    def at_pace(self, name: str) -> Assessment:
        """Measure the same town at another pace: nothing is attached anew, every category is searched again.

        Raises
        ------
        UsageError
            If there is no pace profile of that name.
        """
        pace = pace_named(name)
        survey = Survey(at_pace(self.survey.network, pace), self.survey.places)
        return Assessment._of_survey(self.town, survey, self.plan, self.profile, pace, _silent)

    def again(self, town: Town) -> Assessment:
        """Measure another state of the town by the same plan, profile and pace."""
        return Assessment.of(town, self.plan, self.profile, pace=self.pace.name if self.pace else None)

    def search_m(self, category: int) -> float:
        """Return how far walks to a category are searched, metres."""
        return _SEARCH_FACTOR * max(self.limits[category])

    def covered(self, indicator: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return (b,) which buildings an indicator of the profile covers, and of which that cannot be told."""
        question = next(one for one in self.figures.questions if one.indicator == indicator)
        return question.answer(self.walks)

    @property
    def households(self) -> npt.NDArray[np.float64]:
        """(b,) households of each building, not-a-number where unknown."""
        return next(basis.weight for basis in self.figures.bases if basis.name == "households")

    def coverage(self, progress: Progress | None = None) -> Coverage:
        """Write the tables of a coverage, gaps included."""
        told = progress or _silent
        told("lifecircle.stage_gaps", 0, 1)
        survey = self.survey
        cells = cells_of(survey.places, survey.network.walls)
        own_m = [one[0] for one in self.limits]
        gaps = gaps_of(survey, cells, self.walks, own_m, self.households)
        told("lifecircle.stage_gaps", 1, 1)
        return Coverage(
            buildings=self.town.buildings[["households", "geometry"]],
            walks=walks_table(survey, self.walks),
            rates=self.figures.table(),
            gaps=gaps,
            provenance=self._provenance(),
            report=_report(survey, self.households),
        )

    def _provenance(self) -> dict[str, str]:
        mode = {"mode": "distance"}
        if self.pace is not None:
            pace = f"{self.pace.metres_per_minute:g}"
            mode = {"mode": "time", "pace": self.pace.name, "metres_per_minute": pace}
        return {
            "town_fingerprint": self.town.fingerprint(),
            "town": self.town.name,
            "synthetic": "true" if self.town.synthetic else "false",
            **mode,
            "search_factor": str(_SEARCH_FACTOR),
            "grids": "true" if self.plan is not None else "false",
            "code_version": code_version(),
        }


def _silent(_stage: str, _done: int, _total: int) -> None:
    """Tell nobody how far the work is."""


def _limits(category: str, profile: Sequence[Indicator], pace: Pace | None) -> tuple[float, ...]:
    """Return the limits of a category in metres, its own first; a category not in the catalogue has the second band."""
    walking = section("walking")
    known = categories().get(category)
    if pace is None:
        bands = [float(walking[f"distance_{minutes}min_m"]) for minutes in _BANDS_MINUTES]
        own = known.radius_m if known else bands[1]
    else:
        bands = [pace.level_metres(minutes) for minutes in _BANDS_MINUTES]
        own = pace.level_metres(known.band_minutes) if known else bands[1]
    asked = [one.limit_m for one in profile if category in one.categories]
    return tuple(dict.fromkeys([own, *bands, *asked]))


def walks_table(survey: Survey, walks: Walks) -> pd.DataFrame:
    """Return the table ``walks``: one row to a building and a category."""
    places = survey.places
    names = np.array([*places.facilities.index, pd.NA], object)
    words = np.array([one.name.lower() for one in Status], object)
    buildings = np.tile(places.buildings.index.to_numpy(object), len(places.categories))
    category = np.repeat(np.array(places.categories, object), len(places.buildings))
    steps = walks.steps.ravel()
    return pd.DataFrame(
        {
            "building_id": pd.array(buildings, "string"),
            "category": pd.array(category, "string"),
            "walk_m": pd.arrays.FloatingArray(steps / STEPS_PER_M, steps == CLOSED),
            "facility_id": pd.array(names[walks.facility.ravel()], "string"),
            "status": pd.array(words[walks.status.ravel()], "string"),
        }
    )


def _report(survey: Survey, households: npt.NDArray[np.float64]) -> Report:
    findings = [*survey.network.report, *survey.places.findings]
    unknown = np.isnan(households)
    if unknown.any():
        ids = survey.places.buildings.index[unknown]
        findings.append(Finding.of(Severity.WARNING, "lifecircle.households_unknown", "buildings", ids))
    return Report(tuple(findings))
