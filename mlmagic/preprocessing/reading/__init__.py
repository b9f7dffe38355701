"""Raw files to record batches: what is read is planned first, then read unit by unit."""
