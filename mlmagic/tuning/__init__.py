"""Tuning: the study that chooses parameters, runs them as trials, and learns from what these report."""
