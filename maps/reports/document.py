"""A document: what a report says, in one language, before it becomes a workbook, a text or a page.

Every kind of file is written from the same document, so that a figure is the same in all of them.  A cell
holds a number, a text, or None for what is not known; its column says how it is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import pandas as pd

from spatial.messages import text

__all__ = ["Cell", "Chapter", "Column", "Document", "Figure", "Table", "cell", "columns", "written"]

Cell = str | float | int | None
Format = Literal["text", "count", "number", "share"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : its heading
    format : text, count (whole), number or share (0 to 1, written in percent)
    width : its part of the width of a page
    on_pages : whether pages have room for it; workbooks hold every column
    """

    title: str
    format: Format = "text"
    width: float = 10.0
    on_pages: bool = True


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    title : its heading, and the name of its sheet
    columns : its columns
    rows : its cells
    source : where its figures are from, and of when
    grouped : on pages, rows with the same first cell make a table of their own under it
    most_on_pages : how many rows pages show at most, 0 to leave the table to workbooks, which hold every row
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    source: str = ""
    grouped: bool = False
    most_on_pages: int | None = None

    @property
    def left_off(self) -> int:
        """How many rows pages do not show."""
        return 0 if self.most_on_pages is None else max(0, len(self.rows) - self.most_on_pages)

    @property
    def notes(self) -> tuple[str, ...]:
        """What pages say under the heading: the source, and what they leave to the workbook."""
        more = (
            text("reports.left_off", shown=self.most_on_pages, rows=len(self.rows)) if self.left_off else ""
        )
        return tuple(one for one in (self.source, more) if one)

    def for_pages(self) -> Iterator[tuple[str, tuple[Column, ...], list[tuple[Cell, ...]]]]:
        """Yield the parts of the table as pages show them: heading, columns, and rows."""
        shown = [at for at, column in enumerate(self.columns) if column.on_pages]
        if self.grouped:
            shown = [at for at in shown if at > 0]
        columns = tuple(self.columns[at] for at in shown)
        whole = self.rows[: self.most_on_pages]
        parts = groupby(whole, key=lambda row: row[0]) if self.grouped else [("", iter(whole))]
        for heading, rows in parts:
            yield str(heading or ""), columns, [tuple(row[at] for at in shown) for row in rows]


@dataclass(frozen=True)
class Figure:
    """A map.

    Attributes
    ----------
    title : what it shows
    content : SVG elements in hundredths of a millimetre; texts name the font ``{font}``
    width_mm, height_mm : its size
    source : where it is from, and of when
    """

    title: str
    content: str
    width_mm: float
    height_mm: float
    source: str = ""


@dataclass(frozen=True)
class Chapter:
    """A chapter: a heading, paragraphs, figures and tables.

    Attributes
    ----------
    title : its heading
    paragraphs : what is said before the tables
    figures, tables : what it shows
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()

    @property
    def page_tables(self) -> tuple[Table, ...]:
        """The tables that pages show."""
        return tuple(one for one in self.tables if one.most_on_pages != 0)


@dataclass(frozen=True)
class Document:
    """A report in one language.

    Attributes
    ----------
    title : its title
    labels : what must stand wherever a figure stands: synthetic data, a stand-in profile
    marks : for internal use, the number of the map, the print date
    chapters : in order
    language : the language it is written in
    """

    title: str
    labels: tuple[str, ...]
    marks: tuple[str, ...]
    chapters: tuple[Chapter, ...]
    language: str


def cell(value: Any, unknown: Cell = None) -> Cell:  # noqa: ANN401 - any value of a table
    """Return a value of a table as a cell; ``unknown`` for a null.

    Examples
    --------
    >>> cell(3.0), cell(float("nan")), cell("", None)
    (3, None, '')
    """
    if value is None or pd.isna(value):
        return unknown
    if isinstance(value, str):
        return value
    number = float(value)
    return int(number) if number.is_integer() else number


def columns(*described: tuple[Any, ...]) -> tuple[Column, ...]:
    """Return columns from the key of their title in the catalogues, format, width and whether pages show them."""
    return tuple(Column(text(f"reports.column.{one[0]}"), *one[1:]) for one in described)


_FORMATS = {"text": "{:,.2f}", "count": "{:,.0f}", "number": "{:,.2f}", "share": "{:.1%}"}


def written(value: Cell, column: Column) -> str:
    """Return a cell as pages show it; what is not known is left blank.

    Examples
    --------
    >>> written(0.9673, Column("", "share")), written(1522, Column("", "count")), written(None, Column(""))
    ('96.7%', '1,522', '')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    shown = _FORMATS[column.format].format(value)
    return shown.rstrip("0").rstrip(".") if "." in shown and column.format != "share" else shown
