"""Facts: what a town knows of its territories, gathered once for all indicators.

People: a resident or household total is that of the buildings whose count is known, raised by the
households of the rest; the raised part counts as estimated.  It is unknown where fewer households are
known than the profile's least share.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from spatial.grids import Plan
from spatial.lifecircle import Assessment
from spatial.standards.profile import Profile, ProfileIndicator
from spatial.standards.quantities import Amounts, Quantities, Said, joined_text
from spatial.standards.territories import Territories, territories_of
from spatial.town import Town

__all__ = ["Facts", "People", "Supply"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class People:
    """How many of a basis live in each territory.

    Attributes
    ----------
    total : (t,) the total, raised for unknown buildings; not-a-number where too little is known
    known : (t,) share of households that live in buildings whose count is known
    estimated : (t,) part of the total that is estimated
    """

    total: Floats
    known: Floats
    estimated: Floats


@dataclass(frozen=True, eq=False)
class Supply:
    """What the services of some categories offer in each territory.

    Attributes
    ----------
    least, most : (t,) amount for sure, and where what is unknown of a service counts in its favour;
        equal where everything is known, infinite where it has no bound
    services : (t,) services whose size is unknown
    unlisted : (t, c) whether nothing of a category was found and its list is not said to be complete
    present : (t, c) whether a service of a category, large enough for sure, was found
    """

    least: Floats
    most: Floats
    services: Floats
    unlisted: Flags
    present: Flags


@dataclass(frozen=True, eq=False)
class Facts:
    """A town as its indicators see it.

    Attributes
    ----------
    town : the town
    profile : the profile it is rated by
    assessment : its walks, with the rates of the profile's coverage indicators
    quantities : what was measured
    territories : its territories by kind, see `territories_of`
    """

    town: Town
    profile: Profile
    assessment: Assessment
    quantities: Quantities
    territories: dict[str, Territories]

    @classmethod
    def of(
        cls,
        town: Town,
        profile: Profile,
        assessment: Assessment,
        *,
        plan: Plan | None,
        measures: pd.DataFrame | None,
        as_of: str | None,
    ) -> Facts:
        """Gather the facts of a town; ``measures`` are more rows of the table of that name."""
        territories = territories_of(town, assessment)
        estates = territories["estate"]
        community = pd.Series(pd.NA, index=pd.Index(estates.ids), dtype="object")
        if "community" in territories:
            at = estate_communities(town, territories, np.nan_to_num(assessment.households))
            community[at >= 0] = territories["community"].ids[at[at >= 0]]
        quantities = Quantities.of(town, plan, measures, as_of, community)
        return cls(town, profile, assessment, quantities, territories)

    @cached_property
    def households(self) -> Floats:
        """(b,) households of each building, 0 where unknown."""
        return np.nan_to_num(self.assessment.households)

    @cached_property
    def _sizes(self) -> Floats:
        """(b,) households of each lived-in building, the mean of the town where unknown."""
        households, lived_in = self.assessment.households, self._lived_in
        counted = households[lived_in & ~np.isnan(households)]
        mean = float(counted.mean()) if len(counted) else 1.0
        return np.where(lived_in, np.where(np.isnan(households), mean, households), 0.0)

    @cached_property
    def _lived_in(self) -> Flags:
        return np.asarray(self.town.buildings["use"].isin(["residential", "mixed"]), bool)

    def people(self, basis: str, territories: Territories) -> People:
        """Return how many of a basis (households, residents, an age group) live in each territory."""
        found = next((one for one in self.assessment.figures.bases if one.name == basis), None)
        if found is None:
            nothing = np.full(len(territories), np.nan)
            return People(nothing, np.zeros(len(territories)), nothing)
        told = ~np.isnan(found.weight)
        weight = np.nan_to_num(found.weight)
        share = territories.buildings
        whole = share @ self._sizes
        known = np.divide(share @ (self._sizes * told), whole, out=np.ones(len(whole)), where=whole > 0)
        counted = share @ weight
        guessed = np.divide(
            share @ (weight * found.estimated), counted, out=np.zeros(len(counted)), where=counted > 0
        )
        enough = known >= self.profile.minimum_known_share
        total = np.where(enough, counted / np.where(known > 0, known, 1), np.nan)
        return People(total, known, np.where(enough, 1 - (1 - guessed) * known, np.nan))

    def residents(self, territories: Territories) -> Floats:
        """Return the residents of each territory, those of an estate by its own row where it says so."""
        counted = self.people("residents", territories).total
        if territories.kind != "estate":
            return counted
        stated = self.town.estates["residents"].astype("Float64").to_numpy(float, na_value=np.nan)
        return np.where(np.isnan(stated), counted, stated)

    def part_of(self, parts: Territories, whole: Territories) -> npt.NDArray[np.int64]:
        """Return which territory each part belongs to, -1 for none."""
        if whole.kind == "town":
            return np.zeros(len(parts), np.int64)
        if parts.kind == "estate" and whole.kind == "community":
            return estate_communities(self.town, self.territories, self.households)
        return whole.holders(parts, self.households)

    @cached_property
    def rates(self) -> pd.DataFrame:
        """The rates of the profile's coverage indicators."""
        rates = self.assessment.figures.table()
        found: pd.DataFrame = rates.loc[rates["indicator"].notna()]
        return found

    @cached_property
    def services(self) -> pd.DataFrame:
        """Services of the open facilities: facility (its number), category, public, sizes, source, as_of."""
        places = self.assessment.survey.places
        services = self.town.services
        number = places.facilities.index.get_indexer(pd.Index(services["facility_id"]))
        rows = services.assign(facility=number).loc[number >= 0]
        public = places.estate_of[rows["facility"].to_numpy()] == ""
        found: pd.DataFrame = rows.assign(public=public)
        return found

    @cached_property
    def complete(self) -> frozenset[str]:
        """The categories whose list of facilities is said to be complete."""
        state = self.town.tables["completeness"]["state"]
        return frozenset(state.index[state == "complete"])

    def offering(self, indicator: ProfileIndicator, territories: Territories) -> pd.DataFrame:
        """Return the services that count: those of its categories, open to all or within an estate."""
        rows = self.services.loc[self.services["category"].isin(indicator.categories)]
        return rows if territories.kind == "estate" else rows.loc[rows["public"]]

    def supply(self, indicator: ProfileIndicator, territories: Territories, measure: str) -> Supply:
        """Return what the services of an indicator's categories offer in each territory.

        Parameters
        ----------
        measure : ``facilities`` or ``categories``, which are counted, else a column that is summed
        """
        rows = self.offering(indicator, territories)
        sure, possible = _large_enough(rows, indicator)
        facility = rows["facility"].to_numpy(np.int64)
        category = pd.Categorical(rows["category"], list(indicator.categories)).codes
        count = territories.facilities.shape[1]

        def within(flags: Flags) -> Flags:
            """Return (territories × categories) whether one of some rows lies there."""
            found = np.zeros((count, len(indicator.categories)))
            found[facility[flags], category[flags]] = 1
            return np.asarray(territories.facilities @ found) > 0

        present = within(sure)
        unlisted = ~within(possible) & ~np.isin(indicator.categories, list(self.complete))[None, :]
        if measure == "categories":
            least, most = present.sum(axis=1, dtype=float), within(possible).sum(axis=1, dtype=float)
            return Supply(least, most + unlisted.sum(axis=1), most - least, unlisted, present)
        if measure == "facilities":
            least, most = (
                np.asarray(territories.facilities @ np.isin(np.arange(count), facility[flags]).astype(float))
                for flags in (sure, possible)
            )
            return Supply(least, most, most - least, unlisted, present)
        amount = rows[measure].astype("Float64").to_numpy(float, na_value=np.nan)
        missing = possible & (np.isnan(amount) | ~sure)
        sums = np.zeros(count)
        np.add.at(sums, facility, np.where(sure, np.nan_to_num(amount), 0.0))
        blanks = np.zeros(count)
        np.add.at(blanks, facility, missing.astype(float))
        least, blank = np.asarray(territories.facilities @ sums), np.asarray(territories.facilities @ blanks)
        return Supply(least, np.where(blank > 0, np.inf, least), blank, unlisted, present)

    def amounts(
        self, quantities: tuple[str, ...], territories: Territories
    ) -> tuple[list[Amounts], Floats, list[Flags]]:
        """Return some quantities of each territory, the share of households known, and which are lacking.

        Where no rows are about a territory itself, those of a larger one are sums over the communities
        in it of which all the quantities are known.
        """
        own, own_known = self._own_amounts(quantities, territories)
        stated = own_known > 0
        lacking = [one.unknown for one in own]
        communities = self.territories.get("community")
        if communities is None or territories.kind in {"community", "estate"} or stated.all():
            return own, own_known, lacking
        parts, part_known = self._own_amounts(quantities, communities)
        told = part_known > 0
        holder = territories.holders(communities, self.households)
        inside = [holder == place for place in range(len(territories))]
        members = [np.flatnonzero(one & told) for one in inside]
        size = communities.buildings @ self._sizes
        share = np.array([(size * part_known)[one].sum() / max(size[one].sum(), 1e-9) for one in inside])
        sums = [
            Amounts(
                np.array([part.value[one].sum() if len(one) else np.nan for one in members]),
                Said.joined([part.said[one] for one in members]),
            )
            for part in parts
        ]
        lacking = [
            flags & np.array([part.unknown[one].any() for one in inside])
            for flags, part in zip(lacking, parts, strict=True)
        ]
        both = [mine.where(stated, theirs) for mine, theirs in zip(own, sums, strict=True)]
        return both, np.where(stated, own_known, share), lacking

    def _own_amounts(
        self, quantities: tuple[str, ...], territories: Territories
    ) -> tuple[list[Amounts], Floats]:
        """Return what is said or counted of territories themselves, and how much of them it is known of."""
        found, known = [], np.ones(len(territories))
        for quantity in quantities:
            amounts = self.quantities.amounts(quantity, territories.kind, territories.ids)
            certain = np.where(amounts.unknown, 0.0, 1.0)
            if quantity in {"households", "residents"}:
                people = self.people(quantity, territories)
                certain = np.where(amounts.unknown & ~np.isnan(people.total), people.known, certain)
                said = Said.of_town(len(territories), self.town)
                amounts = amounts.completed(Amounts(people.total, said))
            found.append(amounts)
            known = np.minimum(known, certain)
        return found, known

    def said_of(self, indicator: ProfileIndicator) -> tuple[str | None, str | None]:
        """Return source and date of the services an indicator asks for, those of the town where silent."""
        rows = self.services.loc[self.services["category"].isin(indicator.categories)]
        source = joined_text(rows["source"].to_numpy(object)) or self.town.provenance.get("source")
        dates = rows["as_of"].dropna()
        return source, dates.max() if len(dates) else self.town.provenance.get("as_of")


def estate_communities(
    town: Town, territories: dict[str, Territories], households: Floats
) -> npt.NDArray[np.int64]:
    """Return the community of each estate by its column, else by its buildings; -1 for none."""
    communities = territories["community"]
    stated = pd.Index(communities.ids).get_indexer(pd.Index(town.estates["community_id"]))
    return np.where(stated >= 0, stated, communities.holders(territories["estate"], households))


def _large_enough(rows: pd.DataFrame, indicator: ProfileIndicator) -> tuple[Flags, Flags]:
    """Return which services are large enough for sure, and which may be."""
    sure, possible = np.ones(len(rows), bool), np.ones(len(rows), bool)
    for column, by_category in indicator.least.items():
        least = rows["category"].map(by_category).astype("Float64").to_numpy(float, na_value=-np.inf)
        if column in rows:
            size = rows[column].astype("Float64").to_numpy(float, na_value=np.nan)
        else:
            size = np.full(len(rows), np.nan)
        asked = least > -np.inf
        sure &= ~asked | (size >= least)
        possible &= ~asked | ~(size < least)
    return sure, possible
