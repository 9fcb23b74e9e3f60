"""Draw a synthetic prefecture of 130 communities and 1,552 grids, beside METIS and gerrychain.

    python benchmarks/grids_prefecture.py [--seed 7] [--workers 2] [--time-limit S] [--json FILE]

First a lawful draft of every community, then every community improved with its bounds; wall seconds of
both include starting the workers.  METIS and gerrychain's tree partition get the same graphs, weights and
counts in one process.  A piece of an estate is needless when it is above the least proved for the count.
Needs the ``bench`` dependency group.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from grids_peers import gerrychain_tree, metis
from towns import communities, score

from spatial.grids import partition

PEERS: dict[str, Callable[[dict[str, Any]], np.ndarray]] = {
    "METIS": metis,
    "gerrychain tree": gerrychain_tree,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--time-limit", type=float, help="wall seconds for the improvement")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    records = communities("prefecture", arguments.seed)
    print(f"{len(records)} communities, {sum(record['parts'] for record in records)} grids")
    share_s = None
    if arguments.time_limit is not None:
        share_s = arguments.time_limit * arguments.workers / len(records)
    # the largest first, so that no worker is left with one at the end
    order = sorted(range(len(records)), key=lambda at: -len(records[at]["arguments"]["weights"]))
    begin = time.perf_counter()
    with ProcessPoolExecutor(arguments.workers, get_context("spawn")) as executor:
        drafts = list(executor.map(draft, [records[at] for at in order]))
        drafted_s = time.perf_counter() - begin
        improved = executor.map(improve, [records[at] for at in order], [share_s] * len(order))
        rows = dict(zip(order, improved, strict=True))
        improved_s = time.perf_counter() - begin
    peak_mb = [
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    bound = {at: row["extra_pieces_bound"] for at, row in rows.items()}
    table = {
        "wangge draft": summary([one | {"bound": bound[at]} for at, one in zip(order, drafts, strict=True)])
        | {"wall_s": drafted_s},
        "wangge": summary([row | {"bound": bound[at]} for at, row in rows.items()])
        | {
            "wall_s": improved_s,
            "peak_mb": peak_mb[0] + arguments.workers * peak_mb[1],
            "pieces_proved_least": sum(
                row["extra_pieces"] == row["extra_pieces_bound"] for row in rows.values()
            ),
            "optimal": sum(row["status"] == "optimal" for row in rows.values()),
            "bounded": sum(row["status"] == "bounded" for row in rows.values()),
            "greatest_gap": max(
                (row["gap"] for row in rows.values() if row["gap"] is not None), default=None
            ),
            "slowest_community_s": max(row["cpu_s"] for row in rows.values()),
        },
    }
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in PEERS}
    for at, record in enumerate(records):
        for name, tool in PEERS.items():
            start = time.process_time()
            try:
                labels = tool(record)
            except RuntimeError as error:
                print(f"{name}, community {at}: {error}")
                continue
            seconds = time.process_time() - start
            found[name].append(score(record, labels) | {"cpu_s": seconds, "bound": bound[at]})
    table |= {name: summary(lines) | {"failed": len(records) - len(lines)} for name, lines in found.items()}
    for name, line in table.items():
        print(name.ljust(16), "  ".join(f"{key} {shown(value)}" for key, value in line.items()))
    for name in PEERS:
        times = table[name]["needless_pieces"] / max(table["wangge"]["needless_pieces"], 1)
        print(f"needless pieces of {name} against at least one of ours: {times:.0f} times")
    if arguments.json:
        arguments.json.write_text(json.dumps({"summary": table, "communities": rows}, indent=1))


def shown(value: float | None) -> str:
    """Return a figure as it is printed."""
    return "–" if value is None else f"{value:.4g}"


def draft(record: dict[str, Any]) -> dict[str, Any]:
    """Score the first lawful plan of a community."""
    begin = time.process_time()
    labels, _ = partition(
        **record["arguments"], parts=record["parts"], rng=np.random.default_rng(1), stop=lambda: True
    )
    return score(record, labels) | {"cpu_s": time.process_time() - begin}


def improve(record: dict[str, Any], time_limit_s: float | None) -> dict[str, Any]:
    """Score the best plan of a community, with its certificate."""
    begin = time.process_time()
    labels, certificate = partition(
        **record["arguments"], parts=record["parts"], rng=np.random.default_rng(1), time_limit_s=time_limit_s
    )
    return score(record, labels) | {
        "status": certificate.status,
        "extra_pieces_bound": certificate.extra_pieces_bound,
        "gap": certificate.gap,
        "cpu_s": time.process_time() - begin,
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Totals over communities; the distance is the root mean square to the grid's centre unit."""
    total = {
        key: float(sum(row[key] for row in rows))
        for key in (
            "grids",
            "in_range",
            "broken",
            "extra_pieces",
            "estates_split_needlessly",
            "crossings",
            "cpu_s",
        )
    }
    inertia, households = sum(row["inertia"] for row in rows), sum(row["households"] for row in rows)
    return total | {
        "needless_pieces": float(sum(row["extra_pieces"] - row["bound"] for row in rows)),
        "distance_m": (inertia / households) ** 0.5,
    }


if __name__ == "__main__":
    main()
