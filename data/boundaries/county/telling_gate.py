"""The telling gate: one that is kept shut, and whose opening closes a gap in a service.

Every county has one: an estate with a kindergarten across the road and a locked gate between them.
Here it is looked for among the gates of all walled estates, and shut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np

from county.estates import Estate
from county.facilities import Facility, ways_in
from county.walking import Walking
from spatial.catalogue import categories

__all__ = ["TellingGate", "find_telling_gate", "with_gate_shut"]

# Services of daily life, of which a gap across the road is felt.
_DAILY = ("kindergarten", "community_health_station", "community_canteen", "elderly_daycare", "wet_market",
          "community_service_station", "primary_school")  # fmt: skip
# Walks here are approximate; the gain must hold with this margin either way.
_MARGIN_M = 25.0


@dataclass(frozen=True)
class TellingGate:
    """A gate, and what its opening would bring.

    Attributes
    ----------
    estate : number of the estate
    gate : place of the gate among the estate's
    category : category of service
    households : households that come within its walking distance
    """

    estate: int
    gate: int
    category: str
    households: int


def find_telling_gate(
    estates: Sequence[Estate],
    eligible: Sequence[int],
    buildings: gpd.GeoDataFrame,
    walking: Walking,
    facilities: Sequence[Facility],
) -> TellingGate:
    """Return the gate whose opening brings most households within reach of a service.

    Parameters
    ----------
    eligible : numbers of the estates that may have it
    buildings : with households and lot
    walking : the network, with the gates that are shut anyway
    """
    doors = {}
    for category in _DAILY:
        places = [place for one in facilities if category in one.categories for place in ways_in(one)]
        doors[category] = walking.doors(np.array(places), np.full(len(places), -1))
    best = TellingGate(-1, -1, "", 0)
    for number in eligible:
        estate = estates[number]
        own = buildings[(buildings["lot"] == estate.lot) & (buildings["households"] > 0)]
        households = own["households"].to_numpy(int)
        homes = walking.doors(own.geometry.to_numpy(), own["lot"].to_numpy())
        for place, gate in enumerate(estate.gates):
            if not any(other.open for other in estate.gates[:place] + estate.gates[place + 1 :]):
                continue
            stretch = walking.stretch_at(gate.point)
            shut, opened = walking.with_gates({stretch: True}), walking.with_gates({stretch: False})
            for category, services in doors.items():
                limit_m = categories()[category].radius_m
                far = shut.between(homes, services, 2 * limit_m).min(axis=1) > limit_m + _MARGIN_M
                near = opened.between(homes, services, 2 * limit_m).min(axis=1) < limit_m - _MARGIN_M
                gain = int(households[far & near].sum())
                if gain > best.households:
                    best = TellingGate(number, place, category, gain)
    return best


def with_gate_shut(estates: Sequence[Estate], telling: TellingGate) -> list[Estate]:
    """Return the estates with the gate shut."""
    estate = estates[telling.estate]
    gates = list(estate.gates)
    gates[telling.gate] = replace(gates[telling.gate], open=False)
    changed = list(estates)
    changed[telling.estate] = replace(estate, gates=tuple(gates))
    return changed
