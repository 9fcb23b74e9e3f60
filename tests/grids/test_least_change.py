"""Redrawing with least change: fewest moved, then fewest pieces, by trying every plan of tiny towns."""

import numpy as np
import pytest

from spatial.grids.instance import Instance, extra_pieces
from spatial.grids.naming import named, weight_moved
from spatial.grids.partition import partition
from tests.grids.test_optimum import lawful_parts, members_of, tiny


def every_plan(instance):
    """Yield the labels and inertia of every lawful plan."""
    cost = lawful_parts(instance)

    def extend(left, chosen, value):
        if left:
            for mask, one in cost.items():
                if mask & left == mask and mask & (left & -left):
                    yield from extend(left ^ mask, [*chosen, mask], value + one)
            return
        labels = np.empty(instance.units, dtype=np.int64)
        for part, mask in enumerate(chosen):
            labels[members_of(mask)] = part
        yield labels, value

    yield from extend((1 << instance.units) - 1, [], 0.0)


def before(instance, seed):
    """Previous labels that a community may come with: grown apart, unequal, some buildings new."""
    rng = np.random.default_rng(1000 + seed)
    seeds = rng.choice(instance.units, int(rng.integers(1, 4)), replace=False)
    near = np.linalg.norm(instance.coordinates[:, None] - instance.coordinates[seeds], axis=2)
    labels = 5 + 2 * near.argmin(axis=1)
    labels[rng.random(instance.units) < 0.15] = -1
    return labels


@pytest.mark.parametrize(
    "batch", [0, *(pytest.param(batch, marks=pytest.mark.soak) for batch in range(1, 10))]
)
def test_no_lawful_plan_moves_less_and_none_that_moves_as_little_is_better(batch):
    followed = 0
    for seed in range(batch * 30, batch * 30 + 30):
        weights, edges, more = tiny(seed)
        weights[np.random.default_rng(seed).random(weights.size) < 0.1] = 0
        labels = before(Instance.build(weights, edges, **more), seed)
        instance = Instance.build(weights, edges, previous=labels, **more)
        target = (instance.lower + instance.upper) / 2
        keys = [
            (
                weight_moved(instance, named(instance, plan)),
                extra_pieces(instance, plan),
                abs(instance.total / (plan.max() + 1) - target),
                inertia,
            )
            for plan, inertia in every_plan(instance)
        ]
        found, certificate = partition(weights, edges, previous=labels, **more)
        if not keys or certificate.status == "infeasible":
            assert not keys
            continue
        assert certificate.moved == certificate.moved_bound == min(keys)[0], seed
        if (found == labels).all():
            continue  # a lawful plan stays as it is, however it could be bettered
        followed += 1
        assert certificate.extra_pieces == certificate.extra_pieces_bound == min(keys)[1], seed
        assert certificate.status == "optimal", seed
        assert certificate.moved == weight_moved(instance, found)
        if (weights > 0).all():
            assert certificate.objective == pytest.approx(min(keys)[3]), seed
    assert followed > 8


def test_a_label_on_both_sides_of_a_river_is_carried_on_by_one():
    proved = 0
    for seed in range(120):
        weights, edges, more = tiny(seed)
        west = np.zeros(len(weights), bool)
        west[np.argsort(Instance.build(weights, edges, **more).coordinates[:, 0])[: len(weights) // 2]] = True
        dry = west[np.asarray(edges)[:, 0]] == west[np.asarray(edges)[:, 1]]
        banks = np.asarray(edges)[dry]
        labels = before(Instance.build(weights, banks, **more), seed)
        instance = Instance.build(weights, banks, previous=labels, **more)
        keys = [
            (weight_moved(instance, named(instance, plan)), extra_pieces(instance, plan), inertia)
            for plan, inertia in every_plan(instance)
        ]
        if not keys:
            continue
        found, certificate = partition(weights, banks, previous=labels, **more)
        best = min(keys)
        assert certificate.moved_bound <= best[0] <= certificate.moved, seed
        if certificate.status == "optimal" and (found != labels).any():
            proved += 1
            assert (certificate.moved, certificate.extra_pieces) == best[:2], seed
    assert proved > 8
