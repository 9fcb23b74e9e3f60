"""View: what the map page asks about one town, its plans and its coverage.

Every answer is plain values ready for JSON: lengths in metres, positions in longitude and latitude
(WGS 84), null where something is not known.  A view is made once for a set of revisions and keeps
what its answers need; it changes nothing.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from maps.cartography import STRATA
from maps.certificates import certificate_sentence, certificate_tag
from maps.comparison import compare
from maps.features import drawn_by, features, household_columns, label_points
from maps.figures import (
    BANDS,
    Measured,
    Rates,
    band_of,
    cover_class,
    measured_categories,
    plain,
    walk_codes,
)
from maps.gazetteer import Gazetteer
from maps.geography import DEGREES, bounds_of, geojson_of
from maps.layers import LAYERS, Layer
from maps.symbology import BAND_LIMITS_M, BAND_MINUTES
from maps.walking import NOTHING_REACHED, reached
from spatial.grids import Plan, assignment_of_today, evaluate_plan
from spatial.grids.wording import retold
from spatial.lifecircle import Survey
from spatial.lifecircle.coverage import Coverage
from spatial.messages import catalogue, text
from spatial.town import Town

__all__ = ["TODAY", "View", "texts"]

TODAY = "today"
"""Id of the plan that today's grids make, where the town has any."""

_BUILDING_REACH_M = 30.0

Tiles = Callable[[str, str | None], str]
PartOf = Callable[[str, Mapping[str, Sequence[str]]], pd.DataFrame]
"""Gives rows of a coverage's table: those that hold one of the values of each column named."""


def texts(language: str) -> dict[str, str]:
    """Return every text of the map page in a language, by key."""
    rooms = {"common", "maps", "page", "viewer"}
    return {key: value for key, value in catalogue(language).items() if key.partition(".")[0] in rooms}


class _Plans(Mapping[str, Plan]):
    """Plans by id, the newest first, today's grids last; these are evaluated when they are asked for."""

    def __init__(self, town: Town, drawn: Mapping[str, Plan]) -> None:
        self._town = town
        self._plans = dict(drawn)
        self._has_today = TODAY not in drawn and not town.layer("grids").empty
        self._lock = threading.Lock()

    def __getitem__(self, plan_id: str) -> Plan:
        if plan_id == TODAY and self._has_today:
            with self._lock:  # judged once; who asks for another plan does not wait
                if TODAY not in self._plans:
                    self._plans[TODAY] = evaluate_plan(self._town, assignment_of_today(self._town)).plan
        return self._plans[plan_id]

    def __iter__(self) -> Iterator[str]:
        yield from (one for one in tuple(self._plans) if one != TODAY or not self._has_today)
        if self._has_today:
            yield TODAY

    def __len__(self) -> int:
        return sum(1 for _ in self)


