"""Judged: the value of one indicator for several territories, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spatial.standards.quantities import Said
from spatial.standards.rating import Reason

__all__ = ["Judged", "Reasons", "divided"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Judged:
    """One indicator judged on the territories of one kind.

    Attributes
    ----------
    value : (t,) in the unit of the indicator; not-a-number where not assessed
    target : the value that scores 100
    numerator, denominator, undetermined : (t,) what the value is made of; not-a-number where unknown, the
        numerator where not assessed
    estimated : (t,) part of the denominator that is estimated
    reason : (t,) why it was not assessed, None where it was
    accepted : (t,) whether the rule is kept whatever the value, because another rule holds instead
    said : source and date of the data
    factor : the value is factor · numerator / denominator
    shared : whether the value is the share of the parts that comply, in place of the indicator's own unit
    """

    value: Floats
    target: float
    numerator: Floats
    denominator: Floats
    undetermined: Floats
    estimated: Floats
    reason: Objects
    accepted: Flags
    said: Said
    factor: float = 1.0
    shared: bool = False

    @property
    def assessed(self) -> Flags:
        """(t,) whether there is a value."""
        return np.array([one is None for one in self.reason], bool)

    @property
    def score(self) -> Floats:
        """(t,) 100 · min(1, value / target), not-a-number where not assessed."""
        reached = 100 * np.minimum(1.0, self.value / self.target)
        return np.where(self.assessed, np.where(self.accepted, 100.0, reached), np.nan)

    def taken(self, places: Ints, otherwise: Reason) -> Judged:
        """Return what was judged at some places; where a place is -1, the reason instead."""
        missing = places < 0

        def take(values: Floats) -> Floats:
            return np.append(values, np.nan)[places]

        reason = np.array([*self.reason, otherwise], object)[places]
        none = Said.same(len(places))
        return replace(
            self,
            value=take(self.value),
            numerator=take(self.numerator),
            denominator=take(self.denominator),
            undetermined=take(self.undetermined),
            estimated=take(self.estimated),
            reason=reason,
            accepted=np.append(self.accepted, False)[places],
            said=self.said[np.maximum(places, 0)].where(~missing, none) if len(self.value) else none,
        )


class Reasons:
    """Reasons against a value, gathered; of each territory the first one stands."""

    def __init__(self, count: int) -> None:
        self.found: Objects = np.full(count, None, object)

    def add(self, where: Flags, because: Callable[[int], Reason] | Reason) -> None:
        """Give a reason, the same or one made for each territory, where none stands yet."""
        for place in np.flatnonzero(where):
            if self.found[place] is None:
                self.found[place] = because if isinstance(because, Reason) else because(int(place))

    def drop(self, where: Flags) -> None:
        """Take the reasons back where they do not matter."""
        self.found[where] = None


def divided(
    numerator: Floats,
    denominator: Floats,
    reasons: Reasons,
    said: Said,
    *,
    target: float,
    factor: float = 1.0,
    undetermined: Floats | None = None,
    estimated: Floats | None = None,
    accepted: Flags | None = None,
) -> Judged:
    """Return factor · numerator / denominator where there is no reason against it.

    Where the denominator is 0 there is nothing to judge, and that is the reason.
    """
    count = len(numerator)
    reasons.add(~(denominator > 0), Reason.of("nobody"))
    told = np.array([one is None for one in reasons.found], bool)
    value = np.full(count, np.nan)
    np.divide(factor * numerator, denominator, out=value, where=told)
    return Judged(
        value=value,
        target=target,
        numerator=np.where(told, numerator, np.nan),
        denominator=denominator,
        undetermined=np.zeros(count) if undetermined is None else undetermined,
        estimated=np.zeros(count) if estimated is None else np.nan_to_num(estimated),
        reason=reasons.found,
        accepted=np.zeros(count, bool) if accepted is None else accepted & told,
        said=said,
        factor=factor,
    )
