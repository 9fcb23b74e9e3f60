"""Facilities: what the town offers where, with believable density and believable gaps.

Schools, parks, markets and offices stand on the lots set aside for them.  Everything smaller opens
in a house front or inside an estate, one after another where most households still lack it, until a
share of them is served; some communities were left out, and those gaps are named in `LEFT_OUT`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import shapely.ops
from numpy.typing import NDArray
from shapely import Point, Polygon

from county.communities import COMMUNITIES
from county.lots import Lot
from county.names import ordinal, shop_house
from county.terrain import Road
from county.walking import Walking
from spatial.catalogue import categories

__all__ = ["LEFT_OUT", "Facility", "open_facilities", "ways_in"]

_FARTHEST_M = 1_000.0
_BUS_STOP_EVERY_M = 390.0
_ALONG_FRONT_M = 7.0

# Communities in which nothing of a category was opened: the gaps a planner should find.
LEFT_OUT = {
    "community_health_station": ("北关社区",),
    "community_canteen": ("机务段社区", "建设社区"),
    "elderly_daycare": ("北站社区", "望河社区"),
    "childcare": ("水塔社区", "东渡社区"),
    "cultural_station": ("建设社区",),
    "charging": ("鼓楼社区",),
}


@dataclass(frozen=True)
class _Opening:
    """The share of households to serve, where it opens (house, yard, shop, front) and what it is called."""

    share: float
    place: str
    kind: str


_SPREAD = {
    "community_service_station": _Opening(0.62, "house", "社区党群服务中心"),
    "community_health_station": _Opening(0.78, "house", "社区卫生服务站"),
    "elderly_daycare": _Opening(0.52, "house", "社区养老服务站"),
    "community_canteen": _Opening(0.50, "house", "社区食堂"),
    "childcare": _Opening(0.60, "house", "托育园"),
    "child_aftercare": _Opening(0.85, "shop", "四点半课堂"),
    "cultural_station": _Opening(0.72, "house", "社区文化活动站"),
    "kindergarten": _Opening(0.58, "house", "幼儿园"),
    "wet_market": _Opening(0.62, "shop", "便民菜市场"),
    "park_5": _Opening(0.60, "yard", "口袋公园"),
    "shopping_mall": _Opening(0.46, "shop", "购物中心"),
    "street_service_center": _Opening(0.66, "shop", "便民服务中心"),
    "police_station": _Opening(0.82, "shop", "派出所"),
    "community_health_center": _Opening(0.80, "shop", "社区卫生服务中心"),
    "grid_station": _Opening(0.66, "house", "网格工作站"),
    "pharmacy": _Opening(0.93, "shop", "大药房"),
    "convenience_store": _Opening(0.88, "shop", "便利店"),
    "supermarket": _Opening(0.84, "shop", "综合超市"),
    "fresh_grocery": _Opening(0.86, "shop", "生鲜店"),
    "breakfast_shop": _Opening(0.90, "shop", "早餐店"),
    "restaurant": _Opening(0.92, "shop", "餐馆"),
    "hairdresser": _Opening(0.97, "shop", "理发店"),
    "laundry": _Opening(0.88, "shop", "洗衣店"),
    "photo_print": _Opening(0.82, "shop", "图文打印店"),
    "housekeeping": _Opening(0.78, "shop", "家政服务部"),
    "repair": _Opening(0.85, "shop", "维修部"),
    "parcel_post": _Opening(0.83, "shop", "快递驿站"),
    "recycling_point": _Opening(0.80, "house", "再生资源回收点"),
    "bank": _Opening(0.88, "shop", "银行网点"),
    "bakery": _Opening(0.80, "shop", "蛋糕房"),
    "bookshop": _Opening(0.60, "shop", "书店"),
    "gym": _Opening(0.66, "shop", "健身房"),
    "training": _Opening(0.75, "shop", "培训学校"),
    "tea_coffee": _Opening(0.70, "shop", "茶咖馆"),
    "nursing_home": _Opening(0.55, "house", "养老院"),
    "library_bookroom": _Opening(0.62, "shop", "城市书房"),
    "outdoor_fitness": _Opening(0.80, "yard", "健身点"),
    "small_sports_ground": _Opening(0.58, "yard", "小型运动场"),
    "public_toilet": _Opening(0.86, "front", "公共厕所"),
    "waste_station": _Opening(0.74, "front", "垃圾收集站"),
    "charging": _Opening(0.72, "yard", "充电站"),
    "parking": _Opening(0.70, "yard", "停车场"),
    "bicycle_parking": _Opening(0.74, "yard", "非机动车棚"),
    "legal_service": _Opening(0.70, "shop", "司法所"),
    "emergency_shelter": _Opening(0.78, "yard", "应急避难场所"),
}
_OF_STREET = {"shop", "front"}
# What the community or the state runs is called by its community.
_PUBLIC_ENDINGS = ("所", "中心", "驿站", "书房", "网点", "菜市场")


@dataclass(frozen=True)
class Facility:
    """A place and what it offers.

    Attributes
    ----------
    name : what it is called
    geometry : point, or polygon of its grounds
    categories : what it offers
    access : public, or estate when only its residents may use it
    sizes : floor_area_m2, land_area_m2, capacity, beds where known
    entrances : where its grounds are entered; empty for a point
    """

    name: str
    geometry: Point | Polygon
    categories: tuple[str, ...]
    access: str = "public"
    sizes: dict[str, float] = field(default_factory=dict)
    entrances: tuple[Point, ...] = ()


def open_facilities(
    lots: Sequence[Lot],
    buildings: gpd.GeoDataFrame,
    estates: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    walking: Walking,
    *,
    roads: Sequence[Road],
    rng: np.random.Generator,
) -> list[Facility]:
    """Return every facility of the town.

    Parameters
    ----------
    buildings, estates : tables of the town, households of all buildings known
    streets : noded stretches (`county.ways`)
    walking : their network
    roads : main roads and streets, for the bus stops
    """
    buildings = buildings.assign(
        community=buildings["community_id"].map(
            {community.code: community.name for community in COMMUNITIES}
        ),
        estate=buildings["estate_id"].map(estates.set_index("estate_id")["name"]),
    )
    facilities = _on_lots(lots, streets, rng) + _bus_stops(roads, lots)
    fronts = _fronts(buildings, streets)
    homes = buildings[buildings["households"] > 0]
    doors = walking.doors(homes.geometry.to_numpy(), homes["lot"].to_numpy())
    walk_m = walking.between(
        walking.doors(fronts["footprint"].to_numpy(), fronts["lot"].to_numpy()), doors, _FARTHEST_M
    )
    taken = {facility.name for facility in facilities}
    for category in _SPREAD:
        existing = [point for one in facilities if category in one.categories for point in ways_in(one)]
        reached = np.zeros(len(homes), bool)
        if existing:
            at = walking.doors(np.array(existing), np.full(len(existing), -1))
            near = walking.between(at, doors, _FARTHEST_M) <= categories()[category].radius_m
            reached = np.asarray(near.any(axis=0))
        chosen = _spread(
            category, fronts, homes["households"].to_numpy(float), walk_m, reached=reached, rng=rng
        )
        facilities += _opened(category, fronts.loc[chosen], taken, rng)
        fronts.loc[chosen, "used"] += 1
    return facilities


def _on_lots(lots: Sequence[Lot], streets: gpd.GeoDataFrame, rng: np.random.Generator) -> list[Facility]:
    tree = shapely.STRtree(streets.geometry.to_numpy())
    facilities = []
    for lot in lots:
        offered = _offered(lot)
        if not offered:
            continue
        nearest = streets.geometry.iloc[int(tree.nearest(lot.plot))]
        entrance = shapely.ops.nearest_points(lot.plot.exterior, nearest)[0]
        entrances = [Point(np.round(entrance.coords[0], 2))]
        if lot.use in ("park", "school"):
            entrances += _side_entrances(lot.plot, streets)[: None if lot.use == "park" else 1]
        sizes = {"land_area_m2": float(round(lot.plot.area))}
        if lot.use in ("market", "kindergarten"):
            sizes["floor_area_m2"] = float(round(lot.plot.area * rng.uniform(0.25, 0.6)))
        if lot.use in ("school", "kindergarten"):
            sizes["capacity"] = float(round(lot.plot.area / rng.uniform(14.0, 20.0), -1))
        facilities.append(
            Facility(lot.name, lot.plot, offered, sizes=sizes, entrances=tuple(dict.fromkeys(entrances)))
        )
    return facilities


def _side_entrances(plot: Polygon, streets: gpd.GeoDataFrame) -> list[Point]:
    """Return an entrance on each longer side that has a street beside it."""
    ring = shapely.get_coordinates(shapely.simplify(plot, 5.0).exterior)
    middles = np.asarray(shapely.points((ring[1:] + ring[:-1]) / 2), object)
    long_enough = np.hypot(*np.diff(ring, axis=0).T) > 40.0
    beside = shapely.distance(middles, shapely.union_all(streets.geometry.to_numpy())) < 26.0
    return [Point(np.round(point.coords[0], 2)) for point in middles[long_enough & beside]]


def _offered(lot: Lot) -> tuple[str, ...]:
    if lot.use == "park":
        area = lot.plot.area
        # A strip along the river is too narrow for a park of the higher levels, whatever its length.
        if area < 10_000 or not lot.style:
            return ("park_5",)
        return ("park_15" if area >= 50_000 else "park_10", "outdoor_fitness")
    if lot.use == "school":
        return ("primary_school",) if lot.name.endswith("小学") else ("middle_school",)
    return {
        "kindergarten": ("kindergarten",),
        "market": ("wet_market", "fresh_grocery"),
        "mall": ("shopping_mall", "supermarket", "restaurant"),
        "hospital": ("pharmacy",),
        "government": ("street_service_center", "legal_service"),
    }.get(lot.use, ())


def _bus_stops(roads: Sequence[Road], lots: Sequence[Lot]) -> list[Facility]:
    ground = shapely.union_all([lot.cell for lot in lots])
    stops = []
    for road in roads:
        if road.street_class not in ("primary", "secondary"):
            continue
        course = shapely.intersection(road.line, ground)
        line = max(shapely.get_parts(course), key=lambda part: part.length)
        for number, at in enumerate(np.arange(170.0, line.length - 60.0, _BUS_STOP_EVERY_M), start=1):
            kerb = line.offset_curve(road.half_width_m - 5.0)
            point = kerb.interpolate(min(at, kerb.length))
            stops.append(
                Facility(
                    f"{road.name}{ordinal(number)}站", Point(np.round(point.coords[0], 2)), ("bus_stop",)
                )
            )
    return stops


def _fronts(buildings: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return for every building the point of its wall nearest to a street or path, and which street."""
    usable = buildings[buildings["use"].isin(["residential", "mixed"])]
    footprints = usable.geometry.to_numpy()
    named = streets[streets["lot"] < 0]
    paths = streets[streets["lot"] >= 0]
    street_tree = shapely.STRtree(named.geometry.to_numpy())
    nearest_street = street_tree.nearest(footprints)
    lines = named.geometry.to_numpy()[nearest_street]
    shortest = shapely.shortest_line(footprints, lines)
    inner = shapely.shortest_line(
        footprints, paths.geometry.to_numpy()[shapely.STRtree(paths.geometry.to_numpy()).nearest(footprints)]
    )
    return gpd.GeoDataFrame(
        {
            "street": named["name"].to_numpy()[nearest_street],
            "to_street_m": shapely.length(shortest),
            "inner": shapely.get_point(inner, 0),
            "community": usable["community"].to_numpy(),
            "estate": usable["estate"].to_numpy(),
            "lot": usable["lot"].to_numpy(),
            "footprint": footprints,
            "use": usable["use"].to_numpy(),
            "used": 0,
        },
        geometry=shapely.get_point(shortest, 0),
        index=usable.index,
    )


