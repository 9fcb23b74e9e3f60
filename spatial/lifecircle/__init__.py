"""The life circle: coverage, gaps, isochrones, capacity and siting, on foot."""

from spatial.lifecircle.capacity import CapacityReport, assess_capacity, two_step_access
from spatial.lifecircle.choices import Choices, services_within
from spatial.lifecircle.coverage import Assessment, Coverage, assess_coverage
from spatial.lifecircle.isochrones import Reach, reach_from, reach_from_estate, reach_from_facility
from spatial.lifecircle.openings import best_openings
from spatial.lifecircle.proposal import Proposal, candidate_walks, site_facilities
from spatial.lifecircle.rates import Indicator, covered_share
from spatial.lifecircle.siting import Siting, locate
from spatial.lifecircle.survey import Survey
from spatial.lifecircle.whatif import Outcome, try_changes
from spatial.search import walk

__all__ = [
    "Assessment",
    "CapacityReport",
    "Choices",
    "Coverage",
    "Indicator",
    "Outcome",
    "Proposal",
    "Reach",
    "Siting",
    "Survey",
    "assess_capacity",
    "assess_coverage",
    "best_openings",
    "candidate_walks",
    "covered_share",
    "locate",
    "reach_from",
    "reach_from_estate",
    "reach_from_facility",
    "services_within",
    "site_facilities",
    "try_changes",
    "two_step_access",
    "walk",
]
