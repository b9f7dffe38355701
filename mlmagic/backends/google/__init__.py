"""The backend of Google Cloud, and of the emulator of it: Vertex AI, Cloud Storage, Cloud Logging."""
