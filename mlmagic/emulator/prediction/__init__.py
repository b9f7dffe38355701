"""Online predictions."""
