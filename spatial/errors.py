"""The errors of Wangge: one tree, each class named after what failed.

::

    WanggeError
    ├── UsageError         a wrong argument or setting
    │   └── RulesError     a rules, mapping or scenario file that cannot be followed
    ├── FileError          a file that is missing, unreadable or of another kind
    ├── SchemaError        tables that break the town schema (carries the Report)
    ├── CRSError           coordinates in no, or in the wrong, reference system
    ├── KnowledgeError     too little is known for an honest answer
    ├── ConflictError      an old value that no longer holds
    └── SearchError        a solver that found nothing within its limits

Every message has four parts, from the catalogues: what was expected, what was found, where, and
what to do (`spatial.findings.Statement`).  A proved infeasibility is a result, not an error.
"""

from __future__ import annotations

from collections.abc import Sequence

from spatial.findings import Report, Statement

__all__ = [
    "CRSError",
    "ConflictError",
    "FileError",
    "KnowledgeError",
    "RulesError",
    "SchemaError",
    "SearchError",
    "UsageError",
    "WanggeError",
]


class WanggeError(Exception):
    """Base of all errors; holds a `Statement` and reads as its text in the current language.

    Parameters
    ----------
    key : entry of the catalogues with the parts of the message
    table, ids : where, when the place is rows of a table
    values : what the braces of the message name
    """

    def __init__(
        self, key: str, *, table: str | None = None, ids: Sequence[object] = (), **values: object
    ) -> None:
        self.statement = Statement(key, values, table, tuple(str(one) for one in ids))
        super().__init__(key)

    def __str__(self) -> str:
        return self.statement.text()


class UsageError(WanggeError):
    """An argument or setting is wrong."""


class RulesError(UsageError):
    """A rules, mapping or scenario file cannot be followed."""


class FileError(WanggeError):
    """A file is missing, unreadable, or not of the kind that was expected."""


class SchemaError(WanggeError):
    """Tables break the town schema.

    Attributes
    ----------
    report : every finding, errors and others
    """

    def __init__(self, report: Report) -> None:
        first = report.errors[0].statement
        super().__init__(first.key, table=first.table, ids=first.ids, **first.values)
        self.report = report


class CRSError(WanggeError):
    """Coordinates have no reference system, or one that cannot serve here."""


class KnowledgeError(WanggeError):
    """Too little is known for an honest answer."""


class ConflictError(WanggeError):
    """A change names an old value that no longer holds."""


class SearchError(WanggeError):
    """A solver found nothing within its limits; this proves nothing."""
