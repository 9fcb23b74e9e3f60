"""Plans drawn as text: one character per place, the last of its grid's id."""

from __future__ import annotations

import pandas as pd

from spatial.town import Town


def _places(town: Town) -> dict[str, tuple[int, int]]:
    half = {name: (len(name) - 1) // 2 for name in town.buildings.index}
    return {name: (int(name[1 : 1 + at]), int(name[1 + at :])) for name, at in half.items()}


def assigned(town: Town, drawing: str) -> pd.DataFrame:
    """Return the assignment of a drawing; ``_`` is in no grid."""
    rows = drawing.split("/")
    letters = {name: rows[r][c] for name, (r, c) in _places(town).items()}
    kept = {name: letter for name, letter in letters.items() if letter != "_"}
    return pd.DataFrame({"building_id": list(kept), "grid_id": list(kept.values())})


def codes(town: Town, assignment: pd.DataFrame) -> str:
    """Return the drawing of an assignment."""
    places = _places(town)
    height = 1 + max(r for r, _ in places.values())
    width = 1 + max(c for _, c in places.values())
    drawn = [["_"] * width for _ in range(height)]
    for building, grid in zip(assignment["building_id"], assignment["grid_id"], strict=True):
        r, c = places[building]
        drawn[r][c] = str(grid)[-1]
    return "/".join("".join(row) for row in drawn)
