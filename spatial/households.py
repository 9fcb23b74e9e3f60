"""Households of buildings where nobody counted them: dasymetric, under control of known totals.

What a building is expected to hold is its floor area (footprint × levels × a factor of the use) at the
density of the known buildings nearest to it.  A *control* is a known number of households of an area:
an estate, a community, a cell of a population grid.  What is known of its buildings is taken off; the
rest is shared out among the others in proportion to what they are expected to hold, in whole households
that sum to the control exactly.  A building under no control gets what it is expected to hold.
Whatever is estimated is marked so (``households_source``), and every figure made from it states its
share.

Areal-interpolation libraries share out by area between polygons and do not keep whole numbers;
here the targets are buildings and each lies in one control, so that proportional shares suffice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from spatial.checks import containing, lives, with_households
from spatial.findings import Finding, Report, Severity
from spatial.schema import TABLES
from spatial.town import Town

__all__ = ["Control", "controls_of", "estimate_households", "floor_areas", "share_out"]

# Levels of a residential building of which nothing is known, and how much of a mixed one is homes.
_USUAL_LEVELS = 6.0
_MIXED_FACTOR = 0.7
# Known buildings whose floor area per household a building takes on.
_NEIGHBOURS = 6


@dataclass(frozen=True)
class Control:
    """Known households of areas.

    Attributes
    ----------
    name : what the areas are: ``estates``, ``communities`` or a name of one's own
    ids : names of the areas, shape (m,)
    households : known total of each, NaN where unknown, shape (m,)
    area_of : for each building of the town the number of the area it lies in, −1 for none, shape (n,)
    """

    name: str
    ids: Sequence[str]
    households: NDArray[np.float64]
    area_of: NDArray[np.int64]


def controls_of(town: Town) -> list[Control]:
    """Return the controls that a town holds itself, the finest first.

    Estates by their column ``households``; communities by rows of the table ``measures`` with
    subject type ``community`` and quantity ``households``.
    """
    buildings, estates, communities = town.buildings, town.estates, town.communities
    measures = town.tables["measures"]
    of_communities = measures[
        ((measures["subject_type"] == "community") & (measures["quantity"] == "households")).to_numpy(
            dtype=bool, na_value=False
        )
    ]
    stated = of_communities.groupby("subject_id")["value"].sum().reindex(communities.index)
    return [
        Control(
            "estates",
            list(estates.index),
            estates["households"].to_numpy(dtype=float, na_value=np.nan),
            estates.index.get_indexer(pd.Index(buildings["estate_id"])).astype(np.int64),
        ),
        Control(
            "communities",
            list(communities.index),
            stated.to_numpy(dtype=float, na_value=np.nan),
            communities.index.get_indexer(pd.Index(buildings["community_id"])).astype(np.int64),
        ),
    ]


def control_of_cells(town: Town, cells: gpd.GeoDataFrame, persons_per_household: float) -> Control:
    """Return the control of a population grid.

    Parameters
    ----------
    town : the town; the cells are brought into its reference system
    cells : polygons with a column ``population``, in persons
    persons_per_household : mean size of a household
    """
    placed = cells.to_crs(town.crs)
    return Control(
        "population_cells",
        [str(label) for label in placed.index],
        placed["population"].to_numpy(dtype=float, na_value=np.nan) / persons_per_household,
        containing(town.buildings.geometry.to_numpy(), placed.geometry.to_numpy()),
    )


def floor_areas(buildings: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return the residential floor area of each building in m², 0 where nobody lives.

    Footprint × levels × factor of the use.  Unknown levels are the median of the estate, else of the
    town, else six.  A building drawn as a point has the median footprint of the others, and one
    square metre where all are points, so that only proportions can be made from it.

    Parameters
    ----------
    buildings : layer in a metric reference system, shape (n, …)
    """
    footprints = shapely.area(buildings.geometry.to_numpy())
    drawn = footprints > 0
    footprints = np.where(drawn, footprints, np.median(footprints[drawn]) if drawn.any() else 1.0)
    levels = buildings["levels"].astype("Float64").mask(buildings["levels"] == 0)
    of_estate = levels.groupby(buildings["estate_id"]).transform("median")
    usual = levels.median() if levels.notna().any() else _USUAL_LEVELS
    known_levels = levels.fillna(of_estate).fillna(usual).to_numpy(dtype=float)
    mixed = (buildings["use"] == "mixed").to_numpy(dtype=bool, na_value=False)
    factors = np.where(mixed, _MIXED_FACTOR, 1.0) * lives(buildings)
    areas: NDArray[np.float64] = footprints * known_levels * factors
    return areas


