"""Draw ledgers for the demo county: staff, events, household classes, premises, partners, telephones.

    python data/boundaries/demo_ledgers.py --output demo-ledgers.gpkg [--plan PLAN.gpkg] [--seed 7]

Everybody in them is made up, and every name and telephone says so.  The ledgers are not committed: they
are drawn where they are wanted, into a file that only its owner reads.  A few faults are put in on purpose
(`FAULTS`), for the checks to find.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from spatial.checks import lives
from spatial.grids import Plan
from spatial.io import read_plan, read_town, write_ledgers
from spatial.ledgers import HOUSEHOLD_CLASSES, Ledgers, make_ledgers
from spatial.town import Town

__all__ = ["AS_OF", "FAULTS", "SEED", "generate", "main"]

SEED = 7
AS_OF = "2025-06-30"
SOURCE = "合成数据"
PACKAGE = Path(__file__).with_name("demo-county.gpkg")

# How many of each fault: grids without a dedicated worker, workers of two grids, estates without their
# linked worker, events without a date, without a place, and reopened, premises of unknown area.
FAULTS = {
    "no_worker": 3,
    "two_grids": 2,
    "no_linked_worker": 4,
    "undated": 15,
    "unlocated": 26,
    "reopened": 60,
    "unknown_area": 1,
}

_EVENTS = 4_200
_CLOSED_SHARE = 0.9673
_DAYS = 181
_CATEGORIES = ("环境卫生", "公共设施", "邻里纠纷", "噪声扰民", "消防隐患", "飞线充电", "困难帮扶", "其他")
_CLASS_SHARES = (0.062, 0.031, 0.018, 0.006, 0.004, 0.0015, 0.0004)
_PARTNERS = 24
_HEALTH_POINT_RESIDENTS = 2000


def generate(town: Town, plan: Plan | None = None, seed: int = SEED) -> Ledgers:
    """Draw the ledgers of a town: the same for the same seed and grids.

    Parameters
    ----------
    plan : the grids that postings name; those of today when None
    """

    def stream(step: str) -> np.random.Generator:
        return np.random.default_rng([seed, zlib.crc32(step.encode())])

    grids = (town.layer("grids") if plan is None else plan.grids).sort_index()
    basic = grids[((grids["kind"] == "basic") & (grids["level"] != 1)).to_numpy(bool)]
    partners = _partners(town, stream("partners"))
    tables = {
        "staff": _staff(town, list(basic.index), partners, stream("staff")),
        "events": _events(town, stream("events")),
        "household_classes": _classes(town, stream("classes")),
        "premises": _premises(town, stream("premises")),
        "partners": partners,
        "contacts": _contacts(town),
    }
    for table in tables.values():
        table["source"] = SOURCE
    return make_ledgers(tables, {"synthetic": "true", "source": SOURCE, "as_of": AS_OF, "seed": str(seed)})


def _partners(town: Town, rng: np.random.Generator) -> pd.DataFrame:
    estates = town.estates.index.to_numpy(object)
    number = rng.integers(1, _PARTNERS + 1, len(estates))
    return pd.DataFrame(
        {
            "partner_id": [f"U{one:02}" for one in number],
            "name": [f"示例包联单位{one:02}（合成）" for one in number],
            "subject_type": "estate",
            "subject_id": estates,
        }
    )


def _staff(town: Town, grids: list[str], partners: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    estates = town.estates
    residents = estates["residents"].astype("Float64")
    small = estates.index[(residents < _HEALTH_POINT_RESIDENTS).fillna(value=False).to_numpy(bool)]
    without = set(rng.choice(grids, FAULTS["no_worker"], replace=False))
    served = [one for one in grids if one not in without]
    linked = partners.iloc[np.sort(rng.permutation(len(partners))[FAULTS["no_linked_worker"] :])]
    communities = list(town.communities.index)
    part_time = [one for one in grids for _ in range(int(rng.integers(1, 4)))]
    rows = pd.concat(
        [
            _postings("D", "dedicated", "grid", served),
            _postings("D", "dedicated", "grid", grids[-FAULTS["two_grids"] :]),
            _postings("T", "part_time", "grid", part_time),
            _postings("C", "linked_official", "grid", grids),
            _postings("W", "linked_worker", "estate", list(linked["subject_id"])).assign(
                partner_id=linked["partner_id"].to_numpy()
            ),
            _postings(
                "H", "health_administrator", "estate", list(rng.permutation(small)[: 4 * len(small) // 5])
            ),
            _postings("S", "town_staff", "community", communities * 2),
        ],
        ignore_index=True,
    )
    homes = town.buildings.index[lives(town.buildings)]
    public = (rows["staff_role"] == "dedicated") | (rng.random(len(rows)) < 0.5)
    rows = rows.assign(
        phone="000-0000-" + rows["person_id"].str[1:],
        public_contact=public.to_numpy(bool),
        building_id=rng.choice(homes.to_numpy(object), len(rows)),
        valid_from="2024-01-01",
        valid_to=None,
    )
    # Whom the first ten grids had before.
    former = rows.head(10).assign(valid_from="2022-07-01", valid_to="2023-12-31")
    former = former.assign(person_id=[f"D9{one:03}" for one in range(10)], name="已离岗人员（合成）")
    return pd.concat([rows, former], ignore_index=True)


def _postings(letter: str, role: str, subject_type: str, subjects: list[str]) -> pd.DataFrame:
    ids = [f"{letter}{number:04}" for number in range(len(subjects))]
    return pd.DataFrame(
        {
            "person_id": ids,
            "name": [f"示例人员{one}（合成）" for one in ids],
            "staff_role": role,
            "subject_type": subject_type,
            "subject_id": subjects,
        }
    )


def _events(town: Town, rng: np.random.Generator) -> pd.DataFrame:
    homes = town.buildings[lives(town.buildings)]
    chosen = homes.iloc[rng.integers(0, len(homes), _EVENTS)]
    centre = chosen.geometry.centroid
    day = pd.Timestamp("2025-01-01") + pd.to_timedelta(np.sort(rng.integers(0, _DAYS, _EVENTS)), unit="D")
    by_point = rng.random(_EVENTS) < 0.3
    order = rng.permutation(_EVENTS)
    done = order[: round(_CLOSED_SHARE * _EVENTS)]
    still_open = order[len(done) :]
    closed, reopened = pd.Series(pd.NaT, range(_EVENTS)), pd.Series(pd.NaT, range(_EVENTS))
    closed[done] = day[done] + pd.to_timedelta(1 + rng.poisson(4, len(done)), unit="D")
    half = FAULTS["reopened"] // 2
    for rows, until_closed in ((done[:half], 12), (still_open[: FAULTS["reopened"] - half], 3)):
        closed[rows] = day[rows] + pd.Timedelta(days=until_closed)
        reopened[rows] = day[rows] + pd.Timedelta(days=7)
    events = pd.DataFrame(
        {
            "event_id": [f"SJ{number:05}" for number in range(1, _EVENTS + 1)],
            "event_category": rng.choice(_CATEGORIES, _EVENTS),
            "reported_on": day.strftime("%Y-%m-%d"),
            "closed_on": closed.dt.strftime("%Y-%m-%d"),
            "reopened_on": reopened.dt.strftime("%Y-%m-%d"),
            "building_id": np.where(by_point, None, chosen.index.to_numpy(object)),
            "x": np.where(by_point, centre.x.round(1), np.nan),
            "y": np.where(by_point, centre.y.round(1), np.nan),
        }
    )
    events.loc[rng.permutation(_EVENTS)[: FAULTS["undated"]], "reported_on"] = None
    events.loc[rng.permutation(_EVENTS)[: FAULTS["unlocated"]], ["building_id", "x", "y"]] = None
    return events


def _classes(town: Town, rng: np.random.Generator) -> pd.DataFrame:
    """Return households of each class by building, a different share in every community."""
    homes = town.buildings[lives(town.buildings)]
    households = homes["households"].to_numpy(float, na_value=0.0).astype(int)
    community = pd.factorize(homes["community_id"])[0]
    parts = []
    for household_class, share in zip(HOUSEHOLD_CLASSES, _CLASS_SHARES, strict=True):
        own = share * rng.uniform(0.3, 1.7, community.max() + 1)
        found = rng.binomial(households, own[community])
        parts.append(
            pd.DataFrame(
                {
                    "building_id": homes.index[found > 0],
                    "household_class": household_class,
                    "households": found[found > 0],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _premises(town: Town, rng: np.random.Generator) -> pd.DataFrame:
    communities = town.communities
    area = rng.integers(280, 1900, len(communities)).astype(float)
    area[rng.permutation(len(area))[: FAULTS["unknown_area"]]] = np.nan
    return pd.DataFrame(
        {
            "premises_id": [f"YF{number:02}" for number in range(1, len(communities) + 1)],
            "name": (communities["name"] + "党群服务中心（合成）").to_numpy(),
            "community_id": communities.index,
            "floor_area_m2": area,
            "premises_use": "社区综合服务",
            "kind": "自有",
        }
    )


def _contacts(town: Town) -> pd.DataFrame:
    communities = list(town.communities.index)
    return pd.DataFrame(
        {
            "subject_type": "community",
            "subject_id": communities,
            "purpose": "社区服务",
            "phone": [f"000-0001-{number:04}" for number in range(1, len(communities) + 1)],
        }
    )


def main() -> None:
    """Draw the ledgers and write them where only their owner reads them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--town", type=Path, default=PACKAGE)
    parser.add_argument("--plan", type=Path, help="grids that postings name; those of today without it")
    parser.add_argument("--output", type=Path, required=True, help="a .gpkg or .xlsx file")
    asked = parser.parse_args()
    plan = None if asked.plan is None else read_plan(asked.plan)
    ledgers = generate(read_town(asked.town), plan, asked.seed)
    write_ledgers(ledgers, asked.output)
    print(f"{asked.output}: {len(ledgers.staff)} postings, {len(ledgers.events)} events")  # noqa: T201


if __name__ == "__main__":
    main()
