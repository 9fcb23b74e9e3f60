"""Linework: lines brought together so that they enclose faces.

Lines are noded on a lattice of 0.1 mm: where they meet they share a vertex, so that areas on both sides
of a line fit without gap or overlap.  A street drawn a little too short to reach the next one is taken
further, straight on, up to `GAP_M`.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["GAP_M", "LATTICE_M", "enclosed", "lines_of", "noded", "taken_further"]

LATTICE_M = 1e-4
"""Lattice on which lines are noded: fine enough for areas, coarse enough to make vertices meet."""
GAP_M = 30.0
"""A street that ends this near to another line, straight ahead, is meant to meet it."""

# The direction of a street's end is taken over this length of it.
_HEADING_M = 10.0

Geometries = NDArray[np.object_]


def lines_of(geometries: Geometries) -> Geometries:
    """Return the line strings among the parts of geometries; what is no line is left out."""
    parts = shapely.get_parts(geometries)
    while (shapely.get_type_id(parts) >= 4).any():
        parts = shapely.get_parts(parts)
    lines: Geometries = parts[(shapely.get_dimensions(parts) == 1) & ~shapely.is_empty(parts)]
    return lines


def noded(geometries: Geometries) -> Geometries:
    """Return lines cut where they meet, without doubles, on the lattice."""
    return lines_of(np.array([shapely.union_all(lines_of(geometries), grid_size=LATTICE_M)], dtype=object))


def enclosed(lines: Geometries, area: shapely.Geometry) -> Geometries:
    """Return the faces that noded lines enclose inside an area."""
    faces = shapely.get_parts(shapely.polygonize(lines))
    inside: Geometries = faces[shapely.intersects(area, shapely.point_on_surface(faces))]
    return inside


def taken_further(lines: Geometries, outline: shapely.Geometry) -> Geometries:
    """Return lines noded with each other and an outline, loose ends taken on to the next line.

    Parameters
    ----------
    lines : line strings, metres
    outline : boundary of the area; it is among the lines returned
    """
    network = noded(np.concatenate([lines, [outline]]))
    ends = np.concatenate([shapely.get_point(network, 0), shapely.get_point(network, -1)])
    coordinates = shapely.get_coordinates(ends)
    _, first, count = np.unique(
        np.rint(coordinates / LATTICE_M).astype(np.int64), axis=0, return_index=True, return_counts=True
    )
    loose = first[count == 1]
    if not len(loose):
        return network
    of_line, backward = loose % len(network), loose < len(network)
    line = network[of_line]
    length = shapely.length(line)
    back_m = np.minimum(_HEADING_M, length)
    behind = shapely.get_coordinates(
        shapely.line_interpolate_point(line, np.where(backward, back_m, length - back_m))
    )
    start = coordinates[loose]
    heading = start - behind
    heading /= np.maximum(np.hypot(*heading.T), LATTICE_M)[:, None]
    # the ray starts a little ahead, so that it does not hit its own street
    ray = shapely.linestrings(np.stack([start + 0.01 * heading, start + GAP_M * heading], axis=1))
    met = shapely.intersection(ray, shapely.union_all(network))
    bridge = shapely.shortest_line(ends[loose], met)
    bridge = bridge[~shapely.is_missing(bridge) & ~shapely.is_empty(met)]
    return noded(np.concatenate([network, bridge])) if len(bridge) else network
