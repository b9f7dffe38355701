"""What every engine is: the Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from mlmagic.spec.conversion import PREDICT_METHOD, NamedSignature
from mlmagic.spec.model import Signature

__all__ = [
    "CLASSIFY_METHOD",
    "PREDICT_METHOD",
    "REGRESS_METHOD",
    "Array",
    "Columns",
    "Engine",
    "InputRefusedError",
    "NamedSignature",
    "Outputs",
]

Array = np.ndarray[Any, Any]
Columns = Mapping[str, Array]
Outputs = dict[str, Any]

CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"


class InputRefusedError(ValueError):
    """Columns that this engine cannot take, though they fit the signature: nothing is wrong with the model."""


class Engine(Protocol):
    """A loaded version. All methods are safe to call from several threads at once.

    Columns have the numpy dtype of the input, or one that it can be cast to; texts are arrays of objects, of str or of
    bytes. Outputs are arrays (texts are of objects, of bytes), or nested lists, of str, where they are ragged.
    """

    kind: str
    """`session`, `onnx` or `keras`."""
    signature: Signature
    """What `run` takes and returns. Which inputs are optional is known only if the version's own was given."""
    signatures: Mapping[str, NamedSignature]
    """All that can be called, by name, that one among them."""

    def run(self, columns: Columns) -> Outputs:
        """Return the outputs by name. What the model raises comes through.

        Raises:
            InputRefusedError: the engine, unlike the model, cannot take such values.
            KeyError: an input is missing.
        """
        ...

    def run_signature(self, name: str, columns: Columns) -> Outputs:
        """Return the outputs of another signature. The first call may take as long as loading.

        Raises:
            KeyError: there is no such signature.
        """
        ...

    def close(self) -> None:
        """Free the memory. Nothing may run then, or be run afterwards; a second call does nothing."""
        ...
