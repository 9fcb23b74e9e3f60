"""Tabulating: the rows of a source layer become rows of a table, column by column, by a mapping rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatial.checks import read_values
from spatial.findings import Finding, Severity, Statement
from spatial.io.mapping import ColumnRule, LayerRule
from spatial.schema import COMMON_COLUMNS, TABLES, Column, Table

__all__ = ["SERVICE_COLUMNS", "Tabulated", "tabulate"]

# Columns of `services` that a layer of facilities may fill along with its categories.
SERVICE_COLUMNS = tuple(
    column for column in TABLES["services"].columns if column.name not in {"facility_id", "category"}
)
_VALUES_SHOWN = 5


@dataclass(frozen=True)
class Tabulated:
    """Rows of one table made from one source layer.

    Attributes
    ----------
    frame : the columns of the table, with the index of the source rows
    findings : values that could not be read or have no meaning in the mapping, columns not taken
    """

    frame: pd.DataFrame
    findings: tuple[Finding, ...]


def tabulate(source: pd.DataFrame, rule: LayerRule, layer: str) -> Tabulated:
    """Return the columns of the rule's table, filled from the source rows.

    A value that cannot be read as its column's kind becomes null, with a warning that shows it.
    Columns by ``nearest`` and ``lookup`` need the other tables; they hold the text of their source here.

    Parameters
    ----------
    source : rows of the source layer that the rule chose
    rule : the mapping of the layer
    layer : name of the source layer, for the findings
    """
    table = TABLES[rule.table]
    findings: list[Finding] = []
    filled: dict[str, pd.Series] = {}
    taken = {rule.x, rule.y, rule.wkt, *(one.within for one in rule.columns.values())}
    taken |= {rule.categories.source, "typecode"} if rule.categories else set()
    known = _columns(table)
    own = [name for name in rule.columns if name not in {column.name for column in known}]
    for column in (*known, *(Column(name) for name in own)):
        column_rule = rule.columns.get(column.name)
        if column_rule is None:
            if column.name not in source.columns:
                continue
            column_rule = ColumnRule(sources=(column.name,))
        taken.update(column_rule.sources)
        named = "、".join(column_rule.sources)
        if column_rule.sources and not set(column_rule.sources) & set(source.columns):
            findings.append(_finding("source_column_missing", rule, layer, column, source=named))
        raw, unmapped = _raw(source, column_rule)
        values, unread = read_values(_in_unit(raw, column_rule, column), column)
        if column.allowed and not column.filled:
            foreign = values.notna() & ~values.isin(column.allowed)
            unmapped += list(values[foreign].unique())
            values = values.mask(foreign)
        for rule_name, shown, count in (
            ("value_unmapped", unmapped, len(unmapped)),
            ("value_unread", list(raw[unread].unique()), int(unread.sum())),
        ):
            if count:
                texts = "、".join(str(value) for value in shown[:_VALUES_SHOWN])
                findings.append(
                    _finding(rule_name, rule, layer, column, source=named, values=texts, count=count)
                )
        filled[column.name] = values
    left = [
        str(name)
        for name in source.columns
        if name not in taken | {"geometry"} and source[name].notna().any()
    ]
    # Of an OpenStreetMap file only those tags are columns that some rule asked for.
    if left and "osm_id" not in source.columns:
        names = "、".join(left)
        findings.append(
            Finding.of(
                Severity.NOTE, "io.columns_not_taken", rule.table, layer=layer, columns=names, count=len(left)
            )
        )
    return Tabulated(pd.DataFrame(filled, index=source.index), tuple(findings))


def _columns(table: Table) -> tuple[Column, ...]:
    extra = SERVICE_COLUMNS if table.name == "facilities" else ()
    return (*table.columns, *extra, *COMMON_COLUMNS)


def _finding(rule_name: str, rule: LayerRule, layer: str, column: Column, **values: object) -> Finding:
    named = {"layer": layer, "column": column.name, **values}
    return Finding(Severity.WARNING, Statement(f"io.{rule_name}", named, rule.table))


def _raw(source: pd.DataFrame, rule: ColumnRule) -> tuple[pd.Series, list[object]]:
    """Return the values of a column before they are read, and source values without a meaning."""
    nothing = pd.Series(pd.NA, index=source.index, dtype="string")
    if rule.number is not None:
        numbers = pd.Series(np.arange(1, len(source) + 1), index=source.index).astype("string")
        return rule.number + numbers, []
    if rule.value is not None:
        return pd.Series(rule.value, index=source.index, dtype="string"), []
    values = nothing
    for name in (one for one in rule.sources if one in source.columns):
        values = source[name] if values is nothing else values.where(values.notna(), source[name])
    if isinstance(values.dtype, pd.StringDtype) or values.dtype == object:
        values = values.astype("string").str.strip()
    if not rule.values:
        return values, []
    texts = values.astype("string")
    blank = texts.isna() | (texts == "")
    meanings = {key: value for key, value in rule.values.items() if key not in {"*", ""}}
    meant = texts.map(meanings).astype("string")
    # A null is no other value: only the empty key speaks of it.
    if "" in rule.values:
        meant = meant.mask(blank, rule.values[""])
    foreign = ~blank & ~texts.isin(list(meanings))
    if "*" in rule.values:
        return meant.mask(foreign, rule.values["*"]), []
    return meant, list(texts[foreign].unique())


def _in_unit(raw: pd.Series, rule: ColumnRule, column: Column) -> pd.Series:
    if rule.factor == 1.0 or column.kind not in {"whole", "number"}:
        return raw
    numbers, unread = read_values(raw, Column(column.name, "number"))
    converted = numbers * rule.factor
    converted = converted.round() if column.kind == "whole" else converted
    return converted.astype(object).where(~unread, raw)
