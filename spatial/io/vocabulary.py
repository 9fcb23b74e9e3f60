"""Vocabulary: which table a layer, which column a header, and which code a value of an office file means.

The titles of both message catalogues and the names of the schema are certain; the words of
``vocabulary.toml`` are what offices and vendors write instead.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from spatial.catalogue import categories
from spatial.ledgers import LEDGER_TABLES
from spatial.messages import LANGUAGES, catalogue
from spatial.schema import Column, Table

__all__ = [
    "category_of",
    "code_headers",
    "code_of",
    "column_title",
    "datum_of",
    "header_of",
    "is_ledger",
    "is_name_header",
    "table_title",
    "table_words",
    "unit_of",
    "value_title",
    "words",
]

_BRACKETS = re.compile(r"[（(\[【].*?[)）\]】]")
# Blanks that only spread Chinese signs over a cell: 户 数.
_BETWEEN_SIGNS = re.compile(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])")
_SHORTEST_PART = 2
# A DBF field name has ten bytes: three Chinese signs in UTF-8, five in GBK.
_CUT_AT_SIGNS = (3, 5)


@cache
def _document() -> Mapping[str, Any]:
    return tomllib.loads((files(__package__) / "vocabulary.toml").read_text(encoding="utf-8"))


def words(group: str, name: str) -> list[str]:
    """Return words of the vocabulary that mean something in the files themselves, as sums or signs of degrees."""
    found: list[str] = _document()[group][name]
    return found


def _title(kind: str, name: str, language: str) -> str:
    return catalogue(language).get(f"schema.{kind}.{name}", name)


def column_title(name: str, language: str) -> str:
    """Return what a column is called in a language; its own name when it is not of the schema."""
    return _title("column", name, language)


def table_title(name: str, language: str) -> str:
    """Return what a table is called in a language."""
    return _title("table", name, language)


def value_title(code: str, language: str, column: str = "") -> str:
    """Return what a code is called in a language; some columns have a word of their own for a code."""
    return catalogue(language).get(f"schema.value.{column}.{code}", _title("value", code, language))


def table_words(table: str) -> tuple[list[str], list[str]]:
    """Return the titles of a table, which are certain, and the words that hint at it, in lower case."""
    titles = [table, *(_title("table", table, language) for language in LANGUAGES)]
    return [one.lower() for one in titles], [one.lower() for one in _document()["layer"].get(table, [])]


def _plain(header: str) -> str:
    """Return a header in small half-width letters, without what stands in brackets or between Chinese signs."""
    half_width = unicodedata.normalize("NFKC", _BRACKETS.sub("", header))
    return _BETWEEN_SIGNS.sub("", _BRACKETS.sub("", half_width)).strip(" *:").lower()


@cache
def _column_words(name: str) -> tuple[str, ...]:
    """Return the words that are certain for a column, in lower case and without brackets."""
    titles = [name, *(column_title(name, language) for language in LANGUAGES)]
    return tuple(dict.fromkeys(_plain(one) for one in (*titles, *_document()["column"].get(name, []))))


def is_name_header(header: str, table: Table) -> bool:
    """Return whether a header holds the names of the table's own rows, and not their ids."""
    titles, words = table_words(table.name)
    plain = _plain(header)
    if any(plain in _column_words(one.name) for one in table.columns if one.refers_to):
        return False  # the name of what the row belongs to
    return plain in (*titles, *words) or any(
        plain.endswith(ending) and plain != ending for ending in _document()["ending"]["name"]
    )


def header_of(column: str, headers: Collection[str]) -> tuple[str, bool] | None:
    """Return the header that means a column, and whether that is certain; None when there is none.

    A header equal to a word of the column is certain; one that holds a word of two signs or more, or is
    one cut off as a Shapefile cuts it, is a guess; earlier words go before later ones.
    """
    words = _column_words(column)
    for word in words:
        for header in headers:
            if _plain(header) == word:
                return header, True
    for header in headers:
        plain = _plain(header)
        if (
            len(plain) in _CUT_AT_SIGNS
            and not plain.isascii()
            and any(one.startswith(plain) for one in words)
        ):
            return header, False
    for word in sorted((one for one in words if len(one) >= _SHORTEST_PART), key=len, reverse=True):
        for header in headers:
            # A Latin word must stand alone: "id" is not in "width".
            inside = (
                word in _plain(header) if not word.isascii() else word in re.split(r"[\W_]+", _plain(header))
            )
            if inside:
                return header, False
    return None


def unit_of(header: str) -> str:
    """Return the unit that a header names in brackets, '' for none."""
    return next((unit for unit, words in _document()["unit"].items() for one in words if one in header), "")


def code_of(column: Column, value: str) -> str | None:
    """Return the code that a value of a column with allowed codes means, or None."""
    plain = value.strip().lower()
    for code, words in _words_of_codes(column).items():
        if plain in words:
            return code
    return None


@cache
def _words_of_codes(column: Column) -> Mapping[str, frozenset[str]]:
    return {
        code: frozenset(
            one.lower()
            for one in (
                code,
                *(value_title(code, language, column.name) for language in LANGUAGES),
                *_document()["value"].get(code, []),
            )
        )
        for code in column.allowed
    }


def category_of(value: str) -> str | None:
    """Return the service category that a text names: its id, its name, or a keyword in it (the longest).

    None when there is none, or when several categories share the keyword, as parks of every size do.
    """
    plain = value.strip().lower()
    for category in categories().values():
        if plain in {category.category_id, *(name.lower() for name in category.names.values())}:
            return category.category_id
    found = {keyword for one in categories().values() for keyword in one.keywords if keyword in plain}
    if not found:
        return None
    longest = max(found, key=len)
    claimants = [one.category_id for one in categories().values() if longest in one.keywords]
    return claimants[0] if len(claimants) == 1 else None


def is_ledger(layer: str) -> bool:
    """Return whether the name of a layer says that it holds staff or events: no part of a town."""
    titles = {_title("table", name, language).lower() for name in LEDGER_TABLES for language in LANGUAGES}
    return layer.lower() in {*LEDGER_TABLES, *titles} or any(
        word in layer.lower() for word in _document()["ledger"]["words"]
    )


def code_headers(headers: Collection[str]) -> tuple[str, str, str] | None:
    """Return the headers of code, name and parent in a table of statistical codes, None when one is absent."""
    found = []
    for role in ("code", "name", "parent"):
        words = _document()["codes"][role]
        found.append(next((header for word in words for header in headers if _plain(header) == word), None))
    code, name, parent = found
    return None if code is None or name is None or parent is None else (code, name, parent)


def datum_of(*texts: str) -> str:
    """Return the datum that a header or the name of a layer or file speaks of, '' for none."""
    said = " ".join(texts).lower()
    return next((datum for datum, words in _document()["datum"].items() for one in words if one in said), "")
