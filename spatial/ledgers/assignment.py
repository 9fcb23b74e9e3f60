"""Assignment help: workers or officials to the grids of a plan, by walking distance and load."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.errors import KnowledgeError, UsageError
from spatial.findings import Finding, Report, Severity
from spatial.grids import Plan
from spatial.ledgers.ledger import Ledgers, make_ledgers
from spatial.ledgers.matching import Matching, Shortage, match
from spatial.ledgers.periods import LAST_DAY, holding, reference_day
from spatial.ledgers.places import grid_times, points_of
from spatial.network import StreetNetwork, attach, build_network
from spatial.search import Doors, matrix
from spatial.town import Town

__all__ = ["AssignmentRules", "WorkerAssignment", "assign_workers", "reposted", "workers_of", "workers_today"]

Floats = NDArray[np.float64]
_NAMED = 5
_BASE = ("building_id", "longitude", "latitude")


@dataclass(frozen=True)
class AssignmentRules:
    """What an assignment of workers keeps to.

    Attributes
    ----------
    most_grids : grids that one worker may hold, unless the row of the worker says otherwise
    most_households : households that one worker may hold, None for any number
    walk_limit_m : longest walk from the worker's base to the middle of a grid, metres; None for any
    change_worth_m : metres of walk that a change of worker must save; None keeps today's worker wherever
        that is possible
    time_limit_s : wall seconds, where loads of several grids add up; None for no limit
    """

    most_grids: int = 1
    most_households: float | None = None
    walk_limit_m: float | None = None
    change_worth_m: float | None = None
    time_limit_s: float | None = None


@dataclass(frozen=True, eq=False)
class WorkerAssignment:
    """A proposal of workers for grids.

    Attributes
    ----------
    table : by grid_id: person_id, walk_m, households, previous_person_id, changed; empty when there is none
    grids : all grids of the plan, by grid_id
    loads : by person_id: grids, households, walk_m; every worker, also one without a grid
    matching : status, changes and walks with their bounds, the witness of infeasibility
    report : who cannot be placed on the streets, why there is no assignment, who is left over
    """

    table: pd.DataFrame
    grids: pd.DataFrame
    loads: pd.DataFrame
    matching: Matching
    report: Report


def workers_of(
    ledgers: Ledgers, town: Town, plan: Plan, *, role: str = "dedicated", day: pd.Timestamp | None = None
) -> pd.DataFrame:
    """Return who may be assigned: who holds a role on a day, with the base, one row to a person.

    A recruit who has no grid yet is posted to the community.  Who holds a special grid stays there and is
    left out.
    """
    times = grid_times(town, plan)
    rows = times.by_grid_id(_held(ledgers, role, day))
    special = times.grids.loc[(times.grids["kind"] == "special").to_numpy(bool), "grid_id"]
    stays = (rows["subject_type"] == "grid") & rows["subject_id"].isin(special)
    bound = rows.loc[stays.to_numpy(bool), "person_id"]
    free = rows[~rows["person_id"].isin(bound).to_numpy(bool)]
    # What is known of a person's base may stand in one of several rows.
    return free.groupby("person_id")[list(_BASE)].first().reset_index()


def workers_today(
    ledgers: Ledgers, town: Town, plan: Plan, *, role: str = "dedicated", day: pd.Timestamp | None = None
) -> pd.Series:
    """Return the person who holds each grid in a role on a day, by grid_id; of several the first by id."""
    rows = grid_times(town, plan).by_grid_id(_held(ledgers, role, day))
    held = rows[((rows["subject_type"] == "grid") & rows["subject_id"].isin(plan.grids.index)).to_numpy(bool)]
    first = held.sort_values("person_id").drop_duplicates("subject_id")
    return first.set_index("subject_id")["person_id"].rename_axis("grid_id")


def _held(ledgers: Ledgers, role: str, day: pd.Timestamp | None) -> pd.DataFrame:
    staff = ledgers.staff[holding(ledgers.staff, day if day is not None else reference_day(ledgers))]
    return staff[(staff["staff_role"] == role).to_numpy(bool)]


def reposted(
    ledgers: Ledgers,
    assignment: WorkerAssignment,
    *,
    role: str = "dedicated",
    day: pd.Timestamp | None = None,
) -> Ledgers:
    """Return ledgers in which a proposal holds from the day after a day.

    On the day the postings to grids end of who is proposed for other grids, of who is followed by somebody
    else, and of grids that are no more; a further worker of a grid stays.  New postings begin on the day
    after.  No row is lost, and a proposal without an assignment changes nothing.

    Raises
    ------
    UsageError
        If no day is given and the ledgers tell none.
    """
    last = day if day is not None else reference_day(ledgers)
    if last == LAST_DAY:
        raise UsageError("ledgers.day_unknown")
    table, staff = assignment.table, ledgers.staff
    if table.empty:
        return ledgers
    coded = assignment.grids["code"].dropna()
    codes = pd.Series(coded.index, pd.Index(coded), dtype="string")
    held = holding(staff, last) & (staff["staff_role"] == role).to_numpy(bool)
    held &= (staff["subject_type"] == "grid").to_numpy(bool)
    named = staff["subject_id"].map(codes).fillna(staff["subject_id"])
    posted = pd.MultiIndex.from_arrays([staff["person_id"], named])
    wanted = pd.MultiIndex.from_arrays([table["person_id"], table.index])
    followed = pd.MultiIndex.from_arrays([table["previous_person_id"], table.index])
    confirmed = held & posted.isin(wanted)
    leaves = (
        staff["person_id"].isin(table["person_id"])
        | posted.isin(followed)
        | ~named.isin(assignment.grids.index)
    )
    ended = held & ~confirmed & leaves.to_numpy(bool)
    kept = staff.assign(valid_to=staff["valid_to"].mask(ended, str(last.date())))
    known = staff.groupby("person_id")[["name", "phone", "public_contact", *_BASE]].first()
    fresh = table[~wanted.isin(posted[confirmed])].reset_index()[["person_id", "grid_id"]]
    rows = fresh.rename(columns={"grid_id": "subject_id"}).join(known, on="person_id")
    first = str((last + pd.Timedelta(days=1)).date())
    rows = rows.assign(staff_role=role, subject_type="grid", valid_from=first)
    return make_ledgers(
        {**ledgers.tables, "staff": pd.concat([kept, rows], ignore_index=True)}, ledgers.provenance
    )


def assign_workers(
    town: Town,
    plan: Plan,
    workers: pd.DataFrame,
    *,
    today: pd.Series | None = None,
    rules: AssignmentRules | None = None,
    network: StreetNetwork | None = None,
) -> WorkerAssignment:
    """Propose one worker for every basic grid of a plan.

    The walk goes over the streets from the worker's base to the middle of the grid: the building to which
    the other households of the grid have the least straight way together.

    Parameters
    ----------
    town : streets, estates and buildings
    plan : the grids
    workers : person_id, and the base as ``x`` and ``y`` (CRS of the town), ``longitude`` and ``latitude``, or
        ``building_id``; ``most_grids`` and ``most_households`` of a row go before the rules
    today : person_id by grid_id (`workers_today`); None for nobody
    rules : `AssignmentRules`
    network : the walking network, built from the town when None

    Raises
    ------
    UsageError
        If a worker has no id or no base, or an id stands twice.
    KnowledgeError
        If households of a grid are unknown where their number is limited.
    """
    keep_to = rules or AssignmentRules()
    people = workers.reset_index(drop=workers.index.name != "person_id")
    base = _bases(people, town)
    grids = plan.grids[
        (plan.grids["kind"] != "special").to_numpy(bool) & (plan.grids["level"] != 1).to_numpy(bool)
    ]
    load = grids["households"].to_numpy(float, na_value=np.nan)
    most_load = _limits(people, "most_households", keep_to.most_households)
    if np.isfinite(most_load).any() and np.isnan(load).any():
        raise KnowledgeError(
            "ledgers.grid_households_unknown", table="grids", ids=list(grids.index[np.isnan(load)])
        )
    middle = _middles(town, plan, grids)
    walk_m, unplaced = _walks(network or build_network(town), middle, base, keep_to.walk_limit_m)
    numbers = pd.Index(people["person_id"])
    before = (today if today is not None else pd.Series(dtype="string")).reindex(grids.index)
    place = numbers.get_indexer(pd.Index(before))
    # One who is gone cannot stay: whoever follows is a change, and no choice avoids it.
    matching = match(
        walk_m,
        np.nan_to_num(load),
        most_grids=_limits(people, "most_grids", float(keep_to.most_grids)).astype(np.int64),
        most_load=most_load,
        today=place.astype(np.int64),
        change_worth_m=keep_to.change_worth_m,
        time_limit_s=keep_to.time_limit_s,
    )
    table = _table(grids, numbers, before, walk_m, matching)
    loads = _loads(table, numbers)
    findings = []
    if unplaced.any():
        findings.append(_of_workers(Severity.WARNING, "worker_off_streets", numbers[unplaced], numbers))
    if matching.shortage is not None:
        findings.append(_short(matching.shortage, grids.index, numbers))
    idle = loads.index[(loads["grids"] == 0).to_numpy(bool)]
    if matching.worker is not None and len(idle):
        findings.append(_of_workers(Severity.NOTE, "workers_left_over", idle, numbers))
    return WorkerAssignment(table, pd.DataFrame(plan.grids), loads, matching, Report(tuple(findings)))


def _of_workers(severity: Severity, rule: str, some: pd.Index, every: pd.Index) -> Finding:
    return Finding.of(severity, f"ledgers.{rule}", "workers", some, count=len(some), of=len(every))


def _bases(people: pd.DataFrame, town: Town) -> NDArray[np.object_]:
    """Return the point of each worker's base."""
    if "person_id" not in people.columns or people["person_id"].isna().any():
        raise UsageError("ledgers.worker_without_id")
    twice = people["person_id"].duplicated()
    if twice.any():
        raise UsageError("ledgers.worker_twice", ids=list(people.loc[twice, "person_id"]))
    points = points_of(people, town.crs)
    if "building_id" in people.columns:
        at = town.buildings.index.get_indexer(pd.Index(people["building_id"]))
        centres = shapely.centroid(town.buildings.geometry.to_numpy())
        points = np.where((points == None) & (at >= 0), centres[at], points)  # noqa: E711 - element by element
    without = np.array([one is None for one in points], bool)
    if without.any():
        raise UsageError("ledgers.worker_without_base", ids=list(people.loc[without, "person_id"]))
    return points


