"""Custom jobs of Vertex AI: what is refused, how one runs in the engine, and what is told of it."""
