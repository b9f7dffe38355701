"""The HTTP side of a worker: requests to columns, batches, replies."""
