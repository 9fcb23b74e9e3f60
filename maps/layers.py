"""The layer registry: what every map of Wangge shows, how it is drawn, explained and asked.

One `Layer` to each layer: its source table, symbols, legend, popup and zooms.  The static page, the
vector style, the tiles and the legend all read this registry; none of them names a colour or a
column of its own.

A symbol belongs to a *stratum*; strata are drawn in the order of `STRATA`, whatever layer they come
from, so that a street runs under the buildings and a community line over the grids.  Zooms are
those of 512 px tiles (MapLibre); Leaflet's are one higher.  Widths are CSS pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from maps.symbology import COVER_LIMITS, GRID_HUES
from spatial.messages import catalogue, current_language

__all__ = ["LAYERS", "STRATA", "Label", "Layer", "PopupField", "Symbol", "legend", "width_at"]

STRATA = (
    "green",
    "fill",
    "special",
    "water",
    "street-case",
    "street",
    "wall",
    "building",
    "rail",
    "grid-line",
    "community-line",
    "gap",
    "point",
)

Stops = tuple[tuple[float, float], ...]
Format = Literal["text", "count", "metres", "area", "share", "flag", "households", "code", "list"]


@dataclass(frozen=True)
class Symbol:
    """One way to draw some features of a layer.

    Attributes
    ----------
    stratum : place in the drawing order, one of `STRATA`
    where, among : the features drawn: those whose column ``where`` holds one of ``among``; every
        feature when ``where`` is ''; the features of no other symbol when ``among`` is empty
    fill : token of the area's colour, or ''
    fill_opacity : 0 to 1
    hatch : token of diagonal hatch lines over the area, or ''
    line : token of the line's colour, or ''
    width : line width by zoom, pixels
    dash : lengths of dashes and gaps, pixels
    opacity : of the line, 0 to 1
    casing : token of the colour on both sides of the line, or ''
    casing_width : full width of the casing by zoom, pixels
    badge : token of the badge under a facility glyph, or ''
    from_zoom : least zoom at which it is drawn
    views : views that draw it so; every view of the layer when empty
    legend : key of its legend entry, or '' for none
    """

    stratum: str
    where: str = ""
    among: tuple[Any, ...] = ()
    fill: str = ""
    fill_opacity: float = 1.0
    hatch: str = ""
    line: str = ""
    width: Stops = ()
    dash: tuple[float, ...] = ()
    opacity: float = 1.0
    casing: str = ""
    casing_width: Stops = ()
    badge: str = ""
    from_zoom: float = 0.0
    views: tuple[str, ...] = ()
    legend: str = ""


@dataclass(frozen=True)
class PopupField:
    """One line of a popup: a column of the feature under a label, in a format."""

    column: str
    format: Format = "text"

    @property
    def key(self) -> str:
        """Key of the label in the catalogues."""
        return f"maps.field.{self.column}"


@dataclass(frozen=True)
class Label:
    """Text drawn at a label point.

    Attributes
    ----------
    column : column that holds the text
    style : ``community``, ``grid`` or ``estate`` (look and rank)
    from_zoom, to_zoom : zooms at which it is shown
    second : column of the second line, or ''; shown from ``second_from_zoom``
    """

    column: str
    style: str
    from_zoom: float
    to_zoom: float = 24.0
    second: str = ""
    second_from_zoom: float = 24.0


@dataclass(frozen=True)
class Layer:
    """One layer of the map.

    Attributes
    ----------
    layer_id : its id
    package, table : where its features come from: ``town``, ``plan`` or ``coverage``, and the table
    shape : ``area``, ``line`` or ``point``
    views : views that offer it (``grids``, ``life``); the ones in ``on`` show it at first
    symbols : how it is drawn
    heading : column that heads the popup, or ''
    popup : the lines of the popup; empty when a click passes through
    label : its labels, or None
    once : its boundaries are drawn as one network, each shared edge a single time
    zooms : least and greatest zoom at which its features are served
    """

    layer_id: str
    package: Literal["town", "plan", "coverage"]
    table: str
    shape: Literal["area", "line", "point"]
    views: tuple[str, ...]
    on: tuple[str, ...]
    symbols: tuple[Symbol, ...]
    heading: str = ""
    popup: tuple[PopupField, ...] = ()
    label: Label | None = None
    once: bool = False
    zooms: tuple[float, float] = (9.0, 16.0)

    @property
    def title_key(self) -> str:
        """Key of the layer's title in the catalogues."""
        return f"maps.layer.{self.layer_id}"

    def columns(self) -> tuple[str, ...]:
        """Return the columns a feature must carry to be drawn, labelled and asked."""
        named = [self.heading, *(symbol.where for symbol in self.symbols)]
        named += [field.column for field in self.popup]
        if self.label:
            named += [self.label.column, self.label.second]
        return tuple(dict.fromkeys(name for name in named if name and name not in CHOSEN_COLUMNS))


