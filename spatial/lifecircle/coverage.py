"""Coverage: how far every household walks to each category of service, and what share is covered."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from spatial.catalogue import categories, section
from spatial.findings import Finding, Report, Severity
from spatial.lifecircle.cells import cells_of
from spatial.lifecircle.gaps import gaps_of
from spatial.lifecircle.rates import Indicator, Target, rates_of, target_of, target_of_several
from spatial.lifecircle.subjects import Assigned, bases_of, subjects_of
from spatial.lifecircle.survey import CategoryWalks, Status, Survey
from spatial.network import CLOSED, STEPS_PER_M
from spatial.search import label_each
from spatial.town import Town, code_version

__all__ = ["Coverage", "assess_coverage"]

Progress = Callable[[str, int, int], None]

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

    Returns
    -------
    The coverage. Each category has rates at its own radius and at the 5, 10 and 15 minute distances;
    gaps are those at its own radius.
    """
    told = progress or (lambda _stage, _done, _total: None)
    told("lifecircle.stage_network", 0, 1)
    survey = Survey.of(town)
    limits = [limits_of(name, profile or ()) for name in survey.places.categories]
    walks = measure_all(survey, [max(one) for one in limits], told)

    told("lifecircle.stage_rates", 0, 1)
    bases = bases_of(town, survey.places)
    subjects = subjects_of(town, survey.places, plan)
    rates = rates_of(subjects, bases, targets_of(survey, walks, limits, profile or ()))
    told("lifecircle.stage_gaps", 0, 1)
    households = bases["households"].weight
    gaps = gaps_of(
        survey, cells_of(survey.places, survey.network.walls), walks, [one[0] for one in limits], households
    )
    told("lifecircle.stage_gaps", 1, 1)
    return Coverage(
        buildings=town.buildings[["households", "geometry"]],
        walks=walks_table(survey, walks),
        rates=rates,
        gaps=gaps,
        provenance=_provenance(town, plan is not None),
        report=_report(survey, households),
    )


def limits_of(category: str, profile: Sequence[Indicator]) -> list[float]:
    """Return the limits of a category in metres, its own radius first; 500 m for one not in the catalogue."""
    walking = section("walking")
    bands = [float(walking[f"distance_{minutes}min_m"]) for minutes in (5, 10, 15)]
    known = categories().get(category)
    own = known.radius_m if known else bands[1]
    asked = [one.limit_m for one in profile if category in one.categories]
    return list(dict.fromkeys([own, *bands, *asked]))


def measure_all(survey: Survey, longest_m: Sequence[float], told: Progress) -> dict[int, CategoryWalks]:
    """Search every category, in threads, to three times its longest limit."""
    count = len(survey.places.categories)
    told("lifecircle.stage_search", 0, count)
    search_m = [_SEARCH_FACTOR * one for one in longest_m]
    seeds = [survey.seeds(category) for category in range(count)]
    labels = label_each(survey.network, seeds, search_m, threads=os.cpu_count() or 1)
    walks = {}
    for category in range(count):
        walks[category] = survey.measure(category, labels[category], search_m[category])
        told("lifecircle.stage_search", category + 1, count)
    return walks


def targets_of(
    survey: Survey,
    walks: Mapping[int, CategoryWalks],
    limits: Sequence[Sequence[float]],
    profile: Sequence[Indicator],
) -> list[Target]:
    """Return what the rates ask: each category at each of its limits, then the indicators."""
    names = survey.places.categories
    targets = [
        target_of(names[category], found, limit_m)
        for category, found in walks.items()
        for limit_m in limits[category]
    ]
    for indicator in profile:
        parts = [
            target_of(name, _walks_of(survey, walks, name), indicator.limit_m)
            for name in indicator.categories
        ]
        targets.append(target_of_several(indicator, parts))
    return targets


def _walks_of(survey: Survey, walks: Mapping[int, CategoryWalks], name: str) -> CategoryWalks:
    """Return the walks of a category, or, of one nothing is known of, that it was not assessed."""
    if name in survey.places.categories:
        return walks[survey.places.categories.index(name)]
    nowhere = np.full(len(survey.places.buildings), CLOSED, np.int32)
    status = np.full(len(nowhere), Status.NOT_ASSESSED, np.int8)
    return CategoryWalks(nowhere, np.full(len(nowhere), -1, np.int32), nowhere, nowhere, status)


def walks_table(survey: Survey, walks: Mapping[int, CategoryWalks]) -> pd.DataFrame:
    """Return the table ``walks``: one row to a building and a category."""
    places = survey.places
    count = len(places.buildings)
    steps = np.concatenate([np.zeros(0, np.int32), *(one.steps for one in walks.values())])
    facility = np.concatenate([np.zeros(0, np.int32), *(one.facility for one in walks.values())])
    status = np.concatenate([np.zeros(0, np.int8), *(one.status for one in walks.values())])
    names = np.array([*places.facilities.index, pd.NA], object)
    words = np.array([one.name.lower() for one in Status], object)
    category = np.repeat(np.array([places.categories[one] for one in walks], object), count)
    return pd.DataFrame(
        {
            "building_id": pd.array(np.tile(places.buildings.index.to_numpy(object), len(walks)), "string"),
            "category": pd.array(category, "string"),
            "walk_m": pd.arrays.FloatingArray(steps / STEPS_PER_M, steps == CLOSED),
            "facility_id": pd.array(names[facility], "string"),
            "status": pd.array(words[status], "string"),
        }
    )


def _provenance(town: Town, with_plan: bool) -> dict[str, str]:
    return {
        "town_fingerprint": town.fingerprint(),
        "town": town.name,
        "synthetic": "true" if town.synthetic else "false",
        "mode": "distance",
        "search_factor": str(_SEARCH_FACTOR),
        "grids": "true" if with_plan else "false",
        "code_version": code_version(),
    }


def _report(survey: Survey, households: npt.NDArray[np.float64]) -> Report:
    findings = [*survey.network.report, *survey.places.findings]
    unknown = np.isnan(households)
    if unknown.any():
        ids = survey.places.buildings.index[unknown]
        findings.append(Finding.of(Severity.WARNING, "lifecircle.households_unknown", "buildings", ids))
    return Report(tuple(findings))
