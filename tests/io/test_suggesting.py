"""A first mapping from an office's own words, and templates that need none."""

from __future__ import annotations

import tomllib

import openpyxl
import pandas as pd
import pytest

from spatial.catalogue import categories
from spatial.crs import from_wgs84
from spatial.io import import_town, parse_mapping, suggest_mapping, write_templates
from spatial.messages import LANGUAGES, text, use_language


def office_files(folder):
    buildings = ["某县楼栋台账", "楼栋名称,小区名称,所属社区,户数,楼层,房屋用途,高德经度,高德纬度"]
    for number in range(1, 20):
        ((x, y),) = from_wgs84(
            __import__("numpy").array([[116.3 + number / 1000, 40 + number / 2000]]), "GCJ-02"
        )
        use = "商业" if number % 5 == 0 else "住宅"
        buildings.append(f"{number}号楼,阳光小区,东社区,{number * 3},6,{use},{x:.8f},{y:.8f}")
    (folder / "楼栋.csv").write_text("\n".join(buildings), encoding="gbk")
    services = [
        "名称,类型,X坐标,Y坐标",
        "大众药房,药店,4429700,39440000",
        "张记超市,便利店,4429800,39440100",
        "某公司,企业,4429900,39440100",
    ]
    (folder / "便民网点.csv").write_text("\n".join(services), encoding="utf-8")
    return [folder / "楼栋.csv", folder / "便民网点.csv"]


def test_an_offices_tables_become_a_town(tmp_path):
    files = office_files(tmp_path)
    written = suggest_mapping(files)
    mapping = tomllib.loads(written)
    first, second = mapping["layer"]
    assert (first["to"], first["crs"], first["x"], first["y"]) == (
        "buildings",
        "GCJ-02",
        "高德经度",
        "高德纬度",
    )
    assert first["columns"]["households"] == "户数"
    assert first["columns"]["levels"] == "楼层"
    assert first["columns"]["use"]["values"] == {"住宅": "residential", "商业": "other"}
    assert (second["to"], second["crs"], second["x"]) == ("facilities", "EPSG:4527", "Y坐标")
    assert "企业" in written
    town = import_town(files, parse_mapping(mapping)).town
    assert town.buildings["households"].sum() == sum(3 * number for number in range(1, 20))
    degrees = town.buildings.to_crs("EPSG:4326").geometry
    assert degrees.x.iloc[0] == pytest.approx(116.301, abs=1e-7)
    assert town.services["category"].tolist() == ["pharmacy", "convenience_store"]
    assert town.communities.index.tolist() == ["东社区"]


def test_an_openstreetmap_file_gets_the_mapping_of_tags(shared_data):
    source = shared_data / "guixi-county-sparse" / "guixi-county-sparse.osm.pbf"
    mapping = parse_mapping(tomllib.loads(suggest_mapping([source])))
    result = import_town([source], mapping)
    assert len(result.town.buildings) == 165
    assert len(result.town.streets) == 170


@pytest.mark.parametrize("town", ["singapore-punggol", "beijing-xueyuanlu", "helsinki-centre"])
def test_a_suggestion_can_always_be_followed(shared_data, town):
    source = shared_data / town / f"{town}.gpkg"
    mapping = parse_mapping(tomllib.loads(suggest_mapping([source])))
    tables = {layer.layers[0].partition(":")[2]: layer.table for layer in mapping.layers}
    assert tables.get("blocks", tables.get("buildings")) == "buildings"
    assert tables.get("roads", tables.get("streets")) == "streets"
    assert tables["pois"] == "facilities"
    assert tables["study_area"] == "communities"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_filled_template_imports_without_a_mapping(language, tmp_path):
    with use_language(language):
        files = write_templates(tmp_path)
        assert len(files) == 4
        by_title = {}
        for file in files:
            book = openpyxl.load_workbook(file)
            (sheet,) = [one for one in book.worksheets if one.sheet_state == "visible"]
            assert sheet.data_validations.dataValidation or "小区" not in sheet.title
            assert all(cell.comment.text for cell in sheet[1])
            assert not sheet.title.startswith("lists")
            if sheet.title == text("schema.table.staff"):
                continue
            by_title[file] = (book, sheet)
        rows = {
            "estates": ["e1", "阳光里", None, 90, None, None, None, 2004, 116.3, 40.0],
            "buildings": ["b1", "1号楼", None, "e1", None, 30, None, None, 6, None, "USE", 116.3, 40.0],
            "facilities": ["f1", "大众药房", "CATEGORY", None, None, None, None, None, 116.301, 40.001],
        }
        for _, sheet in by_title.values():
            table = next(name for name in rows if text(f"schema.table.{name}") == sheet.title)
            translated = {
                "USE": text("schema.value.residential"),
                "CATEGORY": categories()["pharmacy"].names[language],
            }
            for number, value in enumerate(rows[table], 1):
                sheet.cell(2, number, translated.get(value, value))
        for file, (book, _) in by_title.items():
            book.save(file)
        result = import_town([tmp_path])
        town = result.town
    assert town.buildings.loc["b1", ["households", "estate_id", "use"]].tolist() == [30, "e1", "residential"]
    assert town.estates.loc["e1", "year_built"] == 2004
    assert town.services["category"].tolist() == ["pharmacy"]
    (doubt,) = result.report.of_rule("mapping_suggested")
    layer = doubt.statement.values["layer"]
    assert text("schema.table.staff", language=language) in layer
    assert doubt.statement.values["doubt"] == text("io.suggest.ledger", language=language, layer=layer)


