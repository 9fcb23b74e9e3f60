"""The tables of the ledgers, as data, in the way of `spatial.schema`.

Ledgers hold personal data.  They live in a file of their own that its owner alone can read, never in a
town package.  Every table may also carry ``source``, ``as_of``, ``valid_from`` and ``valid_to``
(`spatial.schema.COMMON_COLUMNS`); both days of a period belong to it, and an empty one is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from spatial.catalogue import section
from spatial.schema import Column, Table

__all__ = ["FULL_TIME_ROLES", "HOUSEHOLD_CLASSES", "LEDGER_TABLES", "ROLES", "SUBJECT_TABLES"]

# dedicated: full-time worker of a grid; part_time: stairwell heads and others beside their work;
# linked_official: a cadre linked to a grid; estate_worker: recruited full-time worker of an estate;
# linked_worker: named by a partner organisation for an estate; health_administrator: part-time, of an
# estate too small for a health point; town_staff, helper: the team of a community.
ROLES = (
    "dedicated",
    "part_time",
    "linked_official",
    "estate_worker",
    "linked_worker",
    "health_administrator",
    "town_staff",
    "helper",
)
FULL_TIME_ROLES = ("dedicated", "estate_worker", "town_staff")
HOUSEHOLD_CLASSES = tuple(section("household_class"))

# What a posting, a partner or a telephone is for, and the table its ids stand in.
SUBJECT_TABLES: Mapping[str, str] = MappingProxyType(
    {"grid": "grids", "estate": "estates", "community": "communities"}
)

_SUBJECT = (
    Column("subject_type", required=True, filled=True, allowed=tuple(SUBJECT_TABLES)),
    Column("subject_id", required=True, filled=True),
)


def _id(name: str) -> Column:
    return Column(name, required=True, filled=True)


_TABLES = (
    Table(
        "staff",  # one row to a posting: a person may hold several
        "",
        (),
        (
            Column("person_id", required=True, filled=True),
            Column("name"),
            Column("phone"),
            Column("public_contact", "flag"),
            Column("staff_role", required=True, filled=True, allowed=ROLES),
            *_SUBJECT,
            Column("partner_id", refers_to="partners"),
            # Where the person sets out from, for the assignment of workers.
            Column("building_id", refers_to="buildings"),
            Column("longitude", "number"),
            Column("latitude", "number"),
        ),
    ),
    Table(
        "events",
        "event_id",
        (),
        (
            _id("event_id"),
            Column("event_category"),
            Column("reported_on", "date", required=True),
            Column("closed_on", "date"),
            Column("reopened_on", "date"),
            Column("building_id", refers_to="buildings"),
            Column("grid_id", refers_to="grids"),
            Column("x", "number"),
            Column("y", "number"),
            Column("longitude", "number"),
            Column("latitude", "number"),
        ),
    ),
    Table(
        "household_classes",  # one row to a household and a class; or to a building, with a count
        "",
        (),
        (
            Column("household_id"),
            Column("building_id", refers_to="buildings"),
            Column("community_id", refers_to="communities"),
            Column("household_class", required=True, filled=True, allowed=HOUSEHOLD_CLASSES),
            Column("households", "whole", at_least=0),
        ),
    ),
    Table(
        "premises",
        "premises_id",
        (),
        (
            _id("premises_id"),
            Column("name"),
            Column("community_id", refers_to="communities"),
            Column("floor_area_m2", "number", at_least=0),
            Column("premises_use"),
            Column("kind"),
        ),
    ),
    Table(
        "partners",  # one row to a partner organisation and what it is linked to
        "",
        (),
        (
            Column("partner_id", required=True, filled=True),
            Column("name"),
            *_SUBJECT,
        ),
    ),
    Table(
        "contacts",  # public telephones: service desk, repairs, police
        "",
        (),
        (
            *_SUBJECT,
            Column("purpose", required=True, filled=True),
            Column("phone", required=True, filled=True),
        ),
    ),
)

LEDGER_TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _TABLES})
