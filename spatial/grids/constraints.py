"""The rules of a division, one to a class: each says where it is broken and by how much.

A *hard* rule may not be broken in a plan that is submitted: its findings are errors.  A *wish* gives
warnings.  An exception that cannot be avoided, such as a community smaller than one grid, is a note.
The rows of a finding are grids; the buildings concerned stand in its values, as ids.

To add a rule, write its class, add its texts to the catalogues, and list it in `CONSTRAINTS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.findings import Finding, Report, Severity
from spatial.grids.division import Division
from spatial.grids.walks import greatest_walks

__all__ = ["CONSTRAINTS", "Constraint", "judge"]

Ints = NDArray[np.int64]


class Constraint(Protocol):
    """One rule: it looks at a division and yields what is broken."""

    @property
    def hard(self) -> bool:
        """Whether a plan that breaks the rule may not be submitted."""
        ...

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:
        """Yield a finding for each grid, estate or group that breaks the rule.

        Parameters
        ----------
        division : what is judged
        previous : the division before, for rules that keep something as it was; None = there is none
        """
        ...


def judge(
    division: Division, previous: Division | None = None, constraints: Sequence[Constraint] | None = None
) -> Report:
    """Return what every rule says of a division, hard rules first."""
    chosen = CONSTRAINTS if constraints is None else constraints
    found = [finding for rule in chosen for finding in rule.check(division, previous)]
    order = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
    return Report(tuple(sorted(found, key=lambda one: order[one.severity])))


def _finding(
    division: Division, severity: Severity, rule: str, numbers: object, /, **values: object
) -> Finding:
    """Make a finding about one grid or several.

    The values ``grid`` and ``code`` name the first of them, ``place`` all, with their communities.
    """
    grids = np.atleast_1d(np.asarray(numbers, dtype=np.int64))
    ids = division.grids.index.to_numpy(object)[grids]
    codes = [_short(division, int(grid)) for grid in grids]
    names = division.fabric.town.communities["name"]
    homes = [str(names.get(one, one)) for one in division.home[grids]]
    place = " / ".join(
        f"{home} {code}" if at == 0 or home != homes[at - 1] else code
        for at, (home, code) in enumerate(zip(homes, codes, strict=True))
    )
    first = {"grid": str(ids[0]), "code": codes[0], "place": place} if len(ids) else {"place": ""}
    return Finding.of(severity, f"grids.{rule}", "grids", ids, **(first | values))


def _short(division: Division, grid: int) -> str:
    """Last three digits of a grid's code, its name inside its community; its id where it has no code."""
    code = division.grids["code"].iloc[grid]
    return str(division.grids.index[grid]) if pd.isna(code) else str(code)[-3:]


def _buildings(division: Division, units: Ints) -> tuple[str, ...]:
    members = division.fabric.members
    chosen = members["unit"].isin(units).to_numpy(dtype=bool)
    return tuple(dict.fromkeys(members["building_id"][chosen]))


def _estate_name(division: Division, estate_id: object) -> str:
    estates = division.fabric.town.estates
    if estate_id not in estates.index:
        return str(estate_id)
    name = estates["name"].get(estate_id)
    return str(estate_id) if pd.isna(name) else str(name)


@dataclass(frozen=True)
class Assigned:
    """Every unit is in exactly one grid."""

    hard: bool = True

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:  # noqa: ARG002
        """See `Constraint.check`."""
        loose = np.flatnonzero(division.grid < 0)
        if len(loose):
            units = division.fabric.units.iloc[loose]
            yield Finding.of(
                Severity.ERROR,
                "grids.unassigned",
                "buildings",
                _buildings(division, loose),
                count=len(loose),
                households=int(units["households"].sum()),
            )


@dataclass(frozen=True)
class Window:
    """Households of a basic grid lie within the window."""

    hard: bool = True

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:  # noqa: ARG002
        """See `Constraint.check`."""
        rules, weight = division.fabric.rules, division.weight
        community = division.home
        basic = division.is_basic
        for grid in np.flatnonzero(basic & (weight < rules.lower)):
            alone = ((community == community[grid]) & basic).sum() == 1
            yield _finding(
                division,
                Severity.NOTE if alone else Severity.ERROR,
                "community_below_lower" if alone else "below_lower",
                grid,
                households=round(weight[grid]),
                lower=rules.lower,
                short=round(rules.lower - weight[grid]),
            )
        unit_weight = division.fabric.arrays.weight
        for grid in np.flatnonzero(basic & (weight > rules.upper)):
            inhabited = np.flatnonzero((division.grid == grid) & (unit_weight > 0))
            single = len(inhabited) == 1
            yield _finding(
                division,
                Severity.NOTE if single else Severity.ERROR,
                "unit_above_upper" if single else "above_upper",
                grid,
                households=round(weight[grid]),
                upper=rules.upper,
                over=round(weight[grid] - rules.upper),
                buildings=_buildings(division, inhabited)[0] if single else "",
            )


