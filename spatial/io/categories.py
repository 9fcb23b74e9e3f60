"""Categories of service told from tags, vendor codes and names, by the rules of the catalogue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
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

    ``osm`` : the tags pass a filter of the catalogue.  Where several categories share a filter, a
        keyword in the name decides; where none is in it, the category whose first filter it is
        (the first of the catalogue, if several) has it; where it is nobody's first, none.
    ``keywords`` : the name holds a keyword; the longest decides.  Names of the catalogue's reject
        list have no category.
    ``amap`` : the column ``typecode`` starts with a vendor code.

    Parameters
    ----------
    frame : facilities with their source columns and a column ``name``, shape (n, …)
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


@cache
def _claims() -> dict[str, list[tuple[str, bool]]]:
    """Return for each filter the categories that name it, and whether it stands first there."""
    claims: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for category in categories().values():
        for number, text in enumerate(category.osm):
            claims[text].append((category.category_id, number == 0))
    # A filter with more conditions is more exact and is tried first.
    return dict(sorted(claims.items(), key=lambda item: -item[0].count("&")))


def _by_osm(frame: pd.DataFrame) -> NDArray[np.object_]:
    told = np.full(len(frame), None, dtype=object)
    names = _names(frame)
    for text, claimants in _claims().items():
        rows = RowFilter.parse(text).rows(frame) & np.array([one is None for one in told], dtype=bool)
        if not rows.any():
            continue
        if len(claimants) > 1:
            for category_id, _ in claimants:
                for keyword in categories()[category_id].keywords:
                    named = rows & names.str.contains(keyword, regex=False).to_numpy(dtype=bool)
                    told[named] = category_id
                    rows &= ~named
        usual = next((name for name, first in claimants if first or len(claimants) == 1), None)
        told[rows] = usual
    return told


def _by_keywords(frame: pd.DataFrame) -> NDArray[np.object_]:
    told = np.full(len(frame), None, dtype=object)
    names = _names(frame)
    open_rows = ~_rejected(names)
    for keyword, category_id in sorted(_keywords(), key=lambda pair: -len(pair[0])):
        rows = open_rows & names.str.contains(keyword, regex=False).to_numpy(dtype=bool)
        told[rows] = category_id
        open_rows &= ~rows
    return told


def _keywords() -> Iterator[tuple[str, str]]:
    for category in categories().values():
        for keyword in category.keywords:
            yield keyword, category.category_id


def _by_amap(frame: pd.DataFrame) -> NDArray[np.object_]:
    told = np.full(len(frame), None, dtype=object)
    if "typecode" not in frame.columns:
        return told
    codes = frame["typecode"].astype("string").fillna("")
    names = _names(frame)
    for category in reversed(list(categories().values())):
        for code in category.details.get("amap_types", ()):
            rows = codes.str.startswith(code.removesuffix("00")).to_numpy(dtype=bool)
            told[rows] = category.category_id
    told[_rejected(names)] = None
    return told


_WAYS = {"osm": _by_osm, "keywords": _by_keywords, "amap": _by_amap}


@cache
def osm_keys() -> tuple[str, ...]:
    """Return every tag key that the filters of the catalogue look at."""
    return tuple(dict.fromkeys(key for text in _claims() for key in RowFilter.parse(text).keys))
