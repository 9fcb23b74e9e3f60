"""The commands that check ledgers and assign workers, on files of a small town."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from api.commands import main
from spatial.io import read_ledgers, write_ledgers, write_plan, write_town
from tests.ledgers.rows import events, household_rows, ledgers, plan_of, postings
from tests.towns import drawn_town


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("office")
    town = drawn_town(
        "....../......",
        communities="112233/112233",
        streets=[{"line": [(1, 0), (1, 6)], "class": "residential"}],
    )
    counts = pd.DataFrame({"red": [3, 40, 61], "orange": [20, 17, 33]}, index=town.communities.index)
    bases = ["b00", "b03", "b05"]
    book = ledgers(
        staff=postings(
            *((f"p{place}", "dedicated", "grid", f"g{place}") for place in range(3)),
            building_id=bases,
            valid_from="2024-01-01",
        ),
        events=events(list(town.buildings.index), 200, 190, np.random.default_rng(1), reopened=2, undated=3),
        household_classes=household_rows(counts),
    )
    write_town(town, folder / "town.gpkg")
    write_plan(
        plan_of(town, {one: f"g{int(one[2]) // 2}" for one in town.buildings.index}), folder / "plan.gpkg"
    )
    for name in ("ledgers.xlsx", "ledgers.gpkg"):
        write_ledgers(book, folder / name)
    return folder


def _run(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in words])
    said = capsys.readouterr()
    return ended.value.code, json.loads(said.out.splitlines()[-1]) if said.out else {}, said.out + said.err


def test_ledgers_are_checked_and_kept(files, capsys):
    words = ["ledgers", files / "town.gpkg", files / "ledgers.xlsx", "--plan", files / "plan.gpkg", "--json"]
    code, result, said = _run(capsys, *words, "--model", "1-N", "-o", files / "kept.gpkg")
    assert (code, result["errors"]) == (0, 0)
    assert result["closing"] == {
        "reported": 200,
        "closed": 190,
        "reopened": 4,
        "open": 10,
        "undated": 3,
        "unlocated": 0,
    }
    assert result["measures"]["grids_with_worker"] == 3
    shown = {one["subject_id"]: one["red"] for one in result["household_classes"]}
    assert list(shown.values()).count(None) >= 2
    # The number of rows is a total over the classes, which would help to tell what is hidden.
    assert "174" not in said
    assert len(read_ledgers(files / "kept.gpkg").events) == 200
    assert _run(capsys, *words, "--model", "7-N")[0] == 2


def test_a_day_before_anybody_came_lacks_everybody(files, capsys):
    words = ["ledgers", files / "town.gpkg", files / "ledgers.gpkg", "--plan", files / "plan.gpkg", "--json"]
    code, result, _ = _run(capsys, *words, "--day", "2023-12-31")
    found = {one["rule"]: one["ids"] for one in result["findings"] if one["severity"] == "error"}
    assert (code, found) == (
        1,
        {rule: ["g0", "g1", "g2"] for rule in ("lacks_grid_dedicated", "lacks_grid_official")},
    )


def test_every_grid_gets_a_worker_or_the_reason_is_told(files, capsys):
    words = ["assign", files / "town.gpkg", files / "plan.gpkg", files / "ledgers.gpkg", "--json"]
    code, result, _ = _run(capsys, *words, "-o", files / "new.gpkg", "--change-worth", 0)
    assert (code, result["status"], result["grids"]) == (0, "optimal", 3)
    assert result["walk_m"] == result["walk_bound_m"]
    assert len(read_ledgers(files / "new.gpkg").staff) == 3 + result["changed"]
    code, result, _ = _run(capsys, *words, "-o", files / "none.gpkg", "--walk-limit", 1)
    assert (code, result["status"]) == (1, "infeasible")
    assert not (files / "none.gpkg").exists()
