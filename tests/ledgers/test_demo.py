"""The made-up ledgers of the demo county, and the page that describes ledgers."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from spatial.io import read_town
from spatial.ledgers import LEDGER_TABLES, check_ledgers, closing_rates

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "data" / "boundaries"))

import demo_ledgers  # noqa: E402  the folder of the generator is no package

KINDS = {"text": "text", "whole": "integer", "number": "number", "flag": "true/false", "date": "date"}


@pytest.fixture(scope="module")
def town():
    return read_town(demo_ledgers.PACKAGE)


@pytest.fixture(scope="module")
def book(town):
    return demo_ledgers.generate(town)


def test_the_faults_put_in_are_the_faults_found(town, book):
    found = {one.rule: one.statement for one in check_ledgers(book, town)}
    faults = demo_ledgers.FAULTS
    assert len(found["lacks_grid_dedicated"].ids) == faults["no_worker"]
    assert len(found["double_booked"].ids) == faults["two_grids"]
    assert len(found["lacks_estate_linked"].ids) == faults["no_linked_worker"]
    assert len(found["event_undated"].ids) == faults["undated"]
    assert len(found["event_unlocated"].ids) == faults["unlocated"]
    assert len(found["event_reopened"].ids) == faults["reopened"]
    assert len(found["premises_area_unknown"].ids) == faults["unknown_area"]
    # Estates whose only grid is one of those without a worker follow from the first.
    assert set(found) - {"lacks_estate_full_time"} == {
        "lacks_grid_dedicated",
        "double_booked",
        "lacks_estate_linked",
        "event_undated",
        "event_unlocated",
        "event_reopened",
        "premises_area_unknown",
    }
    rates = closing_rates(book, town)
    assert round(rates["closed"].sum() / rates["reported"].sum(), 4) == 0.9674  # 4063 of 4200


def test_everybody_in_them_is_called_made_up(book):
    assert book.synthetic
    assert book.staff["name"].str.contains("合成").all()
    assert book.staff["phone"].str.startswith("000-").all()
    assert {name for name, table in book.tables.items() if not table["source"].eq("合成数据").all()} == set()


def test_the_page_of_ledgers_is_their_schema():
    page = (ROOT / "docs/guide/ledgers.md").read_text(encoding="utf-8")
    row = re.compile(r"(?m)^\| `([^`]+)` \| ([^|]+) \| ([^|]*) \|")
    documented = [
        (section.partition("`")[0], [(name, kind, must.strip()) for name, kind, must in row.findall(section)])
        for section in re.split(r"(?m)^### `", page)[1:]
    ]

    def must(table, column):
        return (
            "id"
            if column.name == table.id_column
            else "filled"
            if column.filled
            else "required"
            if column.required
            else ""
        )

    assert documented == [
        (table.name, [(one.name, KINDS[one.kind], must(table, one)) for one in table.columns])
        for table in LEDGER_TABLES.values()
    ]
