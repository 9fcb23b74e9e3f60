"""Seeded planar graphs with weights, to be cut into connected parts inside a tight window."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay

__all__ = ["SETS", "Kind", "Spread", "graph"]

Kind = Literal["lattice", "delaunay"]
Spread = Literal["even", "skewed", "heavy"]

_SIGMA = {"skewed": 1.0, "heavy": 1.5}

SETS: dict[str, tuple[tuple[Kind, int, int, Spread], ...]] = {
    "small": (
        ("delaunay", 16, 2, "skewed"),
        ("lattice", 29, 4, "heavy"),
        ("delaunay", 33, 3, "skewed"),
        ("delaunay", 44, 2, "even"),
        ("lattice", 55, 2, "skewed"),
        ("delaunay", 56, 4, "even"),
        ("delaunay", 64, 7, "even"),
        ("lattice", 67, 7, "skewed"),
        ("delaunay", 75, 4, "even"),
        ("lattice", 77, 5, "even"),
        ("delaunay", 82, 4, "skewed"),
        ("delaunay", 93, 3, "even"),
        ("delaunay", 95, 2, "even"),
        ("lattice", 99, 4, "even"),
        ("delaunay", 105, 4, "skewed"),
        ("delaunay", 105, 4, "even"),
        ("lattice", 105, 7, "even"),
    ),
    "large": (
        ("delaunay", 300, 2, "skewed"),
        ("lattice", 350, 2, "even"),
        ("delaunay", 420, 3, "even"),
        ("lattice", 500, 3, "skewed"),
        ("delaunay", 550, 4, "even"),
        ("delaunay", 700, 4, "skewed"),
    ),
}
"""Kind, units, parts and spread of weights of each graph; its seed is 100 + its place."""


def graph(  # noqa: PLR0917 - a row of SETS comes first
    kind: Kind, units: int, parts: int, spread: Spread, seed: int, tolerance: float = 0.005
) -> dict[str, Any]:
    """Weights, edges, lower, upper and parts: what `spatial.grids.partition` takes.

    A perturbed lattice loses some of its edges and gains some diagonals; a Delaunay graph loses its
    longest edges.  Weights are even (80 to 119) or log-normal, none above nine tenths of a part.
    """
    rng = np.random.default_rng(seed)
    edges = _lattice(units, rng) if kind == "lattice" else _delaunay(units, rng)
    weights = _weights(units, parts, spread, rng)
    mean = weights.sum() / parts
    return {
        "weights": weights,
        "edges": edges,
        "lower": float(np.ceil(mean * (1 - tolerance))),
        "upper": float(np.floor(mean * (1 + tolerance))),
        "parts": parts,
    }


def _connected(units: int, edges: np.ndarray) -> bool:
    matrix = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(units, units))
    return bool(connected_components(matrix, directed=False)[0] == 1)


def _delaunay(units: int, rng: np.random.Generator) -> np.ndarray:
    place = rng.uniform(0, 1, (units, 2))
    corners = Delaunay(place).simplices
    edges = np.unique(np.sort(corners[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2)), axis=0)
    length = np.hypot(*(place[edges[:, 0]] - place[edges[:, 1]]).T)
    kept = np.ones(len(edges), dtype=bool)
    for at in np.argsort(-length)[: int(0.12 * len(edges))]:
        kept[at] = False
        kept[at] = not _connected(units, edges[kept])
    return edges[kept]


def _lattice(units: int, rng: np.random.Generator) -> np.ndarray:
    columns = int(np.ceil(np.sqrt(units * 1.2)))
    number = np.full((units // columns + 2, columns + 1), -1)
    number.ravel()[np.flatnonzero(np.arange(number.size) % (columns + 1) < columns)[:units]] = np.arange(
        units
    )
    along = [(number[:-1], number[1:], 0.93), (number[:, :-1], number[:, 1:], 0.93)]
    along.append((number[:-1, :-1], number[1:, 1:], 0.3))
    pairs = []
    for first, second, chance in along:
        both = (first >= 0) & (second >= 0) & (rng.random(first.shape) < chance)
        pairs.append(np.column_stack([first[both], second[both]]))
    edges = np.concatenate(pairs)
    return edges if _connected(units, edges) else _lattice(units, rng)


def _weights(units: int, parts: int, spread: Spread, rng: np.random.Generator) -> np.ndarray:
    if spread == "even":
        return rng.integers(80, 120, units)
    weights = np.exp(rng.normal(9.5, _SIGMA[spread], units)).astype(np.int64) + 50
    while weights.max() > (most := int(0.9 * weights.sum() / parts)):
        weights = np.minimum(weights, most)
    return weights
