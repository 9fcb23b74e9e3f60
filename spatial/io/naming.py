"""Names and codes: statistical codes found by name, addresses taken apart.

Names from two offices seldom agree to the letter.  They are compared without the endings that say what a
place is, by the share of sign pairs they have in common (Dice coefficient of bigrams); what is not
certain comes back with its candidates, for a person to choose from.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from spatial.io.vocabulary import code_headers

__all__ = ["address_parts", "code_table", "match_codes", "plain_name"]

_CANDIDATES = 3
# Below this a name is not like another; from the second on it is certain when no other comes near.
_LEAST_LIKENESS = 0.4
_CERTAIN_LIKENESS = 0.8
_CLEAR_LEAD = 0.15
_NAMES_AT_ONCE = 2_000


@cache
def _document() -> Mapping[str, Any]:
    return tomllib.loads((files(__package__) / "addresses.toml").read_text(encoding="utf-8"))


def plain_name(name: str) -> str:
    """Return a name without the ending that says what the place is, in half-width signs."""
    plain = re.sub(r"\s|[（(].*?[)）]", "", unicodedata.normalize("NFKC", name))
    endings = _document()["ending"]
    for ending in (*endings["community"], *endings["estate"]):
        if plain.endswith(ending) and len(plain) > len(ending):
            return plain.removesuffix(ending)
    return plain


def match_codes(
    names: Sequence[str], known: pd.DataFrame, *, within: Sequence[str | None] | None = None
) -> pd.DataFrame:
    """Return for each name the code of the known place that is called so.

    Parameters
    ----------
    names : names of communities or villages
    known : table with columns ``code``, ``name`` and ``parent`` (the name of the subdistrict)
    within : for each name the subdistrict it lies in, where known; only places there are then looked at

    Returns
    -------
    pandas.DataFrame
        One row to a name, in their order: ``name``; ``code`` (null unless certain); ``likeness`` of
        the best, from 0 to 1; ``candidates``: up to three codes and names with their likeness, the
        best first, as text.
    """
    known = known.reset_index(drop=True)
    parents = known["parent"].astype("string").fillna("").to_numpy(dtype=object)
    pairs = _bigrams([plain_name(one) for one in known["name"].astype(str)])
    rows = []
    for start in range(0, len(names), _NAMES_AT_ONCE):
        chunk = list(names[start : start + _NAMES_AT_ONCE])
        likeness = _likeness([plain_name(str(one)) for one in chunk], pairs)
        for number, name in enumerate(chunk):
            parent = None if within is None else within[start + number]
            inside = likeness[number] if not parent else np.where(parents == parent, likeness[number], 0.0)
            rows.append(_matched(str(name), inside, known))
    return pd.DataFrame(rows, columns=["name", "code", "likeness", "candidates"])


def _matched(name: str, likeness: NDArray[np.float64], known: pd.DataFrame) -> tuple[str, object, float, str]:
    order = np.argsort(-likeness, kind="stable")[: _CANDIDATES + 1]
    order = order[likeness[order] >= _LEAST_LIKENESS]
    if not len(order):
        return name, pd.NA, 0.0, ""
    best = float(likeness[order[0]])
    lead = best - (float(likeness[order[1]]) if len(order) > 1 else 0.0)
    certain = best >= _CERTAIN_LIKENESS and lead >= _CLEAR_LEAD
    shown = (
        f"{known['code'].iloc[one]} {known['parent'].iloc[one]} {known['name'].iloc[one]} ({likeness[one]:.0%})"
        for one in order[:_CANDIDATES]
    )
    return name, known["code"].iloc[order[0]] if certain else pd.NA, best, "; ".join(shown)


def code_table(frame: pd.DataFrame) -> pd.DataFrame | None:
    """Return a table of statistical codes as columns code, name, parent; None when it is no such table.

    Such a table has a column of codes of twelve digits, each once, one of names, and one of the
    subdistricts these lie in.
    """
    headers = code_headers([str(one) for one in frame.columns])
    if headers is None or frame.empty:
        return None
    code, name, parent = (frame[one].astype("string") for one in headers)
    if not (code.str.fullmatch(r"\d{12}").fillna(value=False).all() and code.is_unique):
        return None
    return pd.DataFrame({"code": code, "name": name, "parent": parent})


def _bigrams(names: Sequence[str]) -> list[frozenset[str]]:
    """Return the pairs of neighbouring signs of each name, its beginning and end included."""
    return [
        frozenset(one + other for one, other in zip(f"^{name}", f"{name}$", strict=True)) for name in names
    ]


def _likeness(names: Sequence[str], pairs: Sequence[frozenset[str]]) -> NDArray[np.float64]:
    """Return the Dice coefficients of names and places, shape (names, places)."""
    own = _bigrams(names)
    alphabet = {pair: number for number, pair in enumerate(sorted(set().union(*own, *pairs)))}

    def counted(sets: Sequence[frozenset[str]]) -> csr_array:
        columns = [alphabet[pair] for one in sets for pair in one]
        ends = np.cumsum([0, *(len(one) for one in sets)])
        return csr_array((np.ones(len(columns)), columns, ends), shape=(len(sets), len(alphabet)))

    shared = (counted(own) @ counted(pairs).T).toarray()
    sizes = np.array([len(one) for one in own])[:, None] + np.array([len(one) for one in pairs])[None, :]
    likeness: NDArray[np.float64] = 2.0 * shared / np.maximum(sizes, 1)
    return likeness


def address_parts(addresses: pd.Series) -> pd.DataFrame:
    """Take addresses apart into community, road, estate, building, stairwell and room.

    Parameters
    ----------
    addresses : texts, shape (n,)

    Returns
    -------
    pandas.DataFrame
        Columns community, road, estate, building, stairwell, room; null where the address has none;
        same index.
    """
    rest = addresses.astype("string").fillna("").map(lambda one: unicodedata.normalize("NFKC", one).strip())
    parts: dict[str, pd.Series] = {}
    for name, pattern in _document()["part"].items():
        found = rest.str.extract(pattern, expand=True)["value"]
        parts[name] = found.mask(found == "")
        rest = rest.str.replace(pattern, "", n=1, regex=True)
    digits = str.maketrans(_document()["digits"])
    for name in ("building", "stairwell"):
        parts[name] = parts[name].str.translate(digits)
    return pd.DataFrame(parts, index=addresses.index)