def ways_in(facility: Facility) -> tuple[Point | Polygon, ...]:
    """Return where a facility is entered."""
    return facility.entrances or (facility.geometry,)


def _spread(
    category: str,
    fronts: gpd.GeoDataFrame,
    households: NDArray[np.float64],
    walk_m: NDArray[np.float64],
    *,
    reached: NDArray[np.bool_],
    rng: np.random.Generator,
) -> list[object]:
    """Choose fronts one after another where most households are still unserved.

    Parameters
    ----------
    walk_m : (fronts, homes) walking distances
    reached : (homes,) who is served already
    """
    open_here = fronts["community"].map(lambda name: name not in LEFT_OUT.get(category, ())) & (
        fronts["used"] < 4
    )
    if _SPREAD[category].place in _OF_STREET:
        open_here &= fronts["to_street_m"] < 26.0
    else:
        open_here &= fronts["estate"].notna() & (fronts["to_street_m"] < 75.0)
    candidates = np.flatnonzero(open_here.to_numpy(bool))
    within = (walk_m[candidates] <= categories()[category].radius_m).astype(float)
    covered = reached.copy()
    chosen: list[object] = []
    while households[covered].sum() < _SPREAD[category].share * households.sum():
        gain = within @ (households * ~covered) * rng.uniform(0.4, 1.0, len(candidates))
        best = int(gain.argmax())
        if gain[best] <= 0:
            break
        chosen.append(fronts.index[candidates[best]])
        covered |= within[best] > 0
    return chosen


