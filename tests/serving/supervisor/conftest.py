from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.kept_endpoints import KeptEndpoint, kept_endpoint
from support.made_once import made_once

_SCRIPT = """
import sys
import tensorflow as tf

for number in (1, 2):
    module = tf.Module()
    module.answer = tf.function(
        lambda x: {"y": x + number}, input_signature=[tf.TensorSpec([None], tf.float32, name="x")]
    )
    tf.saved_model.save(module, f"{sys.argv[1]}/{number}", signatures=module.answer)
"""


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[KeptEndpoint]:
    """An endpoint of a model with two versions, which serves the first."""
    with kept_endpoint(tmp_path, versions=2) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def saved_sums(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a SavedModel for each of two versions."""

    def make(folder: Path) -> None:
        subprocess.run([sys.executable, "-c", _SCRIPT, str(folder)], check=True, capture_output=True)

    return made_once(tmp_path_factory, "saved-sums", make)
