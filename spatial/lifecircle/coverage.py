"""Coverage: how far every household walks to each category of service, and what share is covered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd

__all__ = ["Coverage"]


@dataclass(frozen=True)
class Coverage:
    """The walks of a town's buildings and the rates made from them.

    The columns of each table stand in `spatial.schema.COVERAGE_TABLES`.

    Attributes
    ----------
    buildings : layer indexed by building_id: what was measured
    walks : table building_id, category, walk_m, facility_id, status; searched to three times the limit
    rates : table of shares with numerator, denominator and undetermined households
    gaps : layer indexed by gap_id: clusters of uncovered households
    provenance : ``town_fingerprint``, ``mode``, ``code_version``, ``synthetic``, …
    """

    buildings: gpd.GeoDataFrame
    walks: pd.DataFrame
    rates: pd.DataFrame
    gaps: gpd.GeoDataFrame
    provenance: Mapping[str, str] = field(default_factory=dict)
