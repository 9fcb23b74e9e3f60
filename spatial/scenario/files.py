"""Scenario files: changes with old and new values, or plain actions that become such changes.

A file is TOML: ``name``, and one ``[[change]]`` after another.  A change says what to ``do``, as a planner
would, or names a row with its old and new values, as Wangge keeps it.  Reading turns the one into the
other, in order, so that a later change sees what an earlier one did.
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from spatial.catalogue import categories
from spatial.checks import check_tables
from spatial.errors import FileError, RulesError, SchemaError, UsageError
from spatial.network import StreetNetwork, build_network
from spatial.scenario.actions import (
    add_footpath,
    add_service,
    close_service,
    close_street,
    cross_wall,
    move_service,
    resize_service,
    set_gate,
)
from spatial.scenario.changes import Change, Scenario, apply
from spatial.town import Town

__all__ = ["ACTIONS", "read_scenario", "scenario_of", "scenario_text", "write_scenario"]

_Action = Callable[..., list[Change]]

# Tables that the walking network is built from.
_OF_NETWORK = frozenset({"streets", "gates", "estates", "barriers"})


@dataclass(frozen=True, eq=False)
class _Ground:
    """The town as the changes so far have left it; its network is built when an action asks for it."""

    town: Town
    network: StreetNetwork | None

    def built(self) -> StreetNetwork:
        return self.network or build_network(self.town)


def _open_gate(ground: _Ground, *, gate: str) -> list[Change]:
    return set_gate(ground.town, gate, is_open=True)


def _close_gate(ground: _Ground, *, gate: str) -> list[Change]:
    return set_gate(ground.town, gate, is_open=False)


def _add_service(
    ground: _Ground,
    *,
    facility: str,
    category: str,
    at: Sequence[float],
    name: str | None = None,
    **values: float,
) -> list[Change]:
    if category not in categories() and category not in set(ground.town.services["category"]):
        raise UsageError("scenario.category_unknown", found=category)
    return add_service(facility, category, _xy(at, "at"), name=name, **values)


def _move_service(ground: _Ground, *, facility: str, at: Sequence[float]) -> list[Change]:
    return move_service(ground.town, facility, _xy(at, "at"))


def _close_service(ground: _Ground, *, facility: str, category: str) -> list[Change]:
    return close_service(ground.town, facility, category)


def _resize_service(ground: _Ground, *, facility: str, category: str, **values: float) -> list[Change]:
    return resize_service(ground.town, facility, category, **values)


def _add_footpath(ground: _Ground, *, street: str, line: Sequence[Sequence[float]]) -> list[Change]:
    return add_footpath(ground.town, ground.built(), street, _path(line))


def _add_bridge(ground: _Ground, *, street: str, line: Sequence[Sequence[float]]) -> list[Change]:
    return add_footpath(ground.town, ground.built(), street, _path(line), bridge=True)


def _close_street(ground: _Ground, *, street: str) -> list[Change]:
    return close_street(ground.town, street)


def _cross_wall(ground: _Ground, *, street: str, line: Sequence[Sequence[float]]) -> list[Change]:
    return cross_wall(ground.town, ground.built(), street, [_xy(one, "line") for one in line])


ACTIONS: Mapping[str, _Action] = MappingProxyType(
    {
        action.__name__[1:]: action
        for action in (
            _open_gate, _close_gate, _add_service, _move_service, _close_service, _resize_service,
            _add_footpath, _add_bridge, _close_street, _cross_wall,
        )
    }
)  # fmt: skip
"""What a change of a scenario file may ``do``; the other words of the change are the parameters."""


def _xy(place: Sequence[float], word: str) -> tuple[float, float]:
    """Return the place that a word of a change gives."""
    try:
        x, y = place
        return float(x), float(y)
    except (TypeError, ValueError) as problem:
        raise UsageError("scenario.coordinates", word=word, found=place) from problem


def _path(line: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """Return the vertices of a new path, which must have some length."""
    points = [_xy(one, "line") for one in line]
    if len(set(points)) < 2:
        raise UsageError("scenario.path_without_length", found=line)
    return points


def read_scenario(path: str | Path, town: Town) -> Scenario:
    """Read a scenario for a town from TOML.

    Raises
    ------
    FileError
        If the file is missing.
    RulesError
        If it is no TOML.
    UsageError, ConflictError
        As `scenario_of`.
    SchemaError
        If the town would break the schema with the changes; it carries the report.
    """
    path = Path(path)
    if not path.is_file():
        raise FileError("scenario.file_missing", path=path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise RulesError("scenario.unreadable", path=path, problem=problem) from problem
    scenario = scenario_of({"name": path.stem, **document}, town)
    report = check_tables(apply(town, scenario.changes).tables)
    if report.errors:
        raise SchemaError(report)
    return scenario


def scenario_of(document: Mapping[str, Any], town: Town, network: StreetNetwork | None = None) -> Scenario:
    """Return the scenario of a document: what a file, or a request to the service, asks for.

    Parameters
    ----------
    document : ``name``; ``change``, a list of actions (``do`` and its parameters, see `ACTIONS`) and of
        rows (``table``, ``row``, ``old``, ``new``); ``pace`` when that is to change.  ``base`` is of no
        account: old values say whether a change fits
    town : the town it is for
    network : its walking network, when it is at hand

    Raises
    ------
    UsageError
        If it asks for what there is not, or lacks a parameter.
    ConflictError
        If the old value of a row does not hold.
    """
    entries = document.get("change", [])
    if not isinstance(entries, Sequence) or not all(isinstance(one, Mapping) for one in entries):
        raise UsageError("scenario.no_changes", found=type(entries).__name__)
    changes: list[Change] = []
    ground = _Ground(town, network)
    for number, entry in enumerate(entries, start=1):
        made = _changes(entry, ground, number)
        rewired = any(one.table in _OF_NETWORK for one in made)
        ground = _Ground(apply(ground.town, made), None if rewired else ground.network)
        changes += made
    return Scenario(str(document.get("name", "")), town.fingerprint(), tuple(changes), document.get("pace"))


def _changes(entry: Mapping[str, Any], ground: _Ground, number: int) -> list[Change]:
    """Return the changes of one entry."""
    if "table" in entry and "row" in entry:
        return [Change(str(entry["table"]), str(entry["row"]), entry.get("old"), entry.get("new"))]
    if entry.get("do") not in ACTIONS:
        known = " / ".join(ACTIONS)
        raise UsageError("scenario.action_unknown", found=entry.get("do", ""), known=known, number=number)
    action = ACTIONS[entry["do"]]
    values = {name: value for name, value in entry.items() if name != "do"}
    try:
        inspect.signature(action).bind(ground, **values)
        return action(ground, **values)
    except (TypeError, ValueError) as problem:
        wanted = [name for name in inspect.signature(action).parameters if name != "ground"]
        raise UsageError(
            "scenario.action_parameters", action=entry["do"], wanted=wanted, found=list(values), number=number
        ) from problem


def write_scenario(scenario: Scenario, path: str | Path) -> None:
    """Write a scenario as TOML; nulls of old values are left out."""
    Path(path).write_text(scenario_text(scenario), encoding="utf-8")


def scenario_text(scenario: Scenario) -> str:
    """Return a scenario as TOML: its changes with old and new values; nulls are left out."""
    lines = [f"name = {_quoted(scenario.name)}", f"base = {_quoted(scenario.base)}"]
    if scenario.pace:
        lines.append(f"pace = {_quoted(scenario.pace)}")
    for change in scenario.changes:
        lines += ["", "[[change]]", f"table = {_quoted(change.table)}", f"row = {_quoted(change.row)}"]
        for name, values in (("old", change.old), ("new", change.new)):
            if values is not None:
                known = [
                    f"{_quoted(key)} = {_literal(value)}"
                    for key, value in values.items()
                    if value is not None
                ]
                lines.append(f"{name} = {{ {', '.join(known)} }}")
    return "\n".join(lines) + "\n"


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else _quoted(str(value))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
