"""Tiny towns by brute force: bounds never above a plan, the optimum found, infeasibility proved."""

import numpy as np
import pytest
from scipy.spatial import Delaunay

from spatial.grids.bounds import _table_with_store, group_graph, piece_table
from spatial.grids.instance import Instance, extra_pieces, part_inertia
from spatial.grids.partition import partition


def tiny(seed):
    """A random town of 5 to 9 units: a thinned Delaunay graph, two to four estates, a window."""
    rng = np.random.default_rng(seed)
    units = int(rng.integers(5, 10))
    place = rng.uniform(0, 400, (units, 2)).round(1)
    triangles = Delaunay(place).simplices
    edges = np.unique(np.sort(triangles[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2)), axis=0)
    for at in rng.permutation(len(edges))[: int(rng.integers(0, 4))]:
        fewer = np.delete(edges, at, axis=0) if at < len(edges) else edges
        if len(Instance.build(np.ones(units), fewer, lower=1, upper=9, coordinates=place).components()) == 1:
            edges = fewer
    weights = rng.integers(60, 260, units)
    groups = None
    if rng.random() < 0.7:
        centres = place[rng.choice(units, int(rng.integers(2, 5)), replace=False)]
        groups = np.argmin(np.linalg.norm(place[:, None] - centres[None], axis=2), axis=1)
        groups[rng.random(units) < 0.15] = -1
    sides = (place[:, 0] > 200).astype(int)
    upper = int(rng.integers(300, 560))
    lower = int(upper * rng.uniform(0.5, 0.85))
    more = {"coordinates": place, "groups": groups, "sides": sides, "side_penalty_m": 150.0}
    return weights, edges, {"lower": lower, "upper": upper, **more}


def lawful_parts(instance):
    """Cost of every connected set of units inside the window, by its bits."""
    units = instance.units
    reach = np.zeros(units, dtype=np.int64)
    for unit in range(units):
        near = instance.neighbours[instance.pointers[unit] : instance.pointers[unit + 1]]
        reach[unit] = np.bitwise_or.reduce(1 << near, initial=0)
    cost = {}
    for mask in range(1, 1 << units):
        members = members_of(mask)
        if not instance.lower <= instance.weights[members].sum() <= instance.upper:
            continue
        seen, grown = mask & -mask, 0
        while grown != seen:
            grown = seen
            seen |= int(np.bitwise_or.reduce(reach[members_of(seen)])) & mask
        if seen == mask:
            cost[mask] = part_inertia(instance, members)[0] / instance.total
    return cost


def members_of(mask):
    return np.flatnonzero([mask >> unit & 1 for unit in range(mask.bit_length())])


def every_best(instance):
    """Least (extra pieces, inertia) of a lawful plan for each count, by trying every plan."""
    cost = lawful_parts(instance)
    best = {}

    def extend(left, chosen, value):
        if left:
            for mask, one in cost.items():
                if mask & left == mask and mask & (left & -left):
                    extend(left ^ mask, [*chosen, mask], value + one)
            return
        labels = np.empty(instance.units, dtype=np.int64)
        for part, mask in enumerate(chosen):
            labels[members_of(mask)] = part
        key = (extra_pieces(instance, labels), value)
        best[len(chosen)] = min(best.get(len(chosen), (10**9, 0.0)), key)

    extend((1 << instance.units) - 1, [], 0.0)
    return best


@pytest.mark.parametrize(
    "batch", [*range(5), *(pytest.param(batch, marks=pytest.mark.soak) for batch in range(5, 10))]
)
def test_the_optimum_of_tiny_towns_is_found_and_proved(batch):
    for seed in range(batch * 50, batch * 50 + 50):
        weights, edges, more = tiny(seed)
        instance = Instance.build(weights, edges, **more)
        best = every_best(instance)
        labels, certificate = partition(weights, edges, **more, rng=np.random.default_rng(seed))
        if not best:
            assert certificate.status == "infeasible", seed
            assert certificate.violation > 0, seed
            continue
        assert certificate.violation == 0, seed
        extra, value = best[certificate.parts]
        assert certificate.extra_pieces_bound <= extra, seed
        assert certificate.extra_pieces == extra == min(one[0] for one in best.values()), seed
        assert certificate.objective == pytest.approx(value, rel=1e-6), seed
        if certificate.bound is not None and certificate.extra_pieces == certificate.extra_pieces_bound:
            assert certificate.bound <= value * (1 + 1e-9), seed
        assert extra_pieces(instance, labels) == extra, seed


def test_a_given_count_is_held_and_its_optimum_found():
    for seed in range(600, 640):
        weights, edges, more = tiny(seed)
        best = every_best(Instance.build(weights, edges, **more))
        for parts, (extra, value) in best.items():
            _, certificate = partition(weights, edges, parts=parts, **more)
            assert certificate.parts == parts
            assert certificate.extra_pieces == extra
            assert certificate.objective == pytest.approx(value, rel=1e-6)


def test_bounds_on_pieces_hold_for_every_count_also_with_a_store():
    for seed in range(200, 300):
        weights, edges, more = tiny(seed)
        instance = Instance.build(weights, edges, **more)
        if len(instance.components()) > 1 or instance.group_count == 0:
            continue
        graph = group_graph(instance)
        table = piece_table(instance, graph, instance.units)
        stored = _table_with_store(instance, graph, instance.units, table.charge_free)
        for parts, (extra, _) in every_best(instance).items():
            assert table.extra_pieces(parts) <= extra, seed
            if stored is not None:
                assert stored.extra_pieces(parts) <= extra, seed


def test_an_estate_in_two_places_is_proved_too():
    column = np.tile(np.arange(4), 3)
    edges = [(i, i + 1) for i in range(12) if i % 4 < 3] + [(i, i + 4) for i in range(8)]
    for seed in range(6):
        weights = np.random.default_rng(seed).integers(80, 130, 12)
        more = {
            "groups": np.where((column == 0) | (column == 3), 0, 1),
            "coordinates": np.column_stack([column, np.arange(12) // 4]) * 100.0,
        }
        best = every_best(Instance.build(weights, edges, lower=280, upper=460, **more))
        for parts, (extra, value) in best.items():
            _, certificate = partition(weights, edges, lower=280, upper=460, parts=parts, **more)
            assert certificate.extra_pieces == certificate.extra_pieces_bound == extra
            assert certificate.status == "optimal"
            assert certificate.objective == pytest.approx(value, rel=1e-6)
