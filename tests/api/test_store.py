"""Packages go into the database and come out as they were; the database is the truth."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest
import shapely
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from api.database import Base, migrate, open_database, table_of, touches
from api.errors import NotFoundError
from api.store import Difference
from spatial.errors import ConflictError, FileError, UsageError
from spatial.io import write_coverage, write_plan, write_town
from spatial.town import fingerprint
from tests.api.contents import DRAWING, small_coverage, small_plan, small_town
from tests.towns import drawn_town, point


@pytest.fixture
def filled(store):
    town = small_town()
    plan = small_plan(town)
    store.add("town", town)
    store.add("plan", plan)
    store.add("coverage", small_coverage(town, plan))
    return store


def test_tables_are_those_of_the_models(store):
    def compared(obj, name, kind, reflected, compare_to):
        of_sqlite = kind == "table" and "_box" in name
        elsewhere = kind == "index" and name.endswith("_geometry") and store.engine.dialect.name == "sqlite"
        return not (of_sqlite or elsewhere or name in {"alembic_version", "spatial_ref_sys"})

    with store.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": compared, "compare_type": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(filled):
    before = [revision.fingerprint for revision in filled.revisions()]
    migrate(filled.engine)
    assert [revision.fingerprint for revision in filled.revisions()] == before


def test_town_comes_back_with_its_fingerprint(filled):
    stored, original = filled.town("town"), small_town()
    assert stored.fingerprint() == original.fingerprint()
    assert stored.crs == original.crs
    assert stored.name == "样县"
    assert stored.buildings.loc["b00", "surveyor"] == "王"
    assert pd.isna(stored.buildings.loc["b03", "households"])
    assert stored.buildings.dtypes["households"] == "Int64"
    assert stored.buildings.geometry.geom_equals_exact(original.buildings.geometry, 0).all()


def test_plan_and_coverage_come_back_as_they_were(filled):
    town = small_town()
    plan, coverage = small_plan(town), small_coverage(town, small_plan(town))
    stored = filled.plan("plan")
    assert dict(stored.rules) == dict(plan.rules)
    for name in ("grids", "assignment", "certificates"):
        assert fingerprint({name: getattr(stored, name)}) == fingerprint({name: getattr(plan, name)})
    stored = filled.coverage("coverage")
    for name in ("buildings", "walks", "rates", "gaps"):
        assert fingerprint({name: getattr(stored, name)}) == fingerprint({name: getattr(coverage, name)})


def test_same_content_is_no_new_revision(filled):
    assert filled.add("town", small_town()).state == "same"
    assert filled.revision("town").number == 1


def test_content_that_differs_changes_nothing_until_it_is_adopted(filled):
    town = small_town()
    buildings = town.buildings.copy()
    buildings.loc["b00", "households"] = 61
    changed = dataclasses.replace(town, tables={**town.tables, "buildings": buildings.drop("b33")})

    offered = filled.add("town", changed)
    assert (offered.state, offered.revision) == ("differs", 1)
    assert offered.differences == (Difference("buildings", 0, 1, 1),)
    assert filled.town("town").buildings.loc["b00", "households"] == 60

    adopted = filled.add("town", changed, adopt=True)
    assert (adopted.state, adopted.revision) == ("adopted", 2)
    assert filled.town("town").buildings.loc["b00", "households"] == 61
    assert filled.town("town", 1).buildings.loc["b00", "households"] == 60
    assert filled.add("town", town).state == "older"


def test_package_files_are_taken_in_and_known_again(store, tmp_path):
    town = small_town()
    plan = small_plan(town)
    paths = {
        "town": write_town(town, tmp_path / "town.gpkg"),
        "plan": write_plan(plan, tmp_path / "plan.gpkg"),
        "coverage": write_coverage(small_coverage(town, plan), tmp_path / "coverage.gpkg"),
    }
    for kind, path in paths.items():
        intake = store.take_in(path)
        assert (intake.key, intake.kind, intake.state, len(intake.report)) == (kind, kind, "new", 0)
    assert [store.take_in(path).state for path in paths.values()] == ["same"] * 3
    # Written again, the file has other bytes and the same content.
    write_town(town, paths["town"])
    assert store.take_in(paths["town"]).state == "same"


def test_a_key_belongs_to_one_town(filled):
    with pytest.raises(ConflictError):
        filled.add("town", small_town("别县"))
    with pytest.raises(ConflictError):
        filled.add("plan", small_town())


def test_a_plan_needs_its_town(store):
    plan = small_plan(small_town())
    with pytest.raises(ConflictError):
        store.add("plan", plan)
    store.add("town", drawn_town("AA/AA", name="别县"))
    doubtful = store.add("plan", plan)
    assert [finding.rule for finding in doubtful.report] == ["town_state"]
    store.add("town-2", drawn_town("AAA/AAA", name="又一县"))
    with pytest.raises(ConflictError):
        store.add("plan-2", plan)


def test_a_failed_write_leaves_nothing(store):
    town = small_town()
    buildings = town.buildings.copy()
    buildings["use"] = pd.NA
    with pytest.raises(Exception, match=r"(?i)null"):
        store.add("town", dataclasses.replace(town, tables={**town.tables, "buildings": buildings}))
    assert store.revisions() == []
    with store.engine.connect() as connection:
        assert connection.execute(select(table_of("town", "communities").c.id)).all() == []


def test_unknown_keys_are_named(filled):
    with pytest.raises(NotFoundError, match="nowhere"):
        filled.town("nowhere")
    with pytest.raises(NotFoundError):
        filled.plan("town")


@pytest.mark.parametrize("url", ["mysql://host/base", "no address", "sqlite+aiosqlite:///x"])
def test_only_known_databases_are_opened(url):
    with pytest.raises(UsageError):
        open_database(url)


def test_unreachable_databases_are_named(tmp_path):
    with pytest.raises(FileError):
        open_database(f"sqlite:///{tmp_path / 'missing' / 'wangge.sqlite'}")
    (tmp_path / "notes.txt").write_text("这不是数据库" * 100, encoding="utf-8")
    with pytest.raises(FileError):
        open_database(f"sqlite:///{tmp_path / 'notes.txt'}")


corner = st.floats(-1, 5)
BUILDINGS = small_town().buildings


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.tuples(corner, corner), st.tuples(corner, corner))
def test_box_queries_find_what_intersects(filled, one, other):
    region = shapely.box(*shapely.LineString([point(*one, DRAWING), point(*other, DRAWING)]).bounds)
    table = table_of("town", "buildings")
    revision = filled.revision("town")
    with filled.engine.connect() as connection:
        condition = touches(table, revision.id, region, connection.dialect)
        found = set(connection.scalars(select(table.c.building_id).where(condition)))
    assert found == set(BUILDINGS.index[BUILDINGS.intersects(region)])


def test_box_queries_keep_to_their_revision(filled):
    filled.add("other", drawn_town("AA/AA", name="别县"))
    table = table_of("town", "buildings")
    region = shapely.box(0, 0, 1e7, 1e7)
    with filled.engine.connect() as connection:
        for key, expected in (("town", 16), ("other", 4)):
            condition = touches(table, filled.revision(key).id, region, connection.dialect)
            assert len(connection.execute(select(table.c.id).where(condition)).all()) == expected
