"""How long an edit of the demo county's grids takes to answer, and the repair of four grids.

    python benchmarks/grids_edit.py [--edits 200] [--repairs 40] [--seed 1]

Every answer holds what all rules say of the communities touched and their scores before and after.
Times are of warm calls, one at a time: wall, and CPU in brackets.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spatial.errors import UsageError
from spatial.grids import Editor, GridRules, Merge, Move, Repair, Split, Swap, build_fabric, draw_plan
from spatial.grids.division import Division
from spatial.grids.edit import Answer, Edit
from spatial.io import read_town

DEMO = Path(__file__).parents[1] / "data" / "boundaries" / "demo-county.gpkg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=200, help="of each kind")
    parser.add_argument("--repairs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    town = read_town(DEMO)
    rules = GridRules()
    plan = draw_plan(town, rules, time_limit_s=20.0, rng=rng)
    fabric = build_fabric(town, rules, bonded=False)
    begin = time.perf_counter()
    editor = Editor.open(fabric, plan)
    print(
        f"{len(plan.grids)} grids, {len(fabric.units)} units; opened in {time.perf_counter() - begin:.2f} s"
    )
    division = editor.before
    for edit in one_of_each(division, rng):  # kernels and slices are loaded
        timed(editor, division, edit)
    timed(editor, division, Repair((str(division.grids.index[0]),)))
    times: dict[str, list[tuple[float, float]]] = {}
    for _ in range(arguments.edits):
        for edit in one_of_each(division, rng):
            seconds, answer = timed(editor, division, edit)
            if answer is not None:
                times.setdefault(type(edit).__name__.lower(), []).append(seconds)
    for kind, seconds in times.items():
        show(kind, seconds)
    show("all edits", [one for seconds in times.values() for one in seconds])
    repairs, mended = [], 0
    for _ in range(arguments.repairs):
        broken, grids = spoilt(editor, rng)
        seconds, answer = timed(editor, broken, Repair(grids))
        if answer is not None:
            repairs.append(seconds)
            mended += not answer.report.errors
    show("repair of 4 grids", repairs)
    print(f"{mended} of {len(repairs)} repairs leave no rule broken")


def timed(editor: Editor, division: Division, edit: Edit) -> tuple[tuple[float, float], Answer | None]:
    """Seconds an edit takes, wall and CPU, and its answer; None where it cannot be done."""
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        answer = editor.answer(division, edit)
    except UsageError:
        return (0.0, 0.0), None
    seconds = time.perf_counter() - wall, time.process_time() - cpu
    return seconds, None if answer.refusal else answer


def show(name: str, seconds: list[tuple[float, float]]) -> None:
    (median, cpu), (ninth, _) = np.quantile(seconds, [0.5, 0.9], axis=0) * 1000
    print(f"{name:18s} median {median:7.1f} ms ({cpu:.1f})   90 % {ninth:7.1f} ms   ({len(seconds)} timed)")


def borders(division: Division) -> np.ndarray:
    """Pairs of neighbouring units of one community in different basic grids."""
    a, b = division.fabric.ends.T
    community = division.fabric.arrays.community
    basic = np.append(division.is_basic, False)
    grid = division.grid
    across = (grid[a] != grid[b]) & basic[grid[a]] & basic[grid[b]] & (community[a] == community[b])
    return division.fabric.ends[across]


def one_of_each(division: Division, rng: np.random.Generator) -> Iterator[Edit]:
    """Yield a random edit of each kind, along a border between grids."""
    names = division.fabric.units["subject_id"].to_numpy(object)
    ids = division.grids.index.to_numpy(object)
    pairs = borders(division)
    a, b = pairs[rng.integers(len(pairs))]
    first, second = (str(ids[division.grid[one]]) for one in (a, b))
    group = division.fabric.arrays.group
    estate = np.flatnonzero((group == group[a]) & (division.grid == division.grid[a]))
    yield Move((str(names[a]),), second)
    yield Move(tuple(str(names[one]) for one in estate), second)
    yield Swap((str(names[a]),), (str(names[b]),))
    yield Merge((first, second))
    yield Split(first)


def spoilt(editor: Editor, rng: np.random.Generator) -> tuple[Division, tuple[str, ...]]:
    """Return a plan broken by three buildings across a border, and the grid to repair, of three neighbours."""
    division = editor.before
    ids = division.grids.index.to_numpy(object)
    names = division.fabric.units["subject_id"].to_numpy(object)
    while True:
        a, b = borders(division)[rng.integers(len(borders(division)))]
        pairs = division.grid[borders(division)]
        own = division.grid[a]
        if len(np.unique(pairs[(pairs == own).any(axis=1)])) != 4:
            continue
        near = division.fabric.arrays.place - division.fabric.arrays.place[a]
        units = division.units_of(int(own))
        moved = units[np.argsort(np.hypot(*near[units].T))[:3]]
        edit = Move(tuple(str(names[one]) for one in moved), str(ids[division.grid[b]]))
        answer = editor.answer(division, edit)
        if answer.verdict == "broken":
            return answer.division, (str(ids[own]),)


if __name__ == "__main__":
    main()