CHOSEN_COLUMNS = ("band", "cover_class")
"""Columns that depend on the category chosen at the moment; a page sets them, no tile holds them."""


def width_at(stops: Stops, zoom: float) -> float:
    """Return a width at a zoom, straight between stops and level beyond them.

    Examples
    --------
    >>> width_at(((13.0, 2.0), (15.0, 4.0)), 14.0)
    3.0
    """
    if not stops:
        return 0.0
    before = stops[0]
    for stop in stops:
        if zoom < stop[0]:
            share = (zoom - before[0]) / (stop[0] - before[0]) if stop[0] > before[0] else 0.0
            return before[1] + share * (stop[1] - before[1])
        before = stop
    return before[1]


def _fields(*columns: str | tuple[str, Format]) -> tuple[PopupField, ...]:
    return tuple(PopupField(one) if isinstance(one, str) else PopupField(*one) for one in columns)


_MAIN = ("motorway", "trunk", "primary", "secondary")
_SECOND = ("tertiary", "motorway_link", "trunk_link", "primary_link", "secondary_link", "tertiary_link")
_PATH = ("footway", "path", "pedestrian", "steps", "cycleway", "track", "corridor")

_GRID_SYMBOLS = (
    *(
        Symbol(
            "fill",
            where="hue",
            among=(hue,),
            fill=f"--grid-{hue}",
            views=("grids",),
            legend="basic_grid" if hue == 1 else "",
        )
        for hue in range(1, GRID_HUES + 1)
    ),
    Symbol(
        "special",
        where="kind",
        among=("special",),
        hatch="--special-hatch",
        fill="--grid-special",
        line="--special-line",
        width=((12.5, 0.8), (14.0, 1.6)),
        dash=(6.0, 3.0),
        from_zoom=12.5,
        views=("grids",),
        legend="special_grid",
    ),
    Symbol(
        "grid-line",
        line="--grid-line",
        width=((12.0, 0.8), (14.0, 1.4), (15.5, 2.0)),
        casing="--halo",
        casing_width=((12.0, 1.6), (14.0, 3.0), (15.5, 4.0)),
        from_zoom=11.5,
        views=("grids",),
    ),
    Symbol(
        "grid-line",
        line="--grid-line",
        width=((12.0, 0.5), (14.0, 0.8)),
        opacity=0.5,
        from_zoom=12.5,
        views=("life",),
        legend="grid_line",
    ),
)

_GRID_POPUP = _fields(
    ("code", "code"),
    "community",
    ("households", "households"),
    ("buildings", "count"),
    ("estates", "count"),
    ("area_m2", "area"),
)

_GRID_LABEL = Label("short_code", "grid", 12.6, second="households", second_from_zoom=13.6)

_COVER_SYMBOLS = (
    *(
        Symbol(
            "fill",
            where="cover_class",
            among=(number,),
            fill=f"--cover-{number}",
            fill_opacity=0.85,
            legend=f"cover_{number}",
        )
        for number in range(1, len(COVER_LIMITS) + 2)
    ),
    Symbol(
        "fill",
        where="cover_class",
        among=(0,),
        fill="--unknown-soft",
        hatch="--ink-disabled",
        legend="not_assessed",
    ),
)

