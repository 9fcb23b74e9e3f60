"""A fingerprint knows content and nothing else."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from spatial.town import fingerprint


def table(values=("甲", None, "丙")):
    return gpd.GeoDataFrame(
        {
            "name": pd.array(list(values), dtype="string"),
            "households": pd.array([1, None, 3], dtype="Int64"),
            "nothing": pd.array([None] * 3, dtype="string"),
        },
        index=pd.Index(["a", "b", "c"], name="building_id"),
        geometry=[shapely.Point(1, 2), shapely.box(0, 0, 5, 5), shapely.LineString([(0, 0), (3, 4)])],
        crs="EPSG:4548",
    )


@given(order=st.permutations([0, 1, 2]))
def test_order_of_rows_and_columns_and_empty_columns_leave_it(order):
    shuffled = table().iloc[list(order)][["geometry", "households", "name"]]
    assert fingerprint({"b": shuffled, "empty": table().iloc[:0]}) == fingerprint({"b": table()})


def test_a_tenth_of_a_millimetre_leaves_it_and_a_millimetre_does_not():
    base = table()
    for shift, same in ((1e-4, True), (1.2e-3, False)):
        moved = base.set_geometry(
            shapely.transform(base.geometry.to_numpy(), lambda xy, shift=shift: xy + shift)
        )
        assert (fingerprint({"b": moved}) == fingerprint({"b": base})) is same


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.assign(name=["甲", "", "丙"]),
        lambda one: one.assign(households=pd.array([1, 0, 3], dtype="Int64")),
        lambda one: one.rename(index={"a": "z"}),
        lambda one: one.iloc[:2],
        lambda one: one.rename(columns={"name": "title"}),
        lambda one: one.assign(name=["甲", "丙", None]),
        lambda one: pd.concat([one, one.iloc[:1]]),
    ],
)
def test_any_change_of_content_changes_it(change):
    assert fingerprint({"b": change(table())}) != fingerprint({"b": table()})


def test_the_name_of_a_table_belongs_to_it():
    assert fingerprint({"b": table()}) != fingerprint({"c": table()})
    assert fingerprint({}) == fingerprint({"b": table().iloc[:0]})


def test_a_ring_is_the_same_wherever_it_starts():
    ring = np.array([(0, 0), (5, 0), (5, 5), (0, 5)])
    turned = table()
    turned = turned.set_geometry(
        [
            shapely.Point(1, 2),
            shapely.Polygon(np.roll(ring, 2, axis=0)[::-1]),
            shapely.LineString([(3, 4), (0, 0)]),
        ],
        crs=turned.crs,
    )
    first = table().set_geometry(
        [shapely.Point(1, 2), shapely.Polygon(ring), shapely.LineString([(0, 0), (3, 4)])], crs=turned.crs
    )
    # A street's direction is no content either: walkers go both ways.
    assert fingerprint({"b": turned}) == fingerprint({"b": first})


def test_it_stays_the_same_from_one_version_of_the_libraries_to_the_next():
    # Databases and packages keep fingerprints for years: a change of this one breaks them all.
    known = "2f9607b7c88422f730331741a617d6ec30fd68d24a85d188c0612d02d678fecf"
    assert fingerprint({"b": table()}) == known
