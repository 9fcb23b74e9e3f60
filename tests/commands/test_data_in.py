"""The commands that bring data in: without a mapping, with repairs, with findings on the map, from a place."""

from __future__ import annotations

import warnings

import openpyxl
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely

from spatial.io import read_town, write_templates, write_town
from tests.commands.test_commands import result_of, run
from tests.streets import building, facility, service, street, street_town


@pytest.fixture
def faulty_path(tmp_path):
    """A town with a street that ends short, an estate with a spike, and an unknown count."""
    spike = shapely.Polygon([(0, 20), (60, 20), (60, 60), (60, 60.5), (60, 60), (0, 60)])
    town = street_town(
        buildings=[
            building("a", 10, 30) | {"households_source": "counted"},
            building("b", 40, 30) | {"households": None},
        ],
        streets=[street("s1", (0, 0), (200, 0)), street("s2", (100, 0.6), (100, 90))],
        facilities=[facility("f", 100, 5)],
        services=[service("f", "pharmacy")],
    )
    estates = town.estates
    path = write_town(town, tmp_path / "town.gpkg")
    layer = pyogrio.read_dataframe(path, layer="streets")[["geometry"]].iloc[:1]
    layer = layer.assign(estate_id="e", name="尖角里").set_geometry([spike])
    assert estates.empty
    pyogrio.write_dataframe(layer, path, layer="estates", driver="GPKG", append=True)
    return path


def test_check_repairs_on_request_and_keeps_old_and_new(capsys, tmp_path, faulty_path):
    before = faulty_path.read_bytes()
    code, out, _ = run(capsys, "check", faulty_path, "--findings", tmp_path / "found.gpkg", "--json")
    assert code == 1
    rules = {one["rule"] for one in result_of(out)["findings"]}
    assert {"street_ends_short", "invalid_geometry"} <= rules
    points = pyogrio.read_dataframe(tmp_path / "found.gpkg", layer="findings")
    assert set(points["rule"]) >= {"street_ends_short", "invalid_geometry", "households_unknown"}
    assert points.crs == read_crs(faulty_path)
    mended = tmp_path / "mended.gpkg"
    code, out, err = run(capsys, "check", faulty_path, "--repair", "-o", mended, "--json")
    assert code == 0, err
    result = result_of(out)
    assert result["repairs"] == 3
    assert faulty_path.read_bytes() == before
    repairs = pd.DataFrame(pyogrio.read_dataframe(result["findings_file"], layer="repairs"))
    assert sorted(repairs["rule"]) == ["invalid_geometry", "street_end", "street_vertex"]
    assert (repairs["old"] != repairs["new"]).all()
    again, _, _ = run(capsys, "check", mended, "--json")
    assert again == 0
    assert read_town(mended).estates.geometry["e"].is_valid


def far_out(path, layer):
    """Read a layer and move it to where metres cannot be taken for degrees."""
    frame = pyogrio.read_dataframe(path, layer=layer)
    return frame.set_geometry(frame.translate(500_000, 3_000_000))


def read_crs(path):
    return pyogrio.read_dataframe(path, layer="buildings").crs


LEADING_NOWHERE = {
    "engineering": 'ENGCRS["县城独立坐标系",EDATUM["本地"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]',
    "drawing": 'LOCAL_CS["drawing",UNIT["metre",1]]',
    "projection": 'PROJCS["x",GEOGCS["y",DATUM["z",SPHEROID["s",6378137,298.25]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.0174532925199433]],PROJECTION["No_Such_Projection"],UNIT["metre",1]]',
    "geocentric": "EPSG:4978",
}


