"""Arrivals: the walk from each home to the nearest goal, read from the labels at the ends of its edges."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from spatial.network import CLOSED, Network
from spatial.search.doors import Goals, Homes, along_one_edge
from spatial.search.kernel import FAR, HALF, apart, push, settle
from spatial.search.walking import NOBODY, Labels, Numbers, limit_steps

__all__ = ["Arrivals", "arrivals", "arrivals_within"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Arrivals:
    """The walks of some owners of homes to the nearest goal.

    Attributes
    ----------
    steps : (k,) steps, `CLOSED` beyond the limit
    owner : (k,) owner of the goal, `NOBODY` where none
    least, most : (k,) steps by the most and the least favourable of the candidate edges
    """

    steps: Numbers
    owner: Numbers
    least: Numbers
    most: Numbers


def arrivals(labels: Labels, homes: Homes, goals: Goals, limit_m: float, owners: Ints) -> Arrivals:
    """Return the walks of some owners to the nearest goal.

    Parameters
    ----------
    labels : nearest goals of the nodes, made from the seeds of the goals
    homes : where walks begin
    goals : where they end
    limit_m : longest walk, metres
    owners : (k,) the owners of homes asked for
    """
    begin, end = homes.doors, goals.doors
    return Arrivals(
        *_arrivals(
            labels.shared,
            labels.node,
            labels.own,
            owners.astype(np.int64),
            homes.first,
            homes.rank,
            homes.last,
            homes.choices,
            begin.edge,
            begin.node,
            begin.leave,
            begin.access,
            begin.place,
            begin.along,
            end.edge,
            end.place,
            end.access,
            end.owner,
            limit_steps(limit_m),
        )
    )


def arrivals_within(  # noqa: PLR0917
    network: Network,
    homes: Homes,
    goals: Goals,
    limit_m: float,
    owners: Ints,
    group: Ints,
    group_of_goal: Ints,
    enough: Numbers,
) -> tuple[Numbers, Numbers]:
    """Return the walks of some owners to the nearest goal of their own group, by the edges they use.

    Parameters
    ----------
    network : the network
    homes, goals, limit_m, owners : as in `arrivals`
    group : (k,) group of each owner asked for, ascending
    group_of_goal : group of each door of the goals
    enough : (k,) steps from which on a walk is of no account, and may be missed

    Returns
    -------
    (k,) steps, `CLOSED` beyond the limit or where none was found, and (k,) owner of the goal, `NOBODY` where none.
    """
    begin, end = homes.doors, goals.doors
    by_group = np.argsort(group_of_goal, kind="stable")
    found: tuple[Numbers, Numbers] = _arrivals_within(
        network.arcs.start,
        network.arcs.inward,
        owners.astype(np.int64),
        group,
        homes.first,
        homes.rank,
        begin.edge,
        begin.node,
        begin.leave,
        begin.access,
        begin.place,
        begin.along,
        end.edge,
        end.place,
        end.access,
        end.owner,
        end.node,
        end.enter,
        by_group,
        group_of_goal,
        enough,
        limit_steps(limit_m),
    )
    return found


@numba.njit(cache=True, nogil=True)
def _arrivals(  # noqa: PLR0917
    shared: Ints,
    labelled: Ints,
    own: Ints,
    owners: Ints,
    first: Ints,
    rank: Ints,
    last: npt.NDArray[np.bool_],
    choices: int,
    edge: Ints,
    node: Numbers,
    leave: Numbers,
    access: Numbers,
    place: Floats,
    along: Numbers,
    goal_edge: Ints,
    goal_place: Floats,
    goal_access: Numbers,
    goal_owner: Numbers,
    limit: int,
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    steps = np.full(len(owners), CLOSED, np.int32)
    owner = np.full(len(owners), NOBODY, np.int32)
    least = np.full(len(owners), CLOSED, np.int32)
    most = np.full(len(owners), CLOSED, np.int32)
    beyond = (np.int64(limit) + 1) << HALF
    best = np.empty(choices, np.int64)
    for one in range(len(owners)):
        best[:] = beyond
        for door in range(first[owners[one]], first[owners[one] + 1]):
            found = beyond
            for end in range(2):
                label = apart(shared, labelled, own, node[door, end])
                if label != FAR and leave[door, end] != CLOSED:
                    found = min(found, label + (np.int64(leave[door, end] + access[door]) << HALF))
            here = np.searchsorted(goal_edge, edge[door])
            while here < len(goal_edge) and goal_edge[here] == edge[door]:
                between = along_one_edge(along[door], place[door], goal_place[here])
                total = np.int64(between) + access[door] + goal_access[here]
                found = min(found, (total << HALF) | goal_owner[here])
                here += 1
            # The farthest candidate stands for those that a point lacks.
            stop = choices if last[door] else rank[door] + 1
            for choice in range(rank[door], stop):
                best[choice] = min(best[choice], found)
        if best[0] < beyond:
            steps[one], owner[one] = best[0] >> HALF, best[0] & ((1 << HALF) - 1)
        nearest, farthest = best.min(), best.max()
        if nearest < beyond:
            least[one] = nearest >> HALF
        if farthest < beyond:
            most[one] = farthest >> HALF
    return steps, owner, least, most


@numba.njit(cache=True, nogil=True)
def _arrivals_within(  # noqa: C901, PLR0912, PLR0917
    start: Ints,
    arcs: Ints,
    owners: Ints,
    group: Ints,
    first: Ints,
    rank: Ints,
    edge: Ints,
    node: Numbers,
    leave: Numbers,
    access: Numbers,
    place: Floats,
    along: Numbers,
    goal_edge: Ints,
    goal_place: Floats,
    goal_access: Numbers,
    goal_owner: Numbers,
    goal_node: Numbers,
    goal_enter: Numbers,
    by_group: Ints,
    group_of_goal: Ints,
    enough: Numbers,
    limit: int,
) -> tuple[Numbers, Numbers]:
    steps = np.full(len(owners), CLOSED, np.int32)
    owner = np.full(len(owners), NOBODY, np.int32)
    labels = np.full(len(start) - 1, FAR)
    settled = np.empty(1024, np.int64)
    heap = np.empty(1024, np.int64)
    place_of, home = 0, 0
    while home < len(owners):
        mine = group[home]
        farthest, one = 0, home
        while one < len(owners) and group[one] == mine:
            farthest = max(farthest, enough[one])
            one += 1
        beyond = (min(np.int64(limit), np.int64(farthest)) + 1) << HALF
        while place_of < len(by_group) and group_of_goal[by_group[place_of]] < mine:
            place_of += 1
        size, goal = 0, place_of
        while goal < len(by_group) and group_of_goal[by_group[goal]] == mine:
            door = by_group[goal]
            for end in range(2):
                label = ((np.int64(goal_enter[door, end]) + goal_access[door]) << HALF) | goal_owner[door]
                if label < min(beyond, labels[goal_node[door, end]]):
                    labels[goal_node[door, end]] = label
                    heap = push(heap, size, (label >> HALF << HALF) | goal_node[door, end])
                    size += 1
            goal += 1
        heap, settled, taken = settle(start, arcs, labels, None, heap, size, beyond - 1, settled)
        while home < len(owners) and group[home] == mine:
            best = beyond
            for door in range(first[owners[home]], first[owners[home] + 1]):
                if rank[door] > 0:
                    continue
                for end in range(2):
                    label = labels[node[door, end]]
                    if label != FAR and leave[door, end] != CLOSED:
                        best = min(best, label + (np.int64(leave[door, end] + access[door]) << HALF))
                here = np.searchsorted(goal_edge, edge[door])
                while here < len(goal_edge) and goal_edge[here] == edge[door]:
                    if group_of_goal[here] == mine:
                        between = along_one_edge(along[door], place[door], goal_place[here])
                        total = np.int64(between) + access[door] + goal_access[here]
                        best = min(best, (total << HALF) | goal_owner[here])
                    here += 1
            if best < beyond:
                steps[home], owner[home] = best >> HALF, best & ((1 << HALF) - 1)
            home += 1
        for one in range(taken):
            labels[settled[one]] = FAR
    return steps, owner
