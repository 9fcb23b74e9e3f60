"""Alternatives: plans that differ in what they hold dear, each drawn and certified under its own rules."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from spatial.grids.draw import draw_plan
from spatial.grids.fabric import Progress
from spatial.grids.plan import Plan
from spatial.grids.rules import GridRules
from spatial.town import Town

__all__ = ["alternative_rules", "draw_alternatives"]

# An even plan keeps its grids within this share of the target, where that can be done.
_EVEN_SHARE = 0.1
# Crossing a main road counts as this detour where crossings are to be few.
_CROSSING_M = 1000.0


def alternative_rules(rules: GridRules) -> Mapping[str, GridRules]:
    """Return the rules of each alternative by its name.

    ``fewest_splits`` puts whole estates first; ``most_compact`` compactness alone; ``most_even`` draws in
    a window of a tenth about the target; ``fewest_crossings`` makes a main road as dear as a kilometre.
    """
    even = replace(
        rules,
        lower=max(rules.lower, round(rules.target * (1 - _EVEN_SHARE))),
        upper=min(rules.upper, round(rules.target * (1 + _EVEN_SHARE))),
    )
    compact = replace(rules, wishes=tuple(one for one in rules.wishes if one != "extra_pieces"))
    apart = replace(compact, side_penalty_m=max(rules.side_penalty_m, _CROSSING_M))
    return {"fewest_splits": rules, "most_compact": compact, "most_even": even, "fewest_crossings": apart}


def draw_alternatives(
    town: Town,
    rules: GridRules | None = None,
    *,
    previous: Plan | None = None,
    time_limit_s: float | None = None,
    rng: np.random.Generator,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Mapping[str, Plan]:
    """Return a plan for each of `alternative_rules`, by its name; see `draw_plan` for the parameters.

    Each certificate holds for the rules its plan was drawn under, which the plan keeps.
    """
    variants = alternative_rules(rules or GridRules())
    share_s = None if time_limit_s is None else time_limit_s / len(variants)
    return {
        name: draw_plan(
            town,
            variant,
            previous=previous,
            time_limit_s=share_s,
            rng=rng,
            progress=progress,
            executor=executor,
        )
        for name, variant in variants.items()
    }
