"""A town of any size as an office would deliver it: buildings and a grid of streets in one GeoPackage.

Run as a program it imports such a file by the command line and prints seconds and peak memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

X0, Y0 = 450_000.0, 4_400_000.0
SLAB_M = (12.0, 9.0)
BLOCK_M = 60.0
PER_BLOCK = 4

MAPPING = """
[town]
name = "大城"
synthetic = true
[[layer]]
from = "楼栋"
to = "buildings"
columns = { building_id = "编号", households = "户数", levels = "层数", use = { from = "用途", values = { "住宅" = "residential", "*" = "other" } } }
[[layer]]
from = "道路"
to = "streets"
columns = { street_id = "编号", class = "等级" }
"""


def write_large(folder: Path, buildings: int) -> tuple[Path, Path]:
    """Write the sources of a town of about so many buildings, and half as many streets; return it and the mapping."""
    across = int(np.ceil(np.sqrt(buildings / PER_BLOCK)))
    column, row = (one.ravel() for one in np.meshgrid(np.arange(across), np.arange(across)))
    number = np.arange(len(column) * PER_BLOCK)
    block = number // PER_BLOCK
    x = X0 + column[block] * BLOCK_M + 8 + 22 * (number % 2)
    y = Y0 + row[block] * BLOCK_M + 8 + 22 * (number // 2 % 2)
    layer = gpd.GeoDataFrame(
        {
            "编号": pd.Series(number).astype("string").str.zfill(8),
            "户数": (number * 7919) % 40,
            "层数": 1 + number % 18,
            "用途": np.where(number % 9 == 0, "商业", "住宅"),
        },
        geometry=shapely.box(x, y, x + SLAB_M[0], y + SLAB_M[1]),
        crs="EPSG:4548",
    )
    path = folder / "大城.gpkg"
    path.unlink(missing_ok=True)
    pyogrio.write_dataframe(layer, path, layer="楼栋", driver="GPKG", use_arrow=True)
    corners = np.stack([X0 + column * BLOCK_M, Y0 + row * BLOCK_M], axis=1)
    ends = np.concatenate([corners + np.array([BLOCK_M, 0.0]), corners + np.array([0.0, BLOCK_M])])
    lines = shapely.linestrings(np.stack([np.concatenate([corners, corners]), ends], axis=1))
    streets = gpd.GeoDataFrame(
        {
            "编号": pd.Series(np.arange(len(lines))).astype("string"),
            "等级": np.where(np.arange(len(lines)) % 20 == 0, "secondary", "residential"),
        },
        geometry=lines,
        crs="EPSG:4548",
    )
    pyogrio.write_dataframe(streets, path, layer="道路", driver="GPKG", append=True, use_arrow=True)
    mapping = folder / "对照.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    return path, mapping


def main(folder: Path, output: Path) -> None:
    """Import the file of a folder and print what it took."""
    from api.commands import main as wangge

    start = time.perf_counter()
    code = 0
    try:
        wangge(
            ["import", str(folder / "大城.gpkg"), "--mapping", str(folder / "对照.toml"), "-o", str(output)]
        )
    except SystemExit as end:
        code = end.code
    usage = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "code": int(code or 0),
        "wall_s": time.perf_counter() - start,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_gb": usage.ru_maxrss / 1e6,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
