"""Rates: what share is covered, and how surely.

Of every subject and limit: covered (the numerator), the whole (the denominator), and what cannot be
told (undetermined); the rest is uncovered.  Beside them stand the numerators of a limit a tenth
shorter and longer, what hangs on which street a building is attached to (``snapping_ambiguous``),
what no walk joins to any service (``stranded``), and the part of the whole that is estimated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from spatial.lifecircle.subjects import Basis, Subjects
from spatial.lifecircle.survey import Status, Walks
from spatial.search import limits_steps

__all__ = ["Figures", "Indicator", "Question", "covered_share"]

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SENSITIVITY = 0.1
"""Share by which the limit is moved to see how much a rate hangs on it."""

_COUNTED = ("numerator", "numerator_low", "numerator_high", "undetermined", "stranded", "snapping_ambiguous")
_COVERED, _LOW, _HIGH, _UNDETERMINED, _STRANDED, _AMBIGUOUS = range(len(_COUNTED))


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


@dataclass(frozen=True)
class Question:
    """What one rate asks of every building: whether services are within a limit.

    Attributes
    ----------
    category, indicator : what the rate is named after; one of them is None
    limit_m : longest walk that counts, metres
    parts : the categories asked for, by number; -1 for one the town knows nothing of
    any_of : whether one part is enough; otherwise each must be within the limit
    basis : the only basis it counts, None for all
    """

    category: str | None
    indicator: str | None
    limit_m: float
    parts: tuple[int, ...]
    any_of: bool = True
    basis: str | None = None

    @classmethod
    def of(cls, indicator: Indicator, categories: Sequence[str]) -> Question:
        """Return the question of an indicator, given the categories assessed."""
        parts = tuple(categories.index(one) if one in categories else -1 for one in indicator.categories)
        return cls(None, indicator.indicator, indicator.limit_m, parts, indicator.any_of, indicator.basis)

    def answer(self, walks: Walks) -> tuple[Flags, Flags]:
        """Return (b,) which buildings are covered, and of which that cannot be told."""
        answers = _answers([self], walks, np.arange(walks.steps.shape[1]))
        return answers[_COVERED, 0], answers[_UNDETERMINED, 0]


def _answers(questions: Sequence[Question], walks: Walks, buildings: Ints) -> Flags:
    """Return (counted × question × building) flags, in the order of the figures that are counted."""
    part = np.array([one for question in questions for one in question.parts], np.int64)
    sizes = [len(question.parts) for question in questions]
    limit_m = np.repeat([question.limit_m for question in questions], sizes)
    flags = _of_parts(part, limit_m, walks, buildings)
    if all(size == 1 for size in sizes):
        return flags
    answers = np.empty((len(_COUNTED), len(questions), len(buildings)), bool)
    first = 0
    for number, question in enumerate(questions):
        answers[:, number] = _of_several(flags[:, first : first + sizes[number]], any_of=question.any_of)
        first += sizes[number]
    return answers


def _of_parts(part: Ints, limit_m: Floats, walks: Walks, buildings: Ints) -> Flags:
    rows = np.ix_(part, buildings)

    def steps_of(factor: float) -> Ints:
        return limits_steps(limit_m * factor)[:, None]

    steps, status, limit = walks.steps[rows], walks.status[rows], steps_of(1.0)
    flags = np.stack(
        [
            steps <= limit,
            steps <= steps_of(1 - SENSITIVITY),
            steps <= steps_of(1 + SENSITIVITY),
            (status == Status.STRANDED_DATA) | (status == Status.NOT_ASSESSED),
            (status == Status.STRANDED_DATA) | (status == Status.STRANDED_BARRIER),
            (walks.least[rows] <= limit) & (walks.most[rows] > limit),
        ]
    )
    unknown = part < 0
    flags[:, unknown] = False
    flags[_UNDETERMINED, unknown] = True
    return flags


def _of_several(flags: Flags, *, any_of: bool) -> Flags:
    """Join the flags (counted × part × building) of the parts of a question.

    Of *any*, a building is covered when one part covers it, and undetermined when none does but one
    cannot be told; of *each*, it is uncovered when one part does not cover it for sure.
    """
    gather = np.logical_or if any_of else np.logical_and
    joined: Flags = gather.reduce(flags, axis=1)
    doubt = flags[_UNDETERMINED].any(axis=0)
    missed = (~flags[_COVERED] & ~flags[_UNDETERMINED]).any(axis=0)
    joined[_UNDETERMINED] = doubt & ~(joined[_COVERED] if any_of else missed)
    joined[_STRANDED] = flags[_STRANDED].all(axis=0)
    joined[_AMBIGUOUS] = flags[_AMBIGUOUS].any(axis=0)
    return joined


@dataclass(frozen=True, eq=False)
class Figures:
    """The figures of every subject, question and basis.

    Attributes
    ----------
    subjects, questions, bases : whom they are about, what they ask, what they count
    counted : for each basis, (counted × subject × question) sums
    """

    subjects: Subjects
    questions: tuple[Question, ...]
    bases: tuple[Basis, ...]
    counted: tuple[Floats, ...]

    @classmethod
    def of(
        cls, subjects: Subjects, bases: Sequence[Basis], questions: Sequence[Question], walks: Walks
    ) -> Figures:
        """Sum the answers to the questions up over the buildings of each subject."""
        everything = np.arange(walks.steps.shape[1])
        answers = _answers(questions, walks, everything)
        counted = tuple(_sums(subjects, basis, answers) for basis in bases)
        return cls(subjects, tuple(questions), tuple(bases), counted)

    def updated(self, before: Walks, after: Walks, buildings: Ints) -> Figures:
        """Return the figures after walks of no other than some buildings have changed."""
        changed = buildings[before.differ(after, buildings).any(axis=0)]
        if not len(changed):
            return self
        old, new = (_answers(self.questions, walks, changed) for walks in (before, after))
        difference = new.astype(np.int8) - old.astype(np.int8)
        asked = np.flatnonzero(difference.any(axis=(0, 2)))
        if not len(asked):
            return self
        share = self.subjects.share[:, changed].tocoo()
        subjects, place = np.unique(share.row, return_inverse=True)
        # All bases in one product: a block of rows, a row to a subject concerned, for each basis.
        weights = np.nan_to_num([basis.weight[changed] for basis in self.bases])
        block = np.repeat(np.arange(len(self.bases)) * len(subjects), len(place))
        weighted = csr_array(
            (
                (share.data * weights[:, share.col]).ravel(),
                (block + np.tile(place, len(self.bases)), np.tile(share.col, len(self.bases))),
            ),
            shape=(len(self.bases) * len(subjects), len(changed)),
        )
        flat = difference[:, asked].reshape(-1, len(changed)).T.astype(np.float64)
        sums = (weighted @ flat).reshape(len(self.bases), len(subjects), len(_COUNTED), len(asked))
        counted = []
        for basis, own in zip(sums, self.counted, strict=True):
            fresh = own.copy()
            fresh[:, subjects[:, None], asked] += basis.transpose(1, 0, 2)
            counted.append(fresh)
        return replace(self, counted=tuple(counted))

    def table(self) -> pd.DataFrame:
        """Return the table ``rates``: one row to a subject, a question and a basis.

        Where nothing is known of a subject's basis, its figures are null.
        """
        known = {basis.name: number for number, basis in enumerate(self.bases)}
        names = [*known, *sorted({one.basis for one in self.questions if one.basis} - set(known))]
        frames = []
        for name in names:
            asked = [place for place, one in enumerate(self.questions) if one.basis in (None, name)]
            if name not in known:
                asked = [place for place, one in enumerate(self.questions) if one.basis == name]
            frames.append(self._rows(name, asked, known.get(name)))
        return pd.concat(frames, ignore_index=True)

    def _rows(self, name: str, asked: list[int], number: int | None) -> pd.DataFrame:
        count = len(self.subjects.kind)
        questions = [self.questions[place] for place in asked]
        figures = {figure: np.full((count, len(asked)), np.nan) for figure in _COUNTED}
        whole, estimated = np.full(count, np.nan), np.full(count, np.nan)
        if number is not None:
            basis = self.bases[number]
            weight = np.nan_to_num(basis.weight)
            whole = np.asarray(self.subjects.share @ weight)
            known, missing = (
                np.asarray(self.subjects.share @ flags.astype(float)) > 0
                for flags in (~np.isnan(basis.weight), np.isnan(basis.weight))
            )
            # Where shops alone have a number, a zero, nothing is known of the homes.
            unknown = ~known | ((whole == 0) & missing)
            whole = np.where(unknown, np.nan, whole)
            guessed = np.asarray(self.subjects.share @ (weight * basis.estimated))
            estimated = np.divide(guessed, whole, out=estimated, where=whole > 0)
            for figure, sums in zip(_COUNTED, self.counted[number], strict=True):
                figures[figure] = np.where(unknown[:, None], np.nan, sums[:, asked])
        figures["denominator"] = np.repeat(whole[:, None], len(asked), axis=1)
        figures["estimated_share"] = np.repeat(estimated[:, None], len(asked), axis=1)
        texts = {
            "subject_type": np.repeat(self.subjects.kind, len(asked)),
            "subject_id": np.repeat(self.subjects.subject_id, len(asked)),
            "category": np.tile(np.array([one.category for one in questions], object), count),
            "indicator": np.tile(np.array([one.indicator for one in questions], object), count),
        }
        ordered = (
            "numerator",
            "numerator_low",
            "numerator_high",
            "denominator",
            *_COUNTED[3:],
            "estimated_share",
        )
        return pd.DataFrame(
            {
                **{column: pd.array(values, "string") for column, values in texts.items()},
                "limit_m": pd.array(np.tile([one.limit_m for one in questions], count), "Float64"),
                "basis": pd.array(np.full(count * len(asked), name, object), "string"),
                **{figure: _nullable(figures[figure].ravel()) for figure in ordered},
            }
        )


def _sums(subjects: Subjects, basis: Basis, answers: Flags) -> Floats:
    """Sum (counted × question × building) answers up to (counted × subject × question)."""
    counted, questions, buildings = answers.shape
    flat = answers.reshape(counted * questions, buildings).T * np.nan_to_num(basis.weight)[:, None]
    sums: Floats = np.asarray(subjects.share @ flat).reshape(len(subjects.kind), counted, questions)
    return np.ascontiguousarray(sums.transpose(1, 0, 2))


def _nullable(values: Floats) -> pd.arrays.FloatingArray:
    return pd.arrays.FloatingArray(values, np.isnan(values))
