"""Content of the static page: features, figures and texts as one compact JSON document.

Coordinates are whole millionths of a degree (WGS 84), each after the first as the step from the one
before; the page's script adds them up again.  Walks and rates stand in columns, one to a category,
in the order of the buildings and of the rates' subjects.
"""

from __future__ import annotations

import json
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from maps.cartography import STRATA
from maps.certificates import certificate_sentence, certificate_tag
from maps.features import features, household_columns, label_points, line_work
from maps.figures import RATE_FIGURES, Measured, Rates, measured_categories, plain, walk_codes
from maps.layers import LAYERS, Layer
from maps.symbology import BAND_LIMITS_M, COVER_LIMITS, FACILITY_GROUPS, glyph
from spatial.grids.plan import Plan
from spatial.grids.wording import retold
from spatial.lifecircle.coverage import Coverage
from spatial.messages import LANGUAGES, catalogue
from spatial.town import Town

__all__ = ["page_content"]

_STEPS_PER_DEGREE = 1e6
_SIMPLIFY_M = {"streets": 0.5, "gaps": 1.0, "barriers": 1.0, "estates": 0.5, "special_areas": 0.5}
_TILING_SIMPLIFY_M = 1.0
_TILINGS = ("communities", "grids", "coverage_communities", "coverage_grids")


