"""What an artifact itself says of what it takes and returns."""

from __future__ import annotations

from pathlib import Path

from mlmagic.runtime.signature import read
from mlmagic.spec.codec import decode
from mlmagic.spec.model import Signature


def read_signature(artifact: Path) -> Signature:
    """Return the default signature of a SavedModel's folder, or of a `.keras` or `.onnx` file.

    Nothing of the model is run.

    Raises:
        RefusedError: it must not be served, or cannot be read.
        ModuleNotFoundError: the library that reads it is not installed.
    """
    return decode(Signature, read(artifact)["signature"])
