"""The walking search: exact, bounded, from many seeds at once."""

from spatial.search.arriving import arrivals, arrivals_within
from spatial.search.doors import Doors, Goals, Homes, reach
from spatial.search.matrix import matrix
from spatial.search.repairing import concerned, repaired
from spatial.search.walking import Labels, Seeds, label, label_each, limit_steps, limits_steps, walk

__all__ = [
    "Doors",
    "Goals",
    "Homes",
    "Labels",
    "Seeds",
    "arrivals",
    "arrivals_within",
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
