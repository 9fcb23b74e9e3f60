"""Reports: the same figures in every kind of file, labelled, and nothing that a spreadsheet would run."""

from __future__ import annotations

import html
import re
import zipfile
from dataclasses import replace
from datetime import date
from functools import cache

import docx
import numpy as np
import openpyxl
import pandas as pd
import pytest

from maps.print import Marks
from maps.reports import Findings, write_report
from maps.reports.chapters import document
from maps.reports.document import Column, Table, written
from spatial.errors import UsageError
from spatial.ledgers import make_ledgers
from spatial.messages import use_language
from spatial.standards import build_list, gained_since, read_profile
from tests.maps.scene import scene

DAY = date(2026, 11, 22)
NAMES = {"zh-CN": ("指标", "网格", "缺口"), "en": ("Indicators", "Grids", "Gaps")}


def ledgers():
    staff = pd.DataFrame(
        {
            "person_id": ["p1", "p2"],
            "name": ["张三", "李四"],
            "phone": ["0571-1111", "0571-2222"],
            "staff_role": ["dedicated", "dedicated"],
            "subject_type": ["grid"] * 2,
            "subject_id": ["g1", "g2"],
        }
    )
    events = pd.DataFrame(
        {
            "event_id": ["e1", "e2", "e3"],
            "reported_on": ["2025-01-03", "2025-01-04", None],
            "closed_on": ["2025-01-05", None, "2025-02-01"],
            "building_id": ["b00", "b00", "b00"],
        }
    )
    premises = pd.DataFrame(
        {
            "premises_id": ["m1", "m2"],
            "community_id": ["330106001049", "330106001050"],
            "floor_area_m2": [1000.0, 999.0],
        }
    )
    return make_ledgers(
        {"staff": staff, "events": events, "premises": premises}, {"source": "台账", "synthetic": "true"}
    )


