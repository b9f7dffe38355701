"""By how much the outputs of a model grow with its inputs: in a serving process, by TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlmagic.runtime.signature import RefusedError
from mlmagic.serving.engines.artifact import read_signature
from mlmagic.serving.engines.base import Array, Columns
from mlmagic.spec.model import Signature

Call = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientEngine:
    """A model that TensorFlow can go through backwards. A session's graph cannot: its functions are closed."""

    call: Call
    dtypes: Mapping[str, Any]
    """TensorFlow's, by input."""
    loaded: Any
    """What holds the model's variables, which live as long as this."""

    def run(self, columns: Columns, output: str, place: int | None) -> dict[str, Array]:
        """Return the gradients of an output by each input of numbers, with the shape of the input.

        Raises:
            RefusedError: the output does not depend on any of them in a way that can be differentiated.
            LookupError: an operation of the model has no gradient.
        """
        import numpy as np
        import tensorflow as tf

        inputs = {name: tf.cast(tf.convert_to_tensor(columns[name]), dtype) for name, dtype in self.dtypes.items()}
        moved = {name: tensor for name, tensor in inputs.items() if tensor.dtype.is_floating}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(moved.values()))
            answer = self.call(inputs)[output]
            chosen = answer if place is None else tf.reshape(answer, (tf.shape(answer)[0], -1))[:, place]
        found = tape.gradient(chosen, moved)
        if all(gradient is None for gradient in found.values()):
            raise RefusedError(f"the output {output} does not change steadily with any input")
        return {
            name: np.zeros(moved[name].shape, "float32") if gradient is None else _dense(gradient)
            for name, gradient in found.items()
        }


def load_gradients(artifact: Path, signature: Signature) -> GradientEngine:
    """Load a SavedModel or a `.keras` file once more, so that it can be differentiated.

    Raises:
        RefusedError: it is of another kind, or must not be served.
        ModuleNotFoundError: TensorFlow is not installed.
    """
    if artifact.suffix == ".onnx":
        raise RefusedError("TensorFlow knows the gradients of SavedModels and of .keras files, not of ONNX models")
    # Before it is loaded: that runs the model's own initialisers.
    read_signature(artifact)
    return _load_keras(artifact, signature) if artifact.suffix == ".keras" else _load_saved(artifact, signature)


def _load_saved(artifact: Path, signature: Signature) -> GradientEngine:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(artifact), tags=["serve"])
    function = loaded.signatures.get(signature.name)
    if function is None:
        raise RefusedError(f"its signature {signature.name} is none of TensorFlow 2")
    specs = function.structured_input_signature[1]

    return GradientEngine(
        call=lambda inputs: function(**inputs),
        dtypes={name: spec.dtype for name, spec in specs.items()},
        loaded=loaded,
    )


def _load_keras(artifact: Path, signature: Signature) -> GradientEngine:
    import keras
    import tensorflow as tf

    model = keras.saving.load_model(artifact, compile=False, safe_mode=True)
    function: Any = keras.Function(model.inputs, model.outputs)

    def call(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        outputs = function([inputs[tensor.name] for tensor in signature.inputs])
        return {tensor.name: value for tensor, value in zip(signature.outputs, outputs, strict=True)}

    dtypes = {tensor.name: tf.as_dtype(tensor.dtype) for tensor in signature.inputs}
    return GradientEngine(call=call, dtypes=dtypes, loaded=model)


def _dense(gradient: Any) -> Array:
    import numpy as np
    import tensorflow as tf

    return np.asarray(tf.cast(tf.convert_to_tensor(gradient), tf.float32))
