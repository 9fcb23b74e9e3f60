"""Choices: how many services of a category are within reach, and the nearest few.

A household with one shop in reach and one with ten are both covered; here they differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spatial.errors import UsageError
from spatial.lifecircle.survey import Survey

__all__ = ["Choices", "services_within"]


@dataclass(frozen=True, eq=False)
class Choices:
    """The services of a category within a limit, by building.

    Attributes
    ----------
    count : (b,) how many there are
    walk_m : (b, k) walks to the nearest, in growing order, metres; infinite where there are fewer
    facility : (b, k) their facilities by number, -1 where there are fewer
    """

    count: npt.NDArray[np.int64]
    walk_m: npt.NDArray[np.float64]
    facility: npt.NDArray[np.int64]


def services_within(survey: Survey, category: str, limit_m: float, nearest: int = 3) -> Choices:
    """Count the services of a category within a limit of every building, and name the nearest.

    Services kept to an estate count for its residents alone.  Of two equally near, the one with the lower
    number comes first.

    Parameters
    ----------
    survey : the town on its network
    category : id of the category
    limit_m : longest walk that counts, metres
    nearest : how many to name

    Raises
    ------
    UsageError
        If the town knows nothing of the category.
    """
    places = survey.places
    if category not in places.categories:
        raise UsageError("lifecircle.category_unknown", category=category)
    facilities = places.facilities_of(places.categories.index(category))
    within = survey.distances(facilities, limit_m).tocoo()
    serves = places.estate_of[facilities]
    usable = (serves[within.col] == "") | (serves[within.col] == places.estate_at[within.row])
    row, walk_m, facility = within.row[usable], within.data[usable], facilities[within.col[usable]]
    order = np.lexsort((facility, walk_m, row))
    row, walk_m, facility = row[order], walk_m[order], facility[order]
    count = np.bincount(row, minlength=len(places.buildings))
    rank = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    named = rank < nearest
    walks = np.full((len(count), nearest), np.inf)
    numbers = np.full((len(count), nearest), -1, np.int64)
    walks[row[named], rank[named]] = walk_m[named]
    numbers[row[named], rank[named]] = facility[named]
    return Choices(count, walks, numbers)
