"""The house: imports run one way, commands load little, and the tree speaks only of itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
    ).stdout.decode()
    if not listed:
        pytest.skip("no git checkout here: the list of tracked files is not to be had")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_imports_run_one_way():
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("heavy", ["fastapi", "sqlalchemy", "folium", "osmnx", "highspy"])
def test_listing_and_checking_load_no_service(heavy, tmp_path):
    program = (
        "import sys, api.commands as c\n"
        f"try: c.main(['check', {str(tmp_path / 'none.gpkg')!r}])\n"
        "except SystemExit as end: assert end.code == 2, end.code\n"
        f"sys.exit({heavy!r} in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_no_room_without_a_concept():
    named = re.compile(r"(^|/)(utils?|helpers?|common|misc)(\.py|\.ts|/)")
    assert [
        str(path.relative_to(ROOT)) for path in _tracked() if named.search(path.relative_to(ROOT).as_posix())
    ] == []


def test_no_path_of_a_machine_and_no_registry_host():
    # The words are put together here so that this test does not find itself.
    forbidden = re.compile(
        "|".join(
            [
                r"(?<![A-Za-z0-9_.])/(?:wo" + r"rk|ro" + r"ot|fa" + r"rm)/",
                r"https?://(?:registry|files|index|deb|security)" + r"\.",
                r"py" + r"pi\.org/simple",
                r"index" + r"-url",
            ]
        )
    )
    texts = {".py", ".toml", ".md", ".ts", ".json", ".css", ".html", ".lock", ".txt", ".yaml", ""}
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in _tracked()
        if path.suffix in texts and ".ci" not in path.parts
        for match in [forbidden.search(path.read_text(encoding="utf-8", errors="ignore"))]
        if match
    ]
    assert found == []


def test_modules_stay_readable():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in _tracked()
        if path.suffix in {".py", ".ts"}
        and "tests" not in path.parts
        and (lines := path.read_text(encoding="utf-8").count("\n")) > 600
    }
    assert long == {}
