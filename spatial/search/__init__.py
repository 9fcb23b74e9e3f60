"""The walking search: exact, bounded, from many seeds at once."""

from spatial.search.doors import Doors, arrivals, matrix, reach
from spatial.search.repairing import concerned, repaired
from spatial.search.walking import Labels, Seeds, label, label_each, limit_steps, limits_steps, walk

__all__ = [
    "Doors",
    "Labels",
    "Seeds",
    "arrivals",
    "concerned",
    "label",
    "label_each",
    "limit_steps",
    "limits_steps",
    "matrix",
    "reach",
    "repaired",
    "walk",
]
