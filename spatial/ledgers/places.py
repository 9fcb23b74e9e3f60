"""Places: which grid and which community an event lay in, on the day it was reported.

The grid that the row itself names goes first; else the building's grid, else the polygon around the
point.  Assignments and grids that carry ``valid_from`` and ``valid_to`` answer for their days alone, so
that an event of March keeps its grid of March after a redrawing in June (`plan_over_time`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from spatial.errors import UsageError
from spatial.grids import Plan, assignment_of_today
from spatial.ledgers.ledger import Ledgers
from spatial.ledgers.periods import moments, periods
from spatial.town import Town

__all__ = ["GridTimes", "grid_times", "locate_events", "plan_over_time", "points_of"]

_GEOGRAPHIC = "EPSG:4490"


@dataclass(frozen=True, eq=False)
class GridTimes:
    """Grids and the buildings in them, each row with the days it holds.

    Attributes
    ----------
    grids : grid_id, code, community_id, kind, starts, ends, geometry; a grid may have several rows
    assignment : building_id, grid_id, starts, ends; a building split by stairwells has several rows
    """

    grids: gpd.GeoDataFrame
    assignment: pd.DataFrame

    @property
    def communities(self) -> pd.Series:
        """Community of each grid by its id."""
        known = self.grids.drop_duplicates("grid_id")
        return pd.Series(known.set_index("grid_id")["community_id"])

    def named(self, texts: pd.Series) -> pd.Series:
        """Return the grid that each text names, by id or by code; null for none."""
        ids = self.grids["grid_id"].drop_duplicates()
        coded = self.grids.dropna(subset=["code"]).drop_duplicates("code").set_index("code")["grid_id"]
        by_id: pd.Series = texts.where(texts.isin(ids))
        return by_id.fillna(texts.map(coded).astype("string"))

    def by_grid_id(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows with a subject in which a grid goes by its id, also where the ledger has its code."""
        grid = self.named(rows["subject_id"]).where((rows["subject_type"] == "grid").to_numpy(bool))
        return rows.assign(subject_id=grid.fillna(rows["subject_id"]))


def plan_over_time(plans: Mapping[str, Plan]) -> Plan:
    """Return plans that followed one another as one plan whose rows carry their days.

    Parameters
    ----------
    plans : each plan by the first day it held, such as ``2024-06-01``; it held until the next began

    Examples
    --------
    >>> plan_over_time({"2023-01-01": first, "2024-06-01": second})  # doctest: +SKIP
    """
    if not plans:
        raise UsageError("ledgers.no_plans")
    days = sorted(plans)
    ends = [*(str((pd.Timestamp(day) - pd.Timedelta(days=1)).date()) for day in days[1:]), None]
    grids, assignments = [], []
    for day, end in zip(days, ends, strict=True):
        dates = {"valid_from": day, "valid_to": end}
        grids.append(plans[day].grids.assign(**dates))
        assignments.append(plans[day].assignment.assign(**dates))
    last = plans[days[-1]]
    return Plan(
        gpd.GeoDataFrame(pd.concat(grids)),
        pd.concat(assignments, ignore_index=True),
        last.certificates,
        last.rules,
        last.provenance,
    )


def grid_times(town: Town, plan: Plan | None = None) -> GridTimes:
    """Return the grids of a plan, or those of today in the town, with the days they hold.

    Parent grids are left out.  A town without grids has none.
    """
    grids, assignment = _of_today(town) if plan is None else (plan.grids, plan.assignment)
    if "level" in grids.columns:
        grids = grids.loc[~grids["level"].eq(1).fillna(value=False).to_numpy(bool)]
    rows = _dated(pd.DataFrame(grids).reset_index(), ("grid_id", "code", "community_id", "kind", "geometry"))
    return GridTimes(gpd.GeoDataFrame(rows, crs=grids.crs), _dated(assignment, ("building_id", "grid_id")))


def _of_today(town: Town) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    grids = town.layer("grids")
    if grids.empty:
        return grids, pd.DataFrame({"building_id": [], "grid_id": []}, dtype="string")
    dates = grids[["valid_from", "valid_to"]]
    return grids, assignment_of_today(town).assignment.join(pd.DataFrame(dates), on="grid_id")


