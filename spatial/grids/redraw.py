"""The report of a redrawing: who moves, from where to where, and which broken rule made it necessary.

The drawing itself is `draw_plan` with ``previous``: fewest households move, communities that break no
rule stay as they are, ids and codes live on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from spatial.findings import Finding, Severity
from spatial.grids.constraints import judge
from spatial.grids.division import divide
from spatial.grids.fabric import Fabric, build_fabric
from spatial.grids.plan import Plan
from spatial.grids.rules import GridRules
from spatial.messages import text
from spatial.town import Town

__all__ = ["RedrawReport", "explain_redraw"]


@dataclass(frozen=True, eq=False)
class RedrawReport:
    """Who moves in a redrawing, and why.

    Attributes
    ----------
    moved : one row per building or stairwell that changes grid: building_id, stairwell_id, households,
        community_id, from_grid (null for a new building), to_grid, reason
    causes : by community_id, the findings about the previous grids that made redrawing necessary
    unchanged : communities whose grids are as before
    """

    moved: pd.DataFrame
    causes: dict[str, tuple[Finding, ...]]
    unchanged: tuple[str, ...]

    @property
    def households(self) -> int:
        """Known households that change from one grid to another; new buildings do not move."""
        return int(self.moved.loc[self.moved["from_grid"].notna(), "households"].sum())


def explain_redraw(
    town: Town,
    previous: Plan,
    plan: Plan,
    rules: GridRules | None = None,
    *,
    fabric: Fabric | None = None,
    language: str | None = None,
) -> RedrawReport:
    """Return who moves between two plans of a town as it is now, and why.

    Parameters
    ----------
    previous : the plan before; buildings that it does not know are new
    plan : the plan drawn after it
    fabric : the town's fabric of single buildings, where it is at hand
    language : of the reasons; the current language when None
    """
    fabric = fabric or build_fabric(town, rules, bonded=False)
    before = divide(fabric, previous.assignment, previous.grids)
    after = divide(fabric, plan.assignment, plan.grids)
    home = before.grids["community_id"]
    causes: dict[str, list[Finding]] = {}
    for finding in judge(before, before):
        if finding.severity is Severity.ERROR and finding.statement.table == "grids":
            for community_id in {str(home[one]) for one in finding.statement.ids}:
                causes.setdefault(community_id, []).append(finding)
    members = fabric.members
    unit = members["unit"].to_numpy(dtype=np.int64)
    names = [np.array([*one.grids.index, None], dtype=object)[one.grid[unit]] for one in (before, after)]
    moves = names[0] != names[1]
    moved = pd.DataFrame(
        {
            "building_id": members["building_id"].to_numpy(object)[moves],
            "stairwell_id": members["stairwell_id"].to_numpy(object)[moves],
            "households": np.rint(members["households"].to_numpy(dtype=float)[moves]).astype(np.int64),
            "community_id": fabric.arrays.community[unit[moves]],
            "from_grid": names[0][moves],
            "to_grid": names[1][moves],
        }
    )
    moved["reason"] = [
        _reason(causes.get(str(community_id), []), (old, new), language)
        for community_id, old, new in zip(
            moved["community_id"], moved["from_grid"], moved["to_grid"], strict=True
        )
    ]
    touched = set(moved["community_id"])
    unchanged = tuple(str(one) for one in town.communities.index if one not in touched)
    return RedrawReport(moved, {key: tuple(value) for key, value in causes.items()}, unchanged)


def _reason(causes: list[Finding], grids: tuple[object, object], language: str | None) -> str:
    """Return what was wrong with the grids concerned, or else with others of the community."""
    if grids[0] is None:
        return text("grids.redraw.new_building", language=language)
    own = [one for one in causes if {str(grid) for grid in grids} & set(one.statement.ids)]
    if own or not causes:
        shown = [one.statement.part("found", language) for one in own]
        return text("common.separator", language=language).join(shown) or text(
            "grids.redraw.better", language=language
        )
    first = causes[0].statement.part("found", language)
    return text("grids.redraw.neighbour", language=language, found=first)
