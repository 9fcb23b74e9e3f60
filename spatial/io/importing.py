"""Importing: an office's files become a town, by a mapping and no special code.

Every row that is read is counted where it went: into a table, or out, and by which rule.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from spatial.checks import STUDY_AREA_ID, containing, make_town, repair_tables
from spatial.crs import metric_crs
from spatial.errors import SchemaError
from spatial.findings import Finding, Report, Severity
from spatial.households import estimate_households
from spatial.io.categories import categorise, osm_keys
from spatial.io.mapping import LayerRule, TownMapping, parse_mapping, read_mapping
from spatial.io.placing import place
from spatial.io.selecting import any_of
from spatial.io.sources import Sources
from spatial.io.suggesting import suggest_mapping
from spatial.io.tabulating import SERVICE_COLUMNS, tabulate
from spatial.schema import TABLES
from spatial.town import Town

__all__ = ["ImportResult", "import_town"]

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
        town; the others are rules by which rows stayed out; ``not_mapped`` is a layer no rule names
    repairs : table of repairs with old and new value; empty when none were asked for
    report : every finding of the import and of the checks
    """

    town: Town
    counts: pd.DataFrame
    repairs: pd.DataFrame
    report: Report


@dataclass
class _Part:
    """Rows of one table on their way from one rule; the geometry is in metres once all parts are read."""

    rule: LayerRule
    layer: str
    frame: gpd.GeoDataFrame | pd.DataFrame
    outcomes: dict[str, int] = field(default_factory=dict)

    def keep(self, rows: NDArray[np.bool_], otherwise: str) -> None:
        """Keep some rows and count the others under the rule that left them out."""
        left_out = int((~rows).sum())
        if left_out:
            self.outcomes[otherwise] = self.outcomes.get(otherwise, 0) + left_out
            self.frame = self.frame[rows]


