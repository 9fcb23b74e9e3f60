"""Least cut inside tight windows: optima, proofs and only plans, checked by other means."""

import highspy
import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array

from benchmarks.cut_graphs import SETS, graph
from spatial.grids.cutting.pricing import Pricing
from spatial.grids.instance import Instance
from spatial.grids.partition import partition


def connected(edges, labels):
    whole = nx.Graph(np.asarray(edges).tolist())
    return all(nx.is_connected(whole.subgraph(np.flatnonzero(labels == one))) for one in np.unique(labels))


def cut_of(edges, costs, labels):
    ends = labels[np.asarray(edges)]
    return costs[ends[:, 0] != ends[:, 1]].sum()


def lawful(problem, labels, parts):
    load = np.bincount(labels, weights=problem["weights"])
    assert load.size == parts
    assert load.min() >= problem["lower"]
    assert load.max() <= problem["upper"]
    assert connected(problem["edges"], labels)


def every_plan(problem, fixed=None):  # noqa: C901 - brute force
    """Every lawful plan and its cut, by brute force: the first unit that is left gets its part."""
    weights, parts = problem["weights"], problem["parts"]
    whole = nx.Graph(problem["edges"].tolist())
    near = [sum(1 << other for other in whole[unit]) for unit in range(len(weights))]

    def joined(mask):
        seen = mask & -mask
        while True:
            grown = seen
            for unit in range(len(weights)):
                if seen >> unit & 1:
                    grown |= near[unit] & mask
            if grown == seen:
                return seen == mask
            seen = grown

    sets = []
    for mask in range(1, 1 << len(weights)):
        members = [unit for unit in range(len(weights)) if mask >> unit & 1]
        held = set() if fixed is None else {fixed[unit] for unit in members if fixed[unit] >= 0}
        if len(held) > 1 or (held and sum(fixed == held.copy().pop()) != sum(fixed[members] >= 0)):
            continue
        if problem["lower"] <= weights[members].sum() <= problem["upper"] and joined(mask):
            sets.append(mask)

    def grown(left, count, label):
        if count == 0 or not left:
            if count == 0 and not left:
                yield label.copy()
            return
        first = left & -left
        for mask in sets:
            if mask & first and mask & left == mask:
                for unit in range(len(weights)):
                    if mask >> unit & 1:
                        label[unit] = count
                yield from grown(left ^ mask, count - 1, label)

    label = np.zeros(len(weights), dtype=int)
    plans = list(grown((1 << len(weights)) - 1, parts, label))
    return [(cut_of(problem["edges"], problem["edge_cost"], one), one) for one in plans]


def tiny(seed):
    """A random planar graph of 7 to 9 units, two to four parts, costs 1 to 3; few or no lawful plans."""
    rng = np.random.default_rng(seed)
    kind = "lattice" if seed % 2 else "delaunay"
    units, parts = int(rng.integers(7, 10)), int(rng.integers(2, 5))
    problem = graph(kind, units, parts, "even", seed, tolerance=rng.choice([0.03, 0.08, 0.15]))
    return problem | {"edge_cost": rng.integers(1, 4, len(problem["edges"])).astype(float)}


def test_the_least_cut_or_that_there_is_no_plan_is_found_and_proved():
    with_plans = 0
    for seed in range(30):
        problem = tiny(seed)
        plans = every_plan(problem)
        labels, certificate = partition(**problem, objective="cut", rng=np.random.default_rng(seed))
        if not plans:
            assert certificate.status == "infeasible"
            assert certificate.witness
            continue
        with_plans += 1
        lawful(problem, labels, problem["parts"])
        assert certificate.status == "optimal"
        assert certificate.objective == min(cut for cut, _ in plans) == certificate.bound
        assert certificate.objective == cut_of(problem["edges"], problem["edge_cost"], labels)
    assert 8 <= with_plans <= 22


def test_costs_that_are_not_whole_are_proved_too():
    compared = 0
    for seed in range(8):
        problem = tiny(seed)
        problem["lower"], problem["upper"] = problem["lower"] * 0.9, problem["upper"] * 1.1
        problem["edge_cost"] = np.random.default_rng(seed).uniform(0.1, 3.0, len(problem["edges"]))
        plans = every_plan(problem)
        _, certificate = partition(**problem, objective="cut")
        assert certificate.status == ("optimal" if plans else "infeasible")
        if plans:
            assert certificate.objective == pytest.approx(min(cut for cut, _ in plans))
            compared += 1
    assert compared >= 3


