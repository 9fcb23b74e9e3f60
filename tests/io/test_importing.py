"""Real towns come in by mappings alone, and every row is counted."""

from __future__ import annotations

import tomllib
from pathlib import Path

import geopandas.testing
import pandas as pd
import pytest
import shapely

from spatial.io import import_town, read_town, write_town
from spatial.io.osm import read_osm
from spatial.io.sources import Sources

MAPPINGS = Path(__file__).parent / "mappings"


@pytest.fixture(scope="module")
def punggol(shared_data):
    source = shared_data / "singapore-punggol" / "singapore-punggol.gpkg"
    return import_town([source], MAPPINGS / "singapore-punggol.toml")


@pytest.fixture(scope="module")
def wudaokou(shared_data):
    source = shared_data / "beijing-wudaokou" / "beijing-wudaokou.osm.pbf"
    return import_town([source], MAPPINGS / "beijing-wudaokou.toml")


def sums(result):
    return result.counts.groupby(["layer", "table"], dropna=False)["rows"].sum().to_dict()


def outcome(result, layer, table):
    rows = result.counts[(result.counts["layer"] == layer) & (result.counts["table"] == table)]
    return dict(zip(rows["outcome"], rows["rows"], strict=True))


@pytest.mark.parametrize("mapping", sorted(MAPPINGS.glob("*.toml")), ids=lambda path: path.stem)
def test_a_mapping_has_at_most_forty_lines(mapping):
    text = mapping.read_text(encoding="utf-8")
    assert tomllib.loads(text)["layer"]
    assert len(text.splitlines()) <= 40


def test_punggol_keeps_every_dwelling(punggol):
    homes = punggol.town.buildings[punggol.town.buildings["use"] == "residential"]
    assert len(homes) == 557
    assert homes["households"].sum() == 63_264
    assert (homes["households"].min(), homes["households"].max()) == (48, 504)
    assert set(homes["households_basis"]) == {"dwellings"}
    assert set(homes["households_source"]) == {"counted"}
    assert not punggol.report.errors


def test_punggol_counts_every_row(punggol):
    expected = {
        ("study_area", "communities"): 1,
        ("blocks", "buildings"): 746,
        ("walk_edges", "streets"): 2207,
        ("roads", "streets"): 1035,
        ("pois", "facilities"): 661,
    }
    counted = sums(punggol)
    assert {key: counted[key] for key in expected} == expected
    missed = punggol.counts[punggol.counts["table"].isna()]
    assert missed[["layer", "outcome", "rows"]].to_numpy().tolist() == [
        ["singapore-punggol:walk_nodes", "not_mapped", 1665]
    ]
    assert len(punggol.town.services) == len(punggol.town.facilities) == 661
    assert punggol.town.streets["role"].value_counts().to_dict() == {"walk": 2207, "outline": 1035}


def test_wudaokou_says_that_households_are_unknown(wudaokou):
    buildings = wudaokou.town.buildings
    homes = buildings[buildings["use"] == "residential"]
    assert len(homes) > 100
    assert buildings["households"].isna().all()
    (finding,) = wudaokou.report.of_rule("households_unknown")
    assert finding.statement.values["known_share"] == 0
    assert len(finding.statement.ids) == len(homes)


def test_wudaokou_counts_every_object(wudaokou, shared_data):
    source = shared_data / "beijing-wudaokou" / "beijing-wudaokou.osm.pbf"
    highways = read_osm(source, ["highway"]).layers["lines"]
    streets = outcome(wudaokou, "lines", "streets")
    roads = highways["highway"].notna() & ~highways["highway"].isin(["construction", "proposed"])
    assert sum(streets[key] for key in streets if key != "not_selected") == roads.sum()
    buildings = outcome(wudaokou, "areas", "buildings")
    assert buildings["kept"] + buildings["outside"] == 521
    assert outcome(wudaokou, "areas", "estates")["kept"] == 6
    assert wudaokou.town.estates["name"].str.contains("西王庄").any()
    facilities = outcome(wudaokou, "points、areas", "facilities")
    assert facilities["kept"] == len(wudaokou.town.facilities)
    (finding,) = wudaokou.report.of_rule("no_category")
    assert finding.statement.values["count"] == facilities["no_category"]
    assert set(wudaokou.town.barriers["kind"]) <= {"railway", "river", "wall"}


