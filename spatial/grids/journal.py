"""The journal: what each step of editing changed, with old and new values, so that it can be taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import ConflictError
from spatial.grids.division import Division

__all__ = ["Change", "Moved", "apply_change", "grid_row"]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Moved:
    """One unit that changes grid; None stands for no grid."""

    building_id: str
    stairwell_id: str | None
    from_grid: str | None
    to_grid: str | None


@dataclass(frozen=True)
class Change:
    """One entry of the journal: what an edit changed, with old and new values.

    Attributes
    ----------
    kind : name of the edit: move, split, merge, swap, repair
    moved : units that change grid
    created, retired : rows of grids that come and go: grid_id, code, kind, community_id, level, parent_id
    households : known households that change grid
    """

    kind: str
    moved: tuple[Moved, ...]
    created: tuple[Mapping[str, Any], ...] = ()
    retired: tuple[Mapping[str, Any], ...] = ()
    households: int = 0

    def inverse(self) -> Change:
        """Return the change that takes this one back."""
        back = tuple(replace(one, from_grid=one.to_grid, to_grid=one.from_grid) for one in self.moved)
        return replace(self, moved=back, created=self.retired, retired=self.created)

    def as_record(self) -> dict[str, Any]:
        """Return the change as plain values, for the journal."""
        return {
            "kind": self.kind,
            "moved": [vars(one) for one in self.moved],
            "created": [dict(one) for one in self.created],
            "retired": [dict(one) for one in self.retired],
            "households": self.households,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Change:
        """Return the change that a record of the journal holds."""
        return cls(
            kind=record["kind"],
            moved=tuple(Moved(**one) for one in record["moved"]),
            created=tuple(record["created"]),
            retired=tuple(record["retired"]),
            households=record["households"],
        )


def apply_change(division: Division, change: Change) -> Division:
    """Return the division after a change.

    Raises
    ------
    ConflictError
        If an old value of the change no longer holds: a unit is in another grid, a grid that was to be
        made is there, or one that was to go is not.
    """
    kept = division.grids.index.astype(str)
    gone = {str(row["grid_id"]) for row in change.retired}
    come = [str(row["grid_id"]) for row in change.created]
    if not gone <= set(kept) or set(come) & set(kept):
        raise ConflictError("grids.edit_conflict", table="grids", ids=sorted(gone - set(kept)) + come)
    created = pd.DataFrame(list(change.created), columns=["grid_id", *division.grids.columns])
    table = (
        pd.concat([division.grids, created.set_index("grid_id").astype(object)]) if come else division.grids
    )
    table.index = table.index.astype("string").rename("grid_id")
    of_member = division.fabric.unit_of_member
    unknown = [
        one.building_id for one in change.moved if (one.building_id, one.stairwell_id) not in of_member
    ]
    if unknown:
        raise ConflictError("grids.edit_conflict", table="buildings", ids=unknown)
    unit = np.array([of_member[one.building_id, one.stairwell_id] for one in change.moved], dtype=np.int64)
    old = _numbers(table, [one.from_grid for one in change.moved])
    wrong = division.grid[unit] != old
    if wrong.any():
        ids = [one.building_id for one, bad in zip(change.moved, wrong, strict=True) if bad]
        raise ConflictError("grids.edit_conflict", table="buildings", ids=ids)
    grid = division.grid.copy()
    grid[unit] = _numbers(table, [one.to_grid for one in change.moved])
    stays = ~table.index.isin(gone)
    number = np.append(np.where(stays, np.cumsum(stays) - 1, -1), -1)
    return Division(
        division.fabric,
        table[stays],
        number[grid],
        number[division.special],
        number[division.special_buildings],
    )


def _numbers(table: pd.DataFrame, names: Sequence[str | None]) -> Ints:
    found: Ints = table.index.get_indexer(pd.Index(["" if one is None else one for one in names])).astype(
        np.int64
    )
    return found


def grid_row(division: Division, number: int) -> dict[str, Any]:
    """Return a grid as a change keeps it."""
    row = division.grids.iloc[number]
    plain = {str(name): None if pd.isna(value) else value for name, value in row.items()}
    return {"grid_id": str(division.grids.index[number]), **plain, "level": int(row["level"])}
