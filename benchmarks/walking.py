"""Walking searches side by side: Wangge, scipy, networkx and pandana on one street-like network.

``python benchmarks/walking.py [--nodes 170000] [--rounds 3] [--engines wangge,scipy,networkx,pandana]``

The query: for 10,000 buildings the nearest service of each of 12 categories within 1000 m, from edges in
memory to distances, with setup and search apart.  Engines take turns within a round, so that a busy
machine slows them alike; the least CPU seconds of each stand in the table.  Kernels are compiled before
the first round, and the seconds that takes are printed, as are those of snapping 10,000 buildings to streets.  The network is synthetic: a jittered lattice
of streets with gaps, drawn with bends, about one and a half edges to a junction.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LIMIT_M = 1000.0
CATEGORIES = 12
BUILDINGS = 10_000
# Making a town of more streets only to snap to them takes minutes.
SNAPPED_AT_MOST = 200_000


@dataclass(frozen=True)
class Case:
    """One network with its services and buildings, as arrays."""

    xy: npt.NDArray[np.float64]
    edges: npt.NDArray[np.int32]
    length_m: npt.NDArray[np.float64]
    services: list[npt.NDArray[np.int64]]
    buildings: npt.NDArray[np.int64]


def street_like(nodes: int, rng: np.random.Generator, bends: int = 4) -> Case:
    """Draw a street network of about ``nodes`` vertices: junctions of a lattice, streets with bends."""
    side = max(int(np.sqrt(nodes / (1 + 1.35 * bends))), 3)
    grid = np.arange(side * side).reshape(side, side)
    pairs = np.concatenate(
        [
            np.stack([grid[:, :-1].ravel(), grid[:, 1:].ravel()], 1),
            np.stack([grid[:-1].ravel(), grid[1:].ravel()], 1),
        ]
    )
    pairs = pairs[rng.random(len(pairs)) < 0.68]
    junction = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2) * 90.0
    junction = junction[:, ::-1] + rng.normal(0, 15, junction.shape)
    share = np.arange(1, bends + 1) / (bends + 1)
    bend = junction[pairs[:, :1]] + (junction[pairs[:, 1:]] - junction[pairs[:, :1]]) * share[:, None]
    bend += rng.normal(0, 2, bend.shape)
    number = len(junction) + np.arange(len(pairs) * bends).reshape(len(pairs), bends)
    chain = np.concatenate([pairs[:, :1], number, pairs[:, 1:]], axis=1)
    edges = np.stack([chain[:, :-1].ravel(), chain[:, 1:].ravel()], axis=1).astype(np.int32)
    xy = np.concatenate([junction, bend.reshape(-1, 2)])
    length_m = np.round(np.hypot(*(xy[edges[:, 0]] - xy[edges[:, 1]]).T), 3)
    counts = np.geomspace(len(xy) / 4000, len(xy) / 200, CATEGORIES).astype(int)
    services = [np.sort(rng.choice(len(xy), count, replace=False)) for count in counts]
    return Case(xy, edges, length_m, services, rng.choice(len(xy), BUILDINGS))


Search = Callable[[], npt.NDArray[np.float64]]
Engine = Callable[[Case], Search]


def wangge(case: Case) -> Search:
    """Edges to a network, then one batched search to a category on one thread."""
    from spatial.network import Network
    from spatial.search import walk

    network = Network.of_edges(case.edges, case.length_m, node_count=len(case.xy), coordinates=case.xy)
    _ = network.folded

    def search() -> npt.NDArray[np.float64]:
        return np.stack(
            [
                walk(network, (nodes, np.zeros(len(nodes))), LIMIT_M)[0][case.buildings]
                for nodes in case.services
            ]
        )

    return search


def scipy(case: Case) -> Search:
    """One multi-source search to a category, stopped at the limit."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    count = len(case.xy)
    graph = csr_array((case.length_m, (case.edges[:, 0], case.edges[:, 1])), shape=(count, count))
    graph = graph + graph.T

    def search() -> npt.NDArray[np.float64]:
        return np.stack(
            [
                dijkstra(graph, directed=True, indices=nodes, limit=LIMIT_M, min_only=True)[case.buildings]
                for nodes in case.services
            ]
        )

    return search


def networkx(case: Case) -> Search:
    """One multi-source search to a category, with a cutoff."""
    import networkx as nx

    graph = nx.Graph()
    ends = case.edges.tolist()
    graph.add_weighted_edges_from(
        (a, b, length) for (a, b), length in zip(ends, case.length_m.tolist(), strict=True)
    )

    def search() -> npt.NDArray[np.float64]:
        rows = []
        for nodes in case.services:
            sources = {node for node in nodes.tolist() if node in graph}
            found = nx.multi_source_dijkstra_path_length(graph, sources, cutoff=LIMIT_M)
            rows.append([found.get(node, np.inf) for node in case.buildings.tolist()])
        return np.array(rows)

    return search


