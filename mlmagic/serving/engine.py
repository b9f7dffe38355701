"""The model itself: loads one, and calls it with columns. Runs in the serving process only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlmagic.runtime.signature import read

Call = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Engine:
    """A loaded model. `signature` is what it takes and returns, as `Signature` is written in JSON."""

    def __init__(self, signature: dict[str, Any], call: Call) -> None:
        self.signature = signature
        self._call = call
        self._dtypes = {tensor["name"]: tensor["dtype"] for tensor in signature["inputs"]}

    def predict(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs by name: arrays, or nested lists where they are ragged."""
        import tensorflow as tf

        # numpy has no bfloat16: such a column comes as float32.
        tensors = {
            name: tf.cast(column, dtype) if (dtype := self._dtypes[name]) == "bfloat16" else tf.constant(column, dtype)
            for name, column in columns.items()
        }
        return {name: _to_array(value) for name, value in self._call(tensors).items()}


def load_engine(artifact: Path) -> Engine:
    """Load a SavedModel folder, or a `.keras` file in safe mode.

    Raises:
        RefusedError: it must not be served, or cannot be read.
        ModuleNotFoundError: TensorFlow is not installed.
    """
    # Before it is loaded: loading runs the model's own initialisers. And before TensorFlow, which it does not need.
    signature = read(artifact)["signature"]
    if artifact.suffix == ".keras":
        return Engine(signature, _keras_call(artifact, signature))
    import tensorflow as tf

    loaded = tf.saved_model.load(str(artifact))
    # The variables live as long as the model, so it is the model that the engine keeps, not its function.
    return Engine(signature, lambda tensors: loaded.signatures[signature["name"]](**tensors))


def _keras_call(artifact: Path, signature: dict[str, Any]) -> Call:
    import keras

    model = keras.saving.load_model(artifact, compile=False, safe_mode=True)
    # Over flat lists, whatever structure of lists and dicts the model's inputs have.
    function = keras.Function(model.inputs, model.outputs)
    inputs = [tensor["name"] for tensor in signature["inputs"]]
    outputs = [tensor["name"] for tensor in signature["outputs"]]

    def call(tensors: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(outputs, function([tensors[name] for name in inputs]), strict=True))

    return call


def _to_array(value: Any) -> Any:
    import numpy as np
    import tensorflow as tf

    if isinstance(value, tf.RaggedTensor):
        return _decoded(value.to_list())
    if isinstance(value, tf.SparseTensor):
        value = tf.sparse.to_dense(value)
    if value.dtype == tf.bfloat16:
        value = tf.cast(value, tf.float32)
    return np.asarray(value)


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else value
