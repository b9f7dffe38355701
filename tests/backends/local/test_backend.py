from __future__ import annotations

from mlmagic.testing.backends import BackendConformance, ProgramConformance, ResultConformance


class TestLocalBackend(BackendConformance):
    pass


class TestLocalPrograms(ProgramConformance):
    pass


class TestLocalResults(ResultConformance):
    pass
