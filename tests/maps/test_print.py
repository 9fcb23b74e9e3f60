"""Papers: what fits, what stands on them, and that they can be read anywhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from api.commands import main
from maps.print import PRINT_FORMATS, Marks, Printed, print_plan, typesetting, write_town_sheet
from maps.print.drawing import UNITS_PER_MM, Scene, draw_map, legend_entries
from maps.print.labels import LEAST_TEXT_MM, Placer, TextLine, text_width_mm
from maps.print.paper import SHEET_SCALES, Window, fitted, scale_bar, sheets
from spatial.errors import FileError, UsageError
from spatial.io import write_plan, write_town
from spatial.ledgers import make_ledgers
from spatial.messages import use_language
from tests.conftest import skip_or_fail
from tests.maps.scene import scene

DAY = date(2026, 11, 22)
POINT_MM = 25.4 / 72
LAYERS = ("communities", "grids", "special_areas", "barriers", "streets", "estates", "buildings", "gates")


def tool(name, *words):
    if shutil.which(name) is None:
        skip_or_fail("poppler", f"no {name}: install poppler-utils")
    return subprocess.run([name, *map(str, words)], check=True, capture_output=True, text=True).stdout


def pages(path):
    return tool("pdftotext", "-layout", path, "-").split("\f")[:-1]


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """Print every kind of paper of the tiny town once."""
    folder = tmp_path_factory.mktemp("papers")
    town, plan, _ = scene()
    for name in PRINT_FORMATS:
        print_plan(Printed(town, plan, day=DAY), folder / f"{name}.pdf", to=name)
    return folder


@given(st.floats(100, 60_000), st.floats(100, 60_000), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_what_fits_is_inside_and_no_larger_scale_would_hold_it(wide, high, x, y):
    window = fitted((x, y, x + wide, y + high), 356, 262)
    if window is None:
        assert max(wide * 1000 / 356, high * 1000 / 262) > SHEET_SCALES[-1] * 0.99
        return
    west, south, east, north = window.bounds
    assert west <= x
    assert south <= y
    assert east >= x + wide
    assert north >= y + high
    larger = [one for one in SHEET_SCALES if one < window.scale]
    assert fitted((x, y, x + wide, y + high), 356, 262, larger or [1]) is None


@given(st.floats(200, 20_000), st.floats(200, 20_000), st.sampled_from([2_000, 5_000, 10_000]))
@settings(max_examples=40)
def test_sheets_cover_the_ground_and_neighbours_share_a_twentieth(wide, high, scale):
    ground = shapely.box(0, 0, wide, high)
    laid = sheets(ground, scale, 356, 262)
    boxes = {place: window.box for place, window in laid.items()}
    assert shapely.area(ground.difference(shapely.union_all(list(boxes.values())))) < 1e-3
    for (row, column), box in boxes.items():
        beside = boxes.get((row, column + 1))
        if beside is not None:
            assert shapely.area(box & beside) == pytest.approx(0.05 * box.area)


def test_a_sheet_without_ground_is_left_out():
    ground = shapely.union_all([shapely.box(0, 0, 100, 100), shapely.box(9_900, 9_900, 10_000, 10_000)])
    assert 0 < len(sheets(ground, 5_000, 356, 262)) < 12


@pytest.mark.parametrize("scale", SHEET_SCALES)
def test_scale_bars_are_round_and_true(scale):
    bar = scale_bar(scale, 32)
    assert str(bar.step_m)[0] in "125"
    assert set(str(bar.step_m)[1:]) <= {"0"}
    assert bar.step_mm * scale / 1000 == pytest.approx(bar.step_m)
    assert 12 <= bar.step_mm * bar.parts <= 32


def test_north_is_up_and_metres_are_millimetres():
    window = Window(500_000, 4_000_000, 5_000, 200, 100)
    corner, point = window.on_paper(
        np.array([shapely.Point(500_000, 4_000_000), shapely.Point(500_500, 3_999_900)])
    )
    assert (corner.x, corner.y) == (0, 0)
    assert (point.x, point.y) == pytest.approx((100, 20))


@cache
def drawn(scale=1_000):
    town, plan, _ = scene()
    made = Scene(town, plan)
    window = fitted(shapely.bounds(made.ground), 800, 600, (scale,))
    assert window is not None
    return made, window, draw_map(made, window, LAYERS)


def test_no_line_is_thinner_and_no_text_smaller_than_paper_bears():
    made, window, drawing = drawn()
    placer = Placer(window)
    placer.grids(made)
    placer.communities(made)
    placer.estates(made)
    placer.streets(made)
    svg = drawing.svg(placer.texts, font="Face")
    root = ET.fromstring(svg)  # noqa: S314 - written by the test itself
    widths = [float(one.get("stroke-width")) for one in root.iter() if one.get("stroke-width")]
    assert min(widths) >= 0.15 * UNITS_PER_MM
    sizes = [float(one.get("font-size")) for one in root.iter() if one.get("font-size")]
    assert sizes
    assert min(sizes) >= round(7 * POINT_MM * UNITS_PER_MM) - 1
    assert LEAST_TEXT_MM >= 7 * POINT_MM - 1e-3


def test_labels_do_not_cover_each_other():
    made, window, _ = drawn()
    placer = Placer(window)
    placer.grids(made)
    placer.communities(made)
    placer.estates(made)
    placer.streets(made)
    boxes = np.array(placer._taken)
    one, other = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    assert len(boxes) > 5
    assert (one == other).all()


def test_every_basic_grid_has_its_code_and_marks_what_is_out_of_range():
    made, window, _ = drawn()
    placer = Placer(window)
    placer.grids(made)
    words = [ET.fromstring(one).text for one in placer.texts]  # noqa: S314 - the same
    assert {"001", "002", "003"} <= set(words)
    assert any(one.startswith("▲") for one in words)


def test_communities_are_named_but_for_the_one_left_out():
    made, window, _ = drawn()
    whole, rest = Placer(window), Placer(window)
    whole.communities(made)
    rest.communities(made, without="330106001049")
    names = [ET.fromstring(one).text for one in whole.texts]  # noqa: S314 - the same
    assert names == made.town.communities["name"].tolist()
    assert [ET.fromstring(one).text for one in rest.texts] == names[1:]  # noqa: S314 - the same


def test_the_legend_explains_what_is_drawn_and_nothing_else():
    made, window, drawing = drawn()
    with use_language("en"):
        texts = [entry.text for entry in legend_entries([drawing])]
        fewer = [entry.text for entry in legend_entries([draw_map(made, window, ["communities"])])]
    assert "River" in texts
    assert "Railway" not in texts
    assert fewer == ["Community boundary"]
    assert len(texts) == len(set(texts))


def test_buildings_are_left_out_above_one_to_ten_thousand():
    made, _, drawing = drawn()
    assert ("buildings", "building") in drawing.explained
    far = draw_map(made, Window(*shapely.bounds(made.ground)[::3], 12_500, 100, 100), LAYERS)
    assert ("buildings", "building") not in far.explained


def test_chinese_is_reckoned_as_wide_as_high():
    assert text_width_mm(TextLine("社区", 5.0)) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("name", "size"), [("town-sheet", (420, 297)), ("atlas", (420, 297)), ("notices", (210, 297))]
)
def test_papers_have_their_size_and_embed_their_fonts(papers, name, size):
    path = papers / f"{name}.pdf"
    found = re.search(r"Page size:\s+([\d.]+) x ([\d.]+)", tool("pdfinfo", path))
    assert [float(one) * POINT_MM for one in found.groups()] == pytest.approx(size, abs=0.5)
    fonts = tool("pdffonts", path).splitlines()[2:]
    assert fonts
    for line in fonts:
        assert re.search(r"\s+yes\s+yes\s+yes\s", line), line  # embedded, a subset, with its text
        assert re.match(r"[A-Z]{6}\+", line)


def test_every_page_says_what_it_is(papers):
    town, _plan, _ = scene()
    for name, count in {"town-sheet": 1, "atlas": 4, "notices": 4}.items():
        found = pages(papers / f"{name}.pdf")
        assert len(found) == count
        for number, page in enumerate(found, 1):
            squeezed = re.sub(r"\s", "", page)
            assert f"第{number}/{count}页" in squeezed
            assert "打印日期2026-11-22" in squeezed
            assert "示意图，不作为界线依据" in squeezed
            assert "审图号：____" in squeezed
            assert town.fingerprint()[:12] in squeezed
            assert "EPSG:4549" in squeezed
            assert "每格300–500户" in squeezed
            assert "内部使用" not in squeezed
            assert "\ufffd" not in page


def test_the_town_sheet_has_scale_totals_and_legend(papers):
    page = re.sub(r"\s", "", pages(papers / "town-sheet.pdf")[0])
    assert "1:5,000" in page
    for word in ("图例", "社区界", "基础网格", "专属网格", "▲", "比例尺"):
        assert word in page


def test_the_atlas_lists_its_sheets_with_their_pages(papers):
    town, _, _ = scene()
    found = pages(papers / "atlas.pdf")
    for number, name in enumerate(town.communities["name"], 1):
        line = next(one for one in found[1].splitlines() if name in one.replace(" ", ""))
        assert line.split()[0] == str(number)
        assert line.split()[-1] == str(number + 2)
        assert name in found[number + 1].replace(" ", "")
    assert "330106001049001" in found[2]


def test_a_notice_names_its_grid_and_leaves_lines_to_write_on(papers):
    page = pages(papers / "notices.pdf")[0]
    squeezed = re.sub(r"\s", "", page)
    assert "330106001049001" in squeezed
    for word in ("网格公示图", "四至范围", "东至", "专职网格员", "社区服务电话", "小区与楼栋"):
        assert word in squeezed


def test_a_notice_names_only_workers_who_agreed(tmp_path):
    town, plan, _ = scene()
    staff = pd.DataFrame(
        {
            "person_id": ["p1", "p2", "p3"],
            "name": ["张三", "李四", "王五"],
            "phone": ["0571-1111", "0571-2222", "0571-3333"],
            "public_contact": [True, False, True],
            "staff_role": ["dedicated", "part_time", "dedicated"],
            "subject_type": ["grid"] * 3,
            "subject_id": ["g1", "g1", "g2"],
            "valid_to": [None, None, "2026-11-21"],
        }
    )
    contacts = pd.DataFrame(
        {
            "subject_type": ["community"],
            "subject_id": ["330106001049"],
            "purpose": ["社区服务"],
            "phone": ["12345"],
        }
    )
    ledgers = make_ledgers({"staff": staff, "contacts": contacts})
    print_plan(
        Printed(town, plan, ledgers, Marks(True, "X S(2026)01", True), DAY), tmp_path / "n.pdf", to="notices"
    )
    first, second, *_ = pages(tmp_path / "n.pdf")
    assert "张三" in first
    assert "0571-1111" in first
    assert "12345" in first
    assert "李四" not in first
    assert "0571-2222" not in first
    assert "王五" not in second  # the posting ended the day before
    assert "内部使用" in first
    assert "X S(2026)01" in first
    assert "示意图" not in first


def test_a_larger_town_gets_an_index_and_numbered_sheets(tmp_path):
    town, plan, _ = scene()
    write_town_sheet(town, plan, tmp_path / "parts.pdf", printed=DAY, scale=1_000)
    found = [re.sub(r"\s", "", page) for page in pages(tmp_path / "parts.pdf")]
    assert "图幅索引" in found[0]
    assert len(found) > 2
    assert all(f"图幅{number}/{len(found) - 1}" in page for number, page in enumerate(found[1:], 1))


def test_papers_speak_english(tmp_path):
    town, plan, _ = scene()
    with use_language("en"):
        print_plan(Printed(town, plan, day=DAY), tmp_path / "n.pdf", to="notices")
    page = " ".join(pages(tmp_path / "n.pdf")[0].split())
    for word in ("Grid notice", "Boundary", "Page 1 / 4", "no authority on boundaries"):
        assert word in page


def test_a_sign_without_a_glyph_is_refused_and_nothing_is_written(tmp_path):
    town, plan, _ = scene()
    named = town.communities.assign(name=["\ue123社区", "乙社区"])
    odd = replace(town, tables={**town.tables, "communities": named})
    with pytest.raises(FileError) as caught:
        print_plan(Printed(odd, plan), tmp_path / "n.pdf", to="town-sheet")
    assert caught.value.statement.key == "print.sign_missing"
    assert list(tmp_path.iterdir()) == []


def test_a_machine_without_a_chinese_font_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(typesetting, "_families", lambda: frozenset({"DejaVu Sans"}))
    town, plan, _ = scene()
    with pytest.raises(FileError, match="fonts-noto-cjk"):
        print_plan(Printed(town, plan), tmp_path / "n.pdf", to="town-sheet")


def test_a_plan_of_another_town_is_refused(tmp_path):
    town, plan, _ = scene()
    other = replace(plan, assignment=plan.assignment.assign(building_id="nowhere"))
    with pytest.raises(UsageError):
        print_plan(Printed(town, other), tmp_path / "n.pdf", to="atlas")
    with pytest.raises(UsageError):
        print_plan(Printed(town, plan), tmp_path / "n.pdf", to="poster")
    drawn_for = replace(plan, provenance={**plan.provenance, "town_fingerprint": "0" * 64})
    assert len(print_plan(Printed(town, drawn_for), tmp_path / "n.pdf", to="town-sheet")) == 1


def test_texts_of_the_data_are_only_texts(tmp_path):
    town, plan, _ = scene()
    named = town.communities.assign(name=['#panic("x") $<b>&', "*乙*_社区_"])
    odd = replace(town, name="]#", tables={**town.tables, "communities": named})
    print_plan(Printed(odd, plan, day=DAY), tmp_path / "n.pdf", to="atlas")
    assert '#panic("x") $<b>&' in pages(tmp_path / "n.pdf")[1]


def test_every_format_says_what_is_lost():
    for language in ("zh-CN", "en"):
        with use_language(language):
            assert all(one.lost for one in PRINT_FORMATS.values())
    assert all(
        one.media_type == "application/pdf" and one.extension == ".pdf" for one in PRINT_FORMATS.values()
    )


def test_the_command_prints_a_plan_with_its_town_and_asks_for_it(tmp_path, capsys):
    town, plan, _ = scene()
    place, drawn_plan = write_town(town, tmp_path / "town.gpkg"), write_plan(plan, tmp_path / "plan.gpkg")
    paper = tmp_path / "n.pdf"
    with pytest.raises(SystemExit) as ended:
        main(["export", str(drawn_plan), "--to", "notices", "-o", str(paper)])
    assert ended.value.code == 2
    assert "--town" in capsys.readouterr().err
    words = ["--town", str(place), "--internal", "--language", "en"]
    with pytest.raises(SystemExit) as ended:
        main(["export", str(drawn_plan), "--to", "notices", "-o", str(paper), *words])
    assert ended.value.code == 0
    assert "Left out" in capsys.readouterr().err
    assert "INTERNAL USE" in pages(paper)[0]
