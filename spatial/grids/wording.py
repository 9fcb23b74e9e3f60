"""What a certificate says in words, made from the solver's witnesses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from spatial.grids.certificate import Witness
from spatial.grids.division import Division
from spatial.grids.fabric import Fabric
from spatial.messages import text

__all__ = ["exception_words", "subject_name", "witness_words"]

_NAMES_SHOWN = 5


def witness_words(witnesses: Iterable[Witness], fabric: Fabric, units: Iterable[int]) -> str:
    """Return witnesses as prose, '' when there is none.

    Parameters
    ----------
    units : the town's numbers of the units that the witnesses count from 0
    """
    numbers = list(units)
    sentences = []
    for witness in witnesses:
        named = [subject_name(fabric, numbers[one]) for one in witness.units[:_NAMES_SHOWN]]
        values: dict[str, Any] = {key: round(value) for key, value in witness.values.items()}
        sentences.append(
            text(
                f"grids.witness.{witness.kind}",
                units=text("common.separator").join(named),
                count=len(witness.units),
                **values,
            )
        )
    return " ".join(dict.fromkeys(sentences))


def exception_words(division: Division, witnesses: pd.Series) -> dict[str, str]:
    """Return why grids lie outside the window, by grid_id.

    Parameters
    ----------
    witnesses : the words of each community's certificate, null for none
    """
    rules, weight, grids = division.fabric.rules, division.weight, division.grids
    unit_weight = division.fabric.units["weight"].to_numpy(dtype=float)
    communities = division.fabric.town.communities["name"]
    basic = division.is_basic
    outside = basic & ((weight < rules.lower) | (weight > rules.upper))
    words = {}
    for grid in np.flatnonzero(outside):
        community_id = grids["community_id"].iloc[grid]
        siblings = (grids["community_id"] == community_id).to_numpy(dtype=bool) & basic
        inhabited = np.flatnonzero((division.grid == grid) & (unit_weight > 0))
        values = {"households": round(weight[grid]), "lower": rules.lower, "upper": rules.upper}
        if weight[grid] < rules.lower and siblings.sum() == 1:
            reason = text("grids.exception.community", name=communities[community_id], **values)
        elif weight[grid] > rules.upper and len(inhabited) == 1:
            name = subject_name(division.fabric, int(inhabited[0]))
            reason = text("grids.exception.unit", name=name, **values)
        else:
            witness = witnesses.get(community_id)
            known = witness is not None and not pd.isna(witness)
            reason = str(witness) if known else text("grids.exception.other", **values)
        words[str(grids.index[int(grid)])] = reason
    return words


def subject_name(fabric: Fabric, unit: int) -> str:
    """Return the name of a unit's building or estate, its id where it has none."""
    subject = fabric.units["subject_id"].iloc[unit]
    table = fabric.town.estates if fabric.units["kind"].iloc[unit] == "estate" else fabric.town.buildings
    name = table["name"].get(subject) if subject in table.index else None
    return str(subject) if name is None or pd.isna(name) else str(name)
