"""Dataflow: jobs that really run the staged pipeline, in processes of their own."""
