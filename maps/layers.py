"""The layer registry: what every map of Wangge shows, how it is drawn, explained and asked.

One `Layer` to each layer: its source table, symbols, legend, popup and zooms.  The static page, the
vector style, the tiles and the legend all read this registry; none of them names a colour or a
column of its own.  How a layer is drawn stands in `maps.cartography`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from maps.cartography import STRATA, SYMBOLS, Symbol
from spatial.messages import catalogue, current_language

__all__ = ["CHOSEN_COLUMNS", "LAYERS", "Label", "Layer", "PopupField", "legend"]

Format = Literal["text", "count", "metres", "area", "share", "flag", "households", "code", "list"]


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
    life_from_zoom : from_zoom in the life-circle view, where coverage comes first
    """

    column: str
    style: str
    from_zoom: float
    to_zoom: float = 24.0
    second: str = ""
    second_from_zoom: float = 24.0
    life_from_zoom: float = 0.0


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


def _fields(*columns: str | tuple[str, Format]) -> tuple[PopupField, ...]:
    return tuple(PopupField(one) if isinstance(one, str) else PopupField(*one) for one in columns)


_GRID_POPUP = _fields(
    ("code", "code"),
    "community",
    ("households", "households"),
    ("buildings", "count"),
    ("estates", "count"),
    ("area_m2", "area"),
)

_GRID_LABEL = Label(
    "short_code", "grid", 13.5, second="households", second_from_zoom=13.6, life_from_zoom=15.5
)

_LAYERS = (
    Layer(
        "communities",
        "town",
        "communities",
        "area",
        ("grids", "life"),
        ("grids", "life"),
        SYMBOLS["communities"],
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
        SYMBOLS["grids"],
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
        SYMBOLS["grids_today"],
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
        SYMBOLS["coverage_communities"],
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
        SYMBOLS["coverage_grids"],
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
        SYMBOLS["special_areas"],
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
        SYMBOLS["barriers"],
    ),
    Layer(
        "streets",
        "town",
        "streets",
        "line",
        ("grids", "life"),
        ("grids", "life"),
        SYMBOLS["streets"],
        zooms=(11.0, 16.0),
    ),
    Layer(
        "estates",
        "town",
        "estates",
        "area",
        ("grids", "life"),
        ("grids",),
        SYMBOLS["estates"],
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
        SYMBOLS["buildings"],
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
        SYMBOLS["gates"],
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
        SYMBOLS["gaps"],
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
        SYMBOLS["facilities"],
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