def _opened(
    category: str, fronts: gpd.GeoDataFrame, taken: set[str], rng: np.random.Generator
) -> list[Facility]:
    """Open a facility at each front, under a name that is not taken yet."""
    place = _SPREAD[category].place
    facilities = []
    for _, front in fronts.iterrows():
        template = _name_template(category, front, rng)
        numbered = (template.format("" if number == 1 else f"第{ordinal(number)}") for number in count(1))
        name = next(name for name in numbered if name not in taken)
        taken.add(name)
        wall = front.inner if place in ("yard", "house") else front.geometry
        facilities.append(
            Facility(
                name,
                _along_wall(front.footprint, wall, front.used),
                (category,),
                access="estate" if place == "yard" and rng.random() < 0.12 else "public",
                sizes=_sizes(categories()[category].details, rng),
            )
        )
    return facilities


def _name_template(category: str, front: pd.Series, rng: np.random.Generator) -> str:
    """Return a name by community, estate or street, with a brace where a number may stand."""
    place, kind = _SPREAD[category].place, _SPREAD[category].kind
    if place == "shop" and not kind.endswith(_PUBLIC_ENDINGS):
        return f"{shop_house(rng)}{kind}（{front.street}{{}}店）"
    if place == "yard":
        return f"{front.estate}{{}}{kind}"
    if place == "front":
        return f"{front.street}{{}}{kind}"
    return f"{front.community.removesuffix('社区')}{{}}{kind}"


def _sizes(details: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Return sizes round the least that the catalogue asks for, some below it."""
    sizes = {
        column: float(round(details[f"min_{column}"] * rng.uniform(0.8, 1.7)))
        for column in ("floor_area_m2", "land_area_m2", "beds")
        if f"min_{column}" in details
    }
    if "beds" in sizes:
        sizes["beds"] = float(round(sizes["beds"] * rng.uniform(1.5, 5.0)))
    return sizes


def _along_wall(footprint: Polygon, wall: Point, used: int) -> Point:
    """Return a point on the wall, moved along it past the fronts already in use."""
    ring = footprint.exterior
    at = (ring.project(wall) + (used + 1) // 2 * _ALONG_FRONT_M * (-1) ** used) % ring.length
    return Point(np.round(ring.interpolate(at).coords[0], 2))
