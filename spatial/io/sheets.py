"""Tables of an office: CSV in UTF-8 or GBK, Excel sheets, Parquet files.

Cells are read as text, so that a code keeps its zeros; what a column means is settled later.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.errors import FileError
from spatial.findings import Finding, Severity
from spatial.io.archives import refuse_bomb
from spatial.io.safety import restored
from spatial.io.vector import READ_FAILURES, named_geometry, reason_of
from spatial.io.vocabulary import words

__all__ = ["UTF16_MARKS", "decode", "read_csv", "read_parquet", "read_sheet", "sheet_names", "stem"]

# GB 18030 holds GBK and GB 2312.
_ENCODINGS = ("utf-8-sig", "gb18030")
_MERGED = re.compile(rb"<mergeCell ref=\"([A-Z0-9:]+)\"")
# A cell that says something of the table as a whole, as `name: value`.
_REMARK = re.compile(r"^\s*[^\s:：]{1,12}[:：]")
_NUMBER = re.compile(r"\d")
_LINES_SHOWN = 5
# Numbers and cells of rows.
_Lines = list[tuple[int, Sequence[str]]]
# What Excel calls Unicode text begins so.
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def stem(path: Path) -> list[str]:
    """Return the one layer of a file of one table: its name without extension."""
    return [path.stem]


def decode(content: bytes, encoding: str, path: Path) -> tuple[str, str]:
    """Return the text of a file and its encoding, tried as UTF-8 and GB 18030 where none is given.

    A mark of UTF-16 at its beginning is believed.

    Raises
    ------
    FileError
        If the text is in none of them.
    """
    guesses = ("utf-16",) if content.startswith(UTF16_MARKS) else _ENCODINGS
    for candidate in (encoding,) if encoding else guesses:
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
    if not encoding and used == _ENCODINGS[1]:
        findings.append(Finding.of(Severity.NOTE, "io.encoding_guessed", None, file=path.name, encoding=used))
    if text.count('"') % 2:
        findings.append(Finding.of(Severity.WARNING, "io.quote_unclosed", None, file=path.name))
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

    Titles above the header (rows with one cell) are passed over, sums below too.  A formula that was never computed
    has no value: its cell is null, with a warning.

    Raises
    ------
    FileError
        If the sheet cannot be read.
    """
    del encoding  # a workbook is always in UTF-8
    try:
        values, formulas = (_cells(path, layer, computed=computed) for computed in (True, False))
        merged = _merged_down(path, layer)
    except READ_FAILURES as error:
        raise FileError("io.layer_unreadable", path=path, layer=layer, reason=reason_of(error)) from error
    uncomputed = sum(
        value is None and isinstance(formula, str) and formula.startswith("=")
        for row, other in zip(values, formulas, strict=True)
        for value, formula in zip(row, other, strict=True)
    )
    place = f"{path.name}:{layer}"
    frame, findings = _with_header([[_cell_text(cell) for cell in row] for row in values], place, merged)
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


def _merged_down(path: Path, layer: str) -> list[tuple[int, int, int]]:
    """Return column, first and last row, from 0, of the cells that are merged down a column."""
    import openpyxl
    from openpyxl.worksheet.cell_range import CellRange

    book = openpyxl.load_workbook(path, read_only=True)
    # A workbook read row by row does not tell its merged cells: they stand behind the rows in the part.
    part = str(getattr(book[layer], "_worksheet_path", ""))
    with zipfile.ZipFile(path) as archive:
        areas = _MERGED.findall(archive.read(part.removeprefix("/")))
    book.close()
    merged = []
    for area in areas:
        cells = CellRange(area.decode("ascii"))
        if cells.min_col == cells.max_col and cells.min_row < cells.max_row:
            merged.append((cells.min_col - 1, cells.min_row - 1, cells.max_row - 1))
    return merged


def _cell_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if hasattr(cell, "isoformat"):
        return str(cell.isoformat()).removesuffix("T00:00:00")
    return str(cell)


