"""Drawing grids: rules, adjacency, the solver, plans, outlines and codes."""

from spatial.grids.alternatives import alternative_rules, draw_alternatives
from spatial.grids.boundaries import boundaries_in_words
from spatial.grids.certificate import Certificate, Progress, Witness
from spatial.grids.compare import PlanDifference, compare_plans
from spatial.grids.curve import bounds_curve, town_curve
from spatial.grids.draw import draw_plan
from spatial.grids.edit import Answer, Editor, Merge, Move, Repair, Split, Swap, next_problem
from spatial.grids.estates import merge_estates
from spatial.grids.evaluate import (
    Assigned,
    Evaluation,
    assign_by_polygons,
    assignment_of_today,
    evaluate_plan,
)
from spatial.grids.fabric import Fabric, build_fabric
from spatial.grids.journal import Change
from spatial.grids.partition import partition
from spatial.grids.plan import Plan
from spatial.grids.redraw import RedrawReport, explain_redraw
from spatial.grids.rules import GridRules, read_rules

__all__ = [
    "Answer",
    "Assigned",
    "Certificate",
    "Change",
    "Editor",
    "Evaluation",
    "Fabric",
    "GridRules",
    "Merge",
    "Move",
    "Plan",
    "PlanDifference",
    "Progress",
    "RedrawReport",
    "Repair",
    "Split",
    "Swap",
    "Witness",
    "alternative_rules",
    "assign_by_polygons",
    "assignment_of_today",
    "boundaries_in_words",
    "bounds_curve",
    "build_fabric",
    "compare_plans",
    "draw_alternatives",
    "draw_plan",
    "evaluate_plan",
    "explain_redraw",
    "merge_estates",
    "next_problem",
    "partition",
    "read_rules",
    "town_curve",
]
