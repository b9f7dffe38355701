"""The exam of backends, taken on the emulator through Google's own client libraries."""

from __future__ import annotations

import pytest

from mlmagic.testing.backends import BackendConformance, ResultConformance

pytestmark = pytest.mark.slow


class TestGoogleOnTheEmulator(BackendConformance):
    pass


class TestResultsOnTheEmulator(ResultConformance):
    pass
