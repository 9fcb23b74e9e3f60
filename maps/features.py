"""Features: the rows of a town, a plan and a coverage as a map shows them.

`features` gives each layer of the registry the columns its symbols, labels and popups name, and no
others.  Codes stay codes (a kind, a category id): the words for them depend on the reader's
language and are put in where they are read.
"""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from maps.cartography import Symbol
from maps.colouring import colour_grids
from maps.layers import CHOSEN_COLUMNS, LAYERS, Layer
from spatial.catalogue import categories
from spatial.grids import Plan, assignment_of_today
from spatial.lifecircle.coverage import Coverage
from spatial.schema import COVERAGE_TABLES, PLAN_TABLES
from spatial.town import Town, empty_table

__all__ = ["drawn_by", "features", "household_columns", "label_points", "line_work", "short_code"]

_LABEL_TOLERANCE_M = 2.0
_HOUSEHOLDS = ("households", "estimated_households", "unknown_buildings")


def features(
    layer_id: str, town: Town, plan: Plan | None = None, coverage: Coverage | None = None
) -> gpd.GeoDataFrame:
    """Return a layer's features with the columns the registry names.

    Parameters
    ----------
    layer_id : id of a layer of `maps.layers.LAYERS`
    town, plan, coverage : where the features come from; without a plan or a coverage, its layers are empty

    Returns
    -------
    rows in the town's CRS, indexed by the id of the source table where it has one

    Raises
    ------
    KeyError
        If there is no such layer.
    """
    layer = LAYERS[layer_id]
    frame = _MAKERS[layer_id](town, plan or _no_plan(town), coverage or _no_coverage(town))
    wanted = [*layer.columns(), *(_HOUSEHOLDS[1:] if "households" in layer.columns() else ())]
    extra = ("group",) if layer_id == "facilities" else ()
    missing = [name for name in wanted if name not in frame]
    frame = frame.assign(**dict.fromkeys(missing, pd.NA))
    return frame[[*dict.fromkeys([*wanted, *extra]), "geometry"]]


def drawn_by(layer: Layer, symbol: Symbol, frame: pd.DataFrame) -> pd.Series:
    """Return which rows of a layer's features a symbol draws; for a chosen column, any row may be."""
    if not symbol.where or symbol.where in CHOSEN_COLUMNS:
        return pd.Series(data=True, index=frame.index)
    held = frame[symbol.where]
    if symbol.among:
        return held.isin(symbol.among)
    return ~held.isin([one for other in layer.symbols if other.where == symbol.where for one in other.among])


def short_code(code: pd.Series) -> pd.Series:
    """Return the last three digits of grid codes: what tells grids of one community apart."""
    return code.astype("string").str[-3:]


