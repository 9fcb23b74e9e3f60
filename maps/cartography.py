"""Cartography: how each layer is drawn, symbol by symbol.

A symbol belongs to a *stratum*; strata are drawn in the order of `STRATA`, whatever layer they come
from, so that a street runs under the buildings and a community line over the grids.  Zooms are
those of 512 px tiles (MapLibre); Leaflet's are one higher.  Widths are CSS pixels; colours are
named by their token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from maps.symbology import COVER_LIMITS, GRID_HUES

__all__ = ["STRATA", "SYMBOLS", "Stops", "Symbol", "width_at"]

STRATA = (
    "green",
    "fill",
    "special",
    "water",
    "street-case",
    "street",
    "wall",
    "building",
    "grid-line",
    "community-line",
    "rail",
    "gap",
    "point",
)

Stops = tuple[tuple[float, float], ...]


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

SYMBOLS: Mapping[str, tuple[Symbol, ...]] = MappingProxyType(
    {
        "communities": (
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
        "special_areas": (
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
        "barriers": (
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
        "streets": (
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
        "estates": (
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
        "buildings": (
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
        "gates": (
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
        "gaps": (
            Symbol(
                "gap",
                fill="--bad-map",
                fill_opacity=0.07,
                line="--bad-map",
                width=((11.0, 1.2), (14.0, 2.2)),
                legend="gap",
            ),
        ),
        "facilities": (Symbol("point", badge="--fac", legend="facility"),),
        "grids": _GRID_SYMBOLS,
        "grids_today": _GRID_SYMBOLS,
        "coverage_communities": _COVER_SYMBOLS,
        "coverage_grids": _COVER_SYMBOLS,
    }
)
"""The symbols of every layer by its id."""
