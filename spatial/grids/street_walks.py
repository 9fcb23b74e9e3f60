"""Walks between the units of a community, by the streets of the town."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spatial.network import StreetNetwork, attach, build_network
from spatial.search import Doors, matrix
from spatial.town import Town

__all__ = ["StreetWalks"]


@dataclass(eq=False)
class StreetWalks:
    """Walks by street, found when they are first asked for and kept by community.

    Attributes
    ----------
    town : its streets, barriers, walls and gates decide where one can walk
    """

    town: Town
    _found: dict[tuple[str, float], NDArray[np.float64]] = field(default_factory=dict, repr=False)

    @cached_property
    def _network(self) -> StreetNetwork | None:
        return build_network(self.town) if len(self.town.streets) else None

    def between(
        self, community_id: str, place: NDArray[np.float64], limit_m: float
    ) -> NDArray[np.float64] | None:
        """Return the walk in metres between every two units of a community, shape (n, n).

        Access legs at both ends are part of a walk; infinity where none within ``limit_m`` is known.
        None for a town without streets.

        Parameters
        ----------
        place : of all units of the community, always the same, shape (n, 2), metres
        """
        network = self._network
        if network is None:
            return None
        key = (community_id, limit_m)
        if key not in self._found:
            ways = attach(network, place)
            doors = Doors.of(network, ways.chosen(ways.rank == 0))
            near = matrix(
                network, doors, doors, limit_m, demand_count=len(place), site_count=len(place)
            ).tocoo()
            walks = np.full((len(place), len(place)), np.inf)
            walks[near.row, near.col] = near.data
            self._found[key] = np.maximum(walks, walks.T)
        return self._found[key]
