"""The catalogue: service categories, estate classes, grid kinds and code schemes, as packaged data.

Every value in ``catalogue.toml`` carries an evidence word: confirmed, secondary, practice,
general-knowledge or default.  The word travels with the value into every table and report.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

__all__ = ["EVIDENCE_WORDS", "Category", "categories", "section"]

EVIDENCE_WORDS = ("confirmed", "secondary", "practice", "general-knowledge", "default")


@dataclass(frozen=True)
class Category:
    """One category of service.

    Attributes
    ----------
    category_id : its id, the value of ``services.category``
    names : what it is called, by language
    group : symbol group (education, health, …)
    radius_m : walking distance within which a household counts as covered, metres
    band_minutes : life circle it belongs to: 5, 10 or 15
    evidence : evidence word of the radius
    osm : filters on OpenStreetMap tags, any of which is enough; ``&`` joins tags that all must hold
    keywords : parts of Chinese names that tell the category
    details : every other value of the catalogue, as it stands there
    """

    category_id: str
    names: Mapping[str, str]
    group: str
    radius_m: float
    band_minutes: int
    evidence: str
    osm: tuple[str, ...]
    keywords: tuple[str, ...]
    details: Mapping[str, Any]


@cache
def _document() -> Mapping[str, Any]:
    return tomllib.loads((files(__name__) / "catalogue.toml").read_text(encoding="utf-8"))


def section(name: str) -> Mapping[str, Any]:
    """Return a section of the catalogue, such as ``walking`` or ``estate_class``, as it stands.

    Raises
    ------
    KeyError
        If the catalogue has no such section.
    """
    found: Mapping[str, Any] = _document()[name]
    return MappingProxyType(dict(found))


@cache
def categories() -> Mapping[str, Category]:
    """Return every service category by its id, in the order of the catalogue.

    Examples
    --------
    >>> categories()["kindergarten"].radius_m
    300.0
    """
    return MappingProxyType({name: _category(name, values) for name, values in section("category").items()})


def _category(category_id: str, values: Mapping[str, Any]) -> Category:
    named = {"zh", "en", "group", "radius_m", "band_minutes", "evidence_radius", "osm", "keywords"}
    return Category(
        category_id=category_id,
        names=MappingProxyType({"zh-CN": values["zh"], "en": values["en"]}),
        group=values["group"],
        radius_m=float(values["radius_m"]),
        band_minutes=values["band_minutes"],
        evidence=values["evidence_radius"],
        osm=tuple(values["osm"]),
        keywords=tuple(values["keywords"]),
        details=MappingProxyType({key: value for key, value in values.items() if key not in named}),
    )
