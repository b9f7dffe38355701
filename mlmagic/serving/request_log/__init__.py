"""Sampled requests and predictions: a journal for each worker, which is turned into Parquet within a disk budget."""
