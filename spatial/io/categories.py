"""Categories of service told from tags, vendor codes and names, by the rules of the catalogue."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.catalogue import categories, section
from spatial.io.mapping import CategoryRule
from spatial.io.selecting import RowFilter

__all__ = ["categorise", "osm_keys"]


def categorise(frame: pd.DataFrame, rule: CategoryRule) -> NDArray[np.object_]:
    """Return the category of each row, None where no rule tells it.

    A column with given meanings comes first, then the ways of the rule in their order.

    ``osm`` : the tags pass a filter of the catalogue.
    ``keywords`` : the name holds a keyword; the longest decides.  Names of the catalogue's reject
        list have no category.
    ``amap`` : the column ``typecode`` starts with a vendor code.

    Where several categories claim a row in one way, a keyword in the name decides.  Categories that are
    sizes of one thing (each has a least land area: parks, ball courts) are told by the land area; a row
    of unknown area, or below the least, has none.  Of others the one whose first filter or code it is
    (the first of the catalogue, if several) has it; where it is nobody's first, none.

    Parameters
    ----------
    frame : facilities with their source columns, a column ``name`` and, where known, ``land_area_m2``,
        shape (n, …)
    rule : how categories are told
    """
    told = np.full(len(frame), None, dtype=object)
    if rule.source and rule.source in frame.columns:
        meanings = frame[rule.source].astype("string").str.strip().map(dict(rule.values))
        told = np.array(meanings.astype(object).where(meanings.notna(), None), dtype=object)
    for way in rule.ways:
        open_rows = np.array([one is None for one in told], dtype=bool)
        if not open_rows.any():
            break
        told[open_rows] = _WAYS[way](frame[open_rows])
    return told


def _names(frame: pd.DataFrame) -> pd.Series:
    if "name" not in frame.columns:
        return pd.Series("", index=frame.index, dtype="string")
    return frame["name"].astype("string").fillna("")


def _rejected(names: pd.Series) -> NDArray[np.bool_]:
    rejected = np.zeros(len(names), dtype=bool)
    for word in section("poi_mapping")["reject_names"]:
        rejected |= names.str.contains(word, regex=False).to_numpy(dtype=bool)
    return rejected


Claims = dict[str, list[tuple[str, bool]]]


@cache
def _osm_claims() -> Claims:
    """Return for each filter the categories that name it, and whether it stands first there."""
    claims = _claimed((one.category_id, one.osm) for one in categories().values())
    # A filter with more conditions is more exact and is tried first.
    return dict(sorted(claims.items(), key=lambda item: -item[0].count("&")))


@cache
def _keyword_claims() -> Claims:
    claims = _claimed((one.category_id, one.keywords) for one in categories().values())
    return dict(sorted(claims.items(), key=lambda item: -len(item[0])))


@cache
def _amap_claims() -> Claims:
    claims = _claimed((one.category_id, one.details.get("amap_types", ())) for one in categories().values())
    # A code that ends in 00 is a class with everything below it, and is tried after what is below.
    return dict(sorted(claims.items(), key=lambda item: item[0].endswith("00")))


def _claimed(words: Iterable[tuple[str, Sequence[str]]]) -> Claims:
    claims: Claims = defaultdict(list)
    for category_id, texts in words:
        for number, text in enumerate(texts):
            claims[text].append((category_id, number == 0))
    return claims


def _by_osm(frame: pd.DataFrame) -> NDArray[np.object_]:
    told = np.full(len(frame), None, dtype=object)
    for text, claimants in _osm_claims().items():
        _tell(told, RowFilter.parse(text).rows(frame), claimants, frame)
    return told


def _by_keywords(frame: pd.DataFrame) -> NDArray[np.object_]:
    told = np.full(len(frame), None, dtype=object)
    names = _names(frame)
    open_rows = ~_rejected(names)
    for keyword, claimants in _keyword_claims().items():
        rows = open_rows & names.str.contains(keyword, regex=False).to_numpy(dtype=bool)
        _tell(told, rows, claimants, frame)
        open_rows &= ~rows
    return told


def _by_amap(frame: pd.DataFrame) -> NDArray[np.object_]:
    told = np.full(len(frame), None, dtype=object)
    if "typecode" not in frame.columns:
        return told
    codes = frame["typecode"].astype("string").fillna("")
    known = ~_rejected(_names(frame))
    for code, claimants in _amap_claims().items():
        rows = codes.str.startswith(code.removesuffix("00")).to_numpy(dtype=bool)
        _tell(told, rows & known, claimants, frame)
    return told


def _tell(
    told: NDArray[np.object_],
    claimed: NDArray[np.bool_],
    claimants: Sequence[tuple[str, bool]],
    frame: pd.DataFrame,
) -> None:
    """Give the claimed rows that have no category yet one of the claimants, if any is certain enough."""
    rows = claimed & np.array([one is None for one in told], dtype=bool)
    if not rows.any():
        return
    if len(claimants) == 1:
        told[rows] = claimants[0][0]
        return
    known = categories()
    names = _names(frame)
    words = [(keyword, name) for name, _ in claimants for keyword in known[name].keywords]
    often = Counter(keyword for keyword, _ in words)
    for keyword, name in sorted(words, key=lambda pair: -len(pair[0])):
        if often[keyword] == 1:  # what several are called tells none of them
            named = rows & names.str.contains(keyword, regex=False).to_numpy(dtype=bool)
            told[named] = name
            rows = rows & ~named
    sizes = [(float(known[name].details.get("min_land_area_m2", 0.0)), name) for name, _ in claimants]
    if all(least > 0 for least, _ in sizes):
        areas = _land_areas(frame)
        for least, name in sorted(sizes, reverse=True):
            large = rows & (areas >= least)
            told[large] = name
            rows = rows & ~large
    else:
        told[rows] = next((name for name, first in claimants if first), None)


def _land_areas(frame: pd.DataFrame) -> NDArray[np.float64]:
    if "land_area_m2" not in frame.columns:
        return np.full(len(frame), np.nan)
    areas: NDArray[np.float64] = pd.to_numeric(frame["land_area_m2"], errors="coerce").to_numpy(
        dtype=float, na_value=np.nan
    )
    return areas


_WAYS = {"osm": _by_osm, "keywords": _by_keywords, "amap": _by_amap}


@cache
def osm_keys() -> tuple[str, ...]:
    """Return every tag key that the filters of the catalogue look at."""
    return tuple(dict.fromkeys(key for text in _osm_claims() for key in RowFilter.parse(text).keys))
