"""Contracts: what the schema demands of the columns of one table, checked all at once.

The contracts are made from `spatial.schema` and run by pandera; every failure becomes a finding.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spatial.checks.shaping import row_labels
from spatial.findings import Finding, Severity
from spatial.schema import Column, Table

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema

__all__ = ["check_contract"]

_VALUES_SHOWN = 3
_FAILURES = {"not_nullable": "empty_value", "field_uniqueness": "duplicate_id"}


def check_contract(table: Table, frame: pd.DataFrame) -> list[Finding]:
    """Return the findings about the values of one shaped table: nulls, duplicate ids, forbidden values.

    Parameters
    ----------
    table : the schema of the table
    frame : a table from `spatial.checks.shaping.shape_table`
    """
    from pandera.errors import SchemaErrors

    rows = pd.DataFrame(frame.reset_index() if frame.index.name else frame)
    try:
        _contract(table).validate(rows.reset_index(drop=True), lazy=True)
    except SchemaErrors as failure:
        cases = failure.failure_cases
    else:
        return []
    labels = row_labels(table, frame)
    findings = []
    for (column_name, check), group in cases.groupby(["column", "check"], sort=False):
        column = table.column(column_name)
        rule = _FAILURES.get(check, "not_allowed" if check.startswith("isin") else "below_least")
        failing = group["failure_case"].dropna().unique()
        ids = labels[group["index"].to_numpy(dtype=np.int64)]
        if rule == "duplicate_id":
            if not len(failing):  # two ids that are both null: said by empty_value
                continue
            ids = failing
        findings.append(
            Finding.of(
                Severity.ERROR,
                f"checks.{rule}",
                table.name,
                ids,
                column=column_name,
                values="、".join(str(value) for value in failing[:_VALUES_SHOWN]),
                count=len(group),
                allowed="、".join(column.allowed),
                least=column.at_least,
            )
        )
    return findings


@cache
def _contract(table: Table) -> DataFrameSchema:
    import pandera.pandas as pa

    return pa.DataFrameSchema(
        {column.name: pa.Column(**_column_contract(table, column)) for column in table.columns}
    )


def _column_contract(table: Table, column: Column) -> dict[str, Any]:
    import pandera.pandas as pa

    checks = []
    if column.allowed:
        checks.append(pa.Check.isin(list(column.allowed)))
    if column.at_least is not None:
        checks.append(pa.Check.ge(column.at_least))
    return {
        "checks": checks,
        "nullable": not column.filled,
        "unique": column.name == table.id_column,
    }
