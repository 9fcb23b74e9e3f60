"""Tables of an office: CSV in UTF-8 or GBK, Excel sheets, Parquet files.

Cells are read as text, so that a code keeps its zeros; what a column means is settled later.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from spatial.errors import FileError
from spatial.findings import Finding, Severity
from spatial.io.archives import refuse_bomb
from spatial.io.safety import restored
from spatial.io.vector import READ_FAILURES, named_geometry, reason_of

__all__ = ["decode", "read_csv", "read_parquet", "read_sheet", "sheet_names", "stem"]

# GB 18030 holds GBK and GB 2312.
_ENCODINGS = ("utf-8-sig", "gb18030")


def stem(path: Path) -> list[str]:
    """Return the one layer of a file of one table: its name without extension."""
    return [path.stem]


def decode(content: bytes, encoding: str, path: Path) -> tuple[str, str]:
    """Return the text of a file and its encoding, tried as UTF-8 and GB 18030 where none is given.

    Raises
    ------
    FileError
        If the text is in none of them.
    """
    for candidate in (encoding,) if encoding else _ENCODINGS:
        try:
            return content.decode(candidate), candidate
        except (UnicodeDecodeError, LookupError):
            continue
    raise FileError("io.encoding_wrong", path=path, encoding=encoding or "UTF-8、GB 18030")


def read_csv(path: Path, layer: str, encoding: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Read a text table; commas, semicolons and tabs part its columns.

    Raises
    ------
    FileError
        If its encoding is wrong or its rows do not fit its header.
    """
    text, used = decode(path.read_bytes(), encoding, path)
    first_line = text[: text.find("\n") if "\n" in text else None]
    separator = max(",;\t", key=first_line.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise FileError("io.layer_unreadable", path=path, layer=layer, reason=reason_of(error)) from error
    findings = []
    if not encoding and used != _ENCODINGS[0]:
        findings.append(Finding.of(Severity.NOTE, "io.encoding_guessed", None, file=path.name, encoding=used))
    frame, more = _with_header(rows, path.name)
    return frame, findings + more


def sheet_names(path: Path) -> list[str]:
    """Return the names of the sheets of a workbook.

    Raises
    ------
    FileError
        If it cannot be opened.
    """
    import openpyxl

    refuse_bomb(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True)
        names = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
        book.close()
    except READ_FAILURES as error:
        raise FileError("io.unreadable", path=path, reason=reason_of(error)) from error
    return names


def read_sheet(path: Path, layer: str, encoding: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Read a sheet of a workbook; of a formula its last computed value.

    Titles above the header (rows with one cell) are passed over.  A formula that was never computed
    has no value: its cell is null, with a warning.

    Raises
    ------
    FileError
        If the sheet cannot be read.
    """
    del encoding  # a workbook is always in UTF-8
    try:
        values, formulas = (_cells(path, layer, computed=computed) for computed in (True, False))
    except READ_FAILURES as error:
        raise FileError("io.layer_unreadable", path=path, layer=layer, reason=reason_of(error)) from error
    uncomputed = sum(
        value is None and isinstance(formula, str) and formula.startswith("=")
        for row, other in zip(values, formulas, strict=True)
        for value, formula in zip(row, other, strict=True)
    )
    place = f"{path.name}:{layer}"
    frame, findings = _with_header([[_cell_text(cell) for cell in row] for row in values], place)
    if uncomputed:
        findings.append(
            Finding.of(Severity.WARNING, "io.formula_without_value", None, file=place, count=uncomputed)
        )
    return frame, findings


def _cells(path: Path, layer: str, *, computed: bool) -> list[tuple[Any, ...]]:
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=computed)
    sheet = book[layer]
    sheet.reset_dimensions()
    rows = list(sheet.iter_rows(values_only=True))
    book.close()
    return rows


def _cell_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if hasattr(cell, "isoformat"):
        return str(cell.isoformat()).removesuffix("T00:00:00")
    return str(cell)


def _with_header(rows: Sequence[Sequence[str]], place: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Return rows as a table under their header: the first row with two filled cells, or the first."""
    filled = [number for number, row in enumerate(rows) if any(cell.strip() for cell in row)]
    start = next((number for number in filled if sum(bool(cell.strip()) for cell in rows[number]) > 1), None)
    if start is None:
        start = filled[0] if filled else 0
    header = list(_unlike(rows[start])) if filled else []
    findings = []
    titles = [rows[number] for number in filled if number < start]
    if titles:
        said = "；".join(" ".join(filter(None, (cell.strip() for cell in row))) for row in titles)
        findings.append(Finding.of(Severity.NOTE, "io.titles_passed_over", None, file=place, titles=said))
    body = [rows[number] for number in filled if number > start]
    overlong = [number for number, row in enumerate(body, start + 2) if any(row[len(header) :])]
    if overlong:
        findings.append(
            Finding.of(
                Severity.WARNING, "io.row_overlong", None, file=place, count=len(overlong), line=overlong[0]
            )
        )
    width = len(header)
    cut = [[*row[:width], *[""] * (width - len(row))] for row in body]
    frame = pd.DataFrame(cut, columns=header, dtype="string")
    # What was written as text lest a spreadsheet run it is given back as it was.
    return frame.mask(frame == "").apply(restored), findings


def _unlike(header: Sequence[str]) -> Iterator[str]:
    """Give each column a name of its own: a blank one its number, a second of a name a suffix."""
    seen: dict[str, int] = {}
    for number, cell in enumerate(header, 1):
        name = " ".join(cell.split()) or f"column {number}"
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name} {seen[name]}"


def read_parquet(path: Path, layer: str, encoding: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Read a GeoParquet file, or a Parquet file without geometry.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    del encoding  # Parquet is always in UTF-8
    try:
        import pyarrow.parquet as pq

        metadata = pq.read_schema(path).metadata or {}
        if b"geo" in metadata:
            return named_geometry(gpd.read_parquet(path)), []
        return pd.read_parquet(path), []
    except READ_FAILURES as error:
        raise FileError("io.layer_unreadable", path=path, layer=layer, reason=reason_of(error)) from error
