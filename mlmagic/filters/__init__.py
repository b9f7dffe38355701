"""gcloud's filter language: text → tree → SQL, or a predicate over records."""
