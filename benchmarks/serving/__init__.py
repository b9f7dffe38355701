"""Predictions over HTTP, beside servers that others make."""
