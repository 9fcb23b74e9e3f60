"""Formats for paper: the registry that the command line and the service read.

A format is one registered function with its name, its media type, its file ending, and what is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType

from maps.print.marks import Marks
from maps.print.notices import write_notices
from maps.print.sheets import write_atlas, write_town_sheet
from spatial.errors import UsageError
from spatial.findings import Finding, Report, Severity
from spatial.grids.plan import Plan
from spatial.ledgers import Ledgers
from spatial.messages import text
from spatial.town import Town

__all__ = ["PRINT_FORMATS", "PrintFormat", "Printed", "print_plan"]


@dataclass(frozen=True)
class Printed:
    """What is printed.

    Attributes
    ----------
    town, plan : the town and its grids
    ledgers : workers and telephones for notices, or None
    marks : what the office puts on its papers
    day : day of printing; today when None
    """

    town: Town
    plan: Plan
    ledgers: Ledgers | None = None
    marks: Marks = field(default_factory=Marks)
    day: date | None = None


@dataclass(frozen=True)
class PrintFormat:
    """A kind of paper.

    Attributes
    ----------
    name : its name on the command line
    media_type, extension : of the file
    write : writes it
    """

    name: str
    media_type: str
    extension: str
    write: Callable[[Printed, Path], None]

    @property
    def lost(self) -> str:
        """What the paper cannot hold of the plan, in the current language."""
        return text(f"print.lost.{self.name}")


def _town_sheet(what: Printed, path: Path) -> None:
    write_town_sheet(what.town, what.plan, path, marks=what.marks, printed=what.day)


def _atlas(what: Printed, path: Path) -> None:
    write_atlas(what.town, what.plan, path, marks=what.marks, printed=what.day)


def _notices(what: Printed, path: Path) -> None:
    write_notices(what.town, what.plan, path, ledgers=what.ledgers, marks=what.marks, printed=what.day)


PRINT_FORMATS: Mapping[str, PrintFormat] = MappingProxyType(
    {
        one.name: one
        for one in (
            PrintFormat("town-sheet", "application/pdf", ".pdf", _town_sheet),
            PrintFormat("atlas", "application/pdf", ".pdf", _atlas),
            PrintFormat("notices", "application/pdf", ".pdf", _notices),
        )
    }
)
"""Every kind of paper by its name."""


def print_plan(what: Printed, path: Path | str, *, to: str) -> Report:
    """Print a plan.

    Parameters
    ----------
    what : what is printed
    path : the file to write
    to : one of `PRINT_FORMATS`

    Returns
    -------
    Report
        A warning when the plan was drawn for other data of the town.

    Raises
    ------
    UsageError
        If the format is unknown, the plan is of another town, or there is nothing to print.
    FileError
        If the machine has no font for the texts, or the file cannot be written.
    """
    if to not in PRINT_FORMATS:
        raise UsageError("io.export_format_unknown", format=to, known=", ".join(PRINT_FORMATS))
    town, plan = what.town, what.plan
    if not plan.assignment["building_id"].isin(town.buildings.index).any():
        raise UsageError("print.other_town", town=town.name)
    drawn_for = plan.provenance.get("town_fingerprint", "")
    same = not drawn_for or drawn_for == town.fingerprint()
    PRINT_FORMATS[to].write(what, Path(path))
    return Report(() if same else (Finding.of(Severity.WARNING, "print.other_data", town=town.name),))
