"""Where files enter and leave: packages, office formats and OpenStreetMap extracts.

The modules are imported when a name of theirs is asked for: who only reads an extract need not load what
plans and coverages are made of.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spatial.io.assignments import read_grids
    from spatial.io.exporting import EXPORT_FORMATS, export_tables
    from spatial.io.importing import ImportedTables, ImportResult, import_tables, import_town
    from spatial.io.ledgers import read_ledgers, write_ledgers
    from spatial.io.mapping import PROPOSALS, TownMapping, parse_mapping, read_mapping
    from spatial.io.mending import CheckedPackage, check_package, write_account
    from spatial.io.naming import address_parts, match_codes
    from spatial.io.online import download_osm, outline_of
    from spatial.io.packages import (
        read_coverage,
        read_package,
        read_plan,
        read_tables,
        read_town,
        write_coverage,
        write_difference,
        write_plan,
        write_proposal,
        write_town,
        written_whole,
    )
    from spatial.io.reports import write_findings
    from spatial.io.returning import TakenBack, part_of, take_back
    from spatial.io.suggesting import suggest_mapping
    from spatial.io.templating import write_templates

_NAMES = {
    "assignments": ("read_grids",),
    "exporting": ("EXPORT_FORMATS", "export_tables"),
    "importing": ("ImportResult", "ImportedTables", "import_tables", "import_town"),
    "ledgers": ("read_ledgers", "write_ledgers"),
    "mapping": ("PROPOSALS", "TownMapping", "parse_mapping", "read_mapping"),
    "mending": ("CheckedPackage", "check_package", "write_account"),
    "naming": ("address_parts", "match_codes"),
    "online": ("download_osm", "outline_of"),
    "packages": (
        "read_coverage",
        "read_package",
        "read_plan",
        "read_tables",
        "read_town",
        "write_coverage",
        "write_difference",
        "write_plan",
        "write_proposal",
        "write_town",
        "written_whole",
    ),
    "reports": ("write_findings",),
    "returning": ("TakenBack", "part_of", "take_back"),
    "suggesting": ("suggest_mapping",),
    "templating": ("write_templates",),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "EXPORT_FORMATS",
    "PROPOSALS",
    "CheckedPackage",
    "ImportResult",
    "ImportedTables",
    "TakenBack",
    "TownMapping",
    "address_parts",
    "check_package",
    "download_osm",
    "export_tables",
    "import_tables",
    "import_town",
    "match_codes",
    "outline_of",
    "parse_mapping",
    "part_of",
    "read_coverage",
    "read_grids",
    "read_ledgers",
    "read_mapping",
    "read_package",
    "read_plan",
    "read_tables",
    "read_town",
    "suggest_mapping",
    "take_back",
    "write_account",
    "write_coverage",
    "write_difference",
    "write_findings",
    "write_ledgers",
    "write_plan",
    "write_proposal",
    "write_templates",
    "write_town",
    "written_whole",
]


def __getattr__(name: str) -> object:
    """Return a public name from its module."""
    if name not in _MODULES:
        raise AttributeError(name)
    found: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found
