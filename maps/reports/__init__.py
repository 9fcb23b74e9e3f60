"""Reports: what an office files on a rating, as a workbook, a text or a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from maps.reports.chapters import Findings, document
from maps.reports.document import Document
from maps.reports.webpage import write_webpage
from maps.reports.word import write_text
from maps.reports.workbook import write_workbook
from spatial.errors import UsageError
from spatial.messages import current_language, use_language

__all__ = ["REPORT_FORMATS", "Findings", "write_report"]

REPORT_FORMATS: Mapping[str, Callable[[Document, Path], None]] = {
    ".xlsx": write_workbook,
    ".docx": write_text,
    ".html": write_webpage,
}
"""What writes each kind of report, by the ending of its file."""


def write_report(path: Path | str, findings: Findings, language: str | None = None) -> Path:
    """Write a report; its kind is told by the ending of the file, see `REPORT_FORMATS`.

    Parameters
    ----------
    path : the file to write
    findings : what the report is about
    language : one of `spatial.messages.LANGUAGES`; the current language when None

    Returns
    -------
    the path

    Raises
    ------
    UsageError
        If the ending is none of a report.
    FileError
        If the file cannot be written, or the machine has no Chinese font for its maps.
    """
    target = Path(path)
    if target.suffix.lower() not in REPORT_FORMATS:
        raise UsageError("reports.ending_unknown", path=target.name, known=", ".join(REPORT_FORMATS))
    with use_language(language or current_language()):
        REPORT_FORMATS[target.suffix.lower()](document(findings), target)
    return target