def _dated(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    rows = table.reset_index(drop=True)
    for name in ("valid_from", "valid_to"):
        if name not in rows.columns:
            rows = rows.assign(**{name: pd.Series(pd.NA, index=rows.index, dtype="string")})
    dates = rows[["valid_from", "valid_to"]].astype("string")
    kept = rows[list(columns)].astype({name: "string" for name in columns if name != "geometry"})
    return kept.join(periods(dates))


def locate_events(ledgers: Ledgers, town: Town, plan: Plan | None = None) -> pd.DataFrame:
    """Return the place, the month and the state of every event, by event_id.

    Columns: ``grid_id``, ``community_id`` (null where the place is unknown or not in one grid alone),
    ``located_by`` (grid, building, point, or null), ``reported`` (a moment, NaT where undated), ``month``
    (``2024-06``, null where undated), ``closed`` (closed, and not reopened since), ``reopened`` (at least
    once).  An event closed and reopened at the same moment, as far as the dates tell, is open.
    """
    events, times = ledgers.events, grid_times(town, plan)
    reported, closed, reopened = (
        moments(events[name]) for name in ("reported_on", "closed_on", "reopened_on")
    )
    points = points_of(events, town.crs)
    day = pd.Series(reported.dt.floor("D").to_numpy(), name="day")
    by_building = times.assignment.rename(columns={"grid_id": "place"})
    number = pd.Series(np.arange(len(events)), name="event")
    in_building = pd.DataFrame({"event": number, "building_id": events["building_id"].to_numpy()}).merge(
        by_building, on="building_id"
    )
    event, polygon = shapely.STRtree(times.grids.geometry.to_numpy()).query(points, predicate="intersects")
    around = times.grids.iloc[polygon][["grid_id", "starts", "ends"]].rename(columns={"grid_id": "place"})
    at_point = around.assign(event=event)
    found = {
        "grid": times.named(events["grid_id"]).reset_index(drop=True),
        "building": _only_place(in_building, day, len(events)),
        "point": _only_place(at_point, day, len(events)),
    }
    grid = pd.Series(pd.NA, index=number, dtype="string")
    located_by = grid.copy()
    for way, place in found.items():
        fresh = grid.isna() & place.notna()
        grid, located_by = grid.where(~fresh, place), located_by.where(~fresh, way)
    community = grid.map(times.communities).astype("string")
    community = community.fillna(_communities_apart(events, points, town))
    return pd.DataFrame(
        {
            "grid_id": grid.to_numpy(),
            "community_id": community.to_numpy(),
            "located_by": located_by.to_numpy(),
            "reported": reported.to_numpy(),
            "month": reported.dt.strftime("%Y-%m").astype("string").to_numpy(),
            "closed": (closed.notna() & (reopened.isna() | (closed > reopened))).to_numpy(bool),
            "reopened": reopened.notna().to_numpy(bool),
        },
        index=events.index,
    ).astype({"grid_id": "string", "community_id": "string", "located_by": "string", "month": "string"})


def points_of(rows: pd.DataFrame, crs: pyproj.CRS) -> NDArray[np.object_]:
    """Return the points of rows in the reference system of the town, None where there is none.

    ``x`` and ``y`` are in that system; else ``longitude`` and ``latitude`` in CGCS2000 (or WGS 84, which here is
    the same).  Each of the columns may be absent.
    """
    x, y, longitude, latitude = (
        rows[name].to_numpy(float, na_value=np.nan).copy()
        if name in rows.columns
        else np.full(len(rows), np.nan)
        for name in ("x", "y", "longitude", "latitude")
    )
    geographic = np.isnan(x) & ~np.isnan(longitude)
    if geographic.any():
        transformer = pyproj.Transformer.from_crs(_GEOGRAPHIC, crs, always_xy=True)
        x[geographic], y[geographic] = transformer.transform(longitude[geographic], latitude[geographic])
    known = np.isfinite(x) & np.isfinite(y)
    points = np.full(len(rows), None, dtype=object)
    points[known] = shapely.points(x[known], y[known])
    return points


def _only_place(rows: pd.DataFrame, day: pd.Series, count: int) -> pd.Series:
    """Return the one place of each event on its day; null where there is none or several.

    Parameters
    ----------
    rows : event, place, starts, ends
    day : day of each event; on an unknown day every row counts
    """
    on = day.reindex(rows["event"]).to_numpy()
    held = np.isnat(on) | ((rows["starts"].to_numpy() <= on) & (on <= rows["ends"].to_numpy()))
    places = rows[held].groupby("event")["place"]
    first, different = places.first(), places.nunique().to_numpy()
    only: pd.Series = first[different == 1].reindex(range(count)).astype("string")
    return only


def _communities_apart(events: pd.DataFrame, points: NDArray[np.object_], town: Town) -> pd.Series:
    """Return the community of the building or around the point of each event."""
    of_building = events["building_id"].map(town.buildings["community_id"]).astype("string")
    event, community = shapely.STRtree(town.communities.geometry.to_numpy()).query(
        points, predicate="intersects"
    )
    names = town.communities.index.to_series().iloc[community]
    around = pd.Series(names.to_numpy(), index=event, dtype="string")
    around = around[~around.index.duplicated()].reindex(range(len(events)))
    return of_building.reset_index(drop=True).fillna(around)