class View:
    """The answers of the map page.

    Parameters
    ----------
    town : the town
    plans : plans by id, the newest first; today's grids are added as `TODAY`
    coverage : a coverage of the town, or None
    part_of : gives parts of the coverage's walks and rates, which are many; None where it holds them itself

    Attributes
    ----------
    plans : every plan by id, today's grids last
    """

    def __init__(
        self,
        town: Town,
        plans: Mapping[str, Plan],
        coverage: Coverage | None,
        part_of: PartOf | None = None,
    ) -> None:
        self.town_data = town
        self.coverage = coverage
        self.plans: Mapping[str, Plan] = _Plans(town, plans)
        self._part_of = part_of or self._held
        self._to_degrees = pyproj.Transformer.from_crs(town.crs, 4326, always_xy=True)

    def _held(self, table: str, among: Mapping[str, Sequence[str]]) -> pd.DataFrame:
        rows: pd.DataFrame = getattr(self._coverage, table)
        for column, values in among.items():
            rows = rows[rows[column].isin(values).to_numpy(bool)]
        return rows

    @cached_property
    def measured(self) -> Mapping[str, Measured]:
        """The categories that were measured, by id."""
        if self.coverage is None:
            return {}
        rates = self._part_of("rates", {"subject_type": ["town"]})
        return {one.category: one for one in measured_categories(self.town_data, rates)}

    def frame(self, layer_id: str, plan_id: str | None = None) -> gpd.GeoDataFrame:
        """Return the features of a layer, of one plan where the layer belongs to plans.

        The position of a row is the feature's number in tiles and in `walks`.
        """
        return self._frame(layer_id, plan_id if LAYERS[layer_id].package == "plan" else None)

    @lru_cache(maxsize=64)  # noqa: B019 - a view lives as long as its service
    def _frame(self, layer_id: str, plan_id: str | None) -> gpd.GeoDataFrame:
        town = self.town_data
        chosen = plan_id or next(iter(self.plans), None)
        plan = self.plans[chosen] if chosen is not None else None
        return features(layer_id, town, plan, self.coverage)

    @lru_cache(maxsize=256)  # noqa: B019 - a view lives as long as its service
    def _rates(self, kind: str, category: str | None = None) -> Rates:
        """Return the rates of a kind of subject; of every category where none is named."""
        named = {} if category is None else {"category": [category]}
        return Rates(self._part_of("rates", {"subject_type": [kind], **named}))

    @property
    def _coverage(self) -> Coverage:
        if self.coverage is None:
            raise KeyError("coverage")
        return self.coverage

    # ---- the town ------------------------------------------------------------------------------
    def town(self, language: str, tiles: Tiles | None = None) -> dict[str, Any]:
        """Return the town, its communities, layers from top to bottom, plans by name, and its categories.

        Parameters
        ----------
        language : of names and sentences
        tiles : gives the address of a layer's tiles, by layer id and plan id (None outside plans)
        """
        town = self.town_data
        counted = household_columns(town.buildings, pd.Series("town", index=town.buildings.index))
        communities = self.frame("communities")
        return {
            "name": town.name,
            "synthetic": town.synthetic,
            "crs": _crs_title(town.crs, language),
            "bounds": communities.to_crs(4326).total_bounds.round(DEGREES).tolist(),
            "totals": {
                **{name: plain(counted[name].iloc[0]) for name in counted.columns},
                "estates": len(town.estates),
                "communities": len(town.communities),
            },
            "provenance": dict(town.provenance),
            "communities": [
                {
                    "fid": fid,
                    "community_id": str(name),
                    "name": row["name"],
                    "subdistrict": plain(row["subdistrict"]),
                    "households": plain(row["households"]),
                    "bounds": bounds,
                }
                for fid, ((name, row), bounds) in enumerate(
                    zip(communities.iterrows(), bounds_of(communities.geometry), strict=True)
                )
            ],
            "layers": [
                {
                    "id": layer.layer_id,
                    "title": text(layer.title_key, language=language),
                    "views": layer.views,
                    "on": layer.on,
                    "heading": layer.heading,
                    "popup": [{"column": field.column, "format": field.format} for field in layer.popup],
                }
                for layer in sorted(LAYERS.values(), key=_height, reverse=True)
            ],
            "bands": [
                {"limit_m": limit_m, "minutes": minutes}
                for limit_m, minutes in zip(BAND_LIMITS_M, BAND_MINUTES, strict=True)
            ],
            "drawn": self._drawn_symbols(),
            "plans": [
                {
                    "plan_id": plan_id,
                    "kind": _kind(plan_id),
                    "title": text(f"viewer.plan.{_kind(plan_id)}", language=language),
                    "tiles": {"grids": tiles("grids", plan_id)} if tiles else {},
                }
                for plan_id in self.plans
            ],
            "coverage": self._categories(language) if self.coverage else None,
            "tiles": {
                one: tiles(one, None)
                for one, layer in LAYERS.items()
                if layer.package != "plan" and not one.startswith("coverage_")
            }
            if tiles
            else {},
        }

    def _drawn_symbols(self) -> dict[str, list[str]]:
        """Return the legend keys of each layer that some feature is drawn by."""
        return {
            layer.layer_id: [
                symbol.legend
                for symbol in layer.symbols
                if symbol.legend and drawn_by(layer, symbol, self.frame(layer.layer_id)).any()
            ]
            for layer in LAYERS.values()
        }

    def plan(self, plan_id: str, language: str) -> dict[str, Any]:
        """Return a plan: rules, totals, certificates and grids.

        Raises
        ------
        KeyError
            If there is no such plan.
        """
        plan, grids = self.plans[plan_id], self.frame("grids", plan_id)
        basic = plan.grids["kind"] == "basic"
        known = plan.certificates.reindex(self.town_data.communities.index).dropna(subset=["status"])
        drawn = plan_id != TODAY
        return {
            "plan_id": plan_id,
            "rules": {
                "lower": int(float(plan.rules.get("lower", 300))),
                "upper": int(float(plan.rules.get("upper", 500))),
            },
            "totals": {
                "grids": int(basic.sum()),
                "special": int((~basic).sum()),
                "in_range": int((plan.grids.loc[basic, "in_range"] == True).sum()),  # noqa: E712 - null is neither
                "out_of_range": int((plan.grids.loc[basic, "in_range"] == False).sum()),  # noqa: E712
                "households": plain(plan.grids["households"].sum(min_count=1)),
                "extra_pieces": plain(plan.certificates["extra_pieces"].sum(min_count=1)),
                "proven": int((known["status"] == "optimal").sum()) if drawn else None,
            },
            "certificates": [
                {
                    "community_id": str(name),
                    "status": row["status"],
                    "tag": certificate_tag(row["status"], language),
                    "sentence": certificate_sentence(row, language),
                }
                for name, row in known.iterrows()
            ]
            if drawn
            else [],
            "grids": [
                {
                    "fid": fid,
                    "grid_id": str(name),
                    "code": plain(row["code"]),
                    "short_code": plain(row["short_code"]),
                    "title": plain(row["title"]),
                    "community_id": str(plan.grids.loc[name, "community_id"]),
                    "kind": row["kind"],
                    "households": plain(row["households"]),
                    "in_range": plain(plan.grids.loc[name, "in_range"]),
                    "reason": retold(plan.grids.loc[name], "exception_reason", language),
                    "bounds": bounds,
                }
                for fid, ((name, row), bounds) in enumerate(
                    zip(grids.iterrows(), bounds_of(grids.geometry), strict=True)
                )
            ],
        }

    def _categories(self, language: str) -> dict[str, Any]:
        return {
            "categories": [
                {
                    "category": one.category,
                    "name": one.names[language],
                    "group": one.group,
                    "limit_m": one.limit_m,
                    "facilities": one.facilities,
                    "rate": _share(self._rates("town").of(one.category, "town"), one.limit_m),
                    "gaps": int((self._coverage.gaps["category"] == one.category).sum()),
                }
                for one in self.measured.values()
            ]
        }

    def compare(self, before: str, after: str) -> dict[str, Any]:
        """Return what two plans differ in (`maps.comparison.compare`).

        Raises
        ------
        KeyError
            If there is no such plan.
        """
        found = compare(self.town_data, self.plans[before], self.plans[after])
        return {"before": before, "after": after, **found}

    # ---- coverage ------------------------------------------------------------------------------
    def rates(self, category: str, limit_m: float | None = None) -> dict[str, Any]:
        """Return a category's rates: the town's with its bands, communities' and grids'.

        Parameters
        ----------
        category : its id
        limit_m : a walking band (`maps.symbology.BAND_LIMITS_M`); the category's own limit when None
        """
        limit_m = self._limit(category, limit_m)
        whole = _at(self._rates("town").of(category, "town"), limit_m)
        return {
            "category": category,
            "limit_m": limit_m,
            "town": _rate(whole.iloc[0]) if len(whole) else None,
            "bands": self._rates("town").bands(category),
            "communities": self._subject_rates(category, limit_m, "community", "communities"),
            "grids": self._subject_rates(category, limit_m, "grid", "grids"),
        }

    def _limit(self, category: str, limit_m: float | None) -> float:
        own = self.measured[category].limit_m
        if limit_m not in {None, own, *BAND_LIMITS_M}:
            raise KeyError(limit_m)
        return own if limit_m is None else limit_m

    def _subject_rates(self, category: str, limit_m: float, kind: str, layer_id: str) -> list[dict[str, Any]]:
        rates = _at(self._rates(kind, category).of(category, kind), limit_m)
        frame = self.frame(layer_id, next(iter(self.plans), None))
        found = rates.reindex(frame.index)
        return [
            {
                "fid": fid,
                "id": str(name),
                "name": plain(frame.loc[name, LAYERS[layer_id].heading]),
                **_rate(row),
            }
            for fid, (name, row) in enumerate(found.iterrows())
        ]

    @lru_cache(maxsize=64)  # noqa: B019 - a view lives as long as its service
    def _walks(self, category: str) -> pd.Series:
        """Return a category's walks in whole metres or codes (`maps.figures.walk_codes`), by building."""
        found = walk_codes(self._part_of("walks", {"category": [category]}), self.frame("buildings").index)
        return found.get(category, pd.Series(pd.NA, index=found.index, dtype="Int64"))

    def walks(self, category: str, limit_m: float | None = None) -> dict[str, Any]:
        """Return the band of every building by number, and the households of each band.

        Bands are named in ``names`` (`maps.figures.BANDS`); null where a building was not measured.
        Limits are those of `rates`.
        """
        limit_m = self._limit(category, limit_m)
        bands = band_of(self._walks(category), limit_m)
        households = self.frame("buildings")["households"].groupby(bands).sum()
        return {
            "category": category,
            "limit_m": limit_m,
            "names": BANDS,
            "bands": [plain(one) for one in bands.astype(object)],
            "households": [plain(one) for one in households.reindex(range(len(BANDS)), fill_value=0)],
        }

    def gaps(self, category: str) -> dict[str, Any]:
        """Return a category's gaps as GeoJSON, those of most households first."""
        self.measured[category]  # an unknown category is an error, not a place without gaps
        gaps = self.frame("gaps")
        own = (self._coverage.gaps["category"].reindex(gaps.index) == category).to_numpy(bool)
        gaps = gaps[own].sort_values("households", ascending=False, kind="stable", na_position="last")
        at = label_points(gaps.geometry).to_crs(4326)
        outlines = gaps.geometry.simplify(1.0).to_crs(4326)
        return {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "id": rank,
                    "geometry": geojson_of(outlines[name]),
                    "properties": {
                        "gap_id": str(name),
                        "rank": rank,
                        "households": plain(row["households"]),
                        "buildings": plain(row["buildings"]),
                        "nearest_m": plain(row["nearest_m"]),
                        "cause": plain(row["gap_cause"]),
                        "community": plain(row["title"]),
                        "bounds": bounds,
                        "label": [round(at[name].x, DEGREES), round(at[name].y, DEGREES)],
                    },
                }
                for rank, ((name, row), bounds) in enumerate(
                    zip(gaps.iterrows(), bounds_of(gaps.geometry), strict=True), 1
                )
            ],
        }

    # ---- places --------------------------------------------------------------------------------
    def at(self, lon: float, lat: float, language: str, plan_id: str | None = None) -> dict[str, Any]:
        """Return what lies at a place: building (within 30 m), estate, community, grid of a plan, walks.

        Parameters
        ----------
        lon, lat : the place
        language : of names
        plan_id : the plan whose grid is told; the newest when None
        """
        plan_id = plan_id or next(iter(self.plans), None)
        spot = self._spot(lon, lat)
        buildings = self.frame("buildings")
        building = self._nearest(buildings, spot)
        layers = {"estate": "estates", "community": "communities", "special_area": "special_areas"}
        answer: dict[str, Any] = {
            "building": self._asked("buildings", building, buildings),
            **{
                name: self._asked(one, self._within(self.frame(one), spot), self.frame(one))
                for name, one in layers.items()
            },
            "grid": None,
            "walks": [],
        }
        if plan_id is not None:
            grids = self.frame("grids", plan_id)
            answer["grid"] = self._asked("grids", self._within(grids, spot), grids)
        if building is not None and self.coverage is not None:
            answer["walks"] = self._walks_from(building, language)
        return answer

    def _spot(self, lon: float, lat: float) -> shapely.Point:
        return shapely.Point(self._to_degrees.transform(lon, lat, direction="INVERSE"))

    def reach(self, lon: float, lat: float, language: str) -> dict[str, Any]:
        """Return what is reached on foot from a place, or from the building there (`maps.walking.reached`).

        ``origin`` is where the walks begin.
        """
        spot, estate = self._spot(lon, lat), ""
        building = self._nearest(self.frame("buildings"), spot)
        if building is not None:
            places = self._survey.places
            spot = shapely.Point(places.building_xy[np.flatnonzero(places.building_of == building)[0]])
            estate = places.estate_at[building]
        if not np.isfinite(shapely.get_coordinates(spot)).all() or not len(self.town_data.streets):
            return {"origin": [lon, lat], **NOTHING_REACHED}
        origin = [round(one, DEGREES) for one in self._to_degrees.transform(spot.x, spot.y)]
        found = reached(self._survey, (spot.x, spot.y), self.measured, language, estate=estate)
        return {"origin": origin, **found}

    @cached_property
    def _survey(self) -> Survey:
        return Survey.of(self.town_data)

    def _walks_from(self, building: int, language: str) -> list[dict[str, Any]]:
        name = self.frame("buildings").index[building]
        walks = self._part_of("walks", {"category": [*self.measured], "building_id": [str(name)]})
        codes = walk_codes(walks, pd.Index([name])).iloc[0]
        facility = walks.set_index("category")["facility_id"]
        titles = self.town_data.facilities["name"]
        listed = []
        for one in self.measured.values():
            nearest = plain(facility.get(one.category))
            listed.append(
                {
                    "category": one.category,
                    "name": one.names[language],
                    "group": one.group,
                    "limit_m": one.limit_m,
                    "walk": plain(codes.get(one.category)),
                    "facility": plain(titles.get(nearest)) if nearest else None,
                }
            )
        return listed

    def _within(self, frame: gpd.GeoDataFrame, spot: shapely.Point) -> int | None:
        found = frame.sindex.query(spot, predicate="intersects")
        return int(found.min()) if len(found) else None

    def _nearest(self, frame: gpd.GeoDataFrame, spot: shapely.Point) -> int | None:
        found = frame.sindex.nearest(spot, max_distance=_BUILDING_REACH_M, return_all=False)[1]
        return int(found[0]) if len(found) else None

    def _asked(self, layer_id: str, row: int | None, frame: gpd.GeoDataFrame) -> dict[str, Any] | None:
        """Return a feature as a card shows it: number, id, heading, properties, bounds."""
        if row is None:
            return None
        one = frame.iloc[row]
        return {
            "layer": layer_id,
            "fid": row,
            "id": str(frame.index[row]),
            "heading": plain(one[LAYERS[layer_id].heading]),
            "properties": {name: plain(one[name]) for name in frame.columns if name != "geometry"},
            "bounds": bounds_of(frame.geometry.iloc[[row]])[0],
        }

    @cached_property
    def _gazetteer(self) -> Gazetteer:
        newest = next(iter(self.plans), None)
        community = self.town_data.estates["community_id"].map(self.town_data.communities["name"])
        listed = [
            ("community", "communities", "name", "subdistrict"),
            ("estate", "estates", "name", community),
            *([("grid", "grids", "title", "code")] if newest else []),
            ("facility", "facilities", "name", None),
            ("building", "buildings", "title", "estate"),
        ]
        entries = []
        for kind, layer_id, name, detail in listed:
            frame = self.frame(layer_id, newest)
            details = frame[detail] if isinstance(detail, str) else detail
            entries.append(Gazetteer.entries(kind, frame, name, details))
        return Gazetteer(entries)

    def places(self, query: str, limit: int = 20) -> dict[str, Any]:
        """Return places whose name, detail or code holds every word of a query; names that begin so first."""
        return {"places": self._gazetteer.find(query, limit)}


