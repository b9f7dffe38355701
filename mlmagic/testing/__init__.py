"""Conformance suites that ship with mlmagic, for its own parts and for those of others. They need pytest."""

import pytest

pytest.register_assert_rewrite(
    *(f"mlmagic.testing.{name}" for name in ("backends", "endpoints", "keeping", "listing", "results", "trials"))
)
