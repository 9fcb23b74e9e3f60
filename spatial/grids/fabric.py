"""The fabric: units on their cells, and which of them are neighbours.

Two units are *adjacent* when their cells share a boundary of real length that no barrier occupies; a
barrier is passed where a street crosses it on a bridge or in a tunnel.  A *side* is a part of the
community as cut by its main roads.  Everything that judges or draws grids stands on the fabric, so a
rule has one meaning everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.findings import Finding, Report, Severity
from spatial.grids.linework import enclosed, lines_of, taken_further
from spatial.grids.rules import GridRules
from spatial.grids.street_walks import StreetWalks
from spatial.grids.tessellation import SharedBoundaries, shared_boundaries, tessellate
from spatial.grids.units import Units, build_units
from spatial.town import Town

__all__ = ["EDGE_KINDS", "Fabric", "Progress", "UnitArrays", "build_fabric"]

Progress = Callable[[str, int, int], None]
"""Called with the catalogue key of a stage, the steps done and the steps in all."""

EDGE_KINDS = ("same_estate", "estate_edge", "street", "main_road", "bridge")
"""What lies between two adjacent cells."""

_PARTED = "parted"

# Cells that share less boundary than this touch at a corner.
_REAL_LENGTH_M = 2.0
# A shared boundary within this of a line runs along it.
_ALONG_M = 0.5
# A bridge passes the boundary of two cells when it comes this near to it.
_BRIDGE_REACH_M = 1.0
# Ways that do not part the ground into blocks unless the town says so (role outline).
_NO_BLOCK_EDGE = frozenset(
    {
        "footway", "path", "steps", "cycleway", "pedestrian", "bridleway", "corridor", "elevator", "platform",
        "track", "service", "construction", "proposed",
    }
)  # fmt: skip

Geometries = NDArray[np.object_]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class UnitArrays:
    """Columns of the units as plain arrays, shape (n,) each.

    Attributes
    ----------
    weight, households : what the window counts, and known households
    community : id
    group : number of the unit's estate within its community, −1 for none
    side : number of the part of its community as cut by main roads, different in every community
    place : mean place of its members in metres, shape (n, 2)
    group_estate : id of the estate of each group, shape (groups,)
    """

    weight: NDArray[np.float64]
    households: NDArray[np.float64]
    community: NDArray[np.object_]
    group: Ints
    side: Ints
    place: NDArray[np.float64]
    group_estate: NDArray[np.object_]

    @classmethod
    def of(cls, units: pd.DataFrame) -> UnitArrays:
        """Return the arrays of a table of units."""
        community = units["community_id"].to_numpy(object)
        number = pd.factorize(community)[0].astype(np.int64)
        estate, estates = pd.factorize(units["estate_id"], sort=True)
        both = np.where(estate >= 0, estate * (number.max(initial=0) + 1) + number, -1)
        groups = np.unique(both[both >= 0])
        side = number * (units["side"].max() + 1 if len(units) else 1) + units["side"].to_numpy(np.int64)
        return cls(
            weight=units["weight"].to_numpy(dtype=np.float64),
            households=units["households"].to_numpy(dtype=np.float64),
            community=community,
            group=np.where(both >= 0, np.searchsorted(groups, both), -1).astype(np.int64),
            side=side.astype(np.int64),
            place=units[["x", "y"]].to_numpy(dtype=np.float64),
            group_estate=np.asarray(estates, dtype=object)[groups // (number.max(initial=0) + 1)],
        )


@dataclass(frozen=True, eq=False)
class Fabric:
    """A town as the grids see it.

    Attributes
    ----------
    town, rules : what it was made of
    units : layer indexed by unit number; the columns of `Units.table`, side (number of the part of the
        community as cut by main roads), x and y (metres; mean place of its members by households),
        and the cell as geometry
    members : building_id, stairwell_id, estate_id, households, weight, unit
    special : layer of special areas by community: special_area_id, community_id, and the cell
    special_members : building_id, part (row number of ``special``)
    edges : adjacent units: first, second (unit numbers, first < second), shared_m, kind (`EDGE_KINDS`)
    parted : units that only a barrier keeps from being adjacent: first, second, shared_m
    known_share : share of residential buildings whose households are known
    findings : what was noticed on the way
    street_walks : walks by street between its units
    """

    town: Town
    rules: GridRules
    units: gpd.GeoDataFrame
    members: pd.DataFrame
    special: gpd.GeoDataFrame
    special_members: pd.DataFrame
    edges: pd.DataFrame
    parted: pd.DataFrame
    known_share: float
    findings: Report
    street_walks: StreetWalks

    @cached_property
    def arrays(self) -> UnitArrays:
        """The columns of ``units`` that every rule needs, as plain arrays."""
        return UnitArrays.of(self.units)

    @cached_property
    def ends(self) -> Ints:
        """Units of each edge, shape (m, 2)."""
        return self.edges[["first", "second"]].to_numpy(dtype=np.int64)

    @cached_property
    def parted_ends(self) -> Ints:
        """Units of each pair that only a barrier parts, shape (p, 2)."""
        return self.parted[["first", "second"]].to_numpy(dtype=np.int64)

    @cached_property
    def unit_of_member(self) -> Mapping[tuple[str, str | None], int]:
        """Unit of each building (with None) or stairwell, by building_id and stairwell_id."""
        stairwell = self.members["stairwell_id"].astype(object)
        names = zip(self.members["building_id"], stairwell.where(stairwell.notna(), None), strict=True)
        return dict(zip(names, self.members["unit"].to_list(), strict=True))

    @cached_property
    def units_of_name(self) -> Mapping[str, tuple[int, ...]]:
        """Units of each building or stairwell by its id; a building of a special area has none."""
        found: dict[str, tuple[int, ...]] = dict.fromkeys(self.special_members["building_id"], ())
        for (building, stairwell), unit in self.unit_of_member.items():
            found[building] = (*found.get(building, ()), unit)
            if stairwell is not None:
                found[stairwell] = (unit,)
        return found

    def restricted(self, communities: Collection[str]) -> tuple[Fabric, Ints]:
        """Return the fabric of some communities alone, and the numbers of its units here."""
        chosen = list(communities)
        units = np.flatnonzero(self.units["community_id"].isin(chosen).to_numpy(dtype=bool))
        number = np.full(len(self.units), -1, dtype=np.int64)
        number[units] = np.arange(len(units))
        members = self.members[number[self.members["unit"].to_numpy(dtype=np.int64)] >= 0]
        special = self.special["community_id"].isin(chosen).to_numpy(dtype=bool)
        part = np.where(special, np.cumsum(special) - 1, -1)[
            self.special_members["part"].to_numpy(dtype=np.int64)
        ]
        inside = Fabric(
            town=self.town,
            rules=self.rules,
            units=self.units.iloc[units].reset_index(drop=True),
            members=members.assign(unit=number[members["unit"].to_numpy(dtype=np.int64)]),
            special=self.special[special].reset_index(drop=True),
            special_members=self.special_members.assign(part=part)[part >= 0],
            edges=_renumbered(self.edges, number),
            parted=_renumbered(self.parted, number),
            known_share=self.known_share,
            findings=Report(),
            street_walks=self.street_walks,
        )
        return inside, units

    def units_of(self, community_id: str) -> Ints:
        """Return the numbers of a community's units."""
        return np.flatnonzero((self.units["community_id"] == community_id).to_numpy(dtype=bool))


