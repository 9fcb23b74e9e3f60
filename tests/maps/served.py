"""The service as the wheel carries it, away from the checkout."""

from __future__ import annotations

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


def unpacked_wheel(folder: Path) -> Path:
    """Build the wheel as a release would and unpack it."""
    build = [Path(sys.executable).parent / "uv", "build", "--wheel", "--no-build-isolation", "--quiet"]
    subprocess.run([*build, "--python", sys.executable, "--out-dir", folder, ROOT], check=True)
    unpacked = folder / "installed"
    zipfile.ZipFile(next(folder.glob("wangge-*.whl"))).extractall(unpacked)
    _take_what_is_compiled(unpacked)
    return unpacked


def _take_what_is_compiled(unpacked: Path) -> None:
    """Give the wheel's kernels the machine code of the checkout's, which are the same, to save compiling."""
    for compiled in (*ROOT.glob("spatial/**/*.nbi"), *ROOT.glob("spatial/**/*.nbc")):
        kept = unpacked / compiled.relative_to(ROOT)
        kept.parent.mkdir(exist_ok=True, parents=True)
        shutil.copy2(compiled, kept)
    for source in unpacked.glob("spatial/**/*.py"):
        shutil.copystat(ROOT / source.relative_to(unpacked), source)


@contextmanager
def served(wheel: Path, packages: list[Path], database_url: str) -> Iterator[str]:
    """Serve packages for the ``with`` block by ``wangge serve`` of an unpacked wheel; give its address."""
    code = "import sys, api.commands as c; c.main(sys.argv[1:])"
    asked = ["serve", *map(str, packages), "--port", "0", "--database-url", database_url]
    surroundings = {"PYTHONPATH": str(wheel), "PYTHONUNBUFFERED": "1"}
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
