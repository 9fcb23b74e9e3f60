"""Other tools beside ours on the same communities, interleaved, judged by one scorer.

    python benchmarks/grids_peers.py [--seed 7] [--json FILE] [--pictures FOLDER]

Needs the ``bench`` dependency group.  Every tool gets the same graph, weights and count, its best known
settings for whole estates and main roads, and one seed.  Each run is a process of its own, forked when all
libraries are loaded: its memory is the peak above that.  A run that raises, or takes more than a minute, is
counted as failed and scored on the other communities only.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from towns import LOWER, UPPER, communities, inertia, score

from spatial.grids import partition
from spatial.grids.instance import Instance, extra_pieces

LIMIT_S = 60.0
ROAD_AND_ESTATE_COST = {"estate": 12, "other": 4, "main road": 1}


def ours(record: dict[str, Any]) -> np.ndarray:
    return partition(**record["arguments"], parts=record["parts"], rng=np.random.default_rng(1))[0]


def metis(record: dict[str, Any]) -> np.ndarray:
    """METIS with edges inside estates dear and edges over main roads cheap to cut."""
    import pymetis

    arguments = record["arguments"]
    near: list[list[tuple[int, int]]] = [[] for _ in arguments["weights"]]
    for (a, b), cost in zip(arguments["edges"], edge_costs(record), strict=True):
        near[a].append((b, cost))
        near[b].append((a, cost))
    starts = np.concatenate([[0], np.cumsum([len(one) for one in near])])
    _, labels = pymetis.part_graph(
        record["parts"],
        xadj=starts,
        adjncy=[other for one in near for other, _ in one],
        eweights=[cost for one in near for _, cost in one],
        vweights=arguments["weights"].tolist(),
        options=pymetis.Options(contig=1, ufactor=200),
    )
    return np.array(labels)


def gerrychain_tree(record: dict[str, Any], steps: int = 0) -> np.ndarray:
    """Recursive tree partition with surcharges for estates and roads; then ReCom in short bursts."""
    import random

    from gerrychain import Graph, Partition, constraints, updaters
    from gerrychain.optimization import SingleMetricOptimizer
    from gerrychain.partition import recursive_tree_part
    from gerrychain.proposals import recom
    from gerrychain.tree import bipartition_tree

    random.seed(1)
    graph = Graph.from_networkx(peer_graph(record))
    weights, parts = record["arguments"]["weights"], record["parts"]
    mean = weights.sum() / parts
    epsilon = min((UPPER - mean) / mean, (mean - LOWER) / mean)
    surcharge = {"estate": 1.0, "side": 0.5}
    method = partial(bipartition_tree, region_surcharge=surcharge, max_attempts=2000)
    start = recursive_tree_part(graph, range(parts), mean, "weight", epsilon, bipartition_tree_fn=method)
    if not steps:
        return np.array([start[unit] for unit in range(len(weights))])
    instance = Instance.build(**record["arguments"])

    def score(plan: Any) -> float:  # noqa: ANN401 - a class of the peer
        labels = np.array([plan.assignment[unit] for unit in range(len(weights))])
        return 5000.0 * extra_pieces(instance, labels) + inertia(instance, labels)

    first = Partition(graph, start, {"weight": updaters.Tally("weight")})
    proposal = partial(recom, pop_col="weight", pop_target=mean, epsilon=epsilon, bipartition_tree_fn=method)
    inside = constraints.within_percent_of_ideal_population(first, epsilon, "weight")
    optimizer = SingleMetricOptimizer(proposal, [inside], first, score, maximize=False)
    for _ in optimizer.short_bursts(10, steps // 10):
        pass
    best = optimizer.best_part
    return np.array([best.assignment[unit] for unit in range(len(weights))])


def ward(record: dict[str, Any]) -> np.ndarray:
    """Spatially constrained Ward clustering of spopt: number of regions only, no sizes."""
    from spopt.region import WardSpatial

    frame, near = table_of(record)
    model = WardSpatial(frame, near, ["x", "y"], record["parts"])
    model.solve()
    return np.array(model.labels_)


def skater(record: dict[str, Any]) -> np.ndarray:
    """Cut the minimum spanning tree (spopt): number of regions, and at least three buildings in each."""
    from spopt.region import Skater

    frame, near = table_of(record)
    model = Skater(frame, near, ["x", "y"], n_clusters=record["parts"], floor=3, islands="ignore")
    model.solve()
    return np.array(model.labels_)


def max_p(record: dict[str, Any]) -> np.ndarray:
    """Fill as many regions of at least 300 households as can be (spopt): a lower bound, no upper one."""
    from spopt.region import MaxPHeuristic

    frame, near = table_of(record)
    np.random.seed(1)  # noqa: NPY002 - the peer draws from the global state
    model = MaxPHeuristic(
        frame, near, ["x", "y"], "households", LOWER, top_n=2, max_iterations_construction=20
    )
    model.solve()
    return np.array(model.labels_)


def table_of(record: dict[str, Any]) -> Any:  # noqa: ANN401 - classes of the peer
    import geopandas as gpd
    from libpysal.weights import W

    arguments = record["arguments"]
    graph = peer_graph(record)
    x, y = arguments["coordinates"].T
    frame = gpd.GeoDataFrame(
        {"x": x, "y": y, "households": arguments["weights"]}, geometry=gpd.points_from_xy(x, y)
    )
    return frame, W({unit: list(graph[unit]) for unit in graph}, silence_warnings=True)


TOOLS: dict[str, Callable[[dict[str, Any]], np.ndarray]] = {
    "wangge": ours,
    "METIS": metis,
    "gerrychain tree": gerrychain_tree,
    "gerrychain ReCom 500": partial(gerrychain_tree, steps=500),
    "spopt Ward": ward,
    "spopt Skater": skater,
    "spopt MaxP": max_p,
}


def edge_costs(record: dict[str, Any]) -> list[int]:
    arguments = record["arguments"]
    groups, sides = arguments["groups"], arguments["sides"]
    return [
        ROAD_AND_ESTATE_COST["estate"]
        if groups[a] == groups[b]
        else ROAD_AND_ESTATE_COST["other" if sides[a] == sides[b] else "main road"]
        for a, b in arguments["edges"]
    ]


def peer_graph(record: dict[str, Any]) -> Any:  # noqa: ANN401 - a class of the peer
    arguments = record["arguments"]
    graph = nx.Graph()
    for unit, weight in enumerate(arguments["weights"]):
        graph.add_node(
            unit,
            weight=int(weight),
            estate=int(arguments["groups"][unit]),
            side=int(arguments["sides"][unit]),
        )
    graph.add_edges_from((int(a), int(b)) for a, b in arguments["edges"])
    return graph


def run(tool: Callable[[dict[str, Any]], np.ndarray], record: dict[str, Any]) -> dict[str, Any]:
    """Run a tool in a process of its own: labels or the error, CPU seconds, peak memory above the start."""
    here, there = get_context("fork").Pipe(duplex=False)
    child = get_context("fork").Process(target=_told, args=(tool, record, there), daemon=True)
    child.start()
    there.close()
    answer: dict[str, Any] = {"error": f"not done in {LIMIT_S:.0f} s"}
    if here.poll(LIMIT_S):
        try:
            answer = here.recv()
        except EOFError:
            answer = {"error": "the process ended"}
    child.kill()
    child.join()
    return answer


def _told(tool: Callable[[dict[str, Any]], np.ndarray], record: dict[str, Any], answer: Connection) -> None:
    before, begin = memory_mb(), time.process_time()
    try:
        labels = tool(record)
    except Exception as error:  # noqa: BLE001 - whatever a peer raises is its result
        answer.send({"error": f"{type(error).__name__}: {error}"})
    else:
        answer.send(
            {"labels": labels, "cpu_s": time.process_time() - begin, "memory_mb": memory_mb() - before}
        )
    os._exit(0)


def memory_mb() -> float:
    """Return the peak of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--pictures", type=Path, help="folder for a picture of each tool's plan")
    arguments = parser.parse_args()
    records = communities("town", arguments.seed)
    for tool in TOOLS.values():
        # load every library and kernel before the processes are forked
        tool(records[8])
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in TOOLS}
    plans: dict[str, list[np.ndarray | None]] = {name: [] for name in TOOLS}
    for number, record in enumerate(records):
        for name, tool in TOOLS.items():
            answer = run(tool, record)
            plans[name].append(answer.get("labels"))
            if "error" in answer:
                print(f"{name}, community {number}: {answer['error']}")
                continue
            measured = {key: answer[key] for key in ("cpu_s", "memory_mb")}
            rows[name].append(score(record, answer["labels"]) | measured)
    failed = {name: sum(one is None for one in found) for name, found in plans.items()}
    table = {name: totals(found) | {"failed": failed[name]} for name, found in rows.items()}
    for name, line in table.items():
        print(name.ljust(22), "  ".join(f"{key} {value:g}" for key, value in line.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1))
    if arguments.pictures:
        from grids_pictures import draw_plans

        draw_plans(records, plans, arguments.pictures)


def totals(rows: list[dict[str, float]]) -> dict[str, float]:
    """Sum over communities; the distance is the root mean square to the grid's centre unit."""
    if not rows:
        return {}
    total = {key: float(sum(row[key] for row in rows)) for key in rows[0]}
    return {
        "communities": len(rows),
        "grids": total["grids"],
        "in_range_percent": round(100 * total["in_range"] / total["grids"], 1),
        "broken": total["broken"],
        "extra_pieces": total["extra_pieces"],
        "estates_split_needlessly": total["estates_split_needlessly"],
        "crossings": total["crossings"],
        "distance_m": round((total["inertia"] / total["households"]) ** 0.5, 1),
        "cpu_s": round(total["cpu_s"], 2),
        "memory_mb": round(max(row["memory_mb"] for row in rows), 1),
    }


if __name__ == "__main__":
    main()
