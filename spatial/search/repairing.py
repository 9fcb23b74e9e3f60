"""Labels after a change: what came the old way is forgotten and found again, the rest stays.

The result equals a search from scratch, at the cost of the neighbourhood that the change touches.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spatial.network import CLOSED, Network
from spatial.search.kernel import FAR, HALF, dependents, search_again
from spatial.search.walking import Labels, Seeds, limit_label

__all__ = ["concerned", "repaired"]

Words = npt.NDArray[np.int64]


def concerned(before: Network, after: Network, labels: Labels, *, closed: Words, opened: Words) -> bool:
    """Return whether closing and opening edges can change any label, new nodes apart.

    The parameters are those of `repaired`.
    """
    if len(_through(before, labels.words, closed)):
        return True
    words = _lengthened(labels.words, after.node_count)
    offers = _across(after, words, opened)
    return bool((offers.label < words[offers.node]).any())


def repaired(
    before: Network,
    after: Network,
    labels: Labels,
    seeds: Seeds,
    limit_m: float,
    *,
    closed: Words,
    opened: Words,
    gone: npt.NDArray[np.int32],
) -> tuple[Labels, Words]:
    """Return the labels of a changed network, given those of the network before, and where they differ.

    Parameters
    ----------
    before, after : the networks; the second has all the nodes of the first, and may have more
    labels : nearest seeds before
    seeds : every seed there is now
    limit_m : the limit of the search, metres
    closed : edges of the network before that can no longer be walked
    opened : edges of the network after that could not be walked before
    gone : numbers of seeds that have moved, or are no longer there

    Returns
    -------
    The labels, and the nodes whose label is another than before; new nodes with a label are among them.
    """
    words = labels.words
    roots = [np.flatnonzero(np.isin(words & ((1 << HALF) - 1), gone) & (words != FAR))] if len(gone) else []
    roots.append(_through(before, words, closed))
    lost = dependents(before.arcs.start, before.arcs.inward, words, np.concatenate(roots))
    fresh = _lengthened(words, after.node_count)
    fresh = fresh.copy() if fresh is words else fresh
    fresh[lost] = FAR
    bridged = _across(after, fresh, opened)
    at, value = np.concatenate([seeds.node, bridged.node]), np.concatenate([seeds.label, bridged.label])
    arcs = after.arcs
    visited = search_again(arcs.start, arcs.inward, at, value, lost, limit_label(limit_m), fresh)
    touched = np.unique(np.concatenate([lost, visited]))
    is_old = touched < len(words)
    differs = ~is_old
    differs[is_old] = fresh[touched[is_old]] != words[touched[is_old]]
    return Labels(fresh), touched[differs]


def _lengthened(words: Words, count: int) -> Words:
    """Return labels of more nodes, the new ones without any; the same array where there are no more."""
    if len(words) == count:
        return words
    return np.concatenate([words, np.full(count - len(words), FAR)])


def _through(network: Network, words: Words, edges: Words) -> Words:
    """Return the ends of edges whose labels came along the edge."""
    ends, cost = network.edge_nodes[edges].astype(np.int64), network.cost[edges].astype(np.int64)
    # Along the edge one walks from its start to its end: the start may owe its label to the end.
    owing = [
        ends[(words[ends[:, end]] == words[ends[:, 1 - end]] + (cost[:, end] << HALF)), end] for end in (0, 1)
    ]
    return np.concatenate(owing)


def _across(network: Network, words: Words, edges: Words) -> Seeds:
    """Return what the ends of edges offer each other as seeds."""
    ends, cost = network.edge_nodes[edges].astype(np.int64), network.cost[edges].astype(np.int64)
    node = np.concatenate([ends[:, 0], ends[:, 1]])
    other = np.concatenate([words[ends[:, 1]], words[ends[:, 0]]])
    step = np.concatenate([cost[:, 0], cost[:, 1]])
    known = (other != FAR) & (step < CLOSED)
    return Seeds(node[known].astype(np.int32), other[known] + (step[known] << HALF))
