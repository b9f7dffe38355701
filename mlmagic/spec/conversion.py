"""What became of a version that was to be served by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlmagic.spec.model import Signature
from mlmagic.spec.noun import Noun

PREDICT_METHOD = "tensorflow/serving/predict"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSignature(Noun):
    """One of the signatures of a SavedModel. `method` is what TensorFlow Serving calls by it."""

    signature: Signature
    method: str = PREDICT_METHOD


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionRecord(Noun):
    """`conversion.json`, beside `model.onnx` where there is one."""

    reason: str | None = None
    """Why there is none."""
    max_difference: float | None = None
    """By what part the two answered differently at most."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """What the ONNX model calls the outputs: it cannot call one as it calls an input."""
    signatures: Mapping[str, NamedSignature] = field(default_factory=dict)
    """All those of the SavedModel: what is converted is the default one."""
