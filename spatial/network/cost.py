"""What walking costs, in whole numbers, so that sums are exact on every machine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spatial.errors import UsageError

__all__ = ["CLOSED", "STEPS_PER_M", "steps"]

STEPS_PER_M = 10_000
"""A *step* is a tenth of a millimetre."""

CLOSED = 2**30 - 1
"""Cost of an edge that may not be walked, about 107 km: the sum of two costs still fits 31 bits."""


def steps(length_m: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Return lengths in whole steps, at least one each, so that no edge is free.

    Raises
    ------
    UsageError
        If a length is negative, not a number, or longer than a cost can hold (about 107 km).
    """
    lengths = np.asarray(length_m, float)
    wrong = ~((lengths >= 0) & (lengths * STEPS_PER_M < CLOSED - 1))
    if wrong.any():
        raise UsageError("network.length_out_of_range", count=int(wrong.sum()), edge=int(np.argmax(wrong)))
    rounded: npt.NDArray[np.int32] = np.maximum(np.rint(lengths * STEPS_PER_M), 1).astype(np.int32)
    return rounded
