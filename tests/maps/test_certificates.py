"""Certificates in words."""

import pandas as pd
import pytest

from maps.certificates import certificate_sentence
from spatial.messages import LANGUAGES, use_language
from tests.grids.test_redraw import draw
from tests.towns import drawn_town


def certificate(**values):
    known = {
        "status": "optimal", "extra_pieces": 1, "extra_pieces_bound": 1, "seconds": 3.0, "witness": None,
        "gap": 0.0, "moved_households": None,
    }  # fmt: skip
    return pd.Series(known | values, dtype=object)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, ("不存在拆分小区更少的方案",)),
        ({"extra_pieces": 0}, ("没有小区被拆分",)),
        ({"moved_households": 0, "moved_households_bound": 0.0}, ("没有一户换网格",)),
        ({"moved_households": 60, "moved_households_bound": 60.0}, ("换网格户数最少（60 户）", "多拆 1 处")),
        (
            {"status": "not_proven", "moved_households": 60, "moved_households_bound": 60.0, "gap": None},
            ("已证明换网格户数最少（60 户）", "紧凑度未证明最优"),
        ),
        (
            {"status": "not_proven", "moved_households": 70, "moved_households_bound": 60.0, "gap": None},
            ("70 户换网格", "至少 60 户"),
        ),
    ],
)
def test_a_certificate_is_said_in_both_languages(values, said):
    row = certificate(**values)
    sentence = certificate_sentence(row, "zh-CN")
    assert all(one in sentence for one in said)
    assert {"{", "}"}.isdisjoint(certificate_sentence(row, "en"))


def test_a_redrawn_community_says_how_many_households_move():
    before = draw(drawn_town("AAAA/BBBB/CCCC", households=100))
    after = draw(drawn_town("AAAA/BBBB/CCCC", households={"A": 140, "B": 100, "C": 80}), previous=before)
    row = after.certificates.iloc[0]
    assert row["moved_households"] == row["moved_households_bound"] > 0
    for language in LANGUAGES:
        with use_language(language):
            assert str(row["moved_households"]) in certificate_sentence(row)
