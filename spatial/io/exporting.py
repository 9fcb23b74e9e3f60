"""Exporting: a town, a plan or a coverage in the formats that offices use.

Formats of one file per layer (``shp``, ``geojson``, ``csv``, ``kml``) make a ZIP archive; ``xlsx`` and
``gpkg`` make one file.  Tables without geometry go along as CSV where the format knows none.  With a town
goes the mapping that brings it back: in the archive as ``mapping.toml``, else beside the file.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely

from spatial.crs import DATUMS, from_wgs84
from spatial.errors import FileError, UsageError
from spatial.findings import Finding, Report, Severity
from spatial.io.packages import written_whole
from spatial.io.placing import reference_system
from spatial.io.safety import neutralised
from spatial.io.sources import MAPPING_NAME
from spatial.io.suggesting import quoted
from spatial.io.vocabulary import column_title, table_title
from spatial.schema import TABLES

__all__ = ["EXPORT_FORMATS", "export_tables"]

EXPORT_FORMATS = ("gpkg", "shp", "geojson", "csv", "xlsx", "kml")
_WGS84 = "EPSG:4326"
# A field of a DBF table: bytes of its name and of a text.
_DBF_NAME_BYTES = 10
_DBF_TEXT_BYTES = 254
_CELL_SIGNS = 32_767
# Decimals of coordinates written as text: a tenth of a millimetre.
_DECIMALS = {True: 9, False: 4}
_DRIVERS = {"shp": "ESRI Shapefile", "geojson": "GeoJSON", "kml": "KML", "gpkg": "GPKG"}


@dataclass(frozen=True)
class _Target:
    """How an export is written.

    Attributes
    ----------
    to : one of `EXPORT_FORMATS`
    reference : reference system or datum of the coordinates
    encoding : encoding of texts in Shapefiles and CSV
    language : language of the titles, '' for the names of the schema
    """

    to: str
    reference: str
    encoding: str
    language: str

    @property
    def in_degrees(self) -> bool:
        return self.reference in DATUMS or reference_system(self.reference).is_geographic


@dataclass(frozen=True)
class _Written:
    """One file or sheet of an export, as the mapping must know it."""

    table: str
    layer: str
    headers: Mapping[str, str]
    place: str


def export_tables(
    name: str,
    crs: pyproj.CRS,
    tables: Mapping[str, pd.DataFrame],
    path: Path | str,
    *,
    to: str,
    reference: str = "",
    encoding: str = "utf-8",
    titles: str = "",
) -> Report:
    """Write tables in a format that offices use.

    Parameters
    ----------
    name : what the place is called
    crs : reference system of the layers
    tables : tables by name; those without rows are left out
    path : the file to write; a ZIP archive for shp, geojson, csv and kml
    to : one of `EXPORT_FORMATS`
    reference : reference system (EPSG code) or datum (GCJ-02, BD-09) of the coordinates; as they are
        when '', WGS 84 for geojson and kml
    encoding : of texts in Shapefiles and CSV: utf-8 or gbk
    titles : language of the column titles in csv and xlsx, '' for the names of the schema

    Returns
    -------
    Report
        Notes about what the format cannot hold.

    Raises
    ------
    UsageError
        If the format is unknown.
    FileError
        If a text does not fit the encoding or the format, or the file cannot be written.
    """
    if to not in EXPORT_FORMATS:
        raise UsageError("io.export_format_unknown", format=to, known="、".join(EXPORT_FORMATS))
    usual = _WGS84 if to in {"geojson", "kml"} else _name_of(crs)
    target = _Target(to, reference or usual, encoding if to in {"shp", "csv"} else "utf-8", titles)
    moved = {
        table: _moved(frame, target) if isinstance(frame, gpd.GeoDataFrame) else _with_index(frame)
        for table, frame in tables.items()
        if len(frame)
    }
    findings: list[Finding] = []
    if to == "xlsx":
        written = _write_workbook(moved, Path(path), target)
        mapping_path = Path(path).with_suffix(".toml")
    elif to == "gpkg":
        written = _write_package(moved, Path(path))
        mapping_path = Path(path).with_suffix(".toml")
    else:
        with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
            written = list(_write_folder(moved, Path(folder), target, findings))
            mapping = _mapping(name, crs, written, target)
            _pack(Path(folder), Path(path), mapping if _is_town(tables) else None)
        return Report(tuple(findings))
    if _is_town(tables):
        with written_whole(mapping_path) as partial:
            partial.write_text(_mapping(name, crs, written, target), encoding="utf-8")
    return Report(tuple(findings))


def _is_town(tables: Mapping[str, pd.DataFrame]) -> bool:
    return "buildings" in tables and "use" in tables["buildings"]


def _name_of(crs: pyproj.CRS) -> str:
    authority = crs.to_authority()
    return ":".join(authority) if authority else crs.to_wkt()


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(frame.reset_index() if frame.index.name else frame.reset_index(drop=True))


def _moved(layer: gpd.GeoDataFrame, target: _Target) -> gpd.GeoDataFrame:
    """Return a layer in the reference system or datum of the export."""
    plain = gpd.GeoDataFrame(_with_index(layer), geometry="geometry", crs=layer.crs)
    if target.reference in DATUMS:
        degrees = plain.to_crs(_WGS84)
        shifted = shapely.transform(degrees.geometry.to_numpy(), lambda xy: from_wgs84(xy, target.reference))
        return degrees.set_geometry(gpd.GeoSeries(shifted, crs=_WGS84))
    return plain.to_crs(reference_system(target.reference))


def _write_folder(
    tables: Mapping[str, pd.DataFrame], folder: Path, target: _Target, findings: list[Finding]
) -> Iterator[_Written]:
    """Write one file to a layer, or to a kind of geometry of it, and a CSV to a table without any."""
    for table, frame in tables.items():
        if target.to == "csv" or not isinstance(frame, gpd.GeoDataFrame):
            yield _write_csv(table, frame, folder, target)
            continue
        for layer, part in _parts(table, frame) if target.to == "shp" else [(table, frame)]:
            plain = {one: one for one in part.columns if one != "geometry"}
            headers = _short_names(plain) if target.to == "shp" else plain
            if target.to == "kml" and "name" in headers:
                headers["name"] = "Name"  # the one name that KML gives a place
            if target.to == "shp":
                _refuse_unfit(table, part, target.encoding)
                findings += _shortened(table, headers)
            _write_vector(part.rename(columns=headers), folder / f"{layer}.{target.to}", target)
            yield _Written(table, layer, headers, "")


def _parts(table: str, layer: gpd.GeoDataFrame) -> Iterator[tuple[str, gpd.GeoDataFrame]]:
    """Divide a layer by the kind of its geometries: a Shapefile holds one."""
    dimensions = shapely.get_dimensions(layer.geometry.to_numpy())
    kinds = {0: "point", 1: "line", 2: "polygon"}
    present = [one for one in kinds if (dimensions == one).any()]
    for number, dimension in enumerate(present):
        rows = dimensions == dimension
        if number == 0:
            rows |= dimensions < 0
        yield table if len(present) == 1 else f"{table}_{kinds[dimension]}", layer[rows]


def _write_vector(layer: gpd.GeoDataFrame, path: Path, target: _Target) -> None:
    options: dict[str, object] = {"driver": _DRIVERS[target.to]}
    if target.to == "shp":
        options["encoding"] = target.encoding
        flags = [one for one in layer.columns if layer[one].dtype == "boolean"]
        layer = layer.assign(**{one: layer[one].astype("Int64") for one in flags})
    if target.to == "geojson":
        options["layer_options"] = {"COORDINATE_PRECISION": _DECIMALS[True], "RFC7946": "NO"}
    try:
        pyogrio.write_dataframe(layer, path, **options)
    except (RuntimeError, ValueError, OSError) as error:
        raise FileError("io.not_writable", path=path.name, reason=str(error)) from error


def _short_names(columns: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """Return names of at most ten bytes, each once, in plain letters where the name has such."""
    short: dict[str, str] = {}
    for name in columns:
        base = name.encode("ascii", "ignore").decode() or "field"
        candidate, number = base[:_DBF_NAME_BYTES], 1
        while candidate.lower() in {one.lower() for one in short.values()}:
            ending = str(number)
            candidate, number = base[: _DBF_NAME_BYTES - len(ending)] + ending, number + 1
        short[name] = candidate
    return short


def _shortened(table: str, headers: Mapping[str, str]) -> list[Finding]:
    changed = [f"{name} → {short}" for name, short in headers.items() if name != short]
    if not changed:
        return []
    return [Finding.of(Severity.NOTE, "io.names_shortened", table, names="、".join(changed))]


def _refuse_unfit(table: str, frame: pd.DataFrame, encoding: str) -> None:
    """Refuse texts that the encoding or a DBF field cannot hold.

    Raises
    ------
    FileError
        If there is one.
    """
    for name in frame.columns:
        if name == "geometry" or not pd.api.types.is_string_dtype(frame[name].dtype):
            continue
        texts = frame[name].dropna()
        codes = [_encoded(one, encoding) for one in texts]
        for rule, faulty in (
            ("not_in_encoding", [one for one, code in zip(texts, codes, strict=True) if code is None]),
            (
                "text_too_long",
                [one for one, code in zip(texts, codes, strict=True) if code and len(code) > _DBF_TEXT_BYTES],
            ),
        ):
            if faulty:
                raise FileError(
                    f"io.{rule}",
                    column=name,
                    table_name=table,
                    count=len(faulty),
                    value=faulty[0][:40],
                    encoding=encoding,
                    limit=_DBF_TEXT_BYTES,
                )


def _encoded(value: str, encoding: str) -> bytes | None:
    try:
        return value.encode(encoding)
    except UnicodeEncodeError:
        return None


def _flat(frame: pd.DataFrame, target: _Target) -> tuple[pd.DataFrame, dict[str, str], str]:
    """Return a table of cells, its headers by column, and the mapping's line about the place."""
    names = [str(one) for one in frame.columns if one != "geometry"]
    title: Callable[[str], str] = (
        (lambda one: column_title(one, target.language)) if target.language else (lambda one: one)
    )
    headers = {name: title(name) for name in names}
    if len(set(headers.values())) < len(headers):  # an own column may be called as a title
        headers = {name: name for name in names}
    cells = pd.DataFrame({headers[name]: _texts(frame[name]) for name in names}, index=frame.index)
    if not isinstance(frame, gpd.GeoDataFrame):
        return cells, headers, ""
    decimals = _DECIMALS[target.in_degrees]
    geometries = frame.geometry.to_numpy()
    reference = f"crs = {quoted(target.reference)}"
    if (shapely.get_type_id(geometries) == shapely.GeometryType.POINT).all():
        x, y = (title(one) for one in (("longitude", "latitude") if target.in_degrees else ("x", "y")))
        places = shapely.get_coordinates(geometries).round(decimals)
        cells = cells.assign(**{x: places[:, 0], y: places[:, 1]})
        return cells, headers, f"{reference}\nx = {quoted(x)}\ny = {quoted(y)}"
    header = title("geometry")
    shapes = np.array(shapely.to_wkt(geometries, rounding_precision=decimals), dtype=object)
    return cells.assign(**{header: shapes}), headers, f"{reference}\nwkt = {quoted(header)}"


