"""Persistent resources: machines that are kept, so that jobs on them start at once."""
