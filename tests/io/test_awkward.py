"""What offices really hand in: each file becomes the right rows, or a finding that says what to do."""

from __future__ import annotations

import json
import zipfile

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely

from spatial.errors import FileError, SchemaError
from spatial.io import import_town, read_mapping
from spatial.io.sheets import read_sheet
from spatial.messages import LANGUAGES

X0, Y0 = 450_000.0, 4_427_000.0
ROWS = range(6)
HOUSEHOLDS = [10 + row for row in ROWS]


def buildings(crs="EPSG:4548", **columns):
    return gpd.GeoDataFrame(
        {"楼栋编号": [f"B{row}" for row in ROWS], "户数": HOUSEHOLDS, "用途": ["住宅"] * 6, **columns},
        geometry=[shapely.box(X0 + 40 * row, Y0, X0 + 40 * row + 12, Y0 + 10) for row in ROWS],
        crs=crs,
    )


def degrees():
    points = buildings().to_crs("EPSG:4326").representative_point()
    return points.x.round(7).tolist(), points.y.round(7).tolist()


def table(**columns):
    x, y = degrees()
    rows = {"楼栋编号": [f"B{row}" for row in ROWS], "户数": HOUSEHOLDS, "用途": ["住宅"] * 6}
    return pd.DataFrame({**rows, "经度": x, "纬度": y, **columns})


def imported(*paths):
    """Import and return the town and the findings by rule; every message reads in both languages."""
    result = import_town(list(paths))
    found = {}
    for finding in result.report:
        found.setdefault(finding.rule, []).append(finding)
        assert all(finding.statement.text(language) for language in LANGUAGES)
    return result.town, found


def doubts(found):
    return "；".join(one.statement.values["doubt"] for one in found.get("mapping_suggested", []))


def workbook(path, rows, merged=(), name="楼栋"):
    book = openpyxl.Workbook()
    book.active.title = name
    for row in rows:
        book.active.append(row)
    for area in merged:
        book.active.merge_cells(area)
    book.save(path)
    return path


# Sheets


def test_a_header_of_two_rows_under_titles_with_a_sum_below(tmp_path):
    x, y = degrees()
    rows = [
        ["某区楼栋台账"],
        ["填报单位：某街道办", None, None, None, "填报时间：2025.3.1"],
        ["楼栋编号", "基本情况", None, None, "位置", None],
        [None, "户数", "用途", "层数", "经度", "纬度"],
        *([f"B{row}", HOUSEHOLDS[row], "住宅", 6, x[row], y[row]] for row in ROWS),
        ["合　计", 75, None, None, None, None],
    ]
    path = workbook(tmp_path / "台账.xlsx", rows, ["A1:F1", "A2:D2", "E2:F2", "B3:D3", "E3:F3", "A3:A4"])
    town, found = imported(path)
    assert town.buildings["households"].to_dict() == {f"B{row}": HOUSEHOLDS[row] for row in ROWS}
    assert town.buildings["levels"].tolist() == [6] * 6
    (sums,) = found["sums_passed_over"]
    assert sums.statement.values["lines"] == "11"
    assert {"titles_passed_over", "header_of_two_rows"} <= found.keys()


def test_notes_below_a_table_are_passed_over_and_said(tmp_path):
    x, y = degrees()
    rows = [
        ["楼栋编号", "户数", "用途", "备注", "经度", "纬度"],
        *([f"B{row}", HOUSEHOLDS[row], "住宅", "注意：有狗", x[row], y[row]] for row in ROWS),
        ["合计", 75, None, None, None, None],
        ["注：户数为上月底数", None, None, None, None, None],
        ["填表人：张三", None, None, "审核人：李四", None, None],
    ]
    town, found = imported(workbook(tmp_path / "楼栋.xlsx", rows))
    assert town.buildings.index.tolist() == [f"B{row}" for row in ROWS]
    (notes,) = found["notes_passed_over"]
    assert notes.statement.values["notes"] == "注：户数为上月底数；填表人：张三 审核人：李四"
    assert found["sums_passed_over"][0].statement.values["count"] == 1


