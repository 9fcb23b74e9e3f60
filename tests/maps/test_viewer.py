"""The map page of the built wheel in Chromium, on both databases: drawn, silent, accessible, true."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest

from api.serving import default_settings
from maps.symbology import colour
from spatial.grids import draw_plan
from spatial.io import write_coverage, write_plan, write_town
from spatial.lifecircle import assess_coverage
from tests.conftest import skip_or_fail
from tests.maps.chromium import another, visit
from tests.maps.scene import scene
from tests.maps.served import build_wheel, served, unpack
from tests.maps.test_style import VIEWER
from tests.postgis import postgis_server, why_no_postgis

LAYERS = {
    "communities": "--community-line",
    "grids": "--grid-line",
    "barriers": "--map-water",
    "streets": "--map-street-case",
    "estates": None,  # walls are thinner than a pixel
    "gates": "--bad-map",
    "buildings": None,  # drawn over the grids, half through
    "facilities": "--fac-education",
}
"""Layers of the Town view and a colour that only they draw there."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    if default_settings().viewer_folder is None:
        skip_or_fail("chromium", "the map page is not built: python maps/viewer/build.py")
    folder = tmp_path_factory.mktemp("packages")
    town, _, _ = scene()
    plan = draw_plan(town, rng=np.random.default_rng(1))
    write_town(town, folder / "town.gpkg")
    write_plan(plan, folder / "plan.gpkg")
    write_coverage(assess_coverage(town, plan), folder / "coverage.gpkg")
    return [folder / f"{name}.gpkg" for name in ("town", "plan", "coverage")]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    return unpack(build_wheel(folder), folder)


@pytest.fixture(scope="module")
def opened(installed, packages):
    """Return the page on SQLite."""
    database = f"sqlite:///{packages[0].parent / 'wangge.sqlite'}"
    with served(installed, packages, database) as address, visit(address, width=1000, height=620) as seen:
        _idle(seen.page)
        yield seen


def _idle(page):
    page.wait_for_selector("wangge-map[idle]", state="attached", timeout=60_000)
    page.wait_for_selector("wangge-map:not([idle])", state="detached", timeout=60_000)


def _drawn(seen, selector="wangge-map"):
    """Return the colours of a map, without what lies over it."""
    return seen.colours(selector, without=".card, .scale, .attribution, .divide, .divider, .pill")


def _view(seen, name):
    number = ("town", "life", "compare").index(name) + 1
    seen.page.click(f".rail button:nth-child({number})")
    ready = {"town": ".community", "life": ".figure", "compare": ".comparison tbody tr"}[name]
    seen.page.wait_for_selector(ready)
    _idle(seen.page)


def _answer(seen, address):
    return seen.page.evaluate("address => fetch(address).then(one => one.json())", address)


def _middle_of(seen, building):
    """Click the middle of a building of the town."""
    seen.page.click(".tools button:nth-child(3)")
    _idle(seen.page)
    town = scene()[0]
    spot = town.buildings.to_crs(4326).geometry[building].centroid
    at = seen.page.evaluate(
        "([x, y]) => { const spot = document.querySelector('wangge-map').map.project([x, y]);"
        " return [spot.x, spot.y]; }",
        [spot.x, spot.y],
    )
    seen.page.click("wangge-map", position={"x": at[0], "y": at[1]})


def _with_every_layer(seen):
    """Show every layer of the Town view and return the colours of its map; the card of layers stays open."""
    _view(seen, "town")
    seen.page.click(".tools button:nth-child(4)")
    seen.page.check(".layers [data-layer=facilities] input[type=checkbox]")
    _idle(seen.page)
    return _drawn(seen)


def test_every_layer_is_drawn(opened):
    """Every layer is drawn, and its switch takes away what it draws."""
    whole = _with_every_layer(opened)
    assert sum(whole.get(colour(f"--grid-{hue}"), 0) > 500 for hue in range(1, 7)) >= 2
    for layer, token in LAYERS.items():
        box = opened.page.locator(f".layers [data-layer={layer}] input[type=checkbox]")
        box.uncheck()
        _idle(opened.page)
        without = _drawn(opened)
        box.check()
        gone = sum(max(0, number - without.get(name, 0)) for name, number in whole.items())
        assert gone > 60, layer
        if token:
            own = whole.get(colour(token), 0)
            assert own > 10, (layer, own)
            assert without.get(colour(token), 0) < own / 2, layer
    _idle(opened.page)
    opened.page.click(".tools button:nth-child(4)")


def test_the_legend_follows_what_is_on(opened):
    _view(opened, "town")
    opened.page.click(".legend [aria-expanded=false]")
    opened.page.wait_for_selector(".legend >> text=河流")
    opened.page.click(".tools button:nth-child(4)")
    opened.page.uncheck(".layers [data-layer=barriers] input[type=checkbox]")
    opened.page.wait_for_selector(".legend >> text=河流", state="detached")
    opened.page.check(".layers [data-layer=barriers] input[type=checkbox]")
    opened.page.click(".tools button:nth-child(4)")
    opened.page.click(".legend [aria-expanded=true]")


