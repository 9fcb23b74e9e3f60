"""Typesetting: documents set by Typst, with Chinese type that is embedded as a subset.

A document is a template (``*.typ``) beside this module, its data as JSON, and the maps as SVG.  Papers are
written as PDF/A-2a: they can be filed for good, read aloud and searched, and a sign that no font of the
machine can draw is refused instead of being printed as a box.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from maps.symbology import colour
from spatial.errors import FileError
from spatial.io.packages import written_whole
from spatial.messages import current_language

__all__ = ["CHINESE_FONTS", "chinese_font", "picture", "typeset"]

CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Noto Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "HarmonyOS Sans SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "DengXian",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Serif CJK SC",
    "SimSun",
)
"""Font families that hold Chinese, the best for maps first; the first one on the machine is used."""

_STANDARD: Final = "a-2a"
_INKS = ("--ink", "--ink-2", "--ink-3", "--line", "--line-strong", "--surface-2", "--accent", "--bad")
_UNDRAWN = re.compile(r'(?:text `?"(?P<text>.+?)"`? could not be displayed|codepoint `?"(?P<sign>.+?)"`?)')


@cache
def _families() -> frozenset[str]:
    import typst

    return frozenset(typst.Fonts().families())


def chinese_font() -> str:
    """Return the family in which Chinese is set on this machine.

    Raises
    ------
    FileError
        If the machine has none of `CHINESE_FONTS`.
    """
    found = next((name for name in CHINESE_FONTS if name in _families()), None)
    if found is None:
        raise FileError("print.font_missing", families=", ".join(CHINESE_FONTS[:6]))
    return found


def typeset(
    template: str, data: Mapping[str, Any], pictures: Mapping[str, str], path: Path, printed: date
) -> None:
    """Set a document and write it as PDF.

    Parameters
    ----------
    template : name of the template, without ending
    data : what the template shows
    pictures : SVG documents by the file name under which the data name them
    path : the file to write
    printed : date of the document

    Raises
    ------
    FileError
        If the machine has no Chinese font, its font lacks a sign of the data, or the file cannot be written.
    """
    import typst

    with tempfile.TemporaryDirectory(prefix="wangge-") as name:
        folder = Path(name)
        for part in ("parts", template):
            source = (files(__package__) / f"{part}.typ").read_text(encoding="utf-8")
            (folder / f"{part}.typ").write_text(source, encoding="utf-8")
        for file, svg in pictures.items():
            (folder / file).write_text(svg, encoding="utf-8")
        common = {
            "font": chinese_font(),
            "language": current_language().partition("-")[0],
            "ink": {token.removeprefix("--"): colour(token) for token in _INKS},
            "date": [printed.year, printed.month, printed.day],
        }
        (folder / "data.json").write_text(json.dumps({**common, **data}), encoding="utf-8")
        try:
            made = typst.compile(folder / f"{template}.typ", pdf_standards=_STANDARD)
        except typst.TypstError as error:
            undrawn = _UNDRAWN.search(str(error))
            if undrawn is None:
                raise
            sign = undrawn["text"] or undrawn["sign"]
            raise FileError("print.sign_missing", sign=sign, font=common["font"]) from error
    with written_whole(path) as partial:
        partial.write_bytes(made)


def picture(svg: str, width_mm: float, dots_per_inch: float = 200.0) -> bytes:
    """Return a drawing as PNG, for documents that hold no drawings.

    Raises
    ------
    FileError
        If the machine has no Chinese font.
    """
    import typst

    chinese_font()
    with tempfile.TemporaryDirectory(prefix="wangge-") as name:
        folder = Path(name)
        (folder / "map.svg").write_text(svg, encoding="utf-8")
        source = (
            f'#set page(width: auto, height: auto, margin: 0mm)\n#image("map.svg", width: {width_mm}mm)\n'
        )
        (folder / "map.typ").write_text(source, encoding="utf-8")
        return typst.compile(folder / "map.typ", format="png", ppi=dots_per_inch)
