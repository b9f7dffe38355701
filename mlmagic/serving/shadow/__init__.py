"""Shadow traffic: copies of requests go to a version in a process of its own, whose answers are only compared."""
