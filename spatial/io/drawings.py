"""Drawings: a DXF file, layer by layer as the draughtsman named them, with the texts that stand in outlines."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray

from spatial.errors import FileError
from spatial.findings import Finding, Severity
from spatial.io.sheets import decode
from spatial.io.vector import layer_names, read_layer

__all__ = ["drawing_layers", "read_drawing_layer"]

_LAYER, _TEXT = "Layer", "Text"
_GDAL_ENCODINGS = {"utf-8-sig": "UTF-8", "gb18030": "CP936"}


def drawing_layers(path: Path) -> list[str]:
    """Return the layers of a drawing that hold more than texts.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    frame, _ = _entities(path, "")
    drawn = frame.loc[~_is_text(frame), _LAYER]
    return list(drawn.unique())


def read_drawing_layer(path: Path, layer: str, encoding: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Read one layer of a drawing; texts of any layer that stand in an outline become its column ``Text``.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    frame, findings = _entities(path, encoding)
    is_text = _is_text(frame)
    rows = frame[(frame[_LAYER] == layer).to_numpy(dtype=bool) & ~is_text].reset_index(drop=True)
    texts = frame[is_text]
    outlines = rows.geometry.to_numpy().copy()
    closed = shapely.is_closed(outlines) & (shapely.get_num_coordinates(outlines) >= 4)
    if closed.any():
        outlines[closed] = shapely.polygons([shapely.LinearRing(one.coords) for one in outlines[closed]])
    text, outline = shapely.STRtree(outlines).query(texts.geometry.to_numpy(), predicate="intersects")
    if len(text):
        said = pd.Series(texts[_TEXT].to_numpy()[text]).groupby(outline).agg(" ".join)
        rows[_TEXT] = said.reindex(rows.index).astype("string")
    note = Finding.of(
        Severity.NOTE,
        "io.texts_of_drawing",
        None,
        layer=layer,
        count=len(texts),
        inside=len(np.unique(text)),
    )
    return rows.drop(columns=_LAYER), [*findings, note] if len(texts) else findings


def _entities(path: Path, encoding: str) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Return what a drawing holds, in an encoding that its texts fit: GDAL takes any for that of the header."""
    content = path.read_bytes()
    used = ""
    if not content.isascii():
        used = decode(content, encoding, path)[1]
        pyogrio.set_gdal_config_options({"DXF_ENCODING": _GDAL_ENCODINGS.get(used, used)})
    try:
        (entities, *_) = layer_names(path)
        frame = read_layer(path, entities)
    finally:
        pyogrio.set_gdal_config_options({"DXF_ENCODING": None})
    findings = []
    if used and not encoding:
        findings.append(Finding.of(Severity.NOTE, "io.encoding_guessed", None, file=path.name, encoding=used))
    if not isinstance(frame, gpd.GeoDataFrame) or _LAYER not in frame.columns:
        raise FileError("io.layer_unreadable", path=path, layer=entities, reason=_LAYER)
    texts = frame[_TEXT].astype("string") if _TEXT in frame.columns else pd.Series(pd.NA, index=frame.index)
    layers = frame[_LAYER].astype("string").fillna("0")
    return frame.assign(**{_LAYER: layers, _TEXT: texts.astype("string")}), findings


def _is_text(frame: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    points = shapely.get_dimensions(frame.geometry.to_numpy()) == 0
    is_text: NDArray[np.bool_] = points & frame[_TEXT].notna().to_numpy(dtype=bool)
    return is_text
