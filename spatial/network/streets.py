"""The walking network of a town: a network whose edges know their streets, walls and gates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from spatial.findings import Finding, Report, Severity
from spatial.network.cost import CLOSED
from spatial.network.graph import Network, Numbers
from spatial.network.noding import Ints, Lines
from spatial.network.walkability import Walkability
from spatial.network.walls import BARRED, KINDS, Walls

Floats = npt.NDArray[np.float64]

__all__ = ["EdgeLines", "StreetFacts", "StreetNetwork"]


@dataclass(frozen=True, eq=False)
class _Run:
    """The lines of edges that were made together.

    Attributes
    ----------
    first : number of the first of them
    lines : (k,) their lines; None for a joint, which has no extent
    """

    first: int
    lines: Lines

    @property
    def stop(self) -> int:
        """One past the number of the last."""
        return self.first + len(self.lines)

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Search tree over the lines; joints are not in it."""
        return shapely.STRtree(self.lines)


@dataclass(frozen=True, eq=False)
class EdgeLines:
    """The lines of the edges, by number, and the edges near points.

    Edges added to a network stand in runs of their own: a large network is never copied for a path.

    Attributes
    ----------
    runs : consecutive runs of edges
    """

    runs: tuple[_Run, ...]

    @classmethod
    def of(cls, lines: Lines) -> EdgeLines:
        """Hold the lines of edges; None for a joint."""
        return cls((_Run(0, lines),))

    def with_more(self, lines: Lines) -> EdgeLines:
        """Return the lines with further ones at the end."""
        return EdgeLines((*self.runs, _Run(len(self), lines)))

    def __len__(self) -> int:
        return self.runs[-1].stop

    def __getitem__(self, edges: Ints) -> Lines:
        found = np.empty(len(edges), object)
        for run in self.runs:
            mine = (edges >= run.first) & (edges < run.stop)
            found[mine] = run.lines[edges[mine] - run.first]
        return found

    def at(self, edge: int) -> Any:  # noqa: ANN401 - a LineString, as shapely's functions type it
        """Return the line of one edge, None for a joint."""
        run = next(one for one in self.runs if edge < one.stop)
        return run.lines[edge - run.first]

    def within(self, points: Lines, radius_m: float | Floats) -> tuple[Ints, Ints]:
        """Return the pairs of a point and an edge no farther apart than the radius, one for all or one each."""
        pairs = [run.tree.query(points, predicate="dwithin", distance=radius_m) for run in self.runs]
        edge = [found[1] + run.first for found, run in zip(pairs, self.runs, strict=True)]
        return np.concatenate([found[0] for found in pairs]), np.concatenate(edge)

    def nearest(self, points: Lines, limit_m: float) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
        """Return, for each point with an edge within a limit, the point, its nearest edge and the distance."""
        found = [
            run.tree.query_nearest(points, max_distance=limit_m, return_distance=True, all_matches=False)
            for run in self.runs
        ]
        point = np.concatenate([pairs[0] for pairs, _ in found])
        edge = np.concatenate(
            [pairs[1] + run.first for (pairs, _), run in zip(found, self.runs, strict=True)]
        )
        distance_m = np.concatenate([distance for _, distance in found])
        order = np.lexsort((edge, distance_m, point))
        point, edge, distance_m = point[order], edge[order], distance_m[order]
        best = np.ones(len(point), bool)
        best[1:] = point[1:] != point[:-1]
        return point[best], edge[best], distance_m[best]