def build_fabric(
    town: Town,
    rules: GridRules | None = None,
    *,
    bonded: bool = True,
    progress: Progress | None = None,
) -> Fabric:
    """Return the fabric of a town under rules.

    Parameters
    ----------
    bonded : whether what must stay together is one unit, as drawing needs it; judging and editing look
        at single buildings

    Raises
    ------
    KnowledgeError
        If too few households are known.
    RulesError
        If a rule names what the town does not have.
    """
    rules = rules or GridRules()
    units = build_units(town, rules, bonded=bonded)
    ground = _Ground.of(town, rules)
    member_cells = np.full(len(units.members), None, dtype=object)
    special_cells = np.full(len(units.special), None, dtype=object)
    member_community = units.table["community_id"].to_numpy(object)[units.members["unit"]]
    special_community = units.special["community_id"].to_numpy(object)
    edges = []
    side = np.zeros(len(units.table), dtype=np.int64)
    place = _places(units)
    for done, (community_id, area) in enumerate(town.communities.geometry.items()):
        if progress is not None:
            progress("grids.stage.cells", done, len(town.communities))
        members = np.flatnonzero(member_community == community_id)
        specials = np.flatnonzero(special_community == community_id)
        if not len(members) + len(specials):
            continue
        cells = tessellate(
            area,
            np.concatenate(
                [
                    np.asarray(units.members["shape"], dtype=object)[members],
                    np.asarray(units.special["shape"], dtype=object)[specials],
                ]
            ),
            block_lines=ground.block_lines(area),
            plots=np.concatenate(
                [ground.plots(area), np.asarray(units.special["shape"], dtype=object)[specials]]
            ),
        )
        member_cells[members], special_cells[specials] = cells[: len(members)], cells[len(members) :]
        if not len(members):
            continue
        of_unit = units.members["unit"].to_numpy()[members]
        own = np.unique(of_unit)
        side[own] = ground.sides(area, place[own])
        edges.append(_edges(cells[: len(members)], of_unit, side, units.table, ground))
    if progress is not None:
        progress("grids.stage.cells", len(town.communities), len(town.communities))
    layer = gpd.GeoDataFrame(
        units.table.assign(side=side, x=place[:, 0], y=place[:, 1]),
        geometry=_merged(member_cells, units.members["unit"].to_numpy(), len(units.table)),
        crs=town.crs,
    )
    special = gpd.GeoDataFrame(units.special.drop(columns="shape"), geometry=special_cells, crs=town.crs)
    pairs = pd.concat([_no_edges(), *edges], ignore_index=True)
    is_edge = (pairs["kind"] != _PARTED).to_numpy(dtype=bool)
    joined = pairs[is_edge].reset_index(drop=True)
    return Fabric(
        town=town,
        rules=rules,
        units=layer,
        members=units.members.drop(columns="shape"),
        special=special,
        special_members=units.special_members,
        edges=joined,
        parted=pairs[~is_edge].drop(columns="kind").reset_index(drop=True),
        known_share=units.known_share,
        findings=units.findings + Report(tuple(_islands(layer, joined))),
        street_walks=StreetWalks(town),
    )


