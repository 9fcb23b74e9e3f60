"""An order of points in which near ones stand near each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["morton_order"]

_BITS = 16


def morton_order(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the order of points along a Z-shaped curve: points near in the plane stand near in it."""
    if len(xy) == 0:
        return np.zeros(0, np.int64)
    low = np.nanmin(xy, axis=0)
    span = max(float((np.nanmax(xy, axis=0) - low).max()), 1e-9)
    cells = np.nan_to_num((xy - low) / span * (2**_BITS - 1)).astype(np.uint64)
    order: npt.NDArray[np.int64] = np.argsort(
        _spread(cells[:, 0]) | (_spread(cells[:, 1]) << np.uint64(1)), kind="stable"
    )
    return order


def _spread(cells: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return numbers with a zero between any two of their bits."""
    steps_and_masks: Sequence[tuple[int, int]] = (
        (8, 0x00FF00FF),
        (4, 0x0F0F0F0F),
        (2, 0x33333333),
        (1, 0x55555555),
    )
    spread = cells
    for shift, mask in steps_and_masks:
        spread = (spread | (spread << np.uint64(shift))) & np.uint64(mask)
    return spread