def _split_grids(division: Division, piece: Ints) -> Iterator[tuple[int, Ints, Ints]]:
    """Yield each grid in several pieces, the units of its lesser pieces, and the pieces' numbers.

    What a grid holds of another community is no piece: that is another rule's fault.
    """
    community = division.fabric.arrays.community
    home = np.array([*division.home, None], dtype=object)[division.grid]
    inside = np.flatnonzero((division.grid >= 0) & (home == community))
    pairs = np.unique(np.stack([division.grid[inside], piece[inside]]), axis=1)
    grids, count = np.unique(pairs[0], return_counts=True)
    several = grids[count > 1]
    weight = division.fabric.arrays.weight
    for grid in np.sort(several):
        units = inside[division.grid[inside] == grid]
        pieces, label = np.unique(piece[units], return_inverse=True)
        size = np.bincount(label, weights=weight[units] + 1e-6)
        yield int(grid), units[label != size.argmax()], pieces


@dataclass(frozen=True)
class Contiguity:
    """A grid is connected: every part of it touches another."""

    hard: bool = True

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:  # noqa: ARG002
        """See `Constraint.check`."""
        for grid, lesser, pieces in _split_grids(division, division.pieces(over_barriers=True)):
            yield _apart(division, "not_connected", grid, lesser, pieces)


@dataclass(frozen=True)
class Barriers:
    """A grid does not lie on both sides of a river, a railway or a motorway without a bridge."""

    hard: bool = True

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:  # noqa: ARG002
        """See `Constraint.check`."""
        over = {grid for grid, *_ in _split_grids(division, division.pieces(over_barriers=True))}
        for grid, lesser, pieces in _split_grids(division, division.pieces()):
            if grid not in over:
                yield _apart(division, "barrier_crossed", grid, lesser, pieces)


def _apart(division: Division, rule: str, grid: int, lesser: Ints, pieces: Ints) -> Finding:
    buildings = _buildings(division, lesser)
    return _finding(
        division,
        Severity.ERROR,
        rule,
        grid,
        pieces=len(pieces),
        buildings=buildings,
        building_count=len(buildings),
        households=round(division.fabric.arrays.households[lesser].sum()),
    )


@dataclass(frozen=True)
class CommunityBoundary:
    """A grid lies in one community."""

    hard: bool = True

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:  # noqa: ARG002
        """See `Constraint.check`."""
        home = division.home
        community = division.fabric.arrays.community
        inside = np.flatnonzero(division.grid >= 0)
        foreign = inside[community[inside] != home[division.grid[inside]]]
        names = division.fabric.town.communities["name"]
        for grid in np.unique(division.grid[foreign]):
            units = foreign[division.grid[foreign] == grid]
            buildings = _buildings(division, units)
            yield _finding(
                division,
                Severity.ERROR,
                "across_communities",
                grid,
                communities=" / ".join(str(names[one]) for one in sorted(set(community[units]))),
                home=str(names.get(home[grid], home[grid])),
                buildings=buildings,
                building_count=len(buildings),
                households=round(division.fabric.arrays.households[units].sum()),
            )


@dataclass(frozen=True)
class SpecialAreas:
    """Buildings of a special area are in its grid, and no others are."""

    hard: bool = True

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:  # noqa: ARG002
        """See `Constraint.check`."""
        basic = division.is_basic
        number = division.special_buildings
        ids = division.fabric.special_members["building_id"].to_numpy(object)
        strayed = (number >= 0) & basic[number] if len(basic) else np.zeros(len(number), dtype=bool)
        for grid in np.unique(number[strayed]):
            buildings = tuple(ids[strayed & (number == grid)])
            yield _finding(
                division,
                Severity.ERROR,
                "special_in_basic",
                grid,
                buildings=buildings,
                building_count=len(buildings),
            )
        inside = np.flatnonzero(division.grid >= 0)
        inside = inside[~basic[division.grid[inside]]]
        for grid in np.unique(division.grid[inside]):
            buildings = _buildings(division, inside[division.grid[inside] == grid])
            yield _finding(
                division,
                Severity.ERROR,
                "basic_in_special",
                grid,
                buildings=buildings,
                building_count=len(buildings),
            )


