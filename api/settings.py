"""The settings of the service: where the data are kept, where tiles are cached, where it listens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """What the service needs to know before it starts.

    Attributes
    ----------
    database_url : SQLAlchemy address of the database: ``sqlite:///FILE`` or ``postgresql://…``
    tile_folder : folder of the tile cache; it may be emptied at any time
    port : port on loopback
    viewer_folder : the built web page, or None where it was not built
    """

    database_url: str
    tile_folder: Path
    port: int = 8000
    viewer_folder: Path | None = None
