"""Rows of ledgers for the tests: postings, events and household classes, made up and seeded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from spatial.grids import Plan
from spatial.ledgers import Ledgers, make_ledgers
from spatial.town import Town
from tests.towns import STEP_M

AS_OF = "2024-12-31"


def ledgers(**tables: pd.DataFrame) -> Ledgers:
    """Return ledgers of some tables, as of the last day of 2024."""
    return make_ledgers(tables, {"as_of": AS_OF, "synthetic": "true"})


def postings(*rows: tuple[str, str, str, str], **more: object) -> pd.DataFrame:
    """Return postings: person, role, kind of subject, subject; more columns by name."""
    columns = ["person_id", "staff_role", "subject_type", "subject_id"]
    return pd.DataFrame(rows, columns=columns).assign(**more)


def one_worker_each(grids: Sequence[str], workers: int) -> pd.DataFrame:
    """Return postings of dedicated workers: every grid has one, the rest are second workers of the first."""
    return postings(
        *((f"P{number:05}", "dedicated", "grid", grids[number % len(grids)]) for number in range(workers))
    )


def events(
    places: Sequence[str],
    count: int,
    closed: int,
    rng: np.random.Generator,
    *,
    reopened: int = 0,
    undated: int = 0,
    unlocated: int = 0,
) -> pd.DataFrame:
    """Return events at buildings over a year, of which so many are closed.

    Of the open ones ``reopened`` were closed and reopened; as many of the closed ones were reopened and
    closed again.  ``undated`` have no date of report, ``unlocated`` no place.
    """
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 330, count), unit="D")
    frame = pd.DataFrame(
        {
            "event_id": [f"E{number:06}" for number in range(count)],
            "event_category": rng.choice(["repairs", "noise", "dispute"], count),
            "building_id": rng.choice(np.asarray(places, object), count),
            "reported_on": day.strftime("%Y-%m-%d"),
            "closed_on": pd.Series(pd.NA, range(count), dtype="object"),
            "reopened_on": pd.Series(pd.NA, range(count), dtype="object"),
        }
    )
    order = rng.permutation(count)
    done, still_open = order[:closed], order[closed:]
    frame.loc[done, "closed_on"] = (day[done] + pd.Timedelta(days=20)).strftime("%Y-%m-%d")
    again, back = done[:reopened], still_open[:reopened]
    frame.loc[again, "reopened_on"] = (day[again] + pd.Timedelta(days=9)).strftime("%Y-%m-%d")
    frame.loc[back, "closed_on"] = (day[back] + pd.Timedelta(days=5)).strftime("%Y-%m-%d")
    frame.loc[back, "reopened_on"] = (day[back] + pd.Timedelta(days=9)).strftime("%Y-%m-%d")
    frame.loc[rng.permutation(count)[:undated], "reported_on"] = None
    frame.loc[rng.permutation(count)[:unlocated], "building_id"] = None
    return frame


def household_rows(counts: pd.DataFrame) -> pd.DataFrame:
    """Return one row to a household and a class, for counts of communities × classes."""
    long = counts.rename_axis("community_id").reset_index().melt("community_id", value_name="households")
    rows = long.loc[long.index.repeat(long["households"])]
    return pd.DataFrame(
        {
            "household_id": [f"H{number}" for number in range(len(rows))],
            "community_id": rows["community_id"].to_numpy(),
            "household_class": rows["variable"].to_numpy(),
        }
    )


def plan_of(town: Town, grid_of: Mapping[str, str], **special: str) -> Plan:
    """Return a plan by building: the grids are the squares of their buildings.

    Parameters
    ----------
    grid_of : grid_id by building_id
    special : kind of a grid that is not basic, by grid_id
    """
    assignment = pd.DataFrame(
        {"building_id": list(grid_of), "grid_id": list(grid_of.values())}, dtype="string"
    )
    buildings = town.buildings.loc[assignment["building_id"].to_list()]
    square = buildings.geometry.centroid.buffer(STEP_M / 2, cap_style="square")
    own = gpd.GeoDataFrame(
        {"grid_id": assignment["grid_id"].to_numpy(), "community_id": buildings["community_id"].to_numpy()},
        geometry=square.to_numpy(),
        crs=town.crs,
    )
    grids = own.dissolve("grid_id").assign(
        households=buildings["households"].groupby(assignment["grid_id"].to_numpy()).sum(), level=2
    )
    grids["code"] = "code-" + grids.index
    grids["kind"] = [special.get(one, "basic") for one in grids.index]
    return Plan(grids, assignment, pd.DataFrame())
