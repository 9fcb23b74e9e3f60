"""Suppressed tables are attacked by linear programming, written apart from the code they attack."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from spatial.errors import UsageError
from spatial.ledgers import suppress

TOWN = "县"


def _summed(counts: pd.DataFrame, subdistrict: pd.Series) -> dict[tuple[str, str], pd.Series]:
    """Return the true counts of every row of the published table."""
    rows = {("town", TOWN): counts.sum()}
    rows |= {
        ("subdistrict", name): counts[subdistrict == name].sum() for name in subdistrict.dropna().unique()
    }
    return rows | {("community", name): counts.loc[name] for name in counts.index}


def _interval(tables, row, counts, subdistrict, column, *, floor, ceilings=None):
    """Return the interval of a count of a class, from what several tables publish together.

    The unknowns are the communities alone: a subdistrict and the town are sums of them.
    """
    names = list(counts.index)

    def parts(kind, name):
        if kind == "town":
            return np.ones(len(names))
        return (
            (subdistrict == name).fillna(value=False).to_numpy(float)
            if kind == "subdistrict"
            else (counts.index == name).astype(float)
        )

    rows = pd.concat(tables)
    sums = np.array([parts(*one) for one in zip(rows["subject_type"], rows["subject_id"], strict=True)])
    shown = rows[column].to_numpy(float, na_value=np.nan)
    hidden = np.isnan(shown)
    ends = []
    for sign in (1.0, -1.0):
        solved = linprog(
            sign * parts(*row),
            A_eq=sums[~hidden],
            b_eq=shown[~hidden],
            A_ub=-sums[hidden],
            b_ub=np.full(hidden.sum(), -floor),
            bounds=[(0.0, None if ceilings is None else ceilings[name]) for name in names],
        )
        assert solved.status in {0, 3}
        ends.append(sign * solved.fun if solved.status == 0 else sign * -np.inf)
    return ends[0], ends[1]


def _nothing_published(table, column, truth):
    """Return the table with everything hidden but the zeros it publishes."""
    zero = [truth[row][column] == 0 for row in zip(table["subject_type"], table["subject_id"], strict=True)]
    return table.assign(**{column: table[column].where(table[column].notna() & np.array(zero))})


def _narrow(published, tables, counts, subdistrict, column, *, ceilings=None):
    """Return the hidden counts of a class that several tables tell to less than the width."""
    floor = 0.0 if published.hide_zeros else 1.0
    truth = _summed(counts, subdistrict)
    before = _nothing_published(published.table, column, truth)
    hidden = pd.concat(tables).groupby(["subject_type", "subject_id"])[column].count() == 0
    narrow = []
    for row in hidden.index[hidden.to_numpy()]:
        low, high = _interval(tables, row, counts, subdistrict, column, floor=floor, ceilings=ceilings)
        assert low - 1e-6 <= truth[row][column] <= high + 1e-6
        if high - low < published.width - 1e-6:
            known = _interval([before], row, counts, subdistrict, column, floor=floor, ceilings=ceilings)
            if high - low < known[1] - known[0] - 1e-6:
                narrow.append(row)
    return narrow


def _assert_protected(published, counts, subdistrict, *, ceilings=None, others=()):
    truth, table = _summed(counts, subdistrict), published.table
    floor = 0 if published.hide_zeros else 1
    for column in counts.columns:
        for kind, name, shown in zip(table["subject_type"], table["subject_id"], table[column], strict=True):
            if pd.notna(shown):
                assert shown == truth[kind, name][column]
                assert not floor <= shown < published.limit
        assert _narrow(published, [table, *others], counts, subdistrict, column, ceilings=ceilings) == []


@st.composite
def tables(draw, classes=2):
    communities = draw(st.integers(1, 9))
    names = [f"c{number}" for number in range(communities)]
    groups = draw(
        st.lists(st.sampled_from(["s1", "s2", "s3", None]), min_size=communities, max_size=communities)
    )
    values = st.one_of(st.integers(0, 6), st.integers(0, 60))
    counts = pd.DataFrame(
        draw(
            st.lists(
                st.lists(values, min_size=classes, max_size=classes),
                min_size=communities,
                max_size=communities,
            )
        ),
        index=names,
        columns=["red", "green"][:classes],
    )
    return counts, pd.Series(groups, names, dtype="string")


@settings(max_examples=25, deadline=None)
@given(
    tables(),
    st.integers(2, 8),
    st.one_of(st.none(), st.integers(1, 12)),
    st.booleans(),
    st.one_of(st.none(), st.integers(0, 30)),
)
def test_no_hidden_count_can_be_told_from_the_published_ones(drawn, limit, width, hide_zeros, spare):
    counts, subdistrict = drawn
    # Households that everybody knows: hardly more than those of the class, or plenty.
    ceilings = None if spare is None else counts.max(axis=1) + spare
    published = suppress(
        counts, subdistrict, TOWN, limit=limit, width=width, hide_zeros=hide_zeros, ceilings=ceilings
    )
    _assert_protected(published, counts, subdistrict, ceilings=ceilings)


@settings(max_examples=10, deadline=None)
@given(tables(classes=1))
def test_every_further_count_that_is_hidden_is_needed(drawn):
    counts, subdistrict = drawn
    published = suppress(counts, subdistrict, TOWN)
    truth = _summed(counts, subdistrict)
    for place in np.flatnonzero(published.table["red"].isna()):
        row = tuple(published.table.loc[place, ["subject_type", "subject_id"]])
        if truth[row]["red"] >= published.limit:
            shown = published.table.copy()
            shown.loc[place, "red"] = truth[row]["red"]
            assert _narrow(published, [shown], counts, subdistrict, "red")


def test_a_single_small_count_takes_one_other_of_its_subdistrict_with_it():
    counts = pd.DataFrame({"red": [3, 20, 30, 40]}, index=["a", "b", "c", "d"])
    subdistrict = pd.Series(["s", "s", "s", "t"], counts.index)
    published = suppress(counts, subdistrict, TOWN)
    assert published.primary == 1
    assert published.complementary == 1
    assert published.at("community")["red"].isna().to_dict() == {"a": True, "b": True, "c": False, "d": False}
    assert published.at("subdistrict")["red"].to_dict() == {"s": 53, "t": 40}
    assert published.at("town").loc[TOWN, "red"] == 93


def test_a_neighbour_too_small_to_hide_behind_is_not_enough():
    # 3 + 5 = 8: with the sum known the small count lies in 1 … 7, but a width of 8 is asked for.
    counts = pd.DataFrame({"red": [3, 5, 50]}, index=["a", "b", "c"])
    subdistrict = pd.Series(["s", "s", "t"], counts.index)
    published = suppress(counts, subdistrict, TOWN, limit=4, width=8)
    assert published.at("subdistrict")["red"].isna().all()
    assert published.at("community")["red"].isna().to_dict() == {"a": True, "b": False, "c": True}
    assert published.at("town").loc[TOWN, "red"] == 58
    _assert_protected(published, counts, subdistrict)


def test_zeros_are_published_or_hidden_as_asked():
    counts = pd.DataFrame({"red": [0, 20, 30], "green": [0, 0, 0]}, index=["a", "b", "c"])
    subdistrict = pd.Series("s", counts.index)
    published = suppress(counts, subdistrict, TOWN)
    assert published.primary == published.complementary == 0
    assert published.table[["red", "green"]].notna().all().all()
    hidden = suppress(counts, subdistrict, TOWN, hide_zeros=True)
    assert hidden.at("community")["red"].isna().sum() == 2
    assert hidden.table["green"].isna().all()  # with sums of 0, every zero would be told
    _assert_protected(hidden, counts, subdistrict)


def test_nothing_small_hides_nothing():
    counts = pd.DataFrame({"red": [7, 20, 5]}, index=["a", "b", "c"])
    published = suppress(counts, pd.Series("s", counts.index), TOWN)
    assert published.table["red"].tolist() == [32, 32, 7, 20, 5]


def test_the_households_everybody_knows_are_counted_on_the_side_of_the_attacker():
    # a has 6 households at most and b 21, so that 24 together leave a 3 … 6: less than the 1 … 6 known before.
    counts = pd.DataFrame({"red": [4, 20, 90]}, index=["a", "b", "c"])
    subdistrict = pd.Series(["s", "s", "s"], counts.index)
    ceilings = pd.Series([6, 21, 900], counts.index)
    _assert_protected(
        suppress(counts, subdistrict, TOWN, width=10, ceilings=ceilings),
        counts,
        subdistrict,
        ceilings=ceilings,
    )
    naive = suppress(counts, subdistrict, TOWN, width=10)
    assert naive.at("community")["red"].isna().to_dict() == {"a": True, "b": True, "c": False}
    aware = suppress(counts, subdistrict, TOWN, width=10, ceilings=ceilings)
    assert aware.at("community")["red"].isna()["c"]


def test_levels_published_apart_would_tell_what_one_table_hides():
    """Why there is one table: communities hidden without regard to subdistricts are told by them."""
    counts = pd.DataFrame({"red": [3, 40, 6, 50]}, index=["a", "b", "c", "d"])
    subdistrict = pd.Series(["s", "t", "t", "t"], counts.index)
    together = suppress(counts, subdistrict, TOWN)
    cuts = [together.table[together.table["subject_type"] == kind] for kind in ("town", "subdistrict")]
    _assert_protected(together, counts, subdistrict, others=cuts)

    communities = suppress(counts, subdistrict.mask(subdistrict.notna()), TOWN).table
    subdistricts = pd.DataFrame(
        [("subdistrict", "s", pd.NA), ("subdistrict", "t", 96)], columns=["subject_type", "subject_id", "red"]
    )
    assert _narrow(together, [communities], counts, subdistrict, "red") == []
    assert ("community", "a") in _narrow(together, [communities, subdistricts], counts, subdistrict, "red")


@pytest.mark.parametrize(("limit", "width"), [(1, None), (0, None), (5, 0)])
def test_a_limit_that_hides_nothing_is_refused(limit, width):
    counts = pd.DataFrame({"red": [3]}, index=["a"])
    with pytest.raises(UsageError):
        suppress(counts, pd.Series("s", counts.index), TOWN, limit=limit, width=width)


@pytest.mark.parametrize("value", [np.nan, -1, 2.5])
def test_counts_that_are_none_are_refused(value):
    counts = pd.DataFrame({"red": [3, value]}, index=["a", "b"])
    with pytest.raises(UsageError) as refused:
        suppress(counts, pd.Series("s", counts.index), TOWN)
    assert refused.value.statement.ids == ("b",)


def test_the_further_counts_are_nearly_as_few_as_can_be():
    """Against every pattern there is, on tables small enough to try them all."""
    rng = np.random.default_rng(5)
    excess = []
    for _ in range(6):
        counts = pd.DataFrame({"red": rng.integers(1, 14, 5)}, index=list("abcde"))
        subdistrict = pd.Series(["s", "s", "s", "t", "t"], counts.index)
        published = suppress(counts, subdistrict, TOWN)
        truth = _summed(counts, subdistrict)
        rows = list(truth)
        small = [row for row in rows if truth[row]["red"] < 5]
        others = [row for row in rows if row not in small]
        best = next(
            size
            for size in range(len(others) + 1)
            if any(
                _holds(counts, subdistrict, truth, {*small, *further})
                for further in itertools.combinations(others, size)
            )
        )
        excess.append(published.complementary - best)
    assert min(excess) >= 0
    assert sum(excess) <= 2


def _holds(counts, subdistrict, truth, hidden):
    table = pd.DataFrame(
        [(*row, pd.NA if row in hidden else truth[row]["red"]) for row in truth],
        columns=["subject_type", "subject_id", "red"],
    )
    for row in hidden:
        low, high = _interval([table], row, counts, subdistrict, "red", floor=1.0)
        if high - low < 4 - 1e-6:
            return False
    return True


@pytest.mark.soak
def test_hundreds_of_larger_tables_tell_nothing():
    rng = np.random.default_rng(12)
    for _ in range(500):
        communities, groups = int(rng.integers(1, 26)), int(rng.integers(1, 7))
        names = [f"c{number}" for number in range(communities)]
        counts = pd.DataFrame({"red": rng.poisson(rng.choice([0, 0.7, 3, 8, 60], communities))}, index=names)
        of_group = [None if rng.random() < 0.1 else f"s{rng.integers(groups)}" for _ in names]
        subdistrict = pd.Series(of_group, names, dtype="string")
        ceilings = None if rng.random() < 0.5 else counts["red"] + rng.integers(0, 20, communities)
        published = suppress(
            counts,
            subdistrict,
            TOWN,
            limit=int(rng.integers(2, 12)),
            width=None if rng.random() < 0.5 else int(rng.integers(1, 25)),
            hide_zeros=bool(rng.random() < 0.5),
            ceilings=ceilings,
        )
        _assert_protected(published, counts, subdistrict, ceilings=ceilings)
