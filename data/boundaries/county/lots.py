"""Lots: the gap-free parts of the blocks, what each is used for, and the plot left beside the streets.

A lot's *cell* reaches to the middle of the streets around it, so that the cells tile the town; its
*plot* is what is left when streets, river and railway have taken their land.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import LineString, Point, Polygon
from shapely.ops import polygonize, split

from county.communities import COMMUNITIES
from county.streets import STYLES, Quarter
from county.terrain import Road, Terrain, located

__all__ = ["ESTATES", "SINGLE_BUILDINGS", "Lot", "allot", "lots_of"]

# A hundred and twenty estates, of which fourteen are one building each.
ESTATES = 120
SINGLE_BUILDINGS = 14

_FENCE_M = 1.0
_SMALLEST_PLOT_M2 = 900.0
_SMALLEST_CARVED_M2 = 2_600.0
_NARROWEST_CARVED_M = 34.0


@dataclass(frozen=True)
class Lot:
    """A part of a block under one use.

    Attributes
    ----------
    cell : up to the middle of the streets around it; the cells tile the town
    plot : what can be built on or fenced; empty when nothing is left
    community : number of its community
    style : name of its quarter's style, '' for a strip along the river
    use : estate, single, mixed, one of `_ZONES`, green, field or vacant; '' while open
    name : name of what stands there, '' when it has none
    edge : whether it lies at the edge of the town
    """

    cell: Polygon
    plot: Polygon
    community: int
    style: str
    use: str = ""
    name: str = ""
    edge: bool = False


# (use, name, place in units of the sketch, least and most plot area in m²): what a plan of the town
# would set aside; the nearest open lot of the size takes it.
_LARGE_ZONES = [
    ("hospital", "青澜县人民医院", (1700, 460), 16_000, 45_000),
    ("hospital", "青澜县中医院", (640, 1350), 10_000, 32_000),
    ("government", "青澜县行政中心", (1420, 1700), 15_000, 50_000),
    ("government", "城关街道办事处", (1200, 650), 6_000, 26_000),
    ("school", "青澜县第一中学", (1150, 1180), 14_000, 50_000),
    ("school", "青澜县第二中学", (750, 2200), 14_000, 50_000),
    ("school", "青澜县第三中学", (3100, 1150), 14_000, 50_000),
    ("school", "青澜县第四中学", (600, 350), 12_000, 50_000),
    ("school", "站前中学", (2200, 600), 12_000, 40_000),
    ("school", "职业技术学校", (2300, 2150), 14_000, 60_000),
    ("school", "鼓楼小学", (1300, 900), 7_000, 26_000),
    ("school", "实验小学", (1450, 2050), 8_000, 45_000),
    ("school", "槐荫小学", (600, 1100), 8_000, 32_000),
    ("school", "望河小学", (220, 1300), 8_000, 32_000),
    ("school", "南关小学", (750, 560), 8_000, 32_000),
    ("school", "水塔小学", (700, 1850), 8_000, 32_000),
    ("school", "北站小学", (2250, 1750), 8_000, 36_000),
    ("school", "铁路小学", (2780, 1000), 8_000, 36_000),
    ("school", "东渡小学", (3150, 1780), 8_000, 40_000),
    ("school", "建设小学", (1850, 250), 8_000, 36_000),
    ("park", "青澜公园", (1080, 1850), 15_000, 90_000),
    ("park", "南湖公园", (330, 650), 18_000, 90_000),
    ("park", "鼓楼公园", (1230, 420), 7_000, 24_000),
    ("park", "东渡公园", (2800, 1750), 9_000, 40_000),
    ("park", "站前公园", (2350, 1250), 7_000, 36_000),
    ("park", "北苑公园", (1850, 2150), 9_000, 45_000),
    ("park", "西园公园", (120, 1150), 10_000, 45_000),
    ("park", "城南公园", (1050, 180), 10_000, 45_000),
    ("park", "北关公园", (700, 2180), 10_000, 45_000),
    ("park", "河东公园", (3100, 680), 10_000, 45_000),
    ("park", "工人公园", (2250, 480), 9_000, 36_000),
    ("station", "青澜站", (2530, 1180), 4_000, 40_000),
    ("industry", "青澜农机厂", (2700, 200), 12_000, 90_000),
    ("industry", "青澜电厂", (2480, 2250), 12_000, 90_000),
    ("industry", "机务段", (2680, 1300), 8_000, 90_000),
    ("industry", "东河食品厂", (2750, 2250), 12_000, 90_000),
    ("industry", "城南工业园", (1100, 80), 12_000, 90_000),
    ("industry", "北关建材厂", (220, 2250), 12_000, 90_000),
    ("industry", "物流园", (2250, 150), 12_000, 90_000),
    ("industry", "东河纺织厂", (3100, 420), 12_000, 90_000),
    ("mall", "青澜百货大楼", (1130, 760), 5_000, 22_000),
    ("mall", "万润广场", (1500, 1900), 6_000, 45_000),
]
_RIVERSIDE_ZONES = [
    ("park", "滨河公园", (850, 1500), 3_000, 90_000),
    ("park", "渡口公园", (1750, 1230), 3_000, 90_000),
    ("park", "柳堤公园", (2250, 1420), 3_000, 90_000),
    ("park", "东河湿地公园", (2750, 1640), 3_000, 90_000),
]
_SMALL_ZONES = [
    *(("market", name, place, 2_200, 16_000) for name, place in (
        ("鼓楼农贸市场", (1330, 850)), ("槐荫农贸市场", (700, 1150)), ("站前农贸市场", (2250, 850)),
        ("文昌农贸市场", (1350, 1700)), ("东渡农贸市场", (3100, 950)), ("水塔农贸市场", (500, 1900)),
        ("建设农贸市场", (1700, 550)))),
    *(("kindergarten", name, place, 2_200, 9_000) for name, place in (
        ("鼓楼幼儿园", (1250, 1100)), ("县直机关幼儿园", (1400, 1600)), ("槐荫幼儿园", (800, 1250)),
        ("望河幼儿园", (200, 1150)), ("南关幼儿园", (600, 550)), ("建设幼儿园", (1750, 350)),
        ("铁路幼儿园", (2780, 900)), ("东渡幼儿园", (3150, 1000)), ("水塔幼儿园", (650, 1950)),
        ("北站幼儿园", (2150, 1800)), ("新苑幼儿园", (900, 2250)), ("码头幼儿园", (1650, 950)),
        ("向阳幼儿园", (2200, 500)), ("蓝天幼儿园", (1450, 2200)))),
    *(("park", name, place, 2_200, 12_000) for name, place in (
        ("槐荫游园", (900, 1300)), ("和平游园", (650, 650)), ("水塔游园", (300, 1900)),
        ("东环游园", (3050, 700)), ("迎宾游园", (2050, 1700)), ("南环游园", (1650, 300)))),
]  # fmt: skip
# Every community gets so many estates before the best lots anywhere do.
_LEAST_ESTATES = 6
_NARROW_M = 55.0
_CARVED = SINGLE_BUILDINGS + len(_SMALL_ZONES)


def lots_of(
    quarters: Sequence[Quarter],
    streets: Sequence[Road],
    property_lines: Sequence[LineString],
    terrain: Terrain,
) -> list[Lot]:
    """Return the lots between streets and property lines, without a use yet, west to east."""
    # The faces' own edges, not the lines they were made of: those differ by less than the grid, and
    # would leave slivers.
    lines = [quarter.face.exterior for quarter in quarters]
    lines += [street.line for street in streets] + list(property_lines)
    roads = [*terrain.roads, *streets]
    style_names = {style: name for name, style in STYLES.items()}
    faces = shapely.STRtree([quarter.face for quarter in quarters])
    lots = []
    for cell in polygonize(shapely.union_all(lines, grid_size=0.01)):
        found = faces.query(cell.representative_point(), predicate="within")
        if not len(found):
            continue
        quarter = quarters[int(found[0])]
        lots.append(
            Lot(
                cell=cell,
                plot=_plot(cell, roads, terrain),
                community=quarter.community,
                style="" if quarter.style is None else style_names[quarter.style],
                edge=cell.distance(terrain.outline.exterior) < 1.0,
            )
        )
    return sorted(lots, key=lambda lot: (round(lot.cell.centroid.x), round(lot.cell.centroid.y)))


def _plot(cell: Polygon, roads: Sequence[Road], terrain: Terrain) -> Polygon:
    near = [road.line.buffer(road.half_width_m) for road in roads if road.line.distance(cell) < road.half_width_m]
    taken = shapely.union_all([*near, terrain.river.buffer(8.0), terrain.railway.buffer(5.0)])
    land = shapely.difference(cell.buffer(-_FENCE_M, join_style="mitre"), taken)
    # Corners sharper than a fence is built are cut off.
    land = land.buffer(-6.0, join_style="mitre").buffer(6.0, join_style="mitre", mitre_limit=1.6)
    parts = shapely.get_parts(shapely.simplify(land, 0.8))
    if len(parts) == 0:
        return Polygon()
    return parts[int(shapely.area(parts).argmax())]


def allot(lots: Sequence[Lot], roads: Sequence[Road], terrain: Terrain, rng: np.random.Generator
          ) -> list[Lot]:
    """Give every lot its use; small uses are carved from the ends of large lots."""
    zoned = [lot if lot.style else replace(lot, use="green") for lot in lots]
    zoned = [replace(lot, use="waste") if lot.plot.area < _SMALLEST_PLOT_M2 and not lot.use else lot for lot in zoned]
    for zone in _LARGE_ZONES:
        _take(zoned, *zone)
    for zone in _RIVERSIDE_ZONES:
        _take(zoned, *zone, of_use="green")
    zoned = _carve(zoned, roads, terrain, rng)
    for zone in _SMALL_ZONES:
        _take(zoned, *zone, of_use="carved")
    zoned = [replace(lot, use="single") if lot.use == "carved" else lot for lot in zoned]
    return _settle(zoned, rng)


def _take(lots: list[Lot], use: str, name: str, place: tuple[float, float], least_m2: float, most_m2: float,
          of_use: str = "") -> None:
    """Give the nearest lot of the right size its use; in a list that is not shared yet."""
    point = Point(located(place))
    distance = [
        lot.plot.distance(point) if lot.use == of_use and least_m2 <= lot.plot.area <= most_m2 else np.inf
        for lot in lots
    ]
    best = int(np.argmin(distance))
    if np.isfinite(distance[best]):
        lots[best] = replace(lots[best], use=use, name=name)


def _carve(lots: list[Lot], roads: Sequence[Road], terrain: Terrain, rng: np.random.Generator
           ) -> list[Lot]:
    """Cut small lots off the ends of open ones, narrow lots first, a few in every community."""
    open_lots = [index for index, lot in enumerate(lots) if not lot.use and not lot.edge and lot.plot.area > 14_000]
    order = sorted(open_lots, key=lambda index: _short_side(lots[index].plot) * rng.uniform(0.7, 1.3))
    pieces: dict[int, list[Lot]] = {}
    left = dict.fromkeys(range(len(COMMUNITIES)), -(-_CARVED // len(COMMUNITIES)) + 1)
    for index in order:
        if len(pieces) == _CARVED:
            break
        lot = lots[index]
        if left[lot.community] == 0:
            continue
        cut = _end_cut(lot, rng.uniform(44.0, 62.0), rng.random() < 0.5)
        if cut is None:
            continue
        plots = [_plot(cell, roads, terrain) for cell in cut]
        if min(plot.area for plot in plots) < _SMALLEST_CARVED_M2 or _short_side(plots[0]) < _NARROWEST_CARVED_M:
            continue
        left[lot.community] -= 1
        pieces[index] = [
            replace(lot, cell=cut[0], plot=plots[0], use="carved"),
            replace(lot, cell=cut[1], plot=plots[1]),
        ]
    return [piece for index, lot in enumerate(lots) for piece in pieces.get(index, [lot])]


def _end_cut(lot: Lot, depth_m: float, far_end: bool) -> tuple[Polygon, Polygon] | None:
    corners = shapely.get_coordinates(shapely.oriented_envelope(lot.plot))[:4]
    sides = np.array([corners[1] - corners[0], corners[2] - corners[1]])
    longer = int(np.hypot(*sides.T).argmax())
    start = corners[1] if longer == 1 else corners[0]
    along, across = sides[longer], sides[1 - longer] * (1 if longer == 0 else -1)
    share = depth_m / np.hypot(*along)
    if share > 0.4:
        return None
    if far_end:
        share = 1.0 - share
    middle = start + along * share + across * 0.5
    chord = shapely.intersection(lot.cell, LineString([middle - across * 3, middle + across * 3]))
    if chord.geom_type != "LineString" or chord.length < 30:
        return None
    direction = across / np.hypot(*across)
    ends = np.array(chord.coords)
    longer_chord = LineString([ends[0] - direction * np.sign(direction @ (ends[-1] - ends[0])),
                               ends[-1] + direction * np.sign(direction @ (ends[-1] - ends[0]))])
    parts = list(split(lot.cell, longer_chord).geoms)
    if len(parts) != 2:
        return None
    small, large = sorted(parts, key=lambda part: part.area)
    return small, large


def _short_side(plot: Polygon) -> float:
    corners = shapely.get_coordinates(shapely.oriented_envelope(plot))[:3]
    return float(np.hypot(*np.diff(corners, axis=0).T).min())


def _settle(lots: list[Lot], rng: np.random.Generator) -> list[Lot]:
    """Make the best open lots estates, as many as the county has, and find a use for the rest."""
    open_lots = [index for index, lot in enumerate(lots) if not lot.use]
    needed = ESTATES - sum(lot.use == "single" for lot in lots)
    rank = {
        index: lots[index].plot.area / STYLES[lots[index].style].lot_m2
        - 0.4 * lots[index].edge
        - 2.0 * (_short_side(lots[index].plot) < _NARROW_M)
        + rng.normal(0.0, 0.15)
        for index in open_lots
    }
    ranked = sorted(open_lots, key=lambda index: -rank[index])
    chosen: set[int] = set()
    for community in range(len(COMMUNITIES)):
        chosen.update([index for index in ranked if lots[index].community == community][:_LEAST_ESTATES])
    for index in ranked:
        if len(chosen) < needed:
            chosen.add(index)
    if len(chosen) < needed:
        raise ValueError(f"{needed} lots are needed for estates, {len(chosen)} are open")
    settled = []
    for index, lot in enumerate(lots):
        if lot.use:
            settled.append(lot)
        elif index in chosen:
            settled.append(replace(lot, use="estate"))
        elif lot.edge:
            settled.append(replace(lot, use="field"))
        else:
            settled.append(replace(lot, use="vacant" if rng.random() < 0.2 else "mixed"))
    return settled