@dataclass(frozen=True, eq=False)
class StreetFacts:
    """What walkers meet on each street.

    Attributes
    ----------
    street_id : (s,) ids
    slope_percent : (s,) rise along the line of the street, not-a-number where unknown
    surface, street_class : (s,) '' where unknown
    """

    street_id: npt.NDArray[np.object_]
    slope_percent: Floats
    surface: npt.NDArray[np.object_]
    street_class: npt.NDArray[np.object_]

    @cached_property
    def _number(self) -> dict[str, int]:
        return {street_id: number for number, street_id in enumerate(self.street_id)}

    def numbers_of(self, street_ids: Iterable[str]) -> Ints:
        """Return the numbers of streets; those that nobody walks have none."""
        return np.array([self._number[one] for one in street_ids if one in self._number], np.int64)

    def with_street(self, street_id: str, street_class: str) -> StreetFacts:
        """Return the facts with one more level, plain street at the end."""
        more = (street_id, 0.0, "", street_class)
        own = (self.street_id, self.slope_percent, self.surface, self.street_class)
        return StreetFacts(
            *(np.append(values, np.array([one], values.dtype)) for values, one in zip(own, more, strict=True))
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class StreetNetwork(Network):
    """The walking network of a town.

    Attributes
    ----------
    line : (m,) geometry of the edges; a joint has none
    street : (m,) street each edge is part of, by number; -1 for joints and for links from gates to streets
    streets : what is known of the streets
    side : (m,) side each edge lies on (`spatial.network.walls`); of a gate's joint, the side it leads into
    closed_by : (m,) place in `KINDS` of what closes each edge, 0 when it is open, `REPLACED` when its pieces are
        walked instead
    gate : (m,) gate that a joint belongs to, by number; -1 for every other edge
    gate_ids : (g,) ids of the gates
    walls : what blocks walking
    rules : walkability rules the network was built by
    removed : log of the streets that a rule removed: street_id, rule, length_m
    without_gates : sides of walled estates of which no gate is known
    gate_findings : what was noticed of the gates
    """

    line: EdgeLines
    street: Numbers
    streets: StreetFacts
    side: Numbers
    closed_by: npt.NDArray[np.int8]
    gate: Numbers
    gate_ids: npt.NDArray[np.object_]
    walls: Walls
    rules: Walkability
    removed: pd.DataFrame
    without_gates: Ints
    gate_findings: tuple[Finding, ...] = ()

    @cached_property
    def report(self) -> Report:
        """What was noticed: of gates, and what was taken out, cut or left unknown."""
        return Report((*self.gate_findings, *_noticed(self)))

    @property
    def street_id(self) -> npt.NDArray[np.object_]:
        """(m,) id of the street each edge is part of, '' for none."""
        return np.append(self.streets.street_id, "")[self.street]

    @property
    def gate_id(self) -> npt.NDArray[np.object_]:
        """(m,) id of the gate a joint belongs to, '' for none."""
        return np.append(self.gate_ids, "")[self.gate]

    def is_entered(self, edges: Ints | slice = slice(None)) -> npt.NDArray[np.bool_]:
        """Return whether one may walk on edges (k,), if only to and from what lies along them."""
        closed_by = self.closed_by[edges]
        entered: npt.NDArray[np.bool_] = (closed_by == 0) | (closed_by == BARRED)
        return entered

    def passing(self, edges: Ints | slice = slice(None)) -> Numbers:
        """Return the cost (k, 2) of passing edges whole; closed streets are not passed."""
        barred = self.closed_by[edges] == BARRED
        cost = self.cost[edges]
        return np.where(barred[:, None], np.int32(CLOSED), cost) if barred.any() else cost

    def edges_of_gate(self, gate_id: str) -> Ints:
        """Return the joints of a gate."""
        number = np.flatnonzero(self.gate_ids == gate_id)
        return np.flatnonzero(self.gate == number[0]) if len(number) else number

    @cached_property
    def gate_joints(self) -> Ints:
        """Joints of the gates of estates, by the side they lead into."""
        joints = np.flatnonzero((self.gate >= 0) & (self.side > 0))
        return joints[np.argsort(self.side[joints], kind="stable")]

    @cached_property
    def gate_links(self) -> Ints:
        """Links from gates to streets."""
        return np.flatnonzero((self.street < 0) & (self.gate < 0) & (self.length_m > 0))

    @cached_property
    def lifted_component(self) -> Numbers:
        """(n,) connected piece of each node if no wall, gate, barrier or closure stood in the way."""
        return self.components_of(np.ones(len(self.length_m), bool))

    @cached_property
    def is_islet(self) -> npt.NDArray[np.bool_]:
        """(m,) whether an edge belongs to a piece too short to be a part of town."""
        piece = self.lifted_component[self.edge_nodes[:, 0]]
        length_m = np.bincount(piece, weights=self.length_m, minlength=1)
        small: npt.NDArray[np.bool_] = length_m < min(self.rules.islet_m, float(length_m.max()))
        return small[piece]


def _noticed(network: StreetNetwork) -> list[Finding]:
    """Say what was taken out of a network, cut or left unknown."""
    findings = []
    for rule, streets in network.removed.groupby("rule", sort=False):
        kilometres = float(streets["length_m"].sum()) / 1000
        findings.append(
            Finding.of(
                Severity.NOTE,
                "network.streets_removed",
                "streets",
                streets["street_id"],
                rule=rule,
                km=kilometres,
            )
        )
    is_street = network.street >= 0
    if not is_street.any():
        findings.append(Finding.of(Severity.WARNING, "network.nothing_walkable", "streets"))
    if len(network.without_gates):
        ids = network.walls.estate_id[network.without_gates - 1]
        findings.append(Finding.of(Severity.WARNING, "network.walled_without_gates", "estates", ids))
    for number in range(1, len(KINDS)):
        cut = network.closed_by == number
        if cut.any():
            touched = np.isin(network.edge_nodes, network.edge_nodes[cut]).any(axis=1) & is_street
            ids = np.unique(network.street_id[touched])
            key = f"network.cut_{KINDS[number]}"
            findings.append(Finding.of(Severity.NOTE, key, "streets", ids, count=int(cut.sum())))
    islet = network.is_islet & is_street
    if islet.any():
        ids = np.unique(network.street_id[islet])
        findings.append(
            Finding.of(Severity.NOTE, "network.islets", "streets", ids, limit_m=network.rules.islet_m)
        )
    return findings
