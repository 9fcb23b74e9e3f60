"""The schema: which layers and tables a town, a plan and a coverage have, and what a column holds.

One entry of `TABLES` is one layer or table of the town package; `PLAN_TABLES` and `COVERAGE_TABLES`
are those of the two results.  The checks, the reader and writer
of packages, the import, the templates and the documentation all read this one definition.  A later
version may add columns and tables; it never changes the meaning of one.

Every table may also carry the columns of `COMMON_COLUMNS`, and columns of its own that are not
listed here: they are kept and passed on as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["COMMON_COLUMNS", "COVERAGE_TABLES", "PLAN_TABLES", "TABLES", "Column", "Table"]

Kind = Literal["text", "whole", "number", "flag", "date"]
Shape = Literal["point", "line", "polygon"]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : name of the column; units stand in the name
    kind : text, whole (integer), number, flag (true or false) or date (ISO 8601 text)
    required : the column must exist
    filled : no value may be null
    allowed : the only values it may hold; empty when any will do
    at_least : the least value it may hold, or None
    refers_to : table whose id it names, or ''
    """

    name: str
    kind: Kind = "text"
    required: bool = False
    filled: bool = False
    allowed: tuple[str, ...] = ()
    at_least: float | None = None
    refers_to: str = ""


@dataclass(frozen=True)
class Table:
    """One layer or table of a town.

    Attributes
    ----------
    name : its name in the package
    id_column : the column that names a row, unique and never null; '' for a table without ids
    shapes : geometry types a layer may hold; empty for a table without geometry
    columns : the columns, the id first
    """

    name: str
    id_column: str
    shapes: tuple[Shape, ...]
    columns: tuple[Column, ...]

    @property
    def is_layer(self) -> bool:
        """Whether the table has a geometry."""
        return bool(self.shapes)

    def column(self, name: str) -> Column:
        """Return a column by its name."""
        return next(column for column in self.columns if column.name == name)


def _id(name: str) -> Column:
    return Column(name, required=True, filled=True)


def _count(name: str, *, required: bool = False) -> Column:
    return Column(name, "whole", required=required, at_least=0)


def _amount(name: str) -> Column:
    return Column(name, "number", at_least=0)


_TABLES = (
    Table(
        "communities",
        "community_id",
        ("polygon",),
        (_id("community_id"), Column("name", required=True, filled=True), Column("subdistrict")),
    ),
    Table(
        "estates",
        "estate_id",
        ("polygon", "point"),
        (
            _id("estate_id"),
            Column("name"),
            Column("community_id", refers_to="communities"),
            _count("households"),
            _count("residents"),
            Column("estate_class", allowed=("managed", "unmanaged-block", "unmanaged-bungalow")),
            Column("treatment"),
            Column("walled", "flag"),
            Column("year_built", "whole"),
            Column("predecessor_ids"),
        ),
    ),
    Table(
        "buildings",
        "building_id",
        ("polygon", "point"),
        (
            _id("building_id"),
            Column("name"),
            Column("address"),
            Column("estate_id", refers_to="estates"),
            Column("community_id", refers_to="communities"),
            _count("households", required=True),
            Column("households_basis", allowed=("registered", "resident", "dwellings")),
            Column("households_source", allowed=("counted", "estimated")),
            _count("residents"),
            _amount("weight"),
            _count("levels"),
            Column("has_lift", "flag"),
            Column("use", required=True, filled=True, allowed=("residential", "mixed", "other")),
        ),
    ),
    Table(
        "stairwells",
        "stairwell_id",
        (),
        (
            _id("stairwell_id"),
            Column("building_id", required=True, filled=True, refers_to="buildings"),
            Column("number"),
            _count("households", required=True),
        ),
    ),
    Table(
        "streets",
        "street_id",
        ("line",),
        (
            _id("street_id"),
            Column("class"),
            Column("role", allowed=("walk", "outline", "both")),
            Column("name"),
            Column("foot"),
            Column("bridge", "flag"),
            Column("tunnel", "flag"),
            Column("layer", "whole"),
            Column("access"),
            Column("surface"),
            Column("slope", "number"),
        ),
    ),
    Table(
        "barriers",
        "",
        ("line", "polygon"),
        (
            Column(
                "kind",
                required=True,
                filled=True,
                allowed=("river", "railway", "motorway", "wall", "main_road", "hill"),
            ),
            Column("name"),
            Column("blocks_walking", "flag"),
            Column("blocks_grids", "flag"),
        ),
    ),
    Table(
        "gates",
        "gate_id",
        ("point",),
        (
            _id("gate_id"),
            Column("estate_id", required=True, filled=True, refers_to="estates"),
            Column("name"),
            Column("kind", allowed=("pedestrian", "vehicle")),
            Column("open", "flag"),
        ),
    ),
    Table(
        "facilities",
        "facility_id",
        ("point", "polygon"),
        (
            _id("facility_id"),
            Column("name"),
            Column("opened", "date"),
            Column("closed", "date"),
            Column("access", allowed=("public", "estate")),
        ),
    ),
    Table(
        "services",
        "",
        (),
        (
            Column("facility_id", required=True, filled=True, refers_to="facilities"),
            Column("category", required=True, filled=True),
            _amount("capacity"),
            _amount("floor_area_m2"),
            _amount("land_area_m2"),
            _amount("beds"),
        ),
    ),
    Table(
        "entrances",
        "entrance_id",
        ("point",),
        (
            _id("entrance_id"),
            Column("facility_id", refers_to="facilities"),
            Column("building_id", refers_to="buildings"),
            Column("step_free", "flag"),
        ),
    ),
    *(
        Table(
            name,
            id_column,
            ("polygon",),
            (_id(id_column), Column("kind"), Column("name"), Column("available_from", "date")),
        )
        for name, id_column in (("special_areas", "special_area_id"), ("sites", "site_id"))
    ),
    Table(
        "circles",
        "circle_id",
        ("polygon",),
        (
            _id("circle_id"),
            Column("kind", allowed=("circle5", "circle10", "circle15")),
            Column("name"),
            Column("available_from", "date"),
        ),
    ),
    Table(
        "population",
        "",
        (),
        (
            Column("subject_type", required=True, filled=True),
            Column("subject_id", required=True, filled=True),
            Column("age_group", required=True, filled=True),
            Column("value", "number", required=True, at_least=0),
            Column("unit"),
            Column("date", "date"),
        ),
    ),
    Table(
        "measures",
        "",
        (),
        (
            Column("subject_type", required=True, filled=True),
            Column("subject_id", required=True, filled=True),
            Column("quantity", required=True, filled=True),
            Column("value", "number", required=True),
            Column("unit"),
            Column("date", "date"),
        ),
    ),
    Table(
        "completeness",
        "category",
        (),
        (_id("category"), Column("state", required=True, allowed=("complete", "partial", "unknown"))),
    ),
    Table(
        "grids",
        "grid_id",
        ("polygon",),
        (
            _id("grid_id"),
            Column("code"),
            Column("name"),
            Column("community_id", refers_to="communities"),
            Column("level", "whole"),
            Column("parent_id"),
            Column("kind", allowed=("basic", "special")),
        ),
    ),
)

