"""Drawing grids: every community on its own, then names, codes, outlines and certificates.

Hard rules hold in what is drawn, save the window where that is proved impossible.  Then, in this order:
least violation of the window, with a previous plan fewest households moved, fewest extra pieces, least
inertia.  A community whose previous grids break no hard rule is left as it is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import RulesError
from spatial.findings import Severity
from spatial.grids.assembly import assemble_plan
from spatial.grids.certificate import Witness
from spatial.grids.community import CommunityPlan, CommunityTask, draw_community, task_of
from spatial.grids.constraints import judge
from spatial.grids.division import Division, divide
from spatial.grids.fabric import Fabric, Progress, build_fabric
from spatial.grids.identity import carried_on, named
from spatial.grids.measures import measure
from spatial.grids.plan import Plan
from spatial.grids.rules import GridRules
from spatial.grids.wording import exception_sentences, kept, witness_sentences
from spatial.messages.sentences import Sentence
from spatial.town import Town

__all__ = ["draw_plan"]

_SHARES_AT_MOST = 4.0


def draw_plan(
    town: Town,
    rules: GridRules | None = None,
    *,
    previous: Plan | None = None,
    time_limit_s: float | None = None,
    rng: np.random.Generator,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Plan:
    """Return a plan of a town: grids, their outlines, and a certificate for each community.

    Parameters
    ----------
    rules : window, locks, counts and wishes; the defaults when None
    previous : the plan to change as little as possible; it is also what locks refer to
    time_limit_s : wall seconds for the search, shared among the communities
    rng : source of all randomness; the same state gives the same plan unless the time limit cut it
    progress : called with stage, steps done, steps in all
    executor : where communities are drawn in parallel; in this process when None

    Raises
    ------
    KnowledgeError
        If too few households are known.
    RulesError
        If a rule names what the town or the previous plan does not have.

    Notes
    -----
    A community for which nothing was found has no grids in the plan, and a certificate that says so.
    """
    rules = rules or GridRules()
    fabric = build_fabric(town, rules, progress=progress)
    before = None if previous is None else divide(fabric, previous.assignment, previous.grids)
    _check_names(rules, town, before)
    order = np.sort(town.communities.index.to_numpy(object))
    seeds = rng.integers(2**63, size=len(order))
    keep = set() if before is None or rules.redraw_lawful else _lawful_communities(before)
    drawn: dict[str, CommunityPlan] = {}
    tasks = []
    for community_id, seed in zip(order, seeds, strict=True):
        units = fabric.units_of(community_id)
        if before is not None and community_id in keep:
            drawn[community_id] = CommunityPlan(units, before.grid[units], units, None)
        elif len(units):
            tasks.append(task_of(fabric, before, community_id, time_limit_s=None, seed=int(seed)))
    for done, (community_id, result) in enumerate(_run(tasks, executor, time_limit_s), start=1):
        drawn[community_id] = result
        if progress is not None:
            progress("grids.stage.drawing", done, len(tasks))
    division = named(fabric, drawn, before, previous)
    certificates = _certificates(division, drawn, before)
    entropy = getattr(rng.bit_generator.seed_seq, "entropy", None)
    return assemble_plan(
        division,
        certificates,
        exceptions=exception_sentences(division, certificates),
        provenance={"seed": str(entropy), **carried_on(division, previous)},
    )


def _check_names(rules: GridRules, town: Town, before: Division | None) -> None:
    unknown = [one for one in rules.counts if one not in town.communities.index]
    if unknown:
        raise RulesError("grids.rule_names_unknown", table="communities", ids=unknown, rule="counts")
    locks = {*rules.locked_grids, *(grid for pair in rules.locked_boundaries for grid in pair)}
    if locks and before is None:
        raise RulesError("grids.locks_need_previous", locks="、".join(sorted(locks)))
    missing = [] if before is None else sorted(locks - set(before.grids.index))
    if missing:
        raise RulesError("grids.rule_names_unknown", table="grids", ids=missing, rule="keep")


def _lawful_communities(before: Division) -> set[str]:
    """Communities whose previous grids break no hard rule and hold every unit."""
    home = before.grids["community_id"]
    broken: set[str] = set()
    for finding in judge(before, before):
        if finding.severity is Severity.ERROR and finding.statement.table == "grids":
            broken.update(str(home[one]) for one in finding.statement.ids)
    community = before.fabric.units["community_id"].to_numpy(object)
    inside = before.grid >= 0
    foreign = np.zeros(len(community), dtype=bool)
    foreign[inside] = community[inside] != home.to_numpy(object)[before.grid[inside]]
    broken.update(community[~inside | foreign])
    return set(before.fabric.town.communities.index) - broken


def _run(
    tasks: Sequence[CommunityTask], executor: Executor | None, time_limit_s: float | None
) -> Iterator[tuple[str, CommunityPlan]]:
    """Draw the communities, in parallel where there is an executor; the time limit is for all of them.

    A community may take several times its even share of the time that is left: most need far less.
    """
    workers = 1 if executor is None else int(getattr(executor, "_max_workers", 1))
    begin = time.perf_counter()

    def limited(task: CommunityTask, others: int) -> CommunityTask:
        if time_limit_s is None:
            return task
        left_s = max(0.0, time_limit_s - (time.perf_counter() - begin))
        share_s = left_s * workers / (others + 1)
        return replace(task, time_limit_s=min(left_s, _SHARES_AT_MOST * share_s))

    if executor is None:
        for at, task in enumerate(tasks):
            yield task.community_id, draw_community(limited(task, len(tasks) - at - 1))
        return
    # the largest communities first, so that no worker is left with one at the end
    ahead = sorted(tasks, key=lambda task: len(task.units))
    running: dict[Future[CommunityPlan], str] = {}
    while ahead or running:
        while ahead and len(running) < workers:
            task = ahead.pop()
            running[executor.submit(draw_community, limited(task, len(ahead)))] = task.community_id
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            yield running.pop(future), future.result()


def _certificates(
    division: Division, drawn: Mapping[str, CommunityPlan], before: Division | None
) -> pd.DataFrame:
    """Return the table of certificates; its figures are measured on the plan itself."""
    scores = measure(division)
    moved = _moved_households(division, before)
    rows = []
    for community_id, score in scores.iterrows():
        result = drawn.get(str(community_id))
        row: dict[str, Any] = {
            "community_id": community_id,
            "grids": score["grids"],
            "households": round(score["households"]),
            "violation": score["violation"],
            "extra_pieces": score["extra_pieces"],
            "moved_households": moved.get(str(community_id), 0) if before is not None else None,
            "inertia": score["inertia"],
            "seconds": 0.0,
        }
        rows.append(row | _proof(division.fabric, result, row))
    return pd.DataFrame(rows).set_index("community_id")


def _proof(fabric: Fabric, result: CommunityPlan | None, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return status, bounds, witness and its rules of one community."""
    as_drawn = {"extra_pieces_bound": row["extra_pieces"], "inertia_bound": row["inertia"], "gap": 0.0}
    below = row["violation"] > 0
    if result is None or result.certificate is None:
        # nothing was solved: no units to draw, or the previous grids stay, which is least change
        key = "kept" if result is not None else "empty" if row["grids"] else "special_only"
        return as_drawn | {
            "status": "infeasible" if below else "optimal",
            **kept("witness", [Sentence(f"grids.certificate.{key}")]),
            "witness_rules": "below_lower" if below else None,
        }
    certificate = result.certificate
    witnesses = _telling(certificate.witness)
    proof: dict[str, Any] = {
        "status": certificate.status,
        "seconds": certificate.seconds,
        **kept("witness", witness_sentences(witnesses, fabric, result.drawn_units)),
        "witness_rules": ";".join(dict.fromkeys(one.kind for one in witnesses)) or None,
        "extra_pieces_bound": certificate.extra_pieces_bound,
        "inertia_bound": certificate.bound,
        "moved_households_bound": None if row["moved_households"] is None else certificate.moved_bound,
        "gap": certificate.gap,
        "time_limited": certificate.time_limited,
    }
    if result.broken or certificate.status == "none_found":
        key = f"broken_{result.broken}" if result.broken else "none_found"
        proof |= {"status": "none_found", **kept("witness", [Sentence(f"grids.certificate.{key}")])}
    if result.labels is None:
        unknown = dict.fromkeys(("extra_pieces", "inertia", "violation", "moved_households", "gap"))
        return proof | unknown | {"inertia_bound": None}
    if (row["moved_households"] or 0) > certificate.moved_bound and proof["status"] in {"optimal", "bounded"}:
        # a grid that keeps less than half of its households gives its id up, and all of them move
        proof |= {"status": "not_proven", "inertia_bound": None, "gap": None}
    if certificate.extra_pieces_bound > row["extra_pieces"]:
        # that bound is of lawful plans, and this one has the least violation instead
        proof["extra_pieces_bound"] = None
    if len(result.units) > len(result.drawn_units):
        # locked grids are no part of what was proved
        status = "not_proven" if certificate.status in {"optimal", "bounded"} else certificate.status
        return proof | {"status": status, "extra_pieces_bound": None, "inertia_bound": None, "gap": None}
    return proof


def _telling(witnesses: Sequence[Witness]) -> list[Witness]:
    """Leave out that no count fits a unit which is too large by itself."""
    large = {one.units for one in witnesses if one.kind == "unit_above_upper"}
    return [one for one in witnesses if one.kind != "no_count" or one.units not in large]


def _moved_households(division: Division, before: Division | None) -> dict[str, int]:
    """Known households whose grid_id is another one than before, by community; new buildings do not move."""
    if before is None:
        return {}
    now = np.append(division.grids.index.to_numpy(object), "")[division.grid]
    then = np.append(before.grids.index.to_numpy(object), "")[before.grid]
    units = division.fabric.units
    moved = (before.grid >= 0) & (now != then)
    sums = units["households"][moved].groupby(units["community_id"][moved]).sum()
    return {str(key): round(value) for key, value in sums.items()}
