"""What a certificate says in words, made from the solver's witnesses.

A plan keeps each text twice: as prose in the language of the drawing, for those who open the package
in a GIS, and as sentences (`spatial.messages.sentences`), for those who read it in the other language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from spatial.grids.certificate import Witness
from spatial.grids.division import Division
from spatial.grids.fabric import Fabric
from spatial.messages.sentences import Sentence, packed, said, unpacked

__all__ = ["exception_sentences", "kept", "retold", "subject_name", "witness_sentences"]

_NAMES_SHOWN = 5
_SENTENCES = {"witness": "witness_sentences", "exception_reason": "exception_sentences"}


def kept(column: str, sentences: Iterable[Sentence]) -> dict[str, str | None]:
    """Return what a row holds of some sentences: the column's prose, and the sentences beside it."""
    sentences = tuple(sentences)
    return {column: said(sentences) or None, _SENTENCES[column]: packed(sentences)}


def retold(row: Mapping[str, object] | pd.Series, column: str, language: str | None = None) -> str | None:
    """Return a row's ``witness`` or ``exception_reason`` in a language, None when it has none.

    A row without sentences (made elsewhere, or before they were kept) is given in its own language.
    """
    prose, sentences = row.get(column), row.get(_SENTENCES[column])
    if not isinstance(prose, str):
        return None
    return said(unpacked(sentences), language) if isinstance(sentences, str) else prose


def witness_sentences(
    witnesses: Iterable[Witness], fabric: Fabric, units: Iterable[int]
) -> tuple[Sentence, ...]:
    """Return what witnesses say.

    Parameters
    ----------
    units : the town's numbers of the units that the witnesses count from 0
    """
    numbers = list(units)
    return tuple(
        Sentence(
            f"grids.witness.{one.kind}",
            {
                "units": [subject_name(fabric, numbers[unit]) for unit in one.units[:_NAMES_SHOWN]],
                "count": len(one.units),
                **{key: round(value) for key, value in one.values.items()},
            },
        )
        for one in witnesses
    )


def exception_sentences(division: Division, certificates: pd.DataFrame) -> dict[str, Sequence[Sentence]]:
    """Return why grids lie outside the window, by grid_id.

    Parameters
    ----------
    certificates : of the communities; the witness of a community explains a grid that nothing else does
    """
    rules, weight, grids = division.fabric.rules, division.weight, division.grids
    unit_weight = division.fabric.units["weight"].to_numpy(dtype=float)
    communities = division.fabric.town.communities["name"]
    known = certificates.get("witness_sentences", pd.Series(dtype=object)).dropna()
    basic = division.is_basic
    outside = basic & ((weight < rules.lower) | (weight > rules.upper))
    sentences: dict[str, Sequence[Sentence]] = {}
    for grid in np.flatnonzero(outside):
        community_id = grids["community_id"].iloc[grid]
        siblings = (grids["community_id"] == community_id).to_numpy(dtype=bool) & basic
        inhabited = np.flatnonzero((division.grid == grid) & (unit_weight > 0))
        values: dict[str, object] = {
            "households": round(weight[grid]),
            "lower": rules.lower,
            "upper": rules.upper,
        }
        if weight[grid] < rules.lower and siblings.sum() == 1:
            values["name"] = str(communities[community_id])
            reason: Sequence[Sentence] = (Sentence("grids.exception.community", values),)
        elif weight[grid] > rules.upper and len(inhabited) == 1:
            values["name"] = subject_name(division.fabric, int(inhabited[0]))
            reason = (Sentence("grids.exception.unit", values),)
        elif community_id in known.index:
            reason = unpacked(str(known[community_id]))
        else:
            reason = (Sentence("grids.exception.other", values),)
        sentences[str(grids.index[int(grid)])] = reason
    return sentences


def subject_name(fabric: Fabric, unit: int) -> str:
    """Return the name of a unit's building or estate, its id where it has none."""
    subject = fabric.units["subject_id"].iloc[unit]
    table = fabric.town.estates if fabric.units["kind"].iloc[unit] == "estate" else fabric.town.buildings
    name = table["name"].get(subject) if subject in table.index else None
    return str(subject) if name is None or pd.isna(name) else str(name)
