"""A `.keras` file: as a SavedModel that is written for it, or else called as Keras does."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlmagic.runtime.signature import RefusedError
from mlmagic.serving.engines.artifact import read_signature
from mlmagic.serving.engines.base import Columns, NamedSignature, Outputs
from mlmagic.serving.engines.session import SessionEngine
from mlmagic.spec.model import Signature


def load_keras(artifact: Path, signature: Signature | None = None, *, threads: int = 1) -> SessionEngine | KerasEngine:
    """Load a `.keras` file in safe mode.

    Raises:
        RefusedError: it must not be served, or cannot be read.
        ModuleNotFoundError: Keras is not installed.
    """
    found = read_signature(artifact)
    with tempfile.TemporaryDirectory(prefix="mlmagic-") as folder:
        saved_model = Path(folder) / "model"
        try:
            export_keras(artifact, found, saved_model)
        except RefusedError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is that Keras cannot export, it can call
            return KerasEngine(artifact, signature or found)
        # Once it is loaded, a session does not need its files.
        return SessionEngine(saved_model, signature or found, threads=threads)


def export_keras(artifact: Path, signature: Signature, folder: Path) -> None:
    """Write the SavedModel of a `.keras` file, with the names of its signature.

    Raises:
        RefusedError: what was written must not be served.
        Exception: it cannot be exported.
    """
    import keras
    import tensorflow as tf

    model = keras.saving.load_model(artifact, compile=False, safe_mode=True)
    function = keras.Function(model.inputs, model.outputs)
    names = [tensor.name for tensor in signature.outputs]

    def answer(inputs: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(names, function([inputs[tensor.name] for tensor in signature.inputs]), strict=True))

    specs = {tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype, name=tensor.name) for tensor in signature.inputs}
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(signature.name, answer, [specs])
    archive.write_out(str(folder), verbose=False)
    written = read_signature(folder)
    if {tensor.name for tensor in written.inputs} != specs.keys():
        raise ValueError("TensorFlow gave its inputs other names")


class KerasEngine:
    """See `Engine`. Calls the layers one by one, which is slow."""

    kind = "keras"

    def __init__(self, artifact: Path, signature: Signature) -> None:
        import keras

        model = keras.saving.load_model(artifact, compile=False, safe_mode=True)
        # Over flat lists, whatever structure of lists and dicts the model's inputs have.
        self._function: Any = keras.Function(model.inputs, model.outputs)
        self.signature = signature
        self.signatures: Mapping[str, NamedSignature] = {signature.name: NamedSignature(signature=signature)}

    def run(self, columns: Columns) -> Outputs:
        """See `Engine`."""
        import tensorflow as tf

        inputs = [tf.cast(columns[tensor.name], tensor.dtype) for tensor in self.signature.inputs]
        outputs = self._function(inputs)
        return {tensor.name: _to_array(value) for tensor, value in zip(self.signature.outputs, outputs, strict=True)}

    def run_signature(self, name: str, columns: Columns) -> Outputs:
        """See `Engine`."""
        if name not in self.signatures:
            raise KeyError(name)
        return self.run(columns)

    def close(self) -> None:
        """See `Engine`."""
        self._function = None


def _to_array(value: Any) -> Any:
    import tensorflow as tf

    return np.asarray(tf.cast(value, tf.float32) if value.dtype == tf.bfloat16 else value)
