"""Better plans where units of no group are many: each joined to the group it goes with, then clusters.

Where ungrouped units are too many to be groups of their own, a plan tells which group each of them goes
with: the nearest one in its part.  Joined to it, they leave few enough groups for the exact way of
`spatial.grids.clusters`, whose plan is often better; it tells anew where they go.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from spatial.grids.bounds import group_graph, piece_table
from spatial.grids.clock import Clock
from spatial.grids.clusters import prove_by_clusters
from spatial.grids.instance import Instance, IntArray, extra_pieces, plan_inertia

__all__ = ["improved_by_attaching"]

_ROUNDS = 4


def improved_by_attaching(
    instance: Instance, labels: IntArray, rng: np.random.Generator, *, clock: Clock
) -> IntArray:
    """Return a plan with as many parts that is no worse in extra pieces, then inertia."""
    parts = int(labels.max()) + 1
    best, best_key = labels, _key(instance, labels)
    for _ in range(_ROUNDS):
        if clock.out():
            break
        attached = replace(instance, groups=_nearest_groups(instance, best))
        table = piece_table(attached, group_graph(attached), parts, hurried=True)
        if table is None or not table.exact or table.clusters(parts) < 0:
            break
        found = prove_by_clusters(
            attached, table, parts, rng, clock=clock, report=_silent, drafts_only=True
        ).labels
        if found is None or _key(instance, found) >= best_key:
            break
        best, best_key = found, _key(instance, found)
    return best


def _key(instance: Instance, labels: IntArray) -> tuple[int, float]:
    return extra_pieces(instance, labels), round(plan_inertia(instance, labels), 6)


def _silent(labels: IntArray | None, upper: float, lower: float) -> None:
    """Tell nobody: these are bounds of another instance."""


def _nearest_groups(instance: Instance, labels: IntArray) -> IntArray:
    """Group of each unit; of an ungrouped one that which is fewest steps away within its part, or −1."""
    groups = instance.groups.copy()
    grouped = np.flatnonzero(groups >= 0)
    source = np.repeat(np.arange(instance.units), np.diff(instance.pointers))
    inside = labels[source] == labels[instance.neighbours]
    graph = csr_array(
        (np.ones(int(inside.sum())), (source[inside], instance.neighbours[inside])),
        shape=(instance.units, instance.units),
    )
    steps, _, nearest = dijkstra(
        graph, directed=False, unweighted=True, indices=grouped, min_only=True, return_predecessors=True
    )
    loose = (groups < 0) & np.isfinite(steps)
    groups[loose] = instance.groups[nearest[loose]]
    return groups
