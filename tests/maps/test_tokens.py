"""The design tokens hold the contrast and the colour distances they state, and nothing else holds colours."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest

from maps.symbology import FACILITY_GROUPS, GRID_HUES, colour, glyph, tokens, tokens_css

MAPS = Path(__file__).parents[2] / "maps"
CONTRAST = re.compile(r"contrast (--[\w-]+) on (--[\w-]+) >= ([\d.]+) : ([\d.]+)")
DISTINCT = re.compile(r"distinct ((?:--[\w-]+ )+)>= ([\d.]+) : (.*?) \*/")

# How colours look to each kind of sight: Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
SIGHT = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)


def _linear(one):
    parts = [int(one[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]


def _times(matrix, vector):
    return [sum(m * v for m, v in zip(row, vector, strict=True)) for row in matrix]


def _contrast(one, other):
    dark, light = sorted(_times(TO_XYZ, _linear(c))[1] for c in (one, other))
    return (light + 0.05) / (dark + 0.05)


def _lab(one, sight):
    seen = [min(1.0, max(0.0, c)) for c in _times(SIGHT[sight], _linear(one))]
    xyz = [v / w for v, w in zip(_times(TO_XYZ, seen), (0.95047, 1.0, 1.08883), strict=True)]
    f = [v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz]
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def _ciede2000(one, two):
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = math.degrees(math.atan2(b1, a1)) % 360, math.degrees(math.atan2(b2, a2)) % 360
    dh = (h2 - h1 + 180) % 360 - 180
    lm, cm, hm = (l1 + l2) / 2, (c1 + c2) / 2, (h1 + dh / 2) % 360

    def cos(degrees):
        return math.cos(math.radians(degrees))

    t = 1 - 0.17 * cos(hm - 30) + 0.24 * cos(2 * hm) + 0.32 * cos(3 * hm + 6) - 0.2 * cos(4 * hm - 63)
    sl = 1 + 0.015 * (lm - 50) ** 2 / math.sqrt(20 + (lm - 50) ** 2)
    sc, sh = 1 + 0.045 * cm, 1 + 0.015 * cm * t
    rt = (
        -2
        * math.sqrt(cm**7 / (cm**7 + 25**7))
        * math.sin(math.radians(60 * math.exp(-(((hm - 275) / 25) ** 2))))
    )
    x, y = (l2 - l1) / sl, (c2 - c1) / sc
    z = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(dh / 2)) / sh
    return math.sqrt(x * x + y * y + z * z + rt * y * z)


def test_black_on_white_has_the_greatest_contrast():
    assert _contrast("#000000", "#ffffff") == pytest.approx(21.0)


@pytest.mark.parametrize("stated", CONTRAST.findall(tokens_css()), ids=lambda one: f"{one[0]} on {one[1]}")
def test_contrast_is_as_stated(stated):
    front, ground, least, ratio = stated
    measured = _contrast(colour(front), colour(ground))
    assert measured >= float(least)
    assert f"{measured:.2f}" == ratio


@pytest.mark.parametrize("stated", DISTINCT.findall(tokens_css()), ids=lambda one: one[0].strip())
def test_colours_are_as_distinct_as_stated(stated):
    names, least, shown = stated
    smallest = {
        sight: min(
            _ciede2000(one, two)
            for one, two in itertools.combinations([_lab(colour(name), sight) for name in names.split()], 2)
        )
        for sight in SIGHT
    }
    assert min(smallest.values()) >= float(least)
    assert ", ".join(f"{sight} {value:.1f}" for sight, value in smallest.items()) == shown


def test_every_group_has_a_glyph_and_a_badge_colour():
    for group in FACILITY_GROUPS:
        assert 'viewBox="0 0 24 24"' in glyph(group)
        assert "currentColor" in glyph(group)
        assert colour(f"--fac-{group}").startswith("#")
    assert {path.stem for path in (MAPS / "symbols").glob("*.svg")} == set(FACILITY_GROUPS)


def test_there_are_as_many_hues_as_grids_use():
    assert [name for name in tokens() if re.fullmatch(r"--grid-\d", name)] == [
        f"--grid-{hue}" for hue in range(1, GRID_HUES + 1)
    ]


def test_a_length_is_no_colour():
    with pytest.raises(KeyError, match="--text-m"):
        colour("--text-m")


@pytest.mark.parametrize(
    "path",
    sorted([*MAPS.glob("*.py"), *MAPS.glob("page/*"), *MAPS.glob("*.css"), *MAPS.glob("viewer/src/**/*.ts")]),
    ids=lambda path: path.name,
)
def test_no_colour_stands_outside_the_tokens(path):
    if path.name in {"tokens.css", "symbology.py"} or not path.is_file():
        return
    found = re.findall(
        r"(?<![\w&])#[0-9a-fA-F]{6}\b|(?<![\w&])#[0-9a-fA-F]{3}\b", path.read_text(encoding="utf-8")
    )
    assert found == []