def _with_header(
    rows: Sequence[Sequence[str]], place: str, merged: Sequence[tuple[int, int, int]] = ()
) -> tuple[pd.DataFrame, list[Finding]]:
    """Return rows as a table under their header: the first row with two filled cells, or the first.

    Rows of remarks (填报单位：…) stand above it like titles; a header of two rows with merged cells is
    one.  Rows of sums below are no rows of the table, nor are notes at its end.  What is merged down a
    column holds for each row.
    """
    filled = [number for number, row in enumerate(rows) if any(cell.strip() for cell in row)]
    start = next((number for number in filled if _may_be_header(rows[number])), None)
    if start is None:
        start = filled[0] if filled else 0
    named, first = (list(rows[start]), start) if filled else ([], start)
    below = next((number for number in filled if number > start), None)
    if below is not None and _is_second_header(named, rows[below]):
        named = [*named, *[""] * (len(rows[below]) - len(named))]
        lower = [*rows[below], *[""] * (len(named) - len(rows[below]))]
        named = [cell if cell.strip() else above for cell, above in zip(lower, named, strict=True)]
        start = below
    header = list(_unlike(named))
    findings = []
    titles = [rows[number] for number in filled if number < first]
    if titles:
        said = "；".join(" ".join(filter(None, (cell.strip() for cell in row))) for row in titles)
        findings.append(Finding.of(Severity.NOTE, "io.titles_passed_over", None, file=place, titles=said))
    if start != first:
        findings.append(Finding.of(Severity.NOTE, "io.header_of_two_rows", None, file=place))
    down = [one for one in merged if start < one[1] < len(rows) and one[0] < len(header)]
    if down:
        lists = [[*row, *[""] * (len(header) - len(row))] for row in rows]
        for column, top, bottom in down:
            for row in lists[top + 1 : bottom + 1]:
                row[column] = lists[top][column]
        rows = lists
        findings.append(Finding.of(Severity.NOTE, "io.merged_filled", None, file=place, count=len(down)))
    body = [(number, rows[number]) for number in filled if number > start]
    body, more = _things(body, len(header), place)
    findings += more
    overlong = [number + 1 for number, row in body if any(row[len(header) :])]
    if overlong:
        findings.append(
            Finding.of(
                Severity.WARNING, "io.row_overlong", None, file=place, count=len(overlong), line=overlong[0]
            )
        )
    width = len(header)
    cut = [[*row[:width], *[""] * (width - len(row))] for _, row in body]
    frame = pd.DataFrame(cut, columns=header, dtype="string")
    # What was written as text lest a spreadsheet run it is given back as it was.
    return frame.mask(frame == "").apply(restored), findings


def _things(body: _Lines, width: int, place: str) -> tuple[_Lines, list[Finding]]:
    """Return the lines of a table of some columns without the notes at its end and without sums."""
    findings = []
    notes = list(takewhile(lambda row: _is_note(row, width), (row for _, row in reversed(body))))
    if notes:
        body = body[: -len(notes)]
        said = "；".join(" ".join(filter(None, (cell.strip() for cell in row))) for row in reversed(notes))
        findings.append(Finding.of(Severity.NOTE, "io.notes_passed_over", None, file=place, notes=said))
    sums = [number + 1 for number, row in body if _is_sum(row)]
    if sums:
        lines = "、".join(str(line) for line in sums[:_LINES_SHOWN])
        findings.append(
            Finding.of(Severity.NOTE, "io.sums_passed_over", None, file=place, count=len(sums), lines=lines)
        )
        body = [(number, row) for number, row in body if not _is_sum(row)]
    return body, findings


def _may_be_header(row: Sequence[str]) -> bool:
    cells = [cell for cell in row if cell.strip()]
    return len(cells) > 1 and not all(_REMARK.match(cell) for cell in cells)


def _is_second_header(above: Sequence[str], row: Sequence[str]) -> bool:
    """Return whether a row completes the header above it: each names columns that the other leaves blank."""
    width = max(len(above), len(row))
    upper, lower = (
        np.array([bool(cell.strip()) for cell in (*cells, *[""] * (width - len(cells)))])
        for cells in (above, row)
    )
    texts = [cell for cell in row if cell.strip()]
    return bool(
        (upper | lower).all()
        and (lower & ~upper).any()
        and (upper & ~lower).any()
        and not any(_NUMBER.search(cell) for cell in texts)
    )


def _is_sum(row: Sequence[str]) -> bool:
    first = next((cell for cell in row if cell.strip()), "")
    return "".join(first.split()).rstrip(":：").lower() in words("sheet", "sums")


def _is_note(row: Sequence[str], width: int) -> bool:
    """Return whether a row says something of a table of some columns, in few cells, as 注：… does.

    The word stands alone: 注塑厂宿舍 is a name.
    """
    cells = [cell.strip() for cell in row if cell.strip()]
    return 0 < 2 * len(cells) <= width and all(
        any(cell.startswith(word) and not cell[len(word) :][:1].isalpha() for word in words("sheet", "notes"))
        for cell in cells
    )


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