def pandana(case: Case) -> Search:
    """Contraction hierarchy, then nearest points of interest from every node, as pandana answers it."""
    import pandana as pdna
    import pandas as pd

    network = pdna.Network(
        pd.Series(case.xy[:, 0]),
        pd.Series(case.xy[:, 1]),
        pd.Series(case.edges[:, 0]),
        pd.Series(case.edges[:, 1]),
        pd.DataFrame({"length_m": case.length_m}),
    )

    def search() -> npt.NDArray[np.float64]:
        rows = []
        for number, nodes in enumerate(case.services):
            xy = case.xy[nodes]
            network.set_pois(str(number), LIMIT_M, 1, pd.Series(xy[:, 0]), pd.Series(xy[:, 1]))
            found = network.nearest_pois(LIMIT_M, str(number), num_pois=1)[1].to_numpy()
            rows.append(np.where(found >= LIMIT_M, np.inf, found)[case.buildings])
        return np.array(rows)

    return search


ENGINES: dict[str, Engine] = {"wangge": wangge, "scipy": scipy, "networkx": networkx, "pandana": pandana}


def measure(case: Case, names: list[str], rounds: int) -> dict[str, tuple[float, float]]:
    """Return the least setup and search CPU seconds of each engine, and check that they agree."""
    best = dict.fromkeys(names, (np.inf, np.inf))
    truth = None
    for _ in range(rounds):
        for name in names:
            start = time.process_time()
            search = ENGINES[name](case)
            ready = time.process_time()
            found = search()
            done = time.process_time()
            best[name] = (min(best[name][0], ready - start), min(best[name][1], done - ready))
            if truth is None:
                truth = found
            both = np.minimum(np.where(np.isinf(truth), LIMIT_M, truth), LIMIT_M)
            other = np.minimum(np.where(np.isinf(found), LIMIT_M, found), LIMIT_M)
            worst = float(np.abs(both - other).max())
            if worst > 0.1:
                message = f"{name} differs by {worst:.3f} m"
                raise SystemExit(message)
    return best


def snapping_s(case: Case) -> float:
    """CPU seconds that attaching the buildings to the streets takes, each some way off its node."""
    import geopandas as gpd
    import shapely

    from spatial.checks import make_town
    from spatial.network import attach, build_network

    place = case.xy + np.array([500_000.0, 3_000_000.0])
    streets = gpd.GeoDataFrame(
        {"street_id": [f"S{one}" for one in range(len(case.edges))], "class": "residential"},
        geometry=shapely.linestrings(place[case.edges]),
        crs=4548,
    )
    homes = place[case.buildings] + np.random.default_rng(3).uniform(5, 20, (BUILDINGS, 2))
    buildings = gpd.GeoDataFrame(
        {"building_id": [f"B{one}" for one in range(BUILDINGS)], "households": 10, "use": "residential"},
        geometry=shapely.points(homes),
        crs=4548,
    )
    town = make_town("benchmark", 4548, {"streets": streets, "buildings": buildings}, {"synthetic": "true"})
    network = build_network(town)
    attach(network, homes[:100])
    start = time.process_time()
    attach(network, homes)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--nodes", type=int, nargs="+", default=[170_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engines", default=",".join(ENGINES))
    options = parser.parse_args()
    names = options.engines.split(",")

    start = time.process_time()
    wangge(street_like(500, np.random.default_rng(1)))()
    print(f"first run, compiling or loading kernels: {time.process_time() - start:.2f} CPU s")
    for nodes in options.nodes:
        case = street_like(nodes, np.random.default_rng(7))
        print(
            f"\n{len(case.xy):,} nodes, {len(case.edges):,} edges, {CATEGORIES} categories, {BUILDINGS:,} buildings"
        )
        best = measure(case, names, options.rounds)
        own = best["wangge"]
        print(f"{'engine':10}{'setup':>9}{'search':>9}{'both':>9}   times wangge: search, both")
        for name, (setup, search) in best.items():
            ratio = search / own[1], (setup + search) / sum(own)
            print(
                f"{name:10}{setup:9.3f}{search:9.3f}{setup + search:9.3f}   {ratio[0]:8.2f} {ratio[1]:8.2f}"
            )
        if len(case.xy) <= SNAPPED_AT_MOST:
            print(f"snapping {BUILDINGS:,} buildings, not counted above: {snapping_s(case):.3f} CPU s")
        print(
            f"peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
        )


if __name__ == "__main__":
    main()
