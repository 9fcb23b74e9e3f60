"""Pictures of the plans that tools drew of one town: a PNG each, and one of them all side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from towns import LOWER, UPPER

from spatial.grids.instance import Instance, touched_pieces

mpl.use("Agg")

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

__all__ = ["draw_plans"]

COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#76b7b2", "#edc948", "#9c755f", "#86bcb6")


def draw_plans(
    records: list[dict[str, Any]], plans: dict[str, list[np.ndarray | None]], folder: Path
) -> None:
    """Write a picture for each tool, and ``all.png``.

    Buildings of a grid are joined and of one colour.  Buildings of a grid outside the window are ringed
    red; those of an estate in more pieces than its size asks for are black.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, found in plans.items():
        figure = Figure(figsize=(7, 7), layout="constrained")
        _draw(figure.subplots(), name, records, found)
        figure.savefig(folder / f"{name.lower().replace(' ', '-')}.png", dpi=110)
    rows = -(-len(plans) // 4)
    figure = Figure(figsize=(16, 3.2 * rows), layout="constrained")
    for axes in figure.subplots(rows, 4, squeeze=False).flat[len(plans) :]:
        axes.set_axis_off()
    for axes, (name, found) in zip(figure.axes, plans.items(), strict=False):
        _draw(axes, name, records, found)
    figure.savefig(folder / "all.png", dpi=75)


def _draw(axes: Axes, name: str, records: list[dict[str, Any]], found: list[np.ndarray | None]) -> None:
    outside, split, failed = 0, 0, 0
    for record, labels in zip(records, found, strict=True):
        place = record["arguments"]["coordinates"]
        if labels is None:
            failed += 1
            axes.scatter(*place.T, s=3, c="#d9d9d9")
            continue
        instance = Instance.build(**record["arguments"])
        own = np.unique(labels, return_inverse=True)[1]
        load = np.bincount(own, weights=instance.weights)
        wrong = ((load < LOWER) | (load > UPPER))[own]
        torn = touched_pieces(instance, labels) > instance.group_allowance()
        edges = record["arguments"]["edges"]
        inside = own[edges[:, 0]] == own[edges[:, 1]]
        colours = np.array(COLOURS)[own % len(COLOURS)]
        axes.add_collection(
            LineCollection(place[edges[inside]], colors=colours[edges[inside][:, 0]], linewidths=1.6)
        )
        axes.scatter(*place.T, s=5, c=np.where(torn[instance.groups], "#000000", colours), zorder=2)
        axes.scatter(*place[wrong].T, s=16, facecolors="none", edgecolors="#d62728", linewidths=0.7, zorder=3)
        outside += int(((load < LOWER) | (load > UPPER)).sum())
        split += int(torn.sum())
    missing = f", {failed} failed" if failed else ""
    axes.set_title(f"{name}\n{outside} out of range, {split} estates in extra pieces{missing}", fontsize=9)
    axes.set_aspect("equal")
    axes.set_axis_off()
