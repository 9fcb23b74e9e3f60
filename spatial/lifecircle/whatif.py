"""What-ifs: a coverage after changes, found from the one before by looking only where they reach.

The result equals a coverage measured from scratch.  Changes that an edit of the network cannot follow
(a path that meets a wall, a gate that would be joined elsewhere, tables other than streets, gates,
facilities and services) are measured from scratch, and the outcome says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from spatial.lifecircle.coverage import Assessment, Coverage, Progress
from spatial.lifecircle.places import Places, replaced_facilities
from spatial.lifecircle.survey import Survey
from spatial.network import (
    BARRED,
    CLOSED,
    KINDS,
    STEPS_PER_M,
    Attachments,
    Grown,
    StreetNetwork,
    attach,
    bars,
    close_edges,
    grow,
    open_edges,
)
from spatial.scenario import Change, Scenario, apply, scenario_text
from spatial.search import Homes, Repair, limit_steps
from spatial.town import Town

__all__ = ["Outcome", "try_changes"]

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

# Walks are sums of rounded lengths; no two that are equal differ by more.
_ROUNDING_M = 0.1


@dataclass(frozen=True, eq=False)
class Outcome:
    """What changes do to a coverage.

    Attributes
    ----------
    before, after : the assessments; the second can be the base of further changes
    changes : what was changed
    from_scratch : whether the second was measured anew
    """

    before: Assessment
    after: Assessment
    changes: tuple[Change, ...]
    from_scratch: bool

    def coverage(self, name: str, progress: Progress | None = None) -> Coverage:
        """Write the tables of the coverage after the changes.

        The changes stand in its provenance under ``scenario``: a scenario file with old and new values.
        """
        pace = self.after.pace.name if self.after.pace else None
        scenario = Scenario(name, self.before.town.fingerprint(), self.changes, pace)
        after = self.after.coverage(progress)
        return replace(after, provenance={**after.provenance, "scenario": scenario_text(scenario)})

    def effects(self) -> pd.DataFrame:
        """Return who gains and loses each category within its own limit.

        Returns
        -------
        One row to a category that changes: ``gained`` and ``lost`` buildings, and their households
        (those whose number is known).
        """
        rows = []
        households = np.nan_to_num(self.after.households)
        limits = {
            name: limits[0]
            for assessment in (self.before, self.after)
            for name, limits in zip(assessment.survey.places.categories, assessment.limits, strict=True)
        }
        for name, limit_m in limits.items():
            gained, lost = self.changed(name)
            if gained.any() or lost.any():
                rows.append(
                    {
                        "category": name,
                        "limit_m": limit_m,
                        "gained_buildings": int(gained.sum()),
                        "lost_buildings": int(lost.sum()),
                        "gained_households": round(float(households[gained].sum())),
                        "lost_households": round(float(households[lost].sum())),
                    }
                )
        columns = [
            "category",
            "limit_m",
            "gained_buildings",
            "lost_buildings",
            "gained_households",
            "lost_households",
        ]
        return pd.DataFrame(rows, columns=columns).set_index("category")

    def changed(self, category: str) -> tuple[Flags, Flags]:
        """Return the buildings (b,) of afterwards that gain a category within its own limit or lose it."""
        now = self.after.survey.places.buildings.index
        covered = []
        for assessment in (self.before, self.after):
            places = assessment.survey.places
            within = np.zeros(len(places.buildings), bool)
            if category in places.categories:
                number = places.categories.index(category)
                within = assessment.walks.steps[number] <= limit_steps(assessment.limits[number][0])
            if places.buildings.index is not now and not places.buildings.index.equals(now):
                place = places.buildings.index.get_indexer(now)
                within = np.where(place >= 0, within[place], False)
            covered.append(within)
        return covered[1] & ~covered[0], covered[0] & ~covered[1]


def try_changes(base: Assessment, changes: Sequence[Change], *, pace: str | None = None) -> Outcome:
    """Measure what changes do.

    Parameters
    ----------
    base : the town as it is, measured
    changes : changes of `spatial.scenario`, in order
    pace : pace profile to walk at afterwards; that of the base when None.  At another pace every
        category is searched again, on the network and attachments at hand

    Raises
    ------
    ConflictError
        If an old value of a change no longer holds.
    UsageError
        If there is no pace profile of that name.
    """
    town = apply(base.town, changes) if changes else base.town
    edit = _Edit.of(base, town, changes) if changes else None
    after = edit.measured(town) if edit else base.again(town) if changes else base
    if pace is not None and (base.pace is None or pace != base.pace.name):
        after = after.at_pace(pace)
    return Outcome(base, after, tuple(changes), from_scratch=bool(changes) and edit is None)


@dataclass(frozen=True, eq=False)
class _Edit:
    """A change of network and places.

    Attributes
    ----------
    base : what is changed
    survey : the survey afterwards
    closed, opened : edges of the network before, and of the network after
    moved : facilities whose doors or services have changed, by number
    touched : categories that those offer or offered
    reattached : (b,) buildings whose doors have changed
    """

    base: Assessment
    survey: Survey
    closed: Ints
    opened: Ints
    moved: Ints
    touched: frozenset[int]
    reattached: Flags

    @classmethod
    def of(cls, base: Assessment, town: Town, changes: Sequence[Change]) -> _Edit | None:
        """Derive the edit of changes; None where everything has to be measured anew."""
        paths = _Paths.of(base.survey.network, changes)
        if paths is None:
            return None
        places, shifted = _moved_places(base.survey.places, paths)
        facilities = {
            change.row.partition("/")[0] for change in changes if change.table in ("facilities", "services")
        }
        relocated = {change.row for change in changes if change.table == "facilities"}
        if not all(_leaves(base.town, one, relocated) for one in changes if one.table == "entrances"):
            return None
        if not facilities:
            after = places
        else:
            found = replaced_facilities(places, town, paths.network, sorted(facilities), relocated)
            if found is None:
                return None
            after = found
        after, buildings, moved = _reattached(after, paths)
        after = after.knowing(base.survey.places)
        numbers = after.facilities.index.get_indexer(sorted(facilities))
        moved = np.unique(np.concatenate([moved, shifted, numbers]))
        offers = np.concatenate([base.survey.places.offered, after.offered])
        touched = frozenset(offers[np.isin(offers[:, 0], moved), 1].tolist())
        survey = Survey(paths.network, after).after(
            base.survey, np.concatenate([paths.closed, paths.opened]), np.flatnonzero(buildings), moved
        )
        return cls(base, survey, paths.closed, paths.opened, moved, touched, buildings)

    def measured(self, town: Town) -> Assessment:
        """Return the assessment after the edit."""
        base, survey = self.base, self.survey
        rewired = bool(len(self.closed) or len(self.opened))
        old, new = base.survey.network, survey.network
        regrouped = _Regrouped.of(old, new, survey.homes) if rewired else None
        repair = Repair(old, new, self.closed, self.opened)
        labels = list(base.labels)
        fresh = {}
        for category in range(len(labels)):
            if not rewired and category not in self.touched and not self.reattached.any():
                continue
            relabelled = _none()
            if category in self.touched or repair.concerns(labels[category]):
                gone = base.survey.seeds(category).numbered(self.moved)
                labels[category], relabelled = repair.repaired(
                    labels[category], survey.seeds(category), base.search_m(category), gone
                )
            affected = self._affected(category, relabelled, regrouped)
            if len(affected):
                search_m = base.search_m(category)
                fresh[category] = affected, survey.measure(category, labels[category], search_m, affected)
        walks = base.walks.replaced(fresh)
        changed = np.zeros(len(self.reattached), bool)
        for affected, _ in fresh.values():
            changed[affected] = True
        figures = base.figures.updated(base.walks, walks, np.flatnonzero(changed))
        return replace(base, town=town, survey=survey, labels=tuple(labels), walks=walks, figures=figures)

    def _affected(self, category: int, relabelled: Ints, regrouped: _Regrouped | None) -> Ints:
        """Return the buildings whose walk to a category may have changed, given the nodes whose label has."""
        affected = self.reattached.copy()
        rewired = bool(len(self.closed) or len(self.opened))
        doors = self.survey.homes.doors
        if len(relabelled):
            changed = np.zeros(self.survey.network.node_count, bool)
            changed[relabelled] = True
            affected[doors.owner[changed[doors.node[:, 0]] | changed[doors.node[:, 1]]]] = True
        if rewired:
            affected[self._near_own_services(category)] = True
        if regrouped is not None:
            unreached = self.base.walks.steps[category] == CLOSED
            if not regrouped.nodes[self.survey.services(category).doors.node].any():
                unreached &= regrouped.buildings
            affected |= unreached
        if category in self.touched:
            near = [
                survey.doors_of(self.moved[self.moved < len(survey.places.facilities)]).edge
                for survey in (self.base.survey, self.survey)
            ]
            affected[doors.owner[np.isin(doors.edge, np.concatenate(near))]] = True
            affected |= np.isin(self.base.walks.facility[category], self.moved)
            if not len(self.base.survey.public(category)) or not len(self.survey.public(category)):
                affected[:] = True
            affected |= self.base.walks.steps[category] == CLOSED
        return np.flatnonzero(affected)

    def _near_own_services(self, category: int) -> Ints:
        """Return the buildings whose walk to a service that is kept to their estate may lead by the edit.

        The labels know nothing of such services.  A walk by the edit is no shorter than straight to one of
        its nodes and on to the service.
        """
        survey = self.survey
        if len(survey.public(category)) == len(survey.places.facilities_of(category)):
            return _none()
        goals, estate = survey.estate_services(category)
        xy = survey.network.node_xy
        edges = self.base.survey.network.edge_nodes[self.closed], survey.network.edge_nodes[self.opened]
        at = xy[np.unique(np.concatenate(edges))]
        middle = (at.min(axis=0) + at.max(axis=0)) / 2
        radius_m = np.hypot(*(at - middle).T).max()

        def least_m(nodes: npt.NDArray[np.int32]) -> Any:  # noqa: ANN401 - an array (k,) of metres
            apart_m = np.hypot(*(xy[nodes.ravel()] - middle).T).reshape(-1, 2)
            return np.maximum(apart_m.min(axis=1) - radius_m, 0.0)

        onward_m = np.full(len(survey.places.estates) + 1, np.inf)
        np.minimum.at(onward_m, estate, least_m(goals.doors.node))
        onward_m[-1] = np.inf  # of buildings outside all estates
        onward_m = onward_m[survey.places.estate_number]
        doors = survey.homes.doors
        rows = np.flatnonzero(np.isfinite(onward_m[doors.owner]))
        owner = doors.owner[rows]
        most = self.base.walks.most[category][owner]
        most_m = np.where(most == CLOSED, self.base.search_m(category), most / STEPS_PER_M)
        quickest = self.base.pace.least_factor if self.base.pace else 1.0
        by_edit_m = (least_m(doors.node[rows]) + onward_m[owner]) * quickest
        return np.unique(owner[by_edit_m <= most_m + _ROUNDING_M]).astype(np.int64)


@dataclass(frozen=True, eq=False)
class _Regrouped:
    """What lies in another connected piece of the network after an edit.

    Attributes
    ----------
    nodes : (n,) whether a node does, as the town is or with all walls away; a new one does not
    buildings : (b,) whether a door of a building stands at such a node
    """

    nodes: Flags
    buildings: Flags

    @classmethod
    def of(cls, before: StreetNetwork, after: StreetNetwork, homes: Homes) -> _Regrouped | None:
        """Compare two networks; None where all pieces are the same."""
        nodes = np.zeros(after.node_count, bool)
        there = slice(before.node_count)
        for old, new in (
            (before.component, after.component),
            (before.lifted_component, after.lifted_component),
        ):
            if old is not new:
                nodes[there] |= old != new[there]
        if not nodes.any():
            return None
        buildings = np.zeros(len(homes.first) - 1, bool)
        buildings[homes.doors.owner[nodes[homes.doors.node].any(axis=1)]] = True
        return cls(nodes, buildings)


@dataclass(frozen=True, eq=False)
class _Paths:
    """The network after changes of gates and streets.

    Attributes
    ----------
    network : the network
    closed : edges of the old network that can no longer be walked
    opened : edges of the new network that could not be walked before
    grown : the steps by which paths were added
    lines : lines of the paths added
    """

    network: StreetNetwork
    closed: Ints
    opened: Ints
    grown: tuple[Grown, ...]
    lines: tuple[shapely.LineString, ...]

    @classmethod
    def of(cls, network: StreetNetwork, changes: Sequence[Change]) -> _Paths | None:
        """Follow the changes of gates and streets; None where only building anew will do."""
        streets = [one for one in changes if one.table == "streets"]
        added = [one for one in streets if one.old is None]
        lost = [one for one in streets if _closes(one)]
        bent = [one for one in streets if one.old is not None and not _closes(one)]
        gates = [one for one in changes if one.table == "gates"]
        joints = _new_vertices(bent)
        known = {"streets", "gates", "facilities", "services", "entrances"}
        # Closing and adding at once is rare, and an added path may lie where one was lost.
        if joints is None or (added and lost) or any(one.table not in known for one in changes):
            return None
        if any(set(one.new or {}) != {"open"} for one in gates):
            return None
        edit = cls(network, _none(), _none(), (), ())
        for change in gates:
            edit = edit._with_gate(change)
        for change in lost:
            barred = bars(edit.network, edit.network.streets.numbers_of([change.row]))
            shut = close_edges(edit.network, barred, BARRED)
            edit = replace(edit, network=shut, closed=np.append(edit.closed, barred))
        for change in added:
            step = _grow(edit.network, change, joints)
            if step is None:
                return None
            opened = np.arange(step.pieces[0], len(step.network.length_m))
            line: Any = shapely.from_wkt((change.new or {})["geometry"])
            # A piece that is cut again stands for the edge of before that it comes from.
            former = np.concatenate([one.split for one in (*edit.grown, step)])
            repriced = former if (step.repriced >= len(network.length_m)).any() else step.repriced
            edit = replace(
                edit,
                network=step.network,
                closed=np.append(edit.closed, repriced[repriced < len(network.length_m)]),
                opened=np.append(edit.opened, opened),
                grown=(*edit.grown, step),
                lines=(*edit.lines, line),
            )
        return edit

    def _with_gate(self, change: Change) -> _Paths:
        edges = self.network.edges_of_gate(change.row)
        shut = self.network.closed_by[edges] > 0
        if (change.new or {})["open"] is not False:
            network = open_edges(self.network, edges[shut])
            return replace(self, network=network, opened=np.append(self.opened, edges[shut]))
        network = close_edges(self.network, edges[~shut], KINDS.index("gate"))
        return replace(self, network=network, closed=np.append(self.closed, edges[~shut]))


def _none() -> Ints:
    return np.zeros(0, np.int64)


def _closes(change: Change) -> bool:
    """Return whether a change closes a street."""
    return (
        change.table == "streets"
        and change.old is not None
        and dict(change.new or {}) == {"access": "closed"}
    )


def _new_vertices(changes: Sequence[Change]) -> npt.NDArray[np.float64] | None:
    """Return the vertices that streets have got without changing their course; None where one did change."""
    vertices = [np.zeros((0, 2))]
    for change in changes:
        if set(change.new or {}) != {"geometry"}:
            return None
        old, new = (shapely.from_wkt((values or {})["geometry"]) for values in (change.old, change.new))
        if shapely.hausdorff_distance(old, new) > 1e-6:
            return None
        before = {tuple(one) for one in shapely.get_coordinates(old)}
        vertices.append(
            np.array([one for one in shapely.get_coordinates(new) if tuple(one) not in before]).reshape(-1, 2)
        )
    return np.concatenate(vertices)


def _grow(network: StreetNetwork, change: Change, joints: npt.NDArray[np.float64]) -> Grown | None:
    """Add the path of a change; None where only building anew will do."""
    values = dict(change.new or {})
    line = shapely.from_wkt(values.pop("geometry"))
    over = bool(values.pop("bridge", False)) | bool(values.pop("tunnel", False))
    plain = values.pop("class", "footway") == "footway" and values.pop("role", "walk") in ("walk", "both")
    if values.keys() - {"name", "layer"} or not plain or line.geom_type != "LineString":
        return None
    return grow(network, change.row, line, joints, passes_over=over)


def _leaves(town: Town, change: Change, relocated: set[str]) -> bool:
    """Return whether a change takes away the entrance of a facility that moves, and of nothing else."""
    entrances = town.layer("entrances")
    if change.new is not None or change.row not in entrances.index:
        return False
    row = entrances.loc[change.row]
    return bool(pd.isna(row["building_id"])) and row["facility_id"] in relocated


def _moved_places(places: Places, paths: _Paths) -> tuple[Places, Ints]:
    """Return the places with attachments moved to the pieces of split edges, and the facilities concerned.

    The walks from these to the ends of the old edge may differ by the rounding of a step.
    """
    shifted = _none()
    for step in paths.grown:
        ways = places.facility_ways
        on_split = places.facility_of[ways.point[np.isin(ways.edge, step.split)]]
        shifted = np.append(shifted, on_split)
        places = replace(
            places,
            building_ways=step.moved(places.building_ways),
            facility_ways=step.moved(ways),
        )
    return places, shifted


def _reattached(places: Places, paths: _Paths) -> tuple[Places, Flags, Ints]:
    """Attach the points anew that got a new street near; say whose they are."""
    buildings = np.zeros(len(places.buildings), bool)
    moved = np.zeros(0, np.int64)
    if not paths.lines:
        return places, buildings, moved
    homes = _concerned(places.building_ways, places.building_xy, paths)
    shops = _concerned(places.facility_ways, places.facility_xy, paths)
    buildings[places.building_of[homes]] = True
    moved = np.unique(places.facility_of[shops])
    after = replace(
        places,
        building_ways=places.building_ways.with_points(
            homes, attach(paths.network, places.building_xy[homes])
        ),
        facility_ways=places.facility_ways.with_points(
            shops, attach(paths.network, places.facility_xy[shops])
        ),
    )
    return after, buildings, moved


def _concerned(ways: Attachments, xy: npt.NDArray[np.float64], paths: _Paths) -> Ints:
    """Return the points so near a new path that it may be one of their candidates."""
    rules = paths.network.rules
    concerned = np.zeros(len(xy), bool)
    reach_m = np.full(len(xy), rules.max_access_m)
    # Any street in town comes before an islet, and before the straight way to a gate.
    network = paths.network
    used = (ways.rank == 0) & ~network.is_islet[ways.edge] & (network.gate[ways.edge] < 0)
    reach_m[ways.point[used]] = np.minimum(ways.access_m[used] + rules.ambiguity_m, rules.max_access_m)
    for line in paths.lines:
        west, south, east, north = line.bounds
        beyond = np.maximum(np.array([west, south]) - xy, xy - np.array([east, north])).max(axis=1)
        near = np.flatnonzero(beyond <= reach_m)
        place = np.asarray(shapely.points(xy[near]), object)
        concerned[near[shapely.distance(place, line) <= reach_m[near]]] = True
    return np.flatnonzero(concerned)
