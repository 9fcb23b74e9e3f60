"""Ledgers as files: a restricted GeoPackage, or a workbook that an office fills.

Ledgers hold personal data.  What is written here, only its owner can read where the system knows owners
(mode 0600), from the first byte on: it is written in a folder closed to others and moved to its place.
"""

from __future__ import annotations

import os
import stat
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from spatial.errors import FileError
from spatial.findings import Finding, Report, Severity
from spatial.io.packages import open_package, write_package
from spatial.io.safety import neutralised
from spatial.io.sheets import read_sheet, sheet_names
from spatial.io.vocabulary import code_of, column_title, header_of, table_title, table_words, value_title
from spatial.ledgers import LEDGER_TABLES, Ledgers, make_ledgers
from spatial.messages import current_language
from spatial.schema import COMMON_COLUMNS, Column, Table

__all__ = ["read_ledgers", "write_ledgers"]

_PACKAGE = "wangge-ledgers/1"
_PROVENANCE = "provenance"
_WORKBOOKS = frozenset({".xlsx", ".xlsm"})
_OWNER_ALONE = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WIDTH = 18


def read_ledgers(path: Path | str) -> Ledgers:
    """Read ledgers from a GeoPackage or SQLite file, or from a workbook with a sheet to a table.

    Sheets and columns are known by the names of the schema or their titles in either language, codes by
    theirs.  A sheet or a column that is not known is named in the report and not used.

    Raises
    ------
    FileError
        If the file is missing, unreadable, or a town, a plan or a coverage.
    SchemaError
        If a table breaks its schema; it carries every finding.
    """
    source = Path(path)
    if not source.exists():
        raise FileError("io.file_missing", path=source)
    findings = list(_open_to_others(source))
    if source.suffix.lower() in _WORKBOOKS:
        tables, provenance, more = _read_workbook(source)
        findings += more
    else:
        tables, provenance = open_package(source, _PACKAGE)
    return make_ledgers(tables, provenance, Report(tuple(findings)))


def write_ledgers(ledgers: Ledgers, path: Path | str) -> Path:
    """Write ledgers so that their owner alone can read them: a workbook by ``.xlsx``, else a GeoPackage.

    A workbook has a sheet to every table, also to an empty one: without rows it is a form to fill.

    Raises
    ------
    FileError
        If the file cannot be written, or is a package of something else.
    """
    target = Path(path)
    is_workbook = target.suffix.lower() in _WORKBOOKS
    if target.exists() and not is_workbook:
        open_package(target, _PACKAGE)  # a town, or anything else, is never written over
    with _restricted(target) as inside:
        if is_workbook:
            _write_workbook(ledgers, inside)
        else:
            write_package(inside, ledgers.tables, {**ledgers.provenance, "package": _PACKAGE})
    return target


@contextmanager
def _restricted(target: Path) -> Iterator[Path]:
    """Give a path in a folder closed to others, and move the file to its place when all went well."""
    if not target.parent.is_dir():
        raise FileError("io.folder_missing", path=target, folder=target.parent)
    try:
        with tempfile.TemporaryDirectory(prefix=".wangge-", dir=target.parent) as closed:
            inside = Path(closed) / target.name
            yield inside
            inside.chmod(_OWNER_ALONE)
            inside.replace(target)
    except (OSError, ValueError) as error:
        raise FileError("io.not_writable", path=target, reason=str(error)) from error


def _open_to_others(path: Path) -> Iterator[Finding]:
    # Windows keeps rights in lists that a mode does not show.
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        yield Finding.of(Severity.WARNING, "ledgers.open_to_others", None, file=path.name)


@cache
def _document() -> Mapping[str, Any]:
    return tomllib.loads((files(__package__) / "ledgers.toml").read_text(encoding="utf-8"))


def _read_workbook(path: Path) -> tuple[dict[str, pd.DataFrame], dict[str, str], list[Finding]]:
    tables: dict[str, pd.DataFrame] = {}
    provenance: dict[str, str] = {}
    findings: list[Finding] = []
    for sheet in sheet_names(path):
        frame, more = read_sheet(path, sheet, "")
        findings += more
        if sheet == _PROVENANCE and {"key", "value"} <= set(frame.columns):
            provenance = dict(zip(frame["key"], frame["value"].fillna(""), strict=True))
            continue
        name = next((one for one in LEDGER_TABLES if sheet.strip().lower() in table_words(one)[0]), None)
        if name is None:
            findings.append(Finding.of(Severity.WARNING, "ledgers.unknown_table", sheet))
            continue
        tables[name], more = _by_schema(LEDGER_TABLES[name], frame)
        findings += more
    return tables, provenance, findings


