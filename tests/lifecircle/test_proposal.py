"""Proposals and openings of a town: what they promise is what coverage measures afterwards."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from spatial.errors import UsageError
from spatial.lifecircle.coverage import assess_coverage
from spatial.lifecircle.openings import best_openings
from spatial.lifecircle.proposal import site_facilities
from spatial.messages import LANGUAGES, use_language
from tests.streets import (
    CRS,
    box,
    building,
    estate,
    facility,
    gate,
    service,
    street,
    street_town,
)


def covered(town, category, limit_m):
    """Return the households that coverage counts as covered."""
    rates = assess_coverage(town).rates
    row = rates.loc[
        (rates["subject_type"] == "town")
        & (rates["category"] == category)
        & (rates["basis"] == "households")
        & (rates["limit_m"] == limit_m)
    ]
    return float(row["numerator"].iloc[0])


def random_town(seed):
    """Make a town of a street grid of 100 m, with random buildings, two kindergartens and parcels."""
    rng = np.random.default_rng(seed)
    lines = [street(f"h{y}", *[(x, y * 100) for x in range(0, 1001, 100)]) for y in range(11)]
    lines += [street(f"v{x}", *[(x * 100, y) for y in range(0, 1001, 100)]) for x in range(11)]
    homes = rng.random((60, 2)) * 980 + 10
    parcels = rng.random((8, 2)) * 960
    services = rng.random((2, 2)) * 980
    town = street_town(
        streets=lines,
        buildings=[building(f"b{i:02}", *xy, int(rng.integers(1, 50))) for i, xy in enumerate(homes)],
        facilities=[facility(f"k{i}", *xy) for i, xy in enumerate(services)],
        services=[service(f"k{i}") for i in range(2)],
        sites=[
            {"site_id": f"p{i}", "name": f"地块{i}", "geometry": box(x, y, x + 30, y + 30)}
            for i, (x, y) in enumerate(parcels)
        ],
    )
    return town, parcels


def with_services(town, shapes):
    """Build a kindergarten on each of some geometries."""
    new = street_town(
        facilities=[{"facility_id": f"new{i}", "geometry": shape} for i, shape in enumerate(shapes)],
        services=[service(f"new{i}") for i in range(len(shapes))],
    )
    tables = {
        **town.tables,
        "facilities": pd.concat([town.facilities, new.facilities]),
        "services": pd.concat([town.services, new.services], ignore_index=True),
    }
    return replace(town, tables=tables)


@pytest.mark.parametrize("seed", range(3))
def test_a_proposal_gains_what_coverage_measures_once_it_is_built(seed):
    town, _ = random_town(seed)
    found = site_facilities(town, "kindergarten", 3)
    summary = found.summary.iloc[0]
    assert summary["status"] == "optimal"
    assert summary["covered_before"] == covered(town, "kindergarten", 300.0)
    assert list(found.sites.index) == [1, 2, 3]
    for rank, row in found.sites.iterrows():
        built = with_services(town, found.sites.geometry.iloc[:rank])
        assert row["cumulated"] == covered(built, "kindergarten", 300.0)
    assert found.sites["gained"].tolist() == sorted(found.sites["gained"], reverse=True)
    assert summary["covered_after"] == summary["covered_before"] + found.sites["gained"].sum()


def test_no_other_three_parcels_cover_more():
    town, _ = random_town(7)
    best = site_facilities(town, "kindergarten", 2).summary["covered_after"].iloc[0]
    parcels = town.layer("sites").geometry
    for one in range(0, 8, 2):
        for other in range(one + 1, 8, 3):
            assert covered(with_services(town, parcels.iloc[[one, other]]), "kindergarten", 300.0) <= best


@pytest.mark.parametrize(
    ("candidates", "prefix"), [("junctions", "junction-"), ("facilities", "shop"), ("estates", "e")]
)
def test_candidates_come_from_the_town(candidates, prefix):
    town = street_town(
        streets=[street("s", (0, 0), (500, 0), (1000, 0)), street("t", (500, 0), (500, 300))],
        buildings=[building("b1", 100, 5), building("b2", 900, 5)],
        facilities=[
            facility("k", 0, 0),
            facility("shop1", 850, 5),
            facility("shop2", 400, 5, closed="2020-01-01"),
        ],
        services=[service("k"), service("shop1", "supermarket"), service("shop2", "supermarket")],
        estates=[estate("e1", box(800, 2, 900, 60), walled=False)],
    )
    found = site_facilities(town, "kindergarten", 1, "p_median", candidates=candidates)
    assert len(found.sites) == 1
    assert found.sites["candidate_id"].iloc[0].startswith(prefix)
    assert found.summary["candidates"].iloc[0] == 1


def test_a_layer_of_ones_own_gives_candidates():
    town, _ = random_town(2)
    points = gpd.GeoDataFrame(
        {"name": ["甲", "乙"]},
        geometry=gpd.points_from_xy([200, 700], [200, 700]),
        index=["v1", "v2"],
        crs=CRS,
    )
    found = site_facilities(town, "kindergarten", 1, candidates=points)
    assert found.sites["name"].iloc[0] in {"甲", "乙"}
    assert found.sites.crs == town.crs


def test_demand_that_nothing_reaches_is_named_with_its_reason():
    town = street_town(
        streets=[street("s", (0, 0), (2000, 0))],
        buildings=[building("near", 100, 5), building("far", 1900, 5, 30), building("lost", 500, 5000, 7)],
        sites=[{"site_id": "p", "geometry": box(0, 0, 30, 30)}],
    )
    found = site_facilities(town, "kindergarten", 1)
    assert found.unreached["status"].to_dict() == {"far": "out_of_reach", "lost": "stranded_data"}
    assert found.summary["unreached"].iloc[0] == 30
    assert found.summary["demand"].iloc[0] == 40
    assert found.summary["undetermined_buildings"].iloc[0] == 1


def test_more_sites_than_reach_all_is_told_as_infeasible():
    town = street_town(
        streets=[street("s", (0, 0), (200, 0)), street("t", (0, 5000), (200, 5000))],
        buildings=[building("b1", 100, 5), building("b2", 100, 5005)],
        sites=[
            {"site_id": "p", "geometry": box(0, 0, 30, 30)},
            {"site_id": "q", "geometry": box(0, 5000, 30, 5030)},
        ],
    )
    summary = site_facilities(town, "kindergarten", 1, "p_median").summary.iloc[0]
    assert summary["status"] == "infeasible"
    assert site_facilities(town, "kindergarten", 2, "p_median").summary["status"].iloc[0] == "optimal"


def walled_town(*, is_open=False, gates=(), streets=()):
    """Make an estate whose far gate is closed: 300 m to the service through it, 900 m around."""
    return street_town(
        streets=[
            street("main", (0, 0), (200, 0), (400, 0)),
            street("west", (0, 0), (0, 200), (0, 400)),
            street("north", (0, 400), (200, 400), (400, 400)),
            street("east", (400, 0), (400, 400)),
            street("inner", (200, 110), (200, 200), (200, 290)),
            street("front", (200, 0), (200, 95)),
            street("entry", (200, 290), (200, 400)),
            *streets,
        ],
        estates=[estate("e", box(100, 100, 300, 300))],
        gates=[gate("back", "e", 200, 300), gate("side", "e", 100, 200, is_open=is_open), *gates],
        buildings=[building("b1", 190, 150, 40), building("b2", 210, 280, 25), building("b3", 300, 20, 10)],
        facilities=[facility("k", 200, -2), facility("s", 95, 200)],
        services=[service("k"), service("s", "supermarket")],
    )


def test_a_way_through_a_wall_gains_what_coverage_measures_once_it_is_there():
    town = walled_town()
    found = best_openings(town, "kindergarten")
    assert found["kind"].tolist() == ["crossing"]
    assert found["length_m"].tolist() == [15.0]
    built = walled_town(streets=[street("new", (200, 95), (200, 110))], gates=[gate("new", "e", 200, 100)])
    gained = covered(built, "kindergarten", 300.0) - covered(town, "kindergarten", 300.0)
    assert found["gained"].iloc[0] == gained > 0
    assert found["share_of_gap"].iloc[0] == 1.0


def test_a_closed_gate_gains_what_coverage_measures_once_it_is_open():
    lane = [street("lane", (0, 200), (200, 200))]
    town, opened = walled_town(streets=lane), walled_town(streets=lane, is_open=True)
    found = best_openings(town, "supermarket", limit_m=300.0)
    gate_row = found.loc[found["kind"] == "gate"].iloc[0]
    assert gate_row["gate_id"] == "side"
    assert (
        gate_row["gained"] == covered(opened, "supermarket", 300.0) - covered(town, "supermarket", 300.0) > 0
    )


def test_a_gap_elsewhere_is_not_closed():
    assert best_openings(walled_town(), "kindergarten", gap=box(5000, 5000, 6000, 6000)).empty


def test_a_crossing_longer_than_asked_is_not_proposed():
    assert best_openings(walled_town(), "kindergarten", longest_crossing_m=10.0).empty


@pytest.mark.parametrize(
    ("key", "call"),
    [
        ("siting.no_candidates", lambda: site_facilities(walled_town(), "kindergarten", 1)),
        (
            "siting.unknown_candidates",
            lambda: site_facilities(walled_town(), "kindergarten", 1, candidates="x"),
        ),
        ("siting.no_radius", lambda: site_facilities(walled_town(), "moon base", 1)),
        ("siting.no_radius", lambda: best_openings(walled_town(), "moon base")),
        ("capacity.no_service", lambda: best_openings(walled_town(), "primary_school")),
        (
            "capacity.unknown_basis",
            lambda: site_facilities(walled_town(), "kindergarten", 1, candidates="estates", basis="elves"),
        ),
        (
            "siting.count_above_candidates",
            lambda: site_facilities(walled_town(), "kindergarten", 9, candidates="estates"),
        ),
    ],
)
def test_wrong_requests_are_refused_in_both_languages(key, call):
    with pytest.raises(UsageError) as caught:
        call()
    assert caught.value.statement.key == key
    for language in LANGUAGES:
        with use_language(language):
            assert "{" not in str(caught.value)
