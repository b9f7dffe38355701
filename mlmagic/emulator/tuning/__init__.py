"""Hyperparameter tuning jobs of Vertex AI, as studies of the local engine."""
