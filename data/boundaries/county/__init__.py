"""A made-up county town, from its river to its today's grids, drawn from one seed."""
