"""A street town for the tests of the standards, and profiles written as users write them.

One street runs 3 km from west to east through three communities of 1 km; 10 m north of it stand four
buildings in each, 10 m south of it the facilities, so that a walk is the distance along the street plus
20 m.  Every building has 100 households and 250 residents, save those of the third community, whose
residents nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from shapely.geometry import box

from spatial.schema import COMMON_COLUMNS
from spatial.standards import Profile, read_profile
from spatial.town import Town
from tests.streets import Row, building, facility, service, street, street_town

COMMUNITIES = ("A", "B", "C")
AT_M = (100.0, 300.0, 600.0, 900.0)
HOUSEHOLDS, RESIDENTS = 100, 250


def three_communities(
    services: Sequence[tuple[str, str, float, Mapping[str, Any]]] = (),
    *,
    complete: Sequence[str] = (),
    measures: Sequence[tuple[str, str, str, float]] = (),
    known: Sequence[str] = ("A", "B"),
    name: str = "长街县",
    **tables: Sequence[Row],
) -> Town:
    """Return the town.

    Parameters
    ----------
    services : category, facility_id, metres from the west end, and further columns of the service or
        (access, opened, closed) of the facility
    complete : categories whose list is complete
    measures : subject_type, subject_id, quantity, value
    known : communities whose residents are known
    tables : rows of further tables
    """
    rows: dict[str, Sequence[Row]] = {
        "communities": [
            {
                "community_id": one,
                "name": f"{one}社区",
                "geometry": box(1000 * place, -400, 1000 * place + 1000, 400),
            }
            for place, one in enumerate(COMMUNITIES)
        ],
        "streets": [street("S", (0, 0), (3000, 0), **{"class": "residential"})],
        "buildings": [
            building(
                f"{one}{number}",
                1000 * place + along,
                10,
                HOUSEHOLDS,
                community_id=one,
                residents=RESIDENTS if one in known else None,
            )
            for place, one in enumerate(COMMUNITIES)
            for number, along in enumerate(AT_M)
        ],
        "facilities": [
            facility(one, x, -10, **{key: value for key, value in more.items() if key in _OF_FACILITY})
            for one, x, more in {one: (one, x, more) for _, one, x, more in services}.values()
        ],
        "services": [
            service(one, category, **{key: value for key, value in more.items() if key not in _OF_FACILITY})
            for category, one, _, more in services
        ],
        "completeness": [{"category": one, "state": "complete"} for one in complete],
        "measures": [
            dict(zip(("subject_type", "subject_id", "quantity", "value"), row, strict=True))
            for row in measures
        ],
    }
    return _named(street_town(**(rows | tables)), name)


_OF_FACILITY = ("access", "opened", "closed")


def _named(town: Town, name: str) -> Town:
    """Return the town by another name, with the columns that every table may carry."""
    common = {one.name: pd.Series(dtype="string") for one in COMMON_COLUMNS}
    tables = {
        key: frame.assign(**{name: values for name, values in common.items() if name not in frame})
        for key, frame in town.tables.items()
    }
    return Town(name, town.crs, tables, town.provenance)


def profile_of(
    folder: Path, indicators: Mapping[str, str], *, head: str = "", more: str = "", weights: bool = True
) -> Profile:
    """Return the profile of some indicators, written as TOML; their weights are shared out equally."""
    share = f", weight = {100 / len(indicators)!r}" if weights else ""
    rows = "\n".join(
        f'{one} = {{ zh = "{one}", en = "{one}", unit = "% of residents"{share}, {keys} }}'
        for one, keys in indicators.items()
    )
    path = folder / "profile.toml"
    path.write_text(
        f'[profile]\nid = "mine"\nzh = "自编"\nen = "mine"\nstar_thresholds = [50, 60, 70, 80, 90]\n{head}\n'
        f"{more}\n[indicator]\n{rows}\n",
        encoding="utf-8",
    )
    return read_profile(path)


def row_of(rating: Any, subject: str, indicator: str) -> Any:
    """Return one row of a rating."""
    rows = rating.indicators.set_index(["subject_id", "indicator"])
    return rows.loc[(subject, indicator)]