@pytest.mark.parametrize(
    ("name", "buildings", "estates"),
    [("beijing-xueyuanlu", 257, 10), ("guixi-county-sparse", 165, 0), ("helsinki-centre", 446, 13)],
)
def test_the_other_towns_come_in_by_the_same_rules(shared_data, name, buildings, estates):
    result = import_town([shared_data / name / f"{name}.osm.pbf"], MAPPINGS / f"{name}.toml")
    counted = outcome(result, "areas", "buildings")
    assert counted["kept"] + counted.get("outside", 0) == buildings
    assert outcome(result, "areas", "estates")["kept"] == estates
    assert result.town.buildings["households"].isna().all()
    assert not result.report.errors


def test_a_long_extract_is_packed_in_batches_without_a_difference(shared_data, monkeypatch):
    source = shared_data / "beijing-wudaokou" / "beijing-wudaokou.osm.pbf"
    whole = read_osm(source, ["highway", "building", "amenity"], ["name"])
    monkeypatch.setattr("spatial.io.osm._BATCH_ROWS", 100)
    packed = read_osm(source, ["highway", "building", "amenity"], ["name"])
    assert (packed.incomplete, packed.unusable) == (whole.incomplete, whole.unusable)
    for name, layer in whole.layers.items():
        assert len(layer) > 100
        geopandas.testing.assert_geodataframe_equal(packed.layers[name], layer)


def test_a_way_cut_by_the_extract_keeps_the_nodes_that_are_there(tmp_path):
    path = tmp_path / "cut.osm"
    nodes = "".join(f'<node id="{n}" lat="40.00000{n}1" lon="116.3456789"/>' for n in (1, 2, 4))
    ways = "".join(
        f'<way id="{way}">{"".join(f"""<nd ref="{n}"/>""" for n in refs)}<tag k="highway" v="service"/></way>'
        for way, refs in ((1, (1, 2, 3, 4)), (2, (2, 3)), (3, (1, 2)))
    )
    path.write_text(f'<osm version="0.6">{nodes}{ways}</osm>', encoding="utf-8")
    extract = read_osm(path, ["highway"])
    assert (extract.incomplete, extract.unusable) == (("w1",), ("w2",))
    lines = extract.layers["lines"].set_index("osm_id").geometry
    assert shapely.get_coordinates(lines["w1"]).tolist() == [
        [116.3456789, latitude] for latitude in (40.0000011, 40.0000021, 40.0000041)
    ]
    assert len(extract.layers["points"]) == len(extract.layers["areas"]) == 0


def test_an_imported_town_survives_its_package(punggol, wudaokou, tmp_path):
    for result in (punggol, wudaokou):
        again = read_town(write_town(result.town, tmp_path / "town.gpkg"))
        assert again.fingerprint() == result.town.fingerprint()
        assert dict(again.provenance) == dict(result.town.provenance)


def test_osm_ids_are_those_of_the_independent_extract(shared_data):
    import pyogrio

    folder = shared_data / "beijing-wudaokou"
    with Sources.of([folder / "beijing-wudaokou.osm.pbf"], ["building"]) as sources:
        areas = sources.read("areas")
    expected = pyogrio.read_dataframe(folder / "beijing-wudaokou.gpkg", layer="buildings")
    assert set(areas["osm_id"]) == set(expected["osm_id"])
    both = pd.Series(areas.geometry.to_numpy(), index=areas["osm_id"]).loc[expected["osm_id"]]
    difference = [
        one.symmetric_difference(other).area for one, other in zip(both, expected.geometry, strict=True)
    ]
    assert max(difference) < 1e-14


def mapped(folder, text, *files):
    from spatial.io import parse_mapping

    return import_town([folder / one for one in files], parse_mapping(tomllib.loads(text)))


