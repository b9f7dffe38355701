"""Skew and drift: served values against the statistics of a baseline. Numpy and Arrow alone."""
