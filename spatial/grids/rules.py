"""The rules of drawing grids, and how they are read from a TOML file.

Hard rules hold in every plan; what is wished for is put in order.  The defaults are those of the
method page on drawing grids: 300 to 500 households, rivers, railways and motorways are never crossed,
estates stay whole where they can, main roads are crossed only at a price.

A rules file names only what differs::

    [window]
    lower = 280
    upper = 450
    target = 380
    measure = "households"      # or "workload": the column weight of buildings

    [roads]
    main = ["motorway", "trunk", "primary", "secondary"]
    main_names = ["人民路"]
    side_penalty_m = 150

    [barriers]
    kinds = ["river", "railway", "motorway"]

    [counts]                    # grids of a community
    "330106001001" = 9

    [keep]
    estates = ["E12"]           # never divided
    grids = { "G001" = "待居民议事会确认" }
    boundaries = [["G002", "G003"]]

    [units]
    together = [["B1", "B2"]]   # buildings that share a grid
    apart = [["B7", "B9"]]      # buildings that do not
    stairwells = true           # a building above the window may be divided

    [walk]
    greatest_m = 600            # across a grid, on foot, by street where there are streets

    [levels]
    parents = "subdistrict"     # or "community"

    [redraw]
    lawful_communities = false  # true: also where no rule is broken

    [knowledge]
    known_share = 0.95

    [order]
    wishes = ["moved_households", "extra_pieces", "inertia"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from spatial.errors import RulesError

__all__ = ["WISHES", "GridRules", "Measure", "Parents", "read_rules"]

Measure = Literal["households", "workload"]
Parents = Literal["", "community", "subdistrict"]

WISHES = ("moved_households", "extra_pieces", "inertia")
"""What is wished for, in the order of its weight; violation of the window always stands before."""

_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class GridRules:
    """What a plan must hold, and what it should.

    Attributes
    ----------
    lower, upper : households of a basic grid, both inclusive
    target : households a grid should have where the count is free
    measure : what is counted: ``households``, or ``workload`` (column ``weight`` of buildings)
    main_road_classes, main_road_names : streets that are main roads, by OSM class or by name
    side_penalty_m : metres added between units on different sides of a main road
    barrier_kinds : kinds of barriers no grid crosses, where the barrier itself does not say
    counts : grids of a community, by community_id
    kept_estates : estates that are never divided
    locked_grids : grids of the previous plan that stay as they are, with the reason
    locked_boundaries : pairs of grids of the previous plan whose common boundary stays
    together, apart : buildings that share one grid; buildings of which no two do
    stairwells : whether a building above ``upper`` may be divided between its stairwells
    greatest_walk_m : greatest walk between two buildings of a grid, by street where the town has streets
        (`spatial.grids.walks`), or None
    parents : what the grids of level 1 are made of: nothing, communities or subdistricts
    redraw_lawful : whether communities that break no rule are drawn anew too
    known_share : least share of residential buildings with known households
    wishes : the wishes that count; leaving one out of `WISHES` switches it off
    """

    lower: int = 300
    upper: int = 500
    target: int = 400
    measure: Measure = "households"
    main_road_classes: tuple[str, ...] = ("motorway", "trunk", "primary", "secondary")
    main_road_names: tuple[str, ...] = ()
    side_penalty_m: float = 150.0
    barrier_kinds: tuple[str, ...] = ("river", "railway", "motorway")
    counts: Mapping[str, int] = field(default_factory=dict)
    kept_estates: tuple[str, ...] = ()
    locked_grids: Mapping[str, str] = field(default_factory=dict)
    locked_boundaries: tuple[tuple[str, str], ...] = ()
    together: tuple[tuple[str, ...], ...] = ()
    apart: tuple[tuple[str, ...], ...] = ()
    stairwells: bool = False
    greatest_walk_m: float | None = None
    parents: Parents = ""
    redraw_lawful: bool = False
    known_share: float = 0.95
    wishes: tuple[str, ...] = WISHES

    def __post_init__(self) -> None:
        if not 0 <= self.lower <= self.upper or self.upper <= 0:
            raise RulesError("grids.window_impossible", lower=self.lower, upper=self.upper)
        if not self.lower <= self.target <= self.upper:
            # a window given alone draws its target along
            object.__setattr__(self, "target", (self.lower + self.upper) // 2)

    def as_text(self) -> dict[str, str]:
        """Return the rules as text by name, as a plan keeps them."""
        return {one.name: _as_text(getattr(self, one.name)) for one in fields(self)}

    def with_window(self, lower: int | None = None, upper: int | None = None) -> GridRules:
        """Return the rules with another window; None leaves a limit as it is.

        A target outside the new window moves to its middle.
        """
        return replace(
            self,
            lower=self.lower if lower is None else lower,
            upper=self.upper if upper is None else upper,
        )


def _as_text(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}={one}" for key, one in sorted(value.items()))
    if isinstance(value, tuple):
        return "; ".join("+".join(one) if isinstance(one, tuple) else str(one) for one in value)
    return "" if value is None else str(value)


def read_rules(path: str | Path) -> GridRules:
    """Return the rules of a TOML file.

    Raises
    ------
    RulesError
        If the file is missing, is no TOML, names an unknown rule, or gives a value of another kind.
    """
    file = Path(path)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RulesError("grids.rules_unreadable", path=file, problem=error.strerror) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RulesError("grids.rules_unreadable", path=file, problem=error) from error
    values: dict[str, Any] = {}
    for section, entries in content.items():
        if section not in _SECTIONS or not isinstance(entries, Mapping):
            raise RulesError("grids.rule_unknown", path=file, rule=section, known="、".join(_SECTIONS))
        known = _SECTIONS[section]
        if isinstance(known, _Rule):
            values[known.name] = known.read(file, section, entries)
            continue
        for key, value in entries.items():
            if key not in known:
                raise RulesError(
                    "grids.rule_unknown", path=file, rule=f"{section}.{key}", known="、".join(known)
                )
            values[known[key].name] = known[key].read(file, f"{section}.{key}", value)
    return GridRules(**values)


@dataclass(frozen=True)
class _Rule:
    """One entry of a rules file: the attribute it sets, and how its value is understood."""

    name: str
    kind: str
    understand: Callable[[Any], Any]

    def read(self, file: Path, rule: str, value: Any) -> Any:  # noqa: ANN401 - any TOML value
        try:
            return self.understand(value)
        except (TypeError, ValueError) as error:
            raise RulesError(
                "grids.rule_value", path=file, rule=rule, kind=self.kind, value=repr(value)
            ) from error


def _whole(value: Any) -> int:  # noqa: ANN401 - any TOML value
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError
    return value


def _number(value: Any) -> float:  # noqa: ANN401 - any TOML value
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise TypeError
    return float(value)


def _share(value: Any) -> float:  # noqa: ANN401 - any TOML value
    share = _number(value)
    if share > 1:
        raise ValueError
    return share


def _flag(value: Any) -> bool:  # noqa: ANN401 - any TOML value
    if not isinstance(value, bool):
        raise TypeError
    return value


def _text(value: Any) -> str:  # noqa: ANN401 - any TOML value
    if not isinstance(value, str):
        raise TypeError
    return value


def _list(value: Any) -> Sequence[Any]:  # noqa: ANN401 - any TOML value
    if not isinstance(value, list):
        raise TypeError
    return value


def _texts(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - any TOML value
    return tuple(_text(one) for one in _list(value))


def _groups(value: Any) -> tuple[tuple[str, ...], ...]:  # noqa: ANN401 - any TOML value
    groups = tuple(_texts(one) for one in _list(value))
    if any(len(one) < 2 for one in groups):
        raise ValueError
    return groups


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:  # noqa: ANN401 - any TOML value
    return tuple((first, second) for first, second in _groups(value))


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def understand(value: Any) -> str:  # noqa: ANN401 - any TOML value
        if value not in allowed:
            raise ValueError
        return str(value)

    return understand


def _reasons(value: Any) -> dict[str, str]:  # noqa: ANN401 - any TOML value
    return {_text(key): _text(one) for key, one in dict(value).items()}


def _counts(value: Any) -> dict[str, int]:  # noqa: ANN401 - any TOML value
    counts = {_text(key): _whole(one) for key, one in dict(value).items()}
    if 0 in counts.values():
        raise ValueError
    return counts


def _wishes(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - any TOML value
    wishes = _texts(value)
    if wishes != tuple(one for one in WISHES if one in wishes) or "inertia" not in wishes:
        raise ValueError
    return wishes


_SECTIONS: Mapping[str, _Rule | Mapping[str, _Rule]] = {
    "window": {
        "lower": _Rule("lower", "0, 1, 2 …", _whole),
        "upper": _Rule("upper", "0, 1, 2 …", _whole),
        "target": _Rule("target", "0, 1, 2 …", _whole),
        "measure": _Rule("measure", '"households", "workload"', _one_of("households", "workload")),
    },
    "roads": {
        "main": _Rule("main_road_classes", '["primary", …]', _texts),
        "main_names": _Rule("main_road_names", '["…", …]', _texts),
        "side_penalty_m": _Rule("side_penalty_m", "≥ 0", _number),
    },
    "barriers": {"kinds": _Rule("barrier_kinds", '["river", …]', _texts)},
    "counts": _Rule("counts", "community_id = 1, 2 …", _counts),
    "keep": {
        "estates": _Rule("kept_estates", '["E12", …]', _texts),
        "grids": _Rule("locked_grids", '{ "G001" = "…" }', _reasons),
        "boundaries": _Rule("locked_boundaries", '[["G001", "G002"], …]', _pairs),
    },
    "units": {
        "together": _Rule("together", '[["B1", "B2"], …]', _groups),
        "apart": _Rule("apart", '[["B1", "B2"], …]', _groups),
        "stairwells": _Rule("stairwells", "true, false", _flag),
    },
    "walk": {"greatest_m": _Rule("greatest_walk_m", "≥ 0", _number)},
    "levels": {
        "parents": _Rule("parents", '"community", "subdistrict"', _one_of("community", "subdistrict"))
    },
    "redraw": {"lawful_communities": _Rule("redraw_lawful", "true, false", _flag)},
    "knowledge": {"known_share": _Rule("known_share", "0 … 1", _share)},
    "order": {"wishes": _Rule("wishes", '["moved_households", "extra_pieces", "inertia"]', _wishes)},
}