def _by_schema(table: Table, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Return a sheet under the names and codes of its table; what has no place in it is named."""
    columns: dict[str, pd.Series] = {}
    taken: list[str] = []
    for column in (*table.columns, *COMMON_COLUMNS):
        header = _header(column, [name for name in frame.columns if name not in taken])
        if header is not None:
            taken.append(header)
            columns[column.name] = _coded(column, frame[header])
    left = [name for name in frame.columns if name not in taken and frame[name].notna().any()]
    findings = []
    if left:
        findings.append(
            Finding.of(
                Severity.NOTE, "ledgers.columns_left", table.name, columns="、".join(left), count=len(left)
            )
        )
    return pd.DataFrame(columns, index=frame.index), findings


def _header(column: Column, headers: list[str]) -> str | None:
    found = header_of(column.name, headers)
    if found is not None and found[1]:
        return found[0]
    return next((one for one in _document()["column"].get(column.name, []) if one in headers), None)


def _coded(column: Column, values: pd.Series) -> pd.Series:
    """Return values as codes and days they stand for; one that stands for none stays, for the checks to name."""
    if column.kind == "date":
        return _as_days(values)
    if not column.allowed:
        return values
    codes = {value: code_of(column, value) or value for value in values.dropna().unique()}
    return values.map(codes).astype("string")


def _as_days(values: pd.Series) -> pd.Series:
    """Return days and moments in ISO 8601, as far as they are written in a way that is known."""
    parts = values.str.strip().str.extract(_document()["date"]["written"])
    year, month, day, time = (parts[number] for number in range(4))
    written = year + "-" + month.str.zfill(2) + "-" + day.str.zfill(2)
    with_time = written + ("T" + time.str.zfill(5)).fillna("")
    known: pd.Series = values.mask(written.notna(), with_time)
    return known


def _write_workbook(ledgers: Ledgers, path: Path) -> None:
    import openpyxl
    from openpyxl.styles import Font
    from openpyxl.utils.exceptions import IllegalCharacterError

    language = current_language()
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    sheets = {
        table_title(table.name, language): _titled(table, ledgers.tables[table.name], language)
        for table in LEDGER_TABLES.values()
    }
    entries = sorted(ledgers.provenance.items())
    sheets[_PROVENANCE] = pd.DataFrame(entries, columns=["key", "value"], dtype="string")
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        sheet.append(list(rows.columns))
        sheet.freeze_panes = "A2"
        for cell in sheet[1]:
            cell.font = Font(bold=True)
            sheet.column_dimensions[cell.column_letter].width = _WIDTH
        try:
            for values in rows.astype(object).where(rows.notna(), None).to_numpy():
                sheet.append(list(values))
        except IllegalCharacterError as error:
            raise ValueError(error) from error
    book.save(path)


def _titled(table: Table, frame: pd.DataFrame, language: str) -> pd.DataFrame:
    """Return the rows of a table under its titles, codes in words; common columns only where filled."""
    rows = frame.reset_index() if frame.index.name else frame
    shown = [*table.columns, *(one for one in COMMON_COLUMNS if _asked(one, rows))]
    cells: dict[str, pd.Series] = {}
    for column in shown:
        values = rows[column.name]
        if column.kind == "flag":
            values = values.astype(object).map({True: "yes", False: "no"}).astype("string")
        if column.allowed or column.kind == "flag":
            words = {code: value_title(code, language, column.name) for code in values.dropna().unique()}
            values = values.map(words).astype("string")
        elif column.kind in {"text", "date"}:
            values = neutralised(values)
        cells[column_title(column.name, language)] = values
    return pd.DataFrame(cells, index=rows.index)


def _asked(column: Column, rows: pd.DataFrame) -> bool:
    return column.name in {"valid_from", "valid_to"} or bool(rows[column.name].notna().any())
