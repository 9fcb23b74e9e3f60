"""A plan: a complete assignment of a town's units to grids, with its rules and certificates.

The assignment is the truth of a plan; the outlines of ``grids`` are derived from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """One division of a town into grids.

    The columns of each table stand in `spatial.schema.PLAN_TABLES`.

    Attributes
    ----------
    grids : layer indexed by grid_id; basic and special grids tile every community
    assignment : table building_id, stairwell_id (null for a whole building), grid_id
    certificates : table indexed by community_id: how good the drawing is, or why there is none
    rules : the rules the plan was drawn under, as text by name
    provenance : ``town_fingerprint``, ``seed``, ``code_version``, ``synthetic``, …
    """

    grids: gpd.GeoDataFrame
    assignment: pd.DataFrame
    certificates: pd.DataFrame
    rules: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
