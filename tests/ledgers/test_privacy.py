"""What leaves the office: nothing suppressed can be had from two plans, two layers, or a file."""

from __future__ import annotations

import inspect

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from spatial.errors import FileError, SchemaError
from spatial.io import read_ledgers, read_plan, read_town, write_ledgers, write_town
from spatial.io.ledgers import _as_days
from spatial.ledgers import (
    HOUSEHOLD_CLASSES,
    LEDGER_TABLES,
    ledger_measures,
    public_contacts,
    published_classes,
)
from spatial.messages import LANGUAGES, use_language
from spatial.schema import TABLES
from tests.ledgers.rows import events, household_rows, ledgers, plan_of, postings
from tests.towns import drawn_town

COMMUNITIES = "1122/1122/3344/3344"
ROWS, COLUMNS = range(4), range(4)
WIDTH = 4


@pytest.fixture(scope="module")
def town():
    drawn = drawn_town("AABB/AABB/CCDD/CCDD", communities=COMMUNITIES, households=90)
    communities = drawn.communities.assign(subdistrict=["一街道", "一街道", "二街道", "二街道"])
    tables = {name: frame for name, frame in drawn.tables.items() if len(frame)} | {
        "communities": communities
    }
    return drawn_town("AABB/AABB/CCDD/CCDD", communities=COMMUNITIES, households=90, tables=tables)


@pytest.fixture(scope="module")
def counts(town):
    values = {
        "red": [40, 33, 2, 51],
        "orange": [3, 18, 27, 30],
        "yellow": [0, 9, 4, 1],
        "green": [12, 6, 0, 0],
        "class5": [0, 0, 0, 0],
        "class6": [1, 1, 1, 1],
        "class7": [88, 2, 5, 7],
    }
    return pd.DataFrame(values, index=town.communities.index)


@pytest.fixture(scope="module")
def book(counts):
    return ledgers(household_classes=household_rows(counts))


def test_published_counts_are_those_of_the_rows_save_the_small_ones(town, counts, book):
    published = published_classes(book, town)
    shown = published.at("community")
    assert (shown == counts).fillna(value=True).all().all()
    assert shown[counts.gt(0) & counts.lt(5)].isna().all().all()
    assert (shown[counts.eq(0)] == 0).where(counts.eq(0), other=True).all().all()
    assert list(shown.columns) == list(HOUSEHOLD_CLASSES)
    assert published.at("subdistrict").loc["一街道", "green"] == 18


def _attack(town, published, column, plans):
    """Return the interval of the class of each community from all that is public, building by building.

    The unknowns are the households of the class in each building.  Public are: the table; the households of
    every building, of every community, and of every grid of every plan, none of which a class can exceed.
    """
    homes = town.buildings
    community = homes["community_id"].to_numpy()
    subdistrict = homes["community_id"].map(town.communities["subdistrict"]).to_numpy()
    part = {
        "town": lambda _: np.ones(len(homes)),
        "subdistrict": lambda one: (subdistrict == one).astype(float),
    }
    part["community"] = lambda one: (community == one).astype(float)
    equal, value, most, bound = [], [], [], []
    for kind, name, shown in zip(
        published.table["subject_type"], published.table["subject_id"], published.table[column], strict=True
    ):
        if pd.notna(shown):
            equal.append(part[kind](name))
            value.append(float(shown))
        else:
            most.append(-part[kind](name))
            bound.append(-1.0)
    for plan in plans:
        grid = plan.assignment.set_index("building_id")["grid_id"].reindex(homes.index).to_numpy()
        for name in np.unique(grid):
            most.append((grid == name).astype(float))
            bound.append(float(homes["households"].to_numpy(float)[grid == name].sum()))
    ends = {}
    for name in town.communities.index:
        solved = [
            linprog(
                sign * part["community"](name),
                A_ub=np.array(most) if most else None,
                b_ub=bound if most else None,
                A_eq=np.array(equal) if equal else None,
                b_eq=value if equal else None,
                bounds=[(0, one) for one in homes["households"].to_numpy(float)],
            ).fun
            for sign in (1, -1)
        ]
        ends[name] = (solved[0], -solved[1])
    return ends


