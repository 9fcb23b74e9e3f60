"""Importing: an office's files become a town, by a mapping and no special code.

Every row that is read is counted where it went: into a table, or out, and by which rule.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from spatial.checks import (
    STUDY_AREA_ID,
    containing,
    make_town,
    propose_communities,
    propose_estates,
    propose_gates,
    reference_is_sound,
    repair_tables,
)
from spatial.crs import metric_crs
from spatial.errors import SchemaError
from spatial.findings import Finding, Report, Severity
from spatial.households import estimate_households
from spatial.io.categories import categorise, osm_keys
from spatial.io.joining import Part, join_codes, resolve, update
from spatial.io.mapping import PROPOSALS, LayerRule, TownMapping, parse_mapping, read_mapping
from spatial.io.placing import place
from spatial.io.selecting import any_of
from spatial.io.sources import Sources
from spatial.io.suggesting import suggest
from spatial.io.tabulating import SERVICE_COLUMNS, tabulate
from spatial.schema import TABLES, Table
from spatial.town import Town

__all__ = ["ImportResult", "ImportedTables", "import_tables", "import_town"]

Progress = Callable[[str, int, int], None]
_VALUES_SHOWN = 12


@dataclass(frozen=True)
class ImportResult:
    """A town and the account of how it was made.

    Attributes
    ----------
    town : the town
    counts : table layer, table, outcome, rows: where every row that was read went.  For each
        layer and table the rows of the outcomes sum to the rows read.  ``kept`` is in the
        town, ``updated`` has replaced values of rows there; the others are rules by which rows stayed
        out; ``not_mapped`` is a layer no rule names
    repairs : table of repairs with old and new value; empty when none were asked for
    report : every finding of the import and of the checks
    """

    town: Town
    counts: pd.DataFrame
    repairs: pd.DataFrame
    report: Report


@dataclass(frozen=True)
class ImportedTables:
    """The raw tables of an import, before they are checked; attributes as of `ImportResult`.

    Attributes
    ----------
    name : name of the town
    crs : reference system of the layers; None when no row has a place
    tables : raw tables by name
    provenance : where the data come from
    rules : the mapping that was followed
    """

    name: str
    crs: pyproj.CRS | None
    tables: dict[str, pd.DataFrame]
    provenance: dict[str, str]
    rules: TownMapping
    counts: pd.DataFrame
    repairs: pd.DataFrame
    report: Report

    def town(self, progress: Progress | None = None) -> ImportResult:
        """Check the tables and make the town of them: proposals for what is absent, households estimated.

        Raises
        ------
        SchemaError
            If what came in breaks the schema; it carries the report of import and checks.
        """
        steps = len(self.rules.propose) + 2
        tell = progress or (lambda *_: None)
        tell("io.progress_checking", 0, steps)
        try:
            made = make_town(self.name, self.crs, self.tables, self.provenance)
        except SchemaError as error:
            raise SchemaError(self.report + error.report) from error
        for number, table in enumerate(self.rules.propose, 1):
            tell("io.progress_checking", number, steps)
            proposed = _PROPOSALS[table](made)
            if proposed is made:
                note = Finding.of(Severity.NOTE, "io.nothing_proposed", table)
                proposed = replace(made, report=made.report + Report((note,)))
            made = proposed
        tell("io.progress_checking", steps - 1, steps)
        town = estimate_households(made, by_neighbours=self.rules.estimate_households)
        tell("io.progress_checking", steps, steps)
        return ImportResult(town, self.counts, self.repairs, self.report + town.report)


_PROPOSALS = {"communities": propose_communities, "estates": propose_estates, "gates": propose_gates}


def import_town(
    sources: Sequence[Path | str],
    mapping: TownMapping | Path | str | None = None,
    progress: Progress | None = None,
    *,
    repair: bool = False,
    propose: Sequence[str] = (),
) -> ImportResult:
    """Make a town of files by a mapping.

    Households that only an estate or a community total tells are shared out among its buildings, marked
    as estimated (`spatial.households`).

    Parameters
    ----------
    sources : files, folders of files, or File Geodatabase folders; nothing else is read
    mapping : the mapping, or the path of its TOML file; when None that which an archive or a folder brings
        along, else the suggested one, which is right for filled templates; what it guesses is warned of
    repair : whether what is safe to repair is repaired (`spatial.checks.repair_tables`), each with a record
    propose : what is proposed where there is none, besides what the mapping says: communities,
        estates, gates
    progress : called with a catalogue key, what is done and how much there is

    Raises
    ------
    FileError
        If a source cannot be read.
    RulesError
        If the mapping cannot be followed.
    SchemaError
        If what came in breaks the schema; it carries the report of import and checks.
    """
    return import_tables(sources, mapping, progress, repair=repair, propose=propose).town(progress)


def import_tables(
    sources: Sequence[Path | str],
    mapping: TownMapping | Path | str | None = None,
    progress: Progress | None = None,
    *,
    repair: bool = False,
    propose: Sequence[str] = (),
) -> ImportedTables:
    """Read files by a mapping into raw tables; parameters and errors as for `import_town`."""
    rules, findings = (mapping, []) if isinstance(mapping, TownMapping) else _rules(sources, mapping)
    wanted = [one for one in PROPOSALS if one in {*propose, *rules.propose}]
    rules = replace(rules, propose=tuple(wanted))
    steps = len(rules.layers) + 1
    with Sources.of(sources, *_keys(rules)) as opened:
        parts = []
        for number, rule in enumerate(rules.layers):
            if progress is not None:
                progress("io.progress_reading", number, steps)
            part, more = _read_part(opened, rule)
            parts.append(part)
            findings += more
        findings += opened.findings
        unmapped = opened.layers_not_read()
        name = rules.name or opened.town_name
        provenance = _provenance(rules, opened)
    if progress is not None:
        progress("io.progress_reading", steps - 1, steps)
    crs = _bring_together(parts, rules)
    tables, more = _tables(parts, rules, crs, name)
    findings += more
    repaired = repair_tables(tables if repair else {})
    tables |= repaired.tables
    findings += repaired.report.findings
    if progress is not None:
        progress("io.progress_reading", steps, steps)
    counts = _counts(parts, unmapped)
    return ImportedTables(
        name, crs, tables, provenance, rules, counts, repaired.repairs, Report(tuple(findings))
    )


def _rules(sources: Sequence[Path | str], mapping: Path | str | None) -> tuple[TownMapping, list[Finding]]:
    """Return the mapping of a file, else that which a source brings along, else the suggested one."""
    if mapping is not None:
        return read_mapping(mapping), []
    with Sources.of(sources) as opened:
        if opened.mapping is not None:
            return read_mapping(opened.mapping), []
    suggestion = suggest(sources)
    doubts = [
        Finding.of(Severity.WARNING, "io.mapping_suggested", None, layer=layer, doubt=doubt)
        for layer, doubt in suggestion.doubts
    ]
    return parse_mapping(tomllib.loads(suggestion.text)), doubts


def _keys(rules: TownMapping) -> tuple[list[str], list[str]]:
    """Return the tag keys that choose objects of an OpenStreetMap file, and those only kept."""
    selecting = [one.keys[0] for rule in rules.layers for one in rule.where]
    if any(rule.categories and "osm" in rule.categories.ways for rule in rules.layers):
        selecting += osm_keys()
    named = [column.name for rule in rules.layers for column in TABLES[rule.table].columns]
    return selecting, [key for rule in rules.layers for key in rule.keys] + named


def _read_part(opened: Sources, rule: LayerRule) -> tuple[Part, list[Finding]]:
    """Return the rows that a rule takes from its source layers, and the findings about them."""
    frames = [opened.read(layer, rule.encoding) for layer in rule.layers]
    layer = "、".join(rule.layers)
    source = _stacked(frames)
    part = Part(rule, layer, source)
    empty = [] if len(source) else [part.warn("layer_empty")]
    part.keep(any_of(rule.where, source), "not_selected")
    source = part.frame
    tabulated = tabulate(source, rule, layer)
    findings = [*empty, *tabulated.findings]
    part.frame = frame = tabulated.frame
    for column, one in rule.columns.items():
        if one.codes:
            within = source[one.within] if one.within in source.columns else None
            findings += join_codes(part, column, within, opened.read(one.codes))
            frame = part.frame
    if TABLES[rule.table].is_layer:
        placed, more = place(source, rule, layer)
        findings += more
        frame = gpd.GeoDataFrame(frame, geometry=placed.geometry, crs=placed.crs)
    if rule.categories is not None:
        known = [name for name in ("name", "land_area_m2") if name in frame]
        tags = pd.DataFrame(source.drop(columns=known, errors="ignore").join(frame[known]))
        if "land_area_m2" not in known:
            tags["land_area_m2"] = _land_areas(frame)
        frame = frame.assign(category=pd.array(categorise(tags, rule.categories), dtype="string"))
        untold = frame["category"].isna().to_numpy(dtype=bool)
        if untold.any():
            findings.append(_uncategorised(source[untold], rule, layer))
    part.frame = frame
    if rule.categories is not None:
        part.keep(frame["category"].notna().to_numpy(dtype=bool), "no_category")
    return part, findings


def _land_areas(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return the area of the polygons of a layer in m², NaN for what is no polygon."""
    unknown = np.full(len(frame), np.nan)
    if not isinstance(frame, gpd.GeoDataFrame) or frame.crs is None or not frame.geometry.notna().any():
        return unknown
    geometries = frame.geometry
    if not pyproj.CRS(frame.crs).is_projected:
        geometries = geometries.to_crs(metric_crs(frame))
    areal = shapely.get_dimensions(geometries.to_numpy()) == 2
    return np.where(areal, shapely.area(geometries.to_numpy()), unknown)


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of several source layers as one, in the reference system of the first."""
    if len(frames) == 1:
        return frames[0]
    layers = [frame for frame in frames if isinstance(frame, gpd.GeoDataFrame) and frame.crs is not None]
    if layers and len(layers) == len(frames):
        frames = [layer.to_crs(layers[0].crs) for layer in layers]
    rows: pd.DataFrame = pd.concat(frames, ignore_index=True)
    return rows


def _uncategorised(rows: pd.DataFrame, rule: LayerRule, layer: str) -> Finding:
    """Return a warning that shows what the facilities without a category are, the most frequent first."""
    keys = [rule.categories.source] if rule.categories and rule.categories.source else []
    keys = [key for key in (*keys, *osm_keys(), "name") if key in rows.columns]
    told = pd.Series("", index=rows.index, dtype="string")
    for key in keys:
        described = key + "=" + rows[key].astype("string").fillna("")
        told = told.mask((told == "") & rows[key].notna(), described)
    frequent = told.value_counts().head(_VALUES_SHOWN)
    shown = "、".join(f"{value} ({count})" for value, count in frequent.items())
    return Finding.of(
        Severity.WARNING, "io.no_category", rule.table, layer=layer, count=len(rows), values=shown
    )


def _bring_together(parts: list[Part], rules: TownMapping) -> pyproj.CRS | None:
    """Bring every part into one metric reference system; None when no part has any place.

    A part whose reference system is wrong stays as it is: the checks say so.
    """
    layers = [
        part
        for part in parts
        if isinstance(part.frame, gpd.GeoDataFrame)
        and part.frame.crs is not None
        and reference_is_sound(TABLES[part.rule.table], part.frame)
    ]
    layers.sort(key=lambda part: part.rule.table != "buildings")
    placed = [part for part in layers if part.frame.geometry.notna().any()]
    if not placed:
        return None
    first = pyproj.CRS(placed[0].frame.crs)
    if rules.crs:
        crs = pyproj.CRS.from_user_input(rules.crs)
    else:
        crs = first if first.is_projected else metric_crs(placed[0].frame)
    for part in layers:
        part.frame = gpd.GeoDataFrame(part.frame).to_crs(crs)
    for part in parts:
        if not isinstance(part.frame, gpd.GeoDataFrame) or part.frame.crs is not None:
            continue
        if part.frame.geometry.isna().all():
            part.frame = part.frame.set_crs(crs)
    return crs


def _tables(
    parts: list[Part], rules: TownMapping, crs: pyproj.CRS | None, name: str
) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """Return the raw tables of the town."""
    findings: list[Finding] = []
    if (
        rules.study_area is not None
        and crs is not None
        and not any(p.rule.table == "communities" for p in parts)
    ):
        parts = [*parts, _study_area(rules.study_area, crs, name)]
    for part in parts:
        findings += resolve(part, parts)
        if isinstance(part.frame, gpd.GeoDataFrame):
            part.keep(_has_place(part), "no_place")
    if rules.clip:
        _clip(parts)
    services = [_services(part) for part in parts if part.rule.categories is not None]
    for part in parts:
        _join_services(part)
    tables: dict[str, pd.DataFrame] = {}
    for table in TABLES.values():
        plain = [one for one in parts if one.rule.table == table.name]
        frames = [_own_columns(part) for part in plain if not part.rule.updates]
        if table.name == "services":
            frames = _stack_services(frames, services, parts)
        rows, more = _with_news(_concat(frames), [one for one in plain if one.rule.updates])
        findings += more
        if len(rows):
            tables[table.name] = _with_required(rows, table)
    return tables, findings


def _concat(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    rows: pd.DataFrame = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
    return rows


def _with_news(rows: pd.DataFrame, parts: Sequence[Part]) -> tuple[pd.DataFrame, list[Finding]]:
    """Return the rows of a table with the values and the further rows of parts that are news of them."""
    findings: list[Finding] = []
    for part in parts:
        part.frame = _own_columns(part)
        if len(rows):
            rows, more = update(part, rows)
            findings += more
        rows = _concat([rows, part.frame])
    return rows, findings


def _with_required(rows: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return rows with every column that must exist: what the office does not know is null, no missing column."""
    absent = [one.name for one in table.columns if one.required and not one.filled and one.name not in rows]
    nothing = pd.Series(pd.NA, index=rows.index, dtype="object")
    return rows.assign(**dict.fromkeys(absent, nothing))