def share_out(
    totals: NDArray[np.int64], weights: NDArray[np.float64], group_of: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return whole shares of totals in proportion to weights; the shares of a group sum to its total.

    Largest remainders (Hamilton): each member gets the whole part of its quota, and what is left
    goes one by one to the largest fractions, ties to the earlier member.  A group whose weights
    are all 0 is shared out evenly.

    Parameters
    ----------
    totals : shape (m,), not negative
    weights : shape (n,), not negative
    group_of : number of the group of each member, shape (n,); every group with a total has a member

    Examples
    --------
    >>> share_out(np.array([10]), np.array([1.0, 1.0, 1.0]), np.array([0, 0, 0])).tolist()
    [4, 3, 3]
    """
    sums = np.bincount(group_of, weights, minlength=len(totals))
    even = sums[group_of] <= 0
    fair = np.where(even, 1.0, weights)
    sums = np.bincount(group_of, fair, minlength=len(totals))
    quotas = totals[group_of] * fair / sums[group_of]
    shares = np.floor(quotas).astype(np.int64)
    left = totals - np.bincount(group_of, shares, minlength=len(totals)).astype(np.int64)
    order = np.lexsort((np.arange(len(quotas)), -(quotas - shares), group_of))
    ordered_groups = group_of[order]
    starts = np.searchsorted(ordered_groups, np.arange(len(totals)))
    rank = np.arange(len(order)) - starts[ordered_groups]
    shares[order] += rank < left[ordered_groups]
    return shares


def estimate_households(
    town: Town,
    controls: Sequence[Control] | None = None,
    *,
    floor_area_per_household_m2: float | None = None,
    by_neighbours: bool = True,
) -> Town:
    """Return a town in which residential buildings of unknown households have estimated ones.

    What was estimated before is estimated anew, since counts may have come in beside it.

    Parameters
    ----------
    town : the town; counted households are never changed
    controls : known totals, the finest first; those of the town itself when None
    floor_area_per_household_m2 : used where no building of the town is counted; without it such
        buildings stay unknown
    by_neighbours : whether buildings under no control are estimated at all

    Returns
    -------
    Town
        With ``households_source`` estimated where so, and the findings in its report: what was shared
        out, what was reckoned, and controls that are less than what is known of their buildings.
    """
    buildings = town.buildings
    stated = buildings["households"].to_numpy(dtype=float, na_value=np.nan)
    estimated_before = (buildings["households_source"] == "estimated").to_numpy(dtype=bool, na_value=False)
    households = np.where(estimated_before, np.nan, stated)
    homes = lives(buildings)
    areas = floor_areas(buildings)
    before = np.isnan(households) & homes
    findings: list[Finding] = []
    for control in controls_of(town) if controls is None else controls:
        expected = _expected(households, areas, buildings)
        households, more = _controlled(households, homes, expected, control, buildings.index)
        findings += more
    if by_neighbours:
        households, more = _reckoned(households, before, areas, buildings, floor_area_per_household_m2)
        findings += more
    # What was estimated before by other controls keeps its value where these tell none.
    households = np.where(np.isnan(households) & estimated_before, stated, households)
    estimated = before & ~np.isnan(households)
    if not estimated.any():
        return replace(town, report=town.report + Report(tuple(findings)))
    filled = buildings.assign(
        households=pd.array(households, dtype="Float64").astype("Int64"),
        households_source=buildings["households_source"].mask(
            pd.Series(estimated, buildings.index), "estimated"
        ),
    )
    return with_households(town, filled, *findings)


def _controlled(
    households: NDArray[np.float64],
    homes: NDArray[np.bool_],
    expected: NDArray[np.float64],
    control: Control,
    ids: pd.Index,
) -> tuple[NDArray[np.float64], list[Finding]]:
    """Share the rest of each control out among the buildings of unknown households in it."""
    stated = np.where(np.isnan(control.households), -1.0, np.round(control.households))
    within = control.area_of >= 0
    known = np.bincount(control.area_of[within], np.nan_to_num(households[within]), minlength=len(stated))
    open_rows = np.isnan(households) & homes & within
    open_rows[open_rows] = stated[control.area_of[open_rows]] >= 0
    rest = (stated - known).astype(np.int64)
    exceeded = np.unique(control.area_of[open_rows][rest[control.area_of[open_rows]] < 0])
    findings = []
    if len(exceeded):
        named = [control.ids[number] for number in exceeded]
        findings.append(
            Finding.of(
                Severity.WARNING, "households.control_exceeded", _table_of(control), named, count=len(named)
            )
        )
        open_rows[open_rows] = ~np.isin(control.area_of[open_rows], exceeded)
    if not open_rows.any():
        return households, findings
    filled = households.copy()
    filled[open_rows] = share_out(np.maximum(rest, 0), expected[open_rows], control.area_of[open_rows])
    findings.append(
        Finding.of(
            Severity.WARNING,
            "households.shared_out",
            "buildings",
            ids[open_rows],
            count=int(open_rows.sum()),
            control=control.name,
            households=int(filled[open_rows].sum()),
        )
    )
    return filled, findings


def _table_of(control: Control) -> str | None:
    return control.name if control.name in TABLES else None


def _expected(
    households: NDArray[np.float64], areas: NDArray[np.float64], buildings: gpd.GeoDataFrame
) -> NDArray[np.float64]:
    """Return the households each building would have at the density of the known ones nearest to it.

    Without any known building it is the floor area itself: right in proportion, not in number.
    """
    known = (households > 0) & (areas > 0)
    if not known.any():
        return areas
    centroids = shapely.get_coordinates(shapely.centroid(buildings.geometry.to_numpy()))
    count = min(_NEIGHBOURS, int(known.sum()))
    _, nearest = cKDTree(centroids[known]).query(centroids, k=count)
    nearest = nearest.reshape(-1, count)
    densities = households[known][nearest].sum(axis=1) / areas[known][nearest].sum(axis=1)
    expected: NDArray[np.float64] = areas * densities
    return expected


def _reckoned(
    households: NDArray[np.float64],
    unknown: NDArray[np.bool_],
    areas: NDArray[np.float64],
    buildings: gpd.GeoDataFrame,
    floor_area_per_household_m2: float | None,
) -> tuple[NDArray[np.float64], list[Finding]]:
    """Reckon what no control covers from the density of the known buildings nearby."""
    open_rows = np.isnan(households) & unknown
    if not open_rows.any():
        return households, []
    if (households > 0).any():
        expected = _expected(households, areas, buildings)
    elif floor_area_per_household_m2 is not None:
        expected = areas / floor_area_per_household_m2
    else:
        return households, []
    filled = households.copy()
    filled[open_rows] = np.round(expected[open_rows])
    finding = Finding.of(
        Severity.WARNING,
        "households.reckoned",
        "buildings",
        buildings.index[open_rows],
        count=int(open_rows.sum()),
        households=int(filled[open_rows].sum()),
    )
    return filled, [finding]
