"""Drawing grids: rules, adjacency, the solver, plans, outlines and codes."""

from spatial.grids.partition import Certificate, Witness, partition
from spatial.grids.plan import Plan

__all__ = ["Certificate", "Plan", "Witness", "partition"]
