"""Least cut: connected parts inside tight windows, with as few edges between them as there can be.

`search` finds plans; `listing`, `covering`, `bounding` and `pricing` prove that none is better, and find
the only one where it is rare; `proof` leads them, in each of the `branching` choices that heavy units
leave; `solve` is the front door.
"""

from __future__ import annotations

from spatial.grids.cutting.solve import solve_cut

__all__ = ["solve_cut"]
