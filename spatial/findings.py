"""What was found wrong, said in four parts: expected, found, where, remedy.

A *statement* is one such sentence, kept as a key of the catalogues and its values, so that the same
finding can be read in Chinese or in English and counted by its rule.  A *finding* is a statement
about rows of a table with a severity; a *report* is every finding of a check, never just the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from spatial.messages import catalogue, current_language, text

__all__ = ["Finding", "Report", "Severity", "Statement"]

_IDS_SHOWN = 5


@dataclass(frozen=True)
class Statement:
    """One message in four parts, independent of language.

    Attributes
    ----------
    key : entry of the catalogues that holds the parts ``expected``, ``found``, ``remedy`` and, when
        the place is not a table, ``where``
    values : what the braces of the parts name
    table : table the statement is about, or None
    ids : ids of the rows it is about, all of them; a text shows the first five
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    table: str | None = None
    ids: tuple[str, ...] = ()

    def part(self, name: str, language: str | None = None) -> str:
        """Return one of the four parts in a language; '' when the statement has no place."""
        if name == "where" and f"{self.key}.where" not in catalogue(language or current_language()):
            return self._place(language)
        return text(f"{self.key}.{name}", language=language, **self.values)

    def text(self, language: str | None = None) -> str:
        """Return the four parts as one line of prose."""
        parts = {
            name: text(f"common.{name}", language=language, part=part) if part else ""
            for name in ("expected", "found", "where", "remedy")
            for part in [self.part(name, language)]
        }
        return " ".join(text("common.statement", language=language, **parts).split())

    def _place(self, language: str | None) -> str:
        if self.table is None:
            return ""
        if not self.ids:
            return text("common.table", language=language, table=self.table)
        shown = text("common.separator", language=language).join(self.ids[:_IDS_SHOWN])
        key = "common.rows" if len(self.ids) <= _IDS_SHOWN else "common.rows_more"
        return text(key, language=language, table=self.table, ids=shown, count=len(self.ids))


class Severity(StrEnum):
    """How much a finding stops: an error stops work, a warning changes a figure, a note informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """A statement about rows of a table, with its severity.

    The rule is the last part of the statement's key: ``checks.duplicate_id`` is the rule
    ``duplicate_id``.
    """

    severity: Severity
    statement: Statement

    @classmethod
    def of(
        cls,
        severity: Severity,
        key: str,
        table: str | None = None,
        ids: Iterable[object] = (),
        **values: object,
    ) -> Finding:
        """Make a finding from its parts; all of ``ids`` are kept."""
        return cls(severity, Statement(key, values, table, tuple(str(one) for one in ids)))

    @property
    def rule(self) -> str:
        """Name of the rule that was broken."""
        return self.statement.key.rpartition(".")[2]

    def as_record(self, language: str | None = None) -> dict[str, Any]:
        """Return the finding as plain values, for JSON and for tables."""
        return {
            "severity": self.severity.value,
            "rule": self.rule,
            "table": self.statement.table,
            "ids": list(self.statement.ids),
            **{
                part: self.statement.part(part, language) for part in ("expected", "found", "where", "remedy")
            },
        }


@dataclass(frozen=True)
class Report:
    """Every finding of one check, in the order in which the rules stand."""

    findings: tuple[Finding, ...] = ()

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __add__(self, other: Report) -> Report:
        return Report(self.findings + other.findings)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop work."""
        return tuple(one for one in self.findings if one.severity is Severity.ERROR)

    def of_rule(self, rule: str) -> tuple[Finding, ...]:
        """Return the findings of one rule."""
        return tuple(one for one in self.findings if one.rule == rule)
