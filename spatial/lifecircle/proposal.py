"""Where the next services of a town go: candidates, walks to them, sites with what each gains.

A candidate is treated as the facility it would be: it enters the town's places beside the services of
today and reaches the streets, through gates and by its outline, as they do.  What a proposal promises
is therefore what coverage measures once it is built.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy import sparse

from spatial.catalogue import categories
from spatial.errors import UsageError
from spatial.lifecircle.places import locate_places
from spatial.lifecircle.siting import Model, Siting, locate
from spatial.lifecircle.subjects import bases_of
from spatial.lifecircle.survey import Survey
from spatial.network import CLOSED, STEPS_PER_M, StreetNetwork, build_network
from spatial.search import label
from spatial.town import Town

__all__ = ["Proposal", "candidate_walks", "site_facilities"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
CandidateKind = Literal["sites", "estates", "facilities", "junctions"]

# No category of the catalogue has this name, and no id of a town begins so.
_CANDIDATE = "\x1fcandidate"


@dataclass(frozen=True)
class Proposal:
    """New sites for services of one category.

    Attributes
    ----------
    sites : layer by ``rank``: candidate_id, name, category, gained (newly within the limit, in units of
        the basis), cumulated (within the limit once this and all sites before it are open),
        mean_walk_m (of all who reach a service then) and geometry; best first
    unreached : layer by building_id of demand that no candidate and no service of today reaches:
        demand, status (out_of_reach; stranded_data where the building or its gates are missing from
        the network)
    summary : one row: what was asked, status (optimal, bounded, not_proven, infeasible, none_found),
        objective, bound, gap, and how much demand is covered before and after
    siting : the answer of the location model
    """

    sites: gpd.GeoDataFrame
    unreached: gpd.GeoDataFrame
    summary: pd.DataFrame
    siting: Siting


@dataclass(frozen=True, eq=False)
class _Demand:
    """Who asks: by building, in units of the basis, and the walk to the nearest service of today."""

    weight: Floats
    undetermined: Flags
    unknown: Flags
    today_m: Floats


def site_facilities(
    town: Town,
    category: str,
    count: int | None,
    model: Model = "mclp",
    *,
    candidates: CandidateKind | gpd.GeoDataFrame = "sites",
    limit_m: float | None = None,
    basis: str = "households",
    budget: float | None = None,
    capacity: float | None = None,
    time_limit_s: float | None = 60.0,
) -> Proposal:
    """Choose sites for new services of a category, beside those of today.

    Parameters
    ----------
    town : the town
    category : id of the category
    count : how many new services; None with the model lscp
    model : the location model, see `locate`
    candidates : candidate parcels (``sites``, entered by their outline), ``estates`` (by their centre),
        premises that stand already (``facilities`` open to the public that do not offer the category),
        street ``junctions``, or a layer of one's own, such as vacant premises, indexed by id
    limit_m : walk within which a household counts as covered; the category's radius when None.  The
        walks of p_median and p_center are searched through the whole town
    basis : who is counted: households, residents, buildings, or an age group of ``population``
    budget : most that the new services may cost together, each as its candidate's column ``cost`` says;
        then ``count`` is the most that open, and may be None
    capacity : most that each new service serves, in units of the basis; those of today are taken to
        serve all they reach.  The objective counts who is served; ``gained`` counts who lies within the
        limit, as coverage does
    time_limit_s : wall seconds for the proof; None for no limit

    Raises
    ------
    UsageError
        If there are no candidates, a candidate has no cost where a budget is given, the category has no radius and no limit is given, nothing is known
        of the basis, or an argument does not fit the model (see `locate`).
    """
    known = categories().get(category)
    if limit_m is None:
        if known is None:
            raise UsageError("siting.no_radius", category=category)
        limit_m = known.radius_m
    layer, survey = _survey_with_candidates(town, category, candidates)
    search_m = limit_m if model in {"lscp", "mclp"} else np.inf
    demand = _demand(town, survey, category, basis, search_m)

    numbers = survey.places.facilities.index.get_indexer(layer["facility_id"])
    walks = sparse.csr_array(survey.distances(numbers, search_m))
    served = np.flatnonzero(np.isfinite(demand.today_m))
    today = sparse.csr_array(
        (demand.today_m[served], (served, np.zeros(served.size, np.int64))), shape=(walks.shape[0], 1)
    )
    siting = locate(
        model,
        sparse.hstack([walks, today], format="csr"),
        demand.weight,
        count=count,
        limit_m=limit_m if model in {"lscp", "mclp"} else None,
        existing=[len(layer)],
        costs=None if budget is None else np.append(_costs(layer), 0.0),
        budget=budget,
        capacities=None if capacity is None else np.append(np.full(len(layer), capacity), np.inf),
        time_limit_s=time_limit_s,
    )
    sites, covered = _ranked(layer, category, siting, walks, demand, limit_m)
    unreached = _unreached(survey, siting, demand)
    summary = {
        "model": model,
        "category": category,
        "basis": basis,
        "limit_m": limit_m,
        "candidates": len(layer),
        "budget": budget,
        "capacity": capacity,
        "count": len(sites),
        "status": siting.status,
        "objective": siting.objective,
        "bound": siting.bound,
        "gap": siting.gap,
        "seconds": siting.seconds,
        "demand": float(demand.weight.sum()),
        "covered_before": covered[0],
        "covered_after": covered[-1],
        "unreached": float(demand.weight[siting.unreachable].sum()),
        "undetermined_buildings": int(demand.undetermined.sum()),
        "unknown_buildings": int(demand.unknown.sum()),
    }
    return Proposal(sites, unreached, pd.DataFrame([summary]), siting)


def candidate_walks(
    town: Town, candidates: CandidateKind | gpd.GeoDataFrame, limit_m: float
) -> tuple[gpd.GeoDataFrame, sparse.csr_array]:
    """Return candidate sites for services of any category, and the walks to them.

    Parameters
    ----------
    candidates : as in `site_facilities`
    limit_m : longest walk that is searched, metres

    Returns
    -------
    The candidates by candidate_id (name, facility_id, geometry), and sparse (building × candidate) walks
    in metres; a walk that is not stored is longer than the limit.
    """
    layer, survey = _survey_with_candidates(town, "", candidates)
    numbers = survey.places.facilities.index.get_indexer(layer["facility_id"])
    return layer, sparse.csr_array(survey.distances(numbers, limit_m))


def _survey_with_candidates(
    town: Town, category: str, candidates: CandidateKind | gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, Survey]:
    """Return the candidates with their facility_id, and the survey of the town with them in it."""
    network = build_network(town)
    layer = _candidates(town, category, network, candidates)
    if layer.empty:
        kind = candidates if isinstance(candidates, str) else "candidates"
        raise UsageError("siting.no_candidates", table=kind, category=category)
    new = layer.loc[~layer["facility_id"].isin(town.facilities.index)]
    facilities = town.facilities
    rows = gpd.GeoDataFrame(
        {"name": new["name"].to_numpy(), "access": "public"},
        geometry=new.geometry.to_numpy(),
        index=pd.Index(new["facility_id"], name=facilities.index.name),
        crs=town.crs,
    ).reindex(columns=facilities.columns)
    rows = rows.astype({name: kind for name, kind in facilities.dtypes.items() if name != "geometry"})
    # A candidate stands in the services, or it would not be looked at; its category names no service.
    offers = pd.DataFrame({"facility_id": layer["facility_id"].to_numpy(), "category": _CANDIDATE})
    offers = offers.reindex(columns=town.services.columns).astype(town.services.dtypes)
    tables = {
        **town.tables,
        "facilities": pd.concat([facilities, rows]) if len(rows) else facilities,
        "services": pd.concat([town.services, offers], ignore_index=True),
    }
    return layer, Survey(network, locate_places(replace(town, tables=tables), network))


def _candidates(
    town: Town, category: str, network: StreetNetwork, candidates: CandidateKind | gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Return the candidates by id: name, facility_id and the geometry they are entered by."""
    if isinstance(candidates, gpd.GeoDataFrame):
        layer = candidates.to_crs(town.crs) if candidates.crs != town.crs else candidates
    elif candidates == "facilities":
        offering = town.services.loc[town.services["category"] == category, "facility_id"]
        layer = town.facilities
        usable = layer["closed"].isna() & (layer["access"] != "estate").fillna(value=True)
        layer = layer.loc[usable & ~layer.index.isin(offering)]
    elif candidates == "junctions":
        meeting = np.bincount(network.edge_nodes.ravel(), minlength=network.node_count) > 2
        meeting[network.edge_nodes[network.is_islet].ravel()] = False
        node = np.flatnonzero(meeting)
        names = pd.Index([f"junction-{one}" for one in node], name="candidate_id")
        layer = gpd.GeoDataFrame(geometry=shapely.points(network.node_xy[node]), index=names, crs=town.crs)
    elif candidates in get_args(CandidateKind):
        layer = town.layer(candidates)
    else:
        expected = ", ".join(get_args(CandidateKind))
        raise UsageError("siting.unknown_candidates", found=candidates, expected=expected)
    layer = layer.loc[~(layer.geometry.isna() | layer.geometry.is_empty)]
    found = gpd.GeoDataFrame(
        {
            "name": layer["name"].astype("string") if "name" in layer else pd.NA,
            "cost": pd.to_numeric(layer["cost"]) if "cost" in layer else np.nan,
        },
        geometry=layer.geometry,
        index=pd.Index(layer.index.astype("string"), name="candidate_id"),
        crs=town.crs,
    )
    if isinstance(candidates, str) and candidates == "facilities":
        return found.assign(facility_id=found.index)
    if isinstance(candidates, str) and candidates == "estates":
        found = found.set_geometry(shapely.point_on_surface(found.geometry.to_numpy()), crs=town.crs)
    return found.assign(facility_id=_CANDIDATE + found.index)


