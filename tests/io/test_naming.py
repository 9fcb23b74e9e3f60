"""Codes by name are right or left open with candidates; addresses come apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spatial.io.naming import address_parts, match_codes, plain_name


@pytest.fixture(scope="module")
def known(shared_data):
    table = pd.read_csv(shared_data / "cn-community-names" / "cn-community-names.csv", dtype=str)
    return table.rename(columns={"village_code": "code", "village": "name", "township": "parent"})


def as_an_office_writes(name, rng):
    plain = plain_name(name)
    return [plain, f"{plain}社区居委会", f" {name} ", f"{plain}（二期）"][rng.integers(4)]


def test_codes_are_found_by_name_within_the_subdistrict(known):
    sample = known.sample(500, random_state=3)
    rng = np.random.default_rng(3)
    names = [as_an_office_writes(name, rng) for name in sample["name"]]
    found = match_codes(names, known, within=list(sample["parent"]))
    certain = found["code"].notna().to_numpy()
    right = found["code"].to_numpy() == sample["code"].to_numpy()
    listed = [code in shown for code, shown in zip(sample["code"], found["candidates"], strict=True)]
    print(
        f"certain {certain.mean():.1%}, right among them {right[certain].mean():.1%}, listed {np.mean(listed):.1%}"
    )
    assert certain.mean() > 0.6
    assert right[certain].mean() > 0.99
    assert np.mean(listed) > 0.99


def test_a_name_that_two_places_have_stays_open_with_both(known):
    twice = known[known.duplicated("name", keep=False)].sort_values("name").iloc[:2]
    found = match_codes([twice["name"].iloc[0]], known).iloc[0]
    assert pd.isna(found["code"])
    assert sum(code in found["candidates"] for code in twice["code"]) >= 1
    with_parent = match_codes([twice["name"].iloc[0]], known, within=[twice["parent"].iloc[0]]).iloc[0]
    assert with_parent["code"] == twice["code"].iloc[0] or pd.isna(with_parent["code"])


def test_a_name_like_no_other_has_no_code_and_no_candidates(known):
    found = match_codes(["Springfield"], known).iloc[0]
    assert pd.isna(found["code"])
    assert found["candidates"] == ""


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("学院路社区阳光小区3号楼2单元501室", ["学院路社区", None, "阳光小区", "3", "2", "501"]),
        ("学院路29号院12栋", [None, "学院路29号院", None, "12", None, None]),
        ("二七路社区月季里甲3幢一单元", ["二七路社区", None, "月季里", "甲3", "1", None]),
        ("鲁谷社区永乐东小区47号楼6门302", ["鲁谷社区", None, "永乐东小区", "47", "6", "302"]),
        ("", [None] * 6),
    ],
)
def test_an_address_comes_apart(address, parts):
    found = address_parts(pd.Series([address])).iloc[0]
    assert [None if pd.isna(one) else one for one in found] == parts
