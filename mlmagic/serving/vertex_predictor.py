"""Endpoints of Vertex AI as what answers columns with outputs: rows in `instances`, rows in `predictions`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from mlmagic.errors import PredictionError
from mlmagic.serving.column_bodies import as_outputs, require_finite, write_columns
from mlmagic.spec.model import Signature

LARGEST_BODY_BYTES = 1_500_000
"""Of a request to an endpoint of Vertex AI, says its documentation."""

Ask = Callable[[bytes], Mapping[str, Any]]


class VertexPredictor:
    """Answers columns with outputs. Which version answers is up to the endpoint's traffic, for each request anew."""

    def __init__(self, ask: Ask, signature: Signature, model: str, *, largest: int = LARGEST_BODY_BYTES) -> None:
        """Make one.

        Args:
            ask: sends the body of a prediction, and returns the answer.
            signature: of the version that is asked.
            model: its model's name here.
            largest: bytes of a request.
        """
        self.signature = signature
        self._ask = ask
        self._model = model
        self._largest = largest
        self._answered: set[int] = set()

    @property
    def answered_by(self) -> str | None:
        """The versions that gave answers: one, or several where what was asked for took several requests."""
        return ", ".join(f"{self._model}@{number}" for number in sorted(self._answered)) or None

    def predict(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outputs by name, for columns that fit the signature. What is too large for a request is halved.

        Raises:
            PredictionError: the model failed, or the answer is none, or a number is none of JSON's.
            BackendError: there was no answer.
        """
        require_finite(columns, self.signature, self._model)
        body = write_instances(columns, self.signature)
        count = len(next(iter(columns.values()))) if columns else 0
        if count > 1 and len(body) > self._largest:
            return self._halved(columns, count // 2)
        answer = self._ask(body)
        number = str(answer.get("deployedModelId", ""))
        if number.isdecimal():
            self._answered.add(int(number))
        return read_predictions(answer, self.signature, self._model)

    def _halved(self, columns: Mapping[str, Any], half: int) -> dict[str, Any]:
        from mlmagic.serving.client import joined

        parts = [{name: column[part] for name, column in columns.items()} for part in (slice(half), slice(half, None))]
        first, second = (self.predict(part) for part in parts)
        return {name: joined(output, second[name]) for name, output in first.items()}


def write_instances(columns: Mapping[str, Any], signature: Signature) -> bytes:
    """Return `{"instances": [...]}`, a row for each instance, for columns that fit the signature."""
    inputs: dict[str, list[Any]] = json.loads(write_columns(columns, signature))["inputs"]
    rows = [dict(zip(inputs, values, strict=True)) for values in zip(*inputs.values(), strict=True)]
    return json.dumps({"instances": rows}, separators=(",", ":")).encode()


def read_predictions(answer: Mapping[str, Any], signature: Signature, label: str) -> dict[str, Any]:
    """Return the outputs by name, as arrays; those whose rows differ in length as nested lists.

    Raises:
        PredictionError: that is no answer of an endpoint.
    """
    rows = answer.get("predictions")
    if not isinstance(rows, list):
        raise PredictionError(f"{label} gave an answer that is none of an endpoint: {json.dumps(answer)[:80]}.")
    names = [spec.name for spec in signature.outputs]
    if not rows or not all(isinstance(row, dict) and row.keys() >= set(names) for row in rows):
        if rows and len(names) > 1:
            raise PredictionError(f"{label} gave no {' and '.join(names)} for each row: {json.dumps(rows)[:80]}.")
        return as_outputs(rows, signature)
    if len(names) == 1:
        return as_outputs([row[names[0]] for row in rows], signature)
    shared = [name for name in rows[0] if all(name in row for row in rows)]
    return as_outputs({name: [row[name] for row in rows] for name in shared}, signature)
