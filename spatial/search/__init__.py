"""The walking search: exact, bounded, from many seeds at once."""

from spatial.search.arriving import arrivals, arrivals_within
from spatial.search.doors import Doors, Goals, Homes, Weighed, reach
from spatial.search.matrix import matrix
from spatial.search.repairing import Repair
from spatial.search.walking import Labels, Seeds, label, label_each, limit_steps, limits_steps, walk

__all__ = [
    "Doors",
    "Goals",
    "Homes",
    "Labels",
    "Repair",
    "Seeds",
    "Weighed",
    "arrivals",
    "arrivals_within",
    "label",
    "label_each",
    "limit_steps",
    "limits_steps",
    "matrix",
    "reach",
    "walk",
]
