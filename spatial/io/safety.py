"""Formulas in text: a cell that a spreadsheet would run is written so that it stays text.

A text that begins like a formula gets an apostrophe in front, as a person would type it; reading takes
it off again, so that nothing is lost.
"""

from __future__ import annotations

import re

import pandas as pd

__all__ = ["neutral", "neutralised", "restored"]

_FORMULA = r"^(?='*[=+\-@\t\r])"
_NEUTRALISED = r"^'(?='*[=+\-@\t\r])"


def neutral(value: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    Examples
    --------
    >>> neutral("=1+1"), neutral("Elm Court")
    ("'=1+1", 'Elm Court')
    """
    return re.sub(_FORMULA, "'", value)


def neutralised(values: pd.Series) -> pd.Series:
    """Return texts that no spreadsheet takes for formulas; nulls stay nulls."""
    return values.astype("string").str.replace(_FORMULA, "'", regex=True)


def restored(values: pd.Series) -> pd.Series:
    """Return the texts that `neutralised` was given."""
    return values.astype("string").str.replace(_NEUTRALISED, "", regex=True)