def test_two_plans_and_all_layers_together_tell_no_hidden_count(town, counts, book):
    one = plan_of(town, {f"b{r}{c}": f"g{r // 2}{c // 2}" for r in ROWS for c in COLUMNS})
    other = plan_of(town, {f"b{r}{c}": f"h{r}{c // 2}" for r in ROWS for c in COLUMNS})
    published = published_classes(book, town)
    hidden = published.at("community").isna()
    assert hidden.sum().sum() > 8
    for column in counts.columns:
        alone = _attack(town, published, column, [])
        together = _attack(town, published, column, [one, other])
        for name in counts.index[hidden[column].to_numpy()]:
            low, high = together[name]
            assert low - 1e-6 <= counts.loc[name, column] <= high + 1e-6
            assert high - low >= WIDTH - 1e-6
            assert (low, high) == pytest.approx(alone[name])


def test_no_plan_enters_the_counts_of_classes_and_nothing_counts_them_by_grid(town, book):
    assert "plan" not in inspect.signature(published_classes).parameters
    kinds = set(published_classes(book, town).table["subject_type"])
    assert kinds == {"town", "subdistrict", "community"}
    plan = plan_of(town, dict.fromkeys(town.buildings.index, "g1"))
    assert ledger_measures(book, town, plan).empty


def test_the_order_of_rows_does_not_change_what_is_hidden(town, counts, book):
    shuffled = household_rows(counts).sample(frac=1.0, random_state=4)
    again = published_classes(ledgers(household_classes=shuffled), town)
    pd.testing.assert_frame_equal(again.table, published_classes(book, town).table)


def test_a_household_counts_once_and_a_building_row_by_its_count(town):
    rows = pd.DataFrame(
        {
            "household_id": ["h1", "h1", None, None],
            "building_id": ["b00", "b00", "b00", "b02"],
            "household_class": ["red", "red", "red", "red"],
            "households": pd.array([None, None, 20, 7], "Int64"),
        }
    )
    published = published_classes(ledgers(household_classes=rows), town)
    assert published.at("community")["red"].tolist() == [21, 7]  # nothing is known of the others


@pytest.mark.parametrize(
    ("use", "hidden"), [("other", [True, False, True]), ("residential", [True, True, False])]
)
def test_a_community_of_few_households_is_known_to_have_few(use, hidden):
    """Nine households on record, and perhaps a house of which nobody knows how many live there."""
    drawn = drawn_town(
        "AAAA/BBBB",
        communities="1123/1123",
        households={"b00": 3, "b01": 3, "b10": None, "b11": 3, "b02": 30, "b12": 30, "b03": 90, "b13": 90},
        buildings={"b10": {"use": use}},
    )
    counts = pd.DataFrame({"red": [4, 60, 170]}, index=drawn.communities.index)
    published = published_classes(ledgers(household_classes=household_rows(counts)), drawn, width=8)
    # Behind the 60 of 60 households the 4 could only be 4 … 9, were there no unknown house.
    assert published.at("community")["red"].isna().tolist() == hidden


def test_only_who_agreed_is_named_in_public(town):
    staff = postings(
        ("p1", "part_time", "grid", "g1"),
        ("p2", "dedicated", "grid", "code-g1"),
        ("p3", "dedicated", "grid", "g1"),
        name=["甲", "乙", "丙"],
        phone=["1", "2", "3"],
        public_contact=[True, True, None],
    )
    desk = pd.DataFrame(
        {"subject_type": ["grid"], "subject_id": ["g1"], "purpose": ["报修"], "phone": ["12345"]}
    )
    plan = plan_of(town, dict.fromkeys(town.buildings.index, "g1"))
    shown = public_contacts(ledgers(staff=staff, contacts=desk), town, plan)
    assert shown.fillna("").to_numpy().tolist() == [
        ["grid", "g1", "dedicated", "", "乙", "2"],
        ["grid", "g1", "dedicated", "", "", ""],
        ["grid", "g1", "part_time", "", "甲", "1"],
        ["grid", "g1", "", "报修", "", "12345"],
    ]


def _full_book(town, counts):
    rng = np.random.default_rng(2)
    return ledgers(
        staff=postings(
            ("007", "dedicated", "grid", "g1"), name=["=1+1"], valid_from=["2024-01-01"], public_contact=True
        ),
        events=events(list(town.buildings.index), 30, 20, rng, reopened=2, undated=1),
        household_classes=household_rows(counts),
        premises=pd.DataFrame({"premises_id": ["01"], "floor_area_m2": [1000.5], "kind": ["活动室"]}),
        partners=pd.DataFrame({"partner_id": ["u1"], "subject_type": ["estate"], "subject_id": ["A"]}),
        contacts=pd.DataFrame(
            {"subject_type": ["grid"], "subject_id": ["g1"], "purpose": ["报修"], "phone": ["0857-12345"]}
        ),
    )


