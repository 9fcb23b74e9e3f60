"""``wangge rate``: its result, its report, and how it ends."""

from __future__ import annotations

import json

import pytest
from openpyxl import load_workbook

from api.commands import main
from spatial.io import write_town
from tests.standards.places import profile_of, three_communities

HALLS = '[quantity]\nhalls = { zh = "礼堂", en = "halls" }\n'
ASKED = {
    "one": 'kind = "coverage", categories = ["pharmacy"], distance_m = 350, target = 90',
    "two": 'kind = "presence", categories = ["pharmacy"], target = 1, per = "community"',
    "three": 'kind = "ratio", target = 1, numerator = "halls", denominator = "estates"',
}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    path = tmp_path_factory.mktemp("town") / "town.gpkg"
    services = [("pharmacy", "F1", 100, {}), ("pharmacy", "F2", 1600, {"opened": "2026-03-01"})]
    sites = [
        {"site_id": "L", "name": "空地", "geometry": three_communities().buildings.geometry["A3"].buffer(20)}
    ]
    measures = [("community", "A", "halls", 1.0), ("community", "A", "estates", 3.0)]
    write_town(three_communities(services, complete=["pharmacy"], sites=sites, measures=measures), path)
    return path


def run(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return ended.value.code, said.out.strip().rpartition("\n")[2], said.err


def test_scores_gains_build_list_and_report(tmp_path, capsys, package):
    profile_of(tmp_path, ASKED, more=HALLS)
    report = tmp_path / "report.xlsx"
    words = ("--since", "2025-12-31", "--json", "-o", report)
    code, line, said = run(capsys, "rate", package, "--profile", tmp_path / "profile.toml", *words)
    assert code == 0
    result = json.loads(line)
    assert result["profile"] == "mine"
    rows = {(row["subject_id"], row["indicator"]): row for row in result["indicators"]}
    assert rows["A", "one"]["value"] == 50
    assert rows["C", "one"]["value"] is None
    assert rows["C", "one"]["reason"]
    assert [one["facility_id"] for one in result["gains"]["facilities"]] == ["F2"]
    lines = {one["indicator"]: one for one in result["build_list"]}
    assert set(lines) == {"one", "two", "three"}
    assert (lines["three"]["amount"], lines["three"]["unit"]) == (2, "礼堂")
    assert "A社区" in said
    assert load_workbook(report).sheetnames


def test_an_earlier_date_leaves_out_what_opened_later(tmp_path, capsys, package):
    profile_of(tmp_path, ASKED, more=HALLS)
    words = ("--as-of", "2025-12-31", "--json")
    _, line, _ = run(capsys, "rate", package, "--profile", tmp_path / "profile.toml", *words)
    rows = {(row["subject_id"], row["indicator"]): row for row in json.loads(line)["indicators"]}
    assert rows["B", "two"]["value"] == 0


def test_a_profile_that_cannot_be_followed_is_wrong_input(tmp_path, capsys, package):
    code, _, said = run(capsys, "rate", package, "--profile", "gb50180")
    assert code == 2
    assert "gb50180-2018" in said
