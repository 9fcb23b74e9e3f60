"""Closing rates: every event in exactly one row, in the grid it lay in on its day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from spatial.ledgers import check_ledgers, closing_rates, locate_events, plan_over_time
from tests.ledgers.rows import events, ledgers, plan_of
from tests.towns import drawn_town, point

DRAWING = "AABB/AABB"
WEST_EAST = {
    "b00": "g1",
    "b01": "g1",
    "b10": "g1",
    "b11": "g1",
    "b02": "g2",
    "b03": "g2",
    "b12": "g2",
    "b13": "g2",
}
NORTH_SOUTH = {one: "g1" if one.startswith("b0") else "g3" for one in WEST_EAST}


@pytest.fixture(scope="module")
def town():
    return drawn_town(DRAWING, communities="1122/1122")


def _events(*rows):
    columns = ["event_id", "building_id", "reported_on", "closed_on", "reopened_on"]
    return pd.DataFrame(rows, columns=columns)


def test_a_rate_is_closed_over_reported_by_grid_and_month(town):
    book = ledgers(
        events=_events(
            ("e1", "b00", "2024-03-01", "2024-03-02", None),
            ("e2", "b01", "2024-03-31", None, None),
            ("e3", "b11", "2024-04-01", "2024-06-01", None),
            ("e4", "b03", "2024-03-09", "2024-03-09", None),
        )
    )
    rates = closing_rates(book, town, plan_of(town, WEST_EAST))
    assert rates[["grid_id", "month", "reported", "closed", "open", "rate"]].to_numpy().tolist() == [
        ["g1", "2024-03", 2, 1, 1, 0.5],
        ["g1", "2024-04", 1, 1, 0, 1.0],
        ["g2", "2024-03", 1, 1, 0, 1.0],
    ]


@pytest.mark.parametrize(
    ("closed", "reopened", "is_closed"),
    [
        ("2024-03-05", None, True),
        ("2024-03-05", "2024-03-06", False),
        ("2024-03-09", "2024-03-06", True),
        (None, "2024-03-06", False),
        ("2024-03-06", "2024-03-06", False),
        ("2024-03-06T16:00:00", "2024-03-06T10:00:00", True),
        ("2024-03-06T10:00:00+08:00", "2024-03-06T16:00:00+08:00", False),
    ],
)
def test_a_reopened_event_is_closed_once_it_is_closed_again(town, closed, reopened, is_closed):
    book = ledgers(events=_events(("e1", "b00", "2024-03-01", closed, reopened)))
    assert locate_events(book, town, plan_of(town, WEST_EAST))["closed"].tolist() == [is_closed]


def test_an_event_counts_in_the_grid_of_its_day(town):
    plan = plan_over_time({"2024-06-01": plan_of(town, NORTH_SOUTH), "2023-01-01": plan_of(town, WEST_EAST)})
    rows = _events(
        ("before", "b12", "2024-05-31", None, None),
        ("after", "b12", "2024-06-01", None, None),
        ("too early", "b12", "2022-12-31", None, None),
        ("undated", "b12", None, None, None),
        ("undated but the same in both", "b00", None, None, None),
    )
    found = locate_events(ledgers(events=rows), town, plan)
    assert found["grid_id"].fillna("").to_dict() == {
        "before": "g2",
        "after": "g3",
        "too early": "",
        "undated": "",
        "undated but the same in both": "g1",
    }
    assert found["community_id"].notna().all()


def test_a_place_is_the_grid_named_else_the_building_else_the_point(town):
    x, y = point(0.5, 3.5, DRAWING)
    rows = pd.DataFrame(
        {
            "event_id": ["named", "coded", "unknown grid", "built", "point", "outside", "nowhere"],
            "grid_id": ["g1", "code-g1", "g99", None, None, None, None],
            "building_id": ["b03", "b03", "b03", "b03", None, None, None],
            "x": [x, x, x, point(0.5, 0.5, DRAWING)[0], x, x + 1e5, np.nan],
            "y": [y, y, y, y, y, y, np.nan],
            "reported_on": "2024-03-01",
        }
    )
    found = locate_events(ledgers(events=rows), town, plan_of(town, WEST_EAST))
    assert found["grid_id"].fillna("").tolist() == ["g1", "g1", "g2", "g2", "g2", "", ""]
    assert found["located_by"].fillna("").tolist() == [
        "grid",
        "grid",
        "building",
        "building",
        "point",
        "",
        "",
    ]


def test_longitude_and_latitude_are_places_too(town):
    centre = town.buildings.geometry.centroid.to_crs("EPSG:4490").loc["b03"]
    rows = pd.DataFrame(
        {"event_id": ["e"], "longitude": [centre.x], "latitude": [centre.y], "reported_on": ["2024-03-01"]}
    )
    assert locate_events(ledgers(events=rows), town, plan_of(town, WEST_EAST))["grid_id"].tolist() == ["g2"]


def test_a_building_in_two_grids_says_nothing_of_the_grid(town):
    plan = plan_of(town, WEST_EAST)
    split = pd.concat([plan.assignment, pd.DataFrame({"building_id": ["b00"], "grid_id": ["g2"]})])
    plan = replace(plan, assignment=split)
    found = locate_events(ledgers(events=_events(("e", "b00", "2024-03-01", None, None))), town, plan)
    assert found["grid_id"].isna().all()
    assert found["community_id"].tolist() == [town.buildings.loc["b00", "community_id"]]


def test_sums_reconcile_and_what_cannot_be_placed_is_named(town):
    rng = np.random.default_rng(11)
    rows = events(list(WEST_EAST), 500, 430, rng, reopened=20, undated=9, unlocated=13)
    book, plan = ledgers(events=rows), plan_of(town, WEST_EAST)
    rates = closing_rates(book, town, plan)
    assert rates["reported"].sum() == 500
    assert rates["closed"].sum() == 430
    assert rates["open"].sum() == 70
    assert rates["reopened"].sum() == 40
    assert rates.loc[rates["month"].isna(), "reported"].sum() == 9
    assert rates.loc[rates["grid_id"].isna(), "reported"].sum() == 13
    assert not rates.duplicated(["grid_id", "month"]).any()
    report = check_ledgers(book, town, plan)
    named = {one.rule: one.statement for one in report}
    assert set(named["event_undated"].ids) == set(rows.loc[rows["reported_on"].isna(), "event_id"])
    assert set(named["event_unlocated"].ids) == set(rows.loc[rows["building_id"].isna(), "event_id"])
    assert set(named["event_reopened"].ids) == set(rows.loc[rows["reopened_on"].notna(), "event_id"])
    assert named["event_reopened"].values["still_open"] == 20


def test_todays_grids_serve_without_a_plan(town):
    plan = plan_of(town, WEST_EAST)
    grids = plan.grids.reset_index()[["grid_id", "community_id", "kind", "geometry"]]
    with_grids = drawn_town(DRAWING, communities="1122/1122", tables={"grids": grids})
    book = ledgers(events=_events(("e1", "b03", "2024-03-01", None, None)))
    assert closing_rates(book, with_grids)["grid_id"].tolist() == ["g2"]
    assert closing_rates(book, town)["grid_id"].isna().all()
    assert closing_rates(ledgers(), town).empty
