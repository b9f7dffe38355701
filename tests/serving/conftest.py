from __future__ import annotations

from pathlib import Path

import pytest
from support.tensorflow_models import saved_models


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a SavedModel each, and `dense.keras`."""
    return saved_models(tmp_path_factory)
