"""Synthetic county towns as plain arrays, one record per community, and the one judge of plans of them."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from spatial.grids.instance import Instance, extra_pieces, part_inertia, touched_pieces

__all__ = ["LOWER", "UPPER", "communities", "inertia", "score"]

LOWER, UPPER = 300, 500
FOLDER = Path(__file__).parent / "instances"


def communities(scale: str = "town", seed: int = 7) -> list[dict[str, Any]]:
    """Return the communities of a town: arguments of `partition`, count and reference if known.

    Seed 7 of the town is read from the file with the reference results, others are generated.
    """
    if (scale, seed) == ("town", 7):
        kept = json.loads((FOLDER / "county_town_seed7.json").read_text())["communities"]
        return [
            _record(
                np.array(one["households"]),
                np.array(one["edges"])[:, :2],
                np.array(one["estate"]),
                np.column_stack([one["x"], one["y"]]),
                np.array(one["main_road_side"]),
                one["reference"],
            )
            for one in kept
        ]
    town = _generator().build(scale, seed)
    buildings, edges = town["buildings"], town["edges"]
    edges = edges[edges["kind"] != 9][["u", "v"]].to_numpy()
    community = buildings["community"].to_numpy()
    records = []
    for number in np.unique(community):
        units = np.flatnonzero(community == number)
        position = np.full(len(buildings), -1)
        position[units] = np.arange(units.size)
        own = edges[(community[edges] == number).all(axis=1)]
        rows = buildings.iloc[units]
        records.append(
            _record(
                rows["hh"].to_numpy(),
                position[own],
                rows["estate"].to_numpy(),
                rows[["x", "y"]].to_numpy().round(1),
                town["main_side"][rows["block"].to_numpy()],
                None,
            )
        )
    return records


def score(record: dict[str, Any], labels: np.ndarray) -> dict[str, float]:
    """Judge a plan: sizes, broken grids, extra pieces, crossings of main roads, inertia."""
    instance = Instance.build(**record["arguments"])
    own = [np.flatnonzero(labels == part) for part in np.unique(labels)]
    load = np.array([instance.weights[units].sum() for units in own])
    return {
        "grids": len(own),
        "in_range": int(((load >= LOWER) & (load <= UPPER)).sum()),
        "broken": sum(len(instance.restricted(units).components()) > 1 for units in own),
        "extra_pieces": extra_pieces(instance, labels),
        "estates_split_needlessly": int(
            (touched_pieces(instance, labels) > instance.group_allowance()).sum()
        ),
        "crossings": sum(np.unique(instance.sides[units]).size > 1 for units in own),
        "inertia": inertia(instance, labels) * instance.total,
        "households": instance.total,
    }


def inertia(instance: Instance, labels: np.ndarray) -> float:
    """Inertia of a plan, m²."""
    parts = (np.flatnonzero(labels == part) for part in np.unique(labels))
    return sum(part_inertia(instance, own)[0] for own in parts) / instance.total


def _record(  # noqa: PLR0917 - one argument per array
    households: np.ndarray,
    edges: np.ndarray,
    estates: np.ndarray,
    coordinates: np.ndarray,
    sides: np.ndarray,
    reference: dict[str, Any] | None,
) -> dict[str, Any]:
    return {
        "arguments": {
            "weights": households,
            "edges": edges.astype(int),
            "lower": LOWER,
            "upper": UPPER,
            "coordinates": coordinates,
            "groups": estates.astype(int),
            "sides": sides.astype(int),
            "side_penalty_m": 150.0,
        },
        "parts": round(households.sum() / 400),
        "reference": reference,
    }


def _generator() -> Any:  # noqa: ANN401 - a module
    sys.path.insert(0, str(FOLDER))
    return importlib.import_module("county_town")
