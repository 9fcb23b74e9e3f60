"""Views: what the map page sees of a town, and the tiles of its layers.

A view is made of the newest revisions of a town, its plans and its coverage.  The address of its tiles
holds a token made from their fingerprints and the version of the tiles; so what is at an address never
changes, and may be kept for ever.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import geopandas as gpd

from api.database import Revision
from api.errors import NotFoundError
from api.store import Store
from api.tiles import TileLayer, TileSource
from maps.features import label_points, line_work
from maps.layers import LAYERS
from maps.view import View
from spatial.messages import LANGUAGES

__all__ = ["Seen", "Views"]

_TILE_VERSION = 1


@dataclass(frozen=True)
class Seen:
    """A view and the revisions it was made of.

    Attributes
    ----------
    town : revision of the town
    plans : revisions of its plans by plan id, the newest first
    coverage : revision of its newest coverage, or None
    view : answers of the map page
    """

    town: Revision
    plans: Mapping[str, Revision]
    coverage: Revision | None
    view: View
    _made: dict[tuple[str, str | None], TileSource] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def token(self, plan_id: str | None = None) -> str:
        """Return what tiles are addressed by, 16 hexadecimal digits; of one plan, for layers of plans."""
        revisions = [self.town, *self.plans.values(), *([self.coverage] if self.coverage else [])]
        parts = [str(_TILE_VERSION), plan_id or "", *(one.fingerprint for one in revisions)]
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]

    def plan_of(self, layer_id: str, token: str) -> tuple[bool, str | None]:
        """Tell whether a layer has tiles under a token, and of which plan."""
        if LAYERS[layer_id].package != "plan":
            return token == self.token(), None
        return next(((True, one) for one in self.view.plans if self.token(one) == token), (False, None))

    def tiles(self, layer_id: str, plan_id: str | None) -> TileSource:
        """Return the tiles of a layer; made once, by one thread while others wait."""
        with self._lock:
            key = (layer_id, plan_id)
            if key not in self._made:
                self._made[key] = _source(layer_id, self.view.frame(layer_id, plan_id))
            return self._made[key]


class Views:
    """The views of a store; those of revisions that are no longer the newest are let go."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: dict[tuple[int, ...], Seen] = {}
        self._lock = threading.Lock()

    def of(self, town: str | None = None) -> Seen:
        """Return the view of a town by its key; of the town that came last where no key is given.

        Raises
        ------
        NotFoundError
            If the database holds no such town.
        """
        states = self._states()
        found = [state for state in states if town in {None, state[0].package.key}]
        if not found:
            raise NotFoundError("api.no_town", town=town or "")
        return self._made(found[-1], states)

    def prepare(self) -> None:
        """Make what the first page of the newest town asks for, so that nobody waits for it."""
        if not self._states():
            return
        seen = self.of()
        seen.view.town(LANGUAGES[0])
        for layer_id, layer in LAYERS.items():
            if layer.on:
                newest = next(iter(seen.view.plans), None) if layer.package == "plan" else None
                seen.tiles(layer_id, newest)
        # Today's grids come last: to judge them takes longest, and only who compares asks for them.
        for plan_id in seen.view.plans:
            seen.view.frame("grids", plan_id)

    def tiles(self, layer_id: str, token: str) -> TileSource:
        """Return the tiles of a layer under a token.

        Raises
        ------
        NotFoundError
            If there is no such layer, or the token is of no newest revision.
        """
        if layer_id not in LAYERS:
            raise NotFoundError("api.no_layer", layer=layer_id)
        for seen in self._at_hand_then_newest():
            known, plan_id = seen.plan_of(layer_id, token)
            if known:
                return seen.tiles(layer_id, plan_id)
        raise NotFoundError("api.no_revision", revision=token)

    def _at_hand_then_newest(self) -> Iterator[Seen]:
        # What is at an address never changes: a view at hand answers without a look at the database.
        yield from tuple(self._seen.values())
        states = self._states()
        yield from (self._made(state, states) for state in states)

    def _states(self) -> list[list[Revision]]:
        """Return the newest revisions of every town and of what belongs to it, the town first."""
        revisions = self._store.revisions()
        return [
            [town, *(one for one in revisions if one.package.town_id == town.package.id)]
            for town in revisions
            if town.package.kind == "town"
        ]

    def _made(self, state: list[Revision], states: list[list[Revision]]) -> Seen:
        key = tuple(one.id for one in state)
        with self._lock:
            if key not in self._seen:
                newest = {tuple(one.id for one in other) for other in states}
                self._seen = {held: seen for held, seen in self._seen.items() if held in newest}
                self._seen[key] = self._make(state)
            return self._seen[key]

    def _make(self, state: list[Revision]) -> Seen:
        town, belonging = state[0], state[1:]
        plans = {one.package.key: one for one in reversed(belonging) if one.package.kind == "plan"}
        coverage = next((one for one in reversed(belonging) if one.package.kind == "coverage"), None)
        view = View(
            self._store.town(town.package.key, town.number),
            {key: self._store.plan(key, one.number) for key, one in plans.items()},
            self._store.coverage(coverage.package.key, coverage.number, left_out=("walks", "rates"))
            if coverage
            else None,
            partial(self._store.rows, coverage.package.key, coverage.number) if coverage else None,
        )
        return Seen(town, plans, coverage, view)


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
