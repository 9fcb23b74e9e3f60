"""Where files enter and leave: packages, office formats and OpenStreetMap extracts."""

from spatial.io.packages import (
    read_coverage,
    read_plan,
    read_tables,
    read_town,
    write_coverage,
    write_plan,
    write_town,
)

__all__ = [
    "read_coverage",
    "read_plan",
    "read_tables",
    "read_town",
    "write_coverage",
    "write_plan",
    "write_town",
]
