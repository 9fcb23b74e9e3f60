"""Today's grids judged: polygons, tables, plans; ambiguous buildings; comparing plans."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from spatial.errors import UsageError
from spatial.grids import assign_by_polygons, assignment_of_today, compare_plans, draw_plan, evaluate_plan
from tests.grids.plans import assigned, codes
from tests.towns import CRS, drawn_town, point

TOWN = "AABB/AABB"


def polygons(*boxes, drawing=TOWN):
    """Layer of grids g1, g2 … from (row, column, row, column) corners."""
    shapes = [shapely.box(*point(r1, c0, drawing), *point(r0, c1, drawing)) for r0, c0, r1, c1 in boxes]
    return gpd.GeoDataFrame(
        {"grid_id": [f"g{n + 1}" for n in range(len(boxes))]}, geometry=shapes, crs=CRS
    ).set_index("grid_id")


def test_polygons_give_the_grid_of_each_building():
    town = drawn_town(TOWN)
    found = assign_by_polygons(town, polygons((0, 0, 2, 2), (0, 2, 2, 4)))
    assert codes(town, found.assignment) == "1122/1122"
    assert found.ambiguous.empty


def test_a_building_cut_by_a_polygon_is_ambiguous():
    town = drawn_town(TOWN)
    found = assign_by_polygons(town, polygons((0, 0, 2, 1.45), (0, 1.45, 2, 4)))
    assert found.ambiguous["building_id"].tolist() == ["b01", "b11"]
    assert found.ambiguous["grid_id"].tolist() == ["g2", "g2"]
    assert found.ambiguous["other_grid_id"].tolist() == ["g1", "g1"]
    assert found.ambiguous["share"].to_numpy() == pytest.approx(0.639, abs=0.001)


def test_a_building_in_no_polygon_is_ambiguous_and_unassigned():
    town = drawn_town(TOWN)
    found = assign_by_polygons(town, polygons((0, 0, 2, 3)))
    assert found.ambiguous["building_id"].tolist() == ["b03", "b13"]
    assert found.ambiguous["grid_id"].isna().all()
    report = evaluate_plan(town, found).report
    assert report.of_rule("unassigned")[0].statement.ids == ("b03", "b13")
    assert report.of_rule("ambiguous_buildings")[0].statement.ids == ("b03", "b13")


def test_a_point_on_the_edge_of_two_polygons_is_ambiguous():
    town = drawn_town(TOWN, points=True)
    found = assign_by_polygons(town, polygons((0, 0, 2, 1.5), (0, 1.5, 2, 4)))
    assert found.ambiguous["building_id"].tolist() == ["b01", "b11"]


def test_overlapping_polygons_make_points_ambiguous():
    town = drawn_town(TOWN, points=True)
    found = assign_by_polygons(town, polygons((0, 0, 2, 3), (0, 2, 2, 4)))
    assert found.ambiguous["building_id"].tolist() == ["b02", "b12"]


def test_todays_grids_are_those_of_the_town():
    layer = polygons((0, 0, 2, 2), (0, 2, 2, 4)).reset_index()
    layer["code"] = ["330106001049001", "330106001049002"]
    town = drawn_town(TOWN, tables={"grids": layer})
    evaluation = evaluate_plan(town, assignment_of_today(town))
    assert evaluation.broken == ()
    assert evaluation.plan.grids["code"].tolist() == layer["code"].tolist()
    assert evaluation.scores["extra_pieces"].tolist() == [0]
    assert evaluation.scores["compactness"].tolist() == pytest.approx([np.pi / 4])
    assert (evaluation.plan.certificates["status"] == "not_proven").all()


def test_a_town_without_grids_of_today_says_so():
    with pytest.raises(UsageError) as caught:
        assignment_of_today(drawn_town(TOWN))
    assert "--plan" in str(caught.value)


def test_a_table_is_judged_and_its_own_faults_listed():
    town = drawn_town(TOWN)
    table = assigned(town, "1122/1122")
    more = pd.DataFrame({"building_id": ["b00", "b99"], "grid_id": ["2", "1"]})
    report = evaluate_plan(town, pd.concat([table, more])).report
    assert report.of_rule("twice_assigned")[0].statement.ids == ("b00",)
    assert report.of_rule("unknown_building")[0].statement.ids == ("b99",)
    with pytest.raises(UsageError) as caught:
        evaluate_plan(town, table.rename(columns={"grid_id": "grid"}))
    assert "grid_id" in str(caught.value)


def test_grids_over_two_communities_are_judged_and_outlined():
    town = drawn_town(TOWN, communities="1122/1122")
    evaluation = evaluate_plan(town, assigned(town, "1111/2222"))
    assert {one.rule for one in evaluation.broken} == {"across_communities"}
    assert evaluation.plan.grids.geometry.area.tolist() == pytest.approx([40_000, 40_000])


def test_unknown_households_are_said_to_be_estimated():
    town = drawn_town("A" * 25, households=[20] * 24 + [None])
    report = evaluate_plan(town, assigned(town, "1" * 25)).report
    assert report.of_rule("households_estimated")[0].statement.ids == ("b0024",)


def test_inertia_is_the_definition():
    # four buildings of 100 at 0, 100, 200, 300 m; the best centre of three is the middle one
    town = drawn_town("ABCD", households=100)
    scores = evaluate_plan(town, assigned(town, "1112")).scores
    assert scores["inertia"].tolist() == pytest.approx([(100 * 100**2 + 100 * 100**2) / 400])
    road = [{"line": [(0, 2), (1, 2)], "class": "primary"}]
    crossed = evaluate_plan(drawn_town("ABCD", households=100, streets=road), assigned(town, "1112")).scores
    assert crossed["crossings"].tolist() == [1]
    assert crossed["inertia"].tolist() == pytest.approx([(100 * 100**2 + 100 * 250**2) / 400])


def test_an_estate_that_needs_two_grids_has_no_extra_piece_in_two():
    town = drawn_town("AAAAAA/BBBBBB", households=100)
    assert evaluate_plan(town, assigned(town, "111222/333444")).scores["extra_pieces"].tolist() == [0]
    assert evaluate_plan(town, assigned(town, "112233/444555")).scores["extra_pieces"].tolist() == [1]


def test_a_difference_names_who_moves_and_from_where_to_where():
    town = drawn_town(TOWN)
    before = draw_plan(town, rng=np.random.default_rng(0))
    a, b = before.grids.index
    table = before.assignment.copy()
    table.loc[table["building_id"].isin(["b02", "b12"]), "grid_id"] = a
    after = evaluate_plan(town, table).plan
    difference = compare_plans(before, after)
    assert difference.moved["building_id"].tolist() == ["b02", "b12"]
    assert difference.households == 200
    assert difference.flows.to_dict("records") == [
        {"from_grid": b, "to_grid": a, "households": 200, "buildings": 2}
    ]
    assert difference.grids["change"].to_dict() == {a: "changed", b: "changed"}
    assert difference.scores.loc[("330106001049", "after"), "violation"] == 200
    assert compare_plans(before, before).moved.empty
