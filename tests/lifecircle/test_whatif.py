"""What-ifs equal a coverage measured from scratch, whatever is changed."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.errors import ConflictError
from spatial.lifecircle import Assessment, try_changes
from spatial.lifecircle.survey import Status
from spatial.network import CLOSED
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
            assert not (covered[1] & ~covered[0]).any()
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


def followed(base, changes, *, at_once=True):
    """Return the assessment after changes, held equal to one from scratch, tables and remarks included."""
    outcome = try_changes(base, changes)
    assert outcome.from_scratch is not at_once
    scratch = base.again(apply(base.town, changes))
    assert outcome.after.survey.places.categories == scratch.survey.places.categories
    assert_equal(outcome.after, scratch)
    mine, its = (
        sorted((one.rule, sorted(map(str, one.statement.ids))) for one in assessment.coverage().report)
        for assessment in (outcome.after, scratch)
    )
    assert mine == its
    return outcome.after


def plain_town(**more):
    """A road with a service at its end; further rows by table."""
    rows = {
        "streets": [street("road", (0, 0), (900, 0))],
        "buildings": [building("home", 100, 5, 40)],
        "facilities": [facility("f", 800, 0)],
        "services": [service("f")],
    }
    for name, added in more.items():
        rows[name] = [*rows.get(name, []), *added]
    return street_town(**rows)


def test_a_new_entrance_of_a_facility_that_stays_is_built_anew():
    base = Assessment.of(plain_town())
    at = shapely.Point(200, 0).wkt
    change = Change("entrances", "door", None, {"facility_id": "f", "geometry": at})
    after = followed(base, [change], at_once=False)
    assert after.walks.steps[0, 0] == 1_050_000


def test_a_facility_that_is_opened_to_all_is_measured_anew():
    estates = [estate("E", box(700, -50, 900, 50), walled=None)]
    town = plain_town(estates=estates)
    kept = Change("facilities", "f", {"access": None}, {"access": "estate"})
    base = followed(Assessment.of(town), [kept], at_once=False)
    assert base.walks.steps[0, 0] == CLOSED
    opened = Change("facilities", "f", {"access": "estate"}, {"access": "public"})
    assert followed(base, [opened], at_once=False).walks.steps[0, 0] == 7_050_000


def test_the_end_of_the_last_service_of_a_category_is_said():
    town = plain_town(buildings=[building("next", 700, 5, 90)])
    base = Assessment.of(town)
    changes = close_service(town, "f", "kindergarten")
    followed(base, changes, at_once=False)
    lost = try_changes(base, changes).effects().loc["kindergarten"]
    assert lost[["gained_households", "lost_households"]].tolist() == [0, 90]
    known = plain_town(completeness=[{"category": "kindergarten", "state": "complete"}])
    followed(Assessment.of(known), close_service(known, "f", "kindergarten"))


@pytest.mark.parametrize("offset", np.arange(0.0, 1.0, 0.0917).tolist())
def test_what_came_along_an_edge_now_in_pieces_is_forgotten_with_them(offset):
    # Three pieces of one edge, rounded each by itself, do not add up.
    town = plain_town(
        streets=[street("lane", (900, 0), (900, 300)), street("far", (0, 0), (0, 700))],
        buildings=[building("end", 0, 650), building("mid", 450, 4)],
        facilities=[facility("g", 897, 290)],
        services=[service("g", "pharmacy")],
    )
    base = Assessment.of(town)
    ends = [(300.00004 + offset / 9, 2), (450, 60), (600.00003 + offset / 7, 2)]
    base = followed(base, add_footpath(town, base.survey.network, "bow", ends))
    base = followed(base, move_service(base.town, "f", (895.0, 200.0)))
    followed(base, close_street(base.town, "lane"))


@pytest.mark.parametrize("place", np.linspace(310.00013, 312.0, 12).tolist())
def test_a_service_on_an_edge_in_pieces_can_move_away(place):
    town = plain_town(
        streets=[street("side", (900, 0), (900, 400)), street("up", (0, 0), (0, 400))],
        buildings=[building("north", 880, 350), building("south", 20, 350)],
        facilities=[facility("g", place, 3)],
        services=[service("g", "pharmacy")],
    )
    base = Assessment.of(town)
    base = followed(base, add_footpath(town, base.survey.network, "stub", [(700.00007, 0), (700, 90)]))
    followed(base, move_service(base.town, "g", (890.0, 390.0)))


def test_a_new_path_to_town_comes_before_an_islet_and_before_the_way_to_a_gate():
    town = plain_town(
        streets=[street("islet", (300, 400), (360, 400))], buildings=[building("lonely", 320, 402)]
    )
    base = Assessment.of(town)
    after = followed(base, add_footpath(town, base.survey.network, "path", [(330, 0), (330, 310)]))
    assert after.walks.steps[0, 1] == pytest.approx((92.54 + 310 + 470) * 1e4, abs=1e4)
    # A home by the gate of an estate whose own street lies beyond a river.
    town = plain_town(
        streets=[street("yard", (400, 250), (400, 480)), street("in", (400, -600), (400, 250))],
        estates=[estate("E", box(100, 100, 500, 500))],
        gates=[gate("west", "E", 100, 300), gate("south", "E", 400, 100)],
        barriers=[barrier("river", (330, 90), (330, 510))],
        buildings=[building("by the gate", 110, 300)],
        facilities=[facility("g", 405, -300)],
        services=[service("g", "pharmacy")],
    )
    base = Assessment.of(town)
    path = add_footpath(town, base.survey.network, "over", [(400, 400), (250, 400)], bridge=True)
    after = followed(base, path)
    assert after.walks.steps[1, 1] != base.walks.steps[1, 1]


def test_services_kept_to_an_estate_are_walked_to_anew_when_its_streets_change():
    estates = [estate("E", box(0, 100, 600, 400), walled=None)]
    town = plain_town(
        streets=[
            street("west", (50, 150), (200, 150)), street("inner", (200, 150), (400, 150)),
            street("east", (400, 150), (550, 150)),
            street("outer", (50, 150), (50, 380), (550, 380), (550, 150)),
        ],
        estates=estates,
        buildings=[building("in", 60, 140, 30)],
        facilities=[facility("own", 540, 140, access="estate")],
        services=[service("own", "pharmacy")],
    )  # fmt: skip
    base = Assessment.of(town)
    after = followed(base, close_street(town, "inner"))
    assert after.walks.steps[1, 1] > base.walks.steps[1, 1]


def test_a_way_to_those_behind_a_wall_tells_that_only_the_wall_is_in_their_way():
    # The home's own street lies behind a river; the piece of town before it gets a path to the service.
    town = plain_town(
        streets=[
            street("isle", (0, 3000), (900, 3000)),
            street("behind", (900, 3000), (1800, 3000)),
            street("near", (0, 250), (900, 250)),
        ],
        barriers=[barrier("river", (1000, 2800), (1000, 3200))],
        buildings=[building("cut off", 1500, 3005)],
    )
    base = Assessment.of(town)
    joined = add_footpath(town, base.survey.network, "long", [(450, 2999), (450, 251), (450, 1)])
    followed(base, joined)


def test_a_path_that_ends_on_steps_makes_them_no_way_for_a_wheelchair():
    town = plain_town(
        streets=[street("steps", (900, 0), (900, 300), **{"class": "steps"}), street("top", (900, 300), (1500, 300))],
        buildings=[building("above", 1400, 305)],
    )  # fmt: skip
    base = Assessment.of(town, pace="wheelchair")
    after = try_changes(base, add_footpath(town, base.survey.network, "stub", [(901, 150), (950, 150)])).after
    assert np.array_equal(after.walks.status, base.walks.status)
    assert_equal(after, base.again(after.town))


def test_remarks_on_streets_are_those_of_the_changed_town():
    town = plain_town(streets=[street("lane", (450, 800), (900, 800), (900, 0))])
    base = Assessment.of(town)
    after = followed(base, close_street(town, "lane"))
    assert not base.coverage().report.of_rule("cut_street")
    assert "lane" in after.coverage().report.of_rule("cut_street")[0].statement.ids


def test_closing_a_street_at_once_on_both_sides_of_a_gate_parts_what_lies_beyond():
    town = street_town(
        streets=[street("a", (0, 0), (50, 0)), street("lane", (50, 0), (250, 0)), street("b", (250, 0), (300, 0))],
        estates=[estate("E", box(100, -50, 400, 50))], gates=[gate("g", "E", 100, 0)],
        buildings=[building("home", 290, 5)], facilities=[facility("f", 5, 5)], services=[service("f")],
    )  # fmt: skip
    after = followed(Assessment.of(town), close_street(town, "lane"))
    assert after.walks.status.tolist() == [[Status.STRANDED_BARRIER]]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_closing_streets_one_upon_another_never_shortens_a_walk(seed):
    rng = np.random.default_rng(seed)
    assessment = Assessment.of(lattice(rng))
    for street_id in rng.choice(assessment.town.streets.index, 4, replace=False):
        outcome = try_changes(assessment, close_street(assessment.town, str(street_id)))
        assert not outcome.from_scratch
        assert (outcome.after.walks.steps >= outcome.before.walks.steps).all()
        assessment = outcome.after
    assert_equal(assessment, assessment.again(assessment.town))


def test_a_change_of_something_else_by_now_is_refused():
    town = lattice(np.random.default_rng(5))
    stale = [Change("gates", "g1", {"open": not town.gates.loc["g1", "open"]}, {"open": True})]
    with pytest.raises(ConflictError, match="open"):
        try_changes(Assessment.of(town), stale)
