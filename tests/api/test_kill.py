"""A process that is killed while it takes packages in leaves a whole database, with whole revisions."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from sqlalchemy import func, select

from api.database import KINDS, Package, Revision, table_of
from api.store import Store
from tests.api.contents import small_town

# Takes in one changed town after another, of many buildings, and says when the first stands.
_LOADER = """
import dataclasses, sys
import pandas as pd
from api.store import Store
from tests.api.contents import small_town
store, town = Store.open(sys.argv[1]), small_town()
part = town.buildings
copies = [part.set_index(part.index + f"-{copy}").rename_axis("building_id") for copy in range(30)]
many = dataclasses.replace(town, tables={**town.tables, "buildings": pd.concat([part, *copies])})
for number in range(10_000):
    buildings = many.buildings.copy()
    buildings["residents"] = int(sys.argv[2]) + number
    changed = dataclasses.replace(many, tables={**many.tables, "buildings": buildings})
    store.add("town", changed, adopt=True)
    print(number, flush=True)
"""


def assert_whole(url):
    """Every revision holds as many rows as it says, and no row belongs to none."""
    store = Store.open(url)
    with store.engine.connect() as connection:
        query = select(Revision.id, Revision.counts, Package.kind).join(Package)
        known = {one.id: (one.kind, one.counts) for one in connection.execute(query)}
        for kind, tables in KINDS.items():
            for name in tables:
                table = table_of(kind, name)
                query = select(table.c.revision_id, func.count().label("rows")).group_by(table.c.revision_id)
                held = {one.revision_id: one.rows for one in connection.execute(query)}
                assert held == {
                    one: counts[name] for one, (of, counts) in known.items() if of == kind and name in counts
                }
    newest = store.town("town")
    assert newest.fingerprint() == store.revision("town").fingerprint
    store.close()
    return len(known)


def killed_rounds(url, rounds, seed):
    rng = np.random.default_rng(seed)
    store = Store.open(url)
    store.add("town", small_town())
    store.close()
    for turn in range(rounds):
        loader = subprocess.Popen(
            [sys.executable, "-c", _LOADER, url, str(turn * 10_000)], stdout=subprocess.PIPE, text=True
        )
        assert loader.stdout.readline() == "0\n"
        time.sleep(rng.uniform(0, 0.4))
        loader.send_signal(signal.SIGKILL)
        loader.communicate()
        assert loader.returncode == -signal.SIGKILL
        assert assert_whole(url) >= turn + 2


def test_a_killed_load_leaves_nothing_half_visible(database_url):
    killed_rounds(database_url, rounds=1, seed=11)


@pytest.mark.soak
def test_twenty_killed_loads_leave_nothing_half_visible(database_url):
    killed_rounds(database_url, rounds=20, seed=12)