def _costs(layer: gpd.GeoDataFrame) -> Floats:
    costs: Floats = layer["cost"].to_numpy(float, na_value=np.nan)
    without = layer.index[np.isnan(costs)]
    if len(without):
        raise UsageError("siting.no_costs", table="candidates", ids=list(without), count=len(without))
    return costs


def _demand(town: Town, survey: Survey, category: str, basis: str, search_m: float) -> _Demand:
    places = survey.places
    bases = bases_of(town, places)
    if basis not in bases:
        raise UsageError("capacity.unknown_basis", basis=basis, known=", ".join(bases))
    weight = bases[basis].weight
    unknown = np.isnan(weight)
    attached = np.zeros(len(weight), bool)
    attached[places.building_of[places.building_ways.point]] = True
    undetermined = ~attached | np.isin(places.side_of, survey.network.without_gates)
    today_m = np.full(len(weight), np.inf)
    if category in places.categories:
        number = places.categories.index(category)
        labels = label(survey.network, survey.seeds(number), search_m)
        steps = survey.measure(number, labels, search_m).steps
        today_m = np.where(steps == CLOSED, np.inf, steps / STEPS_PER_M)
    weight = np.where(undetermined, 0.0, np.nan_to_num(weight))
    return _Demand(weight, undetermined & ~(bases[basis].weight == 0), unknown, today_m)


