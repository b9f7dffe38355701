"""Processes that have imported what jobs need, and from which jobs are forked."""
