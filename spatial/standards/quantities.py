"""Quantities: what was counted of a territory, from rows of ``measures`` and from the town's own tables.

A row about the subject itself goes first, the latest up to the date asked for.  Else a quantity of a
community is the sum over its estates, or its grids, where every one of them has a row; else it is counted
from the town or the plan where its entry in the catalogue says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from spatial.grids import Plan, assignment_of_today
from spatial.town import Town

__all__ = ["Amounts", "Quantities", "Said", "joined_text"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]

_BASIC_WINDOW = (300, 500)


@dataclass(frozen=True, eq=False)
class Said:
    """Where figures are from.

    Attributes
    ----------
    source, as_of : (t,) source and date (ISO 8601), None where nothing says so
    """

    source: Objects
    as_of: Objects

    @classmethod
    def same(cls, count: int, source: str | None = None, as_of: str | None = None) -> Said:
        """Return one source and date for several figures."""
        return cls(np.full(count, source, object), np.full(count, as_of, object))

    @classmethod
    def of_town(cls, count: int, town: Town) -> Said:
        """Return the source and date of a town."""
        return cls.same(count, town.provenance.get("source"), town.provenance.get("as_of"))

    @classmethod
    def joined(cls, groups: list[Said]) -> Said:
        """Return, for each group, its different sources as one text and its latest date."""
        sources = [joined_text(one.source) for one in groups]
        dates = [max((d for d in one.as_of if isinstance(d, str)), default=None) for one in groups]
        return cls(np.array(sources, object), np.array(dates, object))

    def __getitem__(self, places: Flags | npt.NDArray[np.int64]) -> Said:
        return Said(self.source[places], self.as_of[places])

    def where(self, flags: Flags, others: Said) -> Said:
        """Return these where flags are set, and others elsewhere."""
        return Said(np.where(flags, self.source, others.source), np.where(flags, self.as_of, others.as_of))


def joined_text(texts: Objects) -> str | None:
    """Return the different texts as one, None when there is none."""
    found = sorted({one for one in texts if isinstance(one, str)})
    return "; ".join(found) if found else None


@dataclass(frozen=True, eq=False)
class Amounts:
    """One quantity of several subjects.

    Attributes
    ----------
    value : (t,) the amount, not-a-number where unknown
    said : where it is from
    """

    value: Floats
    said: Said

    @property
    def unknown(self) -> Flags:
        """(t,) whether it is unknown."""
        return np.isnan(self.value)

    def where(self, flags: Flags, others: Amounts) -> Amounts:
        """Return these amounts where flags are set, and others elsewhere."""
        return Amounts(np.where(flags, self.value, others.value), self.said.where(flags, others.said))

    def completed(self, others: Amounts) -> Amounts:
        """Return these amounts, and others where these are unknown."""
        return self.where(~self.unknown, others)


@dataclass(frozen=True, eq=False)
class Quantities:
    """What was measured of a town's subjects.

    Attributes
    ----------
    town : the town
    plan : the plan whose grids count, None for the grids of today
    rows : latest row of each subject and quantity: subject_type, subject_id, quantity, value, date, source
    estate_community : community of each estate by its id, null where unknown
    """

    town: Town
    plan: Plan | None
    rows: pd.DataFrame
    estate_community: pd.Series

    @classmethod
    def of(
        cls,
        town: Town,
        plan: Plan | None,
        more: pd.DataFrame | None,
        as_of: str | None,
        estate_community: pd.Series,
    ) -> Quantities:
        """Gather the rows of ``measures``, and more of the same columns, up to a date (ISO 8601)."""
        columns = ["subject_type", "subject_id", "quantity", "value", "date", "source"]
        frames = [town.tables["measures"], *([] if more is None else [more])]
        rows = pd.concat(
            [
                one.reindex(columns=columns).astype(object).assign(given=place)
                for place, one in enumerate(frames)
            ],
            ignore_index=True,
        )
        rows = rows.loc[rows["value"].notna()].assign(day=rows["date"].where(rows["date"].notna(), ""))
        if as_of is not None:
            rows = rows.loc[rows["day"].astype(str) <= as_of]
        # Rows given go before those of the town, of each the latest.
        rows = rows.sort_values(["given", "day"], kind="stable")
        rows = rows.drop_duplicates(["subject_type", "subject_id", "quantity"], keep="last")
        rows = rows.assign(source=_told(rows["source"]), date=_told(rows["date"]))
        return cls(town, plan, rows, estate_community)

    def amounts(self, quantity: str, kind: str, ids: Objects) -> Amounts:
        """Return a quantity of the territories of a kind, by their ids."""
        found = self._stated(quantity, "circle" if kind.startswith("circle") else kind, ids)
        if kind == "community":
            for finer, community in (
                ("estate", self.estate_community),
                ("grid", self._grids["community_id"]),
            ):
                if found.unknown.any():
                    found = found.completed(self._summed(quantity, finer, community, ids))
            if quantity in self._counted:
                counted = self._counted[quantity].reindex(ids).to_numpy(float, na_value=np.nan)
                found = found.completed(Amounts(counted, Said.of_town(len(ids), self.town)))
        return found

    @cached_property
    def _by_subject(self) -> Mapping[tuple[str, str], pd.DataFrame]:
        """The rows of each kind of subject and quantity, by subject_id."""
        groups = self.rows.set_index("subject_id").groupby(["subject_type", "quantity"], sort=False)
        return {(str(subject), str(quantity)): own for (subject, quantity), own in groups}

    def _stated(self, quantity: str, subject: str, ids: Objects) -> Amounts:
        rows = self._by_subject.get((subject, quantity))
        if rows is None:
            return Amounts(np.full(len(ids), np.nan), Said.same(len(ids)))
        place = rows.index.get_indexer(pd.Index(ids))
        values = np.append(rows["value"].to_numpy(float), np.nan)[place]
        source, date = (np.array([*rows[name], None], object)[place] for name in ("source", "date"))
        return Amounts(values, Said(source, date))

    def _summed(self, quantity: str, finer: str, community: pd.Series, ids: Objects) -> Amounts:
        """Return sums over finer subjects, unknown where one of them has no row."""
        parts = self._stated(quantity, finer, community.index.to_numpy(object))
        if parts.unknown.all():
            return Amounts(np.full(len(ids), np.nan), Said.same(len(ids)))
        at = pd.Index(ids).get_indexer(pd.Index(community.astype(object)))
        members = [np.flatnonzero(at == place) for place in range(len(ids))]
        whole = np.array([parts.value[one].sum() if len(one) else np.nan for one in members])
        return Amounts(whole, Said.joined([parts.said[one] for one in members]))

    @cached_property
    def _grids(self) -> pd.DataFrame:
        """The grids of the plan, or of today: community_id, kind and households, by grid_id."""
        if self.plan is not None:
            grids = self.plan.grids
            grids = grids.loc[grids["level"] == 2, ["community_id", "kind", "households", "in_range"]]
            # A basic grid that may or may not be in range has buildings whose households are unknown.
            unsure = grids["in_range"].isna() & (grids["kind"] == "basic")
            return pd.DataFrame(grids.assign(households=grids["households"].mask(unsure)))
        today = self.town.layer("grids")
        grids = pd.DataFrame(today.loc[(today["level"] != 1).fillna(value=True), ["community_id", "kind"]])
        if grids.empty:
            return grids.assign(households=pd.Series(dtype="Float64"))
        assigned = assignment_of_today(self.town).assignment.set_index("building_id")["grid_id"]
        buildings = self.town.buildings
        lived_in = buildings["use"].isin(["residential", "mixed"])
        households = (
            buildings["households"].astype("Float64").mask(~lived_in & buildings["households"].isna(), 0)
        )
        sums = _whole_sums(households, assigned.reindex(buildings.index))
        return grids.assign(households=sums.reindex(grids.index, fill_value=0).astype("Float64"))

    @cached_property
    def _counted(self) -> Mapping[str, pd.Series]:
        """What the town and the plan themselves tell, by community."""
        found = {"estates": self.estate_community.groupby(self.estate_community.astype(object)).size()}
        grids = self._grids
        if len(grids):
            basic = grids.loc[(grids["kind"] != "special").fillna(value=True)]
            lower, upper = _BASIC_WINDOW
            inside = basic["households"].between(lower, upper).astype("Float64")
            inside = inside.mask(basic["households"].isna())
            community = basic["community_id"].astype(object)
            found["grids"] = grids.groupby(grids["community_id"].astype(object)).size()
            found["basic_grids"] = basic.groupby(community).size()
            found["grids_300_500"] = _whole_sums(inside, community)
        return found


def _told(texts: pd.Series) -> pd.Series:
    """Return texts with None where there is none."""
    return texts.astype(object).where(texts.notna(), None)


def _whole_sums(values: pd.Series, group: pd.Series) -> pd.Series:
    """Return the sum of each group, null where one of its values is."""
    by = group.astype(object)
    return values.groupby(by).sum().mask(values.isna().groupby(by).any())
