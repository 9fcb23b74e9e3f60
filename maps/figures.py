"""Figures: what a coverage says of a category, in the order and form in which pages show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from maps.symbology import BAND_LIMITS_M, COVER_LIMITS
from spatial.catalogue import categories
from spatial.schema import COVERAGE_TABLES
from spatial.town import Town

__all__ = [
    "BANDS",
    "RATE_FIGURES",
    "WALK_CODES",
    "Measured",
    "Rates",
    "band_of",
    "cover_class",
    "measured_categories",
    "plain",
    "walk_codes",
]

RATE_FIGURES = (
    "numerator",
    "numerator_low",
    "numerator_high",
    "denominator",
    "undetermined",
    "estimated_share",
)
"""What a rate is shown with, in this order."""

BANDS = ("band-5", "band-10", "band-15", "over", "beyond", "unknown")
"""Bands of buildings, as the symbols of the layer ``buildings`` name them."""

WALK_CODES: Mapping[str, int] = {
    "beyond_search": -1,
    "no_facility": -2,
    "stranded_data": -3,
    "stranded_barrier": -4,
    "not_assessed": -5,
}
"""Statuses of a walk without a length, as pages read them: negative numbers in place of metres."""


@dataclass(frozen=True)
class Measured:
    """A category that a coverage measured.

    Attributes
    ----------
    category : its id
    names : what it is called, by language
    group : its symbol group
    limit_m : the limit its rates and gaps are shown at, metres
    facilities : how many places offer it
    """

    category: str
    names: Mapping[str, str]
    group: str
    limit_m: float
    facilities: int


def measured_categories(town: Town, rates: pd.DataFrame) -> list[Measured]:
    """Return the categories that some rates of a coverage are of, in the order of the catalogue."""
    offered = town.services["category"].value_counts()
    measured = set(rates["category"])
    return [
        Measured(name, one.names, one.group, one.radius_m, int(offered.get(name, 0)))
        for name, one in categories().items()
        if name in measured
    ]


def walk_codes(walks: pd.DataFrame, buildings: pd.Index) -> pd.DataFrame:
    """Return a column to each category of some walks, with whole metres for every building, or a code below 0.

    Metres are rounded up, so that a walk is within a limit of whole metres here if it is in the coverage;
    null where a building was not measured.
    """
    metres = pd.Series(np.ceil(walks["walk_m"].astype("Float64")), index=walks.index)
    values = metres.fillna(walks["status"].map(WALK_CODES).astype("Float64"))
    long = pd.DataFrame(
        {"category": walks["category"], "building_id": walks["building_id"], "walk": values.astype("Int64")}
    )
    return long.set_index(["building_id", "category"])["walk"].unstack().reindex(buildings)  # noqa: PD010


class Rates:
    """Household rates, found by category and kind of subject.

    Parameters
    ----------
    rates : rows of a coverage's table of rates; they are sorted once
    """

    def __init__(self, rates: pd.DataFrame) -> None:
        rates = rates.reindex(columns=[column.name for column in COVERAGE_TABLES["rates"].columns])
        rates = rates[(rates["basis"] == "households").fillna(value=False).to_numpy(bool)]
        self._parts = dict(list(rates.groupby(["category", "subject_type"])))
        self._none = rates.iloc[:0]

    def of(self, category: str, subject_type: str) -> pd.DataFrame:
        """Return the rates of a category by subject_id and limit_m; no rows where there are none."""
        found = self._parts.get((category, subject_type), self._none)
        return found.set_index(["subject_id", "limit_m"]).sort_index()

    def bands(self, category: str) -> list[float | None]:
        """Return the households within each walking band of the town, null where not assessed."""
        whole = self.of(category, "town").droplevel("subject_id")["numerator"]
        return [None if pd.isna(value) else float(value) for value in whole.reindex(list(BAND_LIMITS_M))]


def band_of(walks: pd.Series, limit_m: float) -> pd.Series:
    """Return the place in `BANDS` of walks in metres or codes (`walk_codes`); null where not measured.

    Within the limit the band is the walking band; a walk to twice the limit is ``over``, a longer one, or
    one that a barrier prevents, ``beyond``; what could not be determined is ``unknown``.
    """
    reached = walks >= 0
    closed = walks.isin([WALK_CODES["beyond_search"], WALK_CODES["stranded_barrier"]])
    within = np.searchsorted(BAND_LIMITS_M, walks.fillna(0).to_numpy(float)).clip(max=len(BAND_LIMITS_M) - 1)
    places = np.select(
        [
            (reached & (walks <= limit_m)).fillna(value=False),
            (reached & (walks <= 2 * limit_m)).fillna(value=False),
            (reached | closed).fillna(value=False),
        ],
        [within, BANDS.index("over"), BANDS.index("beyond")],
        BANDS.index("unknown"),
    )
    return pd.Series(places, index=walks.index, dtype="Int64").where(walks.notna())


def cover_class(numerator: float | None, denominator: float | None, undetermined: float | None) -> int:
    """Return the class, 1 to 5, of a rate; 0 where most of it could not be determined.

    Examples
    --------
    >>> cover_class(450, 1000, 20), cover_class(0, 1000, 0), cover_class(0, 1000, 900)
    (3, 1, 0)
    """
    if numerator is None or not denominator or 2 * (undetermined or 0) > denominator:
        return 0
    return 1 + sum(numerator / denominator >= limit for limit in COVER_LIMITS)


def plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Return a value of a table as JSON holds it: a number, a text, a flag, or None for unknown."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value
