"""Closed streets: nobody passes, while what lies along them is left and reached from either end.

A street is barred once in every stretch between two side streets, in its longest edge.  Doors keep their
place, gates their link.  Which edges bar a street depends on no other closed street, so closing one never
shortens a walk.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spatial.network.noding import VERTEX_STEP_M, Ints
from spatial.network.streets import StreetNetwork

__all__ = ["bars"]


def bars(network: StreetNetwork, streets: Ints) -> Ints:
    """Return the edges that bar streets.

    Parameters
    ----------
    network : the network
    streets : (s,) numbers of the streets to close

    Returns
    -------
    Edges that are open so far, one to a stretch.  Links from gates are no side streets: the shorter way
    from a gate to the end of its stretch stays open.
    """
    own = np.flatnonzero(np.isin(network.street, streets))
    own = own[network.is_entered(own)]
    if not len(own):
        return own
    ends = network.edge_nodes[own]
    there = (network.street >= 0) & (network.closed_by >= 0)
    there[own] = False
    at_side = np.zeros(network.node_count, bool)
    at_side[network.edge_nodes[there]] = True
    uses = np.bincount(ends.ravel(), minlength=network.node_count)
    street = network.street[own]
    mixed = np.zeros(network.node_count, np.int64)
    mixed[ends] = street[:, None]
    one_street = np.ones(network.node_count, bool)
    one_street[ends[mixed[ends] != street[:, None]]] = False
    inner = (uses == 2) & ~at_side & one_street

    # Edges that share an inner node are of one stretch.
    row, end = np.nonzero(inner[ends])
    shared = coo_array(
        (np.ones(len(row)), (row, ends[row, end])), shape=(len(own), network.node_count)
    ).tocsr()
    stretch = connected_components(shared @ shared.T, directed=False)[1]
    xy = network.node_xy[ends].sum(axis=1)
    whole = [np.rint(one / VERTEX_STEP_M).astype(np.int64) for one in (network.length_m[own], *xy.T)]
    order = np.lexsort((*whole[1:], -whole[0], stretch))
    first = np.ones(len(order), bool)
    first[1:] = stretch[order][1:] != stretch[order][:-1]
    barring = own[order[first]]
    fresh: Ints = barring[network.closed_by[barring] == 0]
    return fresh
