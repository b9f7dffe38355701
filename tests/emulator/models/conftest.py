"""Vertex AI's clients on an emulator with a model in its bucket."""

from __future__ import annotations

import pytest
from support.tensorflow_models import saved_models
from support.vertex import Vertex

from mlmagic.emulator.launch import Emulator


@pytest.fixture(scope="module")
def vertex(emulator: Emulator) -> Vertex:
    """The clients of the module's emulator."""
    return Vertex(emulator)


@pytest.fixture(scope="module")
def uri(vertex: Vertex, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a model lies that doubles three `pixels`."""
    return vertex.put(saved_models(tmp_path_factory) / "vector", "models/vector")
