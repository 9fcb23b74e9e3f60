"""Vector files through GDAL: every layer of a file as a table, with types that keep a null a null."""

from __future__ import annotations

import codecs
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import pyogrio

from spatial.errors import FileError
from spatial.findings import Finding, Severity

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["layer_names", "read_layer", "read_layers", "read_shapefile", "read_source_layer"]

# What GDAL, Arrow and GEOS raise on a file they cannot read.
_READ_FAILURES = (RuntimeError, ValueError, OSError, KeyError, TypeError, AttributeError)
# What a .cpg file calls the Chinese code pages.
_CODE_PAGES = {"936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030", "54936": "gb18030", "65001": "utf-8"}


def layer_names(path: Path | str) -> list[str]:
    """Return the names of the layers and tables of a file.

    Raises
    ------
    FileError
        If the file is missing or GDAL cannot open it.
    """
    if not Path(path).exists():
        raise FileError("io.file_missing", path=path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except _READ_FAILURES as error:
        raise FileError("io.unreadable", path=path, reason=_reason(error)) from error


def read_layer(path: Path | str, layer: str, *, encoding: str | None = None) -> pd.DataFrame:
    """Read one layer or table; a layer with geometry is a GeoDataFrame.

    Raises
    ------
    FileError
        If the layer cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            frame = pyogrio.read_dataframe(
                path,
                layer=layer,
                encoding=encoding,
                use_arrow=encoding is None,
                **({"arrow_to_pandas_kwargs": {"types_mapper": _pandas_type}} if encoding is None else {}),
            )
    except _READ_FAILURES as error:
        raise FileError("io.layer_unreadable", path=path, layer=layer, reason=_reason(error)) from error
    if isinstance(frame, gpd.GeoDataFrame) and frame.geometry.name != "geometry":
        frame = frame.rename_geometry("geometry")
    return pd.DataFrame(frame) if not isinstance(frame, gpd.GeoDataFrame) else frame


def read_layers(path: Path | str, skip: Collection[str] = ()) -> dict[str, pd.DataFrame]:
    """Read every layer and table of a file but those of ``skip``."""
    return {name: read_layer(path, name) for name in layer_names(path) if name not in skip}


def read_source_layer(path: Path, layer: str, encoding: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Read one layer of a source, in the encoding that the mapping names, if any.

    Raises
    ------
    FileError
        If the layer cannot be read.
    """
    return read_layer(path, layer, encoding=encoding or None), []


def read_shapefile(path: Path, layer: str, encoding: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Read a Shapefile; without a usable .cpg the encoding is UTF-8 if the texts allow it, else GB 18030.

    Raises
    ------
    FileError
        If it cannot be read, or its texts are in neither encoding.
    """
    declared = encoding or _declared_encoding(path)
    if declared:
        return read_layer(path, layer, encoding=declared), []
    table = path.with_suffix(".dbf")
    content = table.read_bytes() if table.is_file() else b""
    # Field names and values stand in one file; its binary header must not be read as text.
    readable = content[32:].replace(b"\0", b" ")
    guessed = next((name for name in ("utf-8", "gb18030") if _decodes(readable, name)), None)
    if guessed is None:
        raise FileError("io.encoding_wrong", path=path, encoding="UTF-8、GB 18030")
    frame = read_layer(path, layer, encoding=guessed)
    if readable.isascii():
        return frame, []
    return frame, [Finding.of(Severity.NOTE, "io.encoding_guessed", None, file=path.name, encoding=guessed)]


def _declared_encoding(path: Path) -> str:
    """Return the Python name of the encoding in the .cpg beside a Shapefile, '' when there is none."""
    declaration = next(
        (one for one in (path.with_suffix(".cpg"), path.with_suffix(".CPG")) if one.is_file()), None
    )
    if declaration is None:
        return ""
    text = declaration.read_bytes().decode("ascii", errors="ignore").strip().lower()
    text = text.removeprefix("ansi").removeprefix("cp").strip() or "?"
    try:
        return codecs.lookup(_CODE_PAGES.get(text, text)).name
    except LookupError:
        return ""


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _pandas_type(arrow_type: pa.DataType) -> pd.api.extensions.ExtensionDtype | None:
    """Return the pandas type that keeps a null of an Arrow type a null."""
    import pyarrow as pa

    if pa.types.is_boolean(arrow_type):
        return pd.BooleanDtype()
    if pa.types.is_integer(arrow_type):
        return pd.Int64Dtype()
    if pa.types.is_floating(arrow_type):
        return pd.Float64Dtype()
    if pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type):
        return pd.StringDtype()
    return None


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