def page_content(town: Town, plan: Plan, coverage: Coverage) -> str:
    """Return everything the static page shows, as JSON."""
    shown = {layer_id: features(layer_id, town, plan, coverage) for layer_id in LAYERS}
    measured = measured_categories(town, coverage.rates)
    rates = Rates(coverage.rates)
    walks = walk_codes(coverage.walks, shown["buildings"].index)
    document = {
        "town": _town(town),
        "plan": _plan(town, plan),
        "languages": LANGUAGES,
        "texts": {
            language: {
                key: value
                for key, value in catalogue(language).items()
                if key.partition(".")[0] in {"maps", "page", "common"}
            }
            for language in LANGUAGES
        },
        "strata": STRATA,
        "bands": BAND_LIMITS_M,
        "cover": COVER_LIMITS,
        "layers": [_layer(layer) for layer in LAYERS.values()],
        "features": {
            layer_id: _encode(layer_id, frame, town)
            for layer_id, frame in shown.items()
            if not layer_id.startswith("coverage_")
        },
        "glyphs": {group: glyph(group) for group in FACILITY_GROUPS},
        "categories": [
            {
                "id": one.category,
                "names": dict(one.names),
                "group": one.group,
                "limit": one.limit_m,
                "facilities": one.facilities,
            }
            for one in measured
        ],
        "walks": {
            one.category: [plain(value) for value in walks[one.category].astype(object)] for one in measured
        },
        "rates": {one.category: _rates(rates, one) for one in measured},
        "gap_categories": coverage.gaps["category"].reindex(shown["gaps"].index).tolist(),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _town(town: Town) -> dict[str, Any]:
    everywhere = pd.Series("town", index=town.buildings.index)
    counted = household_columns(town.buildings, everywhere)
    totals = counted.iloc[0] if len(counted) else pd.Series(dtype="Int64")
    box = town.communities if len(town.communities) else town.buildings
    return {
        "name": town.name,
        "synthetic": town.synthetic,
        "crs": town.crs.name,
        "bounds": [round(float(one), 6) for one in box.to_crs(4326).total_bounds],
        "source": town.provenance.get("source"),
        "licence": town.provenance.get("licence"),
        "communities": len(town.communities),
        "estates": len(town.estates),
        **{name: plain(totals.get(name, pd.NA)) for name in counted.columns},
    }


def _plan(town: Town, plan: Plan) -> dict[str, Any]:
    certificates = plan.certificates.reindex(town.communities.index).dropna(subset=["status"])
    return {
        "lower": int(float(plan.rules.get("lower", 300))),
        "upper": int(float(plan.rules.get("upper", 500))),
        "certificates": {
            str(name): {
                "status": row["status"],
                "tag": {one: certificate_tag(row["status"], one) for one in LANGUAGES},
                "sentence": {one: certificate_sentence(row, one) for one in LANGUAGES},
            }
            for name, row in certificates.iterrows()
        },
        "in_range": {str(name): plain(value) for name, value in plan.grids["in_range"].items()},
        "reasons": {
            str(name): {one: retold(row, "exception_reason", one) for one in LANGUAGES}
            for name, row in plan.grids[plan.grids["exception_reason"].notna()].iterrows()
        },
        "extra_pieces": plain(plan.certificates["extra_pieces"].sum(min_count=1)),
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "id": layer.layer_id,
        "shape": layer.shape,
        "views": layer.views,
        "on": layer.on,
        "heading": layer.heading,
        "once": layer.once,
        "popup": [{"column": field.column, "format": field.format} for field in layer.popup],
        "label": vars(layer.label) if layer.label else None,
        "symbols": [vars(symbol) for symbol in layer.symbols],
    }


def _rates(rates: Rates, measured: Measured) -> dict[str, Any]:
    """Return a category's figures: the town's, its bands, and those of communities and grids."""
    figures: dict[str, Any] = {"bands": rates.bands(measured.category)}
    for kind in ("town", "community", "grid"):
        found = rates.of(measured.category, kind)
        found = found[found.index.get_level_values("limit_m") == measured.limit_m]
        figures[kind] = {
            str(subject): [_rounded(one) for one in row]
            for (subject, _), row in zip(found.index, found[list(RATE_FIGURES)].to_numpy(object), strict=True)
        }
    return figures


def _rounded(value: object) -> float | None:
    number = plain(value)
    return None if number is None else round(float(number), 4)


def _encode(layer_id: str, frame: gpd.GeoDataFrame, town: Town) -> dict[str, Any]:
    """Return a layer's features in columns: ids, properties, shapes, label points and line work."""
    layer = LAYERS[layer_id]
    shapes = frame.geometry
    if layer_id in _TILINGS and len(shapes):
        shapes = gpd.GeoSeries(
            shapely.coverage_simplify(np.asarray(shapes.array), _TILING_SIMPLIFY_M),
            index=shapes.index,
            crs=shapes.crs,
        )
    elif layer_id in _SIMPLIFY_M:
        shapes = shapes.simplify(_SIMPLIFY_M[layer_id])
    encoded: dict[str, Any] = {
        "ids": [str(one) for one in frame.index],
        "shapes": _shapes(shapes),
        "columns": {
            name: [plain(one) for one in frame[name].astype(object).tolist()]
            for name in frame.columns
            if name != "geometry" and frame[name].notna().any()
        },
    }
    if layer.label or layer_id == "gaps":
        encoded["labels"] = _shapes(label_points(frame.geometry))
    if layer.once:
        encoded["lines"] = _shapes(line_work(shapes))
    if "community_id" in town.tables.get(layer.table, pd.DataFrame()).columns and layer.package == "town":
        owner = town.tables[layer.table]["community_id"].reindex(frame.index)
        encoded["community"] = [plain(one) for one in owner.astype(object).tolist()]
    return encoded


def _shapes(shapes: gpd.GeoSeries) -> list[Any]:
    """Return every shape as its parts: a point as [x, y], a line as steps, a polygon as rings of steps."""
    geographic = shapes.to_crs(4326)
    geometry = shapely.orient_polygons(np.asarray(geographic.array))
    return [_shape(one) for one in geometry]


def _shape(shape: BaseGeometry | None) -> list[Any]:
    if shape is None or shape.is_empty:
        return []
    if shape.geom_type == "Point":
        return _steps(shapely.get_coordinates(shape))
    parts = shapely.get_parts(shape)
    if shapely.get_dimensions(parts[0]) == 2:
        return [
            [_steps(shapely.get_coordinates(ring)[:-1]) for ring in (one.exterior, *one.interiors)]
            for one in parts
        ]
    return [_steps(shapely.get_coordinates(one)) for one in parts]


def _steps(coordinates: NDArray[np.float64]) -> list[int]:
    whole = np.rint(coordinates * _STEPS_PER_DEGREE).astype(np.int64)
    whole[1:] -= whole[:-1].copy()
    return [int(one) for one in whole.ravel()]