def _kind(plan_id: str) -> str:
    return TODAY if plan_id == TODAY else "drawn"


def _height(layer: Layer) -> int:
    """Return how high in the drawing order a layer's highest symbol stands."""
    return max(STRATA.index(symbol.stratum) for symbol in layer.symbols)


def _crs_title(crs: pyproj.CRS, language: str) -> str:
    """Return the name of a reference system; that of a CGCS2000 zone in the reader's language."""
    zone = re.fullmatch(r"CGCS2000 / (\d)-degree Gauss-Kruger CM (\d+)E", crs.name)
    if zone is None:
        return str(crs.name)
    return text("viewer.zone", width=zone[1], meridian=zone[2], language=language)


def _at(rates: pd.DataFrame, limit_m: float) -> pd.DataFrame:
    """Return the rates at one limit, by subject."""
    return rates[rates.index.get_level_values("limit_m") == limit_m].droplevel("limit_m")


def _share(rates: pd.DataFrame, limit_m: float) -> float | None:
    found = _at(rates, limit_m)
    share: float | None = _rate(found.iloc[0])["rate"] if len(found) else None
    return share


def _rate(row: pd.Series) -> dict[str, Any]:
    """Return a rate with its parts; its share is null where nothing could be determined."""
    parts = {
        name: plain(row[name])
        for name in ("numerator", "numerator_low", "numerator_high", "denominator", "undetermined")
    }
    covered, whole, undetermined = parts["numerator"], parts["denominator"], parts["undetermined"] or 0
    assessed = covered is not None and bool(whole) and undetermined < whole
    return {
        **parts,
        "estimated_share": plain(row["estimated_share"]),
        "rate": covered / whole if assessed else None,
        "class": cover_class(covered, whole, undetermined),
    }