def import_town(
    sources: Sequence[Path | str],
    mapping: TownMapping | Path | str | None = None,
    progress: Progress | None = None,
    *,
    repair: bool = False,
) -> ImportResult:
    """Make a town of files by a mapping.

    Households that only an estate or a community total tells are shared out among its buildings, marked
    as estimated (`spatial.households`).

    Parameters
    ----------
    sources : files (or File Geodatabase folders); nothing else is read
    mapping : the mapping, or the path of its TOML file; when None that which an archive brings along, else
        the suggested one, which is right for filled templates
    repair : whether what is safe to repair is repaired (`spatial.checks.repair_tables`), each with a record
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
    rules = mapping if isinstance(mapping, TownMapping) else _rules(sources, mapping)
    findings: list[Finding] = []
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
        name = rules.name or opened.paths[0].stem
    if progress is not None:
        progress("io.progress_checking", steps - 1, steps)
    crs = _bring_together(parts, rules)
    tables, more = _tables(parts, rules, crs, name)
    findings += more
    repaired = repair_tables(tables if repair else {})
    tables |= repaired.tables
    findings += repaired.report.findings
    counts = _counts(parts, unmapped)
    try:
        made = make_town(name, crs, tables, _provenance(rules, opened.paths))
    except SchemaError as error:
        raise SchemaError(Report(tuple(findings)) + error.report) from error
    town = estimate_households(made, by_neighbours=rules.estimate_households)
    if progress is not None:
        progress("io.progress_checking", steps, steps)
    return ImportResult(town, counts, repaired.repairs, Report(tuple(findings)) + town.report)


def _rules(sources: Sequence[Path | str], mapping: Path | str | None) -> TownMapping:
    """Return the mapping of a file, else that which an archive brings along, else the suggested one."""
    if mapping is not None:
        return read_mapping(mapping)
    with Sources.of(sources) as opened:
        if opened.mapping is not None:
            return read_mapping(opened.mapping)
    return parse_mapping(tomllib.loads(suggest_mapping(sources)))


def _keys(rules: TownMapping) -> tuple[list[str], list[str]]:
    """Return the tag keys that choose objects of an OpenStreetMap file, and those only kept."""
    selecting = [one.keys[0] for rule in rules.layers for one in rule.where]
    if any(rule.categories and "osm" in rule.categories.ways for rule in rules.layers):
        selecting += osm_keys()
    named = [column.name for rule in rules.layers for column in TABLES[rule.table].columns]
    return selecting, [key for rule in rules.layers for key in rule.keys] + named


def _read_part(opened: Sources, rule: LayerRule) -> tuple[_Part, list[Finding]]:
    """Return the rows that a rule takes from its source layers, and the findings about them."""
    frames = [opened.read(layer, rule.encoding) for layer in rule.layers]
    layer = "、".join(rule.layers)
    source = _stacked(frames)
    part = _Part(rule, layer, source)
    part.keep(any_of(rule.where, source), "not_selected")
    source = part.frame
    tabulated = tabulate(source, rule, layer)
    findings = list(tabulated.findings)
    frame = tabulated.frame
    if rule.categories is not None:
        tags = source.drop(columns="name", errors="ignore").join(frame[["name"]] if "name" in frame else [])
        frame = frame.assign(category=pd.array(categorise(tags, rule.categories), dtype="string"))
        untold = frame["category"].isna().to_numpy(dtype=bool)
        if untold.any():
            findings.append(_uncategorised(source[untold], rule, layer))
    if TABLES[rule.table].is_layer:
        placed, more = place(source, rule, layer)
        findings += more
        frame = gpd.GeoDataFrame(frame, geometry=placed.geometry, crs=placed.crs)
    part.frame = frame
    if rule.categories is not None:
        part.keep(frame["category"].notna().to_numpy(dtype=bool), "no_category")
    return part, findings


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


def _bring_together(parts: list[_Part], rules: TownMapping) -> pyproj.CRS | None:
    """Bring every part into one metric reference system; None when no part has any place."""
    layers = [
        part for part in parts if isinstance(part.frame, gpd.GeoDataFrame) and part.frame.crs is not None
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
    return crs


def _tables(
    parts: list[_Part], rules: TownMapping, crs: pyproj.CRS | None, name: str
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
        findings += _resolve(part, parts)
        if isinstance(part.frame, gpd.GeoDataFrame):
            part.keep(_has_place(part), "no_place")
    if rules.clip:
        _clip(parts)
    services = [_services(part) for part in parts if part.rule.categories is not None]
    tables: dict[str, pd.DataFrame] = {}
    for table in TABLES.values():
        frames = [_own_columns(part) for part in parts if part.rule.table == table.name]
        if table.name == "services":
            frames += services
        frames = [frame for frame in frames if len(frame)]
        if frames:
            tables[table.name] = pd.concat(frames, ignore_index=True)
            for column in table.columns:
                # What the office does not know is null, which is no missing column.
                if column.required and not column.filled and column.name not in tables[table.name]:
                    tables[table.name][column.name] = pd.NA
    return tables, findings


def _study_area(box: tuple[float, float, float, float], crs: pyproj.CRS, name: str) -> _Part:
    outline = gpd.GeoSeries([shapely.segmentize(shapely.box(*box), 0.01)], crs="EPSG:4326").to_crs(crs)
    frame = gpd.GeoDataFrame(
        {"community_id": [STUDY_AREA_ID], "name": [name], "source": ["study_area"]}, geometry=outline
    )
    return _Part(LayerRule(layers=("study_area",), table="communities"), "study_area", frame)


def _has_place(part: _Part) -> NDArray[np.bool_]:
    """Return which rows have a place; an estate may wait for one."""
    geometries = part.frame.geometry.to_numpy()
    present: NDArray[np.bool_] = shapely.is_geometry(geometries) & ~shapely.is_empty(geometries)
    return np.ones(len(geometries), dtype=bool) if part.rule.table == "estates" else present


def _resolve(part: _Part, parts: Sequence[_Part]) -> list[Finding]:
    """Fill the columns that name a row of another table, by its name or by its nearness."""
    findings: list[Finding] = []
    for column, rule in part.rule.columns.items():
        target = rule.lookup or rule.nearest
        if not target or target not in TABLES:
            continue
        id_column = TABLES[target].id_column
        holders = [one.frame for one in parts if one.rule.table == target and len(one.frame)]
        held = pd.concat(holders, ignore_index=True) if holders else pd.DataFrame({id_column: [], "name": []})
        if rule.lookup:
            findings += _look_up(part, column, held, id_column, target)
        elif isinstance(part.frame, gpd.GeoDataFrame) and isinstance(held, gpd.GeoDataFrame):
            tree = shapely.STRtree(held.geometry.to_numpy())
            row, number = tree.query_nearest(
                part.frame.geometry.to_numpy(), max_distance=max(rule.within_m, 1e-9), all_matches=False
            )
            ids = pd.Series(pd.NA, index=part.frame.index, dtype="string")
            ids.iloc[row] = held[id_column].to_numpy()[number]
            part.frame = part.frame.assign(**{column: ids})
            part.keep(ids.notna().to_numpy(dtype=bool), "nothing_near")
    return findings


def _look_up(part: _Part, column: str, held: pd.DataFrame, id_column: str, target: str) -> list[Finding]:
    """Turn names into ids; a row without a place takes that of the row it names."""
    names = part.frame[column]
    known = held[held["name"].notna() & ~held["name"].duplicated(keep=False)].set_index("name")
    ids = names.map(known[id_column]).astype("string")
    findings = []
    unknown = names[ids.isna() & names.notna()].unique()
    if len(unknown):
        shown = "、".join(str(one) for one in unknown[:_VALUES_SHOWN])
        findings.append(
            Finding.of(
                Severity.WARNING,
                "io.name_unknown",
                part.rule.table,
                layer=part.layer,
                column=column,
                target=target,
                values=shown,
                count=len(unknown),
            )
        )
    part.frame = part.frame.assign(**{column: ids})
    if isinstance(part.frame, gpd.GeoDataFrame) and isinstance(known, gpd.GeoDataFrame):
        lacking = part.frame.geometry.isna() & ids.notna()
        if lacking.any():
            points = names[lacking].map(known.geometry.representative_point())
            geometry = part.frame.geometry.copy()
            geometry[lacking] = gpd.GeoSeries(points, crs=part.frame.crs)
            part.frame = part.frame.set_geometry(geometry)
            findings.append(
                Finding.of(
                    Severity.WARNING,
                    "io.place_of_namesake",
                    part.rule.table,
                    layer=part.layer,
                    target=target,
                    count=int(lacking.sum()),
                )
            )
    return findings


def _clip(parts: list[_Part]) -> None:
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


def _services(part: _Part) -> pd.DataFrame:
    names = ["facility_id", "category", *(column.name for column in SERVICE_COLUMNS)]
    return pd.DataFrame(part.frame[[name for name in names if name in part.frame.columns]])


def _own_columns(part: _Part) -> pd.DataFrame:
    if part.rule.table != "facilities":
        return part.frame
    return part.frame.drop(columns=["category", *(one.name for one in SERVICE_COLUMNS)], errors="ignore")


def _counts(parts: Sequence[_Part], unmapped: Mapping[str, int]) -> pd.DataFrame:
    rows: list[tuple[str, str | None, str, int]] = [
        (part.layer, part.rule.table, outcome, count)
        for part in parts
        for outcome, count in (("kept", len(part.frame)), *part.outcomes.items())
    ]
    rows += [(layer, None, "not_mapped", count) for layer, count in unmapped.items()]
    return pd.DataFrame(rows, columns=["layer", "table", "outcome", "rows"])


def _provenance(rules: TownMapping, paths: Sequence[Path]) -> dict[str, str]:
    return {"files": "、".join(path.name for path in paths), "synthetic": "false", **rules.provenance}
