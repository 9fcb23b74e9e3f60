"""Vector files through GDAL: every layer of a file as a table, with types that keep a null a null."""

from __future__ import annotations

import codecs
import glob
import re
import shutil
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from spatial.errors import FileError
from spatial.findings import Finding, Severity

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "READ_FAILURES",
    "layer_names",
    "named_geometry",
    "read_layer",
    "read_layers",
    "read_shapefile",
    "read_source_layer",
    "reason_of",
    "shapefile_layers",
]

# What GDAL, Arrow, GEOS, osmium and openpyxl raise on a file they cannot read.
READ_FAILURES = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NameError,  # raised by pyogrio on a damaged header
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
    shapely.errors.ShapelyError,
)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_DBF_HEADER_BYTES = 32  # of the file, and of each field
_DBF_LONGEST_HEADER = 32 * 2049
# What a .cpg file calls the Chinese code pages.
_CODE_PAGES = {"936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030", "54936": "gb18030", "65001": "utf-8"}


def layer_names(path: Path | str) -> list[str]:
    """Return the names of the layers and tables of a file.

    Raises
    ------
    FileError
        If the file is missing or GDAL cannot open it.
    """
    import pyogrio

    if not Path(path).exists():
        raise FileError("io.file_missing", path=path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except READ_FAILURES as error:
        raise FileError("io.unreadable", path=path, reason=reason_of(error)) from error


def read_layer(path: Path | str, layer: str, *, encoding: str | None = None) -> pd.DataFrame:
    """Read one layer or table; a layer with geometry is a GeoDataFrame.

    Raises
    ------
    FileError
        If the layer cannot be read.
    """
    import pyogrio

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
        _refuse_broken_texts(frame)
    except READ_FAILURES as error:
        raise FileError("io.layer_unreadable", path=path, layer=layer, reason=reason_of(error)) from error
    return named_geometry(frame) if isinstance(frame, gpd.GeoDataFrame) else pd.DataFrame(frame)


def _refuse_broken_texts(frame: pd.DataFrame) -> None:
    """Raise a ValueError for a text that is no UTF-8: Arrow takes such from GDAL unseen."""
    import pyarrow as pa

    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.StringDtype):
            pa.array(frame[name].array).validate(full=True)


