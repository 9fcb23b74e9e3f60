"""Templates: Excel tables with titles, explanations and drop-down lists for an office to fill.

A filled template imports without a mapping: its titles are those by which
`spatial.io.suggesting` recognises columns.  That of the staff holds personal data once it is filled; it
is a ledger (`spatial.io.read_ledgers`) and never becomes part of a town.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from spatial.catalogue import categories
from spatial.io.packages import written_whole
from spatial.io.safety import neutral
from spatial.io.vocabulary import column_title, value_title
from spatial.ledgers import LEDGER_TABLES
from spatial.messages import current_language, text
from spatial.schema import TABLES, Column
from spatial.town import Town

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["write_templates"]

# The columns an office can be asked for, by table.
_ASKED = {
    "estates": (
        "estate_id", "name", "community_id", "households", "residents", "estate_class", "walled", "year_built",
    ),
    "buildings": (
        "building_id", "name", "address", "estate_id", "community_id", "households", "households_basis",
        "residents", "levels", "has_lift", "use",
    ),
    "facilities": ("facility_id", "name", "category", "capacity", "floor_area_m2", "beds", "opened", "access"),
    "staff": ("person_id", "name", "phone", "public_contact", "staff_role", "subject_type", "subject_id"),
}  # fmt: skip
_SCHEMA = {**TABLES, **LEDGER_TABLES}
# Whose ids a posting may be for: offered as a list.
_SUBJECTS = ("communities", "estates", "grids")
_PLACE = ("longitude", "latitude")
_EMPTY_ROWS = 500
_WIDTH = 16
# Excel forbids these in the names of sheets and files, and more than 31 signs in a sheet's.
_FORBIDDEN = str.maketrans(dict.fromkeys('[]:*?/\\"<>|', "_"))


def write_templates(folder: Path | str, town: Town | None = None) -> list[Path]:
    """Write empty Excel tables of estates, buildings, facilities and staff, in the current language.

    With a town they are filled with what is known of it, each community gets a survey sheet of its
    buildings, and the staff are posted to its grids, estates and communities by a list.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    FileError
        If a file cannot be written.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    files = []
    for table, columns in _ASKED.items():
        rows = _known_rows(town, table, columns)
        ids = [] if town is None else [str(one) for name in _SUBJECTS for one in town.tables[name].index]
        files.append(_write(target, _title(table), [(_title(table), table, rows)], {"subject_id": ids}))
    if town is not None:
        buildings = _known_rows(town, "buildings", _ASKED["buildings"])
        for community_id, community in town.communities.iterrows():
            name = str(community["name"])
            surveyed = buildings[(buildings["community_id"] == community_id).to_numpy(bool, na_value=False)]
            sheet = (_title("buildings"), "buildings", surveyed)
            files.append(_write(target, text("io.template.survey", name=name), [sheet], {}))
    return files


def _title(table: str) -> str:
    return text(f"schema.table.{table}")


def _known_rows(town: Town | None, table: str, columns: Sequence[str]) -> pd.DataFrame:
    """Return what a town knows of a table, in the order of the template, with longitude and latitude."""
    asked = [*columns, *(_PLACE if _SCHEMA[table].is_layer else ())]
    if town is None or table not in TABLES:
        return pd.DataFrame(columns=asked)
    layer = town.layer(table)
    if table == "buildings":  # an estimate is no answer to be confirmed: the cell waits for the count
        layer = layer.assign(households=layer["households"].mask(layer["households_source"] == "estimated"))
    rows = pd.DataFrame(layer.reset_index()).drop(columns="geometry")
    points = layer.geometry.representative_point().to_crs("EPSG:4326")
    rows = rows.assign(longitude=points.x.round(7).to_numpy(), latitude=points.y.round(7).to_numpy())
    if table == "facilities":
        rows = rows.merge(town.services, on="facility_id", how="left", suffixes=("", "_of_service"))
    return rows.reindex(columns=asked)


def _write(
    folder: Path,
    name: str,
    sheets: Iterable[tuple[str, str, pd.DataFrame]],
    offered: Mapping[str, Sequence[str]],
) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    lists = book.worksheets[0]
    lists.title = "lists"
    for title, table, rows in sheets:
        sheet = book.create_sheet(title.translate(_FORBIDDEN)[:31], 0)
        _fill(sheet, lists, table, rows, offered)
    lists.sheet_state = "hidden"
    book.active = 0
    path = folder / f"{name.translate(_FORBIDDEN)}.xlsx"
    with written_whole(path) as partial:
        book.save(partial)
    return path


def _fill(
    sheet: Worksheet,
    lists: Worksheet,
    table: str,
    rows: pd.DataFrame,
    offered: Mapping[str, Sequence[str]],
) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    language = current_language()
    sheet.append([_header(name, language) for name in rows.columns])
    sheet.freeze_panes = "A2"
    last = len(rows) + _EMPTY_ROWS
    for number, name in enumerate(rows.columns, 1):
        letter = get_column_letter(number)
        head = sheet.cell(1, number)
        column = _column(table, name)
        head.font = Font(bold=True)
        head.fill = PatternFill("solid", fgColor="FFE08A" if column.filled else "E8EEF4")
        head.comment = Comment(_explanation(column), "Wangge")
        sheet.column_dimensions[letter].width = _WIDTH
        choices = offered.get(name) or _choices(column, language)
        if choices:
            options = lists.max_column + 1 if lists["A1"].value is not None else 1
            for row, choice in enumerate(choices, 1):
                lists.cell(row, options, choice)
            source = get_column_letter(options)
            validation = DataValidation(
                "list",
                formula1=f"lists!${source}$1:${source}${len(choices)}",
                allow_blank=True,
                showErrorMessage=True,
            )
            validation.add(f"{letter}2:{letter}{last}")
            sheet.add_data_validation(validation)
    for values in rows.to_numpy(dtype=object):
        sheet.append(
            [
                _cell(value, _column(table, name), language)
                for name, value in zip(rows.columns, values, strict=True)
            ]
        )


def _column(table: str, name: str) -> Column:
    places = {"longitude": Column("longitude", "number"), "latitude": Column("latitude", "number")}
    services = {one.name: one for one in TABLES["services"].columns if table == "facilities"}
    own = {one.name: one for one in _SCHEMA[table].columns}
    return {**places, **services, **own}[name]


def _header(name: str, language: str) -> str:
    """Return the title of a column; a longitude says in which datum it is, which no import need guess."""
    title = column_title(name, language)
    return text("io.template.in_datum", title=title) if name in _PLACE else title


def _choices(column: Column, language: str) -> list[str]:
    if column.kind == "flag":
        return [value_title(one, language) for one in ("yes", "no")]
    if column.name == "category":
        return [one.names[language] for one in categories().values()]
    return [value_title(code, language, column.name) for code in column.allowed]


def _explanation(column: Column) -> str:
    need = text("io.template.needed" if column.filled else "io.template.may_be_empty")
    return f"{text(f'io.template.{column.kind}')}{text('common.separator')}{need}"


def _cell(value: object, column: Column, language: str) -> object:
    if pd.isna(value):  # type: ignore[call-overload]
        return None
    if column.kind == "flag":
        return value_title("yes" if value else "no", language)
    if column.name == "category" and str(value) in categories():
        return categories()[str(value)].names[language]
    if column.allowed:
        return value_title(str(value), language, column.name)
    return neutral(value) if isinstance(value, str) else value
