"""What the numbers of a classifier's output stand for, as the program that made the model noted it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from mlmagic.spec.model import Signature, TensorSpec

_PLACE = "assets.extra/labels.json"
"""In a SavedModel: whatever else belongs to one is kept in that folder."""
_MOST_BYTES = 1 << 24
_LABEL = "label"


def with_labels(signature: Signature | None, artifact: Path) -> Signature | None:
    """Return the signature with the classes at the output that they are of.

    It is known which that is where there is an output with a number for each of them, and one, `label`, for the class
    that this one speaks for.
    """
    if signature is None:
        return None
    labels = _read(artifact / _PLACE)
    scores = [spec for spec in signature.outputs if _is_score(spec, len(labels))]
    has_label = any(spec.name == _LABEL and spec.dtype == "string" for spec in signature.outputs)
    if len(scores) != 1 or not has_label:
        return signature
    outputs = tuple(
        dataclasses.replace(spec, labels=labels) if spec is scores[0] else spec for spec in signature.outputs
    )
    return dataclasses.replace(signature, outputs=outputs)


def _is_score(spec: TensorSpec, classes: int) -> bool:
    return classes > 1 and "float" in spec.dtype and spec.shape[1:] == (classes,)


def _read(path: Path) -> tuple[str, ...]:
    """Return the classes; none if it is not a list of different texts."""
    try:
        labels = json.loads(path.read_bytes()) if path.stat().st_size <= _MOST_BYTES else None
    except (OSError, ValueError, RecursionError):
        return ()
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        return ()
    return tuple(labels) if len(set(labels)) == len(labels) else ()
