# ruff: noqa: C901, PLR0912, PLR0915, PLR0917 - kernels take plain arrays and branch for the compiler
"""Every lawful part whose cut is small, listed: a search that never enters a branch without a small cut.

A part is *rooted* at its first unit in a given order, so each is listed once.  The search decides unit
after unit whether it is in or out.  A flow from the units that are in to those that are out, kept
greatest from step to step, is the least cut of any part the branch can still become: a branch is left
as soon as it exceeds the limit.  So are branches that cannot reach the window, or whose rest of the
graph cannot be cut into lawful parts.

Prices turn the cut into cut − Σ price over the part: a unit is joined by its price to what is in, or by
the price it costs to what is out, at two places beyond the units.

Sets of units are rows of 64-bit words.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from spatial.grids.instance import FloatArray, Instance, IntArray

__all__ = ["Listing", "arcs_back", "members_of"]

Words = NDArray[np.uint64]

_SLACK = 1e-9
_UNDECIDED, _IN, _OUT = 0, 1, 2
_CHUNK = 20_000
_ROWS = 50_000


def arcs_back(pointers: IntArray, neighbours: IntArray) -> IntArray:
    """Return the place of each arc's opposite in the compressed rows."""
    source = np.repeat(np.arange(pointers.size - 1), np.diff(pointers))
    there = np.lexsort((neighbours, source))
    back = np.lexsort((source, neighbours))
    opposite = np.empty(neighbours.size, dtype=np.int64)
    opposite[there] = back
    return opposite


def _with_prices(instance: Instance, price: FloatArray) -> tuple[IntArray, IntArray, FloatArray, IntArray]:
    """Return pointers, neighbours, costs and opposite arcs of the graph with the two places of prices."""
    units = instance.units
    priced = np.flatnonzero(price)
    place = np.where(price[priced] > 0, units, units + 1)
    source = np.concatenate([np.repeat(np.arange(units), np.diff(instance.pointers)), priced, place])
    neighbours = np.concatenate([instance.neighbours, place, priced])
    costs = np.concatenate([instance.costs, np.abs(price[priced]), np.abs(price[priced])])
    order = np.argsort(source, kind="stable")
    pointers = np.append(0, np.cumsum(np.bincount(source, minlength=units + 2)))
    return pointers, neighbours[order], costs[order], arcs_back(pointers, neighbours[order])


class Listing:
    """The search for the parts rooted at one unit, in steps.

    Parameters
    ----------
    order : units; a part belongs to the first of its units in this order
    root_rank : place of the root in it
    parts : of a plan
    limit : greatest cut of a part, or greatest cut − Σ price
    prices : (n,) of the units, 0 when None
    most : parts found at which a step ends
    """

    def __init__(
        self,
        instance: Instance,
        order: IntArray,
        root_rank: int,
        parts: int,
        limit: float,
        prices: FloatArray | None = None,
        most: int = _CHUNK,
    ) -> None:
        units = instance.units
        self.done = False  # whether the list is complete
        self._words = (units + 63) // 64
        self._instance = instance
        self._parts = parts
        self._most = most
        price = np.zeros(units) if prices is None else prices
        self._limit = limit + float(np.maximum(price, 0.0).sum())
        self._graph = _with_prices(instance, price)
        self._state = np.zeros(units + 2, dtype=np.int8)
        self._state[order[:root_rank]] = _OUT
        self._state[units:] = _IN, _OUT
        self._root = int(order[root_rank])
        self._flow = np.zeros((units + 2, self._graph[1].size))
        self._value = np.zeros(units + 2)
        self._load = np.zeros(units + 2)
        self._branch = np.full(units + 2, -1, dtype=np.int64)
        self._phase = np.zeros(units + 2, dtype=np.int8)
        self._trail = np.empty(2 * units + 2, dtype=np.int64)
        self._mark = np.zeros(units + 3, dtype=np.int64)
        self._place = np.array([-1, 0], dtype=np.int64)  # depth, trail length
        self._found: list[Words] = []
        self._cuts: list[FloatArray] = []

    def advance(self) -> int:
        """Search a step further; return how many nodes of the search it took."""
        instance = self._instance
        sets = np.zeros((self._most, self._words), dtype=np.uint64)
        cuts = np.empty(self._most)
        found, nodes = _search(
            self._root,
            self._parts,
            self._limit,
            instance.weights,
            *self._graph,
            instance.fixed,
            instance.lower,
            instance.upper,
            self._state,
            self._flow,
            self._value,
            self._load,
            self._branch,
            self._phase,
            self._trail,
            self._mark,
            self._place,
            sets,
            cuts,
            _CHUNK,
        )
        self._found.append(sets[:found])
        self._cuts.append(cuts[:found])
        self.done = bool(self._place[0] == -2)
        return int(nodes)

    @property
    def found(self) -> int:
        """Number of parts so far."""
        return sum(len(one) for one in self._cuts)

    @property
    def sets(self) -> Words:
        """The parts as rows of bits, shape (found, words)."""
        return np.concatenate(self._found) if self._found else np.zeros((0, self._words), dtype=np.uint64)

    @property
    def cuts(self) -> FloatArray:
        """Their cuts, shape (found,)."""
        return np.concatenate(self._cuts) if self._cuts else np.zeros(0)