@cache
def findings(profile="qiannan-29-shape"):
    town, plan, coverage = scene()
    communities = town.communities.assign(name=["=cmd()第1社区", "@第2社区"])
    town = replace(town, tables={**town.tables, "communities": communities})
    gains = gained_since(town, read_profile(profile), "2020-01-01", plan=plan)
    lines = build_list(gains.after)
    return Findings(
        town,
        gains.after,
        plan,
        coverage,
        ledgers(),
        lines,
        gains,
        Marks(internal=True, map_number="X S(2026)01"),
        DAY,
    )


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Return a function that writes a kind of report in a language, each once."""
    folder = tmp_path_factory.mktemp("reports")

    @cache
    def report(kind, language="zh-CN"):
        return write_report(folder / f"report-{language}.{kind}", findings(), language)

    return report


def sheet(reports, name):
    book = openpyxl.load_workbook(reports("xlsx"))
    rows = list(book[name].iter_rows(min_row=3, values_only=True))
    return book[name], pd.DataFrame(rows[1:], columns=rows[0])


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_sheet_has_a_frozen_heading_and_says_what_must_be_said(reports, language):
    book = openpyxl.load_workbook(reports("xlsx", language))
    assert set(NAMES[language]) < set(book.sheetnames)
    with use_language(language):
        labels = document(findings()).labels
    assert len(labels) == 3  # synthetic, stand-in, sketch
    for one in book.worksheets:
        assert one.freeze_panes == "B4"
        assert one.auto_filter.ref.startswith("A3:")
        assert all(label in one["A2"].value for label in labels)
        assert "X S(2026)01" in one["A2"].value
        assert "2026-11-22" in one["A2"].value


def test_numbers_are_numbers_with_a_format_and_texts_cannot_run(reports):
    book = openpyxl.load_workbook(reports("xlsx"))
    kinds = set()
    for one in book.worksheets:
        for row in one.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                if isinstance(cell.value, str):
                    assert not cell.value.startswith(("=", "+", "-", "@", "\t"))
                    assert not re.fullmatch(r"[\d,]+\.?\d*%?", cell.value) or cell.value.isdigit()
                elif cell.value is not None:
                    kinds.add(cell.number_format)
    assert {"#,##0", "0.0%", "#,##0.0##"} <= kinds
    assert "'=cmd()第1社区" in set(sheet(reports, "网格")[1]["社区"].dropna())


def test_the_workbook_holds_the_rating_to_the_last_figure(reports):
    rating = findings().rating
    _, frame = sheet(reports, "指标")
    told = rating.table("zh-CN")
    assert len(frame) == len(told)
    values = pd.to_numeric(frame["数值"], errors="coerce")
    np.testing.assert_allclose(values, told["value"].astype(float))
    missing = ~told["assessed"].to_numpy(bool)
    assert missing.any()
    assert (frame.loc[missing, "数值"] == "未评估").all()
    assert frame.loc[missing, "未评估的原因"].notna().all()
    assert frame.loc[missing, "得分"].eq("未评估").all()
    assert frame["条目依据"].isin(["已核实", "转引", "实践", "常识", "默认"]).all()
    assert frame["数据日期"].eq("不详").all()  # nobody says of when this town is
    assert frame["数据来源"].notna().all()


def test_grids_keep_codes_as_text_and_unknown_as_unknown(reports):
    town, plan, _ = scene()
    _, frame = sheet(reports, "网格")
    frame = frame.set_index("编码")
    assert set(frame.index) == set(plan.grids["code"])
    assert frame.loc["330106001049001", "户数"] == plan.grids.loc["g1", "households"]
    assert frame.loc["330106001050901", "户数"] is None or pd.isna(frame.loc["330106001050901", "户数"])
    assert town.buildings["households"].isna().any()


def test_closing_rates_and_premises_come_from_rows(reports):
    _, months = sheet(reports, "台账 事件办结")
    months = months.set_index("上报月份")
    assert months.loc["2025-01", ["上报", "办结", "办结率"]].tolist() == [2, 1, 0.5]
    assert months.loc["不详", "上报"] == 1
    _, premises = sheet(reports, "台账 社区用房（1,000 m²）")
    assert premises.iloc[-1, 1:].tolist() == [2, 1, 1, 0]


@pytest.mark.parametrize("kind", ["xlsx", "docx", "html"])
def test_no_name_and_no_telephone_of_a_worker_leaves_the_office(reports, kind):
    path = reports(kind)
    if kind == "html":
        content = path.read_text(encoding="utf-8")
    else:
        with zipfile.ZipFile(path) as archive:
            content = "".join(
                archive.read(one).decode("utf-8") for one in archive.namelist() if one.endswith(".xml")
            )
    content = html.unescape(content)
    assert "专职网格员" in content
    for secret in ("张三", "李四", "0571"):
        assert secret not in content


def test_the_text_has_maps_and_every_table_over_the_page(reports):
    paper = docx.Document(reports("docx"))
    headings = [one.text for one in paper.paragraphs if one.style.name == "Heading 1"]
    assert [one.split("　")[-1] for one in headings] == [
        "概要",
        "指标",
        "网格",
        "覆盖与缺口",
        *(["建设清单"] if findings().build_list is not None else []),
        "改善",
        "台账",
        "数据来源",
    ]
    assert [one.split("　")[0] for one in headings] == [str(one) for one in range(1, len(headings) + 1)]
    assert len(paper.inline_shapes) >= 2
    room = paper.sections[0].page_width - paper.sections[0].left_margin - paper.sections[0].right_margin
    assert all(one.width <= room for one in paper.inline_shapes)
    assert len(paper.tables) > 8
    for table in paper.tables:
        assert sum(column.width for column in table.columns) <= room * 1.001
        assert table.rows[0]._tr.xpath("./w:trPr/w:tblHeader")
        assert all(row._tr.xpath("./w:trPr/w:cantSplit") for row in table.rows)
    foot = paper.sections[0].footer.paragraphs[0]
    assert "内部使用" in foot.text
    assert foot._p.xpath("./w:fldSimple")
    assert "替代样例" in paper.paragraphs[0].text


def test_text_and_page_show_the_figures_of_the_workbook(reports):
    score = findings().rating.scores["score"].iloc[0]
    shown = written(float(score), Column("", "number"))
    paper = docx.Document(reports("docx"))
    assert shown in paper.tables[1].rows[1].cells[2].text
    assert f">{shown}<" in reports("html").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_page_fetches_nothing_and_escapes_what_it_shows(reports, language):
    page = reports("html", language).read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in page
    assert page.count("<svg") >= 2
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "url(http" not in page
    assert "<script" not in page
    ids = re.findall(r'clipPath id="([^"]+)"', page)
    sizes = dict(re.findall(r'clipPath id="([^"]+)"><rect ([^/]+)/', page))
    assert len(sizes) == len(set(ids))


def test_pages_say_what_they_leave_to_the_workbook():
    rows = tuple((str(number), number) for number in range(5))
    table = Table("t", (Column("a"), Column("b", "count")), rows, most_on_pages=3)
    assert table.left_off == 2
    assert len(next(iter(table.for_pages()))[2]) == 3
    assert any("5" in note for note in table.notes)
    grouped = Table("t", (Column("a"), Column("b", "count")), (("x", 1), ("x", 2), ("y", 3)), grouped=True)
    assert [(heading, rows) for heading, _, rows in grouped.for_pages()] == [
        ("x", [(1,), (2,)]),
        ("y", [(3,)]),
    ]


def test_a_report_without_plan_coverage_and_ledgers_leaves_their_chapters_out(tmp_path):
    whole = findings()
    bare = Findings(whole.town, whole.rating, day=DAY)
    book = openpyxl.load_workbook(write_report(tmp_path / "r.xlsx", bare))
    assert "网格" not in book.sheetnames
    assert "指标" in book.sheetnames


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(UsageError, match="xlsx"):
        write_report(tmp_path / "report.pdf", findings())
    assert list(tmp_path.iterdir()) == []


def test_figures_lie_on_their_page():
    for chapter in document(findings()).chapters:
        for figure in chapter.figures:
            assert 0 < figure.width_mm <= 267
            assert 0 < figure.height_mm <= 170
