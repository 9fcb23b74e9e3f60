"""Vector files through GDAL: every layer of a file as a table, with types that keep a null a null."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import pyogrio

from spatial.errors import FileError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["layer_names", "read_layer", "read_layers"]

# What GDAL, Arrow and GEOS raise on a file they cannot read.
_READ_FAILURES = (RuntimeError, ValueError, OSError, KeyError, TypeError, AttributeError)


def layer_names(path: Path | str) -> list[str]:
    """Return the names of the layers and tables of a file.

    Raises
    ------
    FileError
        If the file is missing or GDAL cannot open it.
    """
    if not Path(path).exists():
        raise FileError("io.file_missing", path=path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    except _READ_FAILURES as error:
        raise FileError("io.unreadable", path=path, reason=_reason(error)) from error


def read_layer(path: Path | str, layer: str, *, encoding: str | None = None) -> pd.DataFrame:
    """Read one layer or table; a layer with geometry is a GeoDataFrame.

    Raises
    ------
    FileError
        If the layer cannot be read.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            frame = pyogrio.read_dataframe(
                path,
                layer=layer,
                encoding=encoding,
                use_arrow=encoding is None,
                **({"arrow_to_pandas_kwargs": {"types_mapper": _pandas_type}} if encoding is None else {}),
            )
    except _READ_FAILURES as error:
        raise FileError("io.layer_unreadable", path=path, layer=layer, reason=_reason(error)) from error
    if isinstance(frame, gpd.GeoDataFrame) and frame.geometry.name != "geometry":
        frame = frame.rename_geometry("geometry")
    return pd.DataFrame(frame) if not isinstance(frame, gpd.GeoDataFrame) else frame


def read_layers(path: Path | str, skip: Collection[str] = ()) -> dict[str, pd.DataFrame]:
    """Read every layer and table of a file but those of ``skip``."""
    return {name: read_layer(path, name) for name in layer_names(path) if name not in skip}


def _pandas_type(arrow_type: pa.DataType) -> pd.api.extensions.ExtensionDtype | None:
    """Return the pandas type that keeps a null of an Arrow type a null."""
    import pyarrow as pa

    if pa.types.is_boolean(arrow_type):
        return pd.BooleanDtype()
    if pa.types.is_integer(arrow_type):
        return pd.Int64Dtype()
    if pa.types.is_floating(arrow_type):
        return pd.Float64Dtype()
    if pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type):
        return pd.StringDtype()
    return None


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
