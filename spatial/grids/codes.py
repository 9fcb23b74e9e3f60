"""Codes and identity of grids.

The code of a grid is its community's 12-digit code and three digits: 001–899 for basic grids, 901–999
for special ones, counted from west to east in rows from north to south.  A community without a 12-digit
code lends its id and a hyphen.

The *id* of a grid never changes.  A redrawn grid keeps the id and code of the old grid that gives it most
households, if that is at least half of its households; a code that fell out of use is never given again;
new grids get the next free code.  Only `renumbered` changes codes of grids that live on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import UsageError

__all__ = ["address_code", "heirs", "new_codes", "new_ids", "reading_order"]

_FIRST = {"basic": 1, "special": 901}
_LAST = {"basic": 899, "special": 999}


def reading_order(x: NDArray[np.float64], y: NDArray[np.float64], row_height_m: float) -> NDArray[np.int64]:
    """Return the order from west to east in rows from north to south.

    A row begins with the northernmost place left and holds every place less than ``row_height_m`` south
    of it.
    """
    left = list(np.lexsort((x, -y)))
    order: list[int] = []
    while left:
        top = y[left[0]]
        row = [one for one in left if y[one] > top - row_height_m]
        order += sorted(row, key=lambda one: (x[one], -y[one]))
        chosen = set(row)
        left = [one for one in left if one not in chosen]
    return np.array(order, dtype=np.int64)


def new_codes(community_id: str, kind: str, count: int, used: Iterable[str] = ()) -> list[str]:
    """Return the next free codes of a community, in ascending order.

    Parameters
    ----------
    kind : basic or special
    used : codes in use or retired, of any community; numbering goes on after the highest

    Raises
    ------
    UsageError
        If the three digits do not suffice.
    """
    stem = _stem(community_id)
    numbers = [int(code[-3:]) for code in used if code[:-3] == stem and code[-3:].isdigit()]
    last = max((n for n in numbers if _FIRST[kind] <= n <= _LAST[kind]), default=_FIRST[kind] - 1)
    if last + count > _LAST[kind]:
        raise UsageError(
            "grids.codes_exhausted", community=community_id, last=_LAST[kind], count=last + count
        )
    return [f"{stem}{number:03d}" for number in range(last + 1, last + count + 1)]


def _stem(community_id: str) -> str:
    return community_id if len(community_id) == 12 and community_id.isdigit() else f"{community_id}-"


def new_ids(count: int, used: Iterable[str] = ()) -> list[str]:
    """Return new grid ids: G and four digits or more, after the highest in use."""
    numbers = [int(one[1:]) for one in used if one[:1] == "G" and one[1:].isdigit()]
    last = max(numbers, default=0)
    return [f"G{number:04d}" for number in range(last + 1, last + count + 1)]


def address_code(grid_code: str, estate: int, building: int, stairwell: int) -> str:
    """Return the four-level address code of a stairwell: grid, estate (2), building (3), stairwell (2).

    Examples
    --------
    >>> address_code("330106001001004", 2, 17, 3)
    '3301060010010040201703'
    """
    if not (0 <= estate <= 99 and 0 <= building <= 999 and 0 <= stairwell <= 99):
        raise UsageError("grids.address_exhausted", grid=grid_code, estate=estate, building=building)
    return f"{grid_code}{estate:02d}{building:03d}{stairwell:02d}"


def heirs(weight: NDArray[np.float64], new: NDArray[np.int64], old: NDArray[np.int64]) -> Mapping[int, int]:
    """Return which old grid each new one carries on, by their numbers.

    Parameters
    ----------
    weight : (n,) households of each unit
    new, old : (n,) number of its grid now and before, −1 for none
    """
    shared = pd.DataFrame({"new": new, "old": old, "weight": weight})
    shared = shared[(shared["new"] >= 0)]
    total = shared.groupby("new")["weight"].sum()
    gifts = shared[shared["old"] >= 0].groupby(["new", "old"], as_index=False).sum()
    gifts = gifts.sort_values(["weight", "new", "old"], ascending=[False, True, True])
    heir: dict[int, int] = {}
    taken: set[int] = set()
    main = gifts.drop_duplicates("new")
    enough = 2 * main["weight"].to_numpy() >= total.loc[main["new"]].to_numpy()
    for one, other in main[["new", "old"]].to_numpy(dtype=np.int64)[enough]:
        if int(other) not in taken:
            heir[int(one)] = int(other)
            taken.add(int(other))
    return heir