_PLAN_TABLES = (
    Table(
        "grids",
        "grid_id",
        ("polygon",),
        (
            _id("grid_id"),
            Column("code"),
            Column("level", "whole"),
            Column("parent_id"),
            Column("community_id", required=True, filled=True),
            Column("kind", required=True, filled=True, allowed=("basic", "special")),
            _count("households"),
            _count("residents"),
            _count("buildings"),
            _count("estates"),
            _amount("area_m2"),
            Column("in_range", "flag"),
            Column("exception_reason"),
        ),
    ),
    Table(
        "assignment",
        "",
        (),
        (
            Column("building_id", required=True, filled=True),
            Column("stairwell_id"),
            Column("grid_id", required=True, filled=True, refers_to="grids"),
            _count("households"),
        ),
    ),
    Table(
        "certificates",
        "community_id",
        (),
        (
            _id("community_id"),
            Column(
                "status",
                required=True,
                filled=True,
                allowed=("optimal", "bounded", "not_proven", "infeasible", "none_found"),
            ),
            _count("grids"),
            _count("households"),
            Column("violation", "number"),
            Column("extra_pieces", "whole"),
            Column("extra_pieces_bound", "whole"),
            _count("moved_households"),
            Column("inertia", "number"),
            Column("inertia_bound", "number"),
            Column("gap", "number"),
            Column("seconds", "number"),
            Column("witness"),
        ),
    ),
    Table("rules", "", (), (Column("rule", required=True, filled=True), Column("value"))),
)

_COVERAGE_TABLES = (
    Table(
        "buildings",
        "building_id",
        ("polygon", "point"),
        (_id("building_id"), _count("households")),
    ),
    Table(
        "walks",
        "",
        (),
        (
            Column("building_id", required=True, filled=True, refers_to="buildings"),
            Column("category", required=True, filled=True),
            _amount("walk_m"),
            Column("facility_id"),
            Column(
                "status",
                required=True,
                filled=True,
                allowed=(
                    "reached",
                    "beyond_search",
                    "no_facility",
                    "stranded_data",
                    "stranded_barrier",
                    "not_assessed",
                ),
            ),
        ),
    ),
    Table(
        "rates",
        "",
        (),
        (
            Column(
                "subject_type",
                required=True,
                filled=True,
                allowed=("town", "community", "grid", "circle"),
            ),
            Column("subject_id", required=True, filled=True),
            Column("category"),
            Column("indicator"),
            _amount("limit_m"),
            Column("basis", required=True, filled=True),
            *(_amount(name) for name in ("numerator", "numerator_low", "numerator_high", "denominator")),
            *(_amount(name) for name in ("undetermined", "stranded", "snapping_ambiguous")),
            _amount("estimated_share"),
        ),
    ),
    Table(
        "gaps",
        "gap_id",
        ("polygon",),
        (
            _id("gap_id"),
            Column("category", required=True, filled=True),
            _amount("limit_m"),
            _count("households"),
            _count("buildings"),
            _amount("nearest_m"),
            Column("cause"),
        ),
    ),
)


def _by_name(tables: tuple[Table, ...]) -> Mapping[str, Table]:
    return MappingProxyType({table.name: table for table in tables})


TABLES = _by_name(_TABLES)
PLAN_TABLES = _by_name(_PLAN_TABLES)
COVERAGE_TABLES = _by_name(_COVERAGE_TABLES)

COMMON_COLUMNS = (
    Column("source"),
    Column("as_of", "date"),
    Column("valid_from", "date"),
    Column("valid_to", "date"),
)
