"""Style: the MapLibre style of the map page, made from the layer registry.

One source to each layer whose features are served as tiles, one style layer to each part of each
symbol, in the order of the strata.  A style layer says in its ``metadata`` which layer and views it
belongs to; the page shows and hides by that.  What depends on the category chosen at the moment
(walking bands, coverage classes) is read from feature state, which the page sets.

A tile of layer L holds up to three vector layers: ``L`` (the features), ``L_lines`` (its boundaries,
each shared edge once) and ``L_labels`` (label points).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from maps.cartography import STRATA, Stops, Symbol, width_at
from maps.layers import CHOSEN_COLUMNS, LAYERS, Layer
from maps.symbology import colour, tokens

__all__ = ["SHAPES_OF", "build_style", "hatch_name"]

SHAPES_OF: Mapping[str, str] = {"coverage_communities": "communities", "coverage_grids": "grids"}
"""Layers that are drawn on another layer's shapes."""

_TILE_ZOOMS = (9, 16)
_DASH_AT_ZOOM = 14.5
_NOTHING = "rgba(0, 0, 0, 0)"


def build_style(tiles: Mapping[str, str], window: tuple[int, int] = (300, 500)) -> dict[str, Any]:
    """Return the style of a town.

    Parameters
    ----------
    tiles : address of the tiles of each layer, with ``{z}``, ``{x}`` and ``{y}``; layers without one
        are left out
    window : households a grid should have, at least and at most

    Returns
    -------
    a style of version 8, without glyphs and sprite: text is drawn with the browser's own faces, hatches
    and badges are images the page adds (`hatch_name`, ``badge-GROUP``)
    """
    served = [layer for layer in LAYERS.values() if SHAPES_OF.get(layer.layer_id, layer.layer_id) in tiles]
    drawn = [
        part
        for stratum in STRATA
        for kind in ("casing", "core")
        for layer in served
        for number, symbol in enumerate(layer.symbols)
        if symbol.stratum == stratum
        for part in _parts(layer, symbol, number, kind)
    ]
    # The renderer places what stands last first: labels that give way stand first.
    labels = sorted((one for layer in served for one in _labels(layer, window)), key=lambda one: one[0])
    return {
        "version": 8,
        "sources": {
            name: {
                "type": "vector",
                "tiles": [address],
                "minzoom": max(_TILE_ZOOMS[0], int(LAYERS[name].zooms[0])),
                "maxzoom": _TILE_ZOOMS[1],
            }
            for name, address in tiles.items()
        },
        "layers": [
            {"id": "paper", "type": "background", "paint": {"background-color": colour("--paper")}},
            *drawn,
            *(one for _, one in labels),
        ],
    }


def hatch_name(token: str) -> str:
    """Return the name of the image that hatches in a token's colour."""
    return f"hatch{token}"


def _parts(layer: Layer, symbol: Symbol, number: int, kind: str) -> Iterator[dict[str, Any]]:
    """Yield the style layers of one symbol: its casing, or its area, line and point."""
    source = SHAPES_OF.get(layer.layer_id, layer.layer_id)
    base = {
        "source": source,
        "source-layer": source,
        "minzoom": symbol.from_zoom,
        "metadata": {
            "layer": layer.layer_id,
            "views": list(symbol.views or layer.views),
            "legend": symbol.legend,
        },
        **_filter(layer, symbol),
    }
    name = f"{layer.layer_id}-{number}"
    lined = bool(symbol.line) and not symbol.fill and not symbol.hatch
    on_lines = {"source-layer": f"{source}_lines"} if lined and layer.once else {}
    if kind == "casing":
        if symbol.casing and symbol.line:
            paint = {"line-color": colour(symbol.casing), "line-width": _width(symbol.casing_width)}
            yield _without_filter(base | on_lines | {"id": f"{name}-casing", "type": "line", "paint": paint})
        return
    if layer.shape == "point":
        yield from _points(base, name, symbol)
        return
    if symbol.fill:
        paint = {
            "fill-color": _stateful(symbol, colour(symbol.fill), _NOTHING),
            "fill-opacity": symbol.fill_opacity,
        }
        yield base | {"id": f"{name}-fill", "type": "fill", "paint": paint}
    if symbol.hatch:
        paint = {
            "fill-pattern": hatch_name(symbol.hatch),
            "fill-opacity": _stateful(symbol, 1, 0),
        }
        yield base | {"id": f"{name}-hatch", "type": "fill", "paint": paint}
    if symbol.line:
        paint = {
            "line-color": _stateful(symbol, colour(symbol.line), _NOTHING),
            "line-width": _width(symbol.width),
            "line-opacity": symbol.opacity,
        }
        if symbol.dash:
            thick = max(width_at(symbol.width, _DASH_AT_ZOOM), 0.5)
            paint["line-dasharray"] = [round(one / thick, 2) for one in symbol.dash]
        layout = {"line-join": "round", "line-cap": "butt" if symbol.dash else "round"}
        drawn = base | on_lines | {"id": f"{name}-line", "type": "line", "layout": layout, "paint": paint}
        yield _without_filter(drawn)


def _points(base: dict[str, Any], name: str, symbol: Symbol) -> Iterator[dict[str, Any]]:
    if symbol.badge:
        layout = {
            "icon-image": ["concat", "badge-", ["get", "group"]],
            "icon-size": ["interpolate", ["linear"], ["zoom"], 12.5, 0.35, 13.5, 0.6, 15.0, 1.0],
            "icon-padding": 1,
        }
        yield base | {"id": f"{name}-badge", "type": "symbol", "layout": layout}
        return
    paint = {
        "circle-radius": 3,
        "circle-color": colour(symbol.fill),
        "circle-stroke-color": colour(symbol.line),
        "circle-stroke-width": 1.2,
    }
    yield base | {"id": f"{name}-point", "type": "circle", "paint": paint}