def _renumbered(table: pd.DataFrame, number: Ints) -> pd.DataFrame:
    """Edges between units that have a new number."""
    first = number[table["first"].to_numpy(dtype=np.int64)]
    second = number[table["second"].to_numpy(dtype=np.int64)]
    kept = (first >= 0) & (second >= 0)
    chosen: pd.DataFrame = table[kept]
    return chosen.assign(first=first[kept], second=second[kept])


def _no_edges() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "first": np.empty(0, np.int64),
            "second": np.empty(0, np.int64),
            "shared_m": np.empty(0),
            "kind": np.empty(0, object),
        }
    )


def _places(units: Units) -> NDArray[np.float64]:
    """Mean place of each unit's members, by weight, shape (n, 2)."""
    middle = shapely.get_coordinates(shapely.centroid(np.asarray(units.members["shape"], dtype=object)))
    unit = units.members["unit"].to_numpy()
    weight = units.members["weight"].to_numpy(dtype=float)
    empty = np.bincount(unit, weights=weight, minlength=len(units.table)) <= 0
    weight = np.where(empty[unit], 1.0, weight)
    total = np.bincount(unit, weights=weight, minlength=len(units.table))
    return np.stack(
        [
            np.bincount(unit, weights=weight * middle[:, axis], minlength=len(total)) / total
            for axis in (0, 1)
        ],
        axis=1,
    )


