from __future__ import annotations

import pytest

from mlmagic.backends.memory import MemoryBackend
from mlmagic.testing.backends import BackendConformance


class TestMemoryBackend(BackendConformance):
    @pytest.fixture
    def backend(self) -> MemoryBackend:
        return MemoryBackend()
