"""The map page on the service, in Chromium: drawn, silent, in both languages, accessible."""

from __future__ import annotations

import queue
import threading

import numpy as np
import pytest

from api.serving import default_settings, serve
from maps.symbology import colour
from spatial.grids import draw_plan
from spatial.io import write_coverage, write_plan, write_town
from spatial.lifecircle import assess_coverage
from tests.conftest import skip_or_fail
from tests.maps.chromium import visit
from tests.maps.scene import scene
from tests.maps.test_style import VIEWER


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    if default_settings().viewer_folder is None:
        skip_or_fail("chromium", "the map page is not built: python maps/viewer/build.py")
    folder = tmp_path_factory.mktemp("service")
    town, _, _ = scene()
    plan = draw_plan(town, rng=np.random.default_rng(1))
    write_town(town, folder / "town.gpkg")
    write_plan(plan, folder / "plan.gpkg")
    write_coverage(assess_coverage(town, plan), folder / "coverage.gpkg")
    paths = [folder / f"{name}.gpkg" for name in ("town", "plan", "coverage")]
    ready: queue.Queue[str] = queue.Queue()
    threading.Thread(target=serve, args=(paths,), kwargs={"port": 0, "ready": ready.put}, daemon=True).start()
    return ready.get(timeout=60)


@pytest.fixture(scope="module")
def opened(address):
    with visit(address) as seen:
        _idle(seen.page)
        yield seen


def _idle(page):
    page.wait_for_selector("wangge-map[idle]", state="attached", timeout=60_000)
    page.wait_for_selector("wangge-map:not([idle])", state="detached", timeout=60_000)


def _view(seen, number: int):
    seen.page.click(f".rail button:nth-child({number})")
    _idle(seen.page)


def test_the_town_is_drawn_in_its_colours(opened):
    _view(opened, 1)
    seen = opened.colours("wangge-map")
    assert sum(seen.get(colour(f"--grid-{hue}"), 0) > 500 for hue in range(1, 7)) >= 2
    assert seen.get(colour("--map-building"), 0) + len(seen) > 50
    assert seen.get(colour("--map-water"), 0) > 200


def test_coverage_is_drawn_in_bands_and_gaps(opened):
    _view(opened, 2)
    opened.page.select_option("[aria-label] select, .select select", "kindergarten")
    opened.page.wait_for_selector(".gap")
    _idle(opened.page)
    seen = opened.colours("wangge-map")
    assert seen.get(colour("--band-5"), 0) > 30
    assert opened.page.locator(".pill").count() >= 1


def test_the_rate_shown_is_the_rate_answered(opened):
    _view(opened, 2)
    rate = opened.page.evaluate("fetch('api/rates?category=kindergarten').then(one => one.json())")["town"]
    shown = opened.page.inner_text(".figure")
    assert f"{rate['rate']:.1%}" in shown


def test_two_plans_stand_side_by_side(opened):
    _view(opened, 3)
    opened.page.wait_for_selector(".comparison table")
    _idle(opened.page)
    assert opened.page.locator("wangge-map").count() == 2
    assert opened.page.locator(".comparison tbody tr").count() >= 8


def test_a_place_is_found_and_asked(opened):
    _view(opened, 1)
    opened.page.fill("input[type=search]", "A小区")
    opened.page.wait_for_selector("#found li b")
    opened.page.keyboard.press("Enter")
    opened.page.wait_for_selector(".place-card dl")
    assert "A小区" in opened.page.inner_text(".place-card") or "第1社区" in opened.page.inner_text(
        ".place-card"
    )


def test_both_languages(opened):
    _view(opened, 1)
    opened.page.click(".languages [lang=en]")
    opened.page.wait_for_selector("html[lang=en]")
    opened.page.wait_for_selector("text=Communities")
    opened.page.click(".languages [lang=zh-CN]")
    opened.page.wait_for_selector("html[lang=zh-CN]")
    assert "undefined" not in opened.page.inner_text("body")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_axe_finds_nothing(opened, number):
    axe = VIEWER / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        pytest.skip("the packages of the map page are not installed: python maps/viewer/build.py")
    _view(opened, number)
    opened.page.evaluate(axe.read_text(encoding="utf-8"))
    found = opened.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []


def test_nothing_is_asked_of_another_host_and_the_console_is_clean(opened, address):
    foreign = [one for one in opened.requests if not one.startswith((address, "data:", "blob:"))]
    assert foreign == []
    assert opened.console == []


def test_without_webgl_the_page_says_so(opened, address):
    other = opened.page.context.browser.new_page()
    other.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    other.goto(address)
    other.wait_for_selector("main.message")
    assert "WebGL2" in other.inner_text("main.message")
    assert "page.html" in other.inner_text("main.message")
    other.close()
