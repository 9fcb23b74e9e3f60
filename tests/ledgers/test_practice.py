"""The cases of county practice, counted from rows and not from sums."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spatial.ledgers import (
    StaffingRules,
    check_ledgers,
    closing_rates,
    estates_by_class,
    ledger_measures,
    premises_by_size,
    staff_by_role,
)
from tests.ledgers.rows import events, ledgers, one_worker_each, plan_of, postings
from tests.towns import drawn_town


def _measured(measures, kind, quantity):
    rows = measures[((measures["subject_type"] == kind) & (measures["quantity"] == quantity)).to_numpy(bool)]
    return rows.set_index("subject_id")["value"]


@pytest.fixture(scope="module")
def town():
    return drawn_town("AABBCC/AABBCC", communities="112233/112233")


@pytest.fixture(scope="module")
def plan(town):
    return plan_of(town, {one: f"g{one[2]}" for one in town.buildings.index})


def test_of_the_events_96_73_percent_are_closed(town, plan):
    rng = np.random.default_rng(9673)
    rows = events(list(town.buildings.index), 10_000, 9_673, rng, reopened=150, undated=37, unlocated=52)
    book = ledgers(events=rows)
    rates = closing_rates(book, town, plan)
    assert rates["closed"].sum() / rates["reported"].sum() == pytest.approx(0.9673, abs=1e-12)
    measures = ledger_measures(book, town, plan)
    closed, reported = (
        _measured(measures, "town", one)[town.name] for one in ("events_closed", "events_reported")
    )
    assert (closed, reported) == (9_673, 10_000)
    # Two hundred that were reopened and not closed again would make a better figure if they counted.
    naive = rows["closed_on"].notna().mean()
    assert naive == pytest.approx((9_673 + 150) / 10_000)
    placed = _measured(measures, "community", "events_reported").sum()
    assert placed == 10_000 - 52
    assert _measured(measures, "grid", "events_reported").sum() == placed
    assert measures["date"].unique().tolist() == ["2024-12-31"]


def test_39_and_46_and_55_estates_by_class_with_their_treatment():
    classes = ["managed"] * 39 + ["unmanaged-block"] * 46 + ["unmanaged-bungalow"] * 55
    treatments = ["物业提升"] * 39 + ["引进物业"] * 46 + ["居民自治"] * 54 + [None]
    order = np.random.default_rng(140).permutation(140)
    town = drawn_town("A")
    geometry = [town.estates.geometry.iloc[0].centroid] * 140
    estates = town.estates.iloc[np.zeros(140, int)].reset_index(drop=True)
    estates = estates.assign(
        estate_id=[f"e{number}" for number in range(140)],
        estate_class=np.array(classes, object)[order],
        treatment=np.array(treatments, object)[order],
        households=[None if number == order.argmax() else 10 for number in range(140)],
        geometry=geometry,
    )
    homes = town.buildings.assign(estate_id="e0")
    summary = estates_by_class(drawn_town("A", tables={"estates": estates, "buildings": homes}))
    assert summary[["estate_class", "estates"]].to_numpy().tolist() == [
        ["managed", 39],
        ["unmanaged-block", 46],
        ["unmanaged-bungalow", 54],
        ["unmanaged-bungalow", 1],
    ]
    assert summary["treatment"].fillna("").tolist() == ["物业提升", "引进物业", "居民自治", ""]
    assert summary["usual_treatment"].str.contains("物业|自治").all()
    assert summary["evidence"].eq("practice").all()
    # The estate whose treatment is unknown is also the one whose households are.
    assert summary["households"].fillna(-1).tolist() == [390, 460, 540, -1]


def test_3_of_7_premises_have_1000_square_metres(town):
    first, second, third = town.communities.index
    premises = pd.DataFrame(
        {
            "premises_id": [f"r{number}" for number in range(7)],
            "community_id": [first, first, first, second, second, third, third],
            "floor_area_m2": [1000, 999.99, 300, 1500, 820, 4000, 500],
        }
    )
    counted = premises_by_size(ledgers(premises=premises), 1000)
    assert counted.loc[counted.index.isna(), ["large_enough", "premises"]].to_numpy().tolist() == [[3, 7]]
    assert counted.loc[[first, second, third], "large_enough"].tolist() == [1, 1, 1]
    unknown = ledgers(
        premises=premises.assign(floor_area_m2=premises["floor_area_m2"].where(premises.index != 1))
    )
    assert premises_by_size(unknown, 1000).iloc[-1].tolist() == [7, 3, 3, 1]
    area = _measured(ledger_measures(unknown, town), "community", "community_premises_floor_area")
    assert area.to_dict() == {second: 2320, third: 4500}  # the first community's is not known


def test_1768_workers_over_1522_grids():
    side = 39
    town = drawn_town("/".join(["." * side] * (side + 1)), points=True)
    homes = town.buildings.index[:1522]
    plan = plan_of(town, {one: f"g{place:04}" for place, one in enumerate(homes)})
    grids = list(plan.grids.index)
    book = ledgers(staff=one_worker_each(grids, 1768))
    measures = ledger_measures(book, town, plan)
    figures = {
        one: _measured(measures, "town", one)[town.name]
        for one in ("dedicated_workers", "grids", "grids_with_worker")
    }
    assert figures == {"dedicated_workers": 1768, "grids": 1522, "grids_with_worker": 1522}
    assert _measured(measures, "grid", "dedicated_workers").sum() == 1768
    rules = StaffingRules.of_models("1-N")
    assert check_ledgers(book, town, plan, rules=rules).findings == ()
    fewer = ledgers(staff=one_worker_each(grids[:-1], 1768))
    (missing,) = check_ledgers(fewer, town, plan, rules=rules)
    assert (missing.rule, missing.statement.ids) == ("lacks_grid_dedicated", (grids[-1],))


def test_people_of_each_role_are_counted_on_a_day():
    staff = postings(
        ("p2", "linked_official", "grid", "g2"),
        ("p1", "dedicated", "grid", "g1"),
        ("p2", "linked_official", "grid", "g1"),
        ("p3", "dedicated", "grid", "g1"),
        valid_to=[None, None, None, "2024-12-30"],
    )
    counted = staff_by_role(ledgers(staff=staff))
    assert counted.reset_index().to_numpy().tolist() == [["dedicated", 1, 1], ["linked_official", 1, 2]]


def test_what_no_ledger_tells_is_not_zero(town, plan):
    assert ledger_measures(ledgers(), town, plan).empty
    only_events = ledgers(events=events(list(town.buildings.index), 5, 5, np.random.default_rng(0)))
    assert set(ledger_measures(only_events, town, plan)["quantity"]) == {"events_reported", "events_closed"}


def test_health_administrators_and_workers_of_communities(town, plan):
    staff = one_worker_each(list(plan.grids.index), 3)
    more = pd.DataFrame(
        {
            "person_id": ["h1", "x1", "t1", "P00000"],
            "staff_role": ["health_administrator", "estate_worker", "town_staff", "dedicated"],
            "subject_type": ["estate", "estate", "community", "grid"],
            "subject_id": ["B", "A", town.communities.index[0], "g1"],
        }
    )
    measures = ledger_measures(ledgers(staff=pd.concat([staff, more])), town, plan)
    assert _measured(measures, "estate", "health_administrator_named").to_dict() == {"A": 0, "B": 1, "C": 0}
    workers = _measured(measures, "community", "community_workers")
    # P00000 twice and P00001 in grids of the first, x1 in its estate; P00002 in a grid of the second.
    assert workers.tolist() == [3, 1, 0]
