"""Batch predictions: files of a bucket in, files of predictions out, as Vertex AI writes them."""
