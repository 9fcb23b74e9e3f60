"""The two catalogues of text hold the same keys, and code holds no text of its own."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from spatial.messages import LANGUAGES, catalogue, text, use_language

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for room in ("spatial", "maps", "api") for path in (ROOT / room).rglob("*.py"))
HAN = re.compile(r"[\u4e00-\u9fff]")
KEY = re.compile(r"^[a-z][a-z_]*(\.[a-z0-9_-]+)+$")
PARTS = ("expected", "found", "remedy")


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_both_languages_have_the_same_keys():
    chinese, english = (set(catalogue(language)) for language in LANGUAGES)
    assert chinese - english == set()
    assert english - chinese == set()


def test_both_languages_name_the_same_values():
    chinese, english = (catalogue(language) for language in LANGUAGES)
    differing = {key for key in chinese if _fields(chinese[key]) != _fields(english[key])}
    assert differing == set()


def test_a_statement_has_all_its_parts():
    keys = set(catalogue("en"))
    incomplete = {
        stem
        for key in keys
        if "." in (stem := key.rpartition(".")[0])  # a room's own words are no statement
        and key.endswith((".expected", ".found"))
        and not all(f"{stem}.{part}" in keys for part in PARTS)
    }
    assert incomplete == set()


def test_english_texts_hold_no_chinese_and_chinese_texts_do():
    assert [key for key, value in catalogue("en").items() if HAN.search(value)] == []
    assert sum(bool(HAN.search(value)) for value in catalogue("zh-CN").values()) > 50


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_holds_no_chinese_text(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    found = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and HAN.search(node.value)
    ]
    # Words that are matched against users' data (column names, parts of addresses) stand in data files.
    assert found == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_key_that_code_names_exists(path):
    keys = set(catalogue("en"))
    stems = {key.rpartition(".")[0] for key in keys}
    rooms = {key.partition(".")[0] for key in keys}
    named = {
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for node in node.args[:2]
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and KEY.match(node.value)
        and node.value.partition(".")[0] in rooms
        and not node.value.startswith(("spatial.", "maps.", "api."))
    }
    assert {key for key in named if key not in keys and key not in stems} == set()


def test_language_is_chosen_for_a_block_and_given_back():
    before = text("common.separator")
    with use_language("en"):
        assert text("common.separator") == ", "
    assert text("common.separator") == before == "、"


def test_an_unknown_language_is_refused():
    with pytest.raises(KeyError, match="fr"), use_language("fr"):
        pass
