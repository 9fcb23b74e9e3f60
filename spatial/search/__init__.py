"""The walking search: exact, bounded, from many seeds at once."""

from spatial.search.doors import Doors, arrivals, matrix
from spatial.search.repairing import repaired
from spatial.search.walking import Labels, Seeds, label, label_each, limit_steps, walk

__all__ = [
    "Doors",
    "Labels",
    "Seeds",
    "arrivals",
    "label",
    "label_each",
    "limit_steps",
    "matrix",
    "repaired",
    "walk",
]
