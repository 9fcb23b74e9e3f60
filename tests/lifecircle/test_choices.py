"""Counts of services within reach and the nearest few equal one measurement for each service alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spatial.errors import UsageError
from spatial.lifecircle import Assessment, Survey, services_within
from spatial.network import CLOSED, STEPS_PER_M
from tests.lifecircle.test_whatif import lattice
from tests.streets import box, building, estate, facility, gate, service, street, street_town


@pytest.mark.parametrize("seed", range(4))
def test_counts_and_nearest_equal_each_service_alone(seed):
    town = lattice(np.random.default_rng(seed))
    survey = Survey.of(town)
    offered = town.services.loc[town.services["category"] == "pharmacy"]
    alone = []
    for row in range(len(offered)):
        assessment = Assessment.of(replace(town, tables={**town.tables, "services": offered.iloc[[row]]}))
        steps = assessment.walks.steps[assessment.survey.places.categories.index("pharmacy")]
        alone.append(np.where(steps == CLOSED, np.inf, steps / STEPS_PER_M))
    expected = np.sort(np.array(alone).T, axis=1)
    found = services_within(survey, "pharmacy", 600.0, nearest=2)
    assert np.array_equal(found.count, (expected <= 600.0).sum(axis=1))
    assert 0 < found.count.max() < found.count.sum()
    nearest = np.where(expected[:, :2] <= 600.0, expected[:, :2], np.inf)
    assert np.allclose(found.walk_m, nearest, atol=1e-3)
    assert np.array_equal(found.facility >= 0, np.isfinite(nearest))


def test_a_service_kept_to_an_estate_counts_for_its_residents():
    town = street_town(
        streets=[street("road", (0, 0), (100, 0), (300, 0)), street("yard", (100, 0), (100, 90))],
        estates=[estate("E", box(50, 20, 150, 100))], gates=[gate("g", "E", 100, 20)],
        buildings=[building("in", 105, 80, estate_id="E"), building("out", 95, 5)],
        facilities=[facility("f", 102, 60, access="estate"), facility("p", 200, 0)],
        services=[service("f"), service("p")],
    )  # fmt: skip
    assert services_within(Survey.of(town), "kindergarten", 500.0).count.tolist() == [2, 1]
    with pytest.raises(UsageError, match="castle"):
        services_within(Survey.of(town), "castle", 500.0)
