"""Other tools beside ours on the same communities, interleaved, judged by one scorer.

    python benchmarks/grids_peers.py [--seed 7] [--json FILE]

Needs the ``bench`` dependency group.  Every tool gets the same graph, weights and count, its best known
settings for whole estates and main roads, and one seed; a run that raises is counted as failed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from towns import LOWER, UPPER, communities

from spatial.grids import partition
from spatial.grids.instance import Instance, extra_pieces, part_inertia

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
    import geopandas as gpd
    from libpysal.weights import W
    from spopt.region import WardSpatial

    arguments = record["arguments"]
    graph = peer_graph(record)
    frame = gpd.GeoDataFrame({"x": arguments["coordinates"][:, 0], "y": arguments["coordinates"][:, 1]})
    model = WardSpatial(frame, W({unit: list(graph[unit]) for unit in graph}), ["x", "y"], record["parts"])
    model.solve()
    return np.array(model.labels_)


TOOLS: dict[str, Callable[[dict[str, Any]], np.ndarray]] = {
    "wangge": ours,
    "METIS": metis,
    "gerrychain tree": gerrychain_tree,
    "gerrychain ReCom 500": partial(gerrychain_tree, steps=500),
    "spopt Ward": ward,
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


def inertia(instance: Instance, labels: np.ndarray) -> float:
    parts = (np.flatnonzero(labels == part) for part in np.unique(labels))
    return sum(part_inertia(instance, own)[0] for own in parts) / instance.total


def score(record: dict[str, Any], labels: np.ndarray) -> dict[str, float]:
    """Judge a plan by the one scorer: sizes, broken grids, extra pieces, crossings, inertia."""
    instance = Instance.build(**record["arguments"])
    own = [np.flatnonzero(labels == part) for part in np.unique(labels)]
    load = np.array([instance.weights[units].sum() for units in own])
    return {
        "grids": len(own),
        "in_range": int(((load >= LOWER) & (load <= UPPER)).sum()),
        "broken": sum(len(instance.restricted(units).components()) > 1 for units in own),
        "extra_pieces": extra_pieces(instance, labels),
        "crossings": sum(np.unique(instance.sides[units]).size > 1 for units in own),
        "inertia": inertia(instance, labels) * instance.total,
        "households": instance.total,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    records = communities("town", arguments.seed)
    ours(records[9])  # load the kernels
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in TOOLS}
    failed = dict.fromkeys(TOOLS, 0)
    for record in records:
        for name, tool in TOOLS.items():
            begin = time.process_time()
            try:
                labels = tool(record)
            except Exception as error:  # noqa: BLE001 - whatever a peer raises is its result
                failed[name] += 1
                print(f"{name}: {type(error).__name__}: {error}")
                continue
            rows[name].append(score(record, labels) | {"cpu_s": time.process_time() - begin})
    table = {name: totals(found) | {"failed": failed[name]} for name, found in rows.items()}
    for name, line in table.items():
        print(name.ljust(22), "  ".join(f"{key} {value:g}" for key, value in line.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1))


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
        "crossings": total["crossings"],
        "distance_m": round((total["inertia"] / total["households"]) ** 0.5, 1),
        "cpu_s": round(total["cpu_s"], 2),
    }


if __name__ == "__main__":
    main()
