"""Drawing grids: rules, adjacency, the solver, plans, outlines and codes."""

from spatial.grids.plan import Plan

__all__ = ["Plan"]
