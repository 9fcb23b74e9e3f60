"""Measures of a division: the one definition of each, used by the solver's certificates too.

``extra_pieces`` is the sum over estates of max(0, grids it touches − max(1, ceil(households / upper)));
an estate that lies in two communities counts in each for itself.  ``inertia`` (m²) is the sum over grids
of the least, over a centre unit j of the grid, of Σ households_i · D_ij² / H, with D_ij the straight
distance plus the side penalty where i and j lie on different sides of main roads, and H the community's
households.  A ``crossing`` is a grid with units on more than one side.  ``violation`` is the sum over
grids of households outside the window.  ``compactness`` is the mean of 4π · area / perimeter² over basic
grids (Polsby–Popper, 0 to 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.grids.division import Division
from spatial.grids.fabric import Fabric
from spatial.grids.instance import Instance, extra_pieces, part_inertia

__all__ = ["compactness", "measure", "outside_window", "problem"]

_MEASURES = ("grids", "households", "in_range", "violation", "extra_pieces", "crossings", "inertia")

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def problem(fabric: Fabric, units: Ints) -> dict[str, Any]:
    """Return the arrays that `spatial.grids.partition` takes, for some units of one community."""
    rules, arrays = fabric.rules, fabric.arrays
    position = np.full(len(arrays.weight), -1, dtype=np.int64)
    position[units] = np.arange(len(units))
    first, second = position[fabric.ends.T]
    inside = (first >= 0) & (second >= 0)
    return {
        "weights": arrays.weight[units],
        "edges": np.stack([first[inside], second[inside]], axis=1),
        "lower": rules.lower,
        "upper": rules.upper,
        "coordinates": arrays.place[units],
        "groups": arrays.group[units] if "extra_pieces" in rules.wishes else None,
        "sides": arrays.side[units],
        "side_penalty_m": rules.side_penalty_m,
    }


def outside_window(weight: Floats, lower: float, upper: float) -> Floats:
    """Return how far each weight lies outside the window, 0 inside it."""
    outside: Floats = np.maximum(0.0, np.maximum(lower - weight, weight - upper))
    return outside


def measure(division: Division, communities: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the measures of each community.

    Parameters
    ----------
    communities : those to measure; all of the town when None

    Returns
    -------
    pandas.DataFrame
        Indexed by community_id; columns grids, households, in_range, violation, extra_pieces,
        crossings, inertia.  Units in no grid count for nothing but the households.
    """
    fabric = division.fabric
    arrays = fabric.arrays
    community, weight, basic = arrays.community, arrays.weight, division.is_basic
    outside = outside_window(division.weight, fabric.rules.lower, fabric.rules.upper)
    rows = []
    for community_id in fabric.town.communities.index if communities is None else communities:
        own = np.flatnonzero((community == community_id) & (division.grid >= 0))
        own = own[basic[division.grid[own]]]
        grids = np.flatnonzero(basic & (division.home == community_id))
        row: dict[str, Any] = {
            "community_id": community_id,
            "grids": len(grids),
            "households": arrays.households[community == community_id].sum(),
            "in_range": int((outside[grids] == 0).sum()),
            "violation": float(outside[grids].sum()),
            "extra_pieces": 0,
            "crossings": 0,
            "inertia": 0.0,
        }
        if len(own):
            instance = Instance.build(**problem(fabric, own), objective="inertia")
            label = division.grid[own]
            row["extra_pieces"] = extra_pieces(instance, label) if instance.group_count else 0
            row["crossings"] = _crossings(label, instance.sides)
            moments = [part_inertia(instance, np.flatnonzero(label == one))[0] for one in np.unique(label)]
            total = weight[community == community_id].sum()
            row["inertia"] = sum(moments) / total if total else 0.0
        rows.append(row)
    return pd.DataFrame(rows, columns=["community_id", *_MEASURES]).set_index("community_id")


def _crossings(label: Ints, sides: Ints) -> int:
    pairs = np.unique(np.stack([label, sides]), axis=1)
    return int((np.unique(pairs[0], return_counts=True)[1] > 1).sum())


def compactness(outlines: NDArray[np.object_]) -> Floats:
    """Return 4π · area / perimeter² of each outline, 1 for a circle; NaN without an outline."""
    length = shapely.length(outlines)
    share: Floats = 4 * np.pi * shapely.area(outlines) / np.where(length > 0, length, np.nan) ** 2
    return share
