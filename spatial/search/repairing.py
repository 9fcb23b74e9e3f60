"""Labels after an edit of the network: what came the old way is forgotten and found again, the rest stays.

The result equals a search from scratch, at the cost of the neighbourhood that the edit touches.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from spatial.network import CLOSED, Network
from spatial.search.kernel import AS_BELOW, FAR, HALF, forget, labels_of, search_again
from spatial.search.walking import Labels, Seeds, limit_label

__all__ = ["Repair"]

Words = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Repair:
    """An edit of a network, for which labels are repaired.

    Attributes
    ----------
    before, after : the networks; the second has all the nodes of the first, and may have more
    closed : edges of the network before that can no longer be walked
    opened : edges of the network after that could not be walked before
    """

    before: Network
    after: Network
    closed: Words
    opened: Words

    def concerns(self, labels: Labels) -> bool:
        """Return whether the edit changes any label."""
        if self.after.node_count > labels.count or len(self._through(labels)):
            return True
        ends = self.after.edge_nodes[self.opened].astype(np.int64)
        offers = self._across(labels.at(ends.ravel()).reshape(-1, 2))
        return bool((offers.label < labels.at(offers.node.astype(np.int64))).any())

    def repaired(self, labels: Labels, seeds: Seeds, limit_m: float, gone: Seeds) -> tuple[Labels, Words]:
        """Return the labels after the edit, and the nodes whose label is another than before.

        Parameters
        ----------
        labels : nearest seeds before
        seeds : every seed there is now
        limit_m : the limit of the search, metres
        gone : seeds of before that have moved, or are no longer there
        """
        shared, fresh = labels.shared, self._fresh
        added = np.arange(len(shared), self.after.node_count)
        fresh[added] = FAR
        fresh[labels.node] = labels.own
        left = gone.node[labels.at(gone.node.astype(np.int64)) == gone.label]
        roots = np.concatenate([left.astype(np.int64), self._through(labels)])
        arcs = self.before.arcs
        lost = forget(arcs.start, arcs.inward, roots, fresh, shared)

        ends = self.after.edge_nodes[self.opened].astype(np.int64)
        bridged = self._across(labels_of(fresh, shared, ends.ravel()).reshape(-1, 2))
        at, value = np.concatenate([seeds.node, bridged.node]), np.concatenate([seeds.label, bridged.label])
        arcs = self.after.arcs
        visited = search_again(arcs.start, arcs.inward, at, value, lost, limit_label(limit_m), fresh, shared)

        touched = np.unique(np.concatenate([added, labels.node, lost, visited]))
        words = labels_of(fresh, shared, touched)
        fresh[touched] = AS_BELOW
        apart = words != Labels.of(shared).at(touched)
        after = Labels(self.after.node_count, shared, touched[apart], words[apart])
        return after, touched[words != labels.at(touched)]

    @cached_property
    def _fresh(self) -> Words:
        """(n,) labels laid over those before; between two repairs all of them are as below."""
        return np.full(self.after.node_count, AS_BELOW, np.int64)

    def _through(self, labels: Labels) -> Words:
        """Return the ends of closed edges whose labels came along the edge."""
        ends = self.before.edge_nodes[self.closed].astype(np.int64)
        cost = self.before.cost[self.closed].astype(np.int64)
        words = labels.at(ends.ravel()).reshape(-1, 2)
        # Along the edge one walks from its start to its end: the start may owe its label to the end.
        owing: Words = ends[words == words[:, ::-1] + (cost << HALF)]
        return owing

    def _across(self, words: Words) -> Seeds:
        """Return what the ends of opened edges, which have some labels (k, 2), offer each other as seeds."""
        ends, cost = self.after.edge_nodes[self.opened], self.after.cost[self.opened].astype(np.int64)
        other = words[:, ::-1]
        known = (other != FAR) & (cost < CLOSED)
        return Seeds(ends[known], other[known] + (cost[known] << HALF))