def test_the_only_plan_is_found():
    only = 0
    for seed in range(12):
        problem = tiny(seed)
        problem["lower"], problem["upper"] = problem["lower"] * 0.85, problem["upper"] * 1.15
        loads = [np.bincount(one - 1, weights=problem["weights"]) for _, one in every_plan(problem)]
        if not loads:
            continue
        # the window shrinks to the most even plan, or to those exactly as even
        tight = min(loads, key=np.ptp)
        problem["lower"], problem["upper"] = tight.min(), tight.max()
        left = [one for one in loads if tight.min() <= one.min() and one.max() <= tight.max()]
        labels, certificate = partition(**problem, objective="cut")
        lawful(problem, labels, problem["parts"])
        assert certificate.status == "optimal"
        only += len(left) == 1
    assert only >= 5


def test_a_unit_that_almost_fills_a_part_is_proved_with_and_without_a_plan():
    with_plans = 0
    for seed in range(24):
        problem = tiny(seed)
        weights = problem["weights"].astype(float)
        rest = weights.sum() - weights[4]
        # the heavy unit is 0.6 to 0.97 of a part
        share = np.random.default_rng(seed).uniform(0.6, 0.97) / problem["parts"]
        weights[4] = np.round(rest * share / (1 - share))
        mean = weights.sum() / problem["parts"]
        problem |= {"weights": weights, "lower": np.ceil(0.88 * mean), "upper": np.floor(1.12 * mean)}
        plans = every_plan(problem)
        labels, certificate = partition(**problem, objective="cut")
        assert certificate.status == ("optimal" if plans else "infeasible")
        if plans:
            lawful(problem, labels, problem["parts"])
            assert certificate.objective == min(cut for cut, _ in plans)
            with_plans += 1
    assert 5 <= with_plans <= 19


def test_that_no_part_can_hold_a_heavy_unit_is_seen_at_once():
    problem = graph("lattice", 67, 7, "skewed", 107)
    weights = problem["weights"].copy()
    # what the heaviest lacks of a part is less than any unit
    weights[np.argmax(weights)] = np.round((weights.sum() - weights.max()) * 0.995 / 6.005)
    mean = weights.sum() / 7
    problem |= {"weights": weights, "lower": np.ceil(0.999 * mean), "upper": np.floor(1.001 * mean)}
    _, certificate = partition(**problem, objective="cut", time_limit_s=60)
    assert certificate.status == "infeasible"
    assert not certificate.time_limited


def test_prices_bound_every_plan_and_list_every_part_of_those_near_the_bound():
    compared = 0
    for seed in range(30):
        problem = tiny(seed)
        plans = every_plan(problem)
        if problem["parts"] == 2 or not plans:
            continue
        arguments = {name: value for name, value in problem.items() if name != "parts"}
        instance = Instance.build(**arguments, objective="cut")
        pricing = Pricing(instance, np.arange(instance.units), problem["parts"])
        empty = np.zeros((0, instance.units))
        assert pricing.settle(csr_array(empty), np.zeros(0), 2 * instance.costs.sum(), lambda: True)
        least = min(cut for cut, _ in plans)
        assert 0 < pricing.value <= 2 * least
        worth = pricing.worthwhile(2 * least + 2, 10_000, lambda: True)
        listed = {int(row[0]) for row in worth.sets}
        for cut, labels in plans:
            if cut <= least + 1:
                parts = {int(sum(1 << int(unit) for unit in np.flatnonzero(labels == one))) for one in labels}
                assert parts <= listed
                compared += 1
    assert compared >= 10


def test_fixed_units_stay_together_and_apart():
    compared = 0
    for seed in range(12):
        problem = tiny(seed)
        problem["lower"], problem["upper"] = problem["lower"] * 0.8, problem["upper"] * 1.2
        fixed = np.full(len(problem["weights"]), -1)
        fixed[[0, 3]], fixed[5] = 7, 9
        plans = every_plan(problem, fixed)
        labels, certificate = partition(**problem, fixed=fixed, objective="cut")
        if plans:
            assert labels[0] == labels[3] == 7
            assert labels[5] == 9
            assert certificate.status == "optimal"
            assert certificate.objective == min(cut for cut, _ in plans)
            compared += 1
        else:
            assert certificate.status == "infeasible"
    assert compared >= 4


