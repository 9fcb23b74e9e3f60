"""``wangge demo``: the demo county, drawn and measured, with a page to look at."""

from __future__ import annotations

import shutil
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

from api.commands.frame import ExitCode, LocalCommand, option, processes, progress_bars, say

__all__ = ["command", "demo_county"]

_SEED = 7


def demo_county() -> Path:
    """Return the demo county's town package: in the installed wheel, or in a checkout."""
    packaged = Path(str(files("api") / "demo-county.gpkg"))
    in_checkout = Path(__file__).parents[2] / "data" / "boundaries" / "demo-county.gpkg"
    return packaged if packaged.exists() else in_checkout


def command() -> LocalCommand:
    """Return the command."""
    return LocalCommand(
        "demo",
        _run,
        option("output", "-o", "--output", default="wangge-demo", type=Path, show_default=True),
    )


def _run(output: Path) -> tuple[ExitCode, dict[str, Any]]:
    import numpy as np

    from maps.page import write_page
    from maps.summary import write_summary
    from spatial.grids import draw_plan
    from spatial.io import read_town, write_coverage, write_plan
    from spatial.lifecircle import assess_coverage

    started = time.perf_counter()
    output.mkdir(parents=True, exist_ok=True)
    made = {name: output / f"{name}.gpkg" for name in ("town", "plan", "coverage")}
    shutil.copyfile(demo_county(), made["town"])
    with progress_bars() as progress:
        town = read_town(made["town"])
        with processes(len(town.communities)) as executor:
            plan = draw_plan(town, rng=np.random.default_rng(_SEED), progress=progress, executor=executor)
        write_plan(plan, made["plan"])
        coverage = assess_coverage(town, plan=plan, progress=progress)
        write_coverage(coverage, made["coverage"])
    made["page"] = write_page(town, plan, coverage, output)
    made["summary"] = write_summary(town, plan, coverage, output)
    for name, path in made.items():
        say(f"commands.demo.{name}", path=path)
    return ExitCode.DONE, {
        "seconds": round(time.perf_counter() - started, 2),
        "fingerprint": town.fingerprint(),
        **{name: str(path) for name, path in made.items()},
    }
