"""The names of parts: fixed labels, then the previous labels they carry on, then new numbers."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from spatial.grids.instance import Instance, IntArray

__all__ = ["named", "weight_moved"]


def named(instance: Instance, labels: IntArray) -> IntArray:
    """Return a plan with its parts named so that the most weight keeps its label."""
    own, where = np.unique(labels, return_inverse=True)
    names = np.full(own.size, -1, dtype=np.int64)
    held = instance.fixed >= 0
    names[where[held]] = instance.fixed[held]
    free = np.flatnonzero(names < 0)
    old = np.setdiff1d(np.unique(instance.previous[instance.previous >= 0]), names)
    if old.size and free.size:
        row = np.full(own.size, -1)
        row[free] = np.arange(free.size)
        column = np.searchsorted(old, instance.previous)
        shared = (row[where] >= 0) & np.isin(instance.previous, old)
        kept = np.zeros((free.size, old.size))
        np.add.at(kept, (row[where[shared]], column[shared]), instance.weights[shared])
        rows, columns = linear_sum_assignment(-kept)
        real = kept[rows, columns] > 0
        names[free[rows[real]]] = old[columns[real]]
    fresh = np.flatnonzero(names < 0)
    first_unit = np.full(own.size, instance.units)
    np.minimum.at(first_unit, where, np.arange(instance.units))
    used = max(int(instance.fixed.max()), int(instance.previous.max()))
    names[fresh[np.argsort(first_unit[fresh])]] = used + 1 + np.arange(fresh.size)
    return names[where]


def weight_moved(instance: Instance, labels: IntArray) -> float:
    """Weight of units whose label, once parts are `named`, is not their previous one."""
    return float(instance.weights[(instance.previous >= 0) & (labels != instance.previous)].sum())