def test_opacity_and_order_change_by_keyboard(opened):
    _view(opened, "town")
    page = opened.page
    page.click(".tools button:nth-child(4)")
    _idle(page)
    water = colour("--map-water")
    assert _drawn(opened)[water] > 200
    page.focus(".layers [data-layer=barriers] input[type=range]")
    page.keyboard.press("ArrowLeft")
    _idle(page)
    assert _drawn(opened).get(water, 0) == 0
    order = "rows => rows.map(row => row.dataset.layer)"
    before = page.locator(".layers li").evaluate_all(order)
    place = before.index("streets")
    page.focus(".layers [data-layer=streets] [data-act=up]")
    page.keyboard.press("Enter")
    after = page.locator(".layers li").evaluate_all(order)
    assert after.index("streets") == place - 1
    assert page.evaluate("document.activeElement.closest('li').dataset.layer") == "streets"
    drawn = page.evaluate(
        "document.querySelector('wangge-map').map.getStyle().layers.map(one => one.metadata?.layer)"
    )
    passed = before[place - 1]
    assert max(i for i, one in enumerate(drawn) if one == "streets" and i < drawn.index(None, 2)) > max(
        i for i, one in enumerate(drawn) if one == passed and i < drawn.index(None, 2)
    )
    page.click(".layers .link")
    assert page.locator(".layers li").evaluate_all(order) == before
    page.click(".tools button:nth-child(4)")


def test_coverage_is_drawn_in_bands_and_gaps(opened):
    _view(opened, "life")
    opened.page.select_option(".select select", "kindergarten")
    opened.page.wait_for_selector(".gap")
    _idle(opened.page)
    seen = _drawn(opened)
    assert seen.get(colour("--band-5"), 0) > 30
    assert seen.get(colour("--bad-map"), 0) > 100
    assert opened.page.locator(".pill").count() >= 1
    for number in (2, 3):
        opened.page.click(f".fields .choice:last-child button:nth-child({number})")
        _idle(opened.page)
        assert _drawn(opened).get(colour("--bad-map"), 0) < 20
    opened.page.click(".fields .choice:last-child button:nth-child(1)")


def test_the_rate_shown_is_the_rate_answered_at_each_limit(opened):
    _view(opened, "life")
    buttons = opened.page.locator(".fields .choice").first.locator("button")
    for number, limit in ((0, ""), (1, "&limit=500"), (2, "&limit=1000")):
        buttons.nth(number).click()
        rate = _answer(opened, f"api/rates?category=kindergarten{limit}")["town"]
        opened.page.wait_for_selector(f".figure >> text={rate['rate']:.1%}")
    buttons.nth(0).click()


def test_a_click_draws_the_way_to_a_service(opened):
    _view(opened, "life")
    _middle_of(opened, "b14")
    opened.page.wait_for_selector(".way")
    _idle(opened.page)
    places = opened.page.inner_text(".place-card")
    assert "C小区" in places or "b14" in places
    current = opened.page.inner_text(".walks .current .number:last-child")
    assert current.split()[0] in opened.page.inner_text(".way")
    assert _drawn(opened).get(colour("--accent"), 0) > 100
    first = opened.page.inner_text(".way")
    opened.page.locator(".walks .way-to:not([aria-pressed=true])").first.press("Enter")
    opened.page.wait_for_function("first => document.querySelector('.way')?.innerText !== first", arg=first)
    opened.page.click(".place-card .close")
    opened.page.wait_for_selector(".way", state="detached")


def test_the_table_holds_what_the_map_shows(opened):
    _view(opened, "town")
    opened.page.click(".as-table")
    grids = _answer(opened, "api/plan?plan=plan")["grids"]
    rows = opened.page.locator(".sheet tbody tr")
    assert rows.count() == len(grids)
    opened.page.locator(".sheet th:nth-child(3) button").press("Enter")
    assert opened.page.get_attribute(".sheet th:nth-child(3)", "aria-sort") == "descending"
    shown = rows.evaluate_all("rows => rows.map(row => [row.cells[0].innerText, row.cells[2].innerText])")
    wanted = sorted(((one["code"], one["households"]) for one in grids), key=lambda one: -one[1])
    assert [int(households.replace(",", "")) for _, households in shown] == [one for _, one in wanted]
    assert {code for code, _ in shown} == {code for code, _ in wanted}
    rows.first.locator("button").press("Enter")
    _idle(opened.page)
    _view_table_of_rates(opened)


