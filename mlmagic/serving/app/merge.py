"""Requests to one call of the model, and its outputs back to the requests. Runs in the loop or in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import numpy as np

from mlmagic.serving.app.failures import RequestFailed
from mlmagic.serving.app.request import Method, Request
from mlmagic.serving.engines.base import InputRefusedError

Columns = dict[str, np.ndarray[Any, Any]]
Outputs = Mapping[str, Any]
Run = Callable[[str, Columns], Outputs]
"""Asks a signature of the model."""

LARGEST_CALL = 4096
"""Instances. Bounds the memory that a large request takes inside the model."""
_LONGEST_ERROR = 1000
_REFUSALS = frozenset({"InvalidArgumentError", "InvalidArgument"})
"""What TensorFlow and ONNX Runtime raise for values that a model cannot take."""


class Merging:
    """Answers requests of one group together, or one by one where that fails."""

    def __init__(self, run: Run, label: str) -> None:
        self._run = run
        self._label = label

    def answer(self, requests: Sequence[Request]) -> list[Outputs | RequestFailed]:
        """Return outputs or a failure for each request. One that fails does not touch the others."""
        if len(requests) > 1:
            try:
                return self._answer_together(requests)
            except Exception:  # noqa: BLE001, S110 - asked one by one, they show whose fault it is
                pass
        return [self._answer_one(request) for request in requests]

    def _answer_together(self, requests: Sequence[Request]) -> list[Outputs | RequestFailed]:
        method = requests[0].method
        counts = [request.count for request in requests]
        outputs = self._call(method, _merged(requests), sum(counts))
        _check_rows(outputs, sum(counts), self._label)
        return [*_parts(outputs, counts)]

    def _answer_one(self, request: Request) -> Outputs | RequestFailed:
        try:
            columns = dict(zip(request.method.validator.names, request.columns(), strict=True))
            outputs = self._call(request.method, columns, request.count)
            if not request.wants_columns:
                _check_rows(outputs, request.count, self._label)
        except RequestFailed as failure:
            return failure
        except Exception as error:  # noqa: BLE001 - a model may raise anything
            return _model_failure(error, self._label)
        return outputs

    def _call(self, method: Method, columns: Columns, count: int) -> Outputs:
        size = method.rows_per_call
        if count == size or (size is None and (count <= LARGEST_CALL or not method.merges)):
            return self._run(method.name, columns)
        return self._call_in_pieces(method.name, columns, count, size or LARGEST_CALL, is_fixed=size is not None)

    def _call_in_pieces(self, name: str, columns: Columns, count: int, size: int, *, is_fixed: bool) -> Outputs:
        pieces = []
        for start in range(0, count, size):
            rows = min(size, count - start)
            piece = {key: column[start : start + rows] for key, column in columns.items()}
            if is_fixed and rows < size:
                piece = {key: _padded(column, size) for key, column in piece.items()}
            outputs = self._run(name, piece)
            _check_rows(outputs, size if is_fixed else rows, self._label)
            pieces.append({key: output[:rows] for key, output in outputs.items()})
        return {key: _concatenated([piece[key] for piece in pieces]) for key in pieces[0]}


def _merged(requests: Sequence[Request]) -> Columns:
    validator = requests[0].method.validator
    rows = [request.row for request in requests if request.row is not None]
    if len(rows) == len(requests):
        return dict(zip(validator.names, validator.to_columns(rows), strict=True))
    parts = zip(*[request.columns() for request in requests], strict=True)
    return dict(zip(validator.names, map(np.concatenate, parts), strict=True))


def _parts(outputs: Outputs, counts: Sequence[int]) -> Iterator[Outputs]:
    if len(outputs) == 1:
        # The usual case, and the only one whose microseconds count.
        ((name, output),) = outputs.items()
        start = 0
        for count in counts:
            yield {name: output[start : start + count]}
            start += count
        return
    start = 0
    for count in counts:
        yield {name: output[start : start + count] for name, output in outputs.items()}
        start += count


def _check_rows(outputs: Outputs, count: int, label: str) -> None:
    for name, output in outputs.items():
        size = len(output) if getattr(output, "ndim", 1) else None
        if size != count:
            told = "one value" if size is None else f"{size} values"
            message = f"the output {name!r} of {label} has {told} for {count} instances."
            raise RequestFailed(HTTPStatus.INTERNAL_SERVER_ERROR, message)


def _padded(column: np.ndarray[Any, Any], size: int) -> np.ndarray[Any, Any]:
    return np.concatenate([column, np.repeat(column[-1:], size - len(column), axis=0)])


def _concatenated(pieces: Sequence[Any]) -> Any:
    if all(isinstance(piece, np.ndarray) for piece in pieces):
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    return [row for piece in pieces for row in piece]


def _model_failure(error: Exception, label: str) -> RequestFailed:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    if lines[0].startswith("Graph execution error"):
        # TensorFlow says what went wrong last, before the name of the node.
        lines = [line for line in lines if not line.startswith("[[")][-1:]
    told = f"{type(error).__name__}: {lines[0]}"[:_LONGEST_ERROR]
    if isinstance(error, InputRefusedError) or type(error).__name__ in _REFUSALS:
        return RequestFailed(HTTPStatus.BAD_REQUEST, f"{label} cannot take these values: {told}")
    return RequestFailed(HTTPStatus.INTERNAL_SERVER_ERROR, f"{label} failed: {told}")