@pytest.mark.parametrize("name", ["注塑厂宿舍", "一期：3号楼"])
def test_a_last_row_with_a_name_alone_is_no_note(tmp_path, name):
    rows = [["编号", "小区名称", "户数"], *([f"E{row}", f"小区{row}", 5] for row in ROWS), [None, name, None]]
    frame, findings = read_sheet(workbook(tmp_path / "小区.xlsx", rows, name="小区"), "小区", "")
    assert frame["小区名称"].iloc[-1] == name
    assert not findings


def test_a_row_of_data_is_no_second_header(tmp_path):
    x, y = degrees()
    rows = [["楼栋编号", "", "用途", "经度", "纬度"], ["甲", "东", "住宅", x[0], y[0]]]
    town, _ = imported(workbook(tmp_path / "楼栋.xlsx", rows))
    assert town.buildings.index.tolist() == ["甲"]


def test_cells_merged_down_hold_for_each_row(tmp_path):
    x, y = degrees()
    rows = [["所属小区", "楼号", "户数", "用途", "经度", "纬度"]]
    rows += [
        ["甲" if row == 0 else "乙" if row == 3 else None, f"{row % 3 + 1}号楼", 5, "住宅", x[row], y[row]]
        for row in ROWS
    ]
    town, found = imported(workbook(tmp_path / "楼栋.xlsx", rows, ["A2:A4", "A5:A7"]))
    assert town.buildings["estate_id"].tolist() == ["甲"] * 3 + ["乙"] * 3
    assert found["merged_filled"][0].statement.values["count"] == 2


def test_headers_spread_over_their_cells(tmp_path):
    renamed = table().rename(
        columns={"楼栋编号": "楼栋\n编号", "户数": " 户 数 ", "用途": "用　途", "经度": "经度\n（°）"}
    )
    renamed.to_excel(tmp_path / "楼栋.xlsx", index=False)
    town, _ = imported(tmp_path / "楼栋.xlsx")
    assert town.buildings["households"].tolist() == HOUSEHOLDS


def test_sheets_of_one_form_are_parts_and_no_news_of_each_other(tmp_path):
    with pd.ExcelWriter(tmp_path / "楼栋.xlsx") as writer:
        table().iloc[:3].to_excel(writer, sheet_name="甲社区", index=False)
        table(楼栋编号=["B0", "B1", "B2"] * 2).iloc[3:].to_excel(writer, sheet_name="乙社区", index=False)
    with pytest.raises(SchemaError) as failure:
        import_town([tmp_path / "楼栋.xlsx"])
    (error,) = failure.value.report.errors
    assert (error.rule, error.statement.ids) == ("duplicate_id", ("B0", "B1", "B2"))


@pytest.mark.parametrize("name", ["楼栋.xls", "楼栋.xlsx"])
def test_an_old_or_locked_workbook_says_how_to_save_it(name, tmp_path):
    (tmp_path / name).write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(FileError, match=r"另存为 \.xlsx"):
        import_town([tmp_path / name])


# Text tables


def test_numbers_as_offices_write_them(tmp_path):
    written = ["约320户", "120户", "１２０", "三百", "1,200", "/"]
    table(户数=written).to_csv(tmp_path / "楼栋.csv", index=False, encoding="gbk")
    town, found = imported(tmp_path / "楼栋.csv")
    assert town.buildings["households"].fillna(-1).tolist() == [-1, 120, 120, -1, 1200, -1]
    (unread,) = found["value_unread"]
    assert (unread.statement.values["values"], unread.statement.values["count"]) == ("约320户、三百、/", 3)


@pytest.mark.parametrize(
    "written",
    [
        lambda one: f"{one:.7f}".translate(str.maketrans("0123456789.", "０１２３４５６７８９．")),
        lambda one: f"{int(one)}°{int(one % 1 * 60)}′{one * 60 % 1 * 60:.4f}″",
        lambda one: f"{int(one)}度{one % 1 * 60:.6f}分",
    ],
    ids=["full-width", "seconds", "minutes"],
)
def test_coordinates_as_offices_write_them(written, tmp_path):
    x, y = degrees()
    table(经度=map(written, x), 纬度=map(written, y)).to_csv(tmp_path / "楼栋.csv", index=False)
    town, _ = imported(tmp_path / "楼栋.csv")
    assert town.buildings.distance(buildings().set_index("楼栋编号").centroid).max() < 0.1


