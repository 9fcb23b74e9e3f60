"""Damaged files never crash, never hang, and never end in a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.io.fuzzing import write_mutants

ROOT = Path(__file__).parents[2]


def campaign(folder, count, seed):
    write_mutants(folder / "mutants", count, seed)
    report = folder / "report.jsonl"
    run = subprocess.run(
        [sys.executable, "-m", "tests.io.fuzzing", str(folder / "mutants"), str(report)],
        cwd=ROOT,
        env={**os.environ, "PYTHONFAULTHANDLER": "1"},
        capture_output=True,
        check=False,
        text=True,
    )
    outcomes = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    assert run.returncode == 0, f"died after {outcomes[-1:]}: {run.stderr[-2000:]}"
    assert len(outcomes) == count
    faults = [one for one in outcomes if one["outcome"].startswith("Traceback")]
    assert not faults, f"{len(faults)} of {count}; first: {faults[0]['file']}\n{faults[0]['outcome']}"
    return Counter(one["outcome"] for one in outcomes)


def test_three_hundred_damaged_files(tmp_path):
    outcomes = campaign(tmp_path, 300, seed=20260601)
    assert outcomes["town"] > 20
    assert sum(outcomes.values()) - outcomes["town"] > 100


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_damaged_files(seed, tmp_path):
    print(campaign(tmp_path, 1100, seed).most_common())
