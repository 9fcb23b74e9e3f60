"""Imports that are killed leave nothing half-written; a large town comes in within bounds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyogrio
import pytest

from spatial.io import import_town, read_town, write_town
from tests.io.large import write_large
from tests.towns import drawn_town

ROOT = Path(__file__).parents[2]


def importing(folder, output):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.io.large", str(folder), str(output)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def figures_of(process):
    printed, _ = process.communicate()
    return json.loads(printed.splitlines()[-1])


def partial_files(folder):
    return list(folder.glob(".town-*.partial.gpkg"))


def kill_while_it_writes(process, folder, rng):
    """Send SIGKILL, after which no clean-up runs, a moment after the package begins to be written."""
    before = set(partial_files(folder))
    while process.poll() is None and not set(partial_files(folder)) - before:
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.05))
    process.kill()
    process.communicate()


def killed_imports(tmp_path, buildings, rounds, seed):
    """Kill imports over an earlier town: it is always the old town or the new one; return what was left over."""
    rng = np.random.default_rng(seed)
    output = write_town(drawn_town("AABB/AABB", households=100), tmp_path / "town.gpkg")
    old = output.read_bytes()
    source, mapping = write_large(tmp_path, buildings)
    whole = import_town([source], mapping).town.fingerprint()
    left = 0
    for _ in range(rounds):
        kill_while_it_writes(importing(tmp_path, output), tmp_path, rng)
        left += len(partial_files(tmp_path))
        if output.read_bytes() != old:  # it came through before the signal
            assert read_town(output).fingerprint() == whole
            output.write_bytes(old)
    # What a killed run leaves is a hidden partial file, never one that looks like a package.
    assert {one.name for one in tmp_path.iterdir() if not one.name.startswith(".")} == {
        source.name, mapping.name, output.name,
    }  # fmt: skip
    write_town(import_town([source], mapping).town, output)
    assert read_town(output).fingerprint() == whole
    return left


def test_an_import_killed_while_it_writes_leaves_the_earlier_town_as_it_was(tmp_path):
    killed_imports(tmp_path, 1000, rounds=1, seed=1)


def test_what_was_left_of_a_killed_import_goes_after_a_day(tmp_path):
    stale, fresh = tmp_path / ".town-0.partial.gpkg", tmp_path / ".town-1.partial.gpkg"
    for one in (stale, fresh):
        one.write_bytes(b"half")
    long_ago = time.time() - 2 * 86_400
    os.utime(stale, (long_ago, long_ago))
    write_town(drawn_town("AABB/AABB", households=100), tmp_path / "town.gpkg")
    assert not stale.exists()
    assert fresh.exists()  # another process may be writing it


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_imports_killed_again_and_again(seed, tmp_path):
    print(killed_imports(tmp_path, 40_000, rounds=20, seed=100 + seed), "partial files seen in 20 rounds")


@pytest.mark.soak
def test_a_million_buildings_come_in(tmp_path):
    write_large(tmp_path, 1_000_000)
    figures = figures_of(importing(tmp_path, tmp_path / "town.gpkg"))
    print(figures)
    assert figures["code"] == 0
    assert figures["peak_gb"] < 8
    assert pyogrio.read_info(tmp_path / "town.gpkg", layer="buildings")["features"] >= 1_000_000
    assert pyogrio.read_info(tmp_path / "town.gpkg", layer="streets")["features"] >= 500_000