def _merged(cells: Geometries, unit: Ints, count: int) -> Geometries:
    """Cell of each unit: the union of its members' cells."""
    merged = np.full(count, None, dtype=object)
    single = np.bincount(unit, minlength=count)[unit] == 1
    merged[unit[single]] = cells[single]
    for one in np.unique(unit[~single]):
        merged[one] = shapely.coverage_union_all(cells[unit == one])
    return merged


@dataclass(frozen=True, eq=False)
class _Ground:
    """What shapes the cells of a town: streets, barriers, estates, main roads, bridges."""

    streets: Geometries
    blocking: Geometries
    main_roads: Geometries
    bridges: Geometries
    estates: Geometries

    @classmethod
    def of(cls, town: Town, rules: GridRules) -> _Ground:
        streets, barriers = town.streets, town.barriers
        lines = streets.geometry.to_numpy()
        drawn = ~(shapely.is_missing(lines) | shapely.is_empty(lines))
        road_class = streets["class"].astype("string")
        over = _flag(streets["bridge"]) | _flag(streets["tunnel"])
        block = (streets["role"] == "outline").to_numpy(dtype=bool, na_value=False)
        block |= (streets["role"] != "walk").to_numpy(dtype=bool, na_value=True) & ~road_class.isin(
            _NO_BLOCK_EDGE
        ).to_numpy(dtype=bool)
        main = (
            road_class.isin(rules.main_road_classes)
            | streets["name"].astype("string").isin(rules.main_road_names)
        ).to_numpy(dtype=bool)
        motorway = (road_class == "motorway").to_numpy(dtype=bool, na_value=False)
        blocks = barriers["blocks_grids"].astype("boolean")
        blocks = blocks.fillna(barriers["kind"].isin(rules.barrier_kinds)).to_numpy(dtype=bool)
        is_main = (barriers["kind"] == "main_road").to_numpy(dtype=bool, na_value=False)
        shapes = barriers.geometry.to_numpy()
        walled = motorway & ~over & drawn & ("motorway" in rules.barrier_kinds)
        outlines = town.estates.geometry.to_numpy()
        return cls(
            streets=lines[block & drawn & ~_flag(streets["tunnel"])],
            blocking=np.concatenate([shapes[blocks], lines[walled]]),
            main_roads=np.concatenate([lines[main & drawn & ~_flag(streets["tunnel"])], shapes[is_main]]),
            bridges=lines[over & drawn & ~motorway],
            estates=outlines[shapely.get_dimensions(outlines) == 2],
        )

    def block_lines(self, area: shapely.Geometry) -> Geometries:
        """Lines that cells follow first."""
        edges = np.where(
            shapely.get_dimensions(self.blocking) == 2, shapely.boundary(self.blocking), self.blocking
        )
        return _near(np.concatenate([self.streets, self.main_roads, edges]), area)

    def plots(self, area: shapely.Geometry) -> Geometries:
        """Estates whose edges cells follow."""
        return _near(self.estates, area)

    def sides(self, area: shapely.Geometry, places: NDArray[np.float64]) -> Ints:
        """Return the number of the part of the area, as cut by main roads, in which each place lies."""
        roads = _near(self.main_roads, area)
        if not len(roads):
            return np.zeros(len(places), dtype=np.int64)
        inside = lines_of(shapely.intersection(roads, area))
        parts = enclosed(taken_further(inside, shapely.boundary(area)), area)
        place, part = shapely.STRtree(parts).query_nearest(shapely.points(places), all_matches=False)
        nearest = np.zeros(len(places), dtype=np.int64)
        nearest[place] = part
        return np.unique(nearest, return_inverse=True)[1].astype(np.int64)

    def blocked(self, shared: SharedBoundaries) -> Flags:
        """Whether a barrier occupies each segment."""
        return _touched(_points(shared.middle), self.blocking, _ALONG_M)

    def on_street(self, shared: SharedBoundaries) -> Flags:
        """Whether each segment runs along a street."""
        return _touched(_points(shared.middle), self.streets, _ALONG_M)

    def under_bridge(self, shared: SharedBoundaries) -> Flags:
        """Whether a bridge or a tunnel passes each segment."""
        ends = np.stack([shared.start, shared.end], axis=1)
        segments = np.asarray(shapely.linestrings(ends), dtype=object)
        return _touched(segments, self.bridges, _BRIDGE_REACH_M)


