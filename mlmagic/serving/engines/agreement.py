"""Whether two engines answer the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlmagic.serving.engines.base import Array, Columns, Engine, Outputs
from mlmagic.serving.engines.failures import failure_line
from mlmagic.serving.engines.samples import Sampler

TOLERANCE = 1e-5


class DisagreementError(Exception):
    """They do not. The message says where."""


def compare(trusted: Engine, other: Engine, sampler: Sampler) -> float:
    """Return by what part their answers differ at most.

    Raises:
        DisagreementError: they differ by more than rounding does, or one of them fails where the other does not.
    """
    largest, compared = 0.0, 0
    usual = list(sampler.batches())
    for number, columns in enumerate([*usual, sampler.odd_batch(), _no_rows(usual[0])]):
        expected = _expected(trusted, columns)
        rows = len(next(iter(columns.values())))
        if expected is None:
            # No rows at all is what some operations refuse; nothing is wrong with an answer of no rows.
            if rows:
                _expect_failure(other, columns)
            continue
        _check_rows(expected, rows)
        try:
            found = other.run(columns)
        except Exception as error:
            raise DisagreementError(f"it fails in ONNX Runtime: {failure_line(error)}") from error
        slack = {} if number < sampler.natural else _slack(trusted, columns, expected)
        largest = max(largest, difference(expected, found, slack))
        compared += rows
    if not compared:
        raise DisagreementError("it fails on all rows that it could be tried with")
    return largest


def _no_rows(columns: Columns) -> Columns:
    return {name: column[:0] for name, column in columns.items()}


def _slack(trusted: Engine, columns: Columns, expected: Outputs) -> dict[str, Any]:
    """Return by how much outputs move when inputs move in their last bit.

    That is how exact they are at numbers of a size that the model was not made for; there ten times as much is allowed.
    """
    upwards = {name: np.nextafter(x, np.inf) if x.dtype.kind == "f" else x for name, x in columns.items()}
    moved = trusted.run(upwards)
    slack = {}
    with np.errstate(invalid="ignore"):
        for name, value in expected.items():
            if value.dtype.kind == "f":
                gaps = np.nan_to_num(np.abs(value.astype("float64") - moved[name]), posinf=0.0)
                slack[name] = 10 * (gaps.max(axis=-1, keepdims=True, initial=0) if value.ndim > 1 else gaps)
    return slack


def _expected(trusted: Engine, columns: Columns) -> Outputs | None:
    try:
        return trusted.run(columns)
    except Exception:  # noqa: BLE001 - a model may refuse rows, by any error
        return None


def _expect_failure(other: Engine, columns: Columns) -> None:
    try:
        other.run(columns)
    except Exception:  # noqa: BLE001 - as it should be
        return
    raise DisagreementError("it refuses rows that it does not refuse in ONNX Runtime")


def _check_rows(outputs: Outputs, rows: int) -> None:
    for name, value in outputs.items():
        if not isinstance(value, np.ndarray) or value.ndim == 0 or len(value) != rows:
            raise DisagreementError(f"its output {name!r} is not an array with a row for each instance")


def difference(expected: Mapping[str, Any], found: Mapping[str, Any], slack: Mapping[str, Any] | None = None) -> float:
    """Return by what part two answers differ at most, after `slack` was taken off.

    Raises:
        DisagreementError: by more than rounding does.
    """
    if expected.keys() != found.keys():
        raise DisagreementError(f"its outputs are {', '.join(sorted(found))}, not {', '.join(sorted(expected))}")
    slack = slack or {}
    undecided = _undecided(expected)
    return max(
        _difference(name, value, found[name], slack.get(name, 0.0))
        if value.dtype.kind == "f"
        else _discrete_difference(name, value, found[name], undecided)
        for name, value in expected.items()
    )


def _undecided(outputs: Mapping[str, Any]) -> Any:
    """Say of each row whether rounding decides which of two classes is named: their numbers are the same, nearly."""
    undecided: Any = False
    for value in outputs.values():
        if value.dtype.kind != "f" or value.ndim != 2 or not value.size:
            continue
        numbers = np.sort(np.nan_to_num(value.astype("float64")), axis=1)
        # One number for two classes tells of the second.
        gaps = np.abs(numbers[:, 0] - 0.5) if numbers.shape[1] == 1 else numbers[:, -1] - numbers[:, -2]
        undecided = undecided | (gaps <= 2 * TOLERANCE * np.maximum(np.abs(numbers).max(axis=1), TOLERANCE))
    return undecided


def _discrete_difference(name: str, expected: Array, found: Any, undecided: Any) -> float:
    _check_form(name, expected, found)
    differ = (expected != found).reshape(len(expected), -1).any(axis=1) if expected.size else np.zeros(0, dtype=bool)
    if (differ & ~np.asarray(undecided)).any():
        raise DisagreementError(f"its output {name!r} is another one")
    return 0.0


def _check_form(name: str, expected: Array, found: Any) -> None:
    if not isinstance(found, np.ndarray) or (expected.shape, expected.dtype) != (found.shape, found.dtype):
        raise DisagreementError(f"its output {name!r} has another shape or type")


def _difference(name: str, expected: Array, found: Any, slack: Any) -> float:
    _check_form(name, expected, found)
    if expected.size == 0:
        return 0.0
    finite = np.isfinite(expected)
    if not np.array_equal(expected[~finite], found[~finite], equal_nan=True) or not np.isfinite(found[finite]).all():
        raise DisagreementError(f"its output {name!r} is finite in one of them alone")
    if not finite.any():
        return 0.0
    size = np.abs(np.where(finite, expected, 0.0).astype("float64"))
    # What is added up to a small number is as exact as what it is added up from: other numbers of the row, or those of
    # other rows, tell how large that is.
    scale = np.maximum(size, np.median(size[finite]))
    if scale.ndim > 1:
        scale = np.maximum(scale, size.max(axis=-1, keepdims=True))
    with np.errstate(invalid="ignore"):
        gaps = np.maximum(np.abs(expected.astype("float64") - found) - slack, 0.0)[finite]
    parts = np.divide(gaps, scale[finite], out=np.zeros_like(gaps), where=gaps > 0)
    largest = float(parts.max())
    if not largest <= TOLERANCE:
        raise DisagreementError(f"its output {name!r} differs by {largest:.1e} of itself")
    return largest
