"""The gate of a continuous integration: a matrix of plans, recorded regressions, one answer."""
