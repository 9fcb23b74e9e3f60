"""Fixtures shared by all rooms, and the rule that a skip must not make green."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_REQUIRED = frozenset(filter(None, os.environ.get("WANGGE_REQUIRE", "").split(",")))


def skip_or_fail(part: str, reason: str) -> None:
    """Skip for want of ``part`` (data, postgis, chromium, poppler, qgis), or fail where WANGGE_REQUIRE names it."""
    if part in _REQUIRED:
        pytest.fail(f"WANGGE_REQUIRE demands {part}: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real towns: WANGGE_DATA, or shared/data beside the checkout."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("WANGGE_DATA", beside))
    if not folder.is_dir():
        skip_or_fail("data", f"no real towns at {folder}; set WANGGE_DATA")
    return folder
