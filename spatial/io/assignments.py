"""Grids as an office has them: a plan, a layer of polygons, or a table of buildings and grids."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from spatial.errors import FileError
from spatial.grids import Plan
from spatial.io.packages import read_plan
from spatial.io.sources import Sources

__all__ = ["read_grids"]

_TABLE_COLUMNS = frozenset({"building_id", "grid_id"})


def read_grids(path: Path | str) -> Plan | gpd.GeoDataFrame | pd.DataFrame:
    """Read grids from a file: what `spatial.grids.evaluate_plan` takes.

    A plan package gives a plan.  Else the first layer that is a table of building_id and grid_id, or
    holds polygons with grid_id, is taken.

    Raises
    ------
    FileError
        If the file cannot be read, or holds neither.
    """
    with Sources.of([path]) as opened:
        names = [name.partition(":")[2] for name in opened.layer_names]
        if {"grids", "assignment", "certificates"} <= set(names):
            return read_plan(path)
        for name in opened.layer_names:
            frame = opened.read(name)
            if set(frame.columns) >= _TABLE_COLUMNS:
                return pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
            if isinstance(frame, gpd.GeoDataFrame) and "grid_id" in frame.columns:
                return frame
    raise FileError("io.no_grids", path=path, layers="、".join(names))