def _touched(places: Geometries, lines: Geometries, reach_m: float) -> Flags:
    """Whether one of some lines or areas comes within reach of each place."""
    flags = np.zeros(len(places), dtype=bool)
    if len(lines) and len(flags):
        flags[shapely.STRtree(places).query(lines, predicate="dwithin", distance=reach_m)[1]] = True
    return flags


def _points(places: NDArray[np.float64]) -> Geometries:
    return np.asarray(shapely.points(places), dtype=object)


def _flag(column: pd.Series) -> Flags:
    return column.astype("boolean").to_numpy(dtype=bool, na_value=False)


def _near(geometries: Geometries, area: shapely.Geometry) -> Geometries:
    west, south, east, north = shapely.bounds(area)
    hit = shapely.intersects(geometries, shapely.box(west, south, east, north))
    chosen: Geometries = geometries[hit]
    return chosen


def _edges(cells: Geometries, unit: Ints, side: Ints, table: pd.DataFrame, ground: _Ground) -> pd.DataFrame:
    """Adjacent units of one community."""
    shared = shared_boundaries(cells)
    pair = np.sort(np.stack([unit[shared.first], unit[shared.second]], axis=1), axis=1)
    between = pair[:, 0] != pair[:, 1]
    shared = SharedBoundaries(
        shared.first[between], shared.second[between], shared.start[between], shared.end[between]
    )
    pair = pair[between]
    if not len(pair):
        return _no_edges()
    blocked = ground.blocked(shared)
    on_bridge = blocked.copy()
    on_bridge[blocked] = ground.under_bridge(_chosen(shared, blocked))
    on_street = ground.on_street(shared)
    length = shared.length_m
    pairs, group = np.unique(pair, axis=0, return_inverse=True)
    group = group.reshape(-1)

    def metres(flags: Flags) -> NDArray[np.float64]:
        total = np.bincount(group, weights=length * flags, minlength=len(pairs))
        return total.astype(np.float64)

    free_m, street_m = metres(~blocked), metres(on_street & ~blocked)
    real = free_m >= _REAL_LENGTH_M
    bridged = ~real & (metres(on_bridge) > 0)
    first, second = pairs.T
    estate = table["estate_id"].astype("string").to_numpy(object, na_value="")
    alike = (estate[first] == estate[second]) & (estate[first] != "")
    kind = np.select(
        [~real & ~bridged, bridged, side[first] != side[second], street_m >= free_m / 2, ~alike],
        [_PARTED, "bridge", "main_road", "street", "estate_edge"],
        "same_estate",
    ).astype(object)
    touching = real | (metres(blocked) >= _REAL_LENGTH_M)
    frame = pd.DataFrame({"first": first, "second": second, "shared_m": free_m, "kind": kind})
    frame.loc[~real, "shared_m"] = metres(blocked)[~real]
    return frame[touching | bridged]


def _chosen(shared: SharedBoundaries, flags: Flags) -> SharedBoundaries:
    return SharedBoundaries(shared.first[flags], shared.second[flags], shared.start[flags], shared.end[flags])


def _islands(units: gpd.GeoDataFrame, edges: pd.DataFrame) -> list[Finding]:
    """Units without any neighbour in a community that has others."""
    alone = ~units.index.isin(edges["first"]) & ~units.index.isin(edges["second"])
    alone &= units.groupby("community_id")["kind"].transform("size").to_numpy() > 1
    if not alone.any():
        return []
    return [
        Finding.of(
            Severity.WARNING,
            "grids.unit_without_neighbour",
            "buildings",
            units["subject_id"][alone],
            count=int(alone.sum()),
        )
    ]
