"""The life circle: coverage, gaps, isochrones, capacity and siting, on foot."""

from spatial.lifecircle.capacity import CapacityReport, assess_capacity, two_step_access
from spatial.lifecircle.coverage import Coverage, assess_coverage
from spatial.lifecircle.rates import Indicator, covered_share
from spatial.lifecircle.siting import Siting, locate
from spatial.lifecircle.survey import Survey
from spatial.search import walk

__all__ = [
    "CapacityReport",
    "Coverage",
    "Indicator",
    "Siting",
    "Survey",
    "assess_capacity",
    "assess_coverage",
    "covered_share",
    "locate",
    "two_step_access",
    "walk",
]