def members_of(sets: Words, units: int) -> csr_array:
    """Return rows of bits as a sparse matrix of ones."""
    blocks = [csr_array((0, units))]
    for begin in range(0, len(sets), _ROWS):
        octets = sets[begin : begin + _ROWS].view(np.uint8)
        bits = np.unpackbits(octets, axis=1, bitorder="little")[:, :units]
        blocks.append(csr_array(bits.astype(np.float64)))
    return csr_array(vstack(blocks, format="csr"))


@njit(cache=True)
def _augment(
    start: int,
    forward: bool,
    room: float,
    state: NDArray[np.int8],
    flow: FloatArray,
    pointers: IntArray,
    neighbours: IntArray,
    costs: FloatArray,
    opposite: IntArray,
    stamp: IntArray,
    queue: IntArray,
    via: IntArray,
    mark: int,
) -> tuple[float, int]:
    """Send more flow from `start` to the units out, or from the units in to `start`; at most `room`."""
    sent = 0.0
    goal = _OUT if forward else _IN
    while sent <= room:
        mark += 1
        queue[0] = start
        stamp[start] = mark
        head, tail, end = 0, 1, -1
        while head < tail and end < 0:
            here = queue[head]
            head += 1
            for at in range(pointers[here], pointers[here + 1]):
                near = neighbours[at]
                if stamp[near] == mark:
                    continue
                arc = at if forward else opposite[at]
                if costs[arc] - flow[arc] <= _SLACK:
                    continue
                if state[near] == goal:
                    via[near] = arc
                    end = near
                    break
                if state[near] != _UNDECIDED:
                    continue
                stamp[near] = mark
                via[near] = arc
                queue[tail] = near
                tail += 1
        if end < 0:
            break
        least = np.inf
        unit = end
        while unit != start:
            arc = via[unit]
            least = min(least, costs[arc] - flow[arc])
            unit = neighbours[opposite[arc]] if forward else neighbours[arc]
        unit = end
        while unit != start:
            arc = via[unit]
            flow[arc] += least
            flow[opposite[arc]] -= least
            unit = neighbours[opposite[arc]] if forward else neighbours[arc]
        sent += least
    return sent, mark


