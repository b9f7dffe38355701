"""The words of a text, as Keras's TextVectorization takes them apart when nothing else is asked of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlmagic.statistics.hashing import Integers

# What the layer's "lower_and_strip_punctuation" removes; it lowers the letters of ASCII alone, and so do we.
_PUNCTUATION = r"""[!"#$%&()\*\+,\-\./:;<=>?@\[\\\]^_`{|}~\']"""


def tokens_of(texts: Any, weights: Integers | None) -> tuple[Any, Integers | None]:
    """Return the words of texts one after the other, each with the weight of its text."""
    plain = pc.replace_substring_regex(pc.ascii_lower(texts), pattern=_PUNCTUATION, replacement="")
    words = pc.ascii_split_whitespace(plain)
    flat = words.flatten()
    if weights is not None:
        weights = np.repeat(weights, pc.list_value_length(words).to_numpy(zero_copy_only=False))
    is_word = pc.not_equal(flat, pa.scalar("", flat.type))  # white space at either end leaves an empty one
    if weights is not None:
        weights = weights[is_word.to_numpy(zero_copy_only=False)]
    return flat.filter(is_word), weights
