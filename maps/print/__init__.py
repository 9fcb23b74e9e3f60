"""Print: plans on paper, as PDF ready for the wall: town sheet, community atlas, and public notices."""

from maps.print.formats import PRINT_FORMATS, Printed, PrintFormat, print_plan
from maps.print.marks import Marks
from maps.print.notices import write_notices
from maps.print.sheets import write_atlas, write_town_sheet

__all__ = [
    "PRINT_FORMATS",
    "Marks",
    "PrintFormat",
    "Printed",
    "print_plan",
    "write_atlas",
    "write_notices",
    "write_town_sheet",
]
