"""Predictions for whole files: a job of its own."""