def test_a_place_at_zero_is_none_and_one_unreadable_is_shown(tmp_path):
    x, y = degrees()
    table(经度=[0, "东门", *x[2:]], 纬度=[0, *y[1:]]).to_csv(tmp_path / "楼栋.csv", index=False)
    town, found = imported(tmp_path / "楼栋.csv")
    assert town.buildings.index.tolist() == ["B2", "B3", "B4", "B5"]
    assert found["place_zero"][0].statement.values["count"] == 1
    assert "东门" in found["place_unread"][0].statement.values["values"]


def test_a_place_with_a_figure_missing_is_named(tmp_path):
    x, y = degrees()
    table(经度=[x[0] / 10, *x[1:]], 纬度=y).to_csv(tmp_path / "楼栋.csv", index=False)
    with pytest.raises(SchemaError) as failure:
        import_town([tmp_path / "楼栋.csv"])
    (error,) = failure.value.report.of_rule("row_elsewhere")
    assert error.statement.ids == ("B0",)


@pytest.mark.parametrize("written", ["{x},{y}", "{y}，{x}", "({x} {y})"])
def test_both_coordinates_in_one_cell_are_read(tmp_path, written):
    x, y = degrees()
    cells = [written.format(x=one, y=other) for one, other in zip(x, y, strict=True)]
    rows = table(坐标=[*cells[:5], "东门外"]).drop(columns=["经度", "纬度"])
    rows.to_csv(tmp_path / "楼栋.csv", index=False)
    town, found = imported(tmp_path / "楼栋.csv")
    expected = shapely.points(x, y)[:5]
    placed = town.buildings.geometry.to_crs("EPSG:4326")
    assert shapely.distance(placed.to_numpy()[:5], expected).max() < 1e-6
    assert found["place_unread"][0].statement.values["count"] == 1
    assert "GCJ-02" in doubts(found)


def test_a_column_of_words_is_no_place(tmp_path):
    table(坐标=["东门外"] * 6).to_csv(tmp_path / "楼栋.csv", index=False)
    town, found = imported(tmp_path / "楼栋.csv")
    assert len(town.buildings) == 6
    assert "place_unread" not in found


def test_longitude_and_latitude_under_each_other_s_header_are_told(tmp_path):
    x, y = degrees()
    table(经度=y, 纬度=x).to_csv(tmp_path / "楼栋.csv", index=False)
    town, found = imported(tmp_path / "楼栋.csv")
    assert town.crs.to_epsg() == 4548
    assert "纬度 列的数像经度" in doubts(found)


def test_a_table_without_places_says_so(tmp_path):
    table(坐标=["见附图"] * 6).drop(columns=["经度", "纬度"]).to_csv(tmp_path / "楼栋.csv", index=False)
    with pytest.raises(SchemaError) as failure:
        import_town([tmp_path / "楼栋.csv"])
    said = [one.statement.values["doubt"] for one in failure.value.report.of_rule("mapping_suggested")]
    assert any("看不出位置" in one for one in said)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_unicode_text_of_excel(encoding, tmp_path):
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    (tmp_path / "楼栋.txt").write_bytes(mark + table().to_csv(index=False, sep="\t").encode(encoding))
    town, _ = imported(tmp_path / "楼栋.txt")
    assert town.buildings["households"].tolist() == HOUSEHOLDS


def test_a_quotation_mark_without_its_other_is_told(tmp_path):
    text = table().to_csv(index=False).replace("B4,14,住宅", 'B4,14,"住宅')
    (tmp_path / "楼栋.csv").write_text(text, encoding="utf-8")
    town, found = imported(tmp_path / "楼栋.csv")
    assert len(town.buildings) == 4
    assert "quote_unclosed" in found


@pytest.mark.parametrize(
    ("written", "read"),
    [("2004年6月", "2004-06"), ("2004/6/3", "2004-06-03"), ("20040630", "2004-06-30"), ("38168", None)],
)
def test_dates_become_iso(written, read, tmp_path):
    buildings().to_file(tmp_path / "楼栋.gpkg", layer="楼栋")
    facility = table().iloc[:1][["经度", "纬度"]].assign(设施编号="f", 类别="药店", 启用时间=written)
    facility.to_csv(tmp_path / "设施.csv", index=False)
    town, found = imported(tmp_path / "楼栋.gpkg", tmp_path / "设施.csv")
    (opened,) = town.facilities["opened"]
    assert (None if pd.isna(opened) else opened) == read
    assert ("value_unread" in found) == (read is None)