def _study_area(box: tuple[float, float, float, float], crs: pyproj.CRS, name: str) -> Part:
    outline = gpd.GeoSeries([shapely.segmentize(shapely.box(*box), 0.01)], crs="EPSG:4326").to_crs(crs)
    frame = gpd.GeoDataFrame(
        {"community_id": [STUDY_AREA_ID], "name": [name], "source": ["study_area"]}, geometry=outline
    )
    return Part(LayerRule(layers=("study_area",), table="communities"), "study_area", frame)


def _has_place(part: Part) -> NDArray[np.bool_]:
    """Return which rows have a place; an estate may wait for one, and news of a row needs none."""
    geometries = part.frame.geometry.to_numpy()
    present: NDArray[np.bool_] = shapely.is_geometry(geometries) & ~shapely.is_empty(geometries)
    needless = part.rule.updates or part.rule.table == "estates"
    return np.ones(len(geometries), dtype=bool) if needless else present


def _clip(parts: list[Part]) -> None:
    """Leave out what lies outside every community: buildings by a point on them, the rest wholly."""
    outlines = [part.frame.geometry.to_numpy() for part in parts if part.rule.table == "communities"]
    if not outlines:
        return
    communities = np.concatenate(outlines)
    tree = shapely.STRtree(communities)
    for part in parts:
        if part.rule.table == "communities" or not isinstance(part.frame, gpd.GeoDataFrame):
            continue
        geometries = part.frame.geometry.to_numpy()
        if part.rule.table == "buildings":
            inside = containing(geometries, communities) >= 0
        else:
            inside = np.zeros(len(geometries), dtype=bool)
            inside[tree.query(geometries, predicate="intersects")[0]] = True
        part.keep(inside | ~shapely.is_geometry(geometries), "outside")