def _view_table_of_rates(opened):
    opened.page.click(".rail button:nth-child(2)")
    opened.page.locator(".panel .choice button").nth(1).click()
    rates = _answer(opened, "api/rates?category=kindergarten")["communities"]
    opened.page.wait_for_selector(f".sheet >> text={rates[0]['rate']:.1%}")
    shown = opened.page.locator(".sheet tbody tr").evaluate_all(
        "rows => rows.map(row => row.cells[2].innerText)"
    )
    assert [int(one.replace(",", "")) for one in shown] == [one["numerator"] for one in rates]
    opened.page.click(".as-table")
    opened.page.click(".tools button:nth-child(3)")


def test_two_plans_beside_each_other_behind_a_divider_and_by_difference(opened):
    _view(opened, "compare")
    page = opened.page
    found = _answer(opened, "api/compare?a=today&b=plan")
    assert page.locator("wangge-map").count() == 2
    assert page.locator(".comparison section:nth-child(2) tbody tr").count() == len(found["flows"])
    centres = "maps => maps.map(one => one.map.getCenter().toArray().map(n => n.toFixed(5)).join())"
    page.click(".comparison section:nth-child(2) .zoom-to")
    _idle(page)
    assert len(set(page.locator("wangge-map").evaluate_all(centres))) == 1
    page.click(".modes button:nth-child(2)")
    _idle(page)
    page.press(".divide", "Home")
    _idle(page)
    second = _drawn(opened, ".panes")
    assert second.get(colour("--moved"), 0) > 100
    page.press(".divide", "End")
    _idle(page)
    assert _drawn(opened, ".panes").get(colour("--moved"), 0) < second[colour("--moved")] / 2
    page.click(".modes button:nth-child(3)")
    _idle(page)
    assert page.locator("wangge-map").count() == 1
    assert _drawn(opened, ".panes").get(colour("--moved"), 0) > second[colour("--moved")]
    page.click(".modes button:nth-child(1)")
    _idle(page)


@pytest.mark.parametrize("words", ["A小区", "330106001049"])
def test_a_place_is_found_by_name_and_code(opened, words):
    _view(opened, "town")
    opened.page.fill("input[type=search]", words)
    opened.page.wait_for_selector("#found li b")
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_selector(".place-card dl")
    assert "第1社区" in opened.page.inner_text(".place-card") or "A小区" in opened.page.inner_text(
        ".place-card"
    )
    opened.page.fill("input[type=search]", "")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_axe_finds_nothing(opened, language):
    axe = VIEWER / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        skip_or_fail(
            "chromium", "the packages of the map page are not installed: python maps/viewer/build.py"
        )
    page = opened.page
    page.evaluate(axe.read_text(encoding="utf-8"))
    _view(opened, "town")
    page.click(f".languages [lang={language}]")
    page.wait_for_selector(f"html[lang={language}]")
    page.wait_for_selector(".community")
    page.click(".tools button:nth-child(4)")
    _hold(page, "layers")
    page.click(".tools button:nth-child(4)")
    page.click(".as-table")
    _hold(page, "table")
    page.click(".as-table")
    _view(opened, "life")
    _middle_of(opened, "b14")
    page.wait_for_selector(".way")
    _hold(page, "place")
    _view(opened, "compare")
    page.click(".modes button:nth-child(2)")
    _hold(page, "swipe")
    page.click(".modes button:nth-child(1)")
    assert "undefined" not in page.inner_text("body")


def _hold(page, what):
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    assert [(what, one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []


def test_nothing_is_asked_of_another_host_and_the_console_is_clean(opened):
    own = opened.page.evaluate("location.origin")
    assert [one for one in opened.requests if not one.startswith((own, "data:", "blob:"))] == []
    assert opened.console == []


def test_without_webgl_the_page_says_so(opened):
    other = opened.page.context.browser.new_page()
    other.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    other.goto(opened.page.evaluate("location.origin"))
    other.wait_for_selector("main.message")
    assert "WebGL2" in other.inner_text("main.message")
    assert "page.html" in other.inner_text("main.message")
    other.close()


def test_postgis_draws_and_answers_what_sqlite_does(installed, packages, opened):
    if reason := why_no_postgis():
        skip_or_fail("postgis", reason)
    asked = ("api/rates?category=kindergarten", "api/walks?category=kindergarten", "api/town?language=en")
    with ExitStack() as stack:
        server = stack.enter_context(postgis_server())
        address = stack.enter_context(served(installed, packages, server.new_database()))
        both = []
        for root in (opened.page.evaluate("location.origin"), address):
            both.append(another(opened.page.context.browser, root, width=1000, height=620))
            stack.callback(both[-1].page.close)
            _idle(both[-1].page)
        first, second = (_with_every_layer(one) for one in both)
        assert second == first
        assert all(second[colour(token)] > 10 for token in LAYERS.values() if token)
        for one in asked:
            first, second = (_without_addresses(_answer(seen, one)) for seen in both)
            assert second == first
        assert both[-1].console == []


def _without_addresses(answer):
    kept = {name: value for name, value in answer.items() if name != "tiles"}
    return kept | ({"plans": [one["plan_id"] for one in answer["plans"]]} if "plans" in answer else {})
