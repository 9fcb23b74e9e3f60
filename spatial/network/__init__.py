"""The walking network of a town: what may be walked, how it joins, and how points reach it."""

from spatial.network.attaching import Attachments, attach
from spatial.network.build import build_network
from spatial.network.cost import CLOSED, STEPS_PER_M, steps
from spatial.network.editing import Grown, close_edges, grow, open_edges, relinks_gates
from spatial.network.graph import Arcs, Network
from spatial.network.paces import Pace, at_pace, pace_named, paces
from spatial.network.streets import StreetNetwork
from spatial.network.walkability import Walkability, read_walkability
from spatial.network.walls import KINDS, REPLACED, Walls

__all__ = [
    "CLOSED",
    "KINDS",
    "REPLACED",
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
    "build_network",
    "close_edges",
    "grow",
    "open_edges",
    "pace_named",
    "paces",
    "read_walkability",
    "relinks_gates",
    "steps",
]
