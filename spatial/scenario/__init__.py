"""Scenarios: a base town and ordered changes to rows of its tables, each with old and new value.

A scenario can be kept, sent, applied to the town it was made for, and refused by one that has moved on.
"""

from spatial.scenario.actions import (
    add_footpath,
    add_service,
    close_service,
    close_street,
    cross_wall,
    move_service,
    resize_service,
    set_gate,
)
from spatial.scenario.changes import Change, Scenario, apply
from spatial.scenario.files import ACTIONS, read_scenario, scenario_of, scenario_text, write_scenario

__all__ = [
    "ACTIONS",
    "Change",
    "Scenario",
    "add_footpath",
    "add_service",
    "apply",
    "close_service",
    "close_street",
    "cross_wall",
    "move_service",
    "read_scenario",
    "resize_service",
    "scenario_of",
    "scenario_text",
    "set_gate",
    "write_scenario",
]
