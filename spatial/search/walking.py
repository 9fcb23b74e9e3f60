"""Walks from every node to the nearest of some seeds, on plain numbers of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
import numpy.typing as npt

from spatial.errors import UsageError
from spatial.network import CLOSED, STEPS_PER_M, Arcs, Network
from spatial.search.kernel import FAR, HALF, apart_at, fill, search

__all__ = [
    "NOBODY",
    "Labels",
    "Seeds",
    "label",
    "label_each",
    "limit_label",
    "limit_steps",
    "limits_steps",
    "walk",
]

NOBODY = -1
"""Number in place of a seed where none reaches."""

# Seeds searched at once; measured between 8 and 64, where it hardly matters.
_BATCH = 16

Numbers = npt.NDArray[np.int32]
Words = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Seeds:
    """Where walks may end, in the order of the nodes.

    Attributes
    ----------
    node : (k,) node
    label : (k,) label a walk has that ends there: steps already walked, and what the seed stands for
    """

    node: Numbers
    label: Words

    @classmethod
    def sorted(cls, node: Numbers, cost: Numbers, number: Numbers) -> Seeds:
        """Make seeds of nodes, of steps already walked, and of numbers; leave out those beyond reach."""
        order = np.argsort(node, kind="stable")
        order = order[cost[order] < CLOSED]
        return cls(node[order], (cost[order].astype(np.int64) << HALF) | number[order])

    def numbered(self, numbers: Words) -> Seeds:
        """Return the seeds of some numbers."""
        rows = np.flatnonzero(np.isin(self.label & ((1 << HALF) - 1), numbers))
        return Seeds(self.node[rows], self.label[rows])


@dataclass(frozen=True, eq=False)
class Labels:
    """The nearest seed of every node.

    Labels after an edit of the network share the array of those before it, and hold the nodes apart whose
    label is another: on a large network an edit touches few.

    Attributes
    ----------
    count : number of nodes
    shared : (s,) labels of the kernel, by node; nodes beyond have none
    node : (k,) nodes whose label is another, ascending
    own : (k,) their labels
    """

    count: int
    shared: Words
    node: Words
    own: Words

    @classmethod
    def of(cls, words: Words) -> Labels:
        """Hold the labels (n,) of all nodes."""
        none = np.zeros(0, np.int64)
        return cls(len(words), words, none, none)

    @classmethod
    def empty(cls, count: int) -> Labels:
        """Return the labels of ``count`` nodes that nothing reaches yet."""
        return cls.of(np.full(count, FAR, np.int64))

    @cached_property
    def words(self) -> Words:
        """(n,) labels of the kernel; the shared array itself where no other label is held apart."""
        if not len(self.node) and self.count == len(self.shared):
            return self.shared
        words = np.append(self.shared, np.full(self.count - len(self.shared), FAR))
        words[self.node] = self.own
        return words

    def at(self, nodes: Words) -> Words:
        """Return the labels of some nodes."""
        found: Words = apart_at(self.shared, self.node, self.own, nodes)
        return found

    @property
    def cost(self) -> Numbers:
        """(n,) steps to the nearest seed; `CLOSED` where none is within the limit."""
        return (self.words >> HALF).astype(np.int32)

    @property
    def origin(self) -> Numbers:
        """(n,) its number; `NOBODY` where there is none."""
        return np.where(self.words == FAR, NOBODY, self.words).astype(np.int32)

    def copied(self) -> Labels:
        """Return labels of their own, to be improved."""
        return Labels.of(self.words.copy())


def limit_steps(limit_m: float) -> int:
    """Return a limit in whole steps, at most what a label can hold."""
    return int(limits_steps(limit_m))


def limits_steps(limit_m: npt.ArrayLike) -> Words:
    """Return several limits in whole steps."""
    return np.minimum(np.floor(np.asarray(limit_m) * STEPS_PER_M + 0.5), CLOSED - 1).astype(np.int64)


def limit_label(limit_m: float) -> int:
    """Return the greatest label within a limit."""
    return ((limit_steps(limit_m) + 1) << HALF) - 1


def label(network: Network, seeds: Seeds, limit_m: float, labels: Labels | None = None) -> Labels:
    """Label every node with its nearest seed within a limit, or improve the labels given, in place."""
    labels = labels or Labels.empty(network.node_count)
    _search(network.arcs, seeds, limit_m, labels)
    return labels


def _search(arcs: Arcs, seeds: Seeds, limit_m: float, labels: Labels) -> None:
    search(arcs.start, arcs.inward, seeds.node, seeds.label, _BATCH, limit_label(limit_m), labels.words)


def label_each(
    network: Network, groups: Sequence[Seeds], limit_m: Sequence[float], threads: int = 1
) -> list[Labels]:
    """Label the nodes once for each group of seeds, in threads: the kernel holds no lock."""
    _ = network.arcs
    with ThreadPoolExecutor(max_workers=threads) as pool:
        return list(pool.map(lambda job: label(network, *job), zip(groups, limit_m, strict=True)))


def walk(
    network: Network, seeds: tuple[npt.ArrayLike, npt.ArrayLike], limit_m: float
) -> tuple[npt.NDArray[np.float64], Words]:
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
    >>> distance, nearest = walk(network, ([2], [10.0]), 100.0)
    >>> distance.tolist(), nearest.tolist()
    ([inf, 60.0, 10.0], [-1, 0, 0])
    """
    node, start_m = np.asarray(seeds[0], np.int64), np.asarray(seeds[1], float)
    if len(node) != len(start_m) or ((node < 0) | (node >= network.node_count)).any():
        raise UsageError("network.seed_out_of_range", count=len(node), nodes=network.node_count)
    if not (start_m >= 0).all():
        raise UsageError("network.start_out_of_range", seed=int(np.argmax(~(start_m >= 0))))
    cost = np.minimum(np.rint(start_m * STEPS_PER_M), CLOSED).astype(np.int64)
    number = np.arange(len(node), dtype=np.int32)

    chains = network.chains
    place = chains.place[node]
    at_junction = place >= 0
    inner = -1 - place[~at_junction]
    chain = chains.chain[inner]
    out = [(place[at_junction], cost[at_junction], number[at_junction])]
    for end, way in ((0, chains.from_start), (1, chains.from_end)):
        out.append((chains.ends[chain, end], cost[~at_junction] + way[inner], number[~at_junction]))
    at, walked, of = (np.concatenate(parts) for parts in zip(*out, strict=True))
    junctions = Labels.empty(len(chains.junction))
    _search(
        network.folded, Seeds.sorted(at, np.minimum(walked, CLOSED).astype(np.int32), of), limit_m, junctions
    )

    inside = Labels.empty(len(chains.inner))
    limit = limit_label(limit_m)
    own = (cost[~at_junction] << HALF) | number[~at_junction]
    np.minimum.at(inside.words, inner[own <= limit], own[own <= limit])
    fill(chains.first, chains.ends, chains.back, chains.on, junctions.words, limit, inside.words)
    distance = np.empty(network.node_count)
    nearest = np.empty(network.node_count, np.int64)
    _spell(junctions.words, chains.junction, distance, nearest)
    _spell(inside.words, chains.inner, distance, nearest)
    return distance, nearest


@numba.njit(cache=True, nogil=True)
def _spell(words: Words, node: Numbers, distance: npt.NDArray[np.float64], nearest: Words) -> None:
    """Write labels as metres and numbers of seeds, at their nodes."""
    for place in range(len(words)):
        if words[place] == FAR:
            distance[node[place]], nearest[node[place]] = np.inf, NOBODY
        else:
            distance[node[place]] = (words[place] >> HALF) / STEPS_PER_M
            nearest[node[place]] = words[place] & ((1 << HALF) - 1)
