"""Relations: rules that hold between tables and between places.

References name rows that exist; buildings lie in the community they name; totals agree between
levels; facilities can be reached from a street.  Distances are in metres: the layers must be in one metric
reference system.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.catalogue import categories
from spatial.checks.layers import only_where, usable
from spatial.checks.shaping import row_labels
from spatial.findings import Finding, Severity
from spatial.schema import TABLES

__all__ = ["check_households", "check_relations", "containing", "lives"]

# Farther from any street than this, a facility's or a building's walk is a guess.
_FAR_FROM_STREETS_M = 300.0
# Slivers of drawing, not of meaning.
_OVERLAP_TOLERANCE_M2 = 1.0
# An estate of which this share lies outside its main community crosses the border.
_ACROSS_SHARE = 0.05
# Of so many buildings of an estate at least this share are homes.
_LEAST_TO_SUSPECT = 3
_LEAST_HOMES_SHARE = 0.2
# Tables that may name rows of a table which the office has not delivered at all.
_OPTIONAL_TARGETS = frozenset({"estates", "communities"})

Tables = Mapping[str, pd.DataFrame]


def check_relations(tables: Tables) -> list[Finding]:
    """Return the findings about shaped tables of one town, in one metric reference system."""
    findings: list[Finding] = []
    for rule in (
        _references,
        _categories,
        check_households,
        _communities,
        _buildings_in_communities,
        _estates,
        _estates_without_homes,
        _gates,
        _streets,
    ):
        findings.extend(rule(tables))
    return findings


def check_households(tables: Tables) -> list[Finding]:
    """Return the findings about households: unknown, estimated, and totals that disagree."""
    return [*_households(tables), *_totals(tables)]


def lives(buildings: pd.DataFrame) -> NDArray[np.bool_]:
    """Return for each building whether people live in it: its use is residential or mixed."""
    uses: NDArray[np.bool_] = (
        buildings["use"].isin(["residential", "mixed"]).to_numpy(dtype=bool, na_value=False)
    )
    return uses


def containing(geometries: NDArray[np.object_], polygons: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return for each geometry the number of the polygon that holds a point on it, −1 for none.

    Where polygons overlap, the first of them counts.  Geometries that are None lie in none.

    Parameters
    ----------
    geometries : shape (n,)
    polygons : shape (m,), entries that are no polygon hold nothing
    """
    holders = only_where(shapely.get_dimensions(polygons) == 2, polygons)
    points = shapely.point_on_surface(geometries)
    found = np.full(len(geometries), len(polygons), dtype=np.int64)
    point_number, polygon_number = shapely.STRtree(holders).query(points, predicate="intersects")
    np.minimum.at(found, point_number, polygon_number)
    found[found == len(polygons)] = -1
    return found


def _warn(rule: str, table: str, ids: NDArray[np.object_], **values: object) -> Finding:
    return Finding.of(Severity.WARNING, f"checks.{rule}", table, ids, count=len(ids), **values)


def _references(tables: Tables) -> Iterator[Finding]:
    for table in TABLES.values():
        frame = tables[table.name]
        for column in table.columns:
            if not column.refers_to or frame.empty:
                continue
            target = tables[column.refers_to]
            if target.empty and column.refers_to in _OPTIONAL_TARGETS:
                continue
            named = frame[column.name]
            unknown = (named.notna() & ~named.isin(target.index)).to_numpy(dtype=bool)
            if unknown.any():
                yield Finding.of(
                    Severity.ERROR,
                    "checks.unknown_reference",
                    table.name,
                    row_labels(table, frame)[unknown],
                    column=column.name,
                    target=column.refers_to,
                    values="、".join(named[unknown].unique()[:3]),
                    count=int(unknown.sum()),
                )


def _categories(tables: Tables) -> Iterator[Finding]:
    services = tables["services"]
    unknown = ~services["category"].isin(list(categories())) & services["category"].notna()
    if unknown.any():
        values = services["category"][unknown].unique()
        ids = services["facility_id"][unknown].to_numpy(dtype=object)
        yield _warn("unknown_category", "services", ids, values="、".join(values[:5]))
    offered = tables["facilities"].index.isin(services["facility_id"])
    if len(offered) and not offered.all():
        ids = row_labels(TABLES["facilities"], tables["facilities"])[~offered]
        yield _warn("no_service", "facilities", ids)


