"""Names: of streets, estates and shops, put together from parts so that none belongs to a real place."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

__all__ = ["alley_names", "estate_names", "ordinal", "shop_house", "street_names"]

_PARTS: dict[str, list[str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def street_names(rng: np.random.Generator) -> Iterator[str]:
    """Yield street names, none twice."""
    first, endings = rng.permutation(_PARTS["streets"]), _PARTS["street_endings"]
    for turn in range(100):
        number = ordinal(turn + 1) if turn else ""
        for index, part in enumerate(first):
            yield f"{part}{number}{endings[(index + turn) % len(endings)]}"


def alley_names(rng: np.random.Generator) -> Iterator[str]:
    """Yield names of alleys, none twice."""
    for turn in range(100):
        for part in rng.permutation(_PARTS["alleys"]):
            yield f"{part}{ordinal(turn + 1) if turn else ''}巷"


def estate_names(classes: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Return a name for each estate by its class, none twice."""
    works = _combined(_PARTS["works"], _PARTS["works_endings"], rng)
    blocks = _combined(_PARTS["blocks"], _PARTS["block_endings"], rng)
    pools = {
        "managed": _combined(_PARTS["managed"], _PARTS["managed_endings"], rng),
        "unmanaged-block": (name for pair in zip(works, blocks, strict=False) for name in pair),
        "unmanaged-bungalow": _combined(_PARTS["lanes"], _PARTS["lane_endings"], rng),
    }
    return [next(pools[estate_class]) for estate_class in classes]


def _combined(first: Sequence[str], last: Sequence[str], rng: np.random.Generator) -> Iterator[str]:
    """Yield every first part with one ending, then every one with the next, in a random order."""
    shuffled = rng.permutation(first)
    for turn in range(len(last)):
        for place, part in enumerate(shuffled):
            yield f"{part}{last[(place + turn) % len(last)]}"


def shop_house(rng: np.random.Generator) -> str:
    """Return the name of an invented shopkeeper's house."""
    return str(rng.choice(_PARTS["shops"]))


def ordinal(number: int) -> str:
    """Return a Chinese numeral from one to ninety-nine.

    >>> ordinal(12)
    '十二'
    """
    digits = "零一二三四五六七八九"
    tens, ones = divmod(number, 10)
    if not tens:
        return digits[ones]
    return ("" if tens == 1 else digits[tens]) + "十" + (digits[ones] if ones else "")
