"""Redraw a county town after one estate of each community has gained 200 households.

    python benchmarks/grids_redraw.py [--seed 7] [--gain 200] [--seconds S]

For every community: households moved by the redrawing and the least that any lawful plan moves, beside what a
drawing anew would move (as many keep the grid they had as its parts allow); CPU seconds of both.  The gained
households count as having been there, as when a new block is let in an estate that stands.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from towns import communities

from spatial.grids import partition
from spatial.grids.instance import Instance
from spatial.grids.naming import named, weight_moved


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--gain", type=int, default=200)
    parser.add_argument("--seconds", type=float)
    arguments = parser.parse_args()
    rows = []
    for number, record in enumerate(communities("town", arguments.seed)):
        problem, parts = record["arguments"], record["parts"]
        before, _ = partition(**problem, parts=parts, rng=np.random.default_rng(1))
        if before is None:
            raise SystemExit(f"community {number}: no plan to begin with")
        grown = problem | {"weights": gained(problem, arguments.gain, np.random.default_rng(number))}
        row = redrawn(grown, before, arguments.seconds)
        rows.append(row)
        print(
            f"{number:3d} {len(before):4d} units {parts:3d} → {row['parts']:3d} grids  moved {row['moved']:6.0f} ≥ "
            f"{row['bound']:6.0f}  {row['status']:10s} {row['cpu_s']:6.2f} s   anew {row['anew']:6.0f} in "
            f"{row['anew_cpu_s']:5.2f} s",
            flush=True,
        )
    moved, anew = (sum(row[name] for row in rows) for name in ("moved", "anew"))
    proved = sum(row["moved"] <= row["bound"] for row in rows)
    print(
        f"moved {moved:.0f} households against {anew:.0f} anew; proved least in {proved} of {len(rows)}, "
        f"{sum(row['cpu_s'] for row in rows):.1f} CPU s"
    )


def gained(problem: dict[str, Any], gain: int, rng: np.random.Generator) -> np.ndarray:
    """Return the households once one estate has gained some, shared among its buildings as they are."""
    weights, groups = np.asarray(problem["weights"]), np.asarray(problem["groups"])
    own = groups == rng.choice(np.unique(groups))
    share = np.diff(np.rint(np.append(0, np.cumsum(weights[own])) / weights[own].sum() * gain))
    grown = weights.copy()
    grown[own] += share.astype(grown.dtype)
    return grown


def redrawn(problem: dict[str, Any], before: np.ndarray, limit_s: float | None) -> dict[str, Any]:
    """Redraw and draw anew; return the figures of both."""
    begin = time.process_time()
    labels, certificate = partition(
        **problem, previous=before, time_limit_s=limit_s, rng=np.random.default_rng(1)
    )
    middle = time.process_time()
    anew, _ = partition(**problem, time_limit_s=limit_s, rng=np.random.default_rng(1))
    end = time.process_time()
    instance = Instance.build(**problem, previous=before)
    load = np.bincount(np.unique(labels, return_inverse=True)[1], weights=problem["weights"])
    if load.min() < problem["lower"] or load.max() > problem["upper"]:
        raise SystemExit("a redrawn grid lies outside the window")
    return {
        "parts": certificate.parts,
        "moved": certificate.moved,
        "bound": certificate.moved_bound,
        "status": certificate.status,
        "cpu_s": middle - begin,
        "anew": np.inf if anew is None else weight_moved(instance, named(instance, anew)),
        "anew_cpu_s": end - middle,
    }


if __name__ == "__main__":
    main()