@njit(cache=True)
def _rest_fits(
    parts: int,
    weights: FloatArray,
    pointers: IntArray,
    neighbours: IntArray,
    lower: float,
    upper: float,
    state: NDArray[np.int8],
    stamp: IntArray,
    queue: IntArray,
    mark: int,
) -> bool:
    """Whether each connected piece of what is not in the part could be cut into lawful parts."""
    fewest, most = 0, 0
    for start in range(weights.size):
        if state[start] == _IN or stamp[start] == mark:
            continue
        load = 0.0
        queue[0] = start
        stamp[start] = mark
        head, tail = 0, 1
        while head < tail:
            here = queue[head]
            head += 1
            load += weights[here]
            for at in range(pointers[here], pointers[here + 1]):
                near = neighbours[at]
                if near < weights.size and state[near] != _IN and stamp[near] != mark:
                    stamp[near] = mark
                    queue[tail] = near
                    tail += 1
        low = max(1, int(np.ceil(load / upper - _SLACK)))
        high = parts if lower <= 0 else min(parts, int(np.floor(load / lower + _SLACK)))
        if low > high:
            return False
        fewest += low
        most += high
    return fewest <= parts - 1 <= most


@njit(cache=True)
def _holds_fixed(fixed: IntArray, state: NDArray[np.int8]) -> bool:
    """Whether the part holds units of at most one label, and all of that label."""
    held = -1
    for unit in range(fixed.size):
        if state[unit] == _IN and fixed[unit] >= 0:
            if held >= 0 and fixed[unit] != held:
                return False
            held = fixed[unit]
    if held >= 0:
        for unit in range(fixed.size):
            if fixed[unit] == held and state[unit] != _IN:
                return False
    return True