def test_years_are_those_of_dates_and_no_number_of_a_day(tmp_path):
    written = ["2004年", "2004-06-30", "2004/6/30", "约2004", "1998", "38168"]
    buildings().to_file(tmp_path / "楼栋.gpkg", layer="楼栋")
    estates = buildings().rename(columns={"楼栋编号": "小区编码"})[["小区编码", "geometry"]]
    estates.assign(建成年代=written).to_file(tmp_path / "小区.gpkg", layer="小区")
    town, found = imported(tmp_path / "楼栋.gpkg", tmp_path / "小区.gpkg")
    assert town.estates["year_built"].fillna(0).tolist() == [2004, 2004, 2004, 0, 1998, 0]
    assert found["value_unread"][0].statement.values["values"] == "约2004、38168"


# Ids and reference systems


def test_ids_that_repeat_are_shown_and_kept_as_names(tmp_path):
    buildings(楼栋编号=["B1", "B1", "B2", "B3", "B3", "B4"]).to_file(tmp_path / "楼栋.gpkg")
    town, found = imported(tmp_path / "楼栋.gpkg")
    assert town.buildings.index.is_unique
    assert town.buildings["name"].tolist() == ["B1", "B1", "B2", "B3", "B3", "B4"]
    assert "2 个值重复（B1、B3）" in doubts(found)


def test_an_easting_with_its_zone_tells_the_zone_of_one_without(tmp_path):
    buildings().to_crs("EPSG:4527").set_crs(None, allow_override=True).to_parquet(tmp_path / "楼栋.parquet")
    street = shapely.LineString([(X0, Y0 - 20), (X0 + 300, Y0 - 20)])
    gpd.GeoDataFrame({"道路编码": ["s1"]}, geometry=[street]).to_parquet(tmp_path / "道路.parquet")
    town, _ = imported(tmp_path / "楼栋.parquet", tmp_path / "道路.parquet")
    assert town.streets.distance(town.buildings.union_all()).max() == pytest.approx(20, abs=0.01)


def test_eastings_with_and_without_a_zone_in_one_column_are_told(tmp_path):
    places = buildings().representative_point()
    mixed = [one.x + (39e6 if row % 2 else 0) for row, one in enumerate(places)]
    rows = table(东坐标=mixed, 北坐标=places.y).drop(columns=["经度", "纬度"])
    rows.to_csv(tmp_path / "楼栋.csv", index=False)
    with pytest.raises(SchemaError) as failure:
        import_town([tmp_path / "楼栋.csv"])
    said = [one.statement.values["doubt"] for one in failure.value.report.of_rule("mapping_suggested")]
    assert any("有的带号（39）" in one for one in said)


# Shapefiles, archives, drawings


@pytest.mark.parametrize(("written", "declared"), [("gbk", "UTF-8"), ("utf-8", "GBK")])
def test_a_cpg_that_lies_is_overruled(written, declared, tmp_path):
    named = buildings(名称=["阳光里"] * 6).rename(columns={"楼栋编号": "幢号"})
    pyogrio.write_dataframe(named, tmp_path / "楼栋.shp", encoding=written)
    (tmp_path / "楼栋.cpg").write_text(declared, encoding="ascii")
    town, found = imported(tmp_path / "楼栋.shp")
    assert town.buildings["name"].tolist() == ["阳光里"] * 6
    assert town.buildings["households"].tolist() == HOUSEHOLDS
    (warning,) = found["encoding_contradicted"]
    assert warning.statement.values["encoding"] == ("gb18030" if written == "gbk" else "utf-8")


def test_a_shapefile_without_its_index_is_refused_and_without_its_table_warned_of(tmp_path):
    pyogrio.write_dataframe(buildings(), tmp_path / "楼栋.shp", encoding="gbk")
    (tmp_path / "楼栋.dbf").unlink()
    town, found = imported(tmp_path / "楼栋.shp")
    assert len(town.buildings) == 6
    assert "attributes_missing" in found
    (tmp_path / "楼栋.shx").unlink()
    with pytest.raises(FileError, match=r"没有 楼栋\.shx"):
        import_town([tmp_path / "楼栋.shp"])


