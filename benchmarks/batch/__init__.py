"""Predictions for the rows of files, beside the way of tutorials."""
