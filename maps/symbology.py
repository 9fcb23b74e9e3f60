"""Symbology: colours, palettes and facility glyphs, read from ``tokens.css`` and ``symbols/``.

``tokens.css`` is the one place where a colour is written.  The static page uses the file as it
stands (CSS custom properties); everything that cannot read CSS (vector styles, print) asks here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

__all__ = [
    "BAND_LIMITS_M",
    "BAND_MINUTES",
    "COVER_LIMITS",
    "FACILITY_GROUPS",
    "GRID_HUES",
    "colour",
    "glyph",
    "tokens",
    "tokens_css",
]

GRID_HUES = 6
"""Number of hues for colouring grids, ``--grid-1`` to ``--grid-6``; a hue has no meaning."""

COVER_LIMITS = (0.2, 0.4, 0.6, 0.8)
"""Upper limits of the coverage classes ``--cover-1`` to ``--cover-4``; fixed so that towns compare."""

BAND_LIMITS_M = (300.0, 500.0, 1000.0)
"""Walking bands of 5, 10 and 15 minutes, metres (``--band-5``, ``--band-10``, ``--band-15``)."""

BAND_MINUTES = (5, 10, 15)
"""Minutes that name the walking bands."""

FACILITY_GROUPS = (
    "education",
    "health",
    "elderly",
    "service",
    "culture_sport",
    "green",
    "commerce",
    "commerce_quality",
    "mobility",
    "municipal",
)
"""Groups of facility categories; each has a glyph in ``symbols/`` and a badge colour ``--fac-GROUP``."""

_TOKEN = re.compile(r"(--[\w-]+):\s*([^;]+);")


@cache
def tokens_css() -> str:
    """Return the design tokens as the text of their style sheet."""
    return (files(__package__) / "tokens.css").read_text(encoding="utf-8")


@cache
def tokens() -> Mapping[str, str]:
    """Return every design token of the light theme by its name, ``--`` included.

    Examples
    --------
    >>> tokens()["--text-xs"]
    '12px'
    """
    found: dict[str, str] = {}
    for name, value in _TOKEN.findall(tokens_css()):
        found.setdefault(name, value.strip())
    return MappingProxyType(found)


def colour(name: str) -> str:
    """Return the colour of a token, ``#rrggbb`` or ``rgba(…)``.

    Raises
    ------
    KeyError
        If there is no such token, or it is no colour.

    Examples
    --------
    >>> colour("--paper")
    '#f5f4ef'
    """
    value = tokens()[name]
    if not value.startswith(("#", "rgba(")):
        raise KeyError(name)
    return value


@cache
def glyph(group: str) -> str:
    """Return the glyph of a facility group as SVG: 24 by 24, drawn in ``currentColor``.

    Raises
    ------
    KeyError
        If there is no such group.
    """
    if group not in FACILITY_GROUPS:
        raise KeyError(group)
    return (files(__package__) / "symbols" / f"{group}.svg").read_text(encoding="utf-8").strip()
