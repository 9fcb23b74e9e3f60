"""Scenes: what one map shows together, a town with one plan and its coverage, each in one revision.

The address of a scene's tiles holds its token, made from the fingerprints of its content and the
version of the tiles; so an answer at an address never changes, and may be kept for ever.  What a scene
shows is made by `maps.features` when it is first asked for.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar, cast

import geopandas as gpd
import pyproj

from api.database import KINDS, Revision
from api.errors import NotFoundError
from api.store import Store
from api.tiles import TileLayer, TileSource
from maps.features import features, label_points, line_work
from maps.layers import LAYERS
from spatial.errors import UsageError
from spatial.grids import assignment_of_today
from spatial.grids.plan import Plan
from spatial.lifecircle.coverage import Coverage
from spatial.town import Town, empty_table

__all__ = ["TODAY", "Scene", "Scenes"]

TODAY = "today"
"""Plan id of the grids of today, which come with the town."""

_TILE_VERSION = 1
_KEPT = 64

Made = TypeVar("Made")


@dataclass(frozen=True)
class Scene:
    """A town with at most one plan and one coverage.

    Attributes
    ----------
    town, plan, coverage : revisions; None where there is none
    plan_id : key of the plan, `TODAY`, or ''
    """

    town: Revision
    plan: Revision | None
    coverage: Revision | None
    plan_id: str

    @property
    def token(self) -> str:
        """What its tiles are addressed by: 16 hexadecimal digits."""
        held = [one.fingerprint if one else "" for one in (self.town, self.plan, self.coverage)]
        return hashlib.sha256("|".join((str(_TILE_VERSION), self.plan_id, *held)).encode()).hexdigest()[:16]


class Scenes:
    """The scenes of a store, and what was made for them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: OrderedDict[Hashable, object] = OrderedDict()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def of_town(self, key: str | None = None) -> list[Scene]:
        """Return the scenes of a town, the newest plan first; of the newest town where no key is given.

        Raises
        ------
        NotFoundError
            If the database holds no such town.
        """
        revisions = self._store.revisions()
        towns = [one for one in revisions if one.package.kind == "town" and key in {None, one.package.key}]
        if not towns:
            raise NotFoundError("api.no_town", town=key or "")
        town = towns[-1]
        of_town = [one for one in revisions if one.package.town_id == town.package.id]
        plans = [one for one in of_town if one.package.kind == "plan"]
        coverages = [one for one in of_town if one.package.kind == "coverage"]
        coverage = coverages[-1] if coverages else None
        scenes = [Scene(town, plan, coverage, plan.package.key) for plan in reversed(plans)]
        if "grids" in town.counts:
            scenes.append(Scene(town, None, coverage, TODAY))
        return scenes or [Scene(town, None, coverage, "")]

    def by_token(self, token: str) -> Scene:
        """Return the scene of a token.

        Raises
        ------
        NotFoundError
            If no scene of the newest revisions has it.
        """
        towns = [one.package.key for one in self._store.revisions() if one.package.kind == "town"]
        found = next((scene for key in towns for scene in self.of_town(key) if scene.token == token), None)
        if found is None:
            raise NotFoundError("api.no_revision", revision=token)
        return found

    def by_plan(self, plan_id: str, town: str | None = None) -> Scene:
        """Return the scene of a plan of a town.

        Raises
        ------
        NotFoundError
            If the town has no such plan.
        """
        found = next((scene for scene in self.of_town(town) if scene.plan_id == plan_id), None)
        if found is None:
            raise NotFoundError("api.no_package", package=plan_id)
        return found

    def town(self, scene: Scene) -> Town:
        """Return the town of a scene."""
        revision = scene.town
        return self.once(
            ("town", revision.id), lambda: self._store.town(revision.package.key, revision.number)
        )

    def plan(self, scene: Scene) -> Plan:
        """Return the plan of a scene; one without grids where there is none."""
        revision = scene.plan
        if revision is not None:
            key, number = revision.package.key, revision.number
            return self.once(("plan", revision.id), lambda: self._store.plan(key, number))
        if scene.plan_id == TODAY:
            return self.once((TODAY, scene.town.id), lambda: _today(self.town(scene)))
        return _no_plan(self.town(scene).crs)

    def coverage(self, scene: Scene) -> Coverage:
        """Return the coverage of a scene without its walks; an empty one where there is none."""
        revision = scene.coverage
        if revision is None:
            return _no_coverage(self.town(scene).crs)
        key, number = revision.package.key, revision.number
        return self.once(
            ("coverage", revision.id), lambda: self._store.coverage(key, number, with_walks=False)
        )

    def features(self, scene: Scene, layer_id: str) -> gpd.GeoDataFrame:
        """Return what a layer of a scene shows, in the town's reference system.

        Raises
        ------
        NotFoundError
            If there is no such layer.
        """
        if layer_id not in LAYERS:
            raise NotFoundError("api.no_layer", layer=layer_id)
        return self.once(
            ("features", scene.token, layer_id),
            lambda: features(layer_id, self.town(scene), self.plan(scene), self.coverage(scene)),
        )

    def tiles(self, scene: Scene, layer_id: str) -> TileSource:
        """Return the tile source of a layer of a scene.

        Raises
        ------
        NotFoundError
            If there is no such layer.
        """
        frame = self.features(scene, layer_id)
        return self.once(("tiles", scene.token, layer_id), lambda: _source(layer_id, frame))

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what was made under a key, made now where it was not; the longest unused goes."""
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return cast(Made, self._made[key])
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            with self._lock:
                if key in self._made:
                    return cast(Made, self._made[key])
            made = make()
            with self._lock:
                self._made[key] = made
                self._locks.pop(key, None)
                while len(self._made) > _KEPT:
                    self._made.popitem(last=False)
            return made


def _source(layer_id: str, frame: gpd.GeoDataFrame) -> TileSource:
    layer = LAYERS[layer_id]
    # Ids are the numbers of the rows, those without a place counted.
    located = frame.reset_index(drop=True)[~frame.geometry.isna().to_numpy()]
    layers = [TileLayer(layer_id, located, shared_edges=layer.once)]
    if layer.once and len(located):
        lines = gpd.GeoDataFrame(geometry=line_work(located.geometry))
        layers.append(TileLayer(f"{layer_id}_lines", lines))
    if layer.label is not None and len(located):
        layers.append(TileLayer(f"{layer_id}_labels", located.set_geometry(label_points(located.geometry))))
    return TileSource(layers, (int(layer.zooms[0]), int(layer.zooms[1])))


def _today(town: Town) -> Plan:
    try:
        assigned = assignment_of_today(town)
    except UsageError:
        return _no_plan(town.crs)
    grids = town.layer("grids")
    empty = _no_plan(town.crs)
    households = town.buildings["households"].reindex(assigned.assignment["building_id"]).to_numpy()
    counted = (
        assigned.assignment.assign(households=households).groupby("grid_id")["households"].sum(min_count=1)
    )
    figures = grids.assign(
        households=counted.reindex(grids.index).astype("Int64"), kind=grids["kind"].fillna("basic")
    )
    blank = {name: empty.grids[name].reindex(grids.index) for name in empty.grids if name not in figures}
    return Plan(figures.assign(**blank), assigned.assignment.assign(stairwell_id=None), empty.certificates)


def _no_plan(crs: pyproj.CRS) -> Plan:
    tables = {name: empty_table(table, crs) for name, table in KINDS["plan"].items()}
    return Plan(gpd.GeoDataFrame(tables["grids"]), tables["assignment"], tables["certificates"])


def _no_coverage(crs: pyproj.CRS) -> Coverage:
    tables = {name: empty_table(table, crs) for name, table in KINDS["coverage"].items()}
    return Coverage(
        gpd.GeoDataFrame(tables["buildings"]),
        tables["walks"],
        tables["rates"],
        gpd.GeoDataFrame(tables["gaps"]),
    )