def _limits(people: pd.DataFrame, column: str, usual: float | None) -> Floats:
    limit = np.inf if usual is None else usual
    if column not in people.columns:
        return np.full(len(people), limit)
    return np.asarray(people[column].astype("Float64").fillna(limit).to_numpy(float), np.float64)


def _walks(
    network: StreetNetwork, middles: NDArray[np.object_], base: NDArray[np.object_], limit_m: float | None
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the walks (grids × workers), infinite beyond the limit, and whose base reaches no street."""
    middle, bases = shapely.get_coordinates(middles), shapely.get_coordinates(base)
    everything = np.concatenate([middle, bases, network.node_xy])
    across_m = float(np.ptp(everything, axis=0).sum())
    # No shortest walk is longer than all streets together, and hardly one several times across the town.
    search_m = (
        limit_m if limit_m is not None else min(10 * across_m, float(network.length_m.sum()) + across_m)
    )
    at_grid, at_base = attach(network, middle), attach(network, bases)
    found = matrix(
        network,
        Doors.of(network, at_base.chosen(at_base.rank == 0)),
        Doors.of(network, at_grid.chosen(at_grid.rank == 0)),
        search_m,
        demand_count=len(bases),
        site_count=len(middle),
    ).tocoo()
    walk_m: Floats = np.full((len(middle), len(bases)), np.inf)
    walk_m[found.col, found.row] = found.data
    unplaced: NDArray[np.bool_] = ~np.isin(np.arange(len(bases)), at_base.point)
    return walk_m, unplaced


def _middles(town: Town, plan: Plan, grids: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Return the middle building of each grid as a point; of a grid without households a point inside."""
    buildings = town.buildings
    centre = shapely.centroid(buildings.geometry.to_numpy())
    households = buildings["households"].to_numpy(float, na_value=0.0)
    rows = plan.assignment.drop_duplicates(["building_id", "grid_id"])
    at = buildings.index.get_indexer(pd.Index(rows["building_id"]))
    lived_in = (at >= 0) & (households[at] > 0) & ~shapely.is_missing(centre[at])
    members = pd.Series(at[lived_in]).groupby(rows["grid_id"].to_numpy(object)[lived_in]).agg(list)
    points = np.asarray(shapely.point_on_surface(grids.geometry.to_numpy()), object)
    for place, grid_id in enumerate(grids.index):
        if grid_id in members.index:
            own = np.array(members[grid_id])
            xy = shapely.get_coordinates(centre[own])
            apart = np.hypot(*(xy[:, None, :] - xy[None, :, :]).transpose(2, 0, 1))
            points[place] = centre[own[(apart @ households[own]).argmin()]]
    return points


def _short(shortage: Shortage, grids: pd.Index, numbers: pd.Index) -> Finding:
    return Finding.of(
        Severity.ERROR,
        f"ledgers.too_few_{shortage.kind}",
        "grids",
        grids[shortage.grids],
        grids=len(shortage.grids),
        workers=len(shortage.workers),
        capacity=shortage.capacity,
        lacking=shortage.lacking,
        named="、".join(str(one) for one in numbers[shortage.workers][:_NAMED]) or "—",
    )


def _table(
    grids: gpd.GeoDataFrame, numbers: pd.Index, before: pd.Series, walk_m: Floats, matching: Matching
) -> pd.DataFrame:
    columns = ["person_id", "walk_m", "households", "previous_person_id", "changed"]
    if matching.worker is None:
        return pd.DataFrame(columns=columns, index=pd.Index([], name="grid_id"))
    person = pd.Series(numbers[matching.worker], grids.index, dtype="string")
    previous = before.astype("string")
    values = (
        person,
        walk_m[np.arange(len(grids)), matching.worker],
        grids["households"],
        previous,
        (previous.notna() & (previous != person)).to_numpy(bool),
    )
    return pd.DataFrame(dict(zip(columns, values, strict=True)), index=grids.index)


def _loads(table: pd.DataFrame, numbers: pd.Index) -> pd.DataFrame:
    held = table.groupby("person_id")
    households = held["households"].sum().mask(held["households"].count() < held.size())
    sums = pd.DataFrame({"grids": held.size(), "households": households, "walk_m": held["walk_m"].sum()})
    loads = sums.reindex(numbers.rename("person_id")).astype({"grids": "Int64"})
    idle = loads["grids"].isna()
    return loads.mask(idle, 0)
