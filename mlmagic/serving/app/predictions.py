"""What a version predicts, counted: to be compared with what another one predicts at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any
from zlib import crc32

import numpy as np

_MOST_ROWS = 256
"""Of one request are counted by value."""
_MOST_VALUES = 2048
"""Different ones of an output; what comes beyond them is one value."""
_MANY = "many"


class PredictionCounts:
    """Belongs to one event loop. No prediction is kept, only the leading bits of numbers and hashes of texts."""

    def __init__(self) -> None:
        self.instances = 0
        self.unusable = 0
        """Instances with a prediction that is no finite number."""
        self.numbers: dict[str, Counter[str]] = {}
        self.classes: dict[str, Counter[str]] = {}

    def add(self, outputs: Mapping[str, Any], count: int, ignored: Collection[str] = ()) -> None:
        """Count the predictions for so many instances, but for the outputs that only hand on what was sent."""
        is_finite = np.ones(count, bool)
        for name, output in outputs.items():
            if name in ignored or not isinstance(output, np.ndarray) or not output.ndim or len(output) != count:
                continue
            if output.dtype.kind == "f":
                is_finite &= np.isfinite(output.reshape(count, -1)).all(axis=1)
            self._count(name, output[:_MOST_ROWS].reshape(min(count, _MOST_ROWS), -1))
        self.instances += count
        self.unusable += count - int(is_finite.sum())

    def told(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        return {
            "instances": self.instances,
            "unusable": self.unusable,
            "numbers": {name: dict(counts) for name, counts in self.numbers.items()},
            "classes": {name: dict(counts) for name, counts in self.classes.items()},
        }

    def _count(self, name: str, rows: Any) -> None:
        if rows.dtype.kind in "fiub":
            if rows.shape[1] == 1:
                finite = rows[np.isfinite(rows)]
                _add(self.numbers.setdefault(name, Counter()), leading_bits(finite).tolist())
            elif rows.shape[1]:
                finite = rows[np.isfinite(rows).all(axis=1)]
                _add(self.classes.setdefault(name, Counter()), finite.argmax(axis=1).tolist())
        elif rows.dtype == object and rows.shape[1] == 1:
            texts = [text if isinstance(text, bytes) else str(text).encode() for text in rows[:, 0]]
            _add(self.classes.setdefault(name, Counter()), [crc32(text) for text in texts])


def leading_bits(numbers: Any) -> Any:
    """Return sign, exponent and 7 bits of each number as a whole number that is the larger, the larger the number."""
    with np.errstate(over="ignore"):
        bits = (np.asarray(numbers, np.float32).view(np.uint32) >> 16).astype(np.int64)
    return np.where(bits & 0x8000, 0xFFFF - bits, bits | 0x8000)


def _add(counts: Counter[str], values: list[int]) -> None:
    for value in values:
        key = str(value)
        counts[key if key in counts or len(counts) < _MOST_VALUES else _MANY] += 1
