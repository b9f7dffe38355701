"""Endpoints: models behind an address, with a share of its traffic each."""
