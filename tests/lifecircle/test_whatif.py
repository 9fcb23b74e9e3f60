"""What-ifs equal a coverage measured from scratch, whatever is changed."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.errors import ConflictError
from spatial.lifecircle import Assessment, try_changes
from spatial.scenario import (
    Change,
    add_footpath,
    add_service,
    apply,
    close_service,
    close_street,
    move_service,
    resize_service,
    set_gate,
)
from tests.streets import barrier, box, building, estate, facility, gate, service, street, street_town

CATEGORIES = ("kindergarten", "pharmacy")


def lattice(rng, *, size=5):
    """A lattice of streets with holes, a walled estate with two gates, a river with bridges."""
    streets = []
    for i in range(size):
        for j in range(size):
            for di, dj in ((1, 0), (0, 1)):
                if i + di < size and j + dj < size and rng.random() < 0.85:
                    ends = (i * 150.0, j * 150.0), ((i + di) * 150.0, (j + dj) * 150.0)
                    bridge = dj == 1 and j == 2 and rng.random() < 0.5
                    streets.append(street(f"s{i}{j}{di}", *ends, bridge=bridge))
    homes = [
        building(f"b{k:02}", *rng.uniform(-40, size * 150 - 110, 2), int(rng.integers(1, 90)))
        for k in range(25)
    ]
    shops = [facility(f"f{k}", *rng.uniform(-40, size * 150 - 110, 2)) for k in range(6)]
    return street_town(
        streets=streets,
        estates=[estate("E", box(160, 160, 290, 290)), estate("F", box(400, 80, 520, 240))],
        gates=[
            gate("g1", "E", 225, 160, is_open=bool(rng.random() < 0.5)),
            gate("g2", "E", 160, 225, is_open=bool(rng.random() < 0.5)),
            gate("h", "F", 450, 80, is_open=bool(rng.random() < 0.5)),
        ],
        barriers=[barrier("river", (-100, 375), (800, 375))],
        buildings=homes,
        facilities=shops,
        services=[service(f"f{k}", CATEGORIES[k % 2]) for k in range(6)],
        completeness=[{"category": name, "state": "complete"} for name in CATEGORIES],
    )


def some_changes(base, kind, rng):
    """Return changes of a kind, drawn at random."""
    town = base.town
    spot = tuple(rng.uniform(0, 600, 2))
    if kind == "gate":
        name = rng.choice(["g1", "g2", "h"])
        return set_gate(town, name, is_open=not town.gates.loc[name, "open"])
    if kind == "add":
        return add_service("new", CATEGORIES[rng.integers(2)], spot)
    if kind == "close":
        row = town.services.iloc[rng.integers(len(town.services))]
        return close_service(town, row["facility_id"], row["category"])
    if kind == "move":
        return move_service(town, f"f{rng.integers(6)}", spot)
    if kind == "shut":
        return close_street(town, str(rng.choice(town.streets.index)))
    other = tuple(np.asarray(spot) + rng.uniform(-200, 200, 2))
    return add_footpath(town, base.survey.network, "path", [spot, other], bridge=bool(rng.random() < 0.5))


def assert_equal(one, other):
    """Hold two assessments of one town equal: walks within a millimetre, and every figure."""
    assert np.abs(one.walks.steps.astype(float) - other.walks.steps).max(initial=0) <= 10
    assert np.array_equal(one.walks.status, other.walks.status)
    for mine, its in zip(one.figures.counted, other.figures.counted, strict=True):
        assert np.allclose(mine, its, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.sampled_from(["gate", "add", "close", "move", "shut", "path"]), min_size=1, max_size=3),
)
def test_what_ifs_one_upon_another_equal_measuring_from_scratch(seed, kinds):
    rng = np.random.default_rng(seed)
    assessment = Assessment.of(lattice(rng))
    done = set()
    for kind in kinds:
        if kind in done:
            continue
        done.add(kind)
        changes = some_changes(assessment, kind, rng)
        outcome = try_changes(assessment, changes)
        assert_equal(outcome.after, assessment.again(apply(assessment.town, changes)))
        covered = [one.walks.steps <= 5_000_000 for one in (assessment, outcome.after)]
        if kind in ("close", "shut") or (kind == "gate" and not changes[0].new["open"]):
            assert not (covered[1] & ~covered[0]).any() or kind == "shut"
        if kind == "add" or (kind == "gate" and changes[0].new["open"]):
            assert not (covered[0] & ~covered[1]).any()
        assessment = outcome.after


def test_opening_a_gate_says_who_gains():
    town = street_town(
        streets=[street("road", (0, 0), (500, 0), (1000, 0)), street("yard", (500, 0), (500, 150))],
        estates=[estate("E", box(400, 50, 600, 200))], gates=[gate("g", "E", 500, 50, is_open=False)],
        buildings=[building("b", 510, 100, 300), building("c", 10, 0, 5)],
        facilities=[facility("f", 520, 0)], services=[service("f")],
    )  # fmt: skip
    outcome = try_changes(Assessment.of(town), set_gate(town, "g", is_open=True))
    assert not outcome.from_scratch
    assert outcome.effects().loc["kindergarten", ["gained_households", "lost_households"]].tolist() == [
        300,
        0,
    ]
    assert outcome.after.coverage().gaps["households"].tolist() == [5]


def test_a_footpath_between_two_streets_shortens_the_walk():
    town = street_town(
        streets=[street("a", (0, 0), (600, 0)), street("b", (0, 100), (600, 100)), street("c", (0, 0), (0, 100))],
        buildings=[building("home", 500, 105)], facilities=[facility("f", 500, 0)], services=[service("f")],
    )  # fmt: skip
    base = Assessment.of(town)
    changes = add_footpath(town, base.survey.network, "new", [(500, 3), (500, 98)])
    assert [change.row for change in changes] == ["new", "a", "b"]
    outcome = try_changes(base, changes)
    assert not outcome.from_scratch
    assert outcome.before.walks.steps[0, 0] == 11_050_000
    assert outcome.after.walks.steps[0, 0] == 1_050_000


def test_what_only_building_anew_can_follow_is_built_anew():
    town = lattice(np.random.default_rng(3))
    base = Assessment.of(town)
    wall = shapely.LineString([(0, 0), (0, 300)]).wkt
    changes = [
        Change(
            "streets",
            "across",
            None,
            {"geometry": shapely.LineString([(0, 360), (0, 390)]).wkt, "role": "walk"},
        )
    ]
    outcome = try_changes(base, changes)
    assert outcome.from_scratch, wall
    assert_equal(outcome.after, base.again(outcome.after.town))


def test_a_service_that_changes_size_changes_no_walk():
    town = lattice(np.random.default_rng(4))
    base = Assessment.of(town)
    outcome = try_changes(base, resize_service(town, "f0", "kindergarten", capacity=90.0))
    assert outcome.effects().empty
    assert outcome.after.town.services["capacity"].dropna().tolist() == [90.0]


def test_a_change_of_something_else_by_now_is_refused():
    town = lattice(np.random.default_rng(5))
    stale = [Change("gates", "g1", {"open": not town.gates.loc["g1", "open"]}, {"open": True})]
    with pytest.raises(ConflictError, match="open"):
        try_changes(Assessment.of(town), stale)