def _without_filter(drawn: dict[str, Any]) -> dict[str, Any]:
    """Return a style layer; line work has no columns a filter could ask for."""
    if drawn["source-layer"].endswith("_lines"):
        return {key: value for key, value in drawn.items() if key != "filter"}
    return drawn


def _filter(layer: Layer, symbol: Symbol) -> dict[str, Any]:
    if not symbol.where or symbol.where in CHOSEN_COLUMNS:
        return {}
    held = ["get", symbol.where]
    if symbol.among:
        return {"filter": ["in", held, ["literal", list(symbol.among)]]}
    taken = [one for other in layer.symbols if other.where == symbol.where for one in other.among]
    return {"filter": ["!", ["in", held, ["literal", taken]]]}


def _stateful(symbol: Symbol, on: str | float, off: str | float) -> Any:  # noqa: ANN401 - a style expression
    """Return ``on``, where the state of a feature must hold one of the symbol's values for it, else ``off``."""
    if symbol.where not in CHOSEN_COLUMNS:
        return on
    state = ["feature-state", symbol.where]
    first = symbol.among[0]
    return ["case", ["==", state, first], on, off]


def _width(stops: Stops) -> Any:  # noqa: ANN401 - a style expression
    if not stops:
        return 1
    return ["interpolate", ["linear"], ["zoom"], *(value for stop in stops for value in stop)]


def _labels(layer: Layer, window: tuple[int, int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rank and style layer of each line of a layer's labels, once for every view."""
    label = layer.label
    if label is None:
        return
    for view in layer.views:
        from_zoom = max(label.from_zoom, label.life_from_zoom) if view == "life" else label.from_zoom
        base = {
            "type": "symbol",
            "source": layer.layer_id,
            "source-layer": f"{layer.layer_id}_labels",
            "metadata": {"layer": layer.layer_id, "views": [view], "legend": ""},
            "minzoom": from_zoom,
            "maxzoom": label.to_zoom,
        }
        look = _LABELS[label.style]
        name = f"{layer.layer_id}-{view}"
        lifted = [0, -0.65] if label.second else [0, 0]
        if label.second:
            yield (
                look.rank - 2,
                base
                | {"id": f"{name}-second", "minzoom": max(from_zoom, label.second_from_zoom)}
                | {"filter": ["!=", ["get", "kind"], "special"]}
                | _text(
                    _counted(label.second, window), _SECOND, [0, 0.95], _out_of_range(label.second, window)
                ),
            )
        field = ["get", label.column]
        drawn = base | {"id": f"{name}-label"} | _text(field, look, lifted, colour(look.colour))
        if label.style == "grid":
            _set_back_special(drawn)
        yield look.rank, drawn


def _set_back_special(drawn: dict[str, Any]) -> None:
    """Write the codes of special-purpose grids small and grey, and only where there is room."""
    special = ["==", ["get", "kind"], "special"]
    drawn["layout"] |= {
        "symbol-sort-key": ["case", special, 1, 0],
        "text-size": ["step", ["zoom"], 13, 14.6, ["case", special, 13, 16]],
        "text-font": ["case", special, ["literal", _faces("normal")], ["literal", _faces("semibold")]],
    }
    drawn["paint"]["text-color"] = ["case", special, colour("--special-line"), colour("--ink")]


@dataclass(frozen=True)
class _Look:
    """Look of a line of text: the greater its rank, the less it gives way."""

    rank: int
    size: float
    strong: bool
    colour: str
    spacing: float = 0.0


_LABELS: Mapping[str, _Look] = {
    "estate": _Look(0, 12, strong=False, colour="--ink-2"),
    "community": _Look(2, 13, strong=True, colour="--community-line", spacing=0.08),
    "grid": _Look(3, 13, strong=True, colour="--ink"),
}
_SECOND = _Look(1, 12, strong=False, colour="--ink")


def _faces(weight: str) -> list[str]:
    """Return the faces of text: the renderer reads the weight from the first name, then takes what is there."""
    faces = [one.strip().strip('"') for one in tokens()["--font"].split(",")]
    return [f"Wangge {weight}", *(one for one in faces if one not in {"system-ui", "sans-serif"})]


def _text(field: Any, look: _Look, offset: Any, ink: Any) -> dict[str, Any]:  # noqa: ANN401 - style expressions
    return {
        "layout": {
            "text-field": field,
            "text-size": look.size,
            "text-font": _faces("semibold" if look.strong else "normal"),
            "text-padding": 1,
            "text-letter-spacing": look.spacing,
            "text-offset": offset,
        },
        "paint": {"text-color": ink, "text-halo-color": colour("--halo"), "text-halo-width": 1.6},
    }


def _counted(column: str, window: tuple[int, int]) -> list[Any]:
    """Return households as text, marked where they leave the window; nothing where they are not known."""
    value = ["get", column]
    above = [">", ["coalesce", value, 0], window[1]]
    mark = ["case", ["!", _outside(column, window)], "", above, "▲", "▼"]
    return ["case", ["!", ["has", column]], "", ["concat", mark, ["to-string", value]]]


def _outside(column: str, window: tuple[int, int]) -> list[Any]:
    """Return whether households are outside the window; they are not said to be where some are unknown."""
    value = ["coalesce", ["get", column], window[0]]
    complete = ["==", ["coalesce", ["get", "unknown_buildings"], 0], 0]
    return ["all", complete, ["any", [">", value, window[1]], ["<", value, window[0]]]]


def _out_of_range(column: str, window: tuple[int, int]) -> list[Any]:
    return ["case", _outside(column, window), colour("--bad"), colour("--ink")]
