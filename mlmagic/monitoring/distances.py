"""The divergence between counts over the same bins, for one pair or for many at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlmagic.statistics.moments import Floats


def divergence(first: Any, second: Any) -> Floats:
    """Return Jensen and Shannon's divergence to base 2 along the last axis; 1 if only one side has anything."""
    ours, theirs = _shares(first), _shares(second)
    middle = (ours + theirs) / 2
    total = (_relative(ours, middle) + _relative(theirs, middle)) / 2
    is_empty, is_other_empty = ours.sum(-1) == 0, theirs.sum(-1) == 0
    bounded: Floats = np.clip(total, 0.0, 1.0)
    whole: Floats = np.where(is_empty != is_other_empty, 1.0, bounded)
    return whole


def _shares(counts: Any) -> Floats:
    numbers = np.asarray(counts, np.float64)
    total = numbers.sum(-1, keepdims=True)
    shares: Floats = np.divide(numbers, total, out=np.zeros_like(numbers), where=total > 0)
    return shares


def _relative(shares: Floats, middle: Floats) -> Floats:
    ratio = np.divide(shares, middle, out=np.ones_like(shares), where=shares > 0)
    total: Floats = (shares * np.log2(ratio)).sum(-1)
    return total