BUILDINGS = """
[[layer]]
from = "楼栋"
to = "buildings"
x = "经度"
y = "纬度"
crs = "EPSG:4326"
[layer.columns]
building_id = "编号"
households = "户数"
"""


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ('{ "住宅" = "residential", "*" = "other" }', ["residential", "other", None]),
        ('{ "住宅" = "residential", "*" = "other", "" = "mixed" }', ["residential", "other", "mixed"]),
        ('{ "住宅" = "residential", "" = "other" }', ["residential", None, "other"]),
    ],
)
def test_a_star_is_every_other_value_and_never_an_empty_cell(values, expected, tmp_path):
    from spatial.io.mapping import parse_mapping
    from spatial.io.tabulating import tabulate

    rule = parse_mapping(tomllib.loads(f'{BUILDINGS}use = {{ from = "用途", values = {values} }}')).layers[0]
    source = pd.DataFrame({"编号": ["1", "2", "3"], "用途": ["住宅", "车库", None]}, dtype="string")
    use = tabulate(source, rule, "楼栋").frame["use"]
    assert [None if pd.isna(one) else one for one in use] == expected


def test_an_empty_cell_that_must_be_filled_is_named_and_not_mapped(tmp_path):
    from spatial.errors import SchemaError

    (tmp_path / "楼栋.csv").write_text(
        "编号,户数,用途,经度,纬度\n1,3,住宅,116.3,40\n2,4,,116.301,40\n", encoding="utf-8"
    )
    rule = 'use = { from = "用途", values = { "住宅" = "residential", "*" = "other" } }'
    with pytest.raises(SchemaError) as failure:
        mapped(tmp_path, BUILDINGS + rule, "楼栋.csv")
    (error,) = failure.value.report.errors
    assert (error.rule, error.statement.ids) == ("empty_value", ("2",))


def test_communities_get_codes_by_name_and_the_doubtful_show_candidates(shared_data, tmp_path):
    (tmp_path / "楼栋.csv").write_text(
        "编号,户数,用途,所属社区,街道,经度,纬度\n"
        "1,3,住宅,玉泉路西社区居委会,八宝山街道,116.24,39.9\n"
        "2,4,住宅,玉泉路,八宝山街道,116.241,39.9\n"
        "3,5,住宅,火星,八宝山街道,116.242,39.9\n",
        encoding="utf-8",
    )
    names = shared_data / "cn-community-names" / "cn-community-names.csv"
    rule = (
        'use = { from = "用途", values = { "住宅" = "residential" } }\n'
        'community_id = { from = "所属社区", codes = "cn-community-names", within = "街道" }'
    )
    result = mapped(tmp_path, BUILDINGS + rule, "楼栋.csv", names)
    ids = result.town.buildings["community_id"].tolist()
    assert ids[0] == "110107001003"
    assert ids[1:] == ["玉泉路", "火星"]
    (finding,) = result.report.of_rule("code_uncertain")
    assert finding.statement.values["count"] == 2
    assert "玉泉路 ← 1101070010" in finding.statement.values["candidates"]
    assert "火星 ← ?" in finding.statement.values["candidates"]
    # The suggestion does the same by itself.
    suggested = import_town([tmp_path / "楼栋.csv", names])
    assert suggested.town.buildings["community_id"].tolist() == ids


def test_news_replace_values_and_nothing_else(tmp_path):
    (tmp_path / "楼栋.csv").write_text(
        "编号,户数,用途,经度,纬度\n1,3,住宅,116.3,40\n2,4,住宅,116.301,40\n", encoding="utf-8"
    )
    (tmp_path / "核查.csv").write_text(
        "编号,户数,用途,经度,纬度\n2,9,,,\n3,5,住宅,116.302,40\n1,,,,\n", encoding="utf-8"
    )
    rule = 'use = { from = "用途", values = { "住宅" = "residential" } }'
    news = BUILDINGS.replace('"楼栋"', '"核查"').replace("to =", "updates = true\nto =")
    result = mapped(tmp_path, BUILDINGS + rule + news + rule, "楼栋.csv", "核查.csv")
    assert result.town.buildings["households"].to_dict() == {"1": 3, "2": 9, "3": 5}
    assert outcome(result, "核查", "buildings") == {"kept": 1, "updated": 2}
    (note,) = result.report.of_rule("updated")
    assert note.statement.values["changed"] == 2  # the count, and that it was counted
