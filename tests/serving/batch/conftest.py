"""A workspace with versions of small models, and the program run in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.tensorflow_models import saved_models

from mlmagic.runtime.signature import read
from mlmagic.serving.batch.arguments import parse_arguments
from mlmagic.serving.batch.result import BatchResult
from mlmagic.serving.batch.run import run
from mlmagic.spec.codec import decode
from mlmagic.spec.model import ModelOrigin, Signature
from mlmagic.workspace.database import Database
from mlmagic.workspace.discovery import open_workspace
from mlmagic.workspace.layout import Workspace
from mlmagic.workspace.models import ModelStore

Predict = Callable[..., BatchResult]
MODELS = ("houses", "vector", "answer", "fours", "ragged", "summed")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace that has version 1 of each model. `rooms` of houses may be missing."""
    saved = saved_models(tmp_path_factory)
    folder = tmp_path_factory.mktemp("workspace")
    workspace = Workspace(folder / ".mlmagic")
    open_workspace(workspace)
    store = ModelStore(Database(workspace))
    for name in MODELS:
        artifact = folder / name
        shutil.copytree(saved / name, artifact)
        signature = decode(Signature, read(artifact)["signature"])
        store.register(name, artifact, origin=ModelOrigin(), signature=signature, now=datetime(2026, 1, 1, tzinfo=UTC))
    return workspace


@pytest.fixture
def lines() -> list[str]:
    """What a run printed."""
    return []


@pytest.fixture
def predict(workspace: Workspace, lines: list[str], folder: Path) -> Iterator[Predict]:
    """Run the program with a model's name, files, an output and other words, in an empty folder."""

    def predict(model: str, files: str, output: str, *words: str) -> BatchResult:
        given = ["--model", f"{model}@1", "--workspace", str(workspace.root), "--output", output, *words]
        return run(parse_arguments([*given, "--workers", "2", "--input", *files.split()]), lines.append)

    return predict
