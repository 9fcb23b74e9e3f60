"""Pace profiles: how long walks take adults, the elderly, children and wheelchairs.

Time is kept as *level metres*: the length a walker of the profile would cover on the level in the same
time.  So one search serves both modes, and minutes are level metres divided by the level pace.
Slope counts by direction, stairs and surfaces by their factors; what a profile cannot use is closed.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from spatial.catalogue import section
from spatial.errors import UsageError
from spatial.network.cost import CLOSED, steps
from spatial.network.streets import StreetNetwork

__all__ = ["Pace", "at_pace", "pace_named", "paces"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pace:
    """How a group of people walks.

    Attributes
    ----------
    name : adult, elderly, child or wheelchair
    metres_per_minute : pace on the level
    slope : points (rise in percent in the direction of walking, factor)
    max_slope_percent : steeper streets are not walked
    stairs : factor on steps; None when they are not walked
    surface : factor by surface; 1 for others
    not_walked : surfaces that are not walked
    """

    name: str
    metres_per_minute: float
    slope: tuple[tuple[float, float], ...]
    max_slope_percent: float
    stairs: float | None
    surface: tuple[tuple[str, float], ...]
    not_walked: tuple[str, ...]

    @property
    def least_factor(self) -> float:
        """Factor of the quickest streets there can be."""
        surfaces = (1.0, *(factor for _, factor in self.surface))
        return min(factor for _, factor in self.slope) * min(surfaces)

    def level_metres(self, minutes: float) -> float:
        """Return the length covered on the level in some minutes."""
        return minutes * self.metres_per_minute


@cache
def paces() -> dict[str, Pace]:
    """Return the packaged profiles by name."""
    document = tomllib.loads((files(__package__) / "paces.toml").read_text(encoding="utf-8"))
    return {
        name: Pace(
            name=name,
            metres_per_minute=float(section("walking")[f"{name}_m_per_min"]),
            slope=tuple((float(rise), float(factor)) for rise, factor in values["slope"]),
            max_slope_percent=float(values["max_slope_percent"]),
            stairs=values.get("stairs"),
            surface=tuple(values["surface"].items()),
            not_walked=tuple(values.get("not_walked", ())),
        )
        for name, values in document.items()
    }


def pace_named(name: str) -> Pace:
    """Return a packaged profile.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name not in paces():
        raise UsageError("network.pace_unknown", pace=name, known=" / ".join(paces()))
    return paces()[name]


def at_pace(network: StreetNetwork, pace: Pace) -> StreetNetwork:
    """Return the network with costs in level metres of a profile, by direction, whatever pace it had.

    The slope of a street counts as rise along its line; a street without one is level, and one
    without surface is paved.
    """
    facts = network.streets
    rise = np.nan_to_num(facts.slope_percent)
    factor = np.ones(len(rise))
    for surface, times in pace.surface:
        factor[facts.surface == surface] = times
    stairs = facts.street_class == "steps"
    factor[stairs] = pace.stairs or 1.0
    unfit = np.isin(facts.surface, pace.not_walked) | (np.abs(rise) > pace.max_slope_percent)
    if pace.stairs is None:
        unfit |= stairs
    rises, factors = np.array(pace.slope).T
    # The last entry is of edges that are part of no street.
    along, against = (
        np.append(np.interp(way, rises, factors) * factor, np.interp(0.0, rises, factors))[network.street]
        for way in (rise, -rise)
    )
    shut = np.append(unfit, False)[network.street]
    cost = np.stack([steps(network.length_m * along), steps(network.length_m * against)], axis=1)
    closed = (~network.is_entered() | shut)[:, None]
    paced = network.with_cost(np.where(closed, CLOSED, cost).astype(np.int32))
    # What hangs on lines alone is the same at every pace.
    for name in ("lifted_component", "is_islet"):
        if name in network.__dict__:
            paced.__dict__[name] = network.__dict__[name]
    return paced
