"""Siting side by side: Wangge and spopt (PySAL) on one town, proofs included.

``python benchmarks/siting.py [--demand 5000] [--candidates 500] [--nodes 200] [--seconds 120]``

Covering models: demand and candidates on a synthetic street network, walks up to 900 m.  Median and
center: every node of a smaller network is demand and candidate.  Walks are made before and not counted;
kernels are compiled before.  CPU seconds of one run each, and spopt's over Wangge's; either has as long for
its proof, and both must agree on the objective wherever both prove it.  spopt is given HiGHS, the same
solver, so what differs is the model and what is known before it is solved.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from spatial.lifecircle.siting import Model, locate

LIMIT_M = 900.0
SPACING_M = 45.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """One question: the arguments of `locate`."""

    name: str
    model: Model
    distances: Floats
    weights: Floats
    count: int | None
    limit_m: float | None = None


@dataclass(frozen=True)
class Run:
    """CPU seconds, and what they brought."""

    seconds: float
    objective: float
    said: str


def street_walks(
    nodes: int, origins: Sequence[int] | npt.NDArray[np.int64], limit_m: float, seed: int
) -> Floats:
    """Return walks from some origins to all nodes of a jittered lattice with a third of its streets gone."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(nodes)))
    number = np.arange(side * side).reshape(side, side)
    place = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) * SPACING_M
    place = place + rng.normal(0, SPACING_M / 5, place.shape)
    across = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    along = np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])
    # One comb of streets keeps the network in one piece.
    kept = rng.random(across.size) < 0.66
    kept[: side * (side - 1)] = True
    across, along = across[kept], along[kept]
    length_m = np.hypot(*(place[across] - place[along]).T)
    graph = csr_array((length_m, (across, along)), shape=(side * side,) * 2)
    return dijkstra(graph, directed=False, indices=origins, limit=limit_m)[:, :nodes]


def cases(demand: int, candidates: int, nodes: int) -> list[Case]:
    """Return the questions of the benchmark."""
    rng = np.random.default_rng(11)
    streets = 38_000
    # Homes crowd along one diagonal: a town is not even.
    likely = np.exp(-np.abs(np.arange(streets) / streets - rng.random(streets)) * 3)
    homes = rng.choice(streets, demand, p=likely / likely.sum())
    sites = rng.choice(streets, candidates, replace=False)
    covering = np.ascontiguousarray(street_walks(streets, sites, LIMIT_M, 5)[:, homes].T)
    households = rng.integers(1, 20, demand).astype(float)
    anywhere = np.ascontiguousarray(street_walks(streets, sites, np.inf, 5)[:, homes].T)
    square = street_walks(nodes, np.arange(nodes), np.inf, 6)
    weights = rng.integers(1, 200, nodes).astype(float)
    return [
        Case(f"mclp {demand} x {candidates}, 10 sites", "mclp", covering, households, 10, LIMIT_M),
        Case(f"lscp {demand} x {candidates}", "lscp", covering, households, None, LIMIT_M),
        Case(f"p_median {nodes} x {nodes}, 10 sites", "p_median", square, weights, 10),
        Case(f"p_median {nodes} x {nodes}, 40 sites", "p_median", square, weights, 40),
        Case(f"p_center {nodes} x {nodes}, 10 sites", "p_center", square, np.ones(nodes), 10),
        Case(f"p_center {demand} x {candidates}, 10 sites", "p_center", anywhere, np.ones(demand), 10),
    ]


def timed(call: Callable[[], tuple[float, str]]) -> Run:
    begun = time.process_time()
    objective, said = call()
    return Run(time.process_time() - begun, objective, said)


def wangge(case: Case, time_limit_s: float | None) -> tuple[float, str]:
    found = locate(
        case.model,
        case.distances,
        case.weights,
        count=case.count,
        limit_m=case.limit_m,
        time_limit_s=time_limit_s,
    )
    return found.objective, "proven" if found.proven else f"gap {found.gap:.4f}"


def spopt(case: Case, time_limit_s: float) -> tuple[float, str]:
    """Build and solve with spopt; demand that no site reaches is taken out for it."""
    import pulp
    from spopt.locate import LSCP, MCLP, PCenter, PMedian

    within = case.distances <= (case.limit_m or np.inf)
    asking = within.any(axis=1)
    distances, weights = case.distances[asking].copy(), case.weights[asking]
    distances[np.isinf(distances)] = 1e9
    if case.model == "mclp":
        model = MCLP.from_cost_matrix(distances, weights, case.limit_m, p_facilities=case.count)
    elif case.model == "lscp":
        model = LSCP.from_cost_matrix(distances, case.limit_m)
    elif case.model == "p_median":
        model = PMedian.from_cost_matrix(distances, weights, p_facilities=case.count)
    else:
        model = PCenter.from_cost_matrix(distances, p_facilities=case.count)
    solver = pulp.HiGHS(msg=False, timeLimit=time_limit_s)
    model.solve(solver)
    solved = model.problem.sol_status == pulp.LpSolutionOptimal
    return float(model.problem.objective.value()), "proven" if solved else "not proven"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--demand", type=int, default=5000)
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=120.0, help="for the proof, of either")
    parser.add_argument("--peer", choices=("spopt", "none"), default="spopt")
    chosen = parser.parse_args()

    for warm in cases(60, 20, 40):  # compiles every kernel
        wangge(warm, None)
    print(f"{'case':34} {'engine':16} {'CPU s':>9} {'objective':>14}  result")
    for case in cases(chosen.demand, chosen.candidates, chosen.nodes):
        runs = {
            "wangge, at once": timed(lambda case=case: wangge(case, 0)),
            "wangge, proof": timed(lambda case=case: wangge(case, chosen.seconds)),
        }
        # spopt's model of every walk between them does not come to an end there.
        if chosen.peer == "spopt" and (case.model != "p_center" or case.distances.size <= chosen.nodes**2):
            runs["spopt + HiGHS"] = timed(lambda case=case: spopt(case, chosen.seconds))
        for engine, run in runs.items():
            print(
                f"{case.name:34} {engine:16} {run.seconds:9.3f} {run.objective:14.1f}  {run.said}", flush=True
            )
        ours, peer = runs["wangge, proof"], runs.get("spopt + HiGHS")
        if peer is not None:
            print(f"{case.name:34} {'ratio':16} {peer.seconds / ours.seconds:9.1f}", flush=True)
            if (ours.said, peer.said) == ("proven", "proven") and not np.isclose(
                ours.objective, peer.objective
            ):
                raise SystemExit(
                    f"{case.name}: {ours.objective} and {peer.objective} are both called optimal"
                )


if __name__ == "__main__":
    main()
