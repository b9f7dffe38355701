"""The agent: one process for each workspace that starts queued jobs. It owns nothing, and may be killed at any time."""
