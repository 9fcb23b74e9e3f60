"""The walking network of a town: a network whose edges know their streets, walls and gates."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from spatial.findings import Report
from spatial.network.graph import Network, Numbers
from spatial.network.noding import Ints, Lines
from spatial.network.walkability import Walkability
from spatial.network.walls import Walls

__all__ = ["StreetNetwork"]


@dataclass(frozen=True, eq=False, kw_only=True)
class StreetNetwork(Network):
    """The walking network of a town.

    Attributes
    ----------
    line : (m,) geometry of each edge; None for a joint, which has no extent
    street_id : (m,) street each edge is part of; '' for joints and for links from gates to streets
    side : (m,) side each edge lies on (`spatial.network.walls`); of a gate's joint, the side it leads into
    closed_by : (m,) place in `KINDS` of what closes each edge, 0 when it is open
    gate_id : (m,) gate that a joint belongs to, '' for every other edge
    slope_percent : (m,) rise along the line of the street, not-a-number where unknown
    surface, street_class : (m,) '' where unknown
    walls : what blocks walking
    rules : walkability rules the network was built by
    removed : log of the streets that a rule removed: street_id, rule, length_m
    without_gates : sides of walled estates of which no gate is known
    report : what was noticed
    """

    line: Lines
    street_id: npt.NDArray[np.object_]
    side: Ints
    closed_by: Ints
    gate_id: npt.NDArray[np.object_]
    slope_percent: npt.NDArray[np.float64]
    surface: npt.NDArray[np.object_]
    street_class: npt.NDArray[np.object_]
    walls: Walls
    rules: Walkability
    removed: pd.DataFrame
    without_gates: Ints
    report: Report = field(default_factory=Report)

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Index over the lines of the edges; joints are not in it."""
        return shapely.STRtree(self.line)

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