@pytest.mark.parametrize(("size", "whole"), [(111, 0), (-60, 5)])
def test_a_table_cut_short_is_refused_rather_than_read_as_empty(tmp_path, size, whole):
    pyogrio.write_dataframe(buildings(), tmp_path / "楼栋.shp", encoding="gbk")
    table = tmp_path / "楼栋.dbf"
    table.write_bytes(table.read_bytes()[:size])
    with pytest.raises(FileError, match=f"属性表有 6 行.*只有 {whole} 行"):
        import_town([tmp_path / "楼栋.shp"])


def packed(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_an_archive_in_an_archive_beside_what_is_no_data(tmp_path):
    pyogrio.write_dataframe(buildings(), tmp_path / "楼栋.shp", encoding="gbk")
    inner = packed(tmp_path / "inner.zip", {one.name: one.read_bytes() for one in tmp_path.glob("楼栋.*")})
    rubbish = {"Thumbs.db": b"x", "__MACOSX/._楼栋.shp": b"x", ".DS_Store": b"x", "说明.docx": b"PK"}
    outer = packed(tmp_path / "outer.zip", {"成果/inner.zip": inner.read_bytes(), **rubbish})
    town, found = imported(outer)
    assert town.buildings["households"].tolist() == HOUSEHOLDS
    assert found["files_passed_over"][0].statement.values["files"] == "说明.docx"


def test_an_error_in_an_archive_names_the_archive(tmp_path):
    inner = packed(tmp_path / "inner.zip", {"楼栋.geojson": "户数"})
    with pytest.raises(FileError) as failure:
        import_town([packed(tmp_path / "outer.zip", {"inner.zip": inner.read_bytes()})])
    assert str(failure.value.statement.values["path"]).endswith("outer.zip/inner.zip/楼栋.geojson")
    with pytest.raises(FileError, match=r"其中的文件：说明\.docx"):
        import_town([packed(tmp_path / "empty.zip", {"说明.docx": "PK"})])


def test_archives_in_archives_share_one_limit(tmp_path, monkeypatch):
    from spatial.io import archives

    monkeypatch.setattr(archives, "_LIMIT_BYTES", 5000)
    content = packed(tmp_path / "0.zip", {"a.csv": "0" * 2000}).read_bytes()
    packed(tmp_path / "outer.zip", {"1.zip": content, "2.zip": content})
    with pytest.raises(FileError) as failure:
        import_town([tmp_path / "outer.zip"])
    assert failure.value.statement.key == "io.archive_too_large"


def test_nested_folders_of_a_kml_are_layers_of_what_the_file_is_called(tmp_path):
    x, y = degrees()

    def placemark(row):
        outline = " ".join(f"{x[row] + a},{y[row] + b},0" for a, b in ((0, 0), (1e-4, 0), (0, 1e-4), (0, 0)))
        ring = f"<outerBoundaryIs><LinearRing><coordinates>{outline}</coordinates></LinearRing></outerBoundaryIs>"
        return f"<Placemark><name>{row}号楼</name><Polygon>{ring}</Polygon></Placemark>"

    (tmp_path / "楼栋.kml").write_text(
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><name>东片</name>'
        f"<Folder><name>一区</name>{placemark(0)}{placemark(1)}</Folder>"
        f"<Folder><name>二区</name>{placemark(2)}</Folder></Folder></Document></kml>",
        encoding="utf-8",
    )
    town, _ = imported(tmp_path / "楼栋.kml")
    assert town.buildings["name"].tolist() == ["0号楼", "1号楼", "2号楼"]


@pytest.mark.parametrize(("version", "encoding"), [("AC1015", "gbk"), ("AC1021", "utf-8")])
def test_a_drawing_comes_in_by_its_layers_and_texts_name_their_outlines(version, encoding, tmp_path):
    def entity(*pairs):
        return "".join(f"{code}\n{value}\n" for code, value in pairs)

    drawn = entity((0, "SECTION"), (2, "HEADER"), (9, "$ACADVER"), (1, version))
    drawn += entity((9, "$DWGCODEPAGE"), (3, "ANSI_936"), (0, "ENDSEC"), (0, "SECTION"), (2, "ENTITIES"))
    for row in ROWS:
        x = X0 + 40 * row
        corners = [(x, Y0), (x + 12, Y0), (x + 12, Y0 + 10), (x, Y0 + 10)]
        vertices = [pair for x, y in corners for pair in ((10, x), (20, y))]
        drawn += entity((0, "LWPOLYLINE"), (8, "楼栋"), (90, 4), (70, 1), *vertices)
        drawn += entity((0, "TEXT"), (8, "注记"), (10, x + 5), (20, Y0 + 5), (40, 2), (1, f"{row + 1}号楼"))
    drawn += entity(
        (0, "LWPOLYLINE"), (8, "道路"), (90, 2), (70, 0), (10, X0), (20, Y0 - 9), (10, X0 + 9), (20, Y0 - 9)
    )
    (tmp_path / "图.dxf").write_bytes((drawn + entity((0, "ENDSEC"), (0, "EOF"))).encode(encoding))
    town, found = imported(tmp_path / "图.dxf")
    assert town.buildings["name"].tolist() == [f"{row + 1}号楼" for row in ROWS]
    assert (town.buildings.area - 120).abs().max() < 0.01
    assert len(town.streets) == 1
    assert found["lines_closed"][0].statement.values["count"] == 6


def test_a_layer_that_tells_nothing_of_itself_is_named_with_its_columns(tmp_path):
    buildings()[["geometry"]].assign(FLD=1).to_file(tmp_path / "export.gpkg")
    with pytest.raises(FileError, match="export:export（FLD、geometry）") as failure:
        import_town([tmp_path / "export.gpkg"])
    assert failure.value.statement.key == "io.nothing_recognised"


def test_a_layer_without_rows_is_told(tmp_path):
    buildings().iloc[:0].to_file(tmp_path / "楼栋.gpkg")
    with pytest.raises(SchemaError) as failure:
        import_town([tmp_path / "楼栋.gpkg"])
    assert failure.value.report.of_rule("layer_empty")


def test_a_geojson_with_a_wrong_member_crs_is_refused(tmp_path):
    document = json.loads(buildings(crs=None).to_json())
    document["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    (tmp_path / "楼栋.geojson").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(SchemaError) as failure:
        import_town([tmp_path / "楼栋.geojson"])
    assert [one.rule for one in failure.value.report.errors] == ["degrees_expected"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk"])
def test_a_mapping_as_editors_on_windows_write_it(encoding, tmp_path):
    path = tmp_path / "对照.toml"
    path.write_bytes('[[layer]]\nfrom = "楼栋"\nto = "buildings"\n'.encode(encoding))
    assert read_mapping(path).layers[0].layers == ("楼栋",)


def test_a_closed_line_is_an_outline_and_a_ring_is_a_street(tmp_path):
    outlines = buildings()
    outlines["geometry"] = [shapely.LineString(one.exterior) for one in outlines.geometry]
    outlines.to_file(tmp_path / "楼栋.gpkg")
    ring = f"LINEARRING ({X0} {Y0 - 9}, {X0 + 90} {Y0 - 9}, {X0 + 90} {Y0 - 50}, {X0} {Y0 - 9})"
    pd.DataFrame({"道路编码": ["s1"], "wkt": [ring]}).to_csv(tmp_path / "道路.csv", index=False)
    town, _ = imported(tmp_path / "楼栋.gpkg", tmp_path / "道路.csv")
    assert set(town.buildings.geom_type) == {"Polygon"}
    assert town.streets.geom_type.tolist() == ["LineString"]


def test_an_estate_called_with_and_without_its_ending_is_one(tmp_path):
    buildings(所属小区=["月季园小区"] * 3 + ["月季"] * 3).to_file(tmp_path / "楼栋.gpkg")
    outline = gpd.GeoDataFrame(
        {"小区编码": ["E1"], "小区名称": ["月季园"]},
        geometry=[shapely.box(X0 - 900, Y0, X0 - 800, Y0 + 90)],
        crs="EPSG:4548",
    )
    outline.to_file(tmp_path / "小区.gpkg")
    town, found = imported(tmp_path / "楼栋.gpkg", tmp_path / "小区.gpkg")
    assert town.buildings["estate_id"].fillna("").tolist() == ["E1"] * 3 + [""] * 3
    assert found["name_alike"][0].statement.values["values"] == "月季园小区 → 月季园"
    assert "月季 ← E1" in found["name_unknown"][0].statement.values["values"]
