"""Planar graphs cut into parts within half a percent of the mean, with as few cut edges as can be.

    python benchmarks/grids_cut.py [--set small|large] [--seconds 60] [--peer-minutes 0] [--only N]

The small graphs are solved to proof; the large ones are set beside gerrychain's short bursts, which
get ``--peer-minutes`` of processor time for each (needs the ``bench`` group) and the same window; ours has
``--seconds`` by the clock.
"""

from __future__ import annotations

import argparse
import random
import time
from contextlib import suppress
from functools import partial
from typing import Any

import networkx as nx
import numpy as np
from cut_graphs import SETS, graph

from spatial.grids import partition


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=tuple(SETS), default="small")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--peer-minutes", type=float, default=0.0)
    parser.add_argument("--only", type=int, action="append", help="place in the set, from 0; may be repeated")
    arguments = parser.parse_args()
    partition(**graph("lattice", 16, 3, "even", 0, 0.1), objective="cut")  # kernels are loaded
    rows = []
    for at, (kind, units, parts, spread) in enumerate(SETS[arguments.set]):
        if arguments.only and at not in arguments.only:
            continue
        problem = graph(kind, units, parts, spread, 100 + at)
        cpu, wall = time.process_time(), time.perf_counter()
        labels, found = partition(
            **problem, objective="cut", time_limit_s=arguments.seconds, rng=np.random.default_rng(1)
        )
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        if broken(problem, labels, found.status):
            raise SystemExit(f"graph {at}: the plan breaks a rule")
        bound = "–" if found.bound is None else f"{found.bound:g}"
        line = f"{at:2d} {kind:8s} {units:3d} units {parts} parts {spread:6s} {found.status:10s} "
        line += f"cut {found.objective} ≥ {bound}  {cpu:5.1f} CPU s {wall:5.1f} s"
        if arguments.peer_minutes:
            peer, reached_s = bursts(problem, 60 * arguments.peer_minutes)
            line += f"  gerrychain {peer} (last better plan after {reached_s:.0f} CPU s)"
        print(line, flush=True)
        rows.append(found)
    proven = sum(one.status in {"optimal", "infeasible"} for one in rows)
    print(f"{proven} of {len(rows)} proven (optimum, or that there is no plan)")


def broken(problem: dict[str, Any], labels: np.ndarray | None, status: str) -> bool:
    """Whether a plan that is called lawful is not."""
    if labels is None or status == "infeasible":
        return False
    load = np.bincount(labels, weights=problem["weights"])
    inside = problem["lower"] <= load.min() and load.max() <= problem["upper"]
    whole = nx.Graph(problem["edges"].tolist())
    connected = all(
        nx.is_connected(whole.subgraph(np.flatnonzero(labels == one))) for one in range(load.size)
    )
    return not (load.size == problem["parts"] and inside and connected)


def bursts(problem: dict[str, Any], limit_s: float) -> tuple[int | None, float]:
    """Return the fewest cut edges of gerrychain's short bursts, and after how many CPU seconds."""
    from gerrychain import Graph, Partition, constraints, updaters
    from gerrychain.optimization import SingleMetricOptimizer
    from gerrychain.partition import recursive_tree_part
    from gerrychain.proposals import recom
    from gerrychain.tree import PopulationBalanceError, bipartition_tree

    random.seed(1)
    whole = nx.Graph(problem["edges"].tolist())
    nx.set_node_attributes(whole, dict(enumerate(problem["weights"].tolist())), "weight")
    mean = problem["weights"].sum() / problem["parts"]
    tolerance = min(problem["upper"] - mean, mean - problem["lower"]) / mean
    method = partial(bipartition_tree, max_attempts=100_000)
    peer_graph = Graph.from_networkx(whole)
    begin = time.process_time()
    try:
        start = recursive_tree_part(
            peer_graph, range(problem["parts"]), mean, "weight", tolerance, bipartition_tree_fn=method
        )
    except RuntimeError:
        return None, 0.0
    first = Partition(
        peer_graph, start, {"weight": updaters.Tally("weight"), "cut_edges": updaters.cut_edges}
    )
    step = partial(recom, pop_col="weight", pop_target=mean, epsilon=tolerance, bipartition_tree_fn=method)
    inside = constraints.within_percent_of_ideal_population(first, tolerance, "weight")
    best, reached_s = first, 0.0
    while time.process_time() - begin < limit_s:
        optimizer = SingleMetricOptimizer(
            step, [inside], best, lambda one: len(one["cut_edges"]), maximize=False
        )
        # Where no spanning tree drawn has a balanced edge the chain gives up: it goes on from its best plan.
        with suppress(PopulationBalanceError):
            for plan in optimizer.short_bursts(10, 10**9):
                now = time.process_time() - begin
                if len(plan["cut_edges"]) < len(best["cut_edges"]):
                    best, reached_s = plan, now
                if now > limit_s:
                    break
    return len(best["cut_edges"]), reached_s


if __name__ == "__main__":
    main()