def _ranked(  # noqa: PLR0917 — one call, one place
    layer: gpd.GeoDataFrame,
    category: str,
    siting: Siting,
    walks: sparse.csr_array,
    demand: _Demand,
    limit_m: float,
) -> tuple[gpd.GeoDataFrame, list[float]]:
    """Order the sites by what each adds, and return what is covered before and after each."""
    columns = sparse.csc_array(walks[:, siting.sites])
    nearest_m = demand.today_m.copy()
    rest = list(range(siting.sites.size))
    order, means = [], []
    covered = [float(demand.weight[nearest_m <= limit_m].sum())]
    while rest:
        trials = [_opened(nearest_m, columns, one) for one in rest]
        gains = [(demand.weight[trial <= limit_m].sum(), -_total(trial, demand.weight)) for trial in trials]
        best = max(range(len(rest)), key=lambda place: (*gains[place], -place))
        nearest_m = trials[best]
        order.append(rest.pop(best))
        covered.append(float(gains[best][0]))
        reached = np.isfinite(nearest_m) & (demand.weight > 0)
        weight = demand.weight[reached]
        means.append(float(np.average(nearest_m[reached], weights=weight)) if reached.any() else np.nan)
    chosen = layer.iloc[siting.sites[order]]
    table = gpd.GeoDataFrame(
        {
            "candidate_id": pd.array(chosen.index, "string"),
            "name": pd.array(chosen["name"], "string"),
            "category": pd.array([category] * len(chosen), "string"),
            "gained": np.diff(covered),
            "cumulated": covered[1:],
            "mean_walk_m": pd.array(means, "Float64"),
        },
        geometry=chosen.geometry.to_numpy(),
        index=pd.RangeIndex(1, len(chosen) + 1, name="rank"),
        crs=layer.crs,
    )
    return table, covered


def _opened(nearest_m: Floats, columns: sparse.csc_array, site: int) -> Floats:
    entries = slice(columns.indptr[site], columns.indptr[site + 1])
    found = nearest_m.copy()
    found[columns.indices[entries]] = np.minimum(found[columns.indices[entries]], columns.data[entries])
    return found


def _total(nearest_m: Floats, weight: Floats) -> float:
    reached = np.isfinite(nearest_m)
    return float(nearest_m[reached] @ weight[reached])


def _unreached(survey: Survey, siting: Siting, demand: _Demand) -> gpd.GeoDataFrame:
    buildings = survey.places.buildings
    status = np.full(len(buildings), None, object)
    status[siting.unreachable] = "out_of_reach"
    status[demand.undetermined] = "stranded_data"
    named = np.flatnonzero(status != None)  # noqa: E711 — element by element
    return gpd.GeoDataFrame(
        {
            "demand": demand.weight[named],
            "status": pd.array(status[named], "string"),
        },
        geometry=buildings.geometry.to_numpy()[named],
        index=buildings.index[named],
        crs=buildings.crs,
    )
