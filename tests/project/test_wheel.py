"""The wheel carries all that a planner's computer needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = str(Path(sys.executable).parent / "uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Build the wheel as a release would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            UV,
            "build",
            "--wheel",
            "--no-build-isolation",
            "--python",
            sys.executable,
            "--out-dir",
            str(folder),
            str(ROOT),
        ],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("wangge-*.whl"))


def test_the_wheel_carries_data_texts_and_licence(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "api/demo-county.gpkg" in names
    assert "spatial/catalogue/catalogue.toml" in names
    assert "spatial/messages/zh-CN/common.toml" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "benchmarks/", "docs/")) for name in names)


def test_the_wheel_runs_the_demo_away_from_the_checkout(wheel, tmp_path):
    unpacked = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(unpacked)
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            "import api.commands as c; c.main(['demo', '-o', 'demo', '--json'])",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    for name in ("town", "plan", "coverage", "page", "summary"):
        assert (tmp_path / result[name]).stat().st_size > 10_000, name


@pytest.mark.soak
def test_the_wheel_runs_the_demo_in_an_empty_environment(wheel, tmp_path):
    environment = tmp_path / "environment"
    python = environment / "bin" / "python"
    subprocess.run([UV, "venv", "--python", sys.executable, str(environment)], check=True)
    subprocess.run([UV, "pip", "install", "--python", str(python), str(wheel)], check=True)
    done = subprocess.run(
        [str(environment / "bin" / "wangge"), "demo", "-o", "demo", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / json.loads(done.stdout.splitlines()[-1])["page"]).exists()
