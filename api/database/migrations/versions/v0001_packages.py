"""Packages, their revisions, and the tables of towns, plans and coverages.

The columns are those of the schema on the day of this step, written out: a later schema must not
change what an old database was made of.  ``!`` marks a column that is never null.
"""

from __future__ import annotations

from typing import Any

import geoalchemy2
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TYPES = {"": sa.Text, "whole": sa.BigInteger, "number": sa.Double, "flag": sa.Boolean}
_COMMON = "source as_of valid_from valid_to"

# name → what it is searched by, columns
_LAYERS = {
    "town_communities": ("community_id", "community_id! name! subdistrict"),
    "town_estates": (
        "estate_id",
        (
            "estate_id! name community_id households:whole residents:whole estate_class treatment walled:flag "
            "year_built:whole predecessor_ids"
        ),
    ),
    "town_buildings": (
        "building_id",
        (
            "building_id! name address estate_id community_id households:whole households_basis "
            "households_source residents:whole weight:number levels:whole has_lift:flag use!"
        ),
    ),
    "town_streets": (
        "street_id",
        "street_id! class role name foot bridge:flag tunnel:flag layer:whole access surface slope:number",
    ),
    "town_barriers": (None, "kind! name blocks_walking:flag blocks_grids:flag"),
    "town_gates": ("gate_id", "gate_id! estate_id! name kind open:flag"),
    "town_facilities": ("facility_id", "facility_id! name opened closed access"),
    "town_entrances": ("entrance_id", "entrance_id! facility_id building_id step_free:flag"),
    "town_special_areas": ("special_area_id", "special_area_id! kind name available_from"),
    "town_sites": ("site_id", "site_id! kind name available_from"),
    "town_circles": ("circle_id", "circle_id! kind name available_from"),
    "town_grids": ("grid_id", "grid_id! code name community_id level:whole parent_id kind"),
    "plan_grids": (
        "grid_id",
        (
            "grid_id! code level:whole parent_id community_id! kind! households:whole residents:whole "
            "buildings:whole estates:whole area_m2:number in_range:flag exception_reason"
        ),
    ),
    "coverage_buildings": ("building_id", "building_id! households:whole"),
    "coverage_gaps": (
        "gap_id",
        "gap_id! category! limit_m:number households:whole buildings:whole nearest_m:number cause",
    ),
}
_TABLES = {
    "town_stairwells": ("stairwell_id", "stairwell_id! building_id! number households:whole"),
    "town_services": (
        None,
        "facility_id! category! capacity:number floor_area_m2:number land_area_m2:number beds:number",
    ),
    "town_population": (None, "subject_type! subject_id! age_group! value:number unit date"),
    "town_measures": (None, "subject_type! subject_id! quantity! value:number unit date"),
    "town_completeness": ("category", "category! state"),
    "plan_assignment": (None, "building_id! stairwell_id grid_id! households:whole"),
    "plan_certificates": (
        "community_id",
        (
            "community_id! status! grids:whole households:whole violation:number extra_pieces:whole "
            "extra_pieces_bound:whole moved_households:whole inertia:number inertia_bound:number gap:number "
            "seconds:number witness"
        ),
    ),
    "coverage_rates": (
        None,
        (
            "subject_type! subject_id! category indicator limit_m:number basis! numerator:number "
            "numerator_low:number numerator_high:number denominator:number undetermined:number "
            "stranded:number snapping_ambiguous:number estimated_share:number"
        ),
    ),
}


def upgrade() -> None:
    """Make all tables."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    big = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    geometry: Any = geoalchemy2.Geometry("GEOMETRY", srid=-1, spatial_index=False)

    op.create_table(
        "packages",
        sa.Column("id", big, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("town_id", big),
        sa.PrimaryKeyConstraint("id", name="pk_packages"),
        sa.ForeignKeyConstraint(["town_id"], ["packages.id"], name="fk_packages_town_id"),
        sa.UniqueConstraint("key", name="uq_packages_key"),
    )
    op.create_table(
        "revisions",
        sa.Column("id", big, nullable=False),
        sa.Column("package_id", big, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("file_digest", sa.String(64)),
        sa.Column("crs", sa.Text, nullable=False),
        sa.Column("provenance", sa.JSON, nullable=False),
        sa.Column("rules", sa.JSON, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revisions"),
        sa.ForeignKeyConstraint(["package_id"], ["packages.id"], name="fk_revisions_package_id"),
        sa.UniqueConstraint("package_id", "number", name="uq_revisions_package_id_number"),
    )
    for name, (id_column, columns) in {**_LAYERS, **_TABLES}.items():
        shape = [sa.Column("geometry", geometry if postgresql else sa.LargeBinary)] if name in _LAYERS else []
        op.create_table(
            name,
            sa.Column("id", big, nullable=False, autoincrement=False),
            sa.Column("revision_id", big, nullable=False),
            *_columns(columns),
            *_columns(_COMMON),
            sa.Column("extra", sa.JSON),
            *shape,
            sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
            sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name=f"fk_{name}_revision_id"),
        )
        _index(name, id_column, columns)
        if name in _LAYERS:
            _index_boxes(name, postgresql=postgresql)
    op.create_table(
        "coverage_walks",
        sa.Column("revision_id", big, nullable=False, autoincrement=False),
        *_columns("category! building_id! walk_m:number facility_id status!"),
        sa.Column("extra", sa.JSON),
        sa.PrimaryKeyConstraint("revision_id", "category", "building_id", name="pk_coverage_walks"),
        sqlite_with_rowid=False,
    )


def _columns(text: str) -> list[sa.Column[Any]]:
    columns: list[sa.Column[Any]] = []
    for word in text.split():
        name, _, kind = word.removesuffix("!").partition(":")
        columns.append(sa.Column(name, _TYPES[kind], nullable=not word.endswith("!")))
    return columns


def _index(name: str, id_column: str | None, columns: str) -> None:
    searched = [id_column or columns.split(maxsplit=1)[0].removesuffix("!")]
    if name == "coverage_rates":
        searched = ["subject_type", "category", "subject_id"]
    title = f"ix_{name}_revision_id_{'_'.join(searched)}"
    op.create_index(title, name, ["revision_id", *searched], unique=id_column is not None)


def _index_boxes(name: str, *, postgresql: bool) -> None:
    if postgresql:
        op.create_index(f"ix_{name}_geometry", name, ["geometry"], postgresql_using="gist")
    else:
        op.execute(
            f"CREATE VIRTUAL TABLE {name}_box "
            "USING rtree(id, west, east, south, north, revision_low, revision_high)"
        )
