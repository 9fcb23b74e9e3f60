"""Every format an office has is read; what is no such file is refused in words, never with a traceback."""

from __future__ import annotations

import zipfile

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from spatial.errors import FileError, WanggeError
from spatial.io.sources import Sources

X0, Y0 = 450_000.0, 4_427_000.0
NAMES = ["清华园小区", "五道口一号楼", "学院路社区"]


def layer(crs="EPSG:4548"):
    return gpd.GeoDataFrame(
        {"名称": NAMES, "户数": pd.array([12, 30, 7], dtype="Int32")},
        geometry=[shapely.box(X0 + 40 * row, Y0, X0 + 40 * row + 12, Y0 + 10) for row in range(3)],
        crs=crs,
    )


def only_layer(path):
    with Sources.of([path]) as sources:
        (name,) = sources.layer_names
        frame = sources.read(name)
        return frame, sources.findings


def read_all(path):
    with Sources.of([path], ["highway"]) as sources:
        for name in sources.layer_names:
            sources.read(name)


def write(path, **options):
    pyogrio.write_dataframe(layer(), path, **options)
    return path


WRITERS = {
    "gpkg": lambda folder: write(folder / "a.gpkg", driver="GPKG"),
    "geojson": lambda folder: write(folder / "a.geojson", driver="GeoJSON"),
    "gdb": lambda folder: write(folder / "a.gdb", driver="OpenFileGDB"),
    "shp-utf8": lambda folder: write(folder / "a.shp", encoding="utf-8"),
    "shp-gbk": lambda folder: write(folder / "a.shp", encoding="gbk"),
}


def parquet(folder):
    layer().to_parquet(folder / "a.parquet")
    return folder / "a.parquet"


WRITERS["parquet"] = parquet


@pytest.mark.parametrize("kind", WRITERS)
def test_names_and_counts_come_through(kind, tmp_path):
    frame, _ = only_layer(WRITERS[kind](tmp_path))
    assert frame["名称"].tolist() == NAMES
    assert frame["户数"].tolist() == [12, 30, 7]
    back = frame.to_crs("EPSG:4548")
    assert back.geometry.distance(layer().geometry).max() < 0.01


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
@pytest.mark.parametrize("without", [(".cpg",), (".cpg", ".prj")])
def test_a_shapefile_without_declarations_is_read_and_the_guess_told(encoding, without, tmp_path):
    path = write(tmp_path / "a.shp", encoding=encoding)
    for suffix in without:
        path.with_suffix(suffix).unlink()
    frame, findings = only_layer(path)
    assert frame["名称"].tolist() == NAMES
    assert [one.rule for one in findings] == ["encoding_guessed"]
    assert (frame.crs is None) == (".prj" in without)


def test_a_zipped_shapefile_with_chinese_file_names(tmp_path):
    write(tmp_path / "小区.shp", encoding="gbk")
    with zipfile.ZipFile(tmp_path / "小区.zip", "w") as archive:
        for file in tmp_path.glob("小区.*"):
            if file.suffix != ".zip":
                archive.write(file, f"数据/{file.name}")
    with Sources.of([tmp_path / "小区.zip"]) as sources:
        assert sources.layer_names == ["小区:小区"]
        assert sources.read("小区")["名称"].tolist() == NAMES


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_text_tables(encoding, separator, tmp_path):
    rows = [["名称", "户数", "编号"], *([name, "12", "007"] for name in NAMES)]
    path = tmp_path / "表.csv"
    path.write_text("\n".join(separator.join(row) for row in rows), encoding=encoding)
    frame, findings = only_layer(path)
    assert frame["名称"].tolist() == NAMES
    assert frame["编号"].tolist() == ["007"] * 3
    assert [one.rule for one in findings] == (["encoding_guessed"] if encoding.startswith("gb") else [])


