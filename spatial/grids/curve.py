"""What no plan of a town can beat, for each number of grids: known before anything is drawn.

A community of H households takes between ⌈H / upper⌉ and ⌊H / lower⌋ grids.  How many estates must be
split depends on the number chosen, often by much: the curve shows what each number costs at least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatial.grids.bounds import possible_counts
from spatial.grids.clock import Clock
from spatial.grids.component import pieces_of, ranked_counts
from spatial.grids.fabric import Fabric
from spatial.grids.instance import Instance
from spatial.grids.measures import problem
from spatial.grids.partition import separated

__all__ = ["bounds_curve", "town_curve"]

_BEYOND = 2


@dataclass(frozen=True, order=True)
class _Least:
    """What no plan of some count can beat; smaller is better."""

    impossible: bool
    violation: float
    extra_pieces: int

    def beside(self, other: _Least) -> _Least:
        """Return what no plan of both together can beat."""
        return _Least(
            self.impossible or other.impossible,
            self.violation + other.violation,
            self.extra_pieces + other.extra_pieces,
        )


def bounds_curve(fabric: Fabric) -> pd.DataFrame:
    """Return what no plan of a community can beat, for each number of grids.

    Parameters
    ----------
    fabric : the units of a town under its rules, from `build_fabric`; existing plans and locks are not
        taken into account

    Returns
    -------
    DataFrame
        Indexed by (community_id, grids); the lawful numbers, and where there are none, those around:

        - possible : False where it is proved that no lawful plan has so many grids
        - least_violation : households that lie outside the window in any plan of so many grids
        - least_extra_pieces : of any lawful plan, 0 where nothing better is known
        - proposed : the number with fewest extra pieces, then nearest the target size
        - households, fewest, most : of the community, and its lawful numbers; fewest > most is the proof
          that none is lawful

    Examples
    --------
    >>> curve = bounds_curve(build_fabric(town, GridRules()))          # doctest: +SKIP
    >>> curve.xs("330106001001").loc[:, ["possible", "least_extra_pieces"]]   # doctest: +SKIP
    """
    rules = fabric.rules
    rows = []
    for community_id in np.sort(fabric.town.communities.index.to_numpy(object)):
        units = fabric.units_of(community_id)
        if not len(units):
            continue
        instance = Instance.build(**problem(fabric, units))
        counts = possible_counts(instance.total, instance.lower, instance.upper)
        least = _of_community(instance, rules.target)
        lawful = [k for k, one in least.items() if not one.impossible and one.violation == 0]
        shown = range(min(lawful), max(lawful) + 1) if lawful else sorted(least)[: 2 * _BEYOND]
        proposed = min(
            shown,
            key=lambda k: (
                least[k].impossible,
                least[k].violation,
                least[k].extra_pieces,
                abs(instance.total / k - rules.target),
            ),
        )
        rows += [
            {
                "community_id": community_id,
                "grids": k,
                "possible": k in lawful,
                "least_violation": least[k].violation,
                "least_extra_pieces": least[k].extra_pieces,
                "proposed": k == proposed,
                "households": instance.total,
                "fewest": counts.start,
                "most": counts.stop - 1,
            }
            for k in shown
        ]
    columns = [
        "community_id", "grids", "possible", "least_violation", "least_extra_pieces", "proposed",
        "households", "fewest", "most",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).set_index(["community_id", "grids"])


def town_curve(curve: pd.DataFrame) -> pd.DataFrame:
    """Return what no plan of the whole town can beat, for each number of grids in all.

    Parameters
    ----------
    curve : of `bounds_curve`

    Returns
    -------
    DataFrame
        Indexed by grids: possible, least_violation, least_extra_pieces; the sums of the best choice of
        numbers for the communities
    """
    best = {0: _Least(impossible=False, violation=0.0, extra_pieces=0)}
    for _, own in curve.groupby(level="community_id"):
        counts = own.index.get_level_values("grids").to_numpy(dtype=np.int64)
        violation = own["least_violation"].to_numpy(dtype=float)
        extra = own["least_extra_pieces"].to_numpy(dtype=np.int64)
        excluded = ~own["possible"].to_numpy(dtype=bool) & (violation == 0)
        options = {
            int(k): _Least(bool(excluded[at]), float(violation[at]), int(extra[at]))
            for at, k in enumerate(counts)
        }
        best = _together(best, options)
    rows = [
        {
            "grids": k,
            "possible": not one.impossible and one.violation == 0,
            "least_violation": one.violation,
            "least_extra_pieces": one.extra_pieces,
        }
        for k, one in sorted(best.items())
    ]
    columns = ["grids", "possible", "least_violation", "least_extra_pieces"]
    return pd.DataFrame(rows, columns=columns).set_index("grids")


def _of_community(instance: Instance, target: float) -> dict[int, _Least]:
    """Return what no plan of a community can beat, by number of grids."""
    best = {0: _Least(impossible=False, violation=0.0, extra_pieces=0)}
    for units in separated(instance):
        component = instance.restricted(units)
        table = pieces_of(component, None, Clock())
        options = {}
        for one in ranked_counts(component, target, table):
            excluded = one.violation == 0 and table is not None and table.clusters(one.parts) < 0
            options[one.parts] = _Least(excluded, one.violation, one.extra_pieces)
        best = _together(best, options)
    return best


def _together(first: dict[int, _Least], second: dict[int, _Least]) -> dict[int, _Least]:
    found: dict[int, _Least] = {}
    for a, one in first.items():
        for b, other in second.items():
            both = one.beside(other)
            if a + b not in found or both < found[a + b]:
                found[a + b] = both
    return found
