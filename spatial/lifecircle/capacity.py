"""Capacity: how much of a service each household can count on, and which services are overloaded.

The two-step floating catchment area (2SFCA; Luo and Wang 2003).  First, for every service, capacity
over the demand within reach, R_j = S_j / Σ_i W(d_ij) P_i; then, for every demand, the sum over the
services within reach, A_i = Σ_j W(d_ij) R_j.  With one zone W is 1 within the limit; with several, a
weight for each zone makes near services count for more (E2SFCA; Luo and Qi 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from spatial.errors import UsageError
from spatial.lifecircle.subjects import bases_of
from spatial.lifecircle.survey import Survey
from spatial.town import Town

__all__ = ["Access", "CapacityReport", "assess_capacity", "two_step_access"]

Floats = npt.NDArray[np.float64]
Zones = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Access:
    """What demand can count on, and how services are used.

    Attributes
    ----------
    access : (demand,), capacity within reach per unit of demand; 0 where no service is within reach,
        not a number where a service of unknown capacity is
    access_at_least : (demand,), the same from the services of known capacity alone
    demand_in_reach : (service,), weighted demand within reach, which other services share
    ratio : (service,), capacity per unit of that demand; not a number where unknown or without demand
    nearest_demand : (service,), demand that has this service as its nearest; equally near ones share it
    overloaded : (service,), whether that demand is above the capacity; false where it is unknown
    """

    access: Floats
    access_at_least: Floats
    demand_in_reach: Floats
    ratio: Floats
    nearest_demand: Floats
    overloaded: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class CapacityReport:
    """The capacity of one category in a town.

    Attributes
    ----------
    services : indexed by facility_id: capacity, demand_in_reach, ratio, nearest_demand, overloaded
    buildings : indexed by building_id: demand, access, access_at_least
    demand, capacity : totals of what is known
    unknown_capacity, unknown_demand : how many services and buildings have no number
    """

    services: pd.DataFrame
    buildings: pd.DataFrame
    demand: float
    capacity: float
    unknown_capacity: int
    unknown_demand: int


def two_step_access(
    distances: sparse.csr_array, demand: npt.ArrayLike, capacity: npt.ArrayLike, zones: Zones
) -> Access:
    """Measure access by the two-step floating catchment area.

    Parameters
    ----------
    distances : demand × service, metres; an entry not stored is out of reach, a stored 0 is a walk of
        0 m
    demand : (demand,), in the unit of the capacity (places, beds); not negative
    capacity : (service,); not a number where it is unknown
    zones : walk in metres up to which a weight holds, and the weight, in growing order; one zone of
        weight 1 is 2SFCA, ((300, 1.0), (600, 0.68), (1000, 0.22)) is the E2SFCA of Luo and Qi

    Raises
    ------
    UsageError
        If a shape does not fit, a number is negative, or the zones do not grow in walk and fall in
        weight.

    Examples
    --------
    >>> walks = sparse.csr_array([[100.0, 0.0], [200.0, 400.0]])
    >>> two_step_access(walks, [30.0, 10.0], [20.0, 5.0], [(500.0, 1.0)]).access.tolist()
    [0.5, 1.0]
    """
    people, places = np.asarray(demand, float), np.asarray(capacity, float)
    if distances.shape != (people.size, places.size):
        expected = (people.size, places.size)
        raise UsageError("capacity.distances_shape", shape=distances.shape, expected=expected)
    if not (people >= 0).all() or (places < 0).any():
        raise UsageError("capacity.negative")
    within_m, weights = (np.array(column, float) for column in zip(*zones, strict=True))
    grows = bool((np.diff(within_m) > 0).all() and within_m[0] >= 0)
    if not grows or (np.diff(weights) > 0).any() or weights[-1] < 0 or weights[0] > 1:
        raise UsageError("capacity.wrong_zones", zones=tuple(zones))

    entries = distances.tocoo()
    zone = np.searchsorted(within_m, entries.data)
    near = zone < within_m.size
    row, service, walk_m = entries.row[near], entries.col[near], entries.data[near]
    weight = weights[zone[near]]

    in_reach = _sums(service, weight * people[row], places.size)
    ratio = np.divide(places, in_reach, out=np.full(places.size, np.nan), where=in_reach > 0)
    at_least = _sums(row, weight * np.nan_to_num(ratio[service]), people.size)
    unknown = np.bincount(row, np.isnan(places[service]) & (weight > 0), minlength=people.size) > 0

    nearest_m = np.full(people.size, np.inf)
    np.minimum.at(nearest_m, row, walk_m)
    is_nearest = walk_m == nearest_m[row]
    sharing = np.bincount(row, is_nearest, minlength=people.size)
    nearest_demand = _sums(service[is_nearest], (people[row] / sharing[row])[is_nearest], places.size)
    return Access(
        access=np.where(unknown, np.nan, at_least),
        access_at_least=at_least,
        demand_in_reach=in_reach,
        ratio=ratio,
        nearest_demand=nearest_demand,
        overloaded=nearest_demand > np.where(np.isnan(places), np.inf, places),
    )


def _sums(place: npt.NDArray[np.int32], values: Floats, count: int) -> Floats:
    return np.bincount(place, values, minlength=count).astype(np.float64)


def assess_capacity(
    town: Town,
    category: str,
    zones: Zones,
    *,
    basis: str = "households",
    demand_each: float = 1.0,
    survey: Survey | None = None,
) -> CapacityReport:
    """Measure access to the capacity of a category, by building, and find overloaded services.

    Parameters
    ----------
    town : the town
    category : id of the category
    zones : as in `two_step_access`, metres
    basis : who asks: households, residents, or an age group of the table ``population``
    demand_each : units of capacity that one of them asks for, such as 1 parking space to a household
    survey : the survey of the town, when it is at hand

    Raises
    ------
    UsageError
        If the town has no service of the category, or knows nothing of the basis.
    """
    survey = survey or Survey.of(town)
    places = survey.places
    bases = bases_of(town, places)
    if basis not in bases:
        raise UsageError("capacity.unknown_basis", basis=basis, known=", ".join(bases))
    number = places.categories.index(category) if category in places.categories else None
    facilities = np.empty(0, np.int64) if number is None else places.facilities_of(number)
    if not facilities.size:
        raise UsageError("capacity.no_service", table="services", category=category)

    within = sparse.coo_array(survey.distances(facilities, max(limit_m for limit_m, _ in zones)))
    serves = places.estate_of[facilities]
    usable = (serves[within.col] == "") | (serves[within.col] == places.estate_at[within.row])
    pairs = (within.row[usable], within.col[usable])
    walks = sparse.csr_array((within.data[usable], pairs), shape=within.shape)
    names = places.facilities.index[facilities]
    offered = town.services.loc[town.services["category"] == category]
    stated = offered.groupby("facility_id")["capacity"].agg(lambda column: column.sum(skipna=False))
    capacity = stated.reindex(names).to_numpy(float, na_value=np.nan)
    asking = bases[basis].weight * demand_each
    access = two_step_access(walks, np.nan_to_num(asking), capacity, zones)

    return CapacityReport(
        services=pd.DataFrame(
            {
                "capacity": pd.array(capacity, "Float64"),
                "demand_in_reach": access.demand_in_reach,
                "ratio": pd.array(access.ratio, "Float64"),
                "nearest_demand": access.nearest_demand,
                "overloaded": pd.array(access.overloaded, "boolean"),
            },
            index=names,
        ).assign(overloaded=lambda table: table["overloaded"].where(table["capacity"].notna())),
        buildings=pd.DataFrame(
            {
                "demand": pd.array(asking, "Float64"),
                "access": pd.array(access.access, "Float64"),
                "access_at_least": access.access_at_least,
            },
            index=places.buildings.index,
        ),
        demand=float(np.nansum(asking)),
        capacity=float(np.nansum(capacity)),
        unknown_capacity=int(np.isnan(capacity).sum()),
        unknown_demand=int(np.isnan(asking).sum()),
    )
