"""Which engine runs an artifact."""

from __future__ import annotations

from pathlib import Path

from mlmagic.runtime.signature import RefusedError
from mlmagic.serving.engines.artifact import read_signature
from mlmagic.serving.engines.base import Engine
from mlmagic.spec import codec
from mlmagic.spec.conversion import ConversionRecord
from mlmagic.spec.endpoint import EngineChoice
from mlmagic.spec.model import Signature
from mlmagic.workspace.layout import CONVERSION_RECORD


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
        converted: the path that `conversion.convert` gave, if it gave one.
        threads: for one operation. The first engine of a process decides for all of them.

    Raises:
        RefusedError: it must not be served, or not by this engine, or cannot be read.
        ModuleNotFoundError: a library that it needs is not installed.
    """
    if artifact.suffix == ".onnx":
        from mlmagic.serving.engines.onnx_runtime import load_onnx

        if choice is EngineChoice.SESSION:
            raise RefusedError("it is an ONNX model, which a session of TensorFlow does not take: use --engine onnx")
        return load_onnx(artifact, signature, threads=threads)
    if choice is EngineChoice.ONNX and converted is None:
        raise RefusedError("it was not converted to ONNX: use --engine session, or auto")
    if choice is not EngineChoice.SESSION and converted is not None:
        return _load_converted(converted, artifact, signature, threads)
    return _load_original(artifact, signature, threads)


def _load_converted(model: Path, artifact: Path, signature: Signature | None, threads: int) -> Engine:
    from mlmagic.serving.engines.onnx_runtime import OnnxEngine

    record = codec.loads(ConversionRecord, model.with_name(CONVERSION_RECORD).read_bytes())
    return OnnxEngine(
        model,
        signature or read_signature(artifact),
        outputs=record.outputs,
        signatures=record.signatures,
        original=lambda: _load_original(artifact, signature, threads),
        threads=threads,
    )


def _load_original(artifact: Path, signature: Signature | None, threads: int) -> Engine:
    if artifact.suffix == ".keras":
        from mlmagic.serving.engines.keras_file import load_keras

        return load_keras(artifact, signature, threads=threads)
    from mlmagic.serving.engines.session import SessionEngine

    return SessionEngine(artifact, signature, threads=threads)