def _households(tables: Tables) -> Iterator[Finding]:
    buildings = tables["buildings"]
    homes = lives(buildings)
    unknown = homes & buildings["households"].isna().to_numpy(dtype=bool)
    if unknown.any():
        ids = row_labels(TABLES["buildings"], buildings)[unknown]
        known_share = 1 - unknown.sum() / homes.sum()
        yield _warn("households_unknown", "buildings", ids, homes=int(homes.sum()), known_share=known_share)
    estimated = (buildings["households_source"] == "estimated").to_numpy(dtype=bool, na_value=False)
    if estimated.any():
        known = buildings["households"].to_numpy(dtype=float, na_value=0.0)
        share = known[estimated].sum() / max(known.sum(), 1.0)
        yield Finding.of(
            Severity.NOTE,
            "checks.households_estimated",
            "buildings",
            row_labels(TABLES["buildings"], buildings)[estimated],
            count=int(estimated.sum()),
            share=share,
        )


def _totals(tables: Tables) -> Iterator[Finding]:
    """Households of a building against its stairwells, of an estate or a community against its buildings."""
    measures = tables["measures"]
    of_communities = measures[
        ((measures["subject_type"] == "community") & (measures["quantity"] == "households")).to_numpy(
            dtype=bool, na_value=False
        )
    ]
    for parent, child, key, totals in (
        ("buildings", "stairwells", "building_id", tables["buildings"]["households"]),
        ("estates", "buildings", "estate_id", tables["estates"]["households"]),
        ("communities", "buildings", "community_id", of_communities.groupby("subject_id")["value"].sum()),
    ):
        rows = tables[child]
        # A shop of unknown households is no gap in what is known.
        rows = rows[lives(rows)] if child == "buildings" else rows
        counts = rows.groupby(key)["households"]
        complete = counts.count() == counts.size()
        sums = counts.sum()[complete.to_numpy(dtype=bool)]
        stated = totals.dropna()
        stated = stated[~stated.index.duplicated()]
        both = stated.index.intersection(sums.index)
        difference = stated.loc[both] - sums.loc[both]
        wrong = both[(difference != 0).to_numpy(dtype=bool)]
        if len(wrong):
            first = wrong[0]
            yield _warn(
                "totals_disagree",
                parent,
                wrong.to_numpy(dtype=object),
                child=child,
                first=first,
                stated=int(stated[first]),
                summed=int(sums[first]),
            )


def _communities(tables: Tables) -> Iterator[Finding]:
    layer = tables["communities"]
    if layer.empty:
        named = tables["buildings"]["community_id"].dropna().unique()
        rule = "communities_proposed" if len(named) else "no_communities"
        yield Finding.of(Severity.NOTE, f"checks.{rule}", "communities", named, count=len(named))
        return
    geometries = _polygons(layer)
    first, second = shapely.STRtree(geometries).query(geometries, predicate="intersects")
    first, second = first[first < second], second[first < second]
    areas = shapely.area(shapely.intersection(geometries[first], geometries[second]))
    over = areas > _OVERLAP_TOLERANCE_M2
    if over.any():
        labels = row_labels(TABLES["communities"], layer)
        pairs = np.array([f"{a}×{b}" for a, b in zip(labels[first[over]], labels[second[over]], strict=True)])
        yield _warn("communities_overlap", "communities", pairs, area_m2=float(areas[over].sum()))


