"""Drawing grids: rules, adjacency, the solver, plans, outlines and codes."""

from spatial.grids.draw import draw_plan
from spatial.grids.fabric import Fabric, build_fabric
from spatial.grids.partition import Certificate, Witness, partition
from spatial.grids.plan import Plan
from spatial.grids.rules import GridRules, read_rules

__all__ = [
    "Certificate",
    "Fabric",
    "GridRules",
    "Plan",
    "Witness",
    "build_fabric",
    "draw_plan",
    "partition",
    "read_rules",
]