def test_a_workbook_with_a_title_codes_dates_and_formulas(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "小区台账"
    sheet.append(["某县住宅小区基本情况统计表"])
    sheet.append(["小区名称", "户数", "社区编码", "建成", "合计"])
    sheet.append(["阳光里", 120, 110108001001, pd.Timestamp("2004-06-30"), "=B3*2"])
    sheet.append([None] * 5)
    sheet.append(["月季园", None, "110108001002", None, 3.5])
    book.create_sheet("隐藏").sheet_state = "hidden"
    book.save(tmp_path / "台账.xlsx")
    frame, findings = only_layer(tmp_path / "台账.xlsx")
    assert frame["小区名称"].tolist() == ["阳光里", "月季园"]
    assert frame["社区编码"].tolist() == ["110108001001", "110108001002"]
    assert frame["建成"].tolist()[0] == "2004-06-30"
    assert frame["户数"].isna().tolist() == [False, True]
    assert {one.rule for one in findings} == {"titles_passed_over", "formula_without_value"}


def test_a_kml_and_a_dxf_drawing(tmp_path):
    pyogrio.write_dataframe(layer().to_crs("EPSG:4326"), tmp_path / "a.kml", driver="KML")
    frame, _ = only_layer(tmp_path / "a.kml")
    assert len(frame) == 3
    pyogrio.write_dataframe(layer()[["geometry"]], tmp_path / "a.dxf", driver="DXF")
    frame, _ = only_layer(tmp_path / "a.dxf")
    assert len(frame) == 3


def refusals(folder):
    """Return paths and the rule by which each must be refused."""
    (folder / "empty.csv").write_bytes(b"")
    (folder / "word.docx").write_bytes(b"PK\x03\x04")
    (folder / "plan.geojson").write_text("小区,户数\n", encoding="utf-8")
    (folder / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    (folder / "latin.csv").write_bytes("Größe,\xff\xfe\xfa".encode("latin-1"))
    (folder / "cut.zip").write_bytes(b"PK\x03\x04cut")
    (folder / "cut.xlsx").write_bytes(b"PK\x03\x04cut")
    (folder / "cut.parquet").write_bytes(b"PAR1cut")
    (folder / "cut.osm.pbf").write_bytes(b"\0\0\0\x0d\n\tOSMHeader\x18\x99")
    (folder / "place.osm").write_text(
        '<osm version="0.6"><node id="1" lat="inf0.004" lon="1"><tag k="highway" v="x"/></node></osm>',
        encoding="utf-8",
    )
    (folder / "virtual.geojson").write_text("<OGRVRTDataSource/>", encoding="utf-8")
    (folder / "folder").mkdir()
    with zipfile.ZipFile(folder / "slip.zip", "w") as archive:
        archive.writestr("../../outside.csv", "a,b\n")
    with zipfile.ZipFile(folder / "absolute.zip", "w") as archive:
        archive.writestr("/etc/outside.csv", "a,b\n")
    return {
        "absent.gpkg": "file_missing",
        "empty.csv": "file_empty",
        "word.docx": "format_unknown",
        "plan.geojson": "other_content",
        "picture.csv": "other_content",
        "latin.csv": "encoding_wrong",
        "cut.zip": "unreadable",
        "cut.xlsx": "unreadable",
        "cut.parquet": "layer_unreadable",
        "cut.osm.pbf": "unreadable",
        "place.osm": "unreadable",
        "virtual.geojson": "other_content",
        "folder": "folder_without_sources",
        "slip.zip": "archive_unsafe",
        "absolute.zip": "archive_unsafe",
    }


def test_files_that_cannot_be_read_are_refused_in_words(tmp_path):
    for name, rule in refusals(tmp_path).items():
        with pytest.raises(FileError) as failure:
            read_all(tmp_path / name)
        assert failure.value.statement.key == f"io.{rule}", name
        for language in ("zh-CN", "en"):
            for part in ("expected", "found", "remedy"):
                assert failure.value.statement.part(part, language)
        assert name in failure.value.statement.text()
    assert not (tmp_path.parent / "outside.csv").exists()


def test_an_archive_that_claims_ten_gigabytes_is_refused_unexpanded(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.csv", "a,b\n")
    content = bytearray(path.read_bytes())
    entry = 0
    while (entry := content.find(b"PK\x01\x02", entry + 1)) > 0:
        content[entry + 24 : entry + 28] = (3_600_000_000).to_bytes(4, "little")  # bytes when unpacked
    path.write_bytes(bytes(content))
    with pytest.raises(FileError, match=r"10\.8 GB"):
        read_all(path)


def test_an_archive_that_lies_about_its_size_is_stopped(tmp_path, monkeypatch):
    from spatial.io import archives

    monkeypatch.setattr(archives, "_LIMIT_BYTES", 1000)
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "0" * 5000)
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    path.write_bytes(bytes(content))
    with pytest.raises(FileError):
        read_all(path)


@pytest.mark.filterwarnings("ignore:Could not decode error message")
def test_a_field_name_cut_in_the_middle_of_a_sign_is_no_wrong_encoding(tmp_path):
    long = layer().rename(columns={"名称": "小区名称全称"})
    pyogrio.write_dataframe(long, tmp_path / "a.shp", encoding="utf-8")
    (tmp_path / "a.cpg").unlink()
    frame, _ = only_layer(tmp_path / "a.shp")
    assert frame.iloc[:, 0].tolist() == NAMES


def test_a_layer_name_that_two_files_share_must_be_told_apart(tmp_path):
    for name in ("one", "two"):
        pyogrio.write_dataframe(layer(), tmp_path / f"{name}.gpkg", layer="小区", driver="GPKG")
    with Sources.of([tmp_path / "one.gpkg", tmp_path / "two.gpkg"]) as sources:
        assert len(sources.read("two:小区")) == 3
        with pytest.raises(WanggeError, match="one:小区、two:小区"):
            sources.read("小区")
        with pytest.raises(WanggeError, match="没有的"):
            sources.read("没有的")
        assert sources.layers_not_read() == {"one:小区": 3}


def test_a_reference_system_that_leads_nowhere_counts_as_none(tmp_path):
    path = write(tmp_path / "a.shp", encoding="utf-8")
    path.with_suffix(".prj").write_text('LOCAL_CS["drawing",UNIT["metre",1]]', encoding="ascii")
    frame, findings = only_layer(path)
    assert frame.crs is None
    assert [one.rule for one in findings] == ["reference_unusable"]
    assert frame["名称"].tolist() == NAMES
