"""Rating a small street town: every kind by hand, what is unknown, levels, scores, stars."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from spatial.standards import build_list, gained_since, rate_town
from spatial.standards.scoring import stars_of
from tests.standards.places import profile_of, row_of, three_communities
from tests.streets import estate

PRESENCE = 'kind = "presence", categories = ["pharmacy"], target = 1, per = "community"'
NEAR = 'kind = "coverage", categories = ["pharmacy"], distance_m = 350, target = 90'


def test_coverage_counts_residents_within_the_profiles_distance(tmp_path):
    # pharmacy at 100 m: walks of the four buildings of A are 20, 220, 520 and 820 m
    town = three_communities([("pharmacy", "F", 100, {})])
    rating = rate_town(town, profile_of(tmp_path, {"one": NEAR}))
    row = row_of(rating, "A", "one")
    assert (row["numerator"], row["denominator"]) == (500, 1000)
    assert row["value"] == 50
    assert row["score"] == pytest.approx(100 * 50 / 90)
    assert row["basis"] == "residents"
    assert row_of(rating, "B", "one")["value"] == 0  # the town has a pharmacy: far is a fact


def test_unknown_residents_are_not_assessed_and_never_0(tmp_path):
    town = three_communities([("pharmacy", "F", 2100, {})])
    rating = rate_town(town, profile_of(tmp_path, {"one": NEAR}))
    row = row_of(rating, "C", "one")
    assert not row["assessed"]
    assert pd.isna(row["value"])
    assert pd.isna(row["score"])
    assert "居民人数" in row["reason"].text("zh-CN")
    score = rating.scores.set_index("subject_id").loc["C"]
    assert pd.isna(score["score"])
    assert score["assessed_share"] == 0
    assert pd.isna(score["stars"])
    # of the town two thirds are known, which is less than the share that is needed
    assert not row_of(rating, "长街县", "one")["assessed"]


def test_households_stand_for_residents_where_the_town_knows_none(tmp_path):
    town = three_communities([("pharmacy", "F", 100, {})], known=())
    rating = rate_town(town, profile_of(tmp_path, {"one": NEAR}))
    row = row_of(rating, "A", "one")
    assert (row["basis"], row["numerator"], row["denominator"]) == ("households", 200, 400)


def test_one_of_several_categories_or_all_of_them(tmp_path):
    town = three_communities([("pharmacy", "F", 100, {}), ("supermarket", "G", 600, {})])
    both = 'kind = "coverage", categories = ["pharmacy", "supermarket"], distance_m = 350, target = 90'
    profile = profile_of(tmp_path, {"any": both + ", any_of = true", "all": both + ", any_of = false"})
    rating = rate_town(town, profile)
    # pharmacy within 350 m: the first two; supermarket: 320 m from the second, 20 m and 320 m the others
    assert row_of(rating, "A", "any")["value"] == 100
    assert row_of(rating, "A", "all")["value"] == 25


def test_an_age_group_is_counted_where_the_unit_names_it(tmp_path):
    people = [{"subject_type": "community", "subject_id": "A", "age_group": "60+", "value": 80.0}]
    town = three_communities([("pharmacy", "F", 100, {})], population=people)
    profile = profile_of(tmp_path, {"one": NEAR})
    text = (tmp_path / "profile.toml").read_text(encoding="utf-8")
    (tmp_path / "profile.toml").write_text(text.replace("% of residents", "% of residents aged 60+"), "utf-8")
    from spatial.standards import read_profile

    rating = rate_town(town, read_profile(tmp_path / "profile.toml"))
    assert profile.indicators[0].basis == "residents"
    row = row_of(rating, "A", "one")
    assert (row["basis"], row["numerator"], row["denominator"]) == ("60+", 40, 80)
    assert row["estimated_share"] == 1
    assert "60+" in row_of(rating, "B", "one")["reason"].text("en")


def test_none_found_is_0_only_where_the_list_is_complete(tmp_path):
    profile = profile_of(tmp_path, {"one": PRESENCE})
    silent = rate_town(three_communities([("pharmacy", "F", 100, {})]), profile)
    assert row_of(silent, "A", "one")["value"] == 1
    assert "药店" in row_of(silent, "B", "one")["reason"].text("zh-CN")
    complete = rate_town(three_communities([("pharmacy", "F", 100, {})], complete=["pharmacy"]), profile)
    assert row_of(complete, "B", "one")["value"] == 0
    # of the town: one community of three
    town = row_of(complete, "长街县", "one")
    assert (town["numerator"], town["denominator"], town["target"]) == (1, 3, 1)
    assert town["value"] == pytest.approx(1 / 3)


def test_sizes_count_where_they_are_known(tmp_path):
    profile = profile_of(tmp_path, {"one": PRESENCE + ", min_floor_area_m2 = 80"})
    town = three_communities(
        [
            ("pharmacy", "F1", 100, {"floor_area_m2": 79.0}),
            ("pharmacy", "F2", 1100, {"floor_area_m2": 80.0}),
            ("pharmacy", "F3", 2100, {}),
        ],
        complete=["pharmacy"],
    )
    rating = rate_town(town, profile)
    assert row_of(rating, "A", "one")["value"] == 0
    assert row_of(rating, "B", "one")["value"] == 1
    assert row_of(rating, "C", "one")["reason"].key == "standards.reason.size_unknown"


def test_a_size_may_hold_for_one_category_only(tmp_path):
    keys = (
        'kind = "presence", categories = ["waste_station", "public_toilet"], target = 2, per = "community", '
        "count_distinct = true, min_land_area_m2 = { waste_station = 120 }, "
        "min_floor_area_m2 = { public_toilet = 30 }"
    )
    services = [
        ("waste_station", "W", 100, {"land_area_m2": 120.0}),
        ("public_toilet", "T", 200, {"floor_area_m2": 30.0}),
        ("waste_station", "V", 1100, {"land_area_m2": 500.0}),
        ("waste_station", "U", 1200, {"land_area_m2": 500.0}),
    ]
    town = three_communities(services, complete=["waste_station", "public_toilet"])
    rating = rate_town(town, profile_of(tmp_path, {"one": keys}))
    assert row_of(rating, "A", "one")["value"] == 2
    assert row_of(rating, "B", "one")["value"] == 1  # two of one kind are one kind


def test_what_is_kept_to_an_estate_does_not_serve_the_community(tmp_path):
    town = three_communities(
        [("pharmacy", "F", 100, {"access": "estate"})],
        complete=["pharmacy"],
        estates=[estate("E", box(50, -50, 150, 50), walled=None)],
    )
    assert row_of(rate_town(town, profile_of(tmp_path, {"one": PRESENCE})), "A", "one")["value"] == 0


def test_areas_and_counts_are_taken_per_head(tmp_path):
    profile = profile_of(
        tmp_path,
        {
            "green": 'kind = "area_per_capita", categories = ["park_5"], target = 1, basis = "resident", area = "land"',
            "floor": 'kind = "area_per_capita", categories = ["elderly_daycare"], target = 20, basis = "100_households"',
            "piles": 'kind = "count_per_1000", categories = ["charging"], target = 4, count = "capacity"',
            "shops": 'kind = "count_per_1000", categories = ["charging"], target = 4',
            "staff": 'kind = "count_per_1000", quantity = "community_workers", target = 1.8',
        },
    )
    town = three_communities(
        [
            ("park_5", "P", 100, {"land_area_m2": 600.0}),
            ("elderly_daycare", "D", 200, {"floor_area_m2": 100.0}),
            ("charging", "L1", 300, {"capacity": 2.0}),
            ("charging", "L2", 400, {"capacity": 1.0}),
        ],
        measures=[("community", "A", "community_workers", 2.0)],
    )
    rating = rate_town(town, profile)
    values = {one: row_of(rating, "A", one)["value"] for one in ("green", "floor", "piles", "shops", "staff")}
    assert values == {"green": 0.6, "floor": 25, "piles": 3, "shops": 2, "staff": 2}
    # C knows its households but not its residents
    assert row_of(rating, "C", "floor")["reason"].key == "standards.reason.list_incomplete"
    assert row_of(rating, "C", "green")["reason"].key == "standards.reason.people_unknown"
    assert row_of(rating, "B", "staff")["reason"].key == "standards.reason.quantity_unknown"
    assert row_of(rating, "长街县", "floor")["value"] == pytest.approx(100 / 12)


def test_ratios_are_of_measured_or_counted_quantities(tmp_path):
    profile = profile_of(
        tmp_path,
        {"one": 'kind = "ratio", target = 1, numerator = "parking_spaces", denominator = "households"'},
    )
    rows = [("community", one, "parking_spaces", value) for one, value in (("A", 200.0), ("B", 500.0))]
    rating = rate_town(three_communities(measures=rows), profile)
    assert row_of(rating, "A", "one")["value"] == 0.5
    assert row_of(rating, "B", "one")["score"] == 100
    assert not row_of(rating, "C", "one")["assessed"]
    # what is given goes before what the town holds
    more = pd.DataFrame([("community", one, "parking_spaces", 400.0) for one in "ABC"],
                        columns=["subject_type", "subject_id", "quantity", "value"])  # fmt: skip
    rating = rate_town(three_communities(measures=rows), profile, measures=more)
    assert [row_of(rating, one, "one")["value"] for one in (*"ABC", "长街县")] == [1, 1, 1, 1]


def test_the_latest_row_up_to_the_date_counts(tmp_path):
    profile = profile_of(
        tmp_path,
        {"one": 'kind = "ratio", target = 1, numerator = "events_closed", denominator = "events_reported"'},
    )
    rows = [
        {"subject_type": "community", "subject_id": "A", "quantity": quantity, "value": value, "date": date}
        for quantity, value, date in (
            ("events_closed", 3.0, "2024-12-31"),
            ("events_closed", 8.0, "2025-12-31"),
            ("events_reported", 10.0, "2024-12-31"),
        )
    ]
    town = three_communities()
    more = pd.DataFrame(rows)
    assert row_of(rate_town(town, profile, measures=more), "A", "one")["value"] == 0.8
    then = row_of(rate_town(town, profile, measures=more, as_of="2025-06-30"), "A", "one")
    assert (then["value"], then["as_of"]) == (0.3, "2024-12-31")


def test_three_of_seven_premises_have_1000_square_metres(tmp_path):
    areas = (420.0, 999.9, 1000.0, 1250.0, 640.0, 1001.0, 880.0)
    names = [f"S{number}" for number in range(7)]
    town = three_communities(
        communities=[
            {"community_id": one, "name": one, "geometry": box(400 * place, -400, 400 * place + 400, 400)}
            for place, one in enumerate(names)
        ],
        buildings=[],
        services=(),
        measures=[
            ("community", one, "community_premises_floor_area", area)
            for one, area in zip(names, areas, strict=True)
        ],
    )
    keys = (
        'kind = "threshold_by_population", categories = ["community_service_station"], target = 1000, '
        'per = "community", population_from = 0, area = "floor", quantity = "community_premises_floor_area"'
    )
    rating = rate_town(town, profile_of(tmp_path, {"one": keys}))
    assert [row_of(rating, one, "one")["value"] for one in names] == list(areas)
    whole = row_of(rating, "长街县", "one")
    assert (whole["numerator"], whole["denominator"]) == (3, 7)


ESTATE_RULE = (
    'kind = "threshold_by_population", categories = ["estate_health_point"], target = 1, per = "estate", '
    'population_from = 2000, below_threshold = "health_administrator_named"'
)


@pytest.mark.parametrize(
    ("residents", "point", "named", "kept"),
    [
        (2000, True, None, True),
        (2000, False, 1.0, False),  # from 2000 residents an administrator is not enough
        (1999, False, 1.0, True),
        (1999, False, 0.0, False),
        (1999, True, None, True),
        (1999, False, None, None),  # nobody says whether there is an administrator
        (None, False, 1.0, None),  # nobody knows which rule holds
        (None, True, None, True),
    ],
)
def test_estates_of_2000_residents_need_a_health_point_and_smaller_ones_an_administrator(
    tmp_path, residents, point, named, kept
):
    town = three_communities(
        [("estate_health_point", "F", 100, {"access": "estate"})] if point else [],
        complete=["estate_health_point"],
        estates=[
            dict(estate("E", box(50, -50, 150, 50), walled=None), community_id="A", residents=residents)
        ],
        measures=[] if named is None else [("estate", "E", "health_administrator_named", named)],
        known=(),
    )
    row = row_of(rate_town(town, profile_of(tmp_path, {"one": ESTATE_RULE})), "A", "one")
    if kept is None:
        assert row["reason"].key == "standards.reason.parts_unknown"
        assert pd.isna(row["value"])
    else:
        assert (row["numerator"], row["denominator"]) == (float(kept), 1)


def test_the_same_rule_serves_any_category_and_community(tmp_path):
    keys = (
        'kind = "threshold_by_population", categories = ["primary_school"], target = 1, per = "community", '
        "population_from = {}"
    )
    town = three_communities([("primary_school", "F", 100, {})], complete=["primary_school"])
    held = rate_town(town, profile_of(tmp_path, {"one": keys.format(1000)}))
    assert [row_of(held, one, "one")["value"] for one in "AB"] == [1, 0]
    spared = rate_town(town, profile_of(tmp_path, {"one": keys.format(1001)}))
    assert row_of(spared, "B", "one")["reason"].key == "standards.reason.below_population"


def test_a_level_is_judged_on_its_own_circles_and_no_higher_level_stands_in(tmp_path):
    profile = profile_of(
        tmp_path,
        {
            "home": 'kind = "presence", categories = ["nursing_home"], target = 1, per = "circle15", level = "circle15"',
            "green": 'kind = "area_per_capita", categories = ["park_5"], target = 1, per = "circle5", basis = "resident", area = "land", level = "circle5"',
        },
    )
    services = [("nursing_home", "N", 1500, {}), ("park_15", "P", 100, {"land_area_m2": 9000.0})]
    circles = [
        {"circle_id": "K15", "kind": "circle15", "name": "大圈", "geometry": box(0, -400, 2000, 400)},
        {"circle_id": "K5", "kind": "circle5", "name": "小圈", "geometry": box(0, -400, 1000, 400)},
    ]
    town = three_communities(services, complete=["nursing_home", "park_5"], circles=circles)
    rating = rate_town(town, profile)
    lists = rating.indicators.groupby("subject_id")["indicator"].agg(list)
    assert lists["K15"] == ["home"]
    assert lists["K5"] == ["green"]
    assert lists["A"] == ["home", "green"]
    assert (row_of(rating, "A", "home")["value"], row_of(rating, "A", "home")["judged_on"]) == (1, "K15")
    assert (
        row_of(rating, "A", "green")["value"] == 0
    )  # the park of the 15-minute level is not one of 5 minutes
    assert row_of(rating, "C", "home")["reason"].key == "standards.reason.outside"


def test_without_circles_communities_and_subdistricts_stand_in(tmp_path):
    home = 'kind = "presence", categories = ["nursing_home"], target = 1, per = "{}"'
    services = [("nursing_home", "N", 100, {})]
    profile = profile_of(tmp_path, {"five": home.format("circle5"), "fifteen": home.format("circle15")})
    town = three_communities(services, complete=["nursing_home"])
    rating = rate_town(town, profile)
    assert [row_of(rating, one, "five")["value"] for one in "ABC"] == [1, 0, 0]
    assert [row_of(rating, one, "fifteen")["value"] for one in "ABC"] == [1, 1, 1]  # the whole town
    rows = [
        {
            "community_id": one,
            "name": one,
            "subdistrict": where,
            "geometry": box(1000 * place, -400, 1000 * place + 1000, 400),
        }
        for place, (one, where) in enumerate((("A", "东街"), ("B", "东街"), ("C", "西街")))
    ]
    rating = rate_town(three_communities(services, complete=["nursing_home"], communities=rows), profile)
    assert [row_of(rating, one, "fifteen")["value"] for one in "ABC"] == [1, 1, 0]
    assert row_of(rating, "C", "fifteen")["judged_on"] == "西街"


def test_score_assessed_share_and_stars(tmp_path):
    profile = profile_of(
        tmp_path, {"one": NEAR, "two": PRESENCE, "three": PRESENCE.replace("pharmacy", "gym")}
    )
    town = three_communities([("pharmacy", "F", 100, {})], complete=["pharmacy"])
    score = rate_town(town, profile).scores.set_index("subject_id").loc["A"]
    assert score["score"] == pytest.approx((100 * 50 / 90 + 100) / 2)
    assert score["assessed_share"] == pytest.approx(2 / 3)
    assert pd.isna(score["stars"])
    assert "80%" in score["stars_reason"].text("en")
    profile = profile_of(tmp_path, {"one": NEAR, "two": PRESENCE})
    assert rate_town(town, profile).scores.set_index("subject_id").loc["A", "stars"] == 3  # 77.8


VETOES = '[[profile.star_veto]]\nfrom_stars = 4\nindicators = ["one"]\nleast_score = 60\n'


@pytest.mark.parametrize(
    ("result", "stars", "reasons"),
    [
        ((60.0, 54.0), 5, []),
        ((59.9, 53.9), 3, ["standards.reason.veto"]),
        ((math.nan, math.nan), 3, ["standards.reason.veto_unknown"]),
    ],
)
def test_a_veto_takes_the_upper_stars(tmp_path, result, stars, reasons):
    profile = profile_of(tmp_path, {"one": NEAR, "two": PRESENCE}, more=VETOES)
    got, _, why = stars_of(profile, 95.0, 1.0, {"one": result, "two": (100.0, 1.0)})
    assert (got, [one.key for one in why]) == (stars, reasons)
    assert stars_of(profile, 65.0, 1.0, {"one": result})[0] == 2  # below four stars it asks nothing


def test_every_text_of_a_rating_is_there_in_both_languages(tmp_path):
    profile = profile_of(tmp_path, {"one": NEAR, "two": PRESENCE})
    rating = rate_town(three_communities([("pharmacy", "F", 100, {})]), profile)
    for language in ("zh-CN", "en"):
        table = rating.table(language)
        assert table.loc[~table["assessed"], "reason"].notna().all()
        assert table.loc[table["assessed"], "reason"].isna().all()
        assert rating.score_table(language)["vetoes"].notna().all()
    assert rating.provenance["stand_in"] == "false"
    assert rating.provenance["synthetic"] == "true"


places = st.lists(
    st.tuples(st.sampled_from(["pharmacy", "gym"]), st.integers(0, 3000), st.integers(1, 200)), max_size=8
)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=places, closed=st.integers(0, 7))
def test_closing_a_service_never_raises_a_score(tmp_path, places, closed):
    profile = profile_of(
        tmp_path,
        {
            "near": NEAR,
            "there": PRESENCE + ", min_floor_area_m2 = 50",
            "area": 'kind = "area_per_capita", categories = ["gym"], target = 0.1, basis = "100_households"',
            "number": 'kind = "count_per_1000", categories = ["gym"], target = 2',
        },
    )
    services = [
        (category, f"F{number}", x, {"floor_area_m2": float(area)})
        for number, (category, x, area) in enumerate(places)
    ]
    both = ["pharmacy", "gym"]
    before = rate_town(three_communities(services, complete=both), profile).indicators
    fewer = [one for number, one in enumerate(services) if number != closed]
    after = rate_town(three_communities(fewer, complete=both), profile).indicators
    assert (after["assessed"] == before["assessed"]).all()
    told = before["assessed"].to_numpy(bool)
    assert (after["score"][told] <= before["score"][told] + 1e-9).all()
    assert before["score"][told].between(0, 100).all()
    met = before["value"][told] >= before["target"][told]
    assert ((before["score"][told] == 100) == met).all()


def test_who_no_candidate_reaches_stays_on_the_build_list(tmp_path):
    town = three_communities([("pharmacy", "F", 100, {})], known="ABC")
    lines = build_list(rate_town(town, profile_of(tmp_path, {"one": NEAR})))
    # of the 1000 residents of each community 900 are asked for; A has 500 of them
    assert list(zip(lines["subject_id"], lines["amount"], strict=True)) == [
        ("A", 400),
        ("B", 900),
        ("C", 900),
    ]
    assert lines[["count", "place_id"]].isna().all(axis=None)
    assert (lines["town_score"] == lines["town_score"].iloc[0]).all()
    assert lines["unit"].iloc[0]["en"] == "residents"


def test_sites_are_as_few_as_bring_every_community_to_the_target(tmp_path):
    sites = [
        {"site_id": one, "name": one, "geometry": box(x - 10, 5, x + 10, 15)}
        for one, x in (("far", 2600.0), ("best", 750.0), ("worse", 1000.0))
    ]
    town = three_communities([("pharmacy", "F", 100, {})], known=("A",), sites=sites)
    lines = build_list(rate_town(town, profile_of(tmp_path, {"one": NEAR})))
    # A lacks its buildings at 600 and 900 m; only "best" has both within 350 m, so one site is enough
    first = lines.iloc[0]
    assert (len(lines), first["place_id"], first["households"], bool(first["proven"])) == (
        1,
        "best",
        200,
        True,
    )


def test_what_opened_since_a_date_is_what_was_gained(tmp_path):
    services = [
        ("pharmacy", "OLD", 100, {}),
        ("pharmacy", "NEW", 1600, {"opened": "2026-03-01"}),
        ("pharmacy", "GONE", 2600, {"closed": "2026-02-01"}),
    ]
    town = three_communities(services, complete=["pharmacy"], known="ABC")
    gains = gained_since(town, profile_of(tmp_path, {"one": NEAR}), "2025-12-31")
    changed = gains.indicators.set_index("subject_id")["gained"]
    # NEW has the buildings at 1300, 1600 and 1900 m, GONE had those of C at 2300, 2600 and 2900 m
    assert changed.to_dict() == {"B": 750, "C": -750}
    moved = gains.facilities[["facility_id", "change"]].to_numpy().tolist()
    assert moved == [["GONE", "closed"], ["NEW", "opened"]]
    scores = gains.scores.set_index("subject_id")
    assert scores.loc["B", "score_before"] < scores.loc["B", "score_after"]
    until = gained_since(town, profile_of(tmp_path, {"one": NEAR}), "2025-12-31", until="2026-02-15")
    assert list(until.facilities["facility_id"]) == ["GONE"]
    assert (until.indicators["gained"] < 0).all()