def label_points(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return where to write on areas: the pole of inaccessibility of the largest part, metric CRS.

    A shape without a place has none; a line or point is labelled where it lies.
    """
    geometry = np.asarray(shapes.array)
    parts, owner = shapely.get_parts(geometry, return_index=True)
    largest = pd.Series(shapely.area(parts)).groupby(owner).idxmax()
    chosen = parts[largest.to_numpy()]
    areal = (shapely.get_dimensions(chosen) == 2) & ~shapely.is_empty(chosen)
    centres = shapely.point_on_surface(chosen)
    circles = shapely.maximum_inscribed_circle(chosen[areal], tolerance=_LABEL_TOLERANCE_M)
    centres[areal] = shapely.get_point(circles, 0)
    points = np.full(len(geometry), None, dtype=object)
    points[largest.index.to_numpy()] = np.where(shapely.is_empty(centres), None, centres)
    return gpd.GeoSeries(points, index=shapes.index, crs=shapes.crs)


def line_work(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return the boundaries of areas as one network: an edge that two share is drawn a single time."""
    lines = shapely.line_merge(shapely.union_all(shapely.boundary(np.asarray(shapes.array))))
    return gpd.GeoSeries(shapely.get_parts(lines), crs=shapes.crs)


def household_columns(buildings: pd.DataFrame, owner: pd.Series) -> pd.DataFrame:
    """Return known households, estimated ones among them and buildings without a figure, per owner.

    Parameters
    ----------
    buildings : rows of a town's ``buildings``
    owner : what each building belongs to, aligned with ``buildings``; rows without one count nowhere
    """
    estimated = buildings["households"].where(buildings["households_source"] == "estimated")
    unknown = buildings["households"].isna() & (buildings["use"] != "other")
    grouped = pd.DataFrame(
        {
            "households": buildings["households"],
            "estimated_households": estimated,
            "unknown_buildings": unknown,
        }
    ).groupby(owner)
    return grouped.sum(min_count=1).astype("Int64").assign(buildings=grouped.size())


def _communities(town: Town, plan: Plan, _: Coverage) -> gpd.GeoDataFrame:
    counted = household_columns(town.buildings, town.buildings["community_id"])
    frame = town.communities.join(counted, how="left")
    grids = plan.grids.loc[plan.grids["kind"] == "basic"].groupby("community_id").size()
    return frame.assign(
        grids=grids.reindex(frame.index).astype("Int64"), certificate=frame.index.astype("string")
    )


def _named(frame: gpd.GeoDataFrame, town: Town) -> gpd.GeoDataFrame:
    """Add what grids of a plan and grids of today share: short code, community, title, hue."""
    community = frame["community_id"].map(town.communities["name"]).astype("string")
    short = short_code(frame["code"].fillna(frame.index.to_series()))
    basic = frame["kind"].fillna("basic") == "basic"
    hues = colour_grids(frame.geometry[basic]).reindex(frame.index).astype("Int64")
    title = (community.fillna("") + " " + short).str.strip()
    return frame.assign(community=community, short_code=short, title=title, hue=hues, verdict=frame.index)


def _grids(town: Town, plan: Plan, _: Coverage) -> gpd.GeoDataFrame:
    whole = plan.assignment.loc[plan.assignment["stairwell_id"].isna()]
    owner = whole.set_index("building_id")["grid_id"].reindex(town.buildings.index)
    counted = household_columns(town.buildings, owner)[list(_HOUSEHOLDS[1:])]
    drawn = plan.grids.loc[plan.grids["level"].fillna(2) == 2]
    own = drawn.drop(columns=list(counted.columns), errors="ignore")
    return _named(own.join(counted, how="left"), town)


def _grids_today(town: Town, _: Plan, __: Coverage) -> gpd.GeoDataFrame:
    grids = town.layer("grids")
    if grids.empty:
        return _named(grids, town)
    grids = grids.loc[grids["level"].fillna(2) == 2]
    assigned = assignment_of_today(town).assignment.set_index("building_id")["grid_id"]
    owner = assigned.reindex(town.buildings.index)
    counted = household_columns(town.buildings, owner)
    estates = town.buildings["estate_id"].groupby(owner).nunique().astype("Int64")
    frame = grids.join(counted, how="left").assign(estates=estates.reindex(grids.index), area_m2=grids.area)
    return _named(frame, town)


def _coverage_communities(town: Town, _: Plan, __: Coverage) -> gpd.GeoDataFrame:
    return town.communities


def _coverage_grids(town: Town, plan: Plan, _: Coverage) -> gpd.GeoDataFrame:
    return _named(plan.grids.loc[plan.grids["kind"] == "basic"], town)


def _special_areas(town: Town, _: Plan, __: Coverage) -> gpd.GeoDataFrame:
    areas = town.layer("special_areas")
    return areas.assign(special_kind=areas["kind"])


def _table(name: str) -> Callable[[Town, Plan, Coverage], gpd.GeoDataFrame]:
    return lambda town, _, __: town.layer(name)


def _buildings(town: Town, plan: Plan, _: Coverage) -> gpd.GeoDataFrame:
    buildings = town.buildings
    estate = buildings["estate_id"].map(town.estates["name"]).astype("string")
    assigned = plan.assignment.drop_duplicates("building_id").set_index("building_id")["grid_id"]
    titles = _grid_titles(town, plan)
    title = buildings["name"].fillna(buildings["address"]).fillna(estate)
    estimated = buildings["households_source"] == "estimated"
    return buildings.assign(
        estate=estate,
        title=title.fillna(buildings.index.to_series().astype("string")),
        grid=assigned.reindex(buildings.index).map(titles).astype("string"),
        estimated_households=buildings["households"].where(estimated),
        unknown_buildings=(buildings["households"].isna() & (buildings["use"] != "other")).astype("Int64"),
    )


def _grid_titles(town: Town, plan: Plan) -> pd.Series:
    community = plan.grids["community_id"].map(town.communities["name"]).astype("string").fillna("")
    titles: pd.Series = (community + " " + short_code(plan.grids["code"])).str.strip()
    return titles


def _estates(town: Town, _: Plan, __: Coverage) -> gpd.GeoDataFrame:
    counted = household_columns(town.buildings, town.buildings["estate_id"])
    estates = town.estates.drop(columns=["households"])
    frame = estates.join(counted[list(_HOUSEHOLDS)], how="left")
    return frame.assign(households=frame["households"].fillna(town.estates["households"]))


def _gates(town: Town, _: Plan, __: Coverage) -> gpd.GeoDataFrame:
    gates = town.gates
    estate = gates["estate_id"].map(town.estates["name"]).astype("string")
    return gates.assign(estate=estate, gate_kind=gates["kind"], name=gates["name"].fillna(estate))


def _gaps(town: Town, _: Plan, coverage: Coverage) -> gpd.GeoDataFrame:
    gaps = coverage.gaps.sort_values(["category", "households"], ascending=[True, False], kind="stable")
    at = gpd.GeoDataFrame(geometry=label_points(gaps.geometry), crs=gaps.crs)
    owner = gpd.sjoin(at, town.communities[["name", "geometry"]], predicate="within", how="left")["name"]
    owner = owner[~owner.index.duplicated()].reindex(gaps.index)
    return gaps.assign(gap_cause=gaps["cause"], title=owner.astype("string"))


def _facilities(town: Town, _: Plan, __: Coverage) -> gpd.GeoDataFrame:
    known = categories()
    services = town.services.assign(
        group=town.services["category"].map({name: one.group for name, one in known.items()})
    )
    offered = services.groupby("facility_id", sort=False).agg({"category": ";".join, "group": "first"})
    offered = offered.reindex(town.facilities.index).astype("string")
    return town.facilities.assign(categories=offered["category"], group=offered["group"])


_MAKERS: dict[str, Callable[[Town, Plan, Coverage], gpd.GeoDataFrame]] = {
    "communities": _communities,
    "grids": _grids,
    "grids_today": _grids_today,
    "coverage_communities": _coverage_communities,
    "coverage_grids": _coverage_grids,
    "special_areas": _special_areas,
    "barriers": _table("barriers"),
    "streets": _table("streets"),
    "estates": _estates,
    "buildings": _buildings,
    "gates": _gates,
    "gaps": _gaps,
    "facilities": _facilities,
}


def _no_plan(town: Town) -> Plan:
    tables = {name: empty_table(table, town.crs) for name, table in PLAN_TABLES.items()}
    return Plan(gpd.GeoDataFrame(tables["grids"]), tables["assignment"], tables["certificates"])


def _no_coverage(town: Town) -> Coverage:
    tables = {name: empty_table(table, town.crs) for name, table in COVERAGE_TABLES.items()}
    buildings, gaps = gpd.GeoDataFrame(tables["buildings"]), gpd.GeoDataFrame(tables["gaps"])
    return Coverage(buildings, tables["walks"], tables["rates"], gaps)
