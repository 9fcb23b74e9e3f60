"""Profiles: what the packaged ones hold, what users may write, and what is refused where."""

from __future__ import annotations

import math

import pytest

from spatial.catalogue import EVIDENCE_WORDS, categories, section
from spatial.errors import RulesError
from spatial.messages import LANGUAGES, use_language
from spatial.standards import coverage_indicators, profile_ids, read_profile

COUNTS = {
    "gb50180-2018": 28,
    "complete-community-2020": 20,
    "convenience-circle": 26,
    "qiannan-29-shape": 29,
}


def test_the_package_has_four_profiles():
    assert {one: len(read_profile(one).indicators) for one in profile_ids()} == COUNTS


@pytest.mark.parametrize("profile_id", COUNTS)
def test_weights_sum_to_100_and_every_value_has_its_evidence(profile_id):
    profile = read_profile(profile_id)
    assert math.isclose(sum(one.weight for one in profile.indicators), 100)
    for one in profile.indicators:
        assert {one.evidence, one.evidence_target, one.evidence_threshold} <= set(EVIDENCE_WORDS)
        assert set(one.names) == set(one.unit) == set(one.source) == set(LANGUAGES)
        assert set(one.categories) <= set(categories())
    for veto in profile.star_vetoes:
        assert set(veto.indicators) <= {one.indicator for one in profile.indicators}


@pytest.mark.parametrize(("language", "word"), [("zh-CN", "替代样例"), ("en", "stand-in")])
def test_a_stand_in_says_so_in_its_title(language, word):
    titles = {one: read_profile(one).title(language) for one in COUNTS}
    assert [one for one, title in titles.items() if word in title] == ["qiannan-29-shape"]


def test_the_distance_of_the_profile_holds_where_the_category_has_another():
    asked = {one.indicator: one for one in coverage_indicators(read_profile("gb50180-2018"))}
    assert asked["g15-police-station"].limit_m == 800
    nursery = {one.indicator: one for one in coverage_indicators(read_profile("qiannan-29-shape"))}["qn-07"]
    assert (nursery.limit_m, categories()["childcare"].radius_m) == (1000, 500)
    assert nursery.basis == "0-3"


def test_in_time_mode_the_limit_is_what_the_walker_does(tmp_path):
    path = tmp_path / "mine.toml"
    head = '[profile]\nid = "mine"\nzh = "自编"\nen = "mine"\nbased_on = "qiannan-29-shape"\nmode = "time"\n'
    path.write_text(head + "[indicator]\n", encoding="utf-8")
    asked = {one.indicator: one.limit_m for one in coverage_indicators(read_profile(path))}
    assert asked["qn-05"] == 10 * 48  # elderly
    assert asked["qn-12"] == 10 * 60  # planning pace


HEAD = '[profile]\nid = "mine"\nzh = "自编"\nen = "mine"\nbased_on = "qiannan-29-shape"\n'


def test_a_user_adds_a_category_and_changes_weights_without_code(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        HEAD
        + 'stand_in = false\ndrop = ["qn-22"]\n'
        + '[category]\ntea_house = { zh = "茶馆", en = "tea house", radius_m = 400 }\n'
        + "[indicator]\nqn-21 = { weight = 5 }\n"
        + 'my-1 = { zh = "茶馆", en = "tea house", kind = "coverage", categories = ["tea_house"], '
        + 'target = 80, unit = "% of residents", weight = 2 }\n',
        encoding="utf-8",
    )
    profile = read_profile(path)
    assert len(profile.indicators) == 29
    assert profile.indicator("qn-21").weight == 5
    assert profile.indicator("my-1").limit_m == 400  # the radius of its own category
    assert profile.indicator("my-1").evidence == "default"
    assert profile.title("zh-CN") == "自编"
    assert profile.categories["tea_house"].names["zh-CN"] == "茶馆"
    assert profile.fingerprint != read_profile("qiannan-29-shape").fingerprint


@pytest.mark.parametrize(
    ("content", "key", "place"),
    [
        ('[indicator]\nqn-21 = { categories = ["teahouse"] }', "category_unknown", "indicator.qn-21"),
        ('[indicator]\nqn-15 = { numerator = "cars" }', "quantity_unknown", "indicator.qn-15"),
        ("[indicator]\nqn-21 = { weight = 5 }", "weights_sum", "[indicator]"),
        ('[indicator]\nqn-15 = { kind = "share" }', "value_wrong", "indicator.qn-15"),
        ("[indicator]\nqn-15 = { wieght = 3 }", "key_unknown", "indicator.qn-15"),
        ("[indicator]\nqn-15 = { per = 3 }", "key_unknown", "indicator.qn-15"),
        ("[indicator]\nqn-15 = { target = 0 }", "value_wrong", "indicator.qn-15"),
        ('[indicator]\nqn-15 = { target = "1" }', "value_wrong", "indicator.qn-15"),
        ('[indicator]\nqn-15 = { evidence = "sure" }', "value_wrong", "indicator.qn-15"),
        ('[indicator]\nmy-1 = { zh = "一", en = "one" }', "key_missing", "indicator.my-1"),
        ('drop = ["qn-99"]\n[indicator]', "indicator_unknown", "[profile] drop"),
        ('mood = "good"\n[indicator]', "key_unknown", "profile"),
        ("[indicators]", "key_unknown", "TOML"),
        ("[indicator", "profile_unreadable", ""),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_place_and_a_remedy(tmp_path, content, key, place):
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + content + "\n", encoding="utf-8")
    with pytest.raises(RulesError) as refused:
        read_profile(path)
    assert refused.value.statement.key == f"standards.{key}"
    for language in LANGUAGES:
        with use_language(language):
            said = str(refused.value)
        assert place in said
        assert str(path) in said
        assert refused.value.statement.part("remedy", language)


def test_a_profile_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RulesError, match="gb50180-2018"):
        read_profile("gb50180")
    with pytest.raises(RulesError):
        read_profile(tmp_path / "none.toml")


def test_the_catalogue_holds_64_categories_each_with_its_evidence():
    assert len(categories()) == 64
    for one in categories().values():
        assert one.evidence in EVIDENCE_WORDS
        assert one.details["evidence_scale"] in EVIDENCE_WORDS
        assert one.radius_m > 0
        assert one.band_minutes in {5, 10, 15}
        assert all(one.names[language] for language in LANGUAGES)


def test_every_quantity_says_where_it_is_from():
    for entry in section("quantity").values():
        assert set(entry) == {"zh", "en", "unit", "from"}
        assert entry["from"] in {"measures", "town", "plan", "ledgers"}
