"""The walking network of a town: what may be walked, how it joins, and how points reach it."""

from spatial.network.attaching import Attachments, attach
from spatial.network.build import build_network
from spatial.network.closing import bars
from spatial.network.cost import CLOSED, STEPS_PER_M, steps
from spatial.network.editing import Grown, close_edges, grow, open_edges
from spatial.network.graph import Arcs, Network
from spatial.network.paces import Pace, at_pace, pace_named, paces
from spatial.network.streets import StreetNetwork
from spatial.network.walkability import Walkability, read_walkability
from spatial.network.walls import BARRED, KINDS, Walls

__all__ = [
    "BARRED",
    "CLOSED",
    "KINDS",
    "STEPS_PER_M",
    "Arcs",
    "Attachments",
    "Grown",
    "Network",
    "Pace",
    "StreetNetwork",
    "Walkability",
    "Walls",
    "at_pace",
    "attach",
    "bars",
    "build_network",
    "close_edges",
    "grow",
    "open_edges",
    "pace_named",
    "paces",
    "read_walkability",
    "steps",
]
