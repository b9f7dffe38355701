"""How deeply bodies of JSON are nested, told without reading them: what reads them fast would overrun its stack."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_DEEPEST = 1000
_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1


def is_deep(bodies: Any) -> bool:
    """Say whether any of these texts may be nested more deeply than a thousand times."""
    openings = pc.add(pc.count_substring(bodies, "["), pc.count_substring(bodies, "{"))
    suspects = bodies.filter(pc.greater(openings, _DEEPEST))
    if not len(suspects):
        return False
    if pc.any(pc.match_substring(suspects, "\\")).as_py():
        # An escaped quote ends no text.
        suspects = pc.replace_substring_regex(suspects, r"(?s)\\.", "")
    return any(_depth(each) > _DEEPEST for each in suspects)


def _depth(body: pa.Scalar) -> int:
    """Return how many brackets are open at most, but for those in texts."""
    letters = np.frombuffer(body.as_buffer(), np.uint8)
    is_outside = np.cumsum(letters == ord('"')) % 2 == 0
    return int(np.cumsum(np.where(is_outside, _STEPS[letters], 0), dtype=np.int64).max(initial=0))
