"""The made-up ledgers of the demo county, the command that checks them, and the page that describes them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from api.commands import main
from spatial.io import read_ledgers, read_town, write_ledgers
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


def test_the_command_checks_and_keeps_them(book, tmp_path, capsys):
    given = write_ledgers(book, tmp_path / "given.xlsx")
    words = ["ledgers", str(demo_ledgers.PACKAGE), str(given), "--model", "1-N", "--json"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "-o", str(tmp_path / "kept.gpkg")])
    assert ended.value.code == 1
    said = capsys.readouterr()
    result = json.loads(said.out.splitlines()[-1])
    assert result["closing"]["closed"] == 4063
    assert result["measures"]["grids_with_worker"] == 114
    assert any(one["class6"] is None for one in result["household_classes"])
    # The sum of all classes is a total that would help to tell what is hidden.
    whole = int(book.household_classes["households"].sum())
    assert str(whole) not in said.out + said.err
    assert str(len(book.household_classes)) not in said.out + said.err
    assert len(read_ledgers(tmp_path / "kept.gpkg").events) == len(book.events)
    with pytest.raises(SystemExit) as refused:
        main([*words[:-2], "7-N"])
    assert refused.value.code == 2


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
