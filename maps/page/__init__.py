"""The static page: one HTML file that opens from disk with the network unplugged.

Folium makes the map; this package adds the planner's frame (top bar, views, panel, legend), the
content as JSON and the script that draws it.  Folium links its assets on public hosts, so the page
is rewritten after rendering: every linked script and style sheet is replaced by the text of the
packaged file of that name, and a name that is not packaged is an error.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from maps.page.content import page_content
from maps.symbology import tokens_css
from spatial.grids.plan import Plan
from spatial.lifecircle.coverage import Coverage
from spatial.messages import current_language, text
from spatial.town import Town

__all__ = ["write_page"]

_SCRIPTS = ("leaflet.js", "content.js", "model.js", "drawing.js", "marks.js", "panel.js", "frame.js")
_STYLES = ("leaflet.css", "tokens.css", "frame.css", "page.css")
_FILE_NAME = "page.html"

_SCRIPT_LINK = re.compile(r'<script src="(?:[^"]*/)?([^"/]+)"></script>')
_STYLE_LINK = re.compile(r'<link rel="stylesheet" href="(?:[^"]*/)?([^"/]+)"\s*/?>')
_CSS_IMAGE = re.compile(r"url\(images/[^)]*\)")


def write_page(town: Town, plan: Plan, coverage: Coverage, folder: Path, language: str | None = None) -> Path:
    """Write the page of a town, its plan and its coverage.

    Parameters
    ----------
    town, plan, coverage : what the page shows
    folder : where ``page.html`` is written; made when it does not exist
    language : the language the page opens in, with a switch to the other; the current one when None

    Returns
    -------
    path of the page

    Examples
    --------
    >>> write_page(town, plan, coverage, Path("out"))  # doctest: +SKIP
    PosixPath('out/page.html')
    """
    language = language or current_language()
    html = _offline(_render(town, language), _assets(town, plan, coverage))
    html = html.replace("<html>", f'<html lang="{language}">', 1)
    path = Path(folder) / _FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
    return path


def _render(town: Town, language: str) -> str:
    """Return the page as folium renders it, with links to its assets."""
    import folium
    from branca.element import Element, MacroElement, Template

    class OfflineMap(folium.Map):
        """A folium map that links nothing but what is packaged here."""

        default_js = [(name, name) for name in _SCRIPTS]  # noqa: RUF012
        default_css = [(name, name) for name in _STYLES]  # noqa: RUF012

    class Start(MacroElement):
        """The call that hands the map to the page's script."""

        _template = Template("{% macro script(this, kwargs) %}wangge.start(map_town);{% endmacro %}")

    centre = town.buildings.to_crs(4326).total_bounds.reshape(2, 2).mean(axis=0)
    chart = OfflineMap(
        location=(float(centre[1]), float(centre[0])),
        tiles=None,
        zoom_control=False,
        attribution_control=False,
        zoom_snap=0.25,
        zoom_delta=0.5,
        wheel_px_per_zoom_level=90,
        max_zoom=20,
        min_zoom=10,
    )
    chart._id = "town"  # noqa: SLF001 - a random id would make every page differ
    root = chart.get_root()
    title = text("page.title", language=language, town=town.name)
    root.header.add_child(Element(f"<title>{title}</title>"), name="title")
    root.html.add_child(Element((files(__name__) / "frame.html").read_text(encoding="utf-8")), name="frame")
    chart.add_child(Start())
    rendered: str = root.render()
    return rendered


def _assets(town: Town, plan: Plan, coverage: Coverage) -> dict[str, str]:
    """Return the text of every packaged asset by its base name."""
    vendored = files("maps") / "vendor" / "leaflet"
    own = files(__name__)
    found = {name: (vendored / name).read_text(encoding="utf-8") for name in ("leaflet.js", "leaflet.css")}
    found["tokens.css"] = tokens_css()
    found["frame.css"] = (files("maps") / "frame.css").read_text(encoding="utf-8")
    for name in (*_SCRIPTS, *_STYLES):
        if name not in found and name != "content.js":
            found[name] = (own / name).read_text(encoding="utf-8")
    found["content.js"] = f"window.wanggeContent = {page_content(town, plan, coverage)};"
    # Leaflet's pictures belong to controls that the page does not use.
    found["leaflet.css"] = _CSS_IMAGE.sub("none", found["leaflet.css"])
    found["leaflet.js"] = re.sub(r"\n//# sourceMappingURL=.*", "", found["leaflet.js"])
    return found


def _offline(html: str, assets: dict[str, str]) -> str:
    """Replace every linked asset by its text.

    Raises
    ------
    KeyError
        If the page links a file that is not packaged.
    """
    html = _SCRIPT_LINK.sub(
        lambda link: "<script>" + assets[link[1]].replace("</script", "<\\/script") + "</script>", html
    )
    return _STYLE_LINK.sub(lambda link: "<style>" + assets[link[1]] + "</style>", html)
