"""The life circle: coverage, gaps, isochrones, capacity and siting, on foot."""

from spatial.lifecircle.coverage import Coverage

__all__ = ["Coverage"]