def choices(sheet, column):
    """Return the values that the drop-down list of a column offers."""
    book = sheet.parent
    for validation in sheet.data_validations.dataValidation:
        if any(one.min_col <= column <= one.max_col for one in validation.sqref.ranges):
            name, _, area = validation.formula1.partition("!")
            return [row[0].value for row in book[name][area.replace("$", "")]]
    return []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_coded_column_has_a_list_and_the_staff_are_posted_by_one(language, tmp_path):
    from tests.towns import drawn_town

    with use_language(language):
        files = write_templates(tmp_path, drawn_town("AABB/AABB", households=10))
        offered = {}
        for file in files:
            (sheet,) = [
                one for one in openpyxl.load_workbook(file).worksheets if one.sheet_state == "visible"
            ]
            heads = [cell.value for cell in sheet[1]]
            offered[file.stem] = {head: choices(sheet, number) for number, head in enumerate(heads, 1)}
        title = {
            name: text(f"schema.column.{name}") for name in ("use", "category", "staff_role", "subject_id")
        }
        assert text("schema.value.residential") in offered[text("schema.table.buildings")][title["use"]]
        assert (
            categories()["pharmacy"].names[language]
            in offered[text("schema.table.facilities")][title["category"]]
        )
        staff = offered[text("schema.table.staff")]
        assert text("schema.value.dedicated") in staff[title["staff_role"]]
        assert staff[title["subject_id"]]


def test_the_filled_staff_template_is_a_ledger(tmp_path):
    from spatial.io import read_ledgers

    staff = next(file for file in write_templates(tmp_path) if file.stem == "人员")
    book = openpyxl.load_workbook(staff)
    sheet = next(one for one in book.worksheets if one.sheet_state == "visible")
    sheet.append(["p1", "张三", "0000", "是", "专职网格员", "网格", "g1"])
    titles = {cell.value for cell in sheet[1]}
    book.save(staff)
    staff.chmod(0o600)
    ledgers = read_ledgers(staff)
    assert ledgers.tables["staff"]["person_id"].tolist() == ["p1"]
    assert len(titles) == sheet.max_column


def test_templates_of_a_town_hold_what_is_known_and_a_sheet_to_survey(shared_data, tmp_path):
    from pathlib import Path

    mapping = Path(__file__).parent / "mappings" / "beijing-wudaokou.toml"
    source = shared_data / "beijing-wudaokou" / "beijing-wudaokou.osm.pbf"
    town = import_town([source], mapping).town
    files = write_templates(tmp_path, town)
    assert [file.name for file in files] == [
        "小区.xlsx", "楼栋.xlsx", "设施.xlsx", "人员.xlsx", "入户核查表 五道口.xlsx",
    ]  # fmt: skip
    rows = pd.read_excel(files[1], sheet_name="楼栋", dtype="string")
    assert len(rows) == len(town.buildings)
    assert set(rows["用途"]) == {"住宅", "其他"}
    again = import_town(files[:3]).town
    assert set(again.buildings.index) == set(town.buildings.index)
    assert (
        again.services["category"].value_counts().to_dict()
        == town.services["category"].value_counts().to_dict()
    )
