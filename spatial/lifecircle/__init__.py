"""The life circle: coverage, gaps, isochrones, capacity and siting, on foot."""

from spatial.lifecircle.coverage import Coverage, assess_coverage
from spatial.lifecircle.rates import Indicator
from spatial.lifecircle.siting import Siting, locate
from spatial.lifecircle.survey import Survey
from spatial.search import walk

__all__ = ["Coverage", "Indicator", "Siting", "Survey", "assess_coverage", "locate", "walk"]