def _polygons(layer: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Return the usable polygons of a layer, None in place of anything else."""
    geometries = layer.geometry.to_numpy()
    return only_where(usable(layer) & (shapely.get_dimensions(geometries) == 2), geometries)


def _buildings_in_communities(tables: Tables) -> Iterator[Finding]:
    communities, buildings = tables["communities"], tables["buildings"]
    if communities.empty or buildings.empty:
        return
    geometries = only_where(usable(buildings), buildings.geometry.to_numpy())
    place = containing(geometries, _polygons(communities))
    stated = (
        communities.index.get_indexer(pd.Index(buildings["community_id"]))
        if communities.index.is_unique
        else place
    )
    labels = row_labels(TABLES["buildings"], buildings)
    placed = shapely.is_geometry(geometries)
    homes = lives(buildings)
    unstated = buildings["community_id"].isna().to_numpy(dtype=bool)
    outside = placed & (place < 0)
    for severity, rows in ((Severity.ERROR, homes & unstated), (Severity.WARNING, ~(homes & unstated))):
        ids = labels[outside & rows]
        if len(ids):
            rule = "home_outside_communities" if severity is Severity.ERROR else "outside_communities"
            yield Finding.of(severity, f"checks.{rule}", "buildings", ids, count=len(ids))
    contradicts = placed & (place >= 0) & (stated >= 0) & (place != stated)
    if contradicts.any():
        first = np.flatnonzero(contradicts)[0]
        yield _warn(
            "community_contradicts_place",
            "buildings",
            labels[contradicts],
            first=labels[first],
            stated=communities.index[stated[first]],
            place=communities.index[place[first]],
        )


def _estates(tables: Tables) -> Iterator[Finding]:
    communities, estates = tables["communities"], tables["estates"]
    if communities.empty or estates.empty:
        return
    outlines, holders = _polygons(estates), _polygons(communities)
    estate, community = shapely.STRtree(holders).query(outlines, predicate="intersects")
    areas = pd.DataFrame(
        {"estate": estate, "area": shapely.area(shapely.intersection(outlines[estate], holders[community]))}
    ).groupby("estate")["area"]
    across = areas.sum() - areas.max() > _ACROSS_SHARE * areas.sum()
    numbers = across.index[across.to_numpy(dtype=bool)].to_numpy(dtype=np.int64)
    if len(numbers):
        yield _warn("estate_across_communities", "estates", row_labels(TABLES["estates"], estates)[numbers])


def _estates_without_homes(tables: Tables) -> Iterator[Finding]:
    """Estates with buildings of which hardly any is a home: more likely a use that nobody has told."""
    buildings, estates = tables["buildings"], tables["estates"]
    if buildings.empty or estates.empty:
        return
    outlines = _polygons(estates)
    place = containing(only_where(usable(buildings), buildings.geometry.to_numpy()), outlines)
    named = estates.index.get_indexer(pd.Index(buildings["estate_id"])) if estates.index.is_unique else place
    estate = np.where(named >= 0, named, place)
    within = estate >= 0
    standing = np.bincount(estate[within], minlength=len(estates))
    homes = np.bincount(estate[within], lives(buildings)[within], minlength=len(estates))
    bare = (standing >= _LEAST_TO_SUSPECT) & (homes < _LEAST_HOMES_SHARE * standing)
    if bare.any():
        labels = row_labels(TABLES["estates"], estates)
        yield _warn("estate_without_homes", "estates", labels[bare], buildings=int(standing[bare].sum()))


def _gates(tables: Tables) -> Iterator[Finding]:
    estates = tables["estates"]
    walled = estates["walled"].to_numpy(dtype=bool, na_value=False)
    without = walled & ~estates.index.isin(tables["gates"]["estate_id"])
    if without.any():
        yield _warn("walled_without_gates", "estates", row_labels(TABLES["estates"], estates)[without])


def _streets(tables: Tables) -> Iterator[Finding]:
    streets = tables["streets"]
    if streets.empty:
        yield Finding.of(Severity.NOTE, "checks.no_streets", "streets")
        return
    walked = (streets["role"] != "outline").to_numpy(dtype=bool, na_value=True)
    tree = shapely.STRtree(only_where(usable(streets) & walked, streets.geometry.to_numpy()))
    for name in ("facilities", "buildings"):
        layer = tables[name]
        rows = np.flatnonzero(usable(layer) & (lives(layer) if name == "buildings" else True))
        if not len(rows) or not len(tree.geometries):
            continue
        numbers, distances = tree.query_nearest(
            layer.geometry.to_numpy()[rows], return_distance=True, all_matches=False
        )
        far = distances > _FAR_FROM_STREETS_M
        if far.any():
            ids = row_labels(TABLES[name], layer)[rows[numbers[0][far]]]
            yield _warn("far_from_streets", name, ids, farthest_m=float(distances[far].max()))
