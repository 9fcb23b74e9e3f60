"""Checks: raw tables in, every finding out; and the way from raw tables to a town."""

from spatial.checks.contracts import check_contract
from spatial.checks.layers import reference_is_sound
from spatial.checks.making import STUDY_AREA_ID, check_tables, make_town, with_households
from spatial.checks.proposals import propose_communities, propose_estates, propose_gates
from spatial.checks.relations import containing, lives
from spatial.checks.repairs import Repaired, repair_tables
from spatial.checks.shaping import read_numbers, read_values, row_labels, shape_table

__all__ = [
    "STUDY_AREA_ID",
    "Repaired",
    "check_contract",
    "check_tables",
    "containing",
    "lives",
    "make_town",
    "propose_communities",
    "propose_estates",
    "propose_gates",
    "read_numbers",
    "read_values",
    "reference_is_sound",
    "repair_tables",
    "row_labels",
    "shape_table",
    "with_households",
]