def _texts(values: pd.Series) -> pd.Series:
    return neutralised(values) if pd.api.types.is_string_dtype(values.dtype) else values


def _write_csv(table: str, frame: pd.DataFrame, folder: Path, target: _Target) -> _Written:
    cells, headers, place = _flat(frame, target)
    # A mark of byte order tells spreadsheets that it is UTF-8.
    encoding = "utf-8-sig" if target.encoding.lower().replace("-", "") == "utf8" else target.encoding
    try:
        cells.to_csv(folder / f"{table}.csv", index=False, encoding=encoding)
    except UnicodeEncodeError as error:
        raise FileError(
            "io.not_in_encoding",
            column="",
            table_name=table,
            count=1,
            value=error.object[error.start : error.end],
            encoding=target.encoding,
            limit=_DBF_TEXT_BYTES,
        ) from error
    return _Written(table, table, headers, place)


def _write_workbook(tables: Mapping[str, pd.DataFrame], path: Path, target: _Target) -> list[_Written]:
    written = []
    flat = {table: _flat(frame, target) for table, frame in tables.items()}
    for table, (cells, _, _) in flat.items():
        for name in cells.columns:
            if pd.api.types.is_string_dtype(cells[name].dtype) or cells[name].dtype == object:
                longest = cells[name].dropna().astype(str).str.len().max()
                if longest > _CELL_SIGNS:
                    raise FileError(
                        "io.text_too_long",
                        column=name,
                        table_name=table,
                        count=1,
                        value="",
                        encoding="",
                        limit=_CELL_SIGNS,
                    )
    with written_whole(path) as partial, pd.ExcelWriter(partial, engine="openpyxl") as book:
        for table, (cells, headers, place) in flat.items():
            sheet = table_title(table, target.language) if target.language else table
            cells.to_excel(book, sheet_name=sheet, index=False)
            written.append(_Written(table, sheet, headers, place))
    return written


