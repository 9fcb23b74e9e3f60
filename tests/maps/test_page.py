"""The static page, opened in Chromium with the network blocked."""

from __future__ import annotations

import re

import pytest

from maps.layers import LAYERS
from maps.page import _offline, write_page
from maps.summary import write_summary
from maps.symbology import colour
from spatial.messages import LANGUAGES
from tests.maps.chromium import visit
from tests.maps.scene import scene


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_page(*scene(), tmp_path_factory.mktemp("page"), "zh-CN")


@pytest.fixture(scope="module")
def opened(page):
    with visit(page.as_uri()) as seen:
        seen.page.wait_for_function("window.wangge && wangge.drawn")
        yield seen


@pytest.fixture(autouse=True)
def _at_start(request):
    if "opened" in request.fixturenames:
        page = request.getfixturevalue("opened").page
        page.click("[data-view=grids]")
        page.click('[data-language="zh-CN"]')
        page.click("[data-act=fit]")


def _counts(seen) -> dict[str, int]:
    return seen.page.evaluate("wangge.drawn().areas")


def test_nothing_is_asked_for_and_the_console_is_clean(opened, page):
    opened.page.click("[data-view=life]")
    opened.page.click("[data-language=en]")
    asked = [one for one in opened.requests if not one.startswith("data:")]
    assert asked == [page.as_uri()]
    assert opened.console == []


def test_the_file_links_no_address(page):
    html = page.read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=", html) == []
    assert "url(http" not in html


def test_every_shape_is_drawn(opened):
    town, plan, coverage = scene()
    drawn = _counts(opened)
    assert drawn["buildings"] == len(town.buildings)
    assert drawn["streets"] == len(town.streets)
    assert drawn["communities"] == len(town.communities)
    assert drawn["barriers"] == len(town.barriers)
    # every grid has a fill and a line; the special one is hatched
    assert drawn["grids"] == 2 * len(plan.grids)
    opened.page.click("[data-view=life]")
    drawn = _counts(opened)
    assert drawn["buildings"] == len(town.buildings)
    assert drawn["gaps"] == (coverage.gaps["category"] == "kindergarten").sum()


def test_the_hues_of_the_grids_are_on_the_screen(opened):
    opened.page.click("[data-view=grids]")
    seen = opened.colours("#map_town")
    hues = set(opened.page.evaluate("wangge.features.grids.columns.hue.filter(one => one !== null)"))
    assert {hue for hue in hues if seen.get(colour(f"--grid-{hue}"), 0) > 200} == hues
    assert seen.get(colour("--map-water"), 0) > 200


def test_a_layer_switched_off_leaves_map_and_legend(opened):
    page = opened.page
    assert "河流" in page.inner_text("#legend")
    page.click("[data-act=layers]")
    page.uncheck("[data-layer=barriers]")
    assert "barriers" not in _counts(opened)
    assert "河流" not in page.inner_text("#legend")
    assert opened.colours("#map_town").get(colour("--map-water"), 0) < 50
    page.check("[data-layer=barriers]")
    page.click("[data-act=layers]")


def test_grids_of_today_are_shown_in_place_of_the_plan(opened):
    page = opened.page
    page.click('[data-choose="drawing:today"]')
    drawn = _counts(opened)
    assert "grids" not in drawn
    assert drawn["grids_today"] == 2 * len(scene()[0].tables["grids"])
    assert "2 个不合格" not in page.inner_text("#panel")
    page.click('[data-choose="drawing:plan"]')


def _click(seen, layer: str, row: int) -> str:
    seen.page.evaluate(
        """([layer, row]) => {
          const at = wangge.features[layer].labels[row] || wangge.centreOf(wangge.features[layer].shapes[row]);
          map_town.fire('click', { latlng: L.latLng(at), containerPoint: map_town.latLngToContainerPoint(at) });
        }""",
        [layer, row],
    )
    return seen.page.inner_text(".leaflet-popup-content")


