"""The tessellation: gap-free cells of a community, along its streets and the edges of its estates.

A *cell* is the ground that belongs to one seed: a building, a stairwell, or a special area.  The cells
of a community tile it without gap or overlap.  A *block* is what streets and barriers enclose, a *plot*
the part of an estate (or of a special area) inside one block.  Inside a plot, and on the free ground of
a block, a place belongs to the nearest seed; ground without any seed is shared out among the cells
around it.  So an edge between two cells runs along a street's centre line, along the edge of an estate,
or midway between two buildings, in that order.

The way of the work:

1. Community boundary, streets, barriers and estate edges are noded and enclose *faces*.
2. Faces join to *regions*: a plot with seeds is a region, the rest of a block is another.
3. Each region gets *generators*, points with the number of a seed: points on its buildings; on free
   ground also points along the plots beside it; in an empty block, points along its neighbours.
4. Voronoi ridges between generators of different seeds are drawn, smoothed, cut to their region.
5. All lines are noded once more, on a lattice of 0.1 mm, so that neighbours share their vertices;
   every face takes the seed of its nearest generator.
6. Faces cut off from their seed go to the neighbour they share most boundary with.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Voronoi, cKDTree

from spatial.grids.linework import LATTICE_M, enclosed, lines_of, noded, taken_further

__all__ = ["SharedBoundaries", "shared_boundaries", "tessellate"]

# Generators stand this far apart on the outline of a building …
_GENERATOR_STEP_M = 4.0
# … and this far along the edge of a plot, where cells inside and outside should meet.
_EDGE_STEP_M = 2.0
# Footprints are shrunk by this, so that walls two buildings share belong to neither.
_SHRINK_M = 0.4
# Plots reach the street across this much free ground.
_STRIP_M = 20.0
# A zigzag of the Voronoi ridges smaller than this is drawn straight.
_SMOOTHING_M = 0.8
# Seeds at one place are moved this far apart; a seed outside is brought this far inside.
_APART_M = 0.5
# An empty block smaller than this (a traffic island, a corner) goes to one neighbour whole.
_SMALL_BLOCK_M2 = 400.0
_NOWHERE = -1

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SharedBoundaries:
    """The segments that two polygons of a coverage have in common.

    Attributes
    ----------
    first, second : (s,) numbers of the two polygons, first < second
    start, end : (s, 2) ends of the segment, metres
    """

    first: Ints
    second: Ints
    start: Floats
    end: Floats

    @property
    def length_m(self) -> Floats:
        """Length of each segment, shape (s,)."""
        length: Floats = np.hypot(*(self.end - self.start).T)
        return length

    @property
    def middle(self) -> Floats:
        """Middle of each segment, shape (s, 2)."""
        return (self.start + self.end) / 2


def shared_boundaries(polygons: Geometries) -> SharedBoundaries:
    """Return the segments that two polygons of a coverage share.

    Parameters
    ----------
    polygons : (n,) polygons or multipolygons whose common boundaries have common vertices

    Notes
    -----
    Vertices are compared on the lattice `LATTICE_M`.  A segment of more than two polygons, which a
    coverage does not have, is counted for its first two.
    """
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    follows = ring[:-1] == ring[1:]
    start, end = coordinates[:-1][follows], coordinates[1:][follows]
    of = owner[ring_part[ring[:-1][follows]]].astype(np.int64)
    a, b = np.rint(start / LATTICE_M).astype(np.int64), np.rint(end / LATTICE_M).astype(np.int64)
    turned = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    low, high = np.where(turned[:, None], b, a), np.where(turned[:, None], a, b)
    order = np.lexsort((of, high[:, 1], high[:, 0], low[:, 1], low[:, 0]))
    low, high, of = low[order], high[order], of[order]
    same = (low[:-1] == low[1:]).all(axis=1) & (high[:-1] == high[1:]).all(axis=1) & (of[:-1] != of[1:])
    at = np.flatnonzero(same)
    return SharedBoundaries(of[at], of[at + 1], start[order[at]], end[order[at]])


def tessellate(
    area: shapely.Geometry, seeds: Geometries, *, block_lines: Geometries, plots: Geometries
) -> Geometries:
    """Return the cell of every seed; together the cells tile the area.

    Parameters
    ----------
    area : polygon or multipolygon, metric coordinates
    seeds : (n,) points or polygons, n ≥ 1; a seed outside the area is moved to its nearest place inside
    block_lines : (m,) lines that cells follow first: streets, barriers
    plots : (p,) polygons whose edges cells follow next: estates and special areas; where they overlap
        the smaller one counts.  A seed that is itself a plot (a special area) owns every part of it

    Returns
    -------
    (n,) polygons, multipolygons only where the area or a seed is in several parts

    Notes
    -----
    The cells' areas sum to the area's with a relative error below 1e-7.
    """
    ground = shapely.set_precision(area, LATTICE_M)
    cells = _Tessellation(ground, seeds, block_lines, plots).cells()
    if (cells == None).any():  # noqa: E711 - element by element
        # A footprint wholly under another one leaves no cell: only the seeds' middles are used then.
        middles = np.where(shapely.area(seeds) > 0, shapely.centroid(seeds), seeds)
        owned = np.isin(shapely.to_wkb(seeds), shapely.to_wkb(plots))
        cells = _Tessellation(ground, np.where(owned, seeds, middles), block_lines, plots).cells()
    return cells


@dataclass(eq=False)
class _Tessellation:
    """The work on one area; see the module for its steps."""

    area: shapely.Geometry
    seeds: Geometries
    block_lines: Geometries
    plots: Geometries
    generators: dict[int, tuple[Floats, Ints]] = field(default_factory=dict)
    behind: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shapely.prepare(self.area)
        self._draw_faces()
        self._place_seeds()
        self._join_regions()

    # 1. faces

    def _draw_faces(self) -> None:
        streets = lines_of(shapely.intersection(self.block_lines, self.area))
        edges = lines_of(shapely.intersection(shapely.boundary(self.plots), self.area))
        block_lines = taken_further(streets, shapely.boundary(self.area))
        self.lines = noded(np.concatenate([block_lines, edges]))
        self.faces = enclosed(self.lines, self.area)
        self.face_tree = shapely.STRtree(self.faces)
        self.blocks = enclosed(block_lines, self.area)
        inside = shapely.point_on_surface(self.faces)
        self.block = _first_hit(shapely.STRtree(self.blocks), shapely.get_coordinates(inside))
        self.plot = self._plot_at(inside)

    def _plot_at(self, points: Geometries) -> Ints:
        """Smallest plot over each point."""
        found = np.full(len(points), _NOWHERE, dtype=np.int64)
        if len(self.plots):
            smallest_last = np.argsort(-shapely.area(self.plots), kind="stable")
            rank = np.empty(len(self.plots), dtype=np.int64)
            rank[smallest_last] = np.arange(len(self.plots))
            point, plot = shapely.STRtree(self.plots).query(points, predicate="intersects")
            best = np.full(len(points), _NOWHERE, dtype=np.int64)
            np.maximum.at(best, point, rank[plot])
            found[best >= 0] = smallest_last[best[best >= 0]]
        return found

    def _place_seeds(self) -> None:
        places = shapely.point_on_surface(self.seeds)
        outside = ~shapely.intersects(self.area, places)
        if outside.any():
            inner = shapely.buffer(self.area, -_APART_M)
            ground = self.area if inner.is_empty else inner
            nearest = shapely.shortest_line(ground, places[outside])
            places[outside] = shapely.get_point(nearest, 0)
        self.places = _moved_apart(shapely.get_coordinates(places))
        self.moved = outside | (shapely.get_coordinates(places) != self.places).any(axis=1)
        self.seed_face = _first_hit(self.face_tree, self.places)

    # 2. regions

    def _join_regions(self) -> None:
        """Join faces: a plot with a seed is a region, the rest of its block another."""
        self._own_plots()
        seeded = np.zeros(len(self.faces), dtype=bool)
        seeded[self.seed_face] = True
        key = self.block * (len(self.plots) + 1) + self.plot + 1
        alive = np.isin(key, key[seeded | (self.owner >= 0)]) & (self.plot >= 0)
        key = np.where(alive, key, self.block * (len(self.plots) + 1))
        keys, self.region = np.unique(key, return_inverse=True)
        self.is_plot = keys % (len(self.plots) + 1) > 0
        self.region_block = keys // (len(self.plots) + 1)
        self.region_area = [
            shapely.union_all(self.faces[self.region == one], grid_size=LATTICE_M) for one in range(len(keys))
        ]

    def _own_plots(self) -> None:
        """Find the seed that owns all of a plot, for each face: a special area owns its own ground."""
        self.owner = np.full(len(self.faces), _NOWHERE, dtype=np.int64)
        if len(self.plots):
            number = {bytes(wkb): seed for seed, wkb in enumerate(shapely.to_wkb(self.seeds))}
            owners = np.array([number.get(bytes(wkb), _NOWHERE) for wkb in shapely.to_wkb(self.plots)])
            self.owner = np.where(self.plot >= 0, owners[self.plot], _NOWHERE)

    # 3. generators

    def _generate(self) -> None:
        points, seed = self._seed_points()
        region = self.region[self.seed_face][seed]
        for face in np.flatnonzero(self.owner >= 0):
            self._add(int(self.region[face]), _inside(self.faces[face]), np.array([self.owner[face]]))
        for one in np.unique(region):
            self._add(int(one), points[region == one], seed[region == one])
        self._part_free_ground()
        self._generate_on_free_ground()
        self._generate_in_empty_blocks()

    def _add(self, region: int, points: Floats, seed: Ints) -> None:
        if region in self.generators:
            before_points, before_seed = self.generators[region]
            points, seed = np.concatenate([before_points, points]), np.concatenate([before_seed, seed])
        self.generators[region] = (points, seed)

    def _seed_points(self) -> tuple[Floats, Ints]:
        """Points along the outline of each footprint, and the middle of each seed."""
        drawn = self.seeds.copy()
        drawn[self.moved | (shapely.get_dimensions(self.seeds) < 2)] = None
        shrunk = shapely.buffer(drawn, -_SHRINK_M, join_style="mitre", quad_segs=1)
        dense = shapely.segmentize(shrunk, _GENERATOR_STEP_M)
        points, seed = shapely.get_coordinates(dense, return_index=True)
        return (
            np.concatenate([self.places, points]),
            np.concatenate([np.arange(len(self.seeds)), seed]).astype(np.int64),
        )

    def _part_free_ground(self) -> None:
        """Part the free ground of seeds from the strip along the streets.

        The strip is shared with the plots, so that these reach the street; behind it, what lies outside
        the plots belongs to the seeds outside them, up to the plots' edges.
        """
        with_plots = set(self.region_block[self.is_plot])
        for free in np.flatnonzero(~self.is_plot):
            if int(free) not in self.generators or self.region_block[free] not in with_plots:
                continue
            strip = shapely.buffer(shapely.boundary(self.blocks[self.region_block[free]]), _STRIP_M)
            behind = shapely.difference(self.region_area[free], strip, grid_size=LATTICE_M)
            if shapely.area(behind) > 0:
                shapely.prepare(behind)
                self.behind[int(free)] = len(self.region_area)
                self.generators[len(self.region_area)] = self.generators[int(free)]
                self.region_area[free] = shapely.intersection(
                    self.region_area[free], strip, grid_size=LATTICE_M
                )
                self.region_area.append(behind)

    def _generate_on_free_ground(self) -> None:
        """Give free ground the plots beside it: each point along their edge is of its nearest seed."""
        free_of_block = {int(self.region_block[one]): int(one) for one in np.flatnonzero(~self.is_plot)}
        for plot in np.flatnonzero(self.is_plot):
            free = free_of_block.get(int(self.region_block[plot]))
            if free is None:
                continue
            edge = shapely.boundary(self.region_area[plot])
            points = shapely.get_coordinates(shapely.segmentize(edge, _EDGE_STEP_M))
            self._add(free, points, self._nearest(int(plot), points))

    def _nearest(self, region: int, points: Floats) -> Ints:
        places, seed = self.generators[region]
        nearest: Ints = seed[cKDTree(places).query(points)[1]]
        return nearest

    def _generate_in_empty_blocks(self) -> None:
        empty = [one for one in range(len(self.region_area)) if one not in self.generators]
        while empty:
            found = [(one, *self._around(one)) for one in empty]
            reached = [(one, points, seed) for one, points, seed in found if len(seed)]
            if not reached:
                return
            for one, points, seed in reached:
                if shapely.area(self.region_area[one]) < _SMALL_BLOCK_M2:
                    most = np.bincount(seed).argmax()
                    points, seed = points[:1], np.array([most])  # noqa: PLW2901 - the block goes to one
                self._add(one, points, seed)
            done = {one for one, *_ in reached}
            empty = [one for one in empty if one not in done]

    def _around(self, region: int) -> tuple[Floats, Ints]:
        """Points along the outline of a region, with the seed of the ground just across it."""
        polygon = shapely.orient_polygons(self.region_area[region])
        rings = shapely.get_rings(shapely.get_parts(polygon))
        dense = shapely.segmentize(rings, _GENERATOR_STEP_M)
        coordinates, ring = shapely.get_coordinates(dense, return_index=True)
        follows = ring[:-1] == ring[1:]
        start, along = coordinates[:-1][follows], np.diff(coordinates, axis=0)[follows]
        middle = start + along / 2
        length = np.maximum(np.hypot(*along.T), LATTICE_M)
        # outlines run counter-clockwise, so the right-hand side is outside
        across = middle + np.stack([along[:, 1], -along[:, 0]], axis=1) / length[:, None] * (_APART_M / 5)
        seed = self._seed_at(across)
        return middle[seed >= 0], seed[seed >= 0]

    def _seed_at(self, points: Floats) -> Ints:
        """Seed of the ground at points; −1 outside the area or where it is not known yet."""
        face = _first_hit(self.face_tree, points)
        region = np.where(face >= 0, self.region[face], _NOWHERE)
        for free, behind in self.behind.items():
            at = np.flatnonzero(region == free)
            region[at[shapely.intersects_xy(self.region_area[behind], points[at])]] = behind
        seed = np.full(len(points), _NOWHERE, dtype=np.int64)
        for one in np.unique(region):
            if int(one) in self.generators:
                seed[region == one] = self._nearest(int(one), points[region == one])
        return seed

    # 4. ridges

    def _ridges(self) -> Geometries:
        drawn = [
            shapely.intersection(
                _ridges_between(points, seed, shapely.bounds(self.region_area[region])),
                self.region_area[region],
            )
            for region, (points, seed) in self.generators.items()
            if (seed != seed[0]).any()
        ]
        edges = [shapely.boundary(self.region_area[behind]) for behind in self.behind.values()]
        return lines_of(np.concatenate([np.array(edges, dtype=object), *drawn]))

    # 5. and 6. cells

    def cells(self) -> Geometries:
        self._generate()
        faces = enclosed(noded(np.concatenate([self.lines, self._ridges()])), self.area)
        inside = shapely.get_coordinates(shapely.point_on_surface(faces))
        seed = _joined(faces, self._seed_at(inside), self.places)
        cells = np.full(len(self.seeds), None, dtype=object)
        for one in np.unique(seed[seed >= 0]):
            cells[one] = shapely.coverage_union_all(faces[seed == one])
        return cells


def _joined(faces: Geometries, seed: Ints, places: Floats) -> Ints:
    """Give faces that are cut off from their seed to the neighbour with most common boundary."""
    shared = shared_boundaries(faces)
    length = coo_array(
        (shared.length_m, (shared.first, shared.second)), shape=(len(faces), len(faces))
    ).tocsr()
    length = length + length.T
    area = shapely.area(faces)
    home = np.zeros(len(faces), dtype=bool)
    reached = _first_hit(shapely.STRtree(faces), places)
    home[reached[reached >= 0]] = True
    seed = seed.copy()
    for _ in range(len(faces)):
        row, column = length.nonzero()
        alike = (seed[row] == seed[column]) & (seed[row] >= 0)
        graph = coo_array((np.ones(alike.sum()), (row[alike], column[alike])), shape=length.shape)
        piece = connected_components(graph, directed=False)[1]
        # the piece with the seed's own place is its home, else the largest piece of the seed
        piece_area = np.bincount(piece, weights=area) + 1e12 * (np.bincount(piece, weights=home) > 0)
        order = np.lexsort((-piece_area[piece], seed))
        chief = np.full(int(seed.max()) + 1, _NOWHERE)
        first = np.unique(seed[order], return_index=True)[1]
        chief[seed[order][first]] = piece[order][first]
        lost = (seed < 0) | (piece != chief[seed])
        if not lost.any():
            return seed
        lost_row = lost[row] & ~lost[column]
        if not lost_row.any():
            return seed
        # whole pieces move, each to the settled seed with which it shares most boundary
        pairs = coo_array(
            (
                np.asarray(length[row[lost_row], column[lost_row]]).ravel(),
                (piece[row[lost_row]], seed[column[lost_row]]),
            ),
            shape=(int(piece.max()) + 1, int(seed.max()) + 1),
        ).toarray()
        target = pairs.argmax(axis=1)
        moves = lost & (pairs.max(axis=1)[piece] > 0)
        seed[moves] = target[piece[moves]]
    return seed


def _ridges_between(points: Floats, seed: Ints, bounds: Floats) -> Geometries:
    """Voronoi ridges between points of different seeds, joined into smooth lines that cross the bounds."""
    middle = points.mean(axis=0)
    _, first = np.unique(np.rint(points / LATTICE_M / 10).astype(np.int64), axis=0, return_index=True)
    local, seed = points[first] - middle, seed[first]
    # far enough that no ridge ends inside the bounds
    reach = 10 * (np.abs(local).max() + np.abs(bounds.reshape(2, 2) - middle).max() + 1.0)
    frame = np.array([(-reach, -reach), (-reach, reach), (reach, -reach), (reach, reach)])
    diagram = Voronoi(np.concatenate([local, frame]))
    pair = diagram.ridge_points
    real: NDArray[np.bool_] = np.asarray((pair < len(local)).all(axis=1))
    pair = pair[real]
    vertices = [ends for ends, kept in zip(diagram.ridge_vertices, real, strict=True) if kept]
    ends = np.array(vertices, dtype=np.int64).reshape(-1, 2)
    owners = np.sort(seed[pair], axis=1)
    border = owners[:, 0] != owners[:, 1]
    owners, ends = owners[border], ends[border]
    segments = shapely.linestrings(diagram.vertices[ends] + middle)
    group = np.unique(owners, axis=0, return_inverse=True)[1].reshape(-1)
    order = np.argsort(group, kind="stable")
    chains = shapely.line_merge(shapely.multilinestrings(segments[order], indices=group[order]))
    smooth: Geometries = shapely.simplify(shapely.get_parts(chains), _SMOOTHING_M)
    return smooth


def _moved_apart(places: Floats) -> Floats:
    """Move places that coincide onto a small circle, in their order."""
    key = np.rint(places / 0.01).astype(np.int64)
    _, group, count = np.unique(key, axis=0, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    order = np.argsort(group, kind="stable")
    rank = np.empty(len(places), dtype=np.int64)
    rank[order] = np.arange(len(places)) - np.repeat(np.cumsum(count) - count, count)
    angle = 2 * np.pi * rank / count[group]
    offset = _APART_M * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.where((count[group] > 1)[:, None], places + offset, places)


def _first_hit(tree: shapely.STRtree, places: Floats) -> Ints:
    """Lowest number of a tree's polygon at each point, −1 for none."""
    points = np.asarray(shapely.points(places), dtype=object)
    found = np.full(len(points), len(tree.geometries), dtype=np.int64)
    point, polygon = tree.query(points, predicate="intersects")
    np.minimum.at(found, point, polygon)
    found[found == len(tree.geometries)] = _NOWHERE
    return found


def _inside(polygon: shapely.Geometry) -> Floats:
    return np.asarray(shapely.get_coordinates(shapely.point_on_surface(polygon)))
