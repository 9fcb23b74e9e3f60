"""The demo county, generated once and read once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "data" / "boundaries"
sys.path.insert(0, str(FOLDER))

import demo_county  # noqa: E402  the folder of the generator is no package

from spatial.io import read_town  # noqa: E402


@pytest.fixture(scope="session")
def generated():
    return demo_county.generate()


@pytest.fixture(scope="session")
def committed():
    return read_town(demo_county.PACKAGE)
