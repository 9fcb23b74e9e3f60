"""The two catalogues of user-visible text: Chinese first, English second.

A catalogue is a folder of TOML files, one to a room, with the same keys in both languages (a test
holds them equal).  Code names a text by its key, ``room.name``; it never holds the text itself.
Names found in the data (estates, streets, communities) are never translated.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["LANGUAGES", "catalogue", "current_language", "text", "use_language"]

LANGUAGES = ("zh-CN", "en")

_language: ContextVar[str] = ContextVar("wangge_language", default=LANGUAGES[0])


def current_language() -> str:
    """Return the language that texts are written in when none is asked for."""
    return _language.get()


@contextmanager
def use_language(language: str) -> Iterator[None]:
    """Write every text inside the ``with`` block in ``language``.

    Raises
    ------
    KeyError
        If there is no catalogue for the language.

    Examples
    --------
    >>> with use_language("en"):
    ...     text("common.separator")
    ', '
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Return every text of a language by its full key, ``room.name`` or ``room.name.part``."""
    folder = files(__name__) / language
    texts: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            room = file.name.removesuffix(".toml")
            _flatten(room, tomllib.loads(file.read_text(encoding="utf-8")), texts)
    return texts


def _flatten(prefix: str, entries: Mapping[str, Any], into: dict[str, str]) -> None:
    for name, value in entries.items():
        if isinstance(value, Mapping):
            _flatten(f"{prefix}.{name}", value, into)
        else:
            into[f"{prefix}.{name}"] = value


def text(key: str, /, *, language: str | None = None, **values: object) -> str:
    """Return the text of ``key`` with ``values`` filled in.

    Parameters
    ----------
    key : full key, ``room.name``
    language : one of `LANGUAGES`; the current language when None
    values : what the braces of the text name; format specifications are allowed (``{count:,}``)

    Raises
    ------
    KeyError
        If the catalogue has no such key, or a value that the text names was not given.
    """
    return catalogue(language or current_language())[key].format(**values)