@dataclass(frozen=True)
class Counts:
    """A community has the number of grids the rules ask for."""

    hard: bool = True

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:  # noqa: ARG002
        """See `Constraint.check`."""
        basic = division.is_basic
        home = division.home
        names = division.fabric.town.communities["name"]
        present = set(division.fabric.units["community_id"])
        for community_id, count in division.fabric.rules.counts.items():
            grids = np.flatnonzero(basic & (home == community_id))
            if community_id in present and len(grids) != count:
                yield _finding(
                    division,
                    Severity.ERROR,
                    "count_differs",
                    grids,
                    community=str(names[community_id]),
                    count=count,
                    found=len(grids),
                )


@dataclass(frozen=True)
class KeptEstates:
    """Estates that the rules keep are not divided."""

    hard: bool = True

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:  # noqa: ARG002
        """See `Constraint.check`."""
        for spread in _spread_estates(division):
            if spread.estate_id in division.fabric.rules.kept_estates:
                yield _split_estate(division, Severity.ERROR, "kept_estate_split", spread)


@dataclass(frozen=True)
class EstatesWhole:
    """An estate touches no more grids than its households need."""

    hard: bool = False

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:  # noqa: ARG002
        """See `Constraint.check`."""
        upper, kept = division.fabric.rules.upper, division.fabric.rules.kept_estates
        arrays = division.fabric.arrays
        for spread in _spread_estates(division):
            weight = arrays.weight[arrays.group == spread.group].sum()
            needed = max(1, int(np.ceil(weight / upper - 1e-9)))
            if len(spread.grids) > needed and spread.estate_id not in kept:
                yield _split_estate(division, Severity.WARNING, "estate_split", spread)


@dataclass(frozen=True, eq=False)
class _Spread:
    """An estate in several grids of one community: the grids, most buildings first, and those."""

    estate_id: str
    group: int
    grids: Ints
    buildings: Ints


def _spread_estates(division: Division) -> Iterator[_Spread]:
    arrays = division.fabric.arrays
    inside = (arrays.group >= 0) & (division.grid >= 0)
    touched, buildings = np.unique(
        np.stack([arrays.group[inside], division.grid[inside]]), axis=1, return_counts=True
    )
    group, first, count = np.unique(touched[0], return_index=True, return_counts=True)
    for one, start, grids in zip(group, first, count, strict=True):
        if grids > 1:
            order = start + np.argsort(-buildings[start : start + grids], kind="stable")
            yield _Spread(str(arrays.group_estate[one]), int(one), touched[1][order], buildings[order])


def _split_estate(division: Division, severity: Severity, rule: str, spread: _Spread) -> Finding:
    shares = zip(spread.grids, spread.buildings, strict=True)
    return _finding(
        division,
        severity,
        rule,
        spread.grids,
        estate=_estate_name(division, spread.estate_id),
        estate_id=spread.estate_id,
        grids=len(spread.grids),
        shares=" / ".join(f"{_short(division, int(one))} {count}" for one, count in shares),
    )


@dataclass(frozen=True)
class MainRoads:
    """A grid does not lie on both sides of a main road."""

    hard: bool = False

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:  # noqa: ARG002
        """See `Constraint.check`."""
        arrays = division.fabric.arrays
        home = np.array([*division.home, None], dtype=object)[division.grid]
        inside = np.flatnonzero((division.grid >= 0) & (home == arrays.community))
        held, part = np.unique(
            np.stack([division.grid[inside], arrays.side[inside]]), axis=1, return_inverse=True
        )
        households = np.bincount(part.reshape(-1), weights=arrays.households[inside])
        grids, count = np.unique(held[0], return_counts=True)
        for grid in grids[count > 1]:
            parts = np.sort(households[held[0] == grid])[::-1]
            yield _finding(
                division,
                Severity.WARNING,
                "main_road_crossed",
                grid,
                sides=len(parts),
                shares=" + ".join(f"{round(one)}" for one in parts),
            )


@dataclass(frozen=True)
class Together:
    """Buildings that the rules join share one grid."""

    hard: bool = True

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:  # noqa: ARG002
        """See `Constraint.check`."""
        for group in division.fabric.rules.together:
            grids = _grids_of(division, group)
            held, count = np.unique(grids[grids >= 0], return_counts=True)
            if len(np.unique(grids)) > 1:
                shares = [f"{_short(division, int(one))} {of}" for one, of in zip(held, count, strict=True)]
                yield _finding(
                    division,
                    Severity.ERROR,
                    "together_parted",
                    held,
                    group=" / ".join(group),
                    grids=len(held),
                    shares=" / ".join(shares),
                )


