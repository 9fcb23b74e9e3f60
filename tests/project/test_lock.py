"""The lock: no address in it, every file hashed, wheels for every desktop and server we promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PLATFORMS = (
    "x86_64-pc-windows-msvc",
    "x86_64-manylinux_2_28",
    "aarch64-manylinux_2_28",
    "aarch64-apple-darwin",  # Apple silicon, macOS 14 and later; numba ships nothing for Intel Macs
)


def _requirements() -> dict[str, str]:
    blocks = re.split(r"(?m)^(?=[a-z0-9])", LOCK)
    return {
        match.group(1): block for block in blocks if (match := re.match(r"([a-z0-9][a-z0-9._-]*)==", block))
    }


def test_the_lock_names_no_address():
    assert re.findall(r"https?://|file://|--find-links|--index", LOCK) == []


def test_every_requirement_is_hashed():
    requirements = _requirements()
    assert len(requirements) > 60
    assert [name for name, block in requirements.items() if "--hash=sha256:" not in block] == []


def test_every_declared_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    names = {re.match(r"[A-Za-z0-9._-]+", one).group().lower().replace("_", "-") for one in declared}
    assert names - set(_requirements()) == set()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_wheels_exist_for(platform, tmp_path):
    """Resolve the runtime dependencies at the locked versions, wheels only, for another platform."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = tmp_path / "runtime.in"
    runtime.write_text("\n".join(project["project"]["dependencies"]), encoding="utf-8")
    constraints = tmp_path / "constraints.txt"
    constraints.write_text(re.sub(r" \\\n\s+--hash=\S+", "", LOCK), encoding="utf-8")
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "uv"), "pip", "compile", str(runtime),
            "--constraint", str(constraints), "--python-platform", platform, "--python-version", "3.11",
            "--only-binary", ":all:", "--no-header", "-o", str(tmp_path / "resolved.txt"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"},
    )  # fmt: skip
    if done.returncode and re.search(
        r"connect|dns|network|timed out|Failed to fetch", done.stderr, re.IGNORECASE
    ):
        pytest.skip(f"no package registry in reach: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    resolved = (tmp_path / "resolved.txt").read_text(encoding="utf-8")
    pins = dict(re.findall(r"(?m)^([a-z0-9._-]+)==([^\s;]+)", resolved))
    assert {name: pin for name, pin in pins.items() if f"{name}=={pin}" not in LOCK} == {}
