"""Measures: what the ledgers count for the indicators, in the columns of the town's table ``measures``."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from spatial.grids import Plan
from spatial.ledgers.ledger import Ledgers
from spatial.ledgers.periods import LAST_DAY, holding, reference_day
from spatial.ledgers.places import GridTimes, grid_times, locate_events
from spatial.ledgers.staffing import basic_grids
from spatial.ledgers.tables import SUBJECT_TABLES
from spatial.town import Town

__all__ = ["ledger_measures"]

_COLUMNS = ["subject_type", "subject_id", "quantity", "value", "unit", "date", "source"]
# The workers a community counts as its own: full-time, recruited for its grids and estates.
_COMMUNITY_ROLES = ("dedicated", "estate_worker")


def ledger_measures(
    ledgers: Ledgers, town: Town, plan: Plan | None = None, *, day: pd.Timestamp | None = None
) -> pd.DataFrame:
    """Return what the ledgers count, by town, community, grid and estate.

    ============================= ====================================================== ==========
    quantity                      what                                                   subjects
    ============================= ====================================================== ==========
    events_reported               events, undated ones too; those without a place in the town, community,
                                  town alone                                             grid
    events_closed                 those of them closed and not reopened since            the same
    grids                         basic grids                                            town, community
    grids_with_worker             basic grids with a dedicated worker                    town, community
    dedicated_workers             different dedicated workers of basic grids             town, community,
                                                                                         grid
    community_workers             different full-time workers of the community, its      town, community
                                  grids and estates
    health_administrator_named    1 where an estate has a health administrator, else 0   estate
    community_premises_floor_area floor area of the premises, m²                         town, community
    ============================= ====================================================== ==========

    A table without any row says nothing: it gives no measures, never zeros.  Premises of which an area
    is unknown give none for their community.

    Parameters
    ----------
    ledgers : staff, events and premises are read
    town : the town they are about
    plan : the grids; those of today when None
    day : day of the postings; `spatial.ledgers.periods.reference_day` when None

    Returns
    -------
    pandas.DataFrame
        The columns of ``measures``: subject_type, subject_id, quantity, value, unit, date, source.
    """
    on = day if day is not None else reference_day(ledgers)
    times = grid_times(town, plan)
    parts = [*_of_events(ledgers, town, plan, times), *_of_staff(ledgers, town, times, on)]
    parts += _of_premises(ledgers, town)
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=_COLUMNS[:5])
    date = None if on == LAST_DAY else str(on.date())
    rows = rows.assign(date=date, source=ledgers.provenance.get("source"))
    types = dict.fromkeys(_COLUMNS, "string") | {"value": "Float64"}
    return rows[rows["value"].notna()].reindex(columns=_COLUMNS).astype(types).reset_index(drop=True)


def _rows(kind: str, quantity: str, unit: str, values: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "subject_type": kind,
            "subject_id": values.index.astype("string"),
            "quantity": quantity,
            "value": values.astype("Float64").to_numpy(),
            "unit": unit,
        }
    )


def _of_events(ledgers: Ledgers, town: Town, plan: Plan | None, times: GridTimes) -> Iterator[pd.DataFrame]:
    if ledgers.events.empty:
        return
    events = locate_events(ledgers, town, plan).assign(town=town.name)
    subjects = {"town": pd.Index([town.name]), "community": town.communities.index}
    subjects["grid"] = pd.Index(times.grids["grid_id"].unique())
    for kind, ids in subjects.items():
        groups = events.groupby("town" if kind == "town" else f"{kind}_id")["closed"]
        for quantity, counts in (("events_reported", groups.size()), ("events_closed", groups.sum())):
            yield _rows(kind, quantity, "events", counts.reindex(ids, fill_value=0))


def _of_staff(ledgers: Ledgers, town: Town, times: GridTimes, on: pd.Timestamp) -> Iterator[pd.DataFrame]:
    if ledgers.staff.empty:
        return
    staff = times.by_grid_id(ledgers.staff[holding(ledgers.staff, on)])
    grid, estate, community = (
        staff["subject_id"].where((staff["subject_type"] == kind).to_numpy(bool)) for kind in SUBJECT_TABLES
    )
    community = community.fillna(grid.map(times.communities)).fillna(estate.map(town.estates["community_id"]))
    posted = staff[["person_id", "staff_role"]].assign(
        grid=grid.to_numpy(), estate=estate.to_numpy(), community=community.to_numpy(), town=town.name
    )
    basic = pd.Index(basic_grids(times, on))
    ids = {"town": pd.Index([town.name]), "community": town.communities.index, "grid": basic}

    of_grids = pd.DataFrame({"grid": basic, "community": times.communities.reindex(basic), "town": town.name})
    dedicated = posted[(posted["staff_role"] == "dedicated").to_numpy(bool) & posted["grid"].isin(basic)]
    served = of_grids[of_grids["grid"].isin(dedicated["grid"]).to_numpy(bool)]
    workers = posted[posted["staff_role"].isin(_COMMUNITY_ROLES).to_numpy(bool)]
    for quantity, unit, rows, counted, kinds in (
        ("grids", "grids", of_grids, "grid", ("town", "community")),
        ("grids_with_worker", "grids", served, "grid", ("town", "community")),
        ("dedicated_workers", "people", dedicated, "person_id", ("town", "community", "grid")),
        ("community_workers", "people", workers, "person_id", ("town", "community")),
    ):
        for name in kinds:
            counts = rows.groupby(name)[counted].nunique().reindex(ids[name], fill_value=0)
            yield _rows(name, quantity, unit, counts)
    named = posted.loc[(posted["staff_role"] == "health_administrator").to_numpy(bool), "estate"]
    estates = town.estates.index.to_series()
    yield _rows("estate", "health_administrator_named", "estates", estates.isin(named).astype(int))


def _of_premises(ledgers: Ledgers, town: Town) -> Iterator[pd.DataFrame]:
    premises = ledgers.premises
    if premises.empty:
        return
    for kind, owner in (
        ("community", premises["community_id"]),
        ("town", pd.Series(town.name, premises.index, dtype="string")),
    ):
        areas = premises.groupby(owner)["floor_area_m2"]
        # An unknown area would make the sum too small, so there is none.
        known = areas.sum().mask(areas.count() < areas.size())
        yield _rows(kind, "community_premises_floor_area", "m2", known)
