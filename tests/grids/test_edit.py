"""Edits answer at once, can be taken back, and are journal entries with old and new values."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spatial.errors import ConflictError, UsageError
from spatial.grids import GridRules, build_fabric, evaluate_plan
from spatial.grids.constraints import judge
from spatial.grids.edit import Editor, Merge, Move, Repair, Split, Swap, next_problem
from spatial.grids.journal import Change, apply_change
from spatial.messages import LANGUAGES
from tests.grids.plans import assigned, codes
from tests.towns import drawn_town

TOWN = "AABB/AABB/CCDD/CCDD"
PLAN = "1122/1122/3344/3344"


def opened(drawing=TOWN, plan=PLAN, rules=None, **town_of):
    rules = rules or GridRules()
    town = drawn_town(drawing, **town_of)
    fabric = build_fabric(town, rules, bonded=False)
    evaluation = evaluate_plan(town, assigned(town, plan), rules, fabric=fabric)
    editor = Editor.open(fabric, evaluation.plan)
    return town, editor, editor.before


def drawing_of(town, division):
    return codes(town, division.assignment())


def test_a_building_moves_and_every_rule_answers():
    town, editor, start = opened()
    answer = editor.answer(start, Move(("b02",), "1"))
    assert drawing_of(town, answer.division) == "1112/1122/3344/3344"
    assert drawing_of(town, start) == PLAN
    assert answer.verdict == "notice"
    assert [one.rule for one in answer.caused] == ["estate_split"]
    assert answer.grids.to_dict("index") == {
        "1": {"households_before": 400, "households_after": 500},
        "2": {"households_before": 400, "households_after": 300},
    }
    assert answer.scores_after["extra_pieces"].tolist() == [1]
    assert answer.scores_before["extra_pieces"].tolist() == [0]
    assert answer.change.households == 100


def test_an_edit_that_breaks_a_hard_rule_is_applied_and_named():
    _, editor, start = opened()
    answer = editor.answer(start, Move(("b02", "b03"), "1"))
    assert answer.verdict == "broken"
    assert {one.rule for one in answer.caused} == {"above_upper", "below_lower", "estate_split"}
    better = editor.answer_change(answer.division, answer.change.inverse())
    assert {one.rule for one in better.solved} == {"above_upper", "below_lower", "estate_split"}
    assert better.verdict == "fine"


def test_a_split_makes_a_new_grid_with_a_new_name():
    town, editor, start = opened(households=160)
    answer = editor.answer(start, Split("1"))
    created = answer.change.created[0]
    parts = answer.grids["households_after"].to_dict()
    assert parts == {"1": 320, created["grid_id"]: 320}
    assert created["code"] == "330106001049001"
    taken = editor.answer(start, Split("1", ("b00",)))
    assert (
        taken.division.assignment().set_index("building_id")["grid_id"]["b00"]
        == taken.change.created[0]["grid_id"]
    )
    assert drawing_of(town, start) == PLAN


def test_a_merge_keeps_the_name_of_the_larger_grid():
    town, editor, start = opened(households={"A": 60, "B": 50, "C": 100, "D": 100})
    answer = editor.answer(start, Merge(("1", "2")))
    assert drawing_of(town, answer.division)[:9] == "1111/1111"
    assert [row["grid_id"] for row in answer.change.retired] == ["2"]
    assert "2" not in answer.division.grids.index
    assert {one.rule for one in answer.solved} == {"below_lower"}


def test_a_swap_exchanges_units_of_two_grids():
    town, editor, start = opened()
    answer = editor.answer(start, Swap(("b01",), ("b02",)))
    assert drawing_of(town, answer.division) == "1212/1122/3344/3344"
    with pytest.raises(UsageError):
        editor.answer(start, Swap(("b01", "b20"), ("b02",)))


def test_a_whole_estate_moves():
    town, editor, start = opened("AABC", "1122", rules=GridRules(lower=0), households=100)
    answer = editor.answer(start, Move(("b02",), "1"))
    assert drawing_of(town, answer.division) == "1112"
    assert answer.verdict == "fine"


@pytest.mark.parametrize(
    ("edit", "rule"),
    [
        (Move(("b02",), "1"), "refused_locked"),
        (Move(("b00",), "2"), "refused_locked"),
        (Merge(("1", "2")), "refused_locked"),
        (Split("1"), "refused_locked"),
        (Swap(("b01",), ("b02",)), "refused_locked"),
        (Move(("b20",), "2"), "refused_community"),
        (Move(("b32",), "2"), "refused_special"),
        (Move(("b20",), "5"), "refused_special"),
    ],
)
def test_what_can_never_be_right_is_refused_and_nothing_happens(edit, rule):
    rules = GridRules(locked_grids={"1": "待居民议事会确认"})
    _, editor, start = opened(
        "AABB/AABB/CCCC/CC#C", "1122/1122/3333/3353", rules, communities="1111/1111/2222/2222"
    )
    answer = editor.answer(start, edit)
    assert answer.verdict == "refused"
    assert answer.refusal.rule == rule
    assert answer.division is start
    assert answer.change is None
    for language in LANGUAGES:
        assert "{" not in answer.refusal.statement.text(language)


def test_a_change_is_a_journal_entry_with_old_and_new_value():
    _, editor, start = opened(households=160)
    change = editor.answer(start, Split("1", ("b00", "b01"))).change
    record = json.loads(json.dumps(change.as_record()))
    assert record["moved"][0]["from_grid"] == "1"
    assert record["moved"][0]["to_grid"] == change.created[0]["grid_id"]
    assert Change.from_record(record).inverse().inverse() == Change.from_record(record)
    replayed = apply_change(start, Change.from_record(record))
    assert replayed.assignment().equals(
        editor.answer(start, Split("1", ("b00", "b01"))).division.assignment()
    )


def test_an_old_value_that_no_longer_holds_is_a_conflict():
    _, editor, start = opened()
    first = editor.answer(start, Move(("b02",), "1"))
    second = editor.answer(start, Move(("b02",), "4"))
    with pytest.raises(ConflictError) as caught:
        editor.answer_change(second.division, first.change)
    assert caught.value.statement.ids == ("b02",)
    merged = editor.answer(start, Merge(("1", "2")))
    with pytest.raises(ConflictError):
        editor.answer_change(merged.division, merged.change)


@settings(max_examples=6, deadline=None)
@given(st.data())
def test_any_row_of_edits_can_be_taken_back(data):
    _, editor, start = opened(households=[50 + 13 * n for n in range(16)])
    names = sorted(editor.fabric.units["subject_id"])
    division, journal = start, []
    for _ in range(data.draw(st.integers(1, 6))):
        grids = sorted(division.grids.index)
        edit = data.draw(
            st.one_of(
                st.builds(
                    Move,
                    st.lists(st.sampled_from(names), min_size=1, max_size=5).map(tuple),
                    st.sampled_from(grids),
                ),
                st.builds(Split, st.sampled_from(grids)),
                st.builds(
                    Merge, st.lists(st.sampled_from(grids), min_size=2, max_size=3, unique=True).map(tuple)
                )
                if len(grids) > 1
                else st.builds(Split, st.sampled_from(grids)),
            )
        )
        try:
            answer = editor.answer(division, edit)
        except UsageError:
            continue
        division = answer.division
        journal.append(answer.change)
        # what is answered for the touched communities is what judging everything finds
        whole = judge(division, editor.before)
        assert {one.rule for one in answer.report} == {one.rule for one in whole}
    for change in reversed(journal):
        division = editor.answer_change(division, change.inverse()).division
    assert division.assignment().equals(start.assignment())
    assert sorted(division.grids.index) == sorted(start.grids.index)


def test_repair_mends_what_is_broken_with_least_change():
    town, editor, start = opened()
    broken = editor.answer(start, Move(("b02", "b03"), "1")).division
    answer = editor.answer(broken, Repair(("1",)))
    assert judge(answer.division, editor.before).errors == ()
    assert answer.change.households <= 200
    assert answer.change.kind == "repair"
    assert drawing_of(town, answer.division)[-9:] == PLAN[-9:]


def test_repair_leaves_locked_grids():
    rules = GridRules(locked_grids={"3": "x"})
    _, editor, start = opened(rules=rules)
    broken = editor.answer(start, Move(("b02", "b03"), "4")).division
    answer = editor.answer(broken, Repair(("2", "4")))
    assert not [one for one in answer.change.moved if "3" in {one.from_grid, one.to_grid}]
    assert answer.report.errors == ()


def test_problems_are_stepped_through_hard_ones_first():
    _, editor, start = opened()
    broken = editor.answer(start, Move(("b02", "b03"), "1")).division
    problems = editor.problems(broken)
    assert [one.rule for one in problems] == ["below_lower", "above_upper", "estate_split"]
    one = next_problem(problems)
    steps = []
    while one is not None:
        steps.append(one.rule)
        one = next_problem(problems, one)
    assert steps == ["below_lower", "above_upper", "estate_split"]
    assert next_problem(problems, problems[1], back=True) is problems[0]
    assert next_problem(editor.problems(start)) is None


def test_names_that_do_not_exist_are_named():
    _, editor, start = opened()
    for edit, table in ((Move(("b99",), "1"), "buildings"), (Move(("b00",), "9"), "grids")):
        with pytest.raises(UsageError) as caught:
            editor.answer(start, edit)
        assert caught.value.statement.table == table
    with pytest.raises(UsageError):
        editor.answer(start, Move(("b00",), "1"))


def test_a_new_grid_never_takes_a_name_that_was_used():
    _, editor, start = opened(households=160)
    first = editor.answer(start, Split("1"))
    gone = editor.answer(first.division, Merge(("1", first.change.created[0]["grid_id"])))
    again = editor.answer(gone.division, Split("2"))
    assert again.change.created[0]["grid_id"] not in set(start.grids.index)
    assert np.isin(again.division.grid, -1).sum() == 0
