"""Where files enter and leave: packages, office formats and OpenStreetMap extracts."""

from spatial.io.assignments import read_grids
from spatial.io.importing import ImportResult, import_town
from spatial.io.mapping import TownMapping, parse_mapping, read_mapping
from spatial.io.packages import (
    read_coverage,
    read_plan,
    read_tables,
    read_town,
    write_coverage,
    write_difference,
    write_plan,
    write_town,
)

__all__ = [
    "ImportResult",
    "TownMapping",
    "import_town",
    "parse_mapping",
    "read_coverage",
    "read_grids",
    "read_mapping",
    "read_plan",
    "read_tables",
    "read_town",
    "write_coverage",
    "write_difference",
    "write_plan",
    "write_town",
]
