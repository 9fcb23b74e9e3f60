"""Contradictions of place are found, and what is safe to repair is repaired with a record."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from spatial.checks import check_tables, make_town, repair_tables

X0, Y0 = 450_000.0, 4_427_000.0
CRS = "EPSG:4548"


def box(west, south, east, north):
    return shapely.box(X0 + west, Y0 + south, X0 + east, Y0 + north)


def line(*points):
    return shapely.LineString([(X0 + x, Y0 + y) for x, y in points])


def layer(**columns):
    return gpd.GeoDataFrame(columns, geometry="geometry", crs=CRS)


def town(**changes):
    tables = {
        "communities": layer(
            community_id=["c1", "c2"],
            name=["东", "西"],
            geometry=[box(0, 0, 200, 200), box(200, 0, 400, 200)],
        ),
        "buildings": layer(
            building_id=["b1", "b2"],
            households=[10, 20],
            use=["residential", "residential"],
            geometry=[box(10, 10, 30, 30), box(50, 10, 70, 30)],
        ),
        "streets": layer(
            street_id=["s1", "s2"],
            geometry=[line((0, 50), (100, 50), (400, 50)), line((100, 50), (100, 150))],
        ),
    }
    return tables | changes


def rule(tables, name):
    found = check_tables(tables).of_rule(name)
    return found[0].statement if found else None


def test_a_sound_town_has_none_of_them():
    assert check_tables(town()).findings == ()
    repaired = repair_tables(town())
    assert repaired.repairs.empty
    assert repaired.report.findings == ()


def test_a_gap_between_communities_is_found_with_its_place():
    ring = [box(0, 0, 300, 100), box(0, 200, 300, 300), box(0, 100, 100, 200), box(200, 100, 300, 200)]
    tables = town(communities=layer(community_id=list("abcd"), name=list("abcd"), geometry=ring))
    statement = rule(tables, "communities_gap")
    assert statement.values["area_m2"] == 10_000
    assert shapely.Point(statement.values["x"], statement.values["y"]).within(box(100, 100, 200, 200))


def test_a_building_drawn_twice_is_found():
    tables = town(
        buildings=layer(
            building_id=["a", "twin", "beside", "point", "point-twin"],
            households=[10, 12, 5, 3, 4],
            use=["residential"] * 5,
            geometry=[
                box(10, 10, 30, 30),
                box(11, 10, 31, 30),
                box(31, 10, 51, 30),
                shapely.Point(X0 + 80, Y0 + 20),
                shapely.Point(X0 + 80.2, Y0 + 20),
            ],
        )
    )
    statement = rule(tables, "buildings_coincide")
    assert statement.ids == ("a×twin", "point×point-twin")
    assert statement.values["households"] == 13
    unknown = tables["buildings"].assign(households=pd.array([None] * 5, dtype="Int64"))
    assert rule({**tables, "buildings": unknown}, "buildings_coincide_unknown").ids == statement.ids


def test_a_building_in_two_estates_is_found():
    tables = town(estates=layer(estate_id=["e1", "e2"], geometry=[box(0, 0, 40, 40), box(5, 5, 45, 45)]))
    statement = rule(tables, "in_two_estates")
    assert statement.ids == ("b1",)
    assert statement.values["estates"] == "e1、e2"


def test_a_facility_entered_twice_is_found_and_a_chain_is_not():
    facilities = layer(
        facility_id=["a", "a again", "branch", "other"],
        name=["大众药房", "大众药房", "大众药房", "张记"],
        geometry=[shapely.Point(X0 + x, Y0 + 60) for x in (0, 15, 300, 1)],
    )
    services = pd.DataFrame({"facility_id": list(facilities["facility_id"]), "category": "pharmacy"})
    statement = rule(town(facilities=facilities, services=services), "facilities_coincide")
    assert statement.ids == ("a", "a again")


def test_a_building_in_the_river_is_found():
    tables = town(barriers=layer(kind=["river"], geometry=[box(40, 0, 90, 60)]))
    assert rule(tables, "in_water").ids == ("b2",)


def test_a_street_that_stops_short_is_found_and_joined_with_a_record():
    streets = layer(
        street_id=["s1", "s2"], geometry=[line((0, 50), (400, 50)), line((100, 50.4), (100, 150))]
    )
    tables = town(streets=streets)
    assert rule(tables, "street_ends_short").ids == ("s2",)
    repaired = repair_tables(tables)
    assert rule(repaired.tables, "street_ends_short") is None
    vertex, end = repaired.repairs.to_dict("records")
    assert (end["table"], end["id"], end["rule"]) == ("streets", "s2", "street_end")
    assert shapely.from_wkt(end["old"]).equals(streets.geometry[1])
    assert shapely.from_wkt(end["new"]).distance(streets.geometry[0]) == 0
    assert (vertex["id"], vertex["rule"]) == ("s1", "street_vertex")
    assert shapely.get_coordinates(shapely.from_wkt(vertex["new"])).tolist()[1] == [X0 + 100, Y0 + 50]
    assert streets.geometry[1].equals(line((100, 50.4), (100, 150)))


def test_a_street_that_ends_on_another_without_a_vertex_is_joined_to_the_network():
    from spatial.network import build_network

    streets = layer(
        street_id=["through", "side", "above"],
        bridge=pd.array([None, None, True], dtype="boolean"),
        geometry=[line((0, 50), (400, 50)), line((100, 50), (100, 150)), line((200, 0), (200, 50))],
    )
    tables = town(streets=streets)
    assert rule(tables, "street_ends_unnoded").ids == ("side", "above")
    repaired = repair_tables(tables)
    assert rule(repaired.tables, "street_ends_unnoded") is None
    assert rule(tables, "street_islands") is not None
    assert rule(repaired.tables, "street_islands") is None
    network = build_network(make_town("t", CRS, repaired.tables))
    assert not network.report.of_rule("islets")


def test_a_spike_is_repaired_and_a_bow_tie_is_not():
    spike = shapely.Polygon(
        [
            (X0, Y0),
            (X0 + 20, Y0),
            (X0 + 20, Y0 + 20),
            (X0 + 10, Y0 + 20),
            (X0 + 10, Y0 + 30),
            (X0 + 10, Y0 + 20),
            (X0, Y0 + 20),
        ]
    )
    bow_tie = shapely.Polygon([(X0 + 50, Y0), (X0 + 59, Y0 + 9), (X0 + 59, Y0), (X0 + 50, Y0 + 9)])
    tables = town(
        buildings=layer(
            building_id=["spike", "bow"],
            households=[1, 2],
            use=["residential"] * 2,
            geometry=[spike, bow_tie],
        )
    )
    assert rule(tables, "invalid_geometry").ids == ("spike", "bow")
    repaired = repair_tables(tables)
    assert repaired.repairs["id"].tolist() == ["spike"]
    assert rule(repaired.tables, "invalid_geometry").ids == ("bow",)
    assert repaired.tables["buildings"].geometry["spike"].area == 400
    (note,) = repaired.report
    assert "1 个面" in note.statement.text("zh-CN")


def test_a_sliver_of_overlap_is_taken_off_and_a_real_one_is_not():
    for reach, repairs in ((199.5, 1), (150.0, 0)):
        communities = layer(
            community_id=["c1", "c2"],
            name=["东", "西"],
            geometry=[box(0, 0, 200, 200), box(reach, 0, 400, 200)],
        )
        repaired = repair_tables(town(communities=communities))
        assert len(repaired.repairs) == repairs
        assert (rule(repaired.tables, "communities_overlap") is None) == (repairs == 1)


def test_a_row_entered_twice_is_taken_out_and_a_contradiction_is_not():
    twice = layer(
        building_id=["a", "a", "b", "b"],
        households=[10, 10, 1, 2],
        use=["residential"] * 4,
        geometry=[box(10, 10, 30, 30)] * 2 + [box(50, 10, 70, 30)] * 2,
    )
    repaired = repair_tables(town(buildings=twice))
    assert repaired.repairs[["id", "rule"]].to_numpy().tolist() == [["a", "double"]]
    assert rule(repaired.tables, "duplicate_id").ids == ("b",)


def test_a_repaired_town_can_be_made():
    streets = layer(
        street_id=["s1", "s2"], geometry=[line((0, 50), (400, 50)), line((100, 50.4), (100, 150))]
    )
    repaired = repair_tables(town(streets=streets))
    assert make_town("t", CRS, repaired.tables).report.findings[0].rule == "placed"


def test_a_sliver_is_found_and_a_slab_is_not():
    tables = town(
        buildings=layer(
            building_id=["thin", "slab"],
            households=[1, 2],
            use=["residential"] * 2,
            geometry=[box(10, 10, 60, 10.4), box(10, 20, 60, 32)],
        )
    )
    assert rule(tables, "slivers").ids == ("thin",)


def test_streets_that_cross_without_a_vertex_are_told_from_bridges_and_junctions():
    streets = layer(
        street_id=["main", "bare", "bridge", "below", "joined"],
        bridge=pd.array([None, None, True, None, None], dtype="boolean"),
        layer=pd.array([None, None, None, "-1", None], dtype="string"),
        geometry=[
            line((0, 50), (300, 50), (400, 50)),
            line((100, 0), (100, 100)),
            line((150, 0), (150, 100)),
            line((200, 0), (200, 100)),
            line((300, 0), (300, 50), (300, 100)),
        ],
    )
    statement = rule(town(streets=streets), "streets_cross")
    assert statement.values["count"] == 1
    assert {statement.values["first"], statement.values["second"]} == {"main", "bare"}
    assert (statement.values["x"], statement.values["y"]) == (X0 + 100, Y0 + 50)


def test_islands_of_the_street_network_are_named():
    streets = layer(
        street_id=["s1", "s2", "i1", "i2", "outline"],
        role=pd.array([None, None, None, None, "outline"], dtype="string"),
        geometry=[
            line((0, 50), (100, 50), (400, 50)),
            line((100, 50), (100, 150)),
            line((300, 100), (350, 100)),
            line((350, 100), (350, 120)),
            line((0, 190), (50, 190)),
        ],
    )
    statement = rule(town(streets=streets), "street_islands")
    assert statement.ids == ("i1", "i2")
    assert statement.values["pieces"] == 1
    assert statement.values["share"] == 70 / 570


def test_an_estate_of_which_no_building_is_a_home_is_suspect():
    tables = town(
        estates=layer(estate_id=["e1", "e2"], geometry=[box(0, 0, 100, 100), box(200, 0, 300, 100)]),
        buildings=layer(
            building_id=list("abcd"),
            households=pd.array([None] * 4, dtype="Int64"),
            use=["other", "other", "other", "residential"],
            geometry=[box(x, 10, x + 9, 19) for x in (10, 30, 50, 210)],
        ),
    )
    statement = rule(tables, "estate_without_homes")
    assert statement.ids == ("e1",)
    assert statement.values["buildings"] == 3