def _services(part: Part) -> pd.DataFrame:
    names = ["facility_id", "category", *(column.name for column in SERVICE_COLUMNS)]
    return pd.DataFrame(part.frame[[name for name in names if name in part.frame.columns]])


def _stack_services(
    tables: Sequence[pd.DataFrame], of_facilities: Sequence[pd.DataFrame], parts: Sequence[Part]
) -> list[pd.DataFrame]:
    """Return services in their order; what news of a facility says of its services replaces them."""
    stacked = list(tables)
    rules = [part.rule for part in parts if part.rule.categories is not None]
    for rule, services in zip(rules, of_facilities, strict=True):
        if rule.updates:
            stacked = [one[~one["facility_id"].isin(services["facility_id"])] for one in stacked]
        stacked.append(services)
    return stacked


def _join_services(part: Part) -> None:
    """Leave one row to a facility that the layer repeats, alike in all but the service, for each service."""
    if part.rule.categories is None or not isinstance(part.frame, gpd.GeoDataFrame):
        return
    own = pd.DataFrame(_own_columns(part).drop(columns="geometry"))
    own["place"] = shapely.to_wkb(part.frame.geometry.to_numpy(), hex=True)
    again = own.duplicated().to_numpy(dtype=bool) & own["facility_id"].notna().to_numpy(dtype=bool)
    part.keep(~again, "further_service")


def _own_columns(part: Part) -> pd.DataFrame:
    if part.rule.table != "facilities":
        return part.frame
    return part.frame.drop(columns=["category", *(one.name for one in SERVICE_COLUMNS)], errors="ignore")


def _counts(parts: Sequence[Part], unmapped: Mapping[str, int]) -> pd.DataFrame:
    rows: list[tuple[str, str | None, str, int]] = [
        (part.layer, part.rule.table, outcome, count)
        for part in parts
        for outcome, count in (("kept", len(part.frame)), *part.outcomes.items())
    ]
    rows += [(layer, None, "not_mapped", count) for layer, count in unmapped.items()]
    return pd.DataFrame(rows, columns=["layer", "table", "outcome", "rows"])


def _provenance(rules: TownMapping, opened: Sources) -> dict[str, str]:
    named = {"files": "、".join(path.name for path in opened.paths), "synthetic": "false"}
    return {**named, **opened.provenance, **rules.provenance}