_LAYERS = (
    Layer(
        "communities",
        "town",
        "communities",
        "area",
        ("grids", "life"),
        ("grids", "life"),
        (
            Symbol(
                "community-line",
                line="--community-line",
                width=((9.0, 1.0), (13.0, 1.5), (14.5, 2.6), (15.5, 3.0)),
                dash=(15.0, 5.0, 3.0, 5.0),
                casing="--halo",
                casing_width=((9.0, 2.0), (13.0, 3.0), (15.0, 5.0)),
                views=("grids",),
                legend="community_line",
            ),
            Symbol(
                "community-line",
                line="--community-line",
                width=((9.0, 1.0), (13.0, 1.5)),
                dash=(15.0, 5.0, 3.0, 5.0),
                opacity=0.8,
                casing="--halo",
                casing_width=((9.0, 2.0), (13.0, 3.0)),
                views=("life",),
                legend="community_line",
            ),
        ),
        heading="name",
        popup=_fields("subdistrict", ("households", "households"), ("grids", "count"), "certificate"),
        label=Label("name", "community", 10.0, 16.0),
        once=True,
    ),
    Layer(
        "grids",
        "plan",
        "grids",
        "area",
        ("grids", "life"),
        ("grids", "life"),
        _GRID_SYMBOLS,
        heading="title",
        popup=_GRID_POPUP + _fields("verdict"),
        label=_GRID_LABEL,
        once=True,
        zooms=(11.0, 16.0),
    ),
    Layer(
        "grids_today",
        "town",
        "grids",
        "area",
        ("grids",),
        (),
        _GRID_SYMBOLS,
        heading="title",
        popup=_GRID_POPUP + _fields("verdict"),
        label=_GRID_LABEL,
        once=True,
        zooms=(11.0, 16.0),
    ),
    Layer(
        "coverage_communities",
        "coverage",
        "rates",
        "area",
        ("life",),
        (),
        _COVER_SYMBOLS,
        heading="name",
        popup=_fields("subdistrict"),
    ),
    Layer(
        "coverage_grids",
        "coverage",
        "rates",
        "area",
        ("life",),
        (),
        _COVER_SYMBOLS,
        heading="title",
        popup=_fields(("code", "code"), "community"),
        once=True,
        zooms=(11.0, 16.0),
    ),
    Layer(
        "special_areas",
        "town",
        "special_areas",
        "area",
        ("grids", "life"),
        ("grids", "life"),
        (
            Symbol(
                "green",
                where="kind",
                among=("park", "green", "garden"),
                fill="--map-green",
                from_zoom=11.0,
                legend="green",
            ),
            Symbol(
                "special",
                where="kind",
                hatch="--special-hatch",
                line="--special-line",
                width=((12.5, 0.6), (15.0, 1.0)),
                dash=(6.0, 3.0),
                from_zoom=13.0,
                views=("life",),
                legend="special_area",
            ),
        ),
        heading="name",
        popup=_fields("special_kind"),
        zooms=(11.0, 16.0),
    ),
    Layer(
        "barriers",
        "town",
        "barriers",
        "area",
        ("grids", "life"),
        ("grids", "life"),
        (
            Symbol(
                "water",
                where="kind",
                among=("river",),
                fill="--map-water",
                line="--map-water-line",
                width=((9.0, 0.5), (14.0, 1.0)),
                legend="water",
            ),
            Symbol(
                "rail",
                where="kind",
                among=("railway",),
                line="--surface",
                width=((10.0, 0.8), (14.0, 1.6), (16.0, 2.4)),
                dash=(9.0, 9.0),
                casing="--map-rail",
                casing_width=((10.0, 1.6), (14.0, 3.2), (16.0, 4.0)),
                from_zoom=10.0,
                legend="railway",
            ),
            Symbol(
                "wall",
                where="kind",
                among=("wall",),
                line="--map-wall",
                width=((14.5, 0.7), (16.0, 1.2)),
                from_zoom=14.2,
                legend="wall",
            ),
            Symbol(
                "green",
                where="kind",
                among=("hill",),
                fill="--map-green",
                fill_opacity=0.7,
                from_zoom=9.0,
                legend="hill",
            ),
        ),
    ),
    Layer(
        "streets",
        "town",
        "streets",
        "line",
        ("grids", "life"),
        ("grids", "life"),
        (
            Symbol(
                "street",
                where="class",
                among=_MAIN,
                line="--map-street",
                width=((11.0, 1.2), (14.0, 4.0), (15.0, 5.0), (16.5, 9.0)),
                casing="--map-street-case",
                casing_width=((11.0, 2.0), (14.0, 5.6), (15.0, 6.6), (16.5, 10.6)),
                from_zoom=11.0,
                legend="street",
            ),
            Symbol(
                "street",
                where="class",
                among=_SECOND,
                line="--map-street",
                width=((13.0, 1.4), (14.7, 2.4), (16.5, 6.0)),
                casing="--map-street-case",
                casing_width=((13.0, 2.4), (14.7, 4.0), (16.5, 7.6)),
                from_zoom=12.5,
            ),
            Symbol(
                "street",
                where="class",
                line="--map-street",
                width=((13.5, 1.0), (14.7, 2.0), (16.5, 4.0)),
                casing="--map-street-case",
                casing_width=((13.5, 1.8), (14.7, 3.2), (16.5, 5.6)),
                from_zoom=13.5,
            ),
            Symbol(
                "street",
                where="class",
                among=_PATH,
                line="--map-street",
                width=((15.0, 1.2), (16.5, 2.0)),
                dash=(3.0, 2.0),
                casing="--map-street-case",
                casing_width=((15.0, 2.0), (16.5, 3.2)),
                from_zoom=15.0,
                legend="footpath",
            ),
        ),
        zooms=(11.0, 16.0),
    ),
    Layer(
        "estates",
        "town",
        "estates",
        "area",
        ("grids", "life"),
        ("grids",),
        (
            Symbol(
                "wall",
                where="walled",
                among=(True,),
                line="--map-wall",
                width=((14.2, 0.6), (16.0, 1.2)),
                from_zoom=14.2,
                legend="estate_wall",
            ),
        ),
        heading="name",
        popup=_fields(("households", "households"), "estate_class", ("walled", "flag")),
        label=Label("name", "estate", 15.0),
        zooms=(13.0, 16.0),
    ),
    Layer(
        "buildings",
        "town",
        "buildings",
        "area",
        ("grids", "life"),
        ("grids", "life"),
        (
            Symbol(
                "building",
                fill="--map-building",
                fill_opacity=0.85,
                line="--map-building-line",
                width=((14.0, 0.4), (16.0, 0.6)),
                from_zoom=13.5,
                legend="building",
            ),
            *(
                Symbol(
                    "building",
                    where="band",
                    among=(band,),
                    fill=f"--{band}",
                    from_zoom=12.0,
                    legend=band.replace("-", "_"),
                )
                for band in ("band-5", "band-10", "band-15")
            ),
            Symbol(
                "building",
                where="band",
                among=("over",),
                fill="--surface",
                line="--band-beyond",
                width=((12.0, 0.5), (14.0, 1.0), (16.0, 1.6)),
                from_zoom=12.0,
                legend="band_over",
            ),
            Symbol(
                "building",
                where="band",
                among=("beyond",),
                fill="--band-beyond",
                from_zoom=12.0,
                legend="band_beyond",
            ),
            Symbol(
                "building",
                where="band",
                among=("unknown",),
                fill="--unknown-soft",
                hatch="--ink-disabled",
                line="--band-unknown",
                width=((12.0, 0.4), (16.0, 1.0)),
                from_zoom=12.0,
                legend="band_unknown",
            ),
        ),
        heading="title",
        popup=_fields("estate", "grid", ("households", "households"), ("levels", "count"), "walks"),
        zooms=(12.0, 16.0),
    ),
    Layer(
        "gates",
        "town",
        "gates",
        "point",
        ("grids", "life"),
        ("grids",),
        (
            Symbol("point", where="open", fill="--surface", line="--map-wall", from_zoom=15.2, legend="gate"),
            Symbol(
                "point",
                where="open",
                among=(False,),
                fill="--bad-map",
                line="--surface",
                from_zoom=14.0,
                legend="gate_closed",
            ),
        ),
        heading="name",
        popup=_fields("estate", "gate_kind", ("open", "flag")),
        zooms=(14.0, 16.0),
    ),
    Layer(
        "gaps",
        "coverage",
        "gaps",
        "area",
        ("life",),
        ("life",),
        (
            Symbol(
                "gap",
                fill="--bad-map",
                fill_opacity=0.07,
                line="--bad-map",
                width=((11.0, 1.2), (14.0, 2.2)),
                legend="gap",
            ),
        ),
        heading="title",
        popup=_fields(
            ("households", "households"), ("buildings", "count"), ("nearest_m", "metres"), "gap_cause"
        ),
    ),
    Layer(
        "facilities",
        "town",
        "facilities",
        "point",
        ("grids", "life"),
        ("life",),
        (Symbol("point", badge="--fac", legend="facility"),),
        heading="name",
        popup=_fields(("categories", "list"), "opened", "closed", "access"),
        zooms=(11.0, 16.0),
    ),
)

