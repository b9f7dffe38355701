"""Predictions: instances to columns, columns to a warm process that holds the model, and back."""
