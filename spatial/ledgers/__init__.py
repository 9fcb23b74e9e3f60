"""Ledgers: staff, events, household classes, premises and partner organisations of an office.

They hold personal data and live apart from the town.  What may leave the office leaves through
`public_contacts` (who agreed to it) and `published_classes` (counts by community, small ones hidden).
"""

from spatial.ledgers.assignment import (
    AssignmentRules,
    WorkerAssignment,
    assign_workers,
    reposted,
    workers_of,
    workers_today,
)
from spatial.ledgers.checking import check_ledgers
from spatial.ledgers.classes import published_classes
from spatial.ledgers.closing import closing_rates
from spatial.ledgers.ledger import Ledgers, make_ledgers
from spatial.ledgers.matching import Matching, Shortage, match
from spatial.ledgers.measures import ledger_measures
from spatial.ledgers.places import locate_events, plan_over_time
from spatial.ledgers.staffing import Requirement, StaffingRules
from spatial.ledgers.summaries import estates_by_class, premises_by_size, public_contacts, staff_by_role
from spatial.ledgers.suppression import SuppressedTable, suppress
from spatial.ledgers.tables import FULL_TIME_ROLES, HOUSEHOLD_CLASSES, LEDGER_TABLES, ROLES

__all__ = [
    "FULL_TIME_ROLES",
    "HOUSEHOLD_CLASSES",
    "LEDGER_TABLES",
    "ROLES",
    "AssignmentRules",
    "Ledgers",
    "Matching",
    "Requirement",
    "Shortage",
    "StaffingRules",
    "SuppressedTable",
    "WorkerAssignment",
    "assign_workers",
    "check_ledgers",
    "closing_rates",
    "estates_by_class",
    "ledger_measures",
    "locate_events",
    "make_ledgers",
    "match",
    "plan_over_time",
    "premises_by_size",
    "public_contacts",
    "published_classes",
    "reposted",
    "staff_by_role",
    "suppress",
    "workers_of",
    "workers_today",
]
