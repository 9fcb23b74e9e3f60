"""Closing rates: how many of the events reported in a grid and a month are closed."""

from __future__ import annotations

import pandas as pd

from spatial.grids import Plan
from spatial.ledgers.ledger import Ledgers
from spatial.ledgers.places import locate_events
from spatial.town import Town

__all__ = ["closing_rates"]

_KEYS = ["community_id", "grid_id", "month"]


def closing_rates(ledgers: Ledgers, town: Town, plan: Plan | None = None) -> pd.DataFrame:
    """Return the closing rate by grid and month of report, counted from rows.

    Rate = closed / reported.  *Closed* are the events that are closed today and not reopened since;
    *reported* are all of the row.  An event without a place stands in a row with a null ``grid_id``, one
    without a date in a row with a null ``month``; so every event is in exactly one row and the sums are
    those of the ledger.  Which events these are is named by `check_ledgers` and `locate_events`.

    Parameters
    ----------
    ledgers : its events are read
    town : the town they lie in
    plan : the grids; those of today when None.  Rows with ``valid_from`` and ``valid_to`` hold on
        their days alone (`plan_over_time`)

    Returns
    -------
    pandas.DataFrame
        community_id, grid_id, month (``2024-06``), reported, closed, reopened (at least once), open
        (not closed), rate; sorted, nulls last.
    """
    events = locate_events(ledgers, town, plan)
    rows = events.assign(open=~events["closed"]).groupby(_KEYS, dropna=False, sort=True)
    counted = rows.agg(
        reported=("closed", "size"),
        closed=("closed", "sum"),
        reopened=("reopened", "sum"),
        open=("open", "sum"),
    )
    counted = counted.astype("Int64").assign(rate=counted["closed"] / counted["reported"])
    return counted.reset_index().astype(dict.fromkeys(_KEYS, "string") | {"rate": "Float64"})
