"""The documents say what the code does."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import warnings
from pathlib import Path

import pytest

import api
import maps
import spatial
from api.commands import _COMMANDS
from spatial.schema import COVERAGE_TABLES, PLAN_TABLES, TABLES

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    module.name
    for package in (spatial, maps, api)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if ".migrations" not in module.name
)
KINDS = {"text": "text", "whole": "integer", "number": "number", "flag": "true/false", "date": "date"}


def _documented() -> list[tuple[str, list[tuple[str, str, str]]]]:
    page = (ROOT / "docs/guide/packages.md").read_text(encoding="utf-8")
    sections = re.split(r"(?m)^### `", page)[1:]
    row = re.compile(r"(?m)^\| `([^`]+)` \| ([^|]+) \| ([^|]*) \|")
    return [
        (section.partition("`")[0], [(name, kind, must.strip()) for name, kind, must in row.findall(section)])
        for section in sections
    ]


def test_the_page_of_packages_is_the_schema():
    def must(table, column):
        if column.name == table.id_column:
            return "id"
        return "filled" if column.filled else "required" if column.required else ""

    expected = [
        (table.name, [(column.name, KINDS[column.kind], must(table, column)) for column in table.columns])
        for tables in (TABLES, PLAN_TABLES, COVERAGE_TABLES)
        for table in tables.values()
    ]
    assert _documented() == expected


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "README.md", "README.zh-CN.md", "CONTRIBUTING.md"])
def test_every_path_a_page_names_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:spatial|maps|api|data|tests|docs|benchmarks)/[\w./-]*)`", text))
    named |= {target for target in re.findall(r"\]\(([\w./-]+)\)", text) if "://" not in target}
    assert {path for path in named if not (ROOT / path).exists()} == set()
    assert named


def test_architecture_names_every_module():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {
        path.relative_to(ROOT).as_posix().removesuffix(".py").removesuffix("/__init__")
        for pattern in ("spatial/*.py", "spatial/*/__init__.py", "maps/*.py", "api/*.py", "api/*/__init__.py")
        for path in ROOT.glob(pattern)
        if path.parent.name not in {"spatial", "maps", "api"} or path.name != "__init__.py"
    }
    assert {room for room in rooms if room.rpartition("/")[2] not in text} == set()


def test_the_guide_names_every_command():
    text = (ROOT / "docs/guide/commands.md").read_text(encoding="utf-8")
    assert {name for name in _COMMANDS if f"`wangge {name}" not in text} == set()


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module(name)
    failed, _ = doctest.testmod(module)
    assert failed == 0
