"""Cloud Storage's JSON API over folders: an object is a file at its own name, whoever has written it."""
