"""Sources: the files of an import, opened by what they are, each with its layers.

Archives are unpacked into a folder that is removed afterwards.  Nothing outside the given paths is
opened.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyproj

from spatial.crs import leads_to_degrees
from spatial.errors import FileError, RulesError
from spatial.findings import Finding, Severity
from spatial.io.archives import unpack
from spatial.io.formats import Format, format_of, is_archive, is_known
from spatial.io.osm import OSM_LAYERS, OsmExtract, read_osm
from spatial.io.vector import read_layer

__all__ = ["MAPPING_NAME", "TOWN_PACKAGE", "Sources"]

MAPPING_NAME = "mapping.toml"
"""What the mapping is called that an archive or a folder of sources brings along."""
TOWN_PACKAGE = "wangge-town/1"
"""What the package of a town says that it is, in its table of provenance."""
_PROVENANCE = "provenance"

# An archive in an archive is unpacked beside itself, into a folder whose name ends so.
_UNPACKED = ".unpacked"
_FILES_SHOWN = 12

# Files that stand beside a Shapefile or another source and are no source themselves.
_BESIDE = frozenset({".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".qpj", ".qmd", ".xml", ".fix"})


@dataclass(frozen=True)
class _Layer:
    path: Path
    name: str
    format: Format | None

    @property
    def full_name(self) -> str:
        return f"{self.path.name.partition('.')[0]}:{self.name}"


@dataclass
class Sources:
    """The layers of several files.

    Attributes
    ----------
    paths : the files as they were given
    selecting : tag keys by which objects of OpenStreetMap files are chosen
    tags : further tag keys kept of them
    findings : what was noticed while reading
    mapping : the mapping that an archive or a folder brings along, or None
    town_name : name of the town in a package among the files, else that of the first file
    provenance : what a town package among the files says of its origin
    """

    paths: tuple[Path, ...]
    selecting: tuple[str, ...]
    tags: tuple[str, ...]
    findings: list[Finding] = field(default_factory=list)
    mapping: Path | None = None
    town_name: str = ""
    provenance: dict[str, str] = field(default_factory=dict)
    _layers: list[_Layer] = field(default_factory=list)
    _read: set[str] = field(default_factory=set)
    _extracts: dict[Path, OsmExtract] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def of(
        cls, paths: Sequence[Path | str], selecting: Sequence[str] = (), tags: Sequence[str] = ()
    ) -> Iterator[Sources]:
        """Open files; the folder that archives are unpacked into lasts as long as the block.

        Raises
        ------
        FileError
            If a file is missing, empty, of an unknown kind or damaged.
        """
        opened = cls(tuple(Path(path) for path in paths), tuple(selecting), tuple(tags))
        with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
            unpacked = [Path(folder) / str(number) for number in range(len(opened.paths))]
            try:
                for path, room in zip(opened.paths, unpacked, strict=True):
                    for file in _files(path, room, opened.findings):
                        if file.suffix.lower() == ".toml":
                            opened.mapping = file
                        else:
                            opened._layers += _layers(file)
                opened._take_provenance()
                yield opened
            except FileError as error:
                raise _as_given(error, dict(zip(unpacked, opened.paths, strict=True))) from error

    def _take_provenance(self) -> None:
        """Take out what a town package says of itself: no layer of an office, but the town's origin."""
        for layer in [one for one in self._layers if one.name == _PROVENANCE and one.path.suffix == ".gpkg"]:
            entries = read_layer(layer.path, layer.name)
            if {"key", "value"} <= set(entries.columns):
                said = dict(
                    zip(entries["key"].astype(str), entries["value"].fillna("").astype(str), strict=True)
                )
                if said.pop("package", "") == TOWN_PACKAGE:
                    self._layers.remove(layer)
                    self.town_name = said.pop("name", "") or self.town_name
                    self.provenance = {**said, **self.provenance}
        self.town_name = self.town_name or self.paths[0].name.partition(".")[0]

    @property
    def layer_names(self) -> list[str]:
        """Full names of all layers, ``file:layer``."""
        return [layer.full_name for layer in self._layers]

    def is_osm(self, name: str) -> bool:
        """Return whether a layer, by its full name, is one of an OpenStreetMap file."""
        return any(one.full_name == name and one.format is None for one in self._layers)

    def read(self, name: str, encoding: str = "") -> pd.DataFrame:
        """Read a layer by its name, ``layer`` or ``file:layer``.

        Raises
        ------
        RulesError
            If no layer has the name, or several have.
        FileError
            If the layer cannot be read.
        """
        found = [one for one in self._layers if name in {one.name, one.full_name}]
        if len(found) != 1:
            rule = "io.layer_ambiguous" if found else "io.layer_unknown"
            known = "、".join(one.full_name for one in found or self._layers)
            raise RulesError(rule, layer=name, known=known)
        layer = found[0]
        self._read.add(layer.full_name)
        return self._frame(layer, encoding)

    def layers_not_read(self) -> dict[str, int]:
        """Return the full name and the number of rows of every layer that was not read."""
        return {
            layer.full_name: len(self._frame(layer, ""))
            for layer in self._layers
            if layer.full_name not in self._read
        }

    def _with_usable_reference(self, frame: pd.DataFrame, layer: _Layer) -> pd.DataFrame:
        """Return a layer without a reference system that no coordinates can be brought out of."""
        if (
            not isinstance(frame, gpd.GeoDataFrame)
            or frame.crs is None
            or leads_to_degrees(pyproj.CRS(frame.crs))
        ):
            return frame
        self.findings.append(
            Finding.of(
                Severity.WARNING, "io.reference_unusable", None, layer=layer.full_name, name=frame.crs.name
            )
        )
        bare: pd.DataFrame = frame.set_crs(None, allow_override=True)
        return bare

    def _frame(self, layer: _Layer, encoding: str) -> pd.DataFrame:
        if layer.format is not None:
            frame, findings = layer.format.read(layer.path, layer.name, encoding)
            self.findings += findings
            return self._with_usable_reference(frame, layer)
        if layer.path not in self._extracts:
            extract = read_osm(layer.path, self.selecting, self.tags)
            self._extracts[layer.path] = extract
            for rule, ids in (("way_incomplete", extract.incomplete), ("object_unusable", extract.unusable)):
                if ids:
                    self.findings.append(
                        Finding.of(
                            Severity.WARNING,
                            f"io.{rule}",
                            None,
                            file=layer.path.name,
                            count=len(ids),
                            objects="、".join(ids[:5]),
                        )
                    )
        tagged: pd.DataFrame = self._extracts[layer.path].layers[layer.name]
        return tagged


