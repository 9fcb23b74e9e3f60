"""The ledgers of an office: who works where, what was reported and closed, and which premises stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from spatial.checks import check_contract, shape_table
from spatial.errors import SchemaError
from spatial.findings import Finding, Report, Severity
from spatial.ledgers.tables import LEDGER_TABLES
from spatial.town import empty_table

__all__ = ["Ledgers", "make_ledgers"]


@dataclass(frozen=True)
class Ledgers:
    """The ledgers of one town.

    Attributes
    ----------
    tables : every table of `spatial.ledgers.tables.LEDGER_TABLES` by name, empty ones included
    provenance : where the data come from, as text by key: ``synthetic``, ``source``, ``as_of``, …
    report : what was found when the tables were read; never holds an error
    """

    tables: Mapping[str, pd.DataFrame]
    provenance: Mapping[str, str] = field(default_factory=dict)
    report: Report = field(default_factory=Report)

    @property
    def staff(self) -> pd.DataFrame:
        """Postings: a person, a role, and the grid, estate or community it is for."""
        return self.tables["staff"]

    @property
    def events(self) -> pd.DataFrame:
        """Events by event_id: place, category, reported, closed, reopened."""
        return self.tables["events"]

    @property
    def household_classes(self) -> pd.DataFrame:
        """Households of the seven colours; only `published_classes` may leave the office."""
        return self.tables["household_classes"]

    @property
    def premises(self) -> pd.DataFrame:
        """Premises of communities by premises_id."""
        return self.tables["premises"]

    @property
    def partners(self) -> pd.DataFrame:
        """Partner organisations and the grids or estates they are linked to."""
        return self.tables["partners"]

    @property
    def contacts(self) -> pd.DataFrame:
        """Public telephones of grids, estates and communities."""
        return self.tables["contacts"]

    @property
    def synthetic(self) -> bool:
        """Whether the ledgers were made up; every output then says so."""
        return self.provenance.get("synthetic") == "true"


def make_ledgers(
    tables: Mapping[str, pd.DataFrame],
    provenance: Mapping[str, str] | None = None,
    report: Report | None = None,
) -> Ledgers:
    """Return raw tables as ledgers; absent tables and columns are filled with nulls.

    Parameters
    ----------
    tables : raw tables by name; the id may be a column or the index
    provenance : where they come from
    report : what was found before, while they were read

    Raises
    ------
    SchemaError
        If a column is missing or a value breaks its column's contract; it carries every finding.
    """
    findings = list(report or ())
    shaped: dict[str, pd.DataFrame] = {}
    for table in LEDGER_TABLES.values():
        if table.name not in tables:
            shaped[table.name] = empty_table(table)
            continue
        shaped[table.name], more = shape_table(table, tables[table.name])
        findings += [*more, *check_contract(table, shaped[table.name])]
    findings += [
        Finding.of(Severity.WARNING, "ledgers.unknown_table", name)
        for name in tables
        if name not in LEDGER_TABLES
    ]
    found = Report(tuple(findings))
    if found.errors:
        raise SchemaError(found)
    return Ledgers(shaped, dict(provenance or {}), found)