def _write_package(tables: Mapping[str, pd.DataFrame], path: Path) -> list[_Written]:
    with written_whole(path) as partial:
        for table, frame in tables.items():
            pyogrio.write_dataframe(frame, partial, layer=table, driver="GPKG", append=partial.exists())
    return [
        _Written(table, table, {one: one for one in frame.columns if one != "geometry"}, "")
        for table, frame in tables.items()
    ]


def _mapping(name: str, crs: pyproj.CRS, written: Sequence[_Written], target: _Target) -> str:
    """Return the mapping that brings an exported town back."""
    lines = ["[town]", f"name = {quoted(name)}", f"crs = {quoted(_name_of(crs))}"]
    for one in written:
        if one.table not in TABLES:
            continue
        lines += ["", "[[layer]]", f"from = {quoted(one.layer)}", f"to = {quoted(one.table)}"]
        if target.encoding != "utf-8":
            lines.append(f"encoding = {quoted(target.encoding)}")
        if one.place:
            lines.append(one.place)
        elif target.reference in DATUMS and TABLES[one.table].is_layer:
            lines.append(f"crs = {quoted(target.reference)}")
        lines.append("[layer.columns]")
        lines += [f"{quoted(column)} = {quoted(header)}" for column, header in one.headers.items()]
    return "\n".join(lines) + "\n"


def _pack(folder: Path, path: Path, mapping: str | None) -> None:
    with written_whole(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
        if mapping is not None:
            archive.writestr(MAPPING_NAME, mapping)
