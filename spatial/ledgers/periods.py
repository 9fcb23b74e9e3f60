"""Days and periods: both days of a period belong to it, and an empty day leaves it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from spatial.ledgers.ledger import Ledgers

__all__ = ["FIRST_DAY", "LAST_DAY", "Flags", "holding", "moments", "periods", "reference_day"]

Flags = NDArray[np.bool_]

# ``2024-06-30T10:15:00``: what stands behind it (fractions, time zones) is not compared.
_MOMENT_SIGNS = 19
# Open ends stand for days no ledger knows.
FIRST_DAY, LAST_DAY = pd.Timestamp("1700-01-01"), pd.Timestamp("2200-01-01")
_TIMES_OF_EVENTS = ("reported_on", "closed_on", "reopened_on")


def moments(dates: pd.Series) -> pd.Series:
    """Return ISO 8601 texts as moments, NaT where there is none."""
    return pd.to_datetime(dates.str.slice(0, _MOMENT_SIGNS), errors="coerce", format="ISO8601")


def periods(table: pd.DataFrame) -> pd.DataFrame:
    """Return the first and the last day of each row: columns ``starts``, ``ends``, open ends far away."""
    return pd.DataFrame(
        {
            "starts": moments(table["valid_from"]).fillna(FIRST_DAY).dt.floor("D"),
            "ends": moments(table["valid_to"]).fillna(LAST_DAY).dt.floor("D"),
        }
    )


def holding(table: pd.DataFrame, day: pd.Timestamp) -> Flags:
    """Return which rows hold on a day."""
    period = periods(table)
    held: Flags = ((period["starts"] <= day) & (day <= period["ends"])).to_numpy(bool)
    return held


def reference_day(ledgers: Ledgers) -> pd.Timestamp:
    """Return the day that ledgers speak of: their ``as_of``, else the last day any event names.

    Without either it is the last day there is: the postings without an end hold then.
    """
    stated = pd.Series([ledgers.provenance.get("as_of")], dtype="string")
    dated = [table["as_of"] for table in ledgers.tables.values()]
    happened = [ledgers.events[name] for name in _TIMES_OF_EVENTS]
    for source in ([stated], dated, happened):
        last = moments(pd.concat(source)).max()
        if pd.notna(last):
            return pd.Timestamp(last).floor("D")
    return LAST_DAY
