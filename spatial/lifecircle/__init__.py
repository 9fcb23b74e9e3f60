"""The life circle: coverage, gaps, isochrones, capacity and siting, on foot."""

from spatial.lifecircle.coverage import Coverage, assess_coverage
from spatial.lifecircle.rates import Indicator
from spatial.lifecircle.survey import Survey
from spatial.search import walk

__all__ = ["Coverage", "Indicator", "Survey", "assess_coverage", "walk"]
