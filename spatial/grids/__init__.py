"""Drawing grids: rules, adjacency, the solver, plans, outlines and codes."""

from spatial.grids.certificate import Certificate, Progress, Witness
from spatial.grids.compare import PlanDifference, compare_plans
from spatial.grids.draw import draw_plan
from spatial.grids.evaluate import (
    Assigned,
    Evaluation,
    assign_by_polygons,
    assignment_of_today,
    evaluate_plan,
)
from spatial.grids.fabric import Fabric, build_fabric
from spatial.grids.partition import partition
from spatial.grids.plan import Plan
from spatial.grids.rules import GridRules, read_rules

__all__ = [
    "Assigned",
    "Certificate",
    "Evaluation",
    "Fabric",
    "GridRules",
    "Plan",
    "PlanDifference",
    "Progress",
    "Witness",
    "assign_by_polygons",
    "assignment_of_today",
    "build_fabric",
    "compare_plans",
    "draw_plan",
    "evaluate_plan",
    "partition",
    "read_rules",
]
