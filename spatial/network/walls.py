"""What walkers cannot pass: estate walls, rivers, railways, and on which side of them things lie.

A *side* is a number: 0 for open ground, otherwise one more than the place of a walled estate among
those of the town.  What lies on different sides meets only at gates.  A barrier that is a line has no
inside; there, left and right are told apart where a street meets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from spatial.network.noding import Ints, Lines, Points
from spatial.network.walkability import Walkability, blocks_walking

__all__ = ["BARRED", "KINDS", "REPLACED", "Walls"]

Floats = npt.NDArray[np.float64]

KINDS = ("", "gate", "wall", "river", "railway", "motorway", "main_road", "hill", "street")
"""What an edge is closed by: nothing, a closed gate, a barrier by its kind, or a closed street."""

BARRED = KINDS.index("street")
"""The kind of a closed street: nobody passes, but what lies along the edge is left and reached from its ends."""

REPLACED = -1
"""In place of a kind: an edge that an edit has cut in pieces, which are walked in its place."""

# Left and right of a barrier are told by a point this far from where a street meets it.
_PROBE_M = 0.25
# What lies on an outline lies outside it, also where rounding puts it a hair inside.
_SHRINK_M = 0.01
# A leg is tested against walls as it lands this far inside an edge: an edge may end at a wall.
_INWARD_M = 0.1


@dataclass(frozen=True, eq=False)
class Walls:
    """Everything that blocks walking in a town.

    Attributes
    ----------
    line : (w,) outlines of walled estates, then of barriers that are areas, then barriers that are lines
    kind : (w,) place of the kind in `KINDS`
    side : (w,) side an estate outline encloses; 0 for a barrier
    has_sides : (w,) whether left and right matter: barriers that are lines
    estate_id : (s,) walled estates, in the order of their sides
    estate_area : (s,) their polygons
    barrier_area : barriers that are areas, and their kinds in ``barrier_area_kind``
    """

    line: Lines
    kind: Ints
    side: Ints
    has_sides: npt.NDArray[np.bool_]
    estate_id: npt.NDArray[np.object_]
    estate_area: Lines
    barrier_area: Lines
    barrier_area_kind: Ints

    @classmethod
    def of(cls, estates: gpd.GeoDataFrame, barriers: gpd.GeoDataFrame, rules: Walkability) -> Walls:
        """Gather the walled estates and the barriers that block walking."""
        is_area = shapely.get_dimensions(estates.geometry.to_numpy()) == 2
        walled = estates.loc[estates["walled"].fillna(value=False).astype(bool).to_numpy() & is_area]
        estate_area = np.asarray(walled.geometry.to_numpy(), object)
        blocking = blocks_walking(barriers, rules).explode(ignore_index=True)
        geometry = np.asarray(blocking.geometry.to_numpy(), object)
        kind = np.array([KINDS.index(one) for one in blocking["kind"]], np.int64)
        area = shapely.get_dimensions(geometry) == 2
        count = len(estate_area), int(area.sum()), int((~area).sum())
        return cls(
            line=np.concatenate(
                [shapely.boundary(estate_area), shapely.boundary(geometry[area]), geometry[~area]]
            ),
            kind=np.concatenate([np.full(count[0], KINDS.index("wall")), kind[area], kind[~area]]),
            side=np.concatenate([np.arange(1, count[0] + 1), np.zeros(count[1] + count[2], np.int64)]),
            has_sides=np.repeat([False, False, True], count),
            estate_id=walled.index.to_numpy(object),
            estate_area=estate_area,
            barrier_area=geometry[area],
            barrier_area_kind=kind[area],
        )

    @cached_property
    def _line_tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.line)

    @cached_property
    def _estate_tree(self) -> shapely.STRtree:
        return shapely.STRtree(shapely.buffer(self.estate_area, -_SHRINK_M, join_style="mitre"))

    def crossings(self, lines: Lines, passes_over: npt.NDArray[np.bool_]) -> tuple[Ints, Points, Ints]:
        """Find where lines meet walls, save lines that pass over them on a bridge or in a tunnel.

        Returns
        -------
        (p,) the line, (p, 2) the point, and (p,) the wall of every meeting.
        """
        nothing = np.zeros(0, np.int64), np.zeros((0, 2)), np.zeros(0, np.int64)
        grounded = np.flatnonzero(~passes_over)
        if not len(self.line) or not len(grounded):
            return nothing
        at, wall = self._line_tree.query(lines[grounded], predicate="intersects")
        if not len(at):
            return nothing
        line = grounded[at]
        # Where a street runs along a wall the meeting is a stretch; its vertices stand for it.
        meeting = shapely.intersection(lines[line], self.line[wall])
        xy, of_pair = shapely.get_coordinates(meeting, return_index=True)
        return line[of_pair], xy, wall[of_pair]

    def side_of(self, places: Lines) -> Ints:
        """Return the side of points or other shapes: that of the smallest walled estate around each."""
        side = np.zeros(len(places), np.int64)
        if not len(self.estate_area) or not len(places):
            return side
        place, estate = self._estate_tree.query(places, predicate="within")
        # Written from the largest to the smallest, so that the smallest holds.
        order = np.argsort(-shapely.area(self.estate_area[estate]), kind="stable")
        side[place[order]] = estate[order] + 1
        return side

    def kind_over(self, points: Lines) -> Ints:
        """Return the kind of the barrier area each point lies inside, 0 for none."""
        kind = np.zeros(len(points), np.int64)
        if len(self.barrier_area) and len(points):
            shrunk = shapely.buffer(self.barrier_area, -_SHRINK_M, join_style="mitre")
            point, area = shapely.STRtree(shrunk).query(points, predicate="within")
            kind[point] = self.barrier_area_kind[area]
        return kind

    def crossed(self, legs: Lines) -> npt.NDArray[np.bool_]:
        """Return whether straight legs pass through a wall; one that only ends at it does not."""
        crosses = np.zeros(len(legs), bool)
        if len(self.line) and len(legs):
            crosses[self._line_tree.query(legs, predicate="crosses")[0]] = True
        return crosses

    def legs(self, xy: Points, lines: Lines, offset_m: Floats) -> Lines:
        """Return straight legs from points to lines, landing a hand's breadth inside a line's ends."""
        length = shapely.length(lines)
        inward = np.minimum(_INWARD_M, length / 2)
        landing = shapely.line_interpolate_point(lines, np.clip(offset_m, inward, length - inward))
        ends = np.stack([xy, shapely.get_coordinates(landing)], axis=1)
        return np.asarray(shapely.linestrings(ends), object)

    def hand(self, wall: Ints, lines: Lines, at_start: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return whether lines that start or end at barriers lie to the left of them there."""
        probe_m = np.minimum(_PROBE_M, shapely.length(lines) / 2)
        probe = shapely.line_interpolate_point(lines, np.where(at_start, probe_m, -probe_m))
        barrier = self.line[wall]
        place = shapely.line_locate_point(barrier, probe)
        before = shapely.get_coordinates(
            shapely.line_interpolate_point(barrier, np.maximum(place - _PROBE_M, 0))
        )
        after = shapely.get_coordinates(
            shapely.line_interpolate_point(barrier, np.minimum(place + _PROBE_M, shapely.length(barrier)))
        )
        (along_x, along_y), (to_x, to_y) = (after - before).T, (shapely.get_coordinates(probe) - before).T
        left: npt.NDArray[np.bool_] = along_x * to_y - along_y * to_x > 0
        return left
