"""Topology: places that contradict one another — gaps, doubles, dangling street ends, services in water."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.checks.layers import only_where, usable
from spatial.checks.shaping import row_labels
from spatial.findings import Finding, Severity
from spatial.schema import TABLES

__all__ = ["SNAP_M", "check_topology", "dangling_ends", "doubled_rows"]

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

Tables = Mapping[str, pd.DataFrame]


def check_topology(tables: Tables) -> list[Finding]:
    """Return the findings about shaped tables of one town, in one metric reference system."""
    findings: list[Finding] = []
    for rule in (_gaps, _doubled_buildings, _two_estates, _doubled_facilities, _in_water, _dangling):
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
        both = layer["households"].to_numpy(dtype=float, na_value=0.0)
        yield _warn(
            "buildings_coincide",
            "buildings",
            pairs,
            households=int(np.minimum(both[first], both[second]).sum()),
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
    streets, _, distances, _ = dangling_ends(shapes)
    if len(streets):
        yield _warn(
            "street_ends_short", "streets", labels[np.unique(streets)], largest_m=float(distances.max())
        )


def dangling_ends(
    shapes: NDArray[np.object_],
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64], NDArray[np.object_]]:
    """Return the ends of streets that stop short of another street by at most a metre.

    Returns
    -------
    tuple
        For each such end: the number of its street, whether it is the last point (else the first), how far
        it is from the other street in metres, and the nearest point there.
    """
    simple = only_where(shapely.get_type_id(shapes) == shapely.GeometryType.LINESTRING, shapes)
    numbers = np.flatnonzero(shapely.is_geometry(simple))
    street = np.concatenate([numbers, numbers])
    last = np.repeat([False, True], len(numbers))
    ends = np.concatenate([shapely.get_point(simple[numbers], 0), shapely.get_point(simple[numbers], -1)])
    tree = shapely.STRtree(shapes)
    end, other = tree.query(ends, predicate="dwithin", distance=SNAP_M)
    foreign = street[end] != other
    end, other = end[foreign], other[foreign]
    distances = shapely.distance(ends[end], shapes[other])
    nearest = pd.DataFrame({"end": end, "other": other, "distance": distances}).sort_values(
        ["distance", "other"]
    )
    nearest = nearest.drop_duplicates("end").sort_values("end")
    short = nearest[nearest["distance"] > _TOUCHING_M]
    chosen, target = short["end"].to_numpy(), short["other"].to_numpy()
    lines = shapely.shortest_line(ends[chosen], shapes[target])
    return street[chosen], last[chosen], short["distance"].to_numpy(), shapely.get_point(lines, -1)