def named_geometry(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer whose geometry column is called ``geometry``."""
    return layer if layer.geometry.name == "geometry" else layer.rename_geometry("geometry")


def read_layers(path: Path | str, skip: Collection[str] = ()) -> dict[str, pd.DataFrame]:
    """Read every layer and table of a file but those of ``skip``."""
    return {name: read_layer(path, name) for name in layer_names(path) if name not in skip}


def shapefile_layers(path: Path) -> list[str]:
    """Return the one layer of a Shapefile.

    Raises
    ------
    FileError
        If a file that belongs to it is missing, or GDAL cannot open it.
    """
    if _beside(path, ".shx") is None:
        raise FileError("io.part_missing", path=path, part=f"{path.stem}.shx")
    return layer_names(path)


def _beside(path: Path, suffix: str) -> Path | None:
    """Return the file of another extension, in small or capital letters, beside a file; None without."""
    named = (path.with_suffix(one) for one in (suffix, suffix.upper()))
    return next((one for one in named if one.is_file()), None)


def read_source_layer(path: Path, layer: str, encoding: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Read one layer of a source, in the encoding that the mapping names, if any.

    Raises
    ------
    FileError
        If the layer cannot be read.
    """
    return read_layer(path, layer, encoding=encoding or None), []


def read_shapefile(path: Path, layer: str, encoding: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Read a Shapefile; without a .cpg that fits the encoding is UTF-8 if the texts allow it, else GB 18030.

    A .cpg that the texts contradict is overruled, with a warning: they cannot be decoded by it, or they
    read as Chinese in UTF-8, which texts in GBK do not.

    Raises
    ------
    FileError
        If it cannot be read, its table is cut short, or its texts are in neither encoding.
    """
    findings = []
    used = encoding
    table = _beside(path, ".dbf")
    if table is not None:
        _refuse_cut_short(table)
    if table is None:
        findings.append(
            Finding.of(
                Severity.WARNING, "io.attributes_missing", None, file=path.name, part=f"{path.stem}.dbf"
            )
        )
    if not used:
        texts = set() if table is None else _dbf_texts(table)
        declared = _declared_encoding(path)
        fitting = [name for name in ("utf-8", "gb18030") if all(_decodes(one, name) for one in texts)]
        if declared and all(_decodes(one, declared) for one in texts) and not _is_utf8_chinese(texts):
            fitting = [declared]
        if not fitting:
            raise FileError("io.encoding_wrong", path=path, encoding="UTF-8、GB 18030")
        used = fitting[0]
        foreign = any(not one.isascii() for one in texts)
        if declared and used != declared and foreign:
            findings.append(
                Finding.of(
                    Severity.WARNING,
                    "io.encoding_contradicted",
                    None,
                    file=path.name,
                    declared=declared,
                    encoding=used,
                )
            )
        elif not declared and foreign:
            findings.append(
                Finding.of(Severity.NOTE, "io.encoding_guessed", None, file=path.name, encoding=used)
            )
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        try:
            return read_layer(_with_whole_names(path, used, Path(folder)), layer, encoding=used), findings
        except FileError as error:  # the copy is nobody's file
            raise FileError(error.statement.key, **{**error.statement.values, "path": path}) from error


def _is_utf8_chinese(texts: Collection[bytes]) -> bool:
    """Return whether texts are UTF-8 with a Chinese sign in each that is not ASCII; GBK hardly ever is."""
    foreign = [one for one in texts if not one.isascii()]
    return bool(foreign) and all(
        _decodes(one, "utf-8") and _CHINESE.search(one.decode("utf-8", errors="ignore")) for one in foreign
    )


def _with_whole_names(path: Path, encoding: str, folder: Path) -> Path:
    """Return the file, or a copy of it whose field names do not end in the middle of a sign.

    A DBF name has ten bytes, and writers cut it there; pyogrio refuses such a name.
    """
    table = _beside(path, ".dbf")
    if table is None:
        return path
    header = bytearray(table.read_bytes()[:_DBF_LONGEST_HEADER])
    cut = False
    for start in range(_DBF_HEADER_BYTES, len(header), _DBF_HEADER_BYTES):
        if bytes(header[start : start + 1]) in {b"\r", b""}:
            break
        name = bytes(header[start : start + 11]).partition(b"\0")[0]
        whole = name.decode(encoding, errors="ignore").encode(encoding)
        if whole != name and name.startswith(whole):
            header[start : start + 11] = whole.ljust(11, b"\0")
            cut = True
    if not cut:
        return path
    for file in path.parent.glob(f"{glob.escape(path.stem)}.*"):
        shutil.copy2(file, folder / file.name)
    with (folder / table.name).open("r+b") as copy:
        copy.write(header)
    return folder / path.name


def _declared_encoding(path: Path) -> str:
    """Return the Python name of the encoding in the .cpg beside a Shapefile, '' when there is none."""
    declaration = _beside(path, ".cpg")
    if declaration is None:
        return ""
    text = declaration.read_bytes().decode("ascii", errors="ignore").strip().lower()
    text = text.removeprefix("ansi").removeprefix("cp").strip() or "?"
    try:
        return codecs.lookup(_CODE_PAGES.get(text, text)).name
    except (LookupError, ValueError):
        return ""


def _refuse_cut_short(path: Path) -> None:
    """Raise when a DBF table ends before the last of the rows it announces: GDAL would read them as empty."""
    with path.open("rb") as file:
        head = file.read(_DBF_HEADER_BYTES)
    if len(head) < _DBF_HEADER_BYTES:
        return  # no table at all, which GDAL says
    announced, first, width = (
        int.from_bytes(head[at:to], "little") for at, to in ((4, 8), (8, 10), (10, 12))
    )
    whole = max(path.stat().st_size - first, 0) // max(width, 1)
    if whole < announced:
        raise FileError("io.table_cut_short", path=path, announced=announced, whole=whole)


def _dbf_texts(path: Path) -> set[bytes]:
    """Return the field names and the distinct texts of a DBF table, as the bytes they are."""
    content = path.read_bytes()
    if len(content) < _DBF_HEADER_BYTES:
        return set()
    first, width = (int.from_bytes(content[at : at + 2], "little") for at in (8, 10))
    texts = set()
    offset = 1
    for start in range(_DBF_HEADER_BYTES, first - 1, _DBF_HEADER_BYTES):
        field = content[start : start + _DBF_HEADER_BYTES]
        if len(field) < _DBF_HEADER_BYTES or field.startswith(b"\r"):
            break
        texts.add(field[:11].partition(b"\0")[0])
        length = field[16]
        if field[11:12] == b"C" and width and length:
            body = content[first:]
            rows = np.frombuffer(body, np.uint8, len(body) // width * width).reshape(-1, width)
            cells = np.ascontiguousarray(rows[:, offset : offset + length])
            if cells.shape[1] == length:
                texts.update(one.rstrip() for one in np.unique(cells.view(f"S{length}")).tolist())
        offset += length
    return texts


def _decodes(text: bytes, encoding: str) -> bool:
    """Return whether a text may be in an encoding; its last sign may be cut off by the field's end."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(text)
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


def reason_of(error: Exception) -> str:
    """Return the first line of what a library said of a failure."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
