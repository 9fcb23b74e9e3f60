"""Walks from every node to the nearest of some seeds, on plain numbers of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spatial.errors import UsageError
from spatial.network import CLOSED, STEPS_PER_M, Network
from spatial.search.kernel import NOBODY, search

__all__ = ["Labels", "Seeds", "label", "label_each", "limit_steps", "walk"]

# Seeds searched at once; measured between 8 and 32, where it hardly matters.
_BATCH = 16

Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Seeds:
    """Where walks may end.

    Attributes
    ----------
    slot : (k,) slot of the network
    cost : (k,) steps that a walk which ends there already has
    number : (k,) what the seed stands for; at equal cost the lower number is the nearest
    """

    slot: Numbers
    cost: Numbers
    number: Numbers

    @classmethod
    def sorted(cls, slot: Numbers, cost: Numbers, number: Numbers) -> Seeds:
        """Put seeds in the order in which the network stores its nodes, and leave out unreachable ones."""
        order = np.argsort(slot, kind="stable")
        order = order[cost[order] != CLOSED]
        return cls(slot[order], cost[order], number[order])


@dataclass(frozen=True, eq=False)
class Labels:
    """The nearest seed of every slot.

    Attributes
    ----------
    cost : (n,) steps to it; `CLOSED` where none is within the limit
    origin : (n,) its number; `NOBODY` where there is none
    """

    cost: Numbers
    origin: Numbers

    @classmethod
    def empty(cls, count: int) -> Labels:
        """Return the labels of ``count`` slots that nothing reaches yet."""
        return cls(np.full(count, CLOSED, np.int32), np.full(count, NOBODY, np.int32))


def limit_steps(limit_m: float) -> int:
    """Return a limit in whole steps, at most what a label can hold."""
    return int(min(np.floor(limit_m * STEPS_PER_M + 0.5), CLOSED - 1))


def label(network: Network, seeds: Seeds, limit_m: float, labels: Labels | None = None) -> Labels:
    """Label every slot with its nearest seed within a limit, or improve the labels given, in place."""
    labels = labels or Labels.empty(network.node_count)
    arcs = network.arcs
    search(
        arcs.start,
        arcs.inward,
        seeds.slot,
        seeds.cost,
        seeds.number,
        _BATCH,
        limit_steps(limit_m),
        labels.cost,
        labels.origin,
    )
    return labels


def label_each(
    network: Network, groups: Sequence[Seeds], limit_m: Sequence[float], threads: int = 1
) -> list[Labels]:
    """Label the slots once for each group of seeds, in threads: the kernel holds no lock."""
    _ = network.arcs
    with ThreadPoolExecutor(max_workers=threads) as pool:
        return list(pool.map(lambda job: label(network, *job), zip(groups, limit_m, strict=True)))


def walk(
    network: Network, seeds: tuple[npt.ArrayLike, npt.ArrayLike], limit_m: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the walk from every node to the nearest seed.

    Parameters
    ----------
    network : nodes and edges; `Network.of_edges` makes one of plain arrays
    seeds : node numbers (k,), and the distance in metres (k,) that each starts with
    limit_m : longest walk looked for, metres

    Returns
    -------
    The distance of every node in metres, infinity beyond the limit, exact to the tenth of a
    millimetre an edge is rounded to; and the place in ``seeds`` of its nearest, -1 for none. Of
    seeds equally near it is the first.

    Raises
    ------
    UsageError
        If a seed is no node, or its distance is negative or not a number.

    Examples
    --------
    >>> network = Network.of_edges([(0, 1), (1, 2)], [100.0, 50.0])
    >>> walk(network, ([2], [10.0]), 100.0)
    (array([inf, 60., 10.]), array([-1,  0,  0]))
    """
    node, start_m = np.asarray(seeds[0], np.int64), np.asarray(seeds[1], float)
    if len(node) != len(start_m) or ((node < 0) | (node >= network.node_count)).any():
        raise UsageError("network.seed_out_of_range", count=len(node), nodes=network.node_count)
    if not (start_m >= 0).all():
        raise UsageError("network.start_out_of_range", seed=int(np.argmax(~(start_m >= 0))))
    cost = np.minimum(np.rint(start_m * STEPS_PER_M), CLOSED).astype(np.int32)
    labels = label(
        network, Seeds.sorted(network.slot[node], cost, np.arange(len(node), dtype=np.int32)), limit_m
    )
    reached = labels.cost[network.slot]
    distance = np.where(reached == CLOSED, np.inf, reached / STEPS_PER_M)
    return distance, labels.origin[network.slot].astype(np.int64)
