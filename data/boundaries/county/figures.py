"""Figures: residents by age, what was measured of the estates, life circles, sites, completeness."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import Polygon

from county.communities import COMMUNITIES, DATA_POOR
from county.lots import Lot
from spatial.catalogue import categories, section

__all__ = ["AS_OF", "circles", "completeness", "measures", "population", "sites"]

AS_OF = "2025-06-30"

# Shares of the residents by age in years, [from, to); they sum to one.
_AGE_SHARES = {"0-3": 0.028, "3-6": 0.034, "6-12": 0.077, "12-15": 0.040, "15-60": 0.617, "60+": 0.204}

_CIRCLES_10 = {
    "古城生活圈": ("鼓楼社区", "码头社区"),
    "槐河生活圈": ("槐荫社区", "望河社区"),
    "城南生活圈": ("南关社区", "建设社区"),
    "站前生活圈": ("站前社区",),
    "北关生活圈": ("水塔社区", "北关社区"),
    "文昌生活圈": ("文昌社区", "北站社区"),
    "河东生活圈": ("机务段社区", "东渡社区"),
}
_CIRCLES_15 = {
    "城关生活圈": ("古城生活圈", "槐河生活圈", "城南生活圈", "站前生活圈"),
    "城北生活圈": ("北关生活圈", "文昌生活圈"),
    "东城生活圈": ("河东生活圈",),
}

# Of these categories the list of facilities is known to have holes.
_PARTIAL = ("repair", "housekeeping", "recycling_point", "bicycle_parking", "training", "photo_print")
_UNKNOWN = ("legal_service", "tea_coffee", "bookshop")


def population(residents: pd.Series, rng: np.random.Generator) -> pd.DataFrame:
    """Return residents by age group for every community but the one without records.

    Parameters
    ----------
    residents : by name of community
    """
    rows = []
    for community in COMMUNITIES:
        if community.name == DATA_POOR:
            continue
        shares = np.array(list(_AGE_SHARES.values())) * rng.uniform(0.85, 1.15, len(_AGE_SHARES))
        counts = rng.multinomial(int(residents[community.name]), shares / shares.sum())
        rows += [
            ("community", community.code, group, float(count), "persons", AS_OF)
            for group, count in zip(_AGE_SHARES, counts, strict=True)
        ]
    return pd.DataFrame(rows, columns=["subject_type", "subject_id", "age_group", "value", "unit", "date"])


def measures(estates: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return what was counted of the estates of each community.

    Parameters
    ----------
    estates : with community_id, households, estate_class and year_built
    """
    rows: list[tuple[str, object, str, float, str, str]] = []
    for community_id, own in estates.groupby("community_id"):
        managed = own["estate_class"] == "managed"
        bungalow = own["estate_class"] == "unmanaged-bungalow"
        newer = own["year_built"] >= 2005
        per_household = np.where(managed, 0.85, np.where(bungalow, 0.15, 0.38))
        entrances = int(rng.integers(14, 24))
        counted = {
            "estates": (len(own), "estates"),
            "estates_with_full_utilities": (int((~bungalow | (rng.random(len(own)) < 0.3)).sum()), "estates"),
            "estates_with_property_service": (
                int((managed | (rng.random(len(own)) < 0.15)).sum()),
                "estates",
            ),
            "estates_managed_or_selfgoverned": (
                int((managed | (rng.random(len(own)) < 0.6)).sum()),
                "estates",
            ),
            "estates_on_platform": (int((managed & (rng.random(len(own)) < 0.7)).sum()), "estates"),
            "estates_sorting": (int((rng.random(len(own)) < 0.72).sum()), "estates"),
            "estates_step_free": (int((newer | (rng.random(len(own)) < 0.25)).sum()), "estates"),
            "parking_spaces": (int((own["households"].to_numpy(float) * per_household).sum()), "spaces"),
            "public_entrances": (entrances, "entrances"),
            "step_free_entrances": (int(rng.binomial(entrances, 0.66)), "entrances"),
            "community_premises_floor_area": (int(rng.integers(420, 1250)), "m2"),
        }
        rows += [
            ("community", community_id, quantity, float(value), unit, AS_OF)
            for quantity, (value, unit) in counted.items()
        ]
    return pd.DataFrame(rows, columns=["subject_type", "subject_id", "quantity", "value", "unit", "date"])


def circles(communities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the life circles: communities, groups of them, and groups of those."""
    polygon = dict(zip(communities["name"], communities.geometry, strict=True))
    rows: list[tuple[str, str, shapely.Geometry]] = [
        ("circle5", f"{name.removesuffix('社区')}5分钟生活圈", geometry) for name, geometry in polygon.items()
    ]
    tens = {
        name: shapely.coverage_union_all([polygon[member] for member in members])
        for name, members in _CIRCLES_10.items()
    }
    rows += [("circle10", name, geometry) for name, geometry in tens.items()]
    rows += [
        ("circle15", name, shapely.coverage_union_all([tens[member] for member in members]))
        for name, members in _CIRCLES_15.items()
    ]
    frame = gpd.GeoDataFrame(
        rows, columns=["kind", "name", "geometry"], geometry="geometry", crs=communities.crs
    )
    frame.insert(0, "circle_id", [f"C{number:02d}" for number in range(1, len(frame) + 1)])
    return frame


def sites(
    lots: Sequence[Lot], plots: NDArray[np.object_], crs: object, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Return the candidate parcels: vacant lots, and the fields that are to be developed next."""
    rows: list[tuple[str, str, str | None, Polygon]] = []
    for lot, plot in zip(lots, plots, strict=True):
        if lot.use == "vacant":
            rows.append(("vacant", f"{COMMUNITIES[lot.community].name}空地", None, plot))
        elif lot.use == "field" and rng.random() < 0.35:
            year = int(rng.integers(2026, 2030))
            rows.append(("reserve", f"{COMMUNITIES[lot.community].name}储备用地", f"{year}-01-01", plot))
    frame = gpd.GeoDataFrame(
        rows, columns=["kind", "name", "available_from", "geometry"], geometry="geometry", crs=crs
    )
    frame.insert(0, "site_id", [f"L{number:02d}" for number in range(1, len(frame) + 1)])
    return frame


def completeness(offered: set[str]) -> pd.DataFrame:
    """Return how far the list of facilities can be trusted, by category."""
    state = {
        category: "unknown" if category in _UNKNOWN else "partial" if category in _PARTIAL else "complete"
        for category in categories()
        if category in offered
    }
    return pd.DataFrame({"category": list(state), "state": list(state.values())})


def persons_per_household() -> float:
    """Return the mean household size of the catalogue."""
    return float(section("demography")["persons_per_household"])