@njit(cache=True)
def _search(
    root: int,
    parts: int,
    limit: float,
    weights: FloatArray,
    pointers: IntArray,
    neighbours: IntArray,
    costs: FloatArray,
    opposite: IntArray,
    fixed: IntArray,
    lower: float,
    upper: float,
    state: NDArray[np.int8],
    flow: FloatArray,
    value: FloatArray,
    load: FloatArray,
    branch: IntArray,
    phase: NDArray[np.int8],
    trail: IntArray,
    trail_mark: IntArray,
    place: IntArray,
    sets: Words,
    cuts: FloatArray,
    nodes_at_most: int,
) -> tuple[int, int]:
    """Go on where `place` says; stop when the list is full, after so many nodes, or at the end."""
    units = weights.size
    # beyond the units: a place that is in and one that is out
    stamp = np.zeros(units + 2, dtype=np.int64)
    queue = np.empty(units + 3, dtype=np.int64)
    via = np.empty(units + 2, dtype=np.int64)
    away = np.empty(units)
    queued = np.zeros(units, dtype=np.bool_)
    mark = 0
    found = nodes = 0
    depth, length = place[0], place[1]
    entering = False
    if depth == -1:
        # the root is in; flow to what is out from the beginning
        state[root] = _IN
        load[0] = weights[root]
        depth, length = 0, 0
        trail_mark[0] = 0
        value[0] = 0.0
        for start in (root, units):
            more, mark = _augment(
                start,
                True,
                limit - value[0] + _SLACK,
                state,
                flow[0],
                pointers,
                neighbours,
                costs,
                opposite,
                stamp,
                queue,
                via,
                mark,
            )
            value[0] += more
        entering = True
    while True:
        if entering:
            nodes += 1
            entering = False
            branch[depth] = -1
            dead = value[depth] > limit + _SLACK or load[depth] > upper + _SLACK
            if not dead:
                # what the part can still reach within the window, by lightest paths; the rest is out
                mark += 1
                room = upper - load[depth] + _SLACK
                head = tail = 0
                for unit in range(units):
                    if state[unit] == _IN:
                        away[unit] = 0.0
                        stamp[unit] = mark
                        queue[tail] = unit
                        tail += 1
                reach = load[depth]
                waiting = tail
                while waiting > 0:
                    here = queue[head]
                    head = (head + 1) % units
                    waiting -= 1
                    queued[here] = False
                    for at in range(pointers[here], pointers[here + 1]):
                        near = neighbours[at]
                        if state[near] != _UNDECIDED:
                            continue
                        far = away[here] + weights[near]
                        if far > room or (stamp[near] == mark and far >= away[near]):
                            continue
                        if stamp[near] != mark:
                            stamp[near] = mark
                            reach += weights[near]
                        away[near] = far
                        if not queued[near]:
                            queued[near] = True
                            queue[tail % units] = near
                            tail = (tail + 1) % units
                            waiting += 1
                dead = reach < lower - _SLACK
                if not dead:
                    reached = mark
                    for unit in range(units):
                        if state[unit] == _UNDECIDED and stamp[unit] != reached:
                            state[unit] = _OUT
                            trail[length] = unit
                            length += 1
                            stamp[unit] = -1
                    for at_trail in range(trail_mark[depth], length):
                        unit = trail[at_trail]
                        if state[unit] == _OUT and stamp[unit] == -1:
                            more, mark = _augment(
                                unit,
                                False,
                                limit - value[depth] + _SLACK,
                                state,
                                flow[depth],
                                pointers,
                                neighbours,
                                costs,
                                opposite,
                                stamp,
                                queue,
                                via,
                                mark,
                            )
                            value[depth] += more
                            if value[depth] > limit + _SLACK:
                                dead = True
                                break
            if not dead:
                # the unit whose decision costs most
                most = -1.0
                for unit in range(units):
                    if state[unit] != _UNDECIDED:
                        continue
                    joined = decided = 0.0
                    for at in range(pointers[unit], pointers[unit + 1]):
                        if state[neighbours[at]] == _IN and neighbours[at] < units:
                            joined += costs[at] + 1e-6
                        elif state[neighbours[at]] != _UNDECIDED:
                            decided += costs[at]
                    if joined > 0 and joined + decided > most:
                        most = joined + decided
                        branch[depth] = unit
                if branch[depth] < 0:
                    mark += 1
                    if (
                        load[depth] >= lower - _SLACK
                        and _holds_fixed(fixed, state)
                        and _rest_fits(
                            parts,
                            weights,
                            pointers,
                            neighbours,
                            lower,
                            upper,
                            state,
                            stamp,
                            queue,
                            mark,
                        )
                    ):
                        cuts[found] = 0.0
                        for unit in range(units):
                            if state[unit] != _IN:
                                continue
                            sets[found, unit >> 6] |= np.uint64(1) << np.uint64(unit & 63)
                            for at in range(pointers[unit], pointers[unit + 1]):
                                if neighbours[at] < units and state[neighbours[at]] == _OUT:
                                    cuts[found] += costs[at]
                        found += 1
                    dead = True
                else:
                    phase[depth] = 0
            if dead:
                branch[depth] = -1
        # leave what has no more branches
        while depth >= 0 and (branch[depth] < 0 or phase[depth] == 2):
            while length > trail_mark[depth]:
                length -= 1
                state[trail[length]] = _UNDECIDED
            depth -= 1
            if depth >= 0 and phase[depth] > 0:
                state[branch[depth]] = _UNDECIDED
        if depth < 0:
            place[0] = -2
            return found, nodes
        if found >= cuts.size or nodes >= nodes_at_most:
            place[0], place[1] = depth, length
            return found, nodes
        unit = branch[depth]
        state[unit] = _IN if phase[depth] == 0 else _OUT
        load[depth + 1] = load[depth] + (weights[unit] if phase[depth] == 0 else 0.0)
        flow[depth + 1, :] = flow[depth]
        more, mark = _augment(
            unit,
            phase[depth] == 0,
            limit - value[depth] + _SLACK,
            state,
            flow[depth + 1],
            pointers,
            neighbours,
            costs,
            opposite,
            stamp,
            queue,
            via,
            mark,
        )
        value[depth + 1] = value[depth] + more
        phase[depth] += 1
        depth += 1
        trail_mark[depth] = length
        entering = True
