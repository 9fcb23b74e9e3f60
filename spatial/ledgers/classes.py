"""Household classes for publication: counts by community, subdistrict and town, small ones hidden.

This is the one way in which household classes leave the office.  They are never counted by grid: a
community keeps its bounds under every plan, so that two plans tell nothing that one does not, and every
level and every class is a cut of one table that is hidden as a whole.
"""

from __future__ import annotations

from spatial.checks import lives
from spatial.ledgers.ledger import Ledgers
from spatial.ledgers.suppression import SuppressedTable, suppress
from spatial.ledgers.tables import HOUSEHOLD_CLASSES
from spatial.town import Town

__all__ = ["published_classes"]


def published_classes(
    ledgers: Ledgers, town: Town, *, limit: int = 5, width: int | None = None, hide_zeros: bool = False
) -> SuppressedTable:
    """Return how many households of each class live in each community, as far as it may be published.

    A household counts once in each class it is entered in; classes overlap and have no total.  A
    community without any row is not in the table: nothing is known of it.  The households of each
    community, which its maps show, count as known to everybody.

    Parameters
    ----------
    ledgers : household_classes is read; the column community_id goes before the building's community
    town : its communities, subdistricts and households
    limit, width, hide_zeros : see `spatial.ledgers.suppression.suppress`; set them once and keep them, for
        two publications under different settings can tell more than either

    Raises
    ------
    UsageError
        If the limit or the width is too small to hide anything.
    """
    rows = ledgers.household_classes
    buildings = town.buildings
    community = rows["community_id"].fillna(rows["building_id"].map(buildings["community_id"]))
    placed = rows.assign(community_id=community, households=rows["households"].fillna(1))
    placed = placed[community.isin(town.communities.index).to_numpy(bool)]
    # The same household entered twice in a class is one household.
    again = placed["household_id"].notna() & placed.duplicated(["household_id", "household_class"])
    counts = (
        placed[~again.to_numpy(bool)]
        .pivot_table(index="community_id", columns="household_class", values="households", aggfunc="sum")
        .reindex(columns=list(HOUSEHOLD_CLASSES))
        .fillna(0)
    )
    # A shop without a count has no household; a home without one leaves its community's sum unknown.
    households = buildings["households"].mask(buildings["households"].isna() & ~lives(buildings), 0)
    groups = households.groupby(buildings["community_id"])
    known = groups.sum().mask(groups.count() < groups.size())
    return suppress(
        counts,
        town.communities["subdistrict"],
        town.name,
        limit=limit,
        width=width,
        hide_zeros=hide_zeros,
        ceilings=known,
    )
