"""Coverage on hand-made towns: who is reached, what cannot be told, and what the rates count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.lifecircle import Indicator, assess_coverage
from spatial.lifecircle.cells import union_of
from spatial.schema import COVERAGE_TABLES
from tests.streets import (
    CRS,
    barrier,
    box,
    building,
    estate,
    facility,
    gate,
    service,
    street,
    street_town,
)

ROAD = street("road", (0, 0), (1000, 0))
NOTHING = "<NA>"


def walks(town, category="kindergarten", **more):
    table = assess_coverage(town, **more).walks
    return table[table["category"] == category].set_index("building_id")


def rate(coverage, limit_m, basis="households", category="kindergarten", subject="town"):
    rows = coverage.rates
    chosen = rows[
        (rows["subject_type"] == subject) & (rows["basis"] == basis) & (rows["limit_m"] == limit_m)
        & (rows["category"] == category)
    ]  # fmt: skip
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_a_walk_has_legs_at_both_ends():
    town = street_town(
        streets=[ROAD],
        buildings=[building("b", 100, 20)],
        facilities=[facility("f", 400, -30)],
        services=[service("f")],
    )
    row = walks(town).loc["b"]
    assert row["walk_m"] == pytest.approx(20 + 300 + 30)
    assert (row["facility_id"], row["status"]) == ("f", "reached")


def test_on_one_edge_nobody_walks_round_by_its_ends():
    streets = [street("loop", (0, 0), (1000, 0), (1000, 1000), (0, 1000), (0, 0))]
    town = street_town(
        streets=streets, buildings=[building("b", 10, 0), building("c", 0, 10)],
        facilities=[facility("f", 40, 0)], services=[service("f")],
    )  # fmt: skip
    assert walks(town)["walk_m"].tolist() == pytest.approx([30.0, 50.0])


def test_a_building_on_a_junction_is_at_the_junction():
    streets = [
        street("a", (0, 0), (100, 0)),
        street("b", (100, 0), (200, 0)),
        street("c", (100, 0), (100, 90)),
    ]
    town = street_town(
        streets=streets,
        buildings=[building("b", 100, 0)],
        facilities=[facility("f", 100, 90)],
        services=[service("f")],
    )
    assert walks(town).loc["b", "walk_m"] == pytest.approx(90.0)


def test_of_two_equally_near_the_lower_id_is_nearest():
    town = street_town(
        streets=[ROAD], buildings=[building("b", 500, 0)],
        facilities=[facility("z", 400, 0), facility("a", 600, 0)], services=[service("z"), service("a")],
    )  # fmt: skip
    assert walks(town).loc["b", "facility_id"] == "a"


def test_entrances_are_used_where_given_and_parks_are_entered_at_their_outline():
    town = street_town(
        streets=[ROAD], buildings=[building("b", 0, 0)],
        facilities=[facility("f", 900, 0), {"facility_id": "park", "geometry": box(300, 10, 600, 400)}],
        services=[service("f"), service("park", "park_5")],
        entrances=[{"entrance_id": "e", "facility_id": "f", "geometry": facility("x", 200, 5)["geometry"]}],
    )  # fmt: skip
    assert walks(town).loc["b", "walk_m"] == pytest.approx(205.0)
    assert walks(town, "park_5").loc["b", "walk_m"] == pytest.approx(310.0)


def test_who_is_stranded_and_why():
    roads = [
        street("road", (0, 0), (150, 0), (1000, 0)),
        street("far", (0, 5000), (900, 5000)),
        street("in", (120, 130), (180, 130)),
        street("lane", (150, 0), (150, 60)),
    ]
    town = street_town(
        streets=roads,
        estates=[estate("E", box(100, 100, 200, 200)), estate("F", box(600, 100, 700, 200))],
        gates=[gate("g", "E", 150, 100, is_open=False)],
        buildings=[
            building("far", 10, 5000), building("nowhere", 0, 2000), building("shut in", 150, 150),
            building("unknown wall", 650, 150), building("home", 10, 10),
        ],
        facilities=[facility("f", 300, 0)], services=[service("f")],
    )  # fmt: skip
    assert walks(town)["status"].to_dict() == {
        "far": "stranded_data", "nowhere": "stranded_data", "shut in": "stranded_barrier",
        "unknown wall": "stranded_data", "home": "reached",
    }  # fmt: skip
    coverage = assess_coverage(town)
    figures = rate(coverage, 300.0)
    assert figures[["numerator", "undetermined", "stranded", "denominator"]].tolist() == [10, 30, 40, 50]
    assert coverage.report.of_rule("off_network")[0].statement.ids == ("nowhere", "unknown wall")
    assert coverage.report.of_rule("walled_without_gates")[0].statement.ids == ("F",)


def test_a_town_across_a_river_without_a_bridge_is_stranded_by_the_river():
    town = street_town(
        streets=[ROAD, street("north", (0, 100), (1000, 100))], barriers=[barrier("river", (-10, 50), (1010, 50))],
        buildings=[building("b", 500, 110)], facilities=[facility("f", 500, -10)], services=[service("f")],
    )  # fmt: skip
    coverage = assess_coverage(town)
    assert coverage.walks["status"].tolist() == ["stranded_barrier"]
    assert rate(coverage, 300.0)["undetermined"] == 0


def test_opening_the_gate_reaches_and_the_gap_had_named_the_wall():
    def town(*, is_open):
        return street_town(
            streets=[street("road", (0, 0), (500, 0), (1000, 0)), street("yard", (500, 0), (500, 150))], estates=[estate("E", box(400, 50, 600, 200))],
            gates=[gate("south", "E", 500, 50, is_open=is_open), gate("north", "E", 500, 200)],
            buildings=[building("b", 510, 100, 300)], facilities=[facility("f", 520, 0)], services=[service("f")],
        )  # fmt: skip

    shut = assess_coverage(town(is_open=False))
    assert shut.gaps[["category", "households", "cause"]].values.tolist() == [["kindergarten", 300, "gate"]]
    opened = assess_coverage(town(is_open=True))
    assert rate(opened, 300.0)["numerator"] == 300
    assert len(opened.gaps) == 0


def test_cells_whose_vertices_lie_a_hair_apart_are_joined_all_the_same():
    one, hair = (199.37005181852095, -1.9836481359553566), (199.37005181852095, -1.983648135955354)
    shared = (120, 35.02436001170361)
    cells = [
        shapely.Polygon([(201.67375500527535, -13.565146144861991), (120, -40), shared, one]),
        shapely.Polygon([one, hair, shared, (120, 79), (230, 70)]),
    ]
    joined = union_of(np.array(cells, object))
    assert joined.geom_type == "Polygon"
    assert joined.area == pytest.approx(sum(cell.area for cell in cells))


def test_a_service_kept_to_an_estate_serves_its_residents_only():
    town = street_town(
        streets=[ROAD], estates=[estate("E", box(0, 0, 300, 50), walled=None)],
        buildings=[building("in", 100, 10), building("out", 400, 10)],
        facilities=[facility("f", 200, 10, access="estate"), facility("lost", 800, -90, access="estate")],
        services=[service("f"), service("lost")],
    )  # fmt: skip
    found = walks(town)
    assert found.loc["in", "walk_m"] == pytest.approx(120.0)
    assert found.loc["out", "status"] == "beyond_search"
    assert assess_coverage(town).report.of_rule("estate_service_outside")[0].statement.ids == ("lost",)


def test_completeness_tells_none_from_not_assessed():
    town = street_town(
        streets=[ROAD], buildings=[building("b", 0, 0, 7)], facilities=[facility("f", 1, 0, closed="2020-01-01")],
        services=[service("f", "pharmacy")],
        completeness=[{"category": "wet_market", "state": "complete"}, {"category": "bank", "state": "partial"}],
    )  # fmt: skip
    coverage = assess_coverage(town)
    by_category = coverage.walks.set_index("category")["status"].to_dict()
    assert by_category == {"pharmacy": "not_assessed", "bank": "not_assessed", "wet_market": "no_facility"}
    assert rate(coverage, 500.0, category="wet_market")[["numerator", "undetermined"]].tolist() == [0, 0]
    assert rate(coverage, 1000.0, category="bank")[["numerator", "undetermined"]].tolist() == [0, 7]


def test_unknown_households_are_named_and_never_zero():
    town = street_town(
        streets=[ROAD], buildings=[building("a", 0, 0, None), building("b", 9, 0, 5, households_source="estimated")],
        facilities=[facility("f", 0, 0)], services=[service("f")],
    )  # fmt: skip
    coverage = assess_coverage(town)
    assert rate(coverage, 300.0)[["numerator", "denominator", "estimated_share"]].tolist() == [5, 5, 1.0]
    assert rate(coverage, 300.0, "buildings")["denominator"] == 2
    assert coverage.report.of_rule("households_unknown")[0].statement.ids == ("a",)
    nobody = street_town(
        streets=[ROAD],
        buildings=[building("a", 0, 0, None)],
        facilities=[facility("f", 0, 0)],
        services=[service("f")],
    )
    assert rate(assess_coverage(nobody), 300.0)[["numerator", "denominator", "undetermined"]].isna().all()


def test_subjects_and_bases():
    people = [
        {"subject_type": "community", "subject_id": "W", "age_group": "60+", "value": 30},
        {"subject_type": "community", "subject_id": "E", "age_group": "60+", "value": 90},
    ]
    town = street_town(
        streets=[ROAD],
        communities=[
            {"community_id": "W", "name": "West", "geometry": box(-10, -50, 200, 50)},
            {"community_id": "E", "name": "East", "geometry": box(200, -50, 1010, 50)},
        ],
        circles=[{"circle_id": "C", "kind": "circle5", "geometry": box(0, -9, 900, 9)}],
        buildings=[building("a", 0, 0, 10, residents=25), building("b", 800, 0, 30, residents=60), building("c", 990, 0, 60)],
        facilities=[facility("f", 0, 0)], services=[service("f")], population=people,
    )  # fmt: skip
    plan = type("Plan", (), {"assignment": pd.DataFrame(
        {"building_id": ["a", "b", "c"], "stairwell_id": [pd.NA] * 3, "grid_id": ["g1", "g2", "g2"]}
    )})  # fmt: skip
    table = assess_coverage(town, plan=plan).rates
    at = table[(table["limit_m"] == 300) & (table["category"] == "kindergarten")].set_index(
        ["subject_type", "subject_id", "basis"]
    )
    assert at.loc[("town", "test town", "households"), ["numerator", "denominator"]].tolist() == [10, 100]
    assert at.loc[("community", "W", "households"), ["numerator", "denominator"]].tolist() == [10, 10]
    assert at.loc[("grid", "g2", "households"), ["numerator", "denominator"]].tolist() == [0, 90]
    assert at.loc[("circle", "C", "households"), ["numerator", "denominator"]].tolist() == [10, 40]
    assert at.loc[("town", "test town", "60+"), ["numerator", "denominator"]].tolist() == pytest.approx(
        [30, 120]
    )
    assert at.loc[("community", "E", "60+"), "estimated_share"] == 1.0
    assert at.loc[("town", "test town", "residents"), "denominator"] == 85


def test_indicators_of_any_and_of_each():
    town = street_town(
        streets=[ROAD], buildings=[building("a", 0, 0, 1), building("b", 600, 0, 10)],
        facilities=[facility("f", 0, 0), facility("g", 600, 0)], services=[service("f"), service("g", "pharmacy")],
    )  # fmt: skip
    profile = [
        Indicator("any", ("kindergarten", "pharmacy"), 300.0, "households"),
        Indicator("each", ("kindergarten", "pharmacy"), 700.0, "households", any_of=False),
        Indicator("with unknown", ("kindergarten", "bank"), 300.0, "households"),
        Indicator("nobody counted", ("kindergarten",), 300.0, "residents"),
    ]
    table = assess_coverage(town, profile=profile).rates.dropna(subset="indicator").set_index("indicator")
    assert table.loc["any", ["numerator", "undetermined"]].tolist() == [11, 0]
    assert table.loc["each", ["numerator", "undetermined"]].tolist() == [11, 0]
    assert table.loc["with unknown", ["numerator", "undetermined"]].tolist() == [1, 10]
    assert table.loc["nobody counted", ["numerator", "denominator"]].isna().all()


def test_time_mode_counts_slope_by_direction_stairs_and_surfaces():
    def seconds(pace, **columns):
        town = street_town(
            streets=[street("s", (0, 0), (100, 0), **columns)],
            buildings=[building("low", 0, 0), building("high", 100, 0)],
            facilities=[facility("f", 50, 0)], services=[service("f")],
        )  # fmt: skip
        return walks(town, pace=pace)["walk_m"].astype("Float64").tolist()

    assert seconds("adult") == pytest.approx([50.0, 50.0])
    up, down = seconds("adult", slope=5.0)
    assert (up, down) == pytest.approx((50 * 1.19, 50 * 0.90))
    assert seconds("elderly", **{"class": "steps"}) == pytest.approx([150.0, 150.0])
    assert str(seconds("wheelchair", **{"class": "steps"})[0]) == NOTHING
    assert seconds("wheelchair", surface="gravel") == pytest.approx([100.0, 100.0])


def test_time_mode_has_the_limits_of_its_minutes():
    town = street_town(
        streets=[ROAD],
        buildings=[building("b", 0, 0)],
        facilities=[facility("f", 245, 0)],
        services=[service("f")],
    )
    coverage = assess_coverage(town, pace="elderly")
    assert rate(coverage, 240.0)[["numerator", "numerator_high"]].tolist() == [0, 10]
    assert rate(coverage, 480.0)["numerator"] == 10
    assert coverage.provenance["mode"] == "time"


def test_tables_hold_to_the_schema():
    town = street_town(
        streets=[ROAD],
        buildings=[building("b", 0, 0)],
        facilities=[facility("f", 600, 0)],
        services=[service("f")],
    )
    coverage = assess_coverage(town)
    for name, table in COVERAGE_TABLES.items():
        frame = getattr(coverage, name)
        columns = [*frame.columns, frame.index.name]
        for column in table.columns:
            assert column.name in columns, (name, column.name)
            values = frame.index if frame.index.name == column.name else frame[column.name]
            if column.filled:
                assert not pd.isna(values).any()
            if column.allowed:
                assert set(values.dropna()) <= set(column.allowed)
    assert coverage.gaps.crs == CRS


@pytest.mark.parametrize("empty", ["streets", "buildings", "facilities"])
def test_a_town_without_a_layer_is_still_answered(empty):
    rows = {
        "streets": [ROAD], "buildings": [building("b", 0, 0)], "facilities": [facility("f", 0, 0)],
        "services": [service("f")],
    }  # fmt: skip
    rows[empty] = []
    if empty == "facilities":
        rows["services"] = []
    coverage = assess_coverage(street_town(**rows))
    assert (coverage.walks["status"] == "stranded_data").all()
    assert coverage.rates["numerator"].fillna(0).eq(0).all()


@st.composite
def towns(draw):
    """A lattice of streets with holes, and buildings and services anywhere near it."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    size = draw(st.integers(2, 5))
    streets = []
    for i in range(size):
        for j in range(size):
            for di, dj in ((1, 0), (0, 1)):
                if i + di < size and j + dj < size and rng.random() < 0.8:
                    ends = (i * 150.0, j * 150.0), ((i + di) * 150.0, (j + dj) * 150.0)
                    streets.append(street(f"s{i}{j}{di}", *ends))
    homes = [building(f"b{k}", *rng.uniform(-50, size * 150, 2), int(rng.integers(1, 90))) for k in range(8)]
    shops = [facility(f"f{k}", *rng.uniform(-50, size * 150, 2)) for k in range(4)]
    return streets, homes, shops


@settings(max_examples=30, deadline=None)
@given(towns())
def test_one_more_facility_never_lowers_coverage_and_no_walk_is_shorter_than_the_straight_line(case):
    streets, homes, shops = case
    fewer, more = (
        assess_coverage(
            street_town(
                streets=streets,
                buildings=homes,
                facilities=shops[:count],
                services=[service(f"f{k}") for k in range(count)],
            )
        )
        for count in (2, 4)
    )
    before, after = (one.walks["walk_m"].fillna(np.inf).to_numpy(float) for one in (fewer, more))
    assert (after <= before + 1e-9).all()
    for one in (fewer, more):
        rates = one.rates
        assert (rates["numerator"] + rates["undetermined"] <= rates["denominator"] + 1e-9).all()
        by_limit = rates[rates["basis"] == "households"].sort_values("limit_m")["numerator"]
        assert by_limit.is_monotonic_increasing
    home, shop = (
        {row[key]: row["geometry"] for row in rows}
        for key, rows in (("building_id", homes), ("facility_id", shops))
    )
    for row in more.walks.dropna(subset="facility_id").itertuples():
        assert row.walk_m >= home[row.building_id].distance(shop[row.facility_id]) - 1e-3
