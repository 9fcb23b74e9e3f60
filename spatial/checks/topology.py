"""Topology: places that contradict one another — gaps, doubles, dangling street ends, services in water."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spatial.checks.layers import only_where, usable
from spatial.checks.shaping import row_labels
from spatial.findings import Finding, Severity
from spatial.schema import TABLES

__all__ = ["SNAP_M", "LooseEnds", "check_topology", "doubled_rows", "loose_ends"]

# A gap or an overlap below this is a sliver of drawing, not of meaning.
_SLIVER_M2 = 1.0
# Buildings of which this share of the smaller lies in the other are one building drawn twice.
_SAME_BUILDING_SHARE = 0.5
_SAME_POINT_M = 0.5
# Facilities of one name and category this near are one facility entered twice; farther
# apart they may be the two sides of a stop.
_SAME_FACILITY_M = 20.0
_NAMES_SHOWN = 5
# A street that ends this near another, and not on it, was meant to meet it.
SNAP_M = 1.0
_TOUCHING_M = 1e-3
_SLIVER_WIDTH_M = 0.5

Tables = Mapping[str, pd.DataFrame]


def check_topology(tables: Tables) -> list[Finding]:
    """Return the findings about shaped tables of one town, in one metric reference system."""
    findings: list[Finding] = []
    for rule in (
        _gaps,
        _slivers,
        _doubled_buildings,
        _two_estates,
        _doubled_facilities,
        _in_water,
        _dangling,
        _unnoded,
        _islands,
    ):
        findings.extend(rule(tables))
    return findings


def _layer(tables: Tables, name: str) -> tuple[gpd.GeoDataFrame, NDArray[np.object_], NDArray[np.object_]]:
    """Return a layer, its usable geometries (None for others), and what its rows are called."""
    layer = gpd.GeoDataFrame(tables[name])
    return layer, only_where(usable(layer), layer.geometry.to_numpy()), row_labels(TABLES[name], layer)


def _warn(rule: str, table: str, ids: NDArray[np.object_], **values: object) -> Finding:
    return Finding.of(Severity.WARNING, f"checks.{rule}", table, ids, count=len(ids), **values)


def _gaps(tables: Tables) -> Iterator[Finding]:
    """Holes between communities that belong to none of them."""
    _, shapes, _ = _layer(tables, "communities")
    shapes = shapes[shapely.is_geometry(shapes)]
    if len(shapes) < 2:
        return
    parts = shapely.get_parts(shapely.union_all(shapes))
    rings = [ring for part in parts for ring in part.interiors]
    holes = shapely.polygons(rings) if rings else np.empty(0, dtype=object)
    holes = holes[shapely.area(holes) > _SLIVER_M2]
    if len(holes):
        largest = holes[np.argmax(shapely.area(holes))]
        place = shapely.point_on_surface(largest)
        yield Finding.of(
            Severity.WARNING,
            "checks.communities_gap",
            "communities",
            count=len(holes),
            area_m2=float(shapely.area(holes).sum()),
            x=float(shapely.get_x(place)),
            y=float(shapely.get_y(place)),
        )


def _slivers(tables: Tables) -> Iterator[Finding]:
    """Polygons so thin that they are a trace of drawing: twice the area by the outline is a mean width."""
    for name in ("communities", "estates", "buildings"):
        _, shapes, labels = _layer(tables, name)
        areal = shapely.get_dimensions(shapes) == 2
        widths = np.full(len(shapes), np.inf)
        widths[areal] = 2 * shapely.area(shapes[areal]) / shapely.length(shapes[areal])
        thin = widths < _SLIVER_WIDTH_M
        if thin.any():
            yield _warn("slivers", name, labels[thin], width_m=_SLIVER_WIDTH_M)


def _pairs(shapes: NDArray[np.object_], distance_m: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each pair of geometries within a distance once, the lower number first."""
    first, second = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=distance_m)
    return first[first < second], second[first < second]


def _doubled_buildings(tables: Tables) -> Iterator[Finding]:
    layer, shapes, labels = _layer(tables, "buildings")
    first, second = doubled_rows(shapes)
    if len(first):
        pairs = np.array(
            [f"{a}×{b}" for a, b in zip(labels[first], labels[second], strict=True)], dtype=object
        )
        both = layer["households"].to_numpy(dtype=float, na_value=np.nan)
        shared = np.fmin(both[first], both[second])
        known = np.isfinite(shared)
        yield _warn(
            "buildings_coincide" if known.any() else "buildings_coincide_unknown",
            "buildings",
            pairs,
            households=int(shared[known].sum()),
        )


