"""Workbooks: a sheet to each table, with real numbers, a frozen heading, and texts that stay texts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from maps.reports.document import Document, Table
from maps.symbology import colour
from spatial.io.packages import written_whole
from spatial.io.safety import neutral

if TYPE_CHECKING:
    from openpyxl import Workbook

__all__ = ["write_workbook"]

_HEADING_ROW = 3
_NUMBER_FORMATS = {"text": "#,##0.0##", "count": "#,##0", "number": "#,##0.0##", "share": "0.0%"}
_NAME_SIGNS = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")
_WIDTHS = (9.0, 60.0)


def write_workbook(document: Document, path: Path) -> None:
    """Write a document as XLSX.

    Every sheet says what it is and what must stand beside its figures in its first two rows; the heading
    of the table stands in the third, which stays in view.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    from openpyxl import Workbook

    book = Workbook()
    for empty in book.worksheets:
        book.remove(empty)
    book.properties.title = neutral(document.title)
    for chapter in document.chapters:
        for table in chapter.tables:
            _write_sheet(book, document, table, chapter.paragraphs)
    with written_whole(path) as partial:
        book.save(partial)


def _write_sheet(book: Workbook, document: Document, table: Table, paragraphs: tuple[str, ...]) -> None:
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(_sheet_name(table.title, book.sheetnames))
    said = (table.source, *document.labels, *document.marks, *paragraphs)
    sheet["A1"] = neutral(f"{document.title} · {table.title}")
    sheet["A1"].font = Font(bold=True, size=13)
    sheet["A2"] = neutral("　".join(one for one in said if one))
    under = Border(bottom=Side(style="medium"))
    ground = PatternFill("solid", fgColor=colour("--surface-3").removeprefix("#"))
    for number, column in enumerate(table.columns, 1):
        heading = sheet.cell(_HEADING_ROW, number, neutral(column.title))
        heading.font, heading.border, heading.fill = Font(bold=True), under, ground
        heading.alignment = Alignment(wrap_text=True, vertical="center")
        width = min(max(column.width * 0.75, _WIDTHS[0]), _WIDTHS[1])
        sheet.column_dimensions[get_column_letter(number)].width = width
    for at, row in enumerate(table.rows, _HEADING_ROW + 1):
        for number, (value, column) in enumerate(zip(row, table.columns, strict=True), 1):
            if value is None:
                continue
            if isinstance(value, str):
                sheet.cell(at, number, neutral(value)).alignment = Alignment(vertical="top", wrap_text=True)
            else:
                kind = "count" if isinstance(value, int) and column.format == "text" else column.format
                sheet.cell(at, number, value).number_format = _NUMBER_FORMATS[kind]
    sheet.freeze_panes = sheet.cell(_HEADING_ROW + 1, 2)
    last = get_column_letter(len(table.columns))
    sheet.auto_filter.ref = f"A{_HEADING_ROW}:{last}{max(_HEADING_ROW + len(table.rows), _HEADING_ROW + 1)}"
    sheet.print_title_rows = f"{_HEADING_ROW}:{_HEADING_ROW}"
    sheet.page_setup.orientation, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = (
        "landscape",
        1,
        0,
    )
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.oddFooter.left.text = " ".join((*document.marks, *document.labels)).replace("&", "&&")
    sheet.oddFooter.right.text = "&P / &N"


def _sheet_name(title: str, taken: list[str]) -> str:
    """Return a name that a sheet may have, not yet taken."""
    base = _NOT_IN_NAMES.sub(" ", title)[:_NAME_SIGNS]
    name, number = base, 2
    while name in taken:
        ending = f" {number}"
        name, number = base[: _NAME_SIGNS - len(ending)] + ending, number + 1
    return name
