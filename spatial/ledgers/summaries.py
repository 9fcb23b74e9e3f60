"""Summaries an office reports: estates by class with their treatment, premises by size, public contacts."""

from __future__ import annotations

import pandas as pd

from spatial.catalogue import section
from spatial.grids import Plan
from spatial.ledgers.ledger import Ledgers
from spatial.ledgers.periods import holding, reference_day
from spatial.ledgers.places import grid_times
from spatial.ledgers.tables import ROLES
from spatial.town import Town

__all__ = ["estates_by_class", "premises_by_size", "public_contacts", "staff_by_role"]


def estates_by_class(town: Town) -> pd.DataFrame:
    """Return estates by class and treatment, counted from the rows of the town.

    Returns
    -------
    pandas.DataFrame
        estate_class (null where unknown), treatment as the estates state it (null where they do not),
        usual_treatment and evidence of the class in the catalogue, estates, households (null where one
        of them is unknown); classes in the order of the catalogue, null last.
    """
    classes = section("estate_class")
    estates = pd.DataFrame(town.estates[["estate_class", "treatment", "households"]])
    groups = estates.groupby(["estate_class", "treatment"], dropna=False, sort=True)["households"]
    known = groups.sum().mask(groups.count() < groups.size())
    table = pd.DataFrame({"estates": groups.size(), "households": known}).reset_index()
    order = {name: place for place, name in enumerate(classes)}
    place = table["estate_class"].map(order).fillna(len(order))
    table = table.assign(
        usual_treatment=table["estate_class"].map({name: one["treatment"] for name, one in classes.items()}),
        evidence=table["estate_class"].map({name: one["evidence"] for name, one in classes.items()}),
    ).iloc[place.argsort(kind="stable")]
    columns = ["estate_class", "treatment", "usual_treatment", "evidence", "estates", "households"]
    return table[columns].reset_index(drop=True)


def premises_by_size(ledgers: Ledgers, floor_area_m2: float) -> pd.DataFrame:
    """Return how many premises have a floor area, by community and in all.

    Parameters
    ----------
    floor_area_m2 : least floor area, square metres; just as much counts

    Returns
    -------
    pandas.DataFrame
        By community_id, the row of all premises under null: premises, large_enough, too_small,
        unknown.
    """
    premises = ledgers.premises
    area = premises["floor_area_m2"]
    rows = pd.DataFrame(
        {
            "community_id": premises["community_id"],
            "premises": 1,
            "large_enough": (area >= floor_area_m2).fillna(value=False).astype(int),
            "too_small": (area < floor_area_m2).fillna(value=False).astype(int),
            "unknown": area.isna().astype(int),
        }
    )
    by_community = rows.dropna(subset=["community_id"]).groupby("community_id").sum()
    whole = rows.drop(columns="community_id").sum().to_frame().T
    whole.index = pd.Index([pd.NA], name="community_id", dtype="string")
    return pd.concat([by_community, whole]).astype("Int64")


def staff_by_role(ledgers: Ledgers, *, day: pd.Timestamp | None = None) -> pd.DataFrame:
    """Return how many people hold each role on a day, and how many postings: by staff_role, in its order."""
    on = day if day is not None else reference_day(ledgers)
    held = ledgers.staff[holding(ledgers.staff, on)].groupby("staff_role")["person_id"]
    counts = pd.DataFrame({"people": held.nunique(), "postings": held.size()})
    return counts.reindex([role for role in ROLES if role in counts.index])


def public_contacts(
    ledgers: Ledgers, town: Town, plan: Plan | None = None, *, day: pd.Timestamp | None = None
) -> pd.DataFrame:
    """Return who may be named on a public notice, and the service telephones.

    Of a posting whose ``public_contact`` is not true only the role is told: name and telephone are null.

    Parameters
    ----------
    ledgers : staff and contacts are read
    town, plan : the grids, which postings may name by id or by code; those of today without a plan
    day : day of the postings; `spatial.ledgers.periods.reference_day` when None

    Returns
    -------
    pandas.DataFrame
        subject_type (grid, estate, community), subject_id, staff_role (null for a telephone), purpose
        (null for a posting), name, phone; in the order of the roles, telephones last.
    """
    on = day if day is not None else reference_day(ledgers)
    times = grid_times(town, plan)
    staff = ledgers.staff[holding(ledgers.staff, on)]
    agreed = staff["public_contact"].fillna(value=False).to_numpy(bool)
    people = staff[["subject_type", "subject_id", "staff_role"]].assign(
        name=staff["name"].where(agreed), phone=staff["phone"].where(agreed)
    )
    people = people.iloc[people["staff_role"].map(ROLES.index).argsort(kind="stable")]
    contacts = ledgers.contacts[holding(ledgers.contacts, on)]
    rows = pd.concat(
        [people, contacts[["subject_type", "subject_id", "purpose", "phone"]]], ignore_index=True
    )
    columns = ["subject_type", "subject_id", "staff_role", "purpose", "name", "phone"]
    return times.by_grid_id(rows).reindex(columns=columns).astype("string")
