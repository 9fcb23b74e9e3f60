"""The tile cache: finished tiles as compressed files; a tile never changes, so it is never checked."""

from __future__ import annotations

import gzip
import os
import threading
from contextlib import suppress
from pathlib import Path

__all__ = ["TileCache"]

_LEVEL = 5


class TileCache:
    """Tiles by address in a folder.

    An empty file is a tile without anything in it.  A file is written beside its place and moved
    there, so that a tile is never half there.

    Parameters
    ----------
    folder : may be emptied at any time
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def get(self, address: str) -> bytes | None:
        """Return the compressed tile of an address, or None."""
        try:
            with open(f"{self._folder}/{address}", "rb") as file:  # noqa: PTH123 - three times as fast
                return file.read()
        except OSError:
            return None

    def put(self, address: str, tile: bytes) -> bytes:
        """Keep a tile and return it compressed; where the folder cannot be written, it is only returned."""
        packed = gzip.compress(tile, _LEVEL, mtime=0) if tile else b""
        path = Path(self._folder, address)
        beside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(packed)
            beside.replace(path)
        except OSError:
            with suppress(OSError):
                beside.unlink()
        return packed
