"""The service as the wheel carries it, away from the checkout."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def build_wheel(folder: Path) -> Path:
    """Build the wheel into a folder as a release would."""
    build = [Path(sys.executable).parent / "uv", "build", "--wheel", "--no-build-isolation", "--quiet"]
    subprocess.run([*build, "--python", sys.executable, "--out-dir", folder, ROOT], check=True)
    return next(folder.glob("wangge-*.whl"))


def unpack(wheel: Path, folder: Path) -> Path:
    """Unpack a wheel of this checkout into a folder that can be put on the path of Python; return it."""
    unpacked = folder / "installed"
    zipfile.ZipFile(wheel).extractall(unpacked)
    _share_what_is_compiled(unpacked)
    return unpacked


def _share_what_is_compiled(unpacked: Path) -> None:
    """Let packages whose modules are those of the checkout compile their kernels where the checkout does."""
    for package in {source.parent for source in unpacked.glob("spatial/**/*.py")}:
        own = ROOT / package.relative_to(unpacked)
        sources = [one.name for one in package.glob("*.py")]
        if filecmp.cmpfiles(package, own, sources, shallow=False)[0] == sources:
            for source in sources:  # numba knows a module by its time and size
                shutil.copystat(own / source, package / source)
            (own / "__pycache__").mkdir(exist_ok=True)
            (package / "__pycache__").symlink_to(own / "__pycache__")


@contextmanager
def served(installed: Path, packages: list[Path], database_url: str) -> Iterator[str]:
    """Serve packages for the ``with`` block by ``wangge serve`` of an unpacked wheel; give its address."""
    code = "import sys, api.commands as c; c.main(sys.argv[1:])"
    asked = ["serve", *map(str, packages), "--port", "0", "--database-url", database_url]
    surroundings = {"PYTHONPATH": str(installed), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-P", "-c", code, *asked],
        cwd=packages[0].parent,
        env={**os.environ, **surroundings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as service:
        try:
            said = []
            for line in service.stdout:
                said.append(line)
                if found := re.search(r"http://[\d.:]+/", line):
                    yield found[0]
                    return
            raise AssertionError("".join(said))
        finally:
            service.terminate()
