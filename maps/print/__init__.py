"""Print: plans on paper, as PDF ready for the wall."""
