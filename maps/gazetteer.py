"""Gazetteer: what can be searched in a town, by name, detail and code."""

from __future__ import annotations

import re
from typing import Any

import geopandas as gpd
import pandas as pd

from maps.geography import bounds_of

__all__ = ["Gazetteer"]


class Gazetteer:
    """Places by their words.

    Parameters
    ----------
    entries : parts of `Gazetteer.entries`, those that shall come first at the front
    """

    def __init__(self, entries: list[pd.DataFrame]) -> None:
        listed = pd.concat(entries, ignore_index=True)
        words = listed["name"] + " " + listed["detail"] + " " + listed["id"]
        self._entries = listed.assign(words=words.str.lower())

    @staticmethod
    def entries(kind: str, frame: gpd.GeoDataFrame, name: str, details: pd.Series | None) -> pd.DataFrame:
        """Return the features of a layer as entries: kind, id, name, detail, bounds."""
        told = pd.Series("", index=frame.index) if details is None else details
        return pd.DataFrame(
            {
                "kind": kind,
                "id": frame.index.astype(str),
                "name": frame[name].astype("string").fillna("").to_numpy(object),
                "detail": told.astype("string").fillna("").to_numpy(object),
                "bounds": bounds_of(frame.geometry),
            }
        )

    def find(self, query: str, limit: int) -> list[dict[str, Any]]:
        """Return the entries that hold every word of a query; names that begin so first."""
        words = query.lower().split()
        if not words:
            return []
        found = self._entries
        for word in words:
            found = found[found["words"].str.contains(re.escape(word), regex=True)]
        begins = ~found["name"].str.lower().str.startswith(words[0])
        found = found.assign(begins=begins, length=found["name"].str.len())
        found = found.sort_values(["begins", "length"], kind="stable").head(limit)
        named = found[["kind", "id", "name", "detail", "bounds"]]
        return [{str(name): value for name, value in row.items()} for row in named.to_dict("records")]
