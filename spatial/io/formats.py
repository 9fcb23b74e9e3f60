"""Formats: what a file is, by its extension and its first bytes, and how its layers are read.

Both must agree, so that no file is opened by a driver its name does not promise (a GDAL virtual
format could name other files).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from spatial.errors import FileError
from spatial.findings import Finding
from spatial.io import drawings, sheets, vector

__all__ = ["OSM_SUFFIXES", "Format", "format_of", "is_archive", "is_known", "suffix_of"]

OSM_SUFFIXES = (".osm.pbf", ".osm.bz2", ".osm", ".pbf")
_ARCHIVE_SUFFIXES = (".zip", ".kmz")
_HEAD_BYTES = 4096
# An Excel file before 2007 begins so, and a workbook of today that a password locks.
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLD_WORKBOOKS = (".xls", ".et")

ReadLayer = Callable[[Path, str, str], tuple[pd.DataFrame, list[Finding]]]


@dataclass(frozen=True)
class Format:
    """How files of one kind are told and read.

    Attributes
    ----------
    suffixes : extensions, in lower case
    is_so : whether the first bytes fit
    layers : names of the layers of a file
    read : rows of a layer and findings, from path, layer and encoding ('' where the file says it)
    """

    suffixes: tuple[str, ...]
    is_so: Callable[[bytes], bool]
    layers: Callable[[Path], list[str]]
    read: ReadLayer


def suffix_of(path: Path) -> str:
    """Return the extension of a file in lower case, ``.osm.pbf`` as one."""
    name = path.name.lower()
    return next((suffix for suffix in OSM_SUFFIXES if name.endswith(suffix)), path.suffix.lower())


def is_archive(path: Path) -> bool:
    """Return whether a file is a ZIP archive of other files."""
    return path.is_file() and suffix_of(path) in _ARCHIVE_SUFFIXES


def is_known(path: Path) -> bool:
    """Return whether the extension is that of a format which is read, or of an archive."""
    suffix = suffix_of(path)
    known = (suffix in one.suffixes for one in _FORMATS)
    return suffix in OSM_SUFFIXES or suffix in _ARCHIVE_SUFFIXES or any(known)


def format_of(path: Path) -> Format | None:
    """Return the format of a file, None for an OpenStreetMap file, which is read by its tags.

    Raises
    ------
    FileError
        If the file is missing, empty, of an unknown kind, or other than its extension says.
    """
    if not path.exists():
        raise FileError("io.file_missing", path=path)
    suffix = suffix_of(path)
    if path.is_dir():
        if suffix != ".gdb":
            raise FileError("io.format_unknown", path=path, suffix=suffix or path.name, known=_known())
        return _GEODATABASE
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise FileError("io.file_empty", path=path)
    if head.startswith(_OLE) and (suffix == ".xlsx" or suffix in _OLD_WORKBOOKS):
        raise FileError("io.workbook_old", path=path)
    if suffix in OSM_SUFFIXES:
        if suffix != ".osm.bz2" and not (b"OSMHeader" in head or b"<osm" in head):
            raise FileError("io.other_content", path=path, suffix=suffix)
        return None
    known = next((one for one in _FORMATS if suffix in one.suffixes), None)
    if known is None:
        raise FileError("io.format_unknown", path=path, suffix=suffix or path.name, known=_known())
    if not known.is_so(head):
        raise FileError("io.other_content", path=path, suffix=suffix)
    return known


def _known() -> str:
    suffixes = [suffix for one in _FORMATS for suffix in one.suffixes]
    return "、".join((*suffixes, ".gdb", *OSM_SUFFIXES[:1], ".osm", *_ARCHIVE_SUFFIXES[:1]))


def _is_text(head: bytes) -> bool:
    return b"\0" not in head or head.startswith(sheets.UTF16_MARKS)


def _is_json(head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}


def _is_dxf(head: bytes) -> bool:
    return head.startswith(b"AutoCAD Binary DXF") or b"SECTION" in head


def _vector(suffixes: tuple[str, ...], is_so: Callable[[bytes], bool]) -> Format:
    return Format(suffixes, is_so, vector.layer_names, vector.read_source_layer)


_GEODATABASE = _vector((".gdb",), lambda _: True)
_FORMATS = (
    _vector((".gpkg",), lambda head: head.startswith(b"SQLite format 3\0")),
    Format(
        (".shp",),
        lambda head: head.startswith(b"\0\0\x27\x0a"),
        vector.shapefile_layers,
        vector.read_shapefile,
    ),
    _vector((".geojson", ".json"), _is_json),
    _vector((".kml",), lambda head: b"<kml" in head),
    Format((".dxf",), _is_dxf, drawings.drawing_layers, drawings.read_drawing_layer),
    Format(
        (".parquet", ".geoparquet"), lambda head: head.startswith(b"PAR1"), sheets.stem, sheets.read_parquet
    ),
    Format((".csv", ".txt", ".tsv"), _is_text, sheets.stem, sheets.read_csv),
    Format((".xlsx",), lambda head: head.startswith(b"PK"), sheets.sheet_names, sheets.read_sheet),
)