def _as_given(error: FileError, unpacked: Mapping[Path, Path]) -> FileError:
    """Return an error about an unpacked file as one about the archive that it came in."""
    values = dict(error.statement.values)
    path = Path(values.get("path", ""))
    for folder, archive in unpacked.items():
        if path.is_relative_to(folder):
            values["path"] = f"{archive}/{_shown(path.relative_to(folder))}"
    return FileError(error.statement.key, **values)


def _files(path: Path, folder: Path, findings: list[Finding]) -> list[Path]:
    """Return the sources that a path stands for: itself, or what an archive or a folder holds."""
    if path.is_dir() and path.suffix.lower() != ".gdb":
        return _files_of_folder(path, folder, findings)
    return _files_of_archive(path, folder, findings) if is_archive(path) else [path]


def _files_of_archive(path: Path, folder: Path, findings: list[Finding]) -> list[Path]:
    """Return the sources that an archive holds, also in archives inside it; what is no source is said.

    Raises
    ------
    FileError
        If one cannot be unpacked, or none holds a source.
    """
    sources: list[Path] = []
    others: list[str] = []
    waiting, spent_bytes = [(path, folder)], 0
    while waiting:
        archive, room = waiting.pop()
        unpacked = unpack(archive, room, spent_bytes)
        spent_bytes += sum(file.stat().st_size for file in unpacked)
        files = [file for file in unpacked if not _is_hidden(file.relative_to(room))]
        databases = {parent for file in files for parent in file.parents if parent.suffix.lower() == ".gdb"}
        for file in (*databases, *(one for one in files if not databases.intersection(one.parents))):
            if is_archive(file):
                waiting.append((file, file.with_name(file.name + _UNPACKED)))
            elif file in databases or file.name == MAPPING_NAME or is_known(file):
                sources.append(file)
            elif file.suffix.lower() not in _BESIDE:
                others.append(_shown(file.relative_to(folder)))
    shown = "、".join(sorted(others)[:_FILES_SHOWN])
    if not sources:
        raise FileError("io.archive_without_sources", path=path, files=shown or "0")
    if others:
        findings.append(
            Finding.of(Severity.NOTE, "io.files_passed_over", None, folder=path.name, files=shown)
        )
    return sorted(sources)


def _shown(path: Path) -> str:
    """Return a path inside an archive as the archives write it."""
    return path.as_posix().replace(_UNPACKED, "")


def _is_hidden(path: Path) -> bool:
    """Return whether a file of an archive is one that a system or an open workbook left there."""
    return any(part.startswith((".", "~$", "__MACOSX")) or part == "Thumbs.db" for part in path.parts)


def _files_of_folder(path: Path, folder: Path, findings: list[Finding]) -> list[Path]:
    """Return the sources that stand in a folder itself; what is no source is said.

    Raises
    ------
    FileError
        If none stands there.
    """
    # Names that begin so are hidden files, and those that Excel keeps of an open workbook.
    entries = sorted(one for one in path.iterdir() if not one.name.startswith((".", "~$")))
    sources: list[Path] = []
    others: list[str] = []
    for entry in entries:
        if (
            entry.name == MAPPING_NAME
            or (entry.is_file() and is_known(entry))
            or entry.suffix.lower() == ".gdb"
        ):
            sources += _files(entry, folder / entry.name, findings)
        elif entry.suffix.lower() not in _BESIDE:
            others.append(entry.name)
    if not sources:
        raise FileError("io.folder_without_sources", path=path)
    if others:
        findings.append(
            Finding.of(Severity.NOTE, "io.files_passed_over", None, folder=path.name, files="、".join(others))
        )
    return sources


def _layers(path: Path) -> list[_Layer]:
    known = format_of(path)
    names = OSM_LAYERS if known is None else known.layers(path)
    return [_Layer(path, name, known) for name in names]
