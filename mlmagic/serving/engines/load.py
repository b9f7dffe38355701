"""Which engine runs an artifact."""

from __future__ import annotations

from pathlib import Path

from mlmagic.serving.engines.base import Engine
from mlmagic.spec.endpoint import EngineChoice
from mlmagic.spec.model import Signature


def load_engine(
    artifact: Path,
    *,
    signature: Signature | None = None,
    choice: EngineChoice = EngineChoice.AUTO,
    converted: Path | None = None,
    threads: int = 1,
) -> Engine:
    """Load a version.

    Args:
        artifact: a SavedModel's folder, or a `.keras` or `.onnx` file.
        signature: the version's, which knows what is optional; read from the artifact if it is not given.
        choice: which engine is wanted.
        converted: what `conversion.convert` gave, if it gave something.
        threads: for one operation. The first engine of a process decides for all of them.

    Raises:
        RefusedError: it must not be served, or not by this engine, or cannot be read.
        ModuleNotFoundError: a library that it needs is not installed.
    """
    if artifact.suffix == ".keras":
        from mlmagic.serving.engines.keras_file import load_keras

        return load_keras(artifact, signature, threads=threads)
    from mlmagic.serving.engines.session import SessionEngine

    return SessionEngine(artifact, signature, threads=threads)