@pytest.mark.parametrize("definition", [*LEADING_NOWHERE, "undefined", "degrees"])
@pytest.mark.parametrize("asked", ["check", "repair", "findings"])
def test_a_package_in_a_system_that_leads_nowhere_is_told_so(
    capsys, tmp_path, faulty_path, definition, asked
):
    if definition in LEADING_NOWHERE:
        crs, said = LEADING_NOWHERE[definition], "reference_unusable"
    else:
        crs, said = (
            ("EPSG:4326", "degrees_expected") if definition == "degrees" else (None, "reference_missing")
        )
    path = tmp_path / "elsewhere.gpkg"
    for layer in ("buildings", "streets", "estates"):
        frame = far_out(faulty_path, layer).set_crs(crs, allow_override=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that a layer has no reference system
            pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG", append=path.exists())
    options = {
        "check": [],
        "repair": ["--repair", "-o", tmp_path / "mended.gpkg"],
        "findings": ["--findings", tmp_path / "found.gpkg"],
    }
    code, out, _ = run(capsys, "check", path, *options[asked], "--json")
    assert code == 1
    findings = result_of(out)["findings"]
    assert {one["rule"] for one in findings if one["table"] == "buildings"} >= {said}
    assert not (tmp_path / "mended.gpkg").exists()
    if asked == "findings":
        assert set(
            pyogrio.read_dataframe(tmp_path / "found.gpkg", layer="findings_without_place")["rule"]
        ) >= {said}


def test_a_shapefile_whose_prj_speaks_of_degrees_is_named(capsys, tmp_path, faulty_path):
    for layer in ("buildings", "streets"):
        frame = far_out(faulty_path, layer)
        path = tmp_path / "shapes" / f"{layer}.shp"
        path.parent.mkdir(exist_ok=True)
        pyogrio.write_dataframe(frame[["geometry"]].assign(name="一号楼"), path, encoding="utf-8")
    (tmp_path / "shapes" / "buildings.prj").write_text(
        pyproj.CRS("EPSG:4490").to_wkt("WKT1_ESRI"), encoding="ascii"
    )
    code, out, _ = run(capsys, "import", tmp_path / "shapes", "-o", tmp_path / "t.gpkg", "--json")
    assert code == 2
    (wrong,) = [one for one in result_of(out)["findings"] if one["rule"] == "degrees_expected"]
    assert wrong["table"] == "buildings"


def test_check_repair_needs_a_place_to_write_to(capsys, faulty_path):
    code, _, err = run(capsys, "check", faulty_path, "--repair")
    assert code == 2
    assert "--repair 与 -o" in err


def test_a_folder_of_filled_templates_imports_without_a_mapping(capsys, tmp_path, faulty_path):
    run(capsys, "check", faulty_path, "--repair", "-o", tmp_path / "mended.gpkg")
    town = read_town(tmp_path / "mended.gpkg")
    folder = tmp_path / "forms"
    files = write_templates(folder, town)
    survey = next(file for file in files if "核查" in file.name)
    book = openpyxl.load_workbook(survey)
    sheet = book.active
    headers = [cell.value for cell in sheet[1]]
    row = next(row for row in sheet.iter_rows(min_row=2) if row[0].value == "b")
    row[headers.index("户数")].value = 36
    book.save(survey)
    code, out, err = run(
        capsys, "import", tmp_path / "mended.gpkg", survey, "-o", tmp_path / "new.gpkg", "--json"
    )
    assert code == 0, err
    updated = read_town(tmp_path / "new.gpkg")
    assert updated.buildings.loc["b", "households"] == 36
    assert updated.buildings.loc["a"].equals(town.buildings.loc["a"])
    assert len(updated.streets) == 2
    assert "mapping_suggested" not in {one["rule"] for one in result_of(out)["findings"]}
    code, out, err = run(capsys, "import", folder, "-o", tmp_path / "forms.gpkg", "--json")
    assert code == 0, err
    again = read_town(tmp_path / "forms.gpkg")
    assert again.buildings["households"].tolist() == [10, 36]
    assert again.services["category"].tolist() == ["pharmacy"]


def test_errors_of_an_import_are_on_the_map_though_there_is_no_town(capsys, tmp_path):
    (tmp_path / "楼栋.csv").write_text(
        "楼栋编号,户数,用途,经度,纬度\n1,3,住宅,116.3,40\n1,4,住宅,116.301,40\n", encoding="utf-8"
    )
    (tmp_path / "m.toml").write_text(
        '[[layer]]\nfrom = "楼栋"\nto = "buildings"\nx = "经度"\ny = "纬度"\ncrs = "EPSG:4326"\n'
        'columns = { building_id = "楼栋编号", households = "户数", use = { from = "用途", values = { "住宅" = "residential" } } }\n',
        encoding="utf-8",
    )
    code, _, err = run(
        capsys, "import", tmp_path / "楼栋.csv", "--mapping", tmp_path / "m.toml",
        "-o", tmp_path / "t.gpkg", "--findings", tmp_path / "f.gpkg",
    )  # fmt: skip
    assert code == 2
    assert "编号重复" in err
    assert not (tmp_path / "t.gpkg").exists()
    assert set(pyogrio.read_dataframe(tmp_path / "f.gpkg", layer="findings")["rule"]) == {"duplicate_id"}


def test_a_suggestion_is_shown_or_written(capsys, tmp_path):
    (tmp_path / "楼栋.csv").write_text("楼号,户数,经度,纬度\n1,3,116.3,40\n", encoding="utf-8")
    code, out, _ = run(capsys, "import", tmp_path / "楼栋.csv", "--suggest")
    assert code == 0
    assert 'to = "buildings"' in out
    run(capsys, "import", tmp_path / "楼栋.csv", "--suggest", "-o", tmp_path / "m.toml")
    assert (tmp_path / "m.toml").read_text(encoding="utf-8").strip() == out.strip()


@pytest.mark.parametrize("words", [["-o", "t.gpkg"], ["楼栋.csv"]])
def test_an_import_without_source_or_target_says_so(capsys, words):
    code, _, err = run(capsys, "import", *words)
    assert code == 2
    assert "wangge import" in err or "-o" in err


def test_a_place_without_the_internet_is_refused_in_words(capsys, tmp_path):
    outline = tmp_path / "范围.geojson"
    outline.write_text(shapely.to_geojson(shapely.box(116.3, 40, 116.31, 40.01)), encoding="utf-8")
    code, _, err = run(
        capsys,
        "import",
        "--place",
        outline,
        "--overpass",
        "http://127.0.0.1:9/api",
        "-o",
        tmp_path / "t.gpkg",
    )
    assert code == 2
    assert "互联网" in err
    assert ".osm.pbf" in err
    assert [one.name for one in tmp_path.iterdir()] == ["范围.geojson"]
