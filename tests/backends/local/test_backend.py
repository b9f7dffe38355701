from __future__ import annotations

from mlmagic.testing.backends import BackendConformance, ProgramConformance


class TestLocalBackend(BackendConformance):
    pass


class TestLocalPrograms(ProgramConformance):
    pass