def flow_optimum(problem):
    """Least cut by an integer programme in HiGHS: labels, one root to a part, flow from it to each unit."""
    weights, edges, parts = problem["weights"], problem["edges"], problem["parts"]
    units = len(weights)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    inside = [[solver.addBinary() for _ in range(parts)] for _ in range(units)]
    root = [[solver.addBinary() for _ in range(parts)] for _ in range(units)]
    arcs = [tuple(one) for one in edges.tolist()] + [tuple(one[::-1]) for one in edges.tolist()]
    cut = [solver.addVariable(lb=0, ub=1) for _ in edges]
    flow = {(arc, part): solver.addVariable(lb=0, ub=units) for arc in arcs for part in range(parts)}
    for unit in range(units):
        solver.addConstr(sum(inside[unit]) == 1)
    for part in range(parts):
        load = sum(int(weights[unit]) * inside[unit][part] for unit in range(units))
        solver.addConstr(load >= problem["lower"])
        solver.addConstr(load <= problem["upper"])
        solver.addConstr(sum(root[unit][part] for unit in range(units)) == 1)
        for number, (a, b) in enumerate(edges.tolist()):
            solver.addConstr(cut[number] - inside[a][part] + inside[b][part] >= 0)
            solver.addConstr(cut[number] - inside[b][part] + inside[a][part] >= 0)
        for unit in range(units):
            # the root is the first unit of its part, so that no plan counts twice
            solver.addConstr(inside[unit][part] - root[unit][part] >= 0)
            for later in range(unit + 1, units):
                solver.addConstr(root[later][part] + inside[unit][part] <= 1)
            entering = sum(flow[arc, part] for arc in arcs if arc[1] == unit)
            leaving = sum(flow[arc, part] for arc in arcs if arc[0] == unit)
            solver.addConstr(entering - leaving - inside[unit][part] + units * root[unit][part] >= 0)
            solver.addConstr(entering - units * inside[unit][part] <= 0)
    solver.minimize(sum(cut))
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return round(solver.getObjectiveValue())


@pytest.mark.parametrize(
    ("kind", "units", "parts", "spread", "seed"),
    [("delaunay", 16, 2, "skewed", 0), ("lattice", 16, 2, "even", 1), ("delaunay", 12, 3, "skewed", 6)],
)
def test_an_independent_integer_programme_agrees(kind, units, parts, spread, seed):
    problem = graph(kind, units, parts, spread, seed, tolerance=0.03)
    labels, certificate = partition(**problem, objective="cut")
    lawful(problem, labels, parts)
    assert certificate.status == "optimal"
    assert certificate.objective == flow_optimum(problem)


def test_half_a_percent_on_a_skewed_graph_is_proved_and_does_not_depend_on_the_numbering():
    problem = graph(*SETS["small"][2], 102)
    labels, certificate = partition(**problem, objective="cut")
    lawful(problem, labels, 3)
    assert certificate.status == "optimal"
    order = np.random.default_rng(3).permutation(len(labels))
    turned = problem | {"weights": problem["weights"][order], "edges": np.argsort(order)[problem["edges"]]}
    assert partition(**turned, objective="cut")[1].objective == certificate.objective


def test_a_free_count_is_the_one_nearest_the_target():
    problem = graph("lattice", 24, 4, "even", 5, tolerance=0.25)
    problem.pop("parts")
    mean = problem["weights"].sum() / 4
    labels, certificate = partition(**problem, objective="cut", target=mean)
    assert certificate.parts == 4
    lawful(problem, labels, 4)


def test_groups_come_before_the_cut():
    problem = graph("lattice", 30, 3, "even", 8, tolerance=0.1)
    free, without = partition(**problem, objective="cut")
    # groups that the least cut divides: a unit of each part and its neighbour over the border
    ends = free[problem["edges"]]
    a, b = problem["edges"][ends[:, 0] != ends[:, 1]][0]
    groups = np.full(30, -1)
    groups[[a, b]] = 0
    labels, certificate = partition(**problem, objective="cut", groups=groups)
    lawful(problem, labels, 3)
    assert labels[a] == labels[b]
    assert certificate.extra_pieces == 0
    assert certificate.objective >= without.objective
    assert certificate.bound <= certificate.objective


def test_a_lawful_plan_before_stays_as_it_is():
    problem = graph("delaunay", 20, 3, "even", 4, tolerance=0.1)
    labels, _ = partition(**problem, objective="cut")
    again, certificate = partition(**problem, objective="cut", previous=labels)
    assert again.tolist() == labels.tolist()
    assert certificate.moved == 0


def test_a_stop_leaves_no_false_proof():
    problem = graph("delaunay", 75, 4, "skewed", 1)
    labels, certificate = partition(**problem, objective="cut", stop=lambda: True)
    assert certificate.time_limited
    assert certificate.status in {"bounded", "not_proven", "none_found"}
    if labels is not None:
        lawful(problem, labels, 4)
