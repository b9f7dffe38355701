"""Tuning beside the peers: how long trials take (`speed`), and how good they are (`quality`)."""
