"""Joining: how the rows of an import find one another — by name, by place, by code, and as news of a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from spatial.findings import Finding, Severity
from spatial.io.mapping import LayerRule
from spatial.io.naming import code_table, match_codes, plain_name
from spatial.schema import TABLES

__all__ = ["Part", "join_codes", "resolve", "update"]

_VALUES_SHOWN = 12
_CANDIDATES_SHOWN = 5
# Coordinates of a form have seven decimals of a degree; one this far off means another place.
_SAME_PLACE_M = 0.05
_ELSEWHERE_M = 50.0


@dataclass
class Part:
    """Rows of one table on their way from one rule; the geometry is in metres once all parts are read.

    Attributes
    ----------
    rule : the rule of the mapping
    layer : name of the source layers
    frame : the rows that are still in
    outcomes : how many rows stayed out, by rule
    """

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

    def warn(self, rule: str, **values: object) -> Finding:
        """Return a warning about this layer."""
        return Finding.of(Severity.WARNING, f"io.{rule}", self.rule.table, (), layer=self.layer, **values)


def join_codes(part: Part, column: str, within: pd.Series | None, codes: pd.DataFrame) -> list[Finding]:
    """Turn the names in a column into statistical codes; a name that none fits for certain stays as it is.

    Parameters
    ----------
    part : rows whose column holds names
    within : for each row the subdistrict it lies in, or None
    codes : a layer that `spatial.io.naming.code_table` knows as a table of codes
    """
    known = code_table(codes)
    if known is None:
        return [part.warn("no_code_table", column=column, codes=part.rule.columns[column].codes)]
    nowhere = pd.Series(pd.NA, index=part.frame.index, dtype="string")
    lies_in = nowhere if within is None else within.astype("string")
    asked = pd.DataFrame({"name": part.frame[column], "within": lies_in})
    places = asked.dropna(subset=["name"]).drop_duplicates().reset_index(drop=True)
    parents = [None if pd.isna(one) else str(one) for one in places["within"]]
    found = match_codes(places["name"].tolist(), known, within=parents)
    places = places.assign(code=found["code"].astype("string"), candidates=found["candidates"].to_numpy())
    codes_of = asked.merge(places, on=["name", "within"], how="left")["code"]
    codes_of.index = part.frame.index
    part.frame = part.frame.assign(**{column: codes_of.fillna(part.frame[column])})
    findings = []
    open_places = places[places["code"].isna()]
    if len(open_places):
        shown = "；".join(
            f"{name} ← {candidates or '?'}"
            for name, candidates in open_places[["name", "candidates"]].head(_CANDIDATES_SHOWN).to_numpy()
        )
        findings.append(part.warn("code_uncertain", column=column, count=len(open_places), candidates=shown))
    return findings


def resolve(part: Part, parts: Sequence[Part]) -> list[Finding]:
    """Fill the columns that name a row of another table, by its name or by its nearness."""
    findings: list[Finding] = []
    for column, rule in part.rule.columns.items():
        target = rule.lookup or rule.nearest
        if not target or target not in TABLES:
            continue
        id_column = TABLES[target].id_column
        holders = [
            one.frame
            for one in parts
            if one.rule.table == target and not one.rule.updates and one is not part and len(one.frame)
        ]
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


def _look_up(part: Part, column: str, held: pd.DataFrame, id_column: str, target: str) -> list[Finding]:
    """Turn names into ids; a row without a place takes that of the row it names.

    Names agree to the letter, or in what is left without the endings that say what the place is.  In
    its own id column a name that is nowhere else stays: the row is a new one of that name.
    """
    names = part.frame[column]
    if "name" not in held.columns:
        held = held.assign(name=pd.Series(pd.NA, index=held.index, dtype="string"))
    known = held[held["name"].notna() & ~held["name"].duplicated(keep=False)].set_index("name")
    ids = names.map(known[id_column]).astype("string")
    findings = []
    asked = list(names[ids.isna() & names.notna()].astype(str).unique())
    alike = _alike(asked, [str(one) for one in known.index])
    if alike:
        ids = ids.fillna(names.map({name: known[id_column][other] for name, other in alike.items()}))
        shown = "；".join(f"{name} → {other}" for name, other in list(alike.items())[:_VALUES_SHOWN])
        findings.append(
            Finding.of(
                Severity.NOTE,
                "io.name_alike",
                part.rule.table,
                layer=part.layer,
                column=column,
                count=len(alike),
                values=shown,
            )
        )
    unknown = [name for name in asked if name not in alike]
    own = column == TABLES[part.rule.table].id_column
    if unknown:
        findings.append(
            part.warn(
                "name_new" if own else "name_unknown",
                column=column,
                target=target,
                values=_with_candidates(unknown, known, id_column),
                count=len(unknown),
            )
        )
    part.frame = part.frame.assign(**{column: ids.fillna(names) if own else ids})
    if isinstance(part.frame, gpd.GeoDataFrame) and isinstance(known, gpd.GeoDataFrame):
        findings += _take_places(part, ids, known.set_index(id_column), target)
    return findings


def _alike(asked: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """Return for each name that one of the known names but for its ending."""
    plain = pd.Series(list(known), index=[plain_name(one) for one in known], dtype="object")
    plain = plain[~plain.index.duplicated(keep=False)]
    found = {name: plain.get(plain_name(name)) for name in asked}
    return {name: str(other) for name, other in found.items() if other is not None}


def _with_candidates(unknown: Sequence[str], known: pd.DataFrame, id_column: str) -> str:
    shown = list(unknown[:_VALUES_SHOWN])
    places = pd.DataFrame(
        {"code": known[id_column].to_numpy(), "name": known.index.astype(str), "parent": ""}
    )
    if places.empty:
        return "、".join(shown)
    candidates = match_codes(shown, places)["candidates"]
    return "；".join(f"{name} ← {one}" if one else name for name, one in zip(shown, candidates, strict=True))


def _take_places(part: Part, ids: pd.Series, known: gpd.GeoDataFrame, target: str) -> list[Finding]:
    geometry = part.frame.geometry.to_numpy().copy()
    lacking = ~shapely.is_geometry(geometry) & ids.notna().to_numpy(dtype=bool)
    if part.rule.updates or not lacking.any():
        return []
    known = known[~known.index.duplicated()]
    shapes = known.geometry.to_numpy()[known.index.get_indexer(pd.Index(ids[lacking]))]
    geometry[lacking] = shapely.point_on_surface(shapes)
    part.frame = gpd.GeoDataFrame(part.frame.drop(columns="geometry"), geometry=geometry, crs=known.crs)
    return [part.warn("place_of_namesake", target=target, count=int(lacking.sum()))]


def update(part: Part, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Return rows of a table with the news of a part: every value it has replaces the earlier one.

    The rows of the part that are news leave it; those of ids not known stay, to be added.  An id that
    stands more than once in the part is no news of one row: its rows stay, and the checks name them.
    """
    id_column = TABLES[part.rule.table].id_column
    news_ids = part.frame[id_column]
    position = pd.Series(np.arange(len(rows)), index=rows[id_column].to_numpy())
    position = position[~position.index.duplicated(keep=False)]
    news = (news_ids.isin(position.index) & ~news_ids.duplicated(keep=False)).to_numpy(dtype=bool)
    if not news.any():
        return rows, []
    at = position.loc[news_ids[news]].to_numpy()
    if (
        part.rule.table == "buildings"
        and "households" in part.frame
        and "households_source" not in part.frame
    ):
        counted = part.frame["households"].notna()
        source = pd.Series(pd.NA, index=part.frame.index, dtype="string").mask(counted, "counted")
        part.frame = part.frame.assign(households_source=source)
    updated = rows.copy()
    findings: list[Finding] = []
    changed = 0
    for name in part.frame.columns:
        if name == id_column:
            continue
        values = part.frame[name][news]
        if name == "geometry":
            values, more = _places(part, values, updated["geometry"].iloc[at], news_ids[news])
            findings += more
        if name not in updated.columns:
            updated[name] = pd.Series(pd.NA, index=updated.index, dtype=values.dtype)
        given = values.notna().to_numpy(dtype=bool)
        before = updated[name].iloc[at[given]]
        differs = _differ(before, values[given])
        if not differs.any():
            continue
        changed += int(differs.sum())
        column = updated[name].copy()
        column.iloc[at[given]] = values[given].to_numpy()
        updated[name] = column
    part.keep(~news, "updated")
    note = Finding.of(
        Severity.NOTE,
        "io.updated",
        part.rule.table,
        news_ids[news],
        layer=part.layer,
        count=int(news.sum()),
        changed=changed,
    )
    return updated, [*findings, note]


