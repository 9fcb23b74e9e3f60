"""Vector tiles: one encoder for both databases, levels of detail, a cache on disk."""

from __future__ import annotations

from api.tiles.source import EXTENT, LARGEST_TILE_BYTES, TileLayer, TileSource, tile_of

__all__ = ["EXTENT", "LARGEST_TILE_BYTES", "TileLayer", "TileSource", "tile_of"]
