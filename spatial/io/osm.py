"""OpenStreetMap files, read by osmium as three layers of tagged geometries.

``points`` are the tagged nodes, ``lines`` the ways (a closed one too), ``areas`` the closed ways
and multipolygon relations that osmium can assemble.  Each tag asked for is a column; ``osm_id`` is n, w
or r and the number.  Only objects with one of the selecting keys are read; the rest never reaches
Python.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.errors import FileError
from spatial.io.vector import READ_FAILURES, reason_of

if TYPE_CHECKING:
    import osmium
    import pyarrow as pa

__all__ = ["OSM_LAYERS", "OsmExtract", "read_osm"]

OSM_LAYERS = ("points", "lines", "areas")
_BATCH_ROWS = 8192
_UNITS_PER_DEGREE = 1e7  # of the whole numbers in which OpenStreetMap keeps coordinates


@dataclass(frozen=True)
class OsmExtract:
    """What was read of a file.

    Attributes
    ----------
    layers : points, lines and areas, in WGS 84
    incomplete : ids of ways whose nodes are not all in the file: cut to those that are
    unusable : ids of objects without a geometry that could be built
    """

    layers: dict[str, gpd.GeoDataFrame]
    incomplete: tuple[str, ...]
    unusable: tuple[str, ...]


@dataclass
class _Rows:
    """Rows of one layer while they are collected; full batches are packed, so that an absent tag is a bit."""

    columns: tuple[str, ...]
    ids: list[str] = field(default_factory=list)
    shapes: list[bytes] = field(default_factory=list)
    # Row by row: lists of rows keep the garbage collector busy.
    tags: list[str | None] = field(default_factory=list)
    batches: list[pa.RecordBatch] = field(default_factory=list)
    geometries: list[NDArray[np.object_]] = field(default_factory=list)

    def add(self, osm_id: str, shape: str, tags: osmium.osm.TagList) -> None:
        self.ids.append(osm_id)
        self.shapes.append(bytes.fromhex(shape))  # six times as fast to read as the digits
        self.tags += map(tags.get, self.columns)
        if len(self.ids) == _BATCH_ROWS:
            self.pack()

    def pack(self) -> None:
        import pyarrow as pa

        width = len(self.columns)
        texts = [self.ids, *(self.tags[number::width] for number in range(width))]
        arrays = [pa.array(one, pa.large_string()) for one in texts]
        self.batches.append(pa.record_batch(arrays, names=["osm_id", *self.columns]))
        self.geometries.append(shapely.from_wkb(np.array(self.shapes, dtype=object)))
        for collected in (self.ids, self.shapes, self.tags):
            collected.clear()

    def layer(self) -> gpd.GeoDataFrame:
        import pyarrow as pa

        self.pack()
        table = pa.Table.from_batches(self.batches)
        frame = table.to_pandas(types_mapper={pa.large_string(): pd.StringDtype()}.get)
        return gpd.GeoDataFrame(frame, geometry=np.concatenate(self.geometries), crs="EPSG:4326")


def read_osm(path: Path | str, selecting: Iterable[str], tags: Iterable[str] = ()) -> OsmExtract:
    """Read a ``.osm.pbf``, ``.osm`` or ``.osm.bz2`` file.

    Parameters
    ----------
    path : the file
    selecting : tag keys; an object with any of them is read
    tags : further tag keys to keep as columns

    Raises
    ------
    FileError
        If the file is missing or osmium cannot read it.
    """
    import osmium

    source = Path(path)
    if not source.is_file():
        raise FileError("io.file_missing", path=source)
    keys = tuple(dict.fromkeys(selecting))
    columns = tuple(tag for tag in dict.fromkeys((*keys, *tags)) if tag not in {"osm_id", "geometry"})
    try:
        return _read(source, keys, columns)
    except (osmium.InvalidLocationError, *READ_FAILURES) as error:
        raise FileError("io.unreadable", path=source, reason=reason_of(error)) from error


def _read(source: Path, keys: Collection[str], columns: tuple[str, ...]) -> OsmExtract:
    import osmium

    rows = {name: _Rows(columns) for name in OSM_LAYERS}
    geometry = osmium.geom.WKBFactory()
    incomplete: list[str] = []
    unusable: list[str] = []
    chosen = osmium.filter.KeyFilter(*keys)
    objects = osmium.FileProcessor(str(source)).with_areas(chosen).with_filter(chosen)
    for item in objects:
        if item.is_node():
            rows["points"].add(f"n{item.id}", geometry.create_point(item), item.tags)
        elif item.is_way():
            name = f"w{item.id}"
            shape = _line(item, geometry, incomplete)
            if shape is None:
                unusable.append(name)
            else:
                rows["lines"].add(name, shape, item.tags)
        elif item.is_area():
            name = f"{'w' if item.from_way() else 'r'}{item.orig_id()}"
            try:
                rows["areas"].add(name, geometry.create_multipolygon(item), item.tags)
            except RuntimeError:
                unusable.append(name)
    layers = {name: collected.layer() for name, collected in rows.items()}
    return OsmExtract(layers, tuple(incomplete), tuple(unusable))


def _line(way: osmium.osm.Way, geometry: osmium.geom.WKBFactory, incomplete: list[str]) -> str | None:
    """Return the WKB of a way, of the nodes that are in the file where some are not."""
    import osmium

    try:
        shape: str = geometry.create_linestring(way)
    except (osmium.InvalidLocationError, RuntimeError):
        locations = [node.location for node in way.nodes]
        present = [(one.x, one.y) for one in locations if one.valid()]
        if len(set(present)) < 2:
            return None
        incomplete.append(f"w{way.id}")
        cut = shapely.linestrings(np.array(present) / _UNITS_PER_DEGREE)
        shape = str(shapely.to_wkb(cut, hex=True))
    return shape
