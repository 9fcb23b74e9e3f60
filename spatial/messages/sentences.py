"""Sentences that are kept in a table and read in either language.

Prose in a package is in the language it was written in.  Beside it stand its *sentences*: keys of the
catalogues with their values, as JSON, from which the prose can be written again in another language.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from spatial.messages import text

__all__ = ["Sentence", "packed", "said", "unpacked"]


@dataclass(frozen=True)
class Sentence:
    """One text of the catalogues with its values.

    Attributes
    ----------
    key : entry of the catalogues
    values : what the braces of the entry name; a list of names is joined as the language does
    """

    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    def text(self, language: str | None = None) -> str:
        """Return the sentence in a language; the current one when None.

        Examples
        --------
        >>> Sentence("common.table", {"table": "grids"}).text("en")
        'table grids'
        """
        separator = text("common.separator", language=language)
        values = {
            name: separator.join(map(str, value)) if isinstance(value, (list, tuple)) else value
            for name, value in self.values.items()
        }
        return text(self.key, language=language, **values)


def said(sentences: Iterable[Sentence], language: str | None = None) -> str:
    """Return sentences as prose, each once; '' when there is none."""
    return " ".join(dict.fromkeys(one.text(language) for one in sentences))


def packed(sentences: Iterable[Sentence]) -> str | None:
    """Return sentences as JSON, None when there is none."""
    records = [{"key": one.key, "values": dict(one.values)} for one in sentences]
    return json.dumps(records, ensure_ascii=False) if records else None


def unpacked(record: str) -> tuple[Sentence, ...]:
    """Return the sentences of a JSON text made by `packed`."""
    return tuple(Sentence(one["key"], one["values"]) for one in json.loads(record))
