"""Preprocessing beside its peers: the same work on the same rows, checked."""
