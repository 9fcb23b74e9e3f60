"""Communities: which faces between main roads belong to which community, and their codes.

A community is a union of faces of the main roads, so its edge follows main roads, the middle of the
river and the railway.  The county code 990101 is none in use: no code of GB/T 2260 starts with 99.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import Point, Polygon

from county.streets import STYLES, Quarter
from county.terrain import Terrain, located

__all__ = ["COMMUNITIES", "COUNTY_CODE", "DATA_POOR", "Community", "assign_faces"]

COUNTY_CODE = "990101"
_SUBDISTRICTS = {"城关街道": "001", "滨河街道": "002", "文昌街道": "003", "河东镇": "100"}

_STRIP_WIDTH_M = 130.0

# The community whose records are incomplete: the lesson of what missing data does to a plan.
DATA_POOR = "码头社区"


@dataclass(frozen=True)
class Community:
    """A community: its name, its subdistrict, and a point within each face it is made of."""

    name: str
    subdistrict: str
    number: int
    faces: tuple[tuple[float, float, str], ...]

    @property
    def code(self) -> str:
        """Twelve digits as of a statistical division code, with an invented county."""
        return f"{COUNTY_CODE}{_SUBDISTRICTS[self.subdistrict]}{self.number:03d}"


# Each face by a point in it (units of the sketch) and the style of its quarter.
COMMUNITIES = (
    Community("鼓楼社区", "城关街道", 1, ((1250, 1050, "old"), (1200, 490, "old"))),
    Community("南关社区", "城关街道", 2, ((680, 620, "middle"), (600, 250, "middle"), (280, 400, "middle"))),
    Community("建设社区", "城关街道", 3, ((1720, 480, "middle"), (1150, 150, "works"), (1700, 150, "middle"))),
    Community(
        "站前社区",
        "城关街道",
        4,
        ((2100, 1080, "middle"), (2400, 930, "old"), (2230, 560, "middle"), (2230, 220, "works")),
    ),
    Community("槐荫社区", "滨河街道", 1, ((720, 1180, "middle"),)),
    Community("望河社区", "滨河街道", 2, ((200, 1250, "middle"), (230, 750, "new"))),
    Community("码头社区", "滨河街道", 3, ((1700, 880, "old"), (1750, 1600, "middle"))),
    Community("水塔社区", "文昌街道", 1, ((230, 1850, "middle"), (800, 1820, "middle"))),
    Community("文昌社区", "文昌街道", 2, ((1400, 1650, "new"), (1400, 2150, "new"))),
    Community("北关社区", "文昌街道", 3, ((250, 2200, "works"), (850, 2250, "new"))),
    Community("北站社区", "文昌街道", 4, ((2250, 1700, "new"), (2300, 2200, "works"), (1830, 2150, "middle"))),
    Community("机务段社区", "河东镇", 1, ((2750, 1150, "works"), (2750, 720, "middle"), (2640, 250, "works"))),
    Community(
        "东渡社区",
        "河东镇",
        2,
        ((3120, 1150, "new"), (3120, 780, "middle"), (3080, 450, "works"), (2780, 1750, "middle"),
         (2800, 2200, "works"), (3180, 1750, "middle"), (3170, 2080, "works")),
    ),
)  # fmt: skip


def assign_faces(faces: list[Polygon], terrain: Terrain) -> list[Quarter]:
    """Give every face its community and style.

    A face with a labelled point takes its label; any other that of the labelled face with which it
    shares most of its edge.
    """
    polygons = np.array(faces)
    tree = shapely.STRtree(polygons)
    labelled: dict[int, tuple[int, str]] = {}
    for number, community in enumerate(COMMUNITIES):
        for x, y, style in community.faces:
            for index in tree.query(Point(located((x, y))), predicate="within"):
                labelled[int(index)] = (number, style)
    quarters = []
    for index, face in enumerate(faces):
        strip = terrain.river_line.distance(face) < 0.1 and 2.0 * face.area / face.length < _STRIP_WIDTH_M
        own = index if index in labelled else _best_neighbour(face, polygons, labelled, terrain)
        number, style = labelled[own]
        quarters.append(Quarter(face, number, None if strip else STYLES[style]))
    return quarters


def _best_neighbour(
    face: Polygon, polygons: np.ndarray, labelled: dict[int, tuple[int, str]], terrain: Terrain
) -> int:
    candidates = np.array(list(labelled))
    shared = shapely.intersection(polygons[candidates], face.exterior)
    for barrier in (terrain.river_line, terrain.railway_line):
        shared = shapely.difference(shared, barrier.buffer(1.0))
    lengths = shapely.length(shared)
    if lengths.max() > 0:
        return int(candidates[lengths.argmax()])
    return int(candidates[shapely.distance(polygons[candidates], face).argmin()])