@pytest.mark.parametrize(("suffix", "language"), [(".gpkg", "en"), *((".xlsx", one) for one in LANGUAGES)])
def test_a_file_gives_back_what_it_was_given_and_only_its_owner_reads_it(
    town, counts, tmp_path, suffix, language
):
    book = _full_book(town, counts)
    with use_language(language):
        path = write_ledgers(book, tmp_path / f"ledgers{suffix}")
    assert path.stat().st_mode & 0o777 == 0o600
    back = read_ledgers(path)
    assert back.provenance == book.provenance
    assert back.synthetic
    assert back.report.findings == ()
    for name in LEDGER_TABLES:
        pd.testing.assert_frame_equal(back.tables[name], book.tables[name])
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    path.chmod(0o644)
    assert [one.rule for one in read_ledgers(path).report] == ["open_to_others"]


def test_a_failed_writing_leaves_nothing_and_keeps_what_was_there(town, counts, tmp_path):
    path = write_ledgers(_full_book(town, counts), tmp_path / "ledgers.xlsx")
    before = path.read_bytes()
    broken = ledgers(
        premises=pd.DataFrame({"premises_id": ["r"], "floor_area_m2": [1.0], "kind": ["a\x00b"]})
    )
    with pytest.raises(FileError):
        write_ledgers(broken, path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    with pytest.raises(FileError):
        write_ledgers(broken, tmp_path / "no folder" / "ledgers.gpkg")


def test_ledgers_and_towns_are_never_taken_for_one_another(town, counts, tmp_path):
    book = write_ledgers(_full_book(town, counts), tmp_path / "ledgers.gpkg")
    package = write_town(town, tmp_path / "town.gpkg")
    for read, path in ((read_town, book), (read_plan, book), (read_ledgers, package)):
        with pytest.raises(FileError):
            read(path)
    with pytest.raises(FileError):
        read_ledgers(tmp_path / "none.xlsx")
    with pytest.raises(FileError):
        write_ledgers(_full_book(town, counts), package)
    assert read_town(package).fingerprint() == town.fingerprint()
    assert set(LEDGER_TABLES).isdisjoint(TABLES)


def test_an_office_sheet_is_read_by_its_own_words(town, tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "人员"
    sheet.append(["青澜县网格员花名册"])
    sheet.append(["工号", "姓名", "联系电话", "是否公开", "岗位", "对象类型", "所属网格", "上岗日期", "备注"])
    sheet.append([1, "甲", "139", "是", "专职网格员", "网格", "T001", pd.Timestamp("2024-03-01"), "新"])
    book.create_sheet("别的").append(["a", "b"])
    book.save(tmp_path / "office.xlsx")
    (tmp_path / "office.xlsx").chmod(0o600)
    found = read_ledgers(tmp_path / "office.xlsx")
    row = found.staff.iloc[0]
    assert row[["person_id", "name", "phone", "staff_role", "subject_type", "subject_id"]].tolist() == [
        "1",
        "甲",
        "139",
        "dedicated",
        "grid",
        "T001",
    ]
    assert row["public_contact"]
    assert row["valid_from"] == "2024-03-01"
    assert {one.rule for one in found.report} == {"titles_passed_over", "columns_left", "unknown_table"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024/3/1", "2024-03-01"),
        ("2024.03.01", "2024-03-01"),
        ("2024年3月1日", "2024-03-01"),
        (" 2024-03-01 9:05 ", "2024-03-01T09:05"),
        ("2024/3/1 10:15:30", "2024-03-01T10:15:30"),
        ("2024-03-01T10:15:30", "2024-03-01T10:15:30"),
    ],
)
def test_days_are_read_as_offices_write_them(written, read):
    assert _as_days(pd.Series([written, None], dtype="string")).fillna("").tolist() == [read, ""]


def test_a_day_that_is_none_is_refused_by_its_row(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "events"
    for row in (["event_id", "reported_on"], ["e1", "2024/2/30"], ["e2", "前天"]):
        book.active.append(row)
    book.save(tmp_path / "events.xlsx")
    with pytest.raises(SchemaError) as refused:
        read_ledgers(tmp_path / "events.xlsx")
    assert refused.value.report.errors[0].statement.ids == ("e1", "e2")
