"""Profiles read from TOML: those of the package, and a user's own beside the town.

A profile file of one's own either holds everything, or names the profile it is ``based_on`` and only
what differs::

    [profile]
    id = "our-county"
    zh = "我县社区生活圈标准"
    en = "Our county's life circle"
    based_on = "qiannan-29-shape"
    drop = ["qn-22"]

    [category]
    tea_house = { zh = "茶馆", en = "tea house", radius_m = 500 }

    [quantity]
    volunteers = { zh = "志愿者", en = "volunteers", unit = "persons" }

    [indicator]
    qn-21 = { weight = 5 }
    our-1 = { zh = "茶馆", en = "tea house", kind = "coverage", categories = ["tea_house"], … }
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from spatial.catalogue import EVIDENCE_WORDS, Category, categories, section
from spatial.errors import RulesError
from spatial.messages import LANGUAGES
from spatial.standards.profile import CIRCLES, KINDS, Profile, ProfileIndicator, StarVeto

__all__ = ["profile_ids", "read_profile"]

_LEVELS = ("community", *CIRCLES)
_SIZES = {
    "min_floor_area_m2": "floor_area_m2",
    "min_land_area_m2": "land_area_m2",
    "min_beds": "beds",
    "min_capacity": "capacity",
    "min_classes": "classes",
}
_WEIGHT_TOTAL = 100.0
_AGED = re.compile(r"aged ([0-9]+(?:-[0-9]+|\+))")

_SHARED_KEYS = ("zh", "en", "kind", "level", "categories", "target", "unit", "weight", "mandatory")
_EVIDENCE_KEYS = (
    "evidence",
    "evidence_target",
    "evidence_threshold",
    "source",
    "value_source",
    "target_note",
)
_KEYS_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "coverage": ("minutes", "distance_m", "any_of", "speed"),
    "count_per_1000": ("per", "count", "quantity"),
    "area_per_capita": ("per", "area", "basis", "quantity"),
    "presence": ("per", "count_distinct", *_SIZES),
    "threshold_by_population": (
        "per",
        "population_from",
        "below_threshold",
        "area",
        "quantity",
        *_SIZES,
    ),
    "ratio": ("numerator", "denominator"),
}
_NEEDED_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "coverage": (),
    "count_per_1000": (),
    "area_per_capita": ("basis",),
    "presence": ("per",),
    "threshold_by_population": ("per", "population_from"),
    "ratio": ("numerator", "denominator"),
}
_PROFILE_KEYS = (
    "id",
    "zh",
    "en",
    "unit",
    "note",
    "source",
    "stand_in",
    "level",
    "based_on",
    "drop",
    "mode",
    "coverage_denominator",
    "star_thresholds",
    "star_veto",
    "minimum_assessed_share",
    "minimum_known_share",
    "evidence_stars",
    "evidence_weights",
)
_VETO_KEYS = ("from_stars", "indicators", "mandatory", "least_score", "present")
_CATEGORY_KEYS = ("zh", "en", "group", "radius_m", "band_minutes", "evidence_radius", "osm", "keywords")
_QUANTITY_KEYS = ("zh", "en", "unit", "from")


@cache
def profile_ids() -> tuple[str, ...]:
    """Return the ids of the profiles of the package."""
    names = (file.name for file in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def read_profile(id_or_path: str | Path) -> Profile:
    """Return a profile by its id, or from a TOML file of one's own.

    Raises
    ------
    RulesError
        If there is no such profile or file, or it names an unknown category, quantity, kind or key,
        gives a value of another kind, or its weights do not sum to 100.  The message says where.

    Examples
    --------
    >>> len(read_profile("gb50180-2018").indicators)
    28
    """
    if str(id_or_path) in profile_ids():
        return _packaged(str(id_or_path))
    path = Path(id_or_path)
    if path.suffix != ".toml":
        raise RulesError("standards.profile_unknown", found=id_or_path, known="、".join(profile_ids()))
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError("standards.profile_unreadable", path=path, problem=error) from error
    return _profile(_document(str(path), content), str(path))


@cache
def _packaged(profile_id: str) -> Profile:
    return _profile(_packaged_document(profile_id), profile_id)


def _packaged_document(profile_id: str) -> dict[str, Any]:
    content = (files(__package__) / f"{profile_id}.toml").read_text(encoding="utf-8")
    return _document(profile_id, content)


def _document(file: str, content: str) -> dict[str, Any]:
    """Return the content of a profile file, completed from the profile it is based on."""
    try:
        own = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise RulesError("standards.profile_unreadable", path=file, problem=error) from error
    root = _Place(file, "", own)
    root.only(("profile", "indicator", "category", "quantity"))
    for name in ("profile", "indicator"):
        root.table(name)
    head = root.place("profile")
    head.only(_PROFILE_KEYS)
    base = head.text("based_on", "")
    if not base:
        return own
    if base not in profile_ids():
        raise RulesError("standards.profile_unknown", found=base, known="、".join(profile_ids()))
    document = _packaged_document(base)
    rows = {**document["indicator"]}
    for name, values in own["indicator"].items():
        rows[name] = {**rows.get(name, {}), **root.place("indicator").table(name)}
        if "kind" in values and values["kind"] != document["indicator"].get(name, values).get("kind"):
            rows[name] = values
    dropped = head.texts("drop", ())
    for name in dropped:
        if name not in rows:
            raise RulesError(
                "standards.indicator_unknown", path=file, place="[profile] drop", found=name,
                known="、".join(rows),
            )  # fmt: skip
        del rows[name]
    # Dropping an indicator drops it from the conditions of the stars.
    vetoes = [
        {**veto, "indicators": [one for one in veto["indicators"] if one not in dropped]}
        if "indicators" in veto
        else veto
        for veto in document["profile"].get("star_veto", ())
    ]
    profile = {**document["profile"], "star_veto": vetoes, **own["profile"]}
    return {**own, "profile": profile, "indicator": rows}


@dataclass(frozen=True)
class _Place:
    """One table of a profile file, and where it stands, so that a refusal can name the place."""

    file: str
    name: str
    values: Mapping[str, Any]

    def place(self, key: str) -> _Place:
        return _Place(self.file, f"{self.name}.{key}" if self.name else key, self.table(key))

    def refuse(self, key: str, kind: str, value: object) -> RulesError:
        return RulesError(
            "standards.value_wrong", path=self.file, place=self.name, name=key, kind=kind, value=repr(value)
        )

    def only(self, known: tuple[str, ...]) -> None:
        for key in self.values:
            if key not in known:
                raise RulesError(
                    "standards.key_unknown", path=self.file, place=self.name or "TOML", name=key,
                    known="、".join(known),
                )  # fmt: skip

    def need(self, *keys: str) -> None:
        for key in keys:
            if key not in self.values:
                raise RulesError("standards.key_missing", path=self.file, place=self.name, name=key)

    def table(self, key: str) -> dict[str, Any]:
        self.need(key)
        value = self.values[key]
        if not isinstance(value, dict):
            raise self.refuse(key, "{ … }", value)
        return value

    def text(self, key: str, default: str) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise self.refuse(key, '"…"', value)
        return value

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self.values.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.refuse(key, '["…", …]', value)
        return tuple(value)

    def one_of(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.values.get(key, default)
        if value not in allowed:
            raise self.refuse(key, "、".join(allowed), value)
        return str(value)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.refuse(key, "true、false", value)
        return value

    def number(self, key: str, default: float, *, above: float = -math.inf, most: float = math.inf) -> float:
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refuse(key, "0, 1.5 …", value)
        if not above < value <= most:
            raise self.refuse(key, f"> {above:g}" + ("" if math.isinf(most) else f", ≤ {most:g}"), value)
        return float(value)

    def words(self, key: str) -> Mapping[str, str]:
        """Return a text by language; one text alone serves every language."""
        value = self.values.get(key)
        if value is None:
            return MappingProxyType({})
        if isinstance(value, str):
            return MappingProxyType(dict.fromkeys(LANGUAGES, value))
        if not isinstance(value, dict) or set(value) != {"zh", "en"}:
            raise self.refuse(key, '"…"、{ zh = "…", en = "…" }', value)
        return MappingProxyType({"zh-CN": str(value["zh"]), "en": str(value["en"])})

    def names(self) -> Mapping[str, str]:
        self.need("zh", "en")
        return MappingProxyType({"zh-CN": self.text("zh", ""), "en": self.text("en", "")})


def _profile(document: Mapping[str, Any], file: str) -> Profile:
    root = _Place(file, "", document)
    head = root.place("profile")
    head.need("id", "zh", "en", "star_thresholds")
    own_categories = _own_categories(root)
    own_quantities = _own_quantities(root)
    quantities = {*section("quantity"), *own_quantities}
    rows = root.place("indicator")
    indicators = tuple(
        _indicator(rows.place(name), name, head, own_categories, quantities) for name in rows.values
    )
    total = math.fsum(one.weight for one in indicators)
    if not math.isclose(total, _WEIGHT_TOTAL, abs_tol=1e-6):
        raise RulesError("standards.weights_sum", path=file, total=f"{total:g}")
    least_share = float(section("scoring")["min_share_assessed_for_stars"])
    content = json.dumps(document, ensure_ascii=False, sort_keys=True, default=str)
    return Profile(
        profile_id=head.text("id", ""),
        names=head.names(),
        unit=head.words("unit"),
        note=head.words("note"),
        source=head.words("source"),
        stand_in=head.flag("stand_in", default=False),
        indicators=indicators,
        star_thresholds=_thresholds(head),
        star_vetoes=_vetoes(head, indicators),
        minimum_assessed_share=head.number("minimum_assessed_share", least_share, above=0, most=1),
        minimum_known_share=head.number("minimum_known_share", least_share, above=0, most=1),
        evidence_stars=head.one_of("evidence_stars", EVIDENCE_WORDS, "default"),
        evidence_weights=head.one_of("evidence_weights", EVIDENCE_WORDS, "default"),
        own_categories=own_categories,
        own_quantities=own_quantities,
        fingerprint=hashlib.sha256(content.encode()).hexdigest(),
    )


def _thresholds(head: _Place) -> tuple[float, ...]:
    value = head.values["star_thresholds"]
    plain = isinstance(value, list) and all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in value
    )
    if not plain or sorted(set(value)) != value:
        raise head.refuse("star_thresholds", "[50, 60, …]", value)
    return tuple(float(one) for one in value)


def _vetoes(head: _Place, indicators: tuple[ProfileIndicator, ...]) -> tuple[StarVeto, ...]:
    known = tuple(one.indicator for one in indicators)
    given = head.values.get("star_veto", [])
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise head.refuse("star_veto", "[[profile.star_veto]]", given)
    found = []
    for values in given:
        place = _Place(head.file, "profile.star_veto", values)
        place.only(_VETO_KEYS)
        place.need("from_stars")
        named = place.texts("indicators", ())
        for one in named:
            if one not in known:
                raise RulesError(
                    "standards.indicator_unknown", path=head.file, place=place.name, found=one,
                    known="、".join(known),
                )  # fmt: skip
        if place.flag("mandatory", default=False):
            named += tuple(
                one.indicator for one in indicators if one.mandatory and one.indicator not in named
            )
        stars = place.number("from_stars", 1, above=0)
        least = place.number("least_score", 0, above=-1, most=100)
        found.append(StarVeto(int(stars), named, least, place.flag("present", default=False)))
    return tuple(found)


def _own_categories(root: _Place) -> dict[str, Category]:
    found = {}
    for name in root.values.get("category", {}):
        place = root.place("category").place(name)
        place.only(_CATEGORY_KEYS)
        place.need("radius_m")
        found[name] = Category(
            category_id=name,
            names=place.names(),
            group=place.text("group", ""),
            radius_m=place.number("radius_m", 0, above=0),
            band_minutes=int(place.number("band_minutes", 10, above=0)),
            evidence=place.one_of("evidence_radius", EVIDENCE_WORDS, "default"),
            osm=place.texts("osm", ()),
            keywords=place.texts("keywords", ()),
            details=MappingProxyType({}),
        )
    return found


def _own_quantities(root: _Place) -> dict[str, Mapping[str, str]]:
    found = {}
    for name in root.values.get("quantity", {}):
        place = root.place("quantity").place(name)
        place.only(_QUANTITY_KEYS)
        found[name] = place.names()
    return found


def _indicator(
    place: _Place, name: str, head: _Place, own: Mapping[str, Category], quantities: set[str]
) -> ProfileIndicator:
    place.need("kind")
    kind = next((one for one in KINDS if one == place.values["kind"]), None)
    if kind is None:
        raise place.refuse("kind", "、".join(KINDS), place.values["kind"])
    place.only((*_SHARED_KEYS, *_EVIDENCE_KEYS, *_KEYS_OF_KIND[kind]))
    place.need("zh", "en", "target", "unit", "weight", *_NEEDED_OF_KIND[kind])
    known = {**categories(), **own}
    asked = place.texts("categories", ())
    for one in asked:
        if one not in known:
            raise RulesError("standards.category_unknown", path=place.file, place=place.name, found=one)
    for key in ("quantity", "numerator", "denominator", "below_threshold"):
        if key in place.values and place.text(key, "") not in quantities:
            raise RulesError(
                "standards.quantity_unknown", path=place.file, place=place.name, name=key,
                found=place.values[key], known="、".join(sorted(quantities)),
            )  # fmt: skip
    if not asked and kind != "ratio" and not place.text("quantity", ""):
        place.need("quantity" if kind in {"count_per_1000", "area_per_capita"} else "categories")
    evidence = place.one_of("evidence", EVIDENCE_WORDS, "default")
    unit = place.words("unit")
    level = head.one_of("level", _LEVELS, "community")
    per_allowed = (*_LEVELS, "estate") if kind == "threshold_by_population" else _LEVELS
    return ProfileIndicator(
        indicator=name,
        names=place.names(),
        kind=kind,
        level=place.one_of("level", _LEVELS, level),
        categories=asked,
        target=place.number("target", 0, above=0),
        unit=unit,
        weight=place.number("weight", 0, above=0, most=_WEIGHT_TOTAL),
        mandatory=place.flag("mandatory", default=False),
        evidence=evidence,
        evidence_target=place.one_of("evidence_target", EVIDENCE_WORDS, evidence),
        evidence_threshold=place.one_of("evidence_threshold", EVIDENCE_WORDS, evidence),
        source=place.words("source") or head.words("source"),
        per=place.one_of("per", per_allowed, "") if "per" in place.values else "",
        limit_m=_limit_m(place, head, known) if kind == "coverage" else None,
        basis=_basis(place, head, unit, kind),
        any_of=_any_of(place, asked) if kind == "coverage" else True,
        count=place.one_of("count", ("facilities", "capacity"), "facilities"),
        count_distinct=place.flag("count_distinct", default=False),
        area=place.one_of("area", ("floor", "land"), "floor") if _has_area(place, kind) else "",
        quantity=place.text("quantity", ""),
        numerator=place.text("numerator", ""),
        denominator=place.text("denominator", ""),
        population_from=place.number("population_from", 0, above=-1)
        if kind == "threshold_by_population"
        else None,
        below_threshold=place.text("below_threshold", ""),
        least=_least(place, asked),
        value_source=place.words("value_source"),
        note=place.words("target_note"),
    )


def _has_area(place: _Place, kind: str) -> bool:
    return kind == "area_per_capita" or "area" in place.values


def _any_of(place: _Place, asked: tuple[str, ...]) -> bool:
    if len(asked) > 1:
        place.need("any_of")
    return place.flag("any_of", default=True)


def _basis(place: _Place, head: _Place, unit: Mapping[str, str], kind: str) -> str:
    """Return what an indicator counts; that of a coverage stands in its unit."""
    if kind == "area_per_capita":
        return place.one_of("basis", ("resident", "100_households"), "")
    if kind != "coverage":
        return ""
    aged = _AGED.search(unit["en"])
    if aged:
        return aged[1]
    return head.one_of("coverage_denominator", ("residents", "households"), "residents")


def _limit_m(place: _Place, head: _Place, known: Mapping[str, Category]) -> float:
    """Return the limit of a coverage: its distance, or in time mode what its walker does in its minutes."""
    walking = section("walking")
    paces = tuple(key.removesuffix("_m_per_min") for key in walking if key.endswith("_m_per_min"))
    speed = place.one_of("speed", paces, "planning")
    minutes = place.number("minutes", 0, above=-1)
    by_time = head.one_of("mode", ("distance", "time"), "distance") == "time"
    if "distance_m" in place.values and not by_time:
        return place.number("distance_m", 0, above=0)
    if by_time or "speed" in place.values:
        place.need("minutes")
        return minutes * float(walking[f"{speed}_m_per_min"])
    if f"distance_{minutes:g}min_m" in walking:
        return float(walking[f"distance_{minutes:g}min_m"])
    return max(known[one].radius_m for one in place.texts("categories", ()))


def _least(place: _Place, asked: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Return the least sizes by column of services and by category; one number holds for every category."""
    found: dict[str, dict[str, float]] = {}
    for key, column in _SIZES.items():
        value = place.values.get(key)
        if isinstance(value, dict):
            inner = place.place(key)
            inner.only(asked)
            found[column] = {one: inner.number(one, 0, above=0) for one in value}
        elif value is not None:
            found[column] = dict.fromkeys(asked, place.number(key, 0, above=0))
    return found