def _places(
    part: Part, after: pd.Series, before: pd.Series, ids: pd.Series
) -> tuple[pd.Series, list[Finding]]:
    """Return the places that are news: a point is none of an outline, and says only where it stands."""
    old, new = before.to_numpy(), after.to_numpy()
    only_point = (shapely.get_dimensions(new) == 0) & (shapely.get_dimensions(old) > 0)
    distances = np.where(only_point, shapely.distance(old, new), 0.0)
    far = np.nan_to_num(distances) > _ELSEWHERE_M
    findings = []
    if far.any():
        findings.append(
            Finding.of(
                Severity.WARNING,
                "io.place_differs",
                part.rule.table,
                ids[far],
                layer=part.layer,
                count=int(far.sum()),
                farthest_m=float(distances[far].max()),
            )
        )
    return after.mask(pd.Series(only_point, index=after.index)), findings


def _differ(before: pd.Series, after: pd.Series) -> NDArray[np.bool_]:
    if before.name == "geometry":
        return ~shapely.equals_exact(before.to_numpy(), after.to_numpy(), tolerance=_SAME_PLACE_M)
    texts = [one.astype("string").fillna("").to_numpy(object) for one in (before, after)]
    different: NDArray[np.bool_] = np.asarray(texts[0] != texts[1], dtype=bool)
    return different
