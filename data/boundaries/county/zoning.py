"""Zoning: what each lot is used for.

Schools, hospitals, parks and works are set aside near places on the sketch; small uses and single
buildings are carved from the ends of larger lots; the best of the rest become estates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import shapely
from shapely import LineString, Point, Polygon
from shapely.ops import split

from county.communities import COMMUNITIES
from county.lots import Lot, plot_of
from county.names import ordinal
from county.streets import STYLES
from county.terrain import Road, Terrain, located

__all__ = ["ESTATES", "SINGLE_BUILDINGS", "SPECIAL_USES", "Zone", "allot"]

# A hundred and twenty estates, of which fourteen are one building each.
ESTATES = 120
SINGLE_BUILDINGS = 14

# Uses that are special areas: grids of their own kind, outside the household rule.
SPECIAL_USES = ("school", "market", "hospital", "government", "industry", "station", "park", "mall")

_SMALLEST_PLOT_M2 = 900.0
_SMALLEST_CARVED_M2 = 2_600.0
_NARROWEST_CARVED_M = 34.0


@dataclass(frozen=True)
class Zone:
    """A use set aside: its name, its place in units of the sketch, and the plot area it wants, m²."""

    use: str
    name: str
    place: tuple[float, float]
    least_m2: float
    most_m2: float


# What a plan of the town would set aside; the nearest open lot of the size takes it.  A brace in a name
# stands for the community it came to lie in.
_LARGE_ZONES = [
    Zone("hospital", "青澜县人民医院", (1700, 460), 16_000, 45_000),
    Zone("hospital", "青澜县中医院", (640, 1350), 10_000, 32_000),
    Zone("government", "青澜县行政中心", (1420, 1700), 15_000, 50_000),
    Zone("government", "城关街道办事处", (1200, 650), 6_000, 26_000),
    Zone("school", "青澜县第一中学", (1150, 1180), 14_000, 50_000),
    Zone("school", "青澜县第二中学", (750, 2200), 14_000, 50_000),
    Zone("school", "青澜县第三中学", (3100, 1150), 14_000, 50_000),
    Zone("school", "青澜县第四中学", (600, 350), 12_000, 50_000),
    Zone("school", "站前中学", (2200, 600), 12_000, 40_000),
    Zone("school", "职业技术学校", (2300, 2150), 14_000, 60_000),
    Zone("school", "{}小学", (1300, 900), 7_000, 26_000),
    Zone("school", "实验小学", (1450, 2050), 8_000, 45_000),
    Zone("school", "{}小学", (600, 1100), 8_000, 32_000),
    Zone("school", "{}小学", (220, 1300), 8_000, 32_000),
    Zone("school", "{}小学", (750, 560), 8_000, 32_000),
    Zone("school", "{}小学", (700, 1850), 8_000, 32_000),
    Zone("school", "{}小学", (2250, 1750), 8_000, 36_000),
    Zone("school", "铁路小学", (2780, 1000), 8_000, 36_000),
    Zone("school", "{}小学", (3150, 1780), 8_000, 40_000),
    Zone("school", "{}小学", (1850, 250), 8_000, 36_000),
    Zone("school", "{}小学", (2150, 950), 7_000, 30_000),
    Zone("school", "{}小学", (800, 2180), 8_000, 40_000),
    Zone("park", "青澜公园", (1080, 1850), 15_000, 90_000),
    Zone("park", "南湖公园", (330, 650), 18_000, 90_000),
    Zone("park", "鼓楼公园", (1230, 420), 7_000, 24_000),
    Zone("park", "东渡公园", (2800, 1750), 9_000, 40_000),
    Zone("park", "站前公园", (2350, 1250), 7_000, 36_000),
    Zone("park", "北苑公园", (1850, 2150), 9_000, 45_000),
    Zone("park", "西园公园", (120, 1150), 10_000, 45_000),
    Zone("park", "城南公园", (1050, 180), 10_000, 45_000),
    Zone("park", "北关公园", (700, 2180), 10_000, 45_000),
    Zone("park", "河东公园", (3100, 680), 10_000, 45_000),
    Zone("park", "工人公园", (2250, 480), 9_000, 36_000),
    Zone("station", "青澜站", (2530, 1180), 4_000, 40_000),
    Zone("industry", "青澜农机厂", (2700, 200), 12_000, 90_000),
    Zone("industry", "青澜电厂", (2480, 2250), 12_000, 90_000),
    Zone("industry", "机务段", (2680, 1300), 8_000, 90_000),
    Zone("industry", "东河食品厂", (2750, 2250), 12_000, 90_000),
    Zone("industry", "城南工业园", (1100, 80), 12_000, 90_000),
    Zone("industry", "北关建材厂", (220, 2250), 12_000, 90_000),
    Zone("industry", "物流园", (2250, 150), 12_000, 90_000),
    Zone("industry", "东河纺织厂", (3100, 420), 12_000, 90_000),
    Zone("mall", "青澜百货大楼", (1130, 760), 5_000, 22_000),
    Zone("mall", "万润广场", (1500, 1900), 6_000, 45_000),
]
_RIVERSIDE_ZONES = [
    Zone("park", "滨河公园", (850, 1500), 3_000, 90_000),
    Zone("park", "渡口公园", (1750, 1230), 3_000, 90_000),
    Zone("park", "柳堤公园", (2250, 1420), 3_000, 90_000),
    Zone("park", "东河湿地公园", (2750, 1640), 3_000, 90_000),
]
_SMALL_ZONES = [
    *(
        Zone("market", "{}农贸市场", place, 2_200, 16_000)
        for place in (
            (1330, 850),
            (700, 1150),
            (2250, 850),
            (1350, 1700),
            (3100, 950),
            (500, 1900),
            (1700, 550),
        )
    ),
    *(
        Zone("kindergarten", "{}幼儿园", place, 2_200, 9_000)
        for place in (
            (1250, 1100),
            (1400, 1600),
            (800, 1250),
            (200, 1150),
            (600, 550),
            (1750, 350),
            (2780, 900),
            (3150, 1000),
            (650, 1950),
            (2150, 1800),
            (900, 2250),
            (1650, 950),
            (2200, 500),
            (1450, 2200),
        )
    ),
    *(
        Zone("park", "{}游园", place, 2_200, 12_000)
        for place in ((900, 1300), (650, 650), (300, 1900), (3050, 700), (2050, 1700), (1650, 300))
    ),
]
# Every community gets so many estates before the best lots anywhere do.
_LEAST_ESTATES = 6
_NARROW_M = 55.0
# A lot with less of a street along it is no place for an estate.
_LEAST_FRONT_M = 25.0
_GRID_M = 0.05
_CARVED = SINGLE_BUILDINGS + len(_SMALL_ZONES)


def allot(
    lots: Sequence[Lot], roads: Sequence[Road], terrain: Terrain, rng: np.random.Generator
) -> list[Lot]:
    """Give every lot its use; small uses are carved from the ends of large lots."""
    zoned = [lot if lot.style else replace(lot, use="green") for lot in lots]
    zoned = [
        replace(lot, use="waste") if lot.plot.area < _SMALLEST_PLOT_M2 and not lot.use else lot
        for lot in zoned
    ]
    for zone in _LARGE_ZONES:
        zoned = _take(zoned, zone)
    for zone in _RIVERSIDE_ZONES:
        zoned = _take(zoned, zone, of_use="green")
    zoned = _carve(zoned, roads, terrain, rng)
    for zone in _SMALL_ZONES:
        zoned = _take(zoned, zone, of_use="carved")
    zoned = [replace(lot, use="single") if lot.use == "carved" else lot for lot in zoned]
    return _settle(zoned, roads, rng)


def _take(lots: Sequence[Lot], zone: Zone, of_use: str = "") -> list[Lot]:
    """Return the lots with a zone on the nearest one of the right size; as they were when none has it."""
    point = Point(located(zone.place))
    distance = [
        lot.plot.distance(point)
        if lot.use == of_use and zone.least_m2 <= lot.plot.area <= zone.most_m2
        else np.inf
        for lot in lots
    ]
    best = int(np.argmin(distance))
    if not np.isfinite(distance[best]):
        return list(lots)
    home = COMMUNITIES[lots[best].community].name.removesuffix("社区")
    taken = {lot.name for lot in lots}
    names = (zone.name.format(home if number == 1 else f"{home}第{ordinal(number)}") for number in count(1))
    name = next(name for name in names if name not in taken)
    return [replace(lot, use=zone.use, name=name) if index == best else lot for index, lot in enumerate(lots)]


def _carve(
    lots: Sequence[Lot], roads: Sequence[Road], terrain: Terrain, rng: np.random.Generator
) -> list[Lot]:
    """Cut small lots off the ends of open ones, narrow lots first, a few in every community."""
    open_lots = [
        index for index, lot in enumerate(lots) if not lot.use and not lot.edge and lot.plot.area > 14_000
    ]
    order = sorted(open_lots, key=lambda index: _short_side(lots[index].plot) * rng.uniform(0.7, 1.3))
    pieces: dict[int, list[Lot]] = {}
    left = dict.fromkeys(range(len(COMMUNITIES)), -(-_CARVED // len(COMMUNITIES)) + 1)
    for index in order:
        if len(pieces) == _CARVED:
            break
        lot = lots[index]
        if left[lot.community] == 0:
            continue
        cut = _end_cut(lot, rng.uniform(44.0, 62.0), far_end=rng.random() < 0.5)
        if cut is None:
            continue
        plots = [plot_of(cell, roads, terrain) for cell in cut]
        if (
            min(plot.area for plot in plots) < _SMALLEST_CARVED_M2
            or _short_side(plots[0]) < _NARROWEST_CARVED_M
        ):
            continue
        left[lot.community] -= 1
        pieces[index] = [
            replace(lot, cell=cut[0], plot=plots[0], use="carved"),
            replace(lot, cell=cut[1], plot=plots[1]),
        ]
    return [piece for index, lot in enumerate(lots) for piece in pieces.get(index, [lot])]


def _end_cut(lot: Lot, depth_m: float, *, far_end: bool) -> tuple[Polygon, Polygon] | None:
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
    longer_chord = LineString(
        [
            ends[0] - direction * np.sign(direction @ (ends[-1] - ends[0])),
            ends[-1] + direction * np.sign(direction @ (ends[-1] - ends[0])),
        ]
    )
    parts = [part for part in split(lot.cell, longer_chord).geoms if isinstance(part, Polygon)]
    if len(parts) != 2:
        return None
    small, large = sorted(parts, key=lambda part: part.area)
    return small, large


def _short_side(plot: Polygon) -> float:
    corners = shapely.get_coordinates(shapely.oriented_envelope(plot))[:3]
    return float(np.hypot(*np.diff(corners, axis=0).T).min())


def _settle(lots: Sequence[Lot], roads: Sequence[Road], rng: np.random.Generator) -> list[Lot]:
    """Make the best open lots estates, as many as the county has, and find a use for the rest."""
    streets = shapely.union_all([road.line for road in roads]).buffer(_GRID_M)
    open_lots = [
        index
        for index, lot in enumerate(lots)
        if not lot.use and lot.cell.exterior.intersection(streets).length > _LEAST_FRONT_M
    ]
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
