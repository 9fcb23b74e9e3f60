"""The wheel carries all that a planner's computer needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from spatial.io import read_plan, read_town
from tests.conftest import skip_or_fail
from tests.maps.chromium import visit
from tests.maps.served import build_wheel, served, unpack

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "pictures" / "demo.zh-CN.png"
MAP_PICTURES = [ROOT / "docs" / "pictures" / f"{name}.zh-CN.webp" for name in ("town", "life-circle")]
UV = str(Path(sys.executable).parent / "uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_carries_data_texts_and_licence(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "api/demo-county.gpkg" in names
    assert "spatial/catalogue/catalogue.toml" in names
    assert "spatial/messages/zh-CN/common.toml" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "benchmarks/", "docs/")) for name in names)


@pytest.fixture(scope="module")
def demo(wheel, tmp_path_factory) -> dict[str, Path]:
    """Run the demo from the unpacked wheel, away from the checkout; return what it wrote."""
    folder = tmp_path_factory.mktemp("away")
    installed = unpack(wheel, folder)
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            "import api.commands as c; c.main(['demo', '-o', 'demo', '--json'])",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    return {name: folder / result[name] for name in ("town", "plan", "coverage", "page", "summary")}


def test_the_wheel_runs_the_demo_away_from_the_checkout(demo):
    assert {name: path.stat().st_size > 10_000 for name, path in demo.items()} == dict.fromkeys(demo, True)


def test_the_demo_keeps_what_it_promises(demo):
    town, plan = read_town(demo["town"]), read_plan(demo["plan"])
    basic = plan.grids[plan.grids["kind"] == "basic"]
    assert town.synthetic
    assert 100 <= len(basic) <= 125
    assert not (
        basic["in_range"].eq(other=False).fillna(value=False) & basic["exception_reason"].isna()
    ).any()
    for community_id, community in town.communities.geometry.items():
        tiles = plan.grids.geometry[plan.grids["community_id"] == community_id]
        assert abs(tiles.area.sum() - community.area) <= 1e-6 * community.area
        assert abs(tiles.union_all().area - community.area) <= 1e-6 * community.area


def test_the_picture_of_the_readme_is_the_page_of_the_demo(demo):
    """With WANGGE_PICTURES=1 the picture is made anew; otherwise it must be there, of the right size."""
    browser_path = next(
        (path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), None
    )
    if browser_path is None:
        skip_or_fail("chromium", "no Chromium here")
    from playwright.sync_api import sync_playwright

    requests: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.on("request", lambda request: requests.append(request.url))
        page.goto(demo["page"].as_uri())
        page.wait_for_timeout(1500)
        drawn = page.screenshot()
        browser.close()
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert drawn[16:24] == b"\x00\x00\x05\x56\x00\x00\x03\x00"  # 1366 × 768
    assert len(drawn) > 100_000
    if os.environ.get("WANGGE_PICTURES"):
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_bytes(drawn)
    assert PICTURE.read_bytes()[16:24] == drawn[16:24]


def test_the_pictures_of_the_map_page_are_there_and_small(request):
    """With WANGGE_PICTURES=1 they are made anew by the service of the wheel."""
    if os.environ.get("WANGGE_PICTURES"):
        demo = request.getfixturevalue("demo")
        folder = demo["town"].parents[1]
        packages = [demo[name] for name in ("town", "plan", "coverage")]
        database = f"sqlite:///{folder / 'wangge.sqlite'}"
        with served(folder / "installed", packages, database) as address, visit(address) as seen:
            page = seen.page
            page.wait_for_selector(".community", timeout=120_000)
            _keep(seen, MAP_PICTURES[0])
            page.click(".rail button:nth-child(2)")
            page.click(".gap .zoom-to", timeout=120_000)
            page.click(".tools button:nth-child(2)")
            page.click("wangge-map", position={"x": 520, "y": 400})
            page.wait_for_selector(".way", timeout=120_000)
            _keep(seen, MAP_PICTURES[1])
    for picture in MAP_PICTURES:
        kept = picture.read_bytes()
        assert kept[8:12] == b"WEBP"
        assert 50_000 < len(kept) < 300_000


def _keep(seen, picture):
    seen.page.mouse.move(5, 5)
    seen.page.wait_for_selector("wangge-map[idle]", state="attached", timeout=120_000)
    seen.page.wait_for_timeout(1500)
    picture.write_bytes(seen.webp())


@pytest.mark.soak
def test_the_wheel_runs_the_demo_in_an_empty_environment(wheel, tmp_path):
    environment = tmp_path / "environment"
    python = environment / "bin" / "python"
    subprocess.run([UV, "venv", "--python", sys.executable, str(environment)], check=True)
    subprocess.run([UV, "pip", "install", "--python", str(python), str(wheel)], check=True)
    done = subprocess.run(
        [str(environment / "bin" / "wangge"), "demo", "-o", "demo", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / json.loads(done.stdout.splitlines()[-1])["page"]).exists()
