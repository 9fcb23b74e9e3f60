"""Notices: one A4 page to a grid, for the wall: its map, its boundary, its buildings, who is responsible.

A notice names workers whose posting is marked for the public, and nobody else; never residents.  What the
ledgers do not say stays an empty line to write on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from maps.print.drawing import Scene, draw_map
from maps.print.labels import Placer
from maps.print.marks import Marks, front, shown
from maps.print.paper import Window, fitted
from maps.print.sheets import Collected, labelled_bar
from maps.print.typesetting import typeset
from spatial.errors import UsageError
from spatial.grids import Plan, boundaries_in_words
from spatial.io.vocabulary import value_title
from spatial.ledgers import Ledgers, make_ledgers, public_contacts
from spatial.messages import current_language, text
from spatial.town import Town

__all__ = ["write_notices"]

_MAP_MM = (190.0, 170.0)
_SCALES = (1_000, 1_250, 1_500, 2_000, 2_500, 3_000, 4_000, 5_000, 7_500, 10_000)
# Ground shown around the grid, as a share of its size.
_AROUND = 0.05
# Read on a wall, at arm's length.
_ENLARGED = 1.35
_BAR_MM = 45.0
_LAYERS = frozenset(
    {"communities", "grids", "special_areas", "barriers", "streets", "estates", "buildings", "gates"}
)
_ROWS_SHOWN = 9
_NUMBER = re.compile(r"(\d+)\D*$")
_ROLES = ("dedicated", "part_time", "linked_official")


def write_notices(
    town: Town,
    plan: Plan,
    path: Path,
    *,
    ledgers: Ledgers | None = None,
    grids: Sequence[str] | None = None,
    marks: Marks | None = None,
    printed: date | None = None,
) -> None:
    """Write the public notices of grids, one page to a grid in the order of their codes.

    Parameters
    ----------
    town, plan : what is printed
    path : the PDF to write
    ledgers : where workers and telephones come from; lines to write on when None
    grids : ids of the grids; every basic grid when None
    marks : what the office puts on its papers
    printed : day of printing, on which a posting must hold; today when None

    Raises
    ------
    UsageError
        If the plan has no such grid.
    FileError
        If the machine has no font for the texts.
    """
    day = printed or date.today()  # noqa: DTZ011 - the day on the office's calendar
    own = plan.grids[plan.grids["kind"] == "basic"] if grids is None else _asked(plan, grids)
    if own.empty:
        raise UsageError("print.no_grids", table="grids")
    own = own.sort_values("code", kind="stable")
    scene = Scene(town, plan)
    collected = Collected()
    words = boundaries_in_words(town, plan)
    residents = _residents(town, plan)
    known = ledgers or make_ledgers({})
    public = public_contacts(known, town, plan, day=pd.Timestamp(day))
    pages = [
        {
            "community": _name(town.communities["name"], grid["community_id"]),
            "code": str(grid["code"] if pd.notna(grid["code"]) else grid_id),
            "households": _households(scene.frame("grids").loc[grid_id]),
            "boundary": words[grid_id],
            "estates": _estates(town, residents[residents["grid_id"] == grid_id]),
            **_posts(public, str(grid_id), str(grid["community_id"])),
            **_map(scene, collected, str(grid_id), str(grid["community_id"]), residents),
        }
        for grid_id, grid in own.iterrows()
    ]
    said = front(town, plan, marks or Marks(), day, text("print.title.notices", town=town.name))
    names = ("notice", "north", "boundary", "estates", "posts", "phones")
    heads = ("estate", "building", "households")
    data = {
        **said,
        "notices": pages,
        "words": {name: text(f"print.word.{name}") for name in names},
        "head": [text(f"print.column.{name}") for name in heads],
    }
    typeset("notice", data, collected.pictures, path, day)


def _asked(plan: Plan, grids: Sequence[str]) -> gpd.GeoDataFrame:
    unknown = [one for one in grids if one not in plan.grids.index]
    if unknown:
        raise UsageError("print.grid_unknown", table="grids", ids=unknown)
    return plan.grids.loc[list(grids)]


def _residents(town: Town, plan: Plan) -> pd.DataFrame:
    """Return building, grid and households of every part of the assignment that people live in."""
    buildings = town.buildings[["name", "estate_id", "households", "use"]]
    frame = plan.assignment[["building_id", "grid_id", "stairwell_id", "households"]].join(
        buildings.rename(columns={"households": "whole"}), on="building_id"
    )
    of_stairwells = frame["stairwell_id"].notna()
    frame["households"] = frame["households"].where(of_stairwells, frame["whole"])
    return frame[(frame["use"] != "other").fillna(value=False)]


def _map(
    scene: Scene, collected: Collected, grid_id: str, community_id: str, residents: pd.DataFrame
) -> dict[str, Any]:
    frame = scene.frame("grids")
    shape = frame.geometry[grid_id]
    window = _window(shape)
    alone = frame.assign(hue=frame["hue"].where(frame.index == grid_id))
    drawing = draw_map(scene, window, _LAYERS, ground="--surface", replaced={"grids": alone}, emphasis=shape)
    placer = Placer(window, _ENLARGED)
    placer.grids(scene, [grid_id])
    lived_in = pd.Index(residents.loc[residents["grid_id"] == grid_id, "building_id"].unique())
    shapes = scene.frame("buildings").geometry.reindex(lived_in).dropna()
    placer.buildings(shapes, _short_names(scene.town).reindex(shapes.index))
    placer.grids(scene, frame.index[frame.index != grid_id], counted=False)
    placer.streets(scene)
    placer.estates(scene)
    placer.waters(scene)
    placer.communities(scene, without=community_id)
    code = str(frame["short_code"][grid_id])
    return {
        "map": collected.add(drawing, placer.texts, text("print.alt.notice", code=code)),
        "scale": text("print.scale", scale=window.scale),
        "bar": labelled_bar(window, _BAR_MM),
    }


def _window(shape: shapely.Geometry) -> Window:
    west, south, east, north = shapely.bounds(shape)
    wide, high = (east - west) * _AROUND, (north - south) * _AROUND
    window = fitted((west - wide, south - high, east + wide, north + high), *_MAP_MM)
    if window is None:
        raise UsageError("print.too_large", name=text("print.grid"))
    return window


def _short_names(town: Town) -> pd.Series:
    """Return the names of buildings without that of their estate."""
    buildings = town.buildings
    estate = buildings["estate_id"].map(town.estates["name"]).astype("string").fillna("")
    names = [
        name if pd.isna(name) else str(name).removeprefix(own) or name
        for name, own in zip(buildings["name"], estate, strict=True)
    ]
    return pd.Series(names, index=buildings.index, dtype="string")


def _estates(town: Town, own: pd.DataFrame) -> list[list[str]]:
    """Return estate, buildings and households of every estate of a grid, the largest first."""
    names = own["estate_id"].map(town.estates["name"]).astype("string")
    key = names.fillna(own["estate_id"].astype("string")).fillna("")
    groups = [(str(name), rows) for name, rows in own.groupby(key.to_numpy(object), sort=False)]
    groups.sort(key=lambda one: (one[0] == "", -float(one[1]["households"].sum() or 0), one[0]))
    shown = [
        [name or text("print.no_estate"), _buildings(rows), _sum(rows)] for name, rows in groups[:_ROWS_SHOWN]
    ]
    rest = groups[_ROWS_SHOWN:]
    if rest:
        rows = pd.concat([rows for _, rows in rest])
        count = text("print.buildings", count=rows["building_id"].nunique())
        shown.append([text("print.more_estates", count=len(rest)), count, _sum(rows)])
    return shown


def _buildings(rows: pd.DataFrame) -> str:
    """Return the numbers of buildings as ranges with their count; the count alone where they have none."""
    names = rows.drop_duplicates("building_id")["name"]
    found = names.astype("string").str.extract(_NUMBER, expand=False)
    count = text("print.buildings", count=len(names))
    if rows["estate_id"].isna().all() or found.isna().any() or found.duplicated().any():
        return count
    numbers = sorted(int(one) for one in found)
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    ranges = [f"{first}" if first == last else f"{first}–{last}" for first, last in runs]
    return text("print.building_numbers", numbers=text("common.separator").join(ranges), count=count)


def _sum(rows: pd.DataFrame) -> str:
    unknown = int(rows["households"].isna().sum())
    if unknown == len(rows):
        return text("print.not_stated")
    count = int(rows["households"].sum())
    return text("print.part_unknown", count=count, unknown=unknown) if unknown else f"{count:,}"


def _households(grid: pd.Series) -> str:
    if pd.isna(grid["households"]):
        return text("print.unknown")
    unknown = 0 if pd.isna(grid["unknown_buildings"]) else int(grid["unknown_buildings"])
    key = "print.sum_unknown" if unknown else "print.all_households"
    return text(key, count=int(grid["households"]), unknown=unknown)


def _posts(public: pd.DataFrame, grid_id: str, community_id: str) -> dict[str, list[list[str]]]:
    """Return the people and telephones of a grid; '' where a line stays to be written on."""
    here = public[(public["subject_type"] == "grid") & (public["subject_id"] == grid_id)]
    above = public[(public["subject_type"] == "community") & (public["subject_id"] == community_id)]
    staff = here[here["staff_role"].notna()]
    telephones = pd.concat([here, above])
    telephones = telephones[telephones["purpose"].notna()]
    posts = []
    for role in dict.fromkeys([*_ROLES, *staff["staff_role"]]):
        held = staff[(staff["staff_role"] == role) & (staff["name"].notna() | staff["phone"].notna())]
        title = value_title(role, current_language(), "staff_role")
        named = [
            [title, shown(name), shown(phone)]
            for name, phone in held[["name", "phone"]].itertuples(index=False)
        ]
        posts += named or [[title, "", ""]]
    phones = [
        [shown(purpose), shown(phone)]
        for purpose, phone in telephones[["purpose", "phone"]].itertuples(index=False)
    ]
    return {"posts": posts, "phones": phones or [[text("print.service_phone"), ""]]}


def _name(names: Mapping[Any, Any] | pd.Series, key: object) -> str:
    return shown(names.get(key, key))