def doubled_rows(shapes: NDArray[np.object_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of rows that are the same building: half of the smaller lies in the other.

    Points are the same within half a metre; a point inside a polygon is not its double.
    """
    first, second = _pairs(shapes, _SAME_POINT_M)
    dimensions = shapely.get_dimensions(shapes)
    points = (dimensions[first] == 0) & (dimensions[second] == 0)
    areal = (dimensions[first] == 2) & (dimensions[second] == 2)
    shared = np.zeros(len(first))
    shared[areal] = shapely.area(shapely.intersection(shapes[first[areal]], shapes[second[areal]]))
    least = np.minimum(shapely.area(shapes[first]), shapely.area(shapes[second]))
    same = points | (areal & (shared > _SAME_BUILDING_SHARE * least))
    return first[same], second[same]


def _two_estates(tables: Tables) -> Iterator[Finding]:
    _, shapes, labels = _layer(tables, "buildings")
    _, outlines, names = _layer(tables, "estates")
    areal = only_where(shapely.get_dimensions(outlines) == 2, outlines)
    building, estate = shapely.STRtree(areal).query(shapely.point_on_surface(shapes), predicate="intersects")
    counts = np.bincount(building, minlength=len(shapes))
    twice = np.flatnonzero(counts > 1)
    if len(twice):
        held = names[estate[building == twice[0]]]
        yield _warn(
            "in_two_estates", "buildings", labels[twice], first=labels[twice[0]], estates="、".join(held)
        )


def _doubled_facilities(tables: Tables) -> Iterator[Finding]:
    layer, shapes, labels = _layer(tables, "facilities")
    offered = tables["services"].drop_duplicates(["facility_id", "category"])
    told = offered.merge(
        pd.DataFrame(
            {"facility_id": layer.index, "number": np.arange(len(layer)), "name": layer["name"].to_numpy()}
        ),
        on="facility_id",
    ).dropna(subset=["name"])
    told = told[told.duplicated(["name", "category"], keep=False)].reset_index(drop=True)
    numbers = told["number"].to_numpy(dtype=np.int64)
    kinds = told.groupby(["name", "category"]).ngroup().to_numpy()
    first, second = _pairs(shapes[numbers], _SAME_FACILITY_M)
    alike = kinds[first] == kinds[second]
    doubled = np.unique(np.concatenate([first[alike], second[alike]]))
    if len(doubled):
        names = "、".join(told["name"].iloc[doubled].unique()[:_NAMES_SHOWN])
        yield _warn("facilities_coincide", "facilities", labels[np.unique(numbers[doubled])], name=names)


def _in_water(tables: Tables) -> Iterator[Finding]:
    barriers, waters, _ = _layer(tables, "barriers")
    river = (barriers["kind"] == "river").to_numpy(dtype=bool, na_value=False)
    tree = shapely.STRtree(only_where(river & (shapely.get_dimensions(waters) == 2), waters))
    for name in ("facilities", "buildings"):
        _, shapes, labels = _layer(tables, name)
        within = np.unique(tree.query(shapely.point_on_surface(shapes), predicate="within")[0])
        if len(within):
            yield _warn("in_water", name, labels[within])


def _dangling(tables: Tables) -> Iterator[Finding]:
    layer, shapes, labels = _layer(tables, "streets")
    if layer.empty:
        return
    ends = loose_ends(layer, shapes)
    short = ends.distance_m > _TOUCHING_M
    if short.any():
        yield _warn(
            "street_ends_short",
            "streets",
            labels[np.unique(ends.street[short])],
            largest_m=float(ends.distance_m.max()),
        )
    if (~short).any():
        yield _warn("street_ends_unnoded", "streets", labels[np.unique(ends.street[~short])])


def _unnoded(tables: Tables) -> Iterator[Finding]:
    """Streets that cross on one level without a vertex in common: no walker could turn there."""
    layer, shapes, labels = _layer(tables, "streets")
    over, levels = _levels(layer)
    plain = only_where(~over, shapes)
    first, second = shapely.STRtree(plain).query(plain, predicate="crosses")
    same = (first < second) & (levels[first] == levels[second])
    first, second = first[same], second[same]
    if not len(first):
        return
    points, pair = shapely.get_parts(
        shapely.extract_unique_points(shapely.intersection(plain[first], plain[second])), return_index=True
    )
    vertices = shapely.extract_unique_points(plain)
    apart = np.maximum(
        shapely.distance(points, vertices[first[pair]]), shapely.distance(points, vertices[second[pair]])
    )
    bare = apart > _TOUCHING_M
    if bare.any():
        streets = np.unique(first[pair[bare]])
        place = points[bare][0]
        yield Finding.of(
            Severity.NOTE,
            "checks.streets_cross",
            "streets",
            labels[streets],
            count=int(bare.sum()),
            first=labels[first[pair[bare][0]]],
            second=labels[second[pair[bare][0]]],
            x=float(shapely.get_x(place)),
            y=float(shapely.get_y(place)),
        )


def _islands(tables: Tables) -> Iterator[Finding]:
    """Pieces of the walked streets that hang together with no other: who lives there reaches nothing."""
    layer, shapes, labels = _layer(tables, "streets")
    walked = (layer["role"] != "outline").to_numpy(dtype=bool, na_value=True)
    numbers = np.flatnonzero(walked & shapely.is_geometry(shapes))
    if not len(numbers):
        return
    piece = street_pieces(shapes[numbers])
    lengths = np.bincount(piece, shapely.length(shapes[numbers]))
    apart = piece != np.argmax(lengths)
    if apart.any():
        yield _warn(
            "street_islands",
            "streets",
            labels[numbers[apart]],
            pieces=len(lengths) - 1,
            share=float(lengths.sum() - lengths.max()) / float(lengths.sum()),
        )


def street_pieces(lines: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return for each line the piece of network it is part of; lines hang together at common vertices."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    _, vertex = np.unique(np.round(xy / _TOUCHING_M), axis=0, return_inverse=True)
    count = len(lines) + int(vertex.max()) + 1
    links = coo_array((np.ones(len(line)), (line, len(lines) + vertex.ravel())), shape=(count, count))
    pieces = connected_components(links, directed=False)[1][: len(lines)]
    return np.unique(pieces, return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True)
class LooseEnds:
    """Ends of streets that lie on or near another street and share no vertex with it, each once.

    Attributes
    ----------
    street : number of the street, shape (n,)
    last : whether it is its last point, else the first
    other : number of the street it ends at
    distance_m : how far it is from that
    point : the place on that where it was meant to end
    """

    street: NDArray[np.int64]
    last: NDArray[np.bool_]
    other: NDArray[np.int64]
    distance_m: NDArray[np.float64]
    point: NDArray[np.object_]


def loose_ends(layer: gpd.GeoDataFrame, shapes: NDArray[np.object_]) -> LooseEnds:
    """Return the ends of streets at most a metre from another street of their level, without a common vertex.

    Parameters
    ----------
    layer : streets, shape (n, …)
    shapes : their usable geometries, None for others
    """
    simple = only_where(shapely.get_type_id(shapes) == shapely.GeometryType.LINESTRING, shapes)
    numbers = np.flatnonzero(shapely.is_geometry(simple))
    street = np.concatenate([numbers, numbers])
    last = np.repeat([False, True], len(numbers))
    ends = np.concatenate([shapely.get_point(simple[numbers], 0), shapely.get_point(simple[numbers], -1)])
    over, levels = _levels(layer)
    end, other = shapely.STRtree(shapes).query(ends, predicate="dwithin", distance=SNAP_M)
    foreign = street[end] != other
    end, other = end[foreign], other[foreign]
    vertices = shapely.extract_unique_points(shapes)
    # An end that shares a vertex with any street is where it should be.
    noded = np.unique(end[shapely.distance(ends[end], vertices[other]) <= _TOUCHING_M])
    loose = ~np.isin(end, noded) & (levels[street[end]] == levels[other]) & ~over[other]
    end, other = end[loose], other[loose]
    nearest = pd.DataFrame(
        {"end": end, "other": other, "distance": shapely.distance(ends[end], shapes[other])}
    )
    nearest = nearest.sort_values(["distance", "other"]).drop_duplicates("end").sort_values("end")
    chosen, target = nearest["end"].to_numpy(), nearest["other"].to_numpy()
    lines = shapely.shortest_line(ends[chosen], shapes[target])
    return LooseEnds(
        street[chosen], last[chosen], target, nearest["distance"].to_numpy(), shapely.get_point(lines, -1)
    )


def _levels(layer: gpd.GeoDataFrame) -> tuple[NDArray[np.bool_], NDArray[np.object_]]:
    """Return which streets pass over or under others, and the level of each."""
    over = np.zeros(len(layer), dtype=bool)
    for name in ("bridge", "tunnel"):
        over |= layer[name].to_numpy(dtype=bool, na_value=False)
    return over, layer["layer"].astype("string").fillna("0").to_numpy(dtype=object)