@dataclass(frozen=True)
class Apart:
    """Buildings that the rules part are in different grids."""

    hard: bool = True

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:  # noqa: ARG002
        """See `Constraint.check`."""
        for group in division.fabric.rules.apart:
            grids = _grids_of(division, group)
            grids, count = np.unique(grids[grids >= 0], return_counts=True)
            for grid, held in zip(grids[count > 1], count[count > 1], strict=True):
                yield _finding(
                    division, Severity.ERROR, "apart_joined", grid, group=" / ".join(group), held=int(held)
                )


def _grids_of(division: Division, building_ids: Sequence[str]) -> Ints:
    members = division.fabric.members
    chosen = members["building_id"].isin(list(building_ids)).to_numpy(dtype=bool)
    grids: Ints = division.grid[members["unit"].to_numpy(dtype=np.int64)[chosen]]
    return grids


@dataclass(frozen=True)
class LockedGrids:
    """A locked grid keeps its buildings, and gets no others."""

    hard: bool = True

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:
        """See `Constraint.check`."""
        if previous is None:
            return
        now, before = _names(division), _names(previous)
        for grid_id, reason in division.fabric.rules.locked_grids.items():
            left = np.flatnonzero((before == grid_id) & (now != grid_id))
            joined = np.flatnonzero((now == grid_id) & (before != grid_id))
            if len(left) + len(joined):
                number = division.numbers_of([grid_id])
                yield _finding(
                    division,
                    Severity.ERROR,
                    "locked_grid_changed",
                    number[number >= 0],
                    locked=grid_id,
                    reason=reason,
                    left=len(left),
                    joined=len(joined),
                    buildings=_buildings(division, np.concatenate([left, joined])),
                )


def _names(division: Division) -> NDArray[np.object_]:
    """Grid id of each unit, '' for none."""
    ids = np.append(division.grids.index.to_numpy(object), "")
    names: NDArray[np.object_] = ids[division.grid]
    return names


@dataclass(frozen=True)
class LockedBoundaries:
    """Units on a locked boundary stay on their side of it."""

    hard: bool = True

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:
        """See `Constraint.check`."""
        if previous is None:
            return
        now, before = _names(division), _names(previous)
        for first, second in division.fabric.rules.locked_boundaries:
            along = boundary_units(previous, first, second)
            moved = along[now[along] != before[along]]
            if len(moved):
                number = division.numbers_of([first, second])
                buildings = _buildings(division, moved)
                yield _finding(
                    division,
                    Severity.ERROR,
                    "locked_boundary_moved",
                    number[number >= 0],
                    first=first,
                    second=second,
                    buildings=buildings,
                    building_count=len(buildings),
                )


def boundary_units(division: Division, first: str, second: str) -> Ints:
    """Return the units of two grids that touch the other one."""
    a, b = division.numbers_of([first, second])
    if min(a, b) < 0:
        return np.empty(0, dtype=np.int64)
    u, v = division.fabric.ends.T
    gu, gv = division.grid[u], division.grid[v]
    touch = ((gu == a) & (gv == b)) | ((gu == b) & (gv == a))
    return np.unique(np.concatenate([u[touch], v[touch]]))


@dataclass(frozen=True)
class GreatestWalk:
    """A grid can be crossed on foot within the greatest walk of the rules."""

    hard: bool = True

    def check(self, division: Division, previous: Division | None) -> Iterator[Finding]:  # noqa: ARG002
        """See `Constraint.check`."""
        limit_m = division.fabric.rules.greatest_walk_m
        if limit_m is None:
            return
        for walk in greatest_walks(division, limit_m):
            yield _finding(
                division,
                Severity.ERROR,
                "walk_too_long" if walk.by_street else "walk_too_long_straight",
                [walk.grid],
                walk_m=walk.walk_m,
                limit_m=limit_m,
                over_m=walk.walk_m - limit_m,
                buildings=_buildings(division, np.array(walk.units)),
            )


CONSTRAINTS: tuple[Constraint, ...] = (
    Assigned(),
    Window(),
    Contiguity(),
    Barriers(),
    CommunityBoundary(),
    SpecialAreas(),
    Counts(),
    LockedGrids(),
    LockedBoundaries(),
    KeptEstates(),
    Together(),
    Apart(),
    GreatestWalk(),
    EstatesWhole(),
    MainRoads(),
)
"""Every rule, hard ones first, in the order in which they are read out."""
