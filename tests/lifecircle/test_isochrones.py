"""What is reached from a place: streets cut at the limit, and the way to the nearest service."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from spatial.errors import UsageError
from spatial.lifecircle import Survey, assess_coverage, reach_from, reach_from_estate, reach_from_facility
from tests.lifecircle.test_whatif import lattice
from tests.streets import box, building, estate, facility, gate, service, street, street_town


def test_streets_are_cut_at_the_limit():
    town = street_town(streets=[street("a", (0, 0), (1000, 0)), street("b", (1000, 0), (1000, 500))])
    reach = reach_from(Survey.of(town), (900, 20), 200.0)
    parts = shapely.union_all(reach.streets())
    assert parts.length == pytest.approx(180 + 100 + 80)
    assert shapely.distance(parts, shapely.Point(1000, 80)) < 1e-6
    assert shapely.contains(reach.polygon(), shapely.Point(900, 20))


def test_slope_counts_in_the_direction_of_walking():
    town = street_town(streets=[street("hill", (0, 0), (1000, 0), slope=5.0)])
    from spatial.network import pace_named

    survey = Survey.of(town, pace_named("adult"))
    ends = shapely.get_coordinates(shapely.union_all(reach_from(survey, (500, 0), 100.0).streets()))[:, 0]
    assert ends.max() - 500 == pytest.approx(100 / 1.19, abs=1e-3)
    assert 500 - ends.min() == pytest.approx(100 / 0.90, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_the_way_to_the_nearest_is_as_long_as_the_walk(seed):
    town = lattice(np.random.default_rng(seed))
    survey = Survey.of(town)
    walks = assess_coverage(town).walks.set_index(["building_id", "category"])
    compared = 0
    for name, home in town.buildings.geometry.items():
        try:
            found = reach_from(survey, (home.x, home.y), 1000.0).nearest()
        except UsageError:
            continue
        for category, row in found.iterrows():
            expected = walks.loc[(name, category)]
            assert row["walk_m"] == pytest.approx(expected["walk_m"], abs=1e-3)
            assert row["facility_id"] == expected["facility_id"]
            assert row["geometry"].length == pytest.approx(row["walk_m"], abs=1e-2)
            compared += 1
    assert compared > 5


def test_a_place_off_the_network_is_refused():
    town = street_town(
        streets=[street("a", (0, 0), (9, 0))], buildings=[building("b", 0, 0)],
        facilities=[facility("f", 0, 0)], services=[service("f")],
    )  # fmt: skip
    with pytest.raises(UsageError, match="5000"):
        reach_from(Survey.of(town), (5000, 0), 100.0)


def test_from_an_estate_one_walks_through_its_open_gates():
    town = street_town(
        streets=[street("road", (0, 0), (500, 0), (1000, 0)), street("yard", (500, 0), (500, 150))],
        estates=[
            estate("E", box(400, 50, 600, 200)), estate("shut", box(700, 50, 800, 200)),
            estate("open", box(820, 10, 900, 40), walled=False),
        ],
        gates=[gate("g", "E", 500, 50), gate("h", "E", 600, 100, is_open=False), gate("s", "shut", 750, 50, is_open=False)],
        facilities=[facility("f", 300, 0)], services=[service("f")],
    )  # fmt: skip
    found = reach_from_estate(town, "E", 260.0)
    assert found.nearest().loc["kindergarten", "walk_m"] == pytest.approx(250, abs=1e-3)
    streets = shapely.union_all(found.streets())
    assert streets.length == pytest.approx(2 * 210 + 50 + 100, abs=1e-2)
    # Without a wall the outline is the way out: 10 m from the street.
    found = reach_from_estate(town, "open", 100.0)
    assert shapely.union_all(found.streets()).bounds[0] == pytest.approx(820 - 90, abs=1e-3)
    with pytest.raises(UsageError, match="shut"):
        reach_from_estate(town, "shut", 100.0)
    with pytest.raises(UsageError, match="nowhere"):
        reach_from_estate(town, "nowhere", 100.0)


def test_from_a_facility_one_walks_from_every_entrance():
    town = street_town(
        streets=[street("road", (0, 0), (1000, 0))],
        facilities=[facility("f", 500, 20), facility("g", 100, 0)], services=[service("g")],
        entrances=[
            {"entrance_id": one, "facility_id": "f", "geometry": shapely.Point(x, 10)}
            for one, x in (("west", 400), ("east", 600))
        ],
    )  # fmt: skip
    found = reach_from_facility(Survey.of(town), "f", 310.0)
    assert shapely.union_all(found.streets()).bounds == pytest.approx((100, 0, 900, 0), abs=1e-3)
    row = found.nearest().loc["kindergarten"]
    assert row["walk_m"] == pytest.approx(310, abs=1e-3)
    assert row["geometry"].length == pytest.approx(310, abs=1e-2)
    assert row["geometry"].coords[0] == (400, 10)
    with pytest.raises(UsageError, match="none"):
        reach_from_facility(Survey.of(town), "none", 100.0)