def test_a_grid_says_its_code_households_and_why_it_is_out_of_range(opened):
    card = _click(opened, "grids", 3)
    opened.page.click("[data-tab^=grids]")
    card = opened.page.inner_text(".leaflet-popup-content")
    assert "330106001050004" in card
    assert "560 户" in card
    assert "高于上限 60 户" in card
    assert "整个小区 560 户" in card


def test_a_building_says_its_estimate_and_its_walks(opened):
    opened.page.click("[data-view=life]")
    _click(opened, "buildings", 0)
    opened.page.click("[data-tab^=buildings]")
    card = opened.page.inner_text(".leaflet-popup-content")
    assert "估算" in card
    assert "第1社区 001" in card
    walk = scene()[2].walks.query("building_id == 'b00' and category == 'kindergarten'")["walk_m"].iloc[0]
    assert f"{walk:.0f} m" in card
    assert re.search(r"社区食堂.*未评估", card)


def test_a_community_says_its_certificate(opened):
    opened.page.click("[data-community='330106001050']")
    panel = opened.page.inner_text("#panel")
    assert "无法划分：共 560 户" in panel
    assert "已证明" in panel


def test_the_category_changes_rates_and_gaps(opened):
    page = opened.page
    page.click("[data-view=life]")
    before = page.inner_text(".figure")
    page.select_option("[data-category]", "park_5")
    assert page.inner_text(".figure") != before
    page.select_option("[data-category]", "community_canteen")
    panel = page.inner_text("#panel")
    assert "未评估" in panel
    assert "0.0%" not in panel.split("各社区")[0]
    page.select_option("[data-category]", "kindergarten")


def test_rates_shown_are_those_of_the_coverage(opened):
    opened.page.click("[data-view=life]")
    opened.page.select_option("[data-category]", "kindergarten")
    rates = scene()[2].rates
    town = rates.query("subject_type == 'town' and category == 'kindergarten' and limit_m == 300").iloc[0]
    shown = opened.page.inner_text(".figure")
    assert f"{town['numerator'] / town['denominator']:.1%}" in shown
    assert f"{town['numerator']:,.0f} / {town['denominator']:,.0f} 户" in shown
    # the parts of the bar: covered, uncovered and undetermined are all households
    parts = opened.page.evaluate(
        "[...document.querySelectorAll('.bands tr')].map(one => +one.children[1].innerText.replace(/[^0-9]/g, ''))"
    )
    assert sum(parts) == town["denominator"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_both_languages(opened, language):
    page = opened.page
    page.click(f'[data-language="{language}"]')
    assert page.get_attribute("html", "lang") == language
    for view in ("grids", "life"):
        page.click(f"[data-view={view}]")
        words = page.inner_text("body")
        assert ("Households partly estimated" in words) == (language == "en")
        assert ("合成数据" in words) == (language == "zh-CN")
        assert "undefined" not in words
        assert "NaN" not in words


def test_labels_do_not_lie_on_one_another(opened):
    boxes = opened.page.evaluate(
        """() => { const kept = []; map_town.eachLayer(one => one.taken && kept.push(...one.taken)); return kept; }"""
    )
    assert len(boxes) > 6
    overlapping = [
        (one, other)
        for i, one in enumerate(boxes)
        for other in boxes[i + 1 :]
        if one[0] + 3 < other[2] and one[2] - 3 > other[0] and one[1] + 2 < other[3] and one[3] - 2 > other[1]
    ]
    assert overlapping == []


def test_an_asset_that_is_not_packaged_is_an_error():
    with pytest.raises(KeyError, match=r"d3\.js"):
        _offline('<script src="https://example.org/d3.js"></script>', {})


def test_the_summary_is_written_in_both_languages(tmp_path):
    path = write_summary(*scene(), tmp_path)
    assert path.name == "summary.html"
    chinese = path.read_text(encoding="utf-8")
    english = (tmp_path / "summary.en.html").read_text(encoding="utf-8")
    assert "合成数据" in chinese
    assert "Synthetic data" in english
    assert "无法划分" in chinese
    assert "未评估" in chinese
    assert "not assessed" in english
    assert 'href="summary.en.html"' in chinese


def test_every_layer_has_a_place_in_a_view():
    assert {view for layer in LAYERS.values() for view in layer.views} == {"grids", "life"}
