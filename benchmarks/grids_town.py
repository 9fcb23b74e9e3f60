"""Draw a synthetic county town community by community, and print what is proved of each.

    python benchmarks/grids_town.py [--seed 7] [--scale town] [--json FILE]

CPU seconds are of this process; compiled kernels are loaded first and their time is stated.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from towns import communities

from spatial.grids import Progress, partition


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=("town", "prefecture"), default="town")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    compiled_s = warm_up()
    print(f"kernels ready after {compiled_s:.1f} CPU s")
    rows = [
        draw(number, record) for number, record in enumerate(communities(arguments.scale, arguments.seed))
    ]
    summary = summarise(rows) | {"kernels_cpu_s": compiled_s, "seed": arguments.seed}
    print(json.dumps(summary, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps({"summary": summary, "communities": rows}, indent=1))


def warm_up() -> float:
    """CPU seconds until every kernel is loaded, compiled if need be."""
    begin = time.process_time()
    draw(-1, communities("town", 7)[9], quiet=True)
    return time.process_time() - begin


def draw(number: int, record: dict[str, Any], *, quiet: bool = False) -> dict[str, Any]:
    """Draw one community; return and print its figures."""
    begin = time.process_time()
    first: list[float] = []

    def progress(step: Progress) -> None:
        if step.labels is not None and not first:
            first.append(time.process_time() - begin)

    labels, certificate = partition(
        **record["arguments"], parts=record["parts"], rng=np.random.default_rng(1), progress=progress
    )
    seconds = time.process_time() - begin
    load = np.bincount(labels, weights=record["arguments"]["weights"])
    reference = record["reference"] or {}
    row = {
        "community": number,
        "units": int(labels.size),
        "grids": certificate.parts,
        "in_range": bool(load.min() >= 300 and load.max() <= 500),
        "status": certificate.status,
        "extra_pieces": certificate.extra_pieces,
        "extra_pieces_bound": certificate.extra_pieces_bound,
        "inertia": certificate.objective,
        "inertia_bound": certificate.bound,
        "gap": certificate.gap,
        "reference": reference.get("inertia"),
        "first_draft_cpu_s": first[0] if first else seconds,
        "cpu_s": seconds,
    }
    if not quiet:
        gap = "–" if row["gap"] is None else f"{row['gap']:.4%}"
        print(
            f"{number:4d} {row['units']:4d} units {row['grids']:3d} grids  {row['status']:10s} "
            f"extra {row['extra_pieces']} ≥ {row['extra_pieces_bound']}  inertia {row['inertia']:9.1f} gap {gap:8s} "
            f"first {row['first_draft_cpu_s']:5.2f} s  all {seconds:5.2f} s"
        )
    return row


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Totals of a town."""
    return {
        "communities": len(rows),
        "grids": sum(row["grids"] for row in rows),
        "all_in_range": all(row["in_range"] for row in rows),
        "extra_pieces": sum(row["extra_pieces"] for row in rows),
        "extra_pieces_proven_least": sum(row["extra_pieces"] == row["extra_pieces_bound"] for row in rows),
        "gap_at_most_1.5_percent": sum(row["gap"] is not None and row["gap"] <= 0.015 for row in rows),
        "optimal": sum(row["status"] == "optimal" for row in rows),
        "no_worse_than_reference": sum(
            row["inertia"] <= row["reference"] * 1.0005 for row in rows if row["reference"] is not None
        ),
        "first_draft_cpu_s": sum(row["first_draft_cpu_s"] for row in rows),
        "cpu_s": sum(row["cpu_s"] for row in rows),
    }


if __name__ == "__main__":
    main()
