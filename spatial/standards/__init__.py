"""Standards: profiles of indicators as data, and how towns are rated by them."""

from spatial.standards.building import build_list
from spatial.standards.gaining import Gains, gained_since
from spatial.standards.profile import Profile, ProfileIndicator, StarVeto, coverage_indicators
from spatial.standards.rate import rate_town, town_at
from spatial.standards.rating import Rating, Reason
from spatial.standards.reading import profile_ids, read_profile

__all__ = [
    "Gains",
    "Profile",
    "ProfileIndicator",
    "Rating",
    "Reason",
    "StarVeto",
    "build_list",
    "coverage_indicators",
    "gained_since",
    "profile_ids",
    "rate_town",
    "read_profile",
    "town_at",
]