LAYERS: Mapping[str, Layer] = MappingProxyType({layer.layer_id: layer for layer in _LAYERS})
"""Every layer by its id, in the order in which switches list them."""


def legend(language: str | None = None) -> list[dict[str, Any]]:
    """Return the legend: every entry of every layer in drawing order, areas before lines before points.

    Each entry names its ``layer``, ``text`` and what its swatch needs: ``fill``, ``hatch``, ``line``,
    ``dash``, ``casing``, ``badge`` (tokens) and ``shape``.  A text may name ``{limit}`` and ``{twice}``,
    the chosen category's limit and twice it, in metres, which the reader fills in.
    """
    texts = catalogue(language or current_language())
    rank = {"area": 0, "line": 1, "point": 2}
    entries = [
        (rank[_swatch(layer, symbol)], STRATA.index(symbol.stratum), layer, symbol)
        for layer in _LAYERS
        for symbol in layer.symbols
        if symbol.legend
    ]
    return [
        {
            "layer": layer.layer_id,
            "key": symbol.legend,
            "text": texts[f"maps.legend.{symbol.legend}"],
            "shape": _swatch(layer, symbol),
            "where": symbol.where,
            "among": list(symbol.among),
            "fill": symbol.fill,
            "fill_opacity": symbol.fill_opacity,
            "hatch": symbol.hatch,
            "line": symbol.line,
            "dash": list(symbol.dash),
            "casing": symbol.casing,
            "badge": symbol.badge,
            "from_zoom": symbol.from_zoom,
            "views": list(symbol.views or layer.views),
        }
        for _, _, layer, symbol in sorted(entries, key=lambda entry: entry[:2])
    ]


def _swatch(layer: Layer, symbol: Symbol) -> str:
    if layer.shape == "area" and (symbol.fill or symbol.hatch):
        return "area"
    return "point" if layer.shape == "point" else "line"
