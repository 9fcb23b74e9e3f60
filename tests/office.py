"""The files a planner brings from the office: four of them, each from another hand, none quite clean.

A workbook of estates with their households, building outlines from the survey bureau (Shapefile in GBK,
CGCS2000 without a zone number, no .prj), points of interest from a map vendor in GCJ-02, and an
OpenStreetMap extract with streets and the outlines of estates.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pyogrio
import pyproj
import shapely

from spatial.crs import from_wgs84

X0, Y0 = 519_000.0, 3_131_000.0  # EPSG:4548, near 117.2 E 28.3 N
BLOCK_M = 150.0
COLUMNS, ROWS = 6, 4
NAMES = ["阳光", "月季", "铁路", "东门", "雄石", "花园", "象山", "信江", "建设", "和平", "胜利", "交通"]
HOUSEHOLDS_PER_FLOOR = 4

_TO_DEGREES = pyproj.Transformer.from_crs("EPSG:4548", "EPSG:4326", always_xy=True)


def write_office_files(folder: Path) -> list[Path]:
    """Write the four files and return their paths in the order the guide names them."""
    estates = _estates()
    buildings = _buildings(estates)
    _write_workbook(estates, buildings, folder / "小区台账.xlsx")
    _write_shapefile(buildings, folder / "楼栋.zip")
    _write_points(folder / "兴趣点.csv")
    _write_map(estates, folder / "地图.osm.pbf")
    return [folder / name for name in ("小区台账.xlsx", "楼栋.zip", "兴趣点.csv", "地图.osm.pbf")]


def _estates() -> gpd.GeoDataFrame:
    """Twelve estates, each of two blocks, with a street around."""
    outlines = [
        shapely.box(
            X0 + 2 * column * BLOCK_M + 8,
            Y0 + row * BLOCK_M + 8,
            X0 + 2 * (column + 1) * BLOCK_M - 8,
            Y0 + (row + 1) * BLOCK_M - 8,
        )
        for row in range(ROWS)
        for column in range(COLUMNS // 2)
    ]
    return gpd.GeoDataFrame({"name": [f"{name}小区" for name in NAMES]}, geometry=outlines, crs="EPSG:4548")


def _buildings(estates: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Slabs in rows; the first of each estate is a shop, one is drawn with a loop in its outline."""
    rows = []
    for number, (name, outline) in enumerate(zip(estates["name"], estates.geometry, strict=True)):
        west, south, _, _ = outline.bounds
        for slab in range(12):
            x, y = west + 15 + 65 * (slab % 4), south + 12 + 42 * (slab // 4)
            shape = shapely.box(x, y, x + 45, y + 13)
            if number == 3 and slab == 5:  # a spike: the pen slipped and came back
                ring = [
                    (x, y),
                    (x + 45, y),
                    (x + 45, y + 13),
                    (x + 45, y + 13.4),
                    (x + 45, y + 13),
                    (x, y + 13),
                ]
                shape = shapely.Polygon(ring)
            rows.append((name, f"{slab + 1}号楼", "商业" if slab == 0 else "住宅", 6 + number % 3, shape))
    names, numbers, uses, levels, shapes = zip(*rows, strict=True)
    return gpd.GeoDataFrame(
        {
            "楼栋编号": [f"LD{number:04d}" for number in range(len(rows))],
            "楼号": numbers,
            "小区名称": names,
            "房屋用途": uses,
            "楼层": levels,
        },
        geometry=list(shapes),
        crs="EPSG:4548",
    )


def households_of(buildings: gpd.GeoDataFrame) -> dict[str, int]:
    """Return the true households of each estate."""
    homes = buildings[buildings["房屋用途"] == "住宅"]
    return (homes["楼层"] * HOUSEHOLDS_PER_FLOOR).groupby(homes["小区名称"]).sum().to_dict()


def _write_workbook(estates: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, path: Path) -> None:
    totals = households_of(buildings)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "小区"
    sheet.append(["某县城区住宅小区基本情况表"])
    sheet.append(["小区名称", "所属社区", "总户数", "建成年代", "物业类型", "备注"])
    for number, name in enumerate(estates["name"]):
        community = "东门社区" if number < len(estates) / 2 else "雄石社区"
        kind = "有物业" if number % 2 else "无物业"
        sheet.append([name, community, totals[name], 1998 + number, kind, None])
    book.save(path)


def _write_shapefile(buildings: gpd.GeoDataFrame, path: Path) -> None:
    """Write the Shapefile as a survey bureau sends it: GBK, and neither .prj nor .cpg."""
    folder = path.parent / "测绘"
    folder.mkdir()
    pyogrio.write_dataframe(buildings, folder / "楼栋.shp", encoding="gbk")
    with zipfile.ZipFile(path, "w") as archive:
        for suffix in (".shp", ".shx", ".dbf"):
            archive.write(folder / f"楼栋{suffix}", f"楼栋{suffix}")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def _write_points(path: Path) -> None:
    places = {
        "大众药房": ("药店", 150, 2),
        "张记便利店": ("便利店", 600, 2),
        "实验幼儿园": ("幼儿园", 300, 302),
        "东门小学": ("小学", 450, 300),
        "社区卫生服务站": ("医疗", 750, 148),
        "信江公园": ("公园", 890, 450),
        "某某商贸公司": ("公司企业", 20, 302),
    }
    xy = np.array([(X0 + x, Y0 + y) for _, x, y in places.values()])
    degrees = from_wgs84(np.column_stack(_TO_DEGREES.transform(xy[:, 0], xy[:, 1])), "GCJ-02")
    lines = ["名称,类型,经度,纬度"]
    lines += [
        f"{name},{kind},{x:.7f},{y:.7f}"
        for (name, (kind, _, _)), (x, y) in zip(places.items(), degrees, strict=True)
    ]
    path.write_text("\n".join(lines), encoding="gbk")


def _write_map(estates: gpd.GeoDataFrame, path: Path) -> None:
    import osmium
    from osmium.osm.mutable import Node, Way

    numbers: dict[tuple[float, float], int] = {}
    ways: list[Way] = []

    def node(x: float, y: float) -> int:
        return numbers.setdefault((round(x, 2), round(y, 2)), len(numbers) + 1)

    def way(points: list[tuple[float, float]], **tags: str) -> None:
        ways.append(Way(id=len(ways) + 1, nodes=[node(*one) for one in points], tags=tags))

    for row in range(ROWS + 1):
        y = Y0 + row * BLOCK_M
        kind = "primary" if row == 2 else "residential"
        way([(X0 + column * BLOCK_M, y) for column in range(COLUMNS + 1)], highway=kind, name=f"东西{row}路")
    for column in range(0, COLUMNS + 1, 2):
        x = X0 + column * BLOCK_M
        way(
            [(x, Y0 + row * BLOCK_M) for row in range(ROWS + 1)],
            highway="residential",
            name=f"南北{column}路",
        )
    for name, outline in zip(estates["name"], estates.geometry, strict=True):
        ring = list(outline.exterior.coords)
        way(ring, landuse="residential", name=name)
        west, south, east, _ = outline.bounds
        middle = (west + east) / 2  # a lane from the street into the estate
        way([(middle, south - 8), (middle, south + 100)], highway="service")
    with osmium.SimpleWriter(str(path)) as writer:
        for (x, y), number in numbers.items():
            writer.add_node(Node(id=number, location=_TO_DEGREES.transform(x, y)))
        for one in ways:
            writer.add_way(one)
