"""Rates: what share is covered, and how surely.

Of every subject and limit: covered (the numerator), the whole (the denominator), and what cannot be
told (undetermined); the rest is uncovered.  Beside them stand the numerators of a limit a tenth
shorter and longer, what hangs on which street a building is attached to (``snapping_ambiguous``),
what no walk joins to any service (``stranded``), and the part of the whole that is estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from spatial.lifecircle.subjects import Basis, Subjects
from spatial.lifecircle.survey import CategoryWalks, Status
from spatial.search import limit_steps

__all__ = ["Indicator", "Target", "covered_share", "rates_of", "target_of", "target_of_several"]

Flags = npt.NDArray[np.bool_]
SENSITIVITY = 0.1
"""Share by which the limit is moved to see how much a rate hangs on it."""


_FIGURES = (
    "numerator",
    "numerator_low",
    "numerator_high",
    "denominator",
    "undetermined",
    "stranded",
    "snapping_ambiguous",
    "estimated_share",
)


def covered_share(rates: pd.DataFrame) -> pd.Series:
    """Return the share covered (0 to 1) of each row of rates; null where nothing could be assessed.

    A rate is assessed when at least a part of its denominator is determined.
    """
    figures = rates[["numerator", "denominator", "undetermined"]].astype("Float64")
    assessed = (figures["denominator"] > figures["undetermined"].fillna(0)).fillna(value=False)
    return (figures["numerator"] / figures["denominator"]).where(assessed)


@dataclass(frozen=True)
class Indicator:
    """A coverage indicator of a profile.

    Attributes
    ----------
    indicator : its id
    categories : ids of the categories it asks for
    limit_m : longest walk that counts, metres
    basis : what it counts: households, residents, buildings or an age group
    any_of : whether one category within the limit is enough; otherwise each must be
    """

    indicator: str
    categories: tuple[str, ...]
    limit_m: float
    basis: str
    any_of: bool = True


@dataclass(frozen=True, eq=False)
class Target:
    """What one rate asks of every building.

    Attributes
    ----------
    category, indicator : what the rate is named after; one of them is None
    limit_m : longest walk that counts, metres
    basis : the only basis it counts, None for all
    covered, covered_low, covered_high, ambiguous, undetermined, stranded : (b,) flags
    """

    category: str | None
    indicator: str | None
    limit_m: float
    basis: str | None
    covered: Flags
    covered_low: Flags
    covered_high: Flags
    ambiguous: Flags
    undetermined: Flags
    stranded: Flags


def target_of(category: str, walks: CategoryWalks, limit_m: float) -> Target:
    """Ask which buildings have a service of a category within a limit."""
    limit = limit_steps(limit_m)
    covered = walks.steps <= limit
    status = walks.status
    return Target(
        category=category,
        indicator=None,
        limit_m=limit_m,
        basis=None,
        covered=covered,
        covered_low=walks.steps <= limit_steps(limit_m * (1 - SENSITIVITY)),
        covered_high=walks.steps <= limit_steps(limit_m * (1 + SENSITIVITY)),
        ambiguous=(walks.least <= limit) & (walks.most > limit),
        undetermined=(status == Status.STRANDED_DATA) | (status == Status.NOT_ASSESSED),
        stranded=(status == Status.STRANDED_DATA) | (status == Status.STRANDED_BARRIER),
    )


def target_of_several(indicator: Indicator, parts: Sequence[Target]) -> Target:
    """Ask which buildings have one, or each, of several categories.

    Of *any*, a building is covered when one part covers it, and undetermined when none does but one
    cannot be told; of *each*, it is uncovered when one part does not cover it for sure.
    """
    gather = np.logical_or.reduce if indicator.any_of else np.logical_and.reduce
    covered: Flags = gather([part.covered for part in parts])
    doubt: Flags = np.logical_or.reduce([part.undetermined for part in parts])
    missed: Flags = np.logical_or.reduce([~part.covered & ~part.undetermined for part in parts])
    undetermined = doubt & ~covered if indicator.any_of else doubt & ~missed
    return Target(
        category=None,
        indicator=indicator.indicator,
        limit_m=indicator.limit_m,
        basis=indicator.basis,
        covered=covered,
        covered_low=gather([part.covered_low for part in parts]),
        covered_high=gather([part.covered_high for part in parts]),
        ambiguous=np.logical_or.reduce([part.ambiguous for part in parts]),
        undetermined=undetermined,
        stranded=np.logical_and.reduce([part.stranded for part in parts]),
    )


def rates_of(subjects: Subjects, bases: dict[str, Basis], targets: Sequence[Target]) -> pd.DataFrame:
    """Return the table ``rates`` of some targets: one row to a subject, a target and a basis.

    Where nothing is known of a subject's basis, its figures are null.
    """
    frames = []
    for basis in bases.values():
        asked = [target for target in targets if target.basis in (None, basis.name)]
        if asked:
            frames.append(_of_basis(subjects, basis, asked))
    frames += [_unknown(subjects, one) for one in targets if one.basis is not None and one.basis not in bases]
    return pd.concat(frames or [_rows(subjects, [], "", _nothing(subjects, 0))], ignore_index=True)


def _of_basis(subjects: Subjects, basis: Basis, targets: Sequence[Target]) -> pd.DataFrame:
    known = ~np.isnan(basis.weight)
    weight = np.where(known, basis.weight, 0.0)

    def total(name: str) -> npt.NDArray[np.float64]:
        flags = np.stack([getattr(target, name) for target in targets], axis=1)
        return np.asarray(subjects.share @ (flags * weight[:, None]))

    whole = np.asarray(subjects.share @ weight)
    estimated = np.asarray(subjects.share @ (weight * basis.estimated))
    unknown = np.asarray(subjects.share @ known.astype(float)) == 0
    share = np.divide(estimated, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    figures = {
        "numerator": total("covered"),
        "numerator_low": total("covered_low"),
        "numerator_high": total("covered_high"),
        "denominator": np.repeat(whole[:, None], len(targets), axis=1),
        "undetermined": total("undetermined"),
        "stranded": total("stranded"),
        "snapping_ambiguous": total("ambiguous"),
        "estimated_share": np.repeat(share[:, None], len(targets), axis=1),
    }
    for values in figures.values():
        values[unknown] = np.nan
    return _rows(subjects, targets, basis.name, figures)


def _unknown(subjects: Subjects, target: Target) -> pd.DataFrame:
    return _rows(subjects, [target], str(target.basis), _nothing(subjects, 1))


def _nothing(subjects: Subjects, targets: int) -> dict[str, npt.NDArray[np.float64]]:
    return {name: np.full((len(subjects.kind), targets), np.nan) for name in _FIGURES}


def _rows(
    subjects: Subjects, targets: Sequence[Target], basis: str, figures: dict[str, npt.NDArray[np.float64]]
) -> pd.DataFrame:
    count = len(subjects.kind)
    named = {
        "subject_type": np.repeat(subjects.kind, len(targets)),
        "subject_id": np.repeat(subjects.subject_id, len(targets)),
        "category": np.tile(np.array([target.category for target in targets], object), count),
        "indicator": np.tile(np.array([target.indicator for target in targets], object), count),
    }
    limit_m = np.tile([target.limit_m for target in targets], count)
    return pd.DataFrame(
        {
            **{name: pd.array(values, "string") for name, values in named.items()},
            "limit_m": pd.array(limit_m, "Float64"),
            "basis": pd.array(np.full(len(limit_m), basis, object), "string"),
            **{
                name: pd.arrays.FloatingArray(values.ravel(), np.isnan(values.ravel()))
                for name, values in figures.items()
            },
        }
    )
