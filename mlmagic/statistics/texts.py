"""What is counted of a column of text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from mlmagic.spec.dataset import Column
from mlmagic.spec.statistics import ColumnStatistics, TextStatistics, Vocabulary
from mlmagic.statistics.distinct import DistinctSketch
from mlmagic.statistics.hashing import Hashes, Integers, hash_array, text_buffers
from mlmagic.statistics.tally import Tally, tally_of
from mlmagic.statistics.tokens import tokens_of

# Longer texts are in no vocabulary: ten thousand essays are no categories, and would fill the memory.
MOST_BYTES = 1024


class TextColumn:
    """Counts the texts of a column; the empty one is missing."""

    def __init__(self, column: Column, *, limit: int, has_tokens: bool) -> None:
        self.column = column
        self.limit = limit
        self.rows = self.count = self.characters = self.longest = 0
        self.are_all_counted = True
        self.shortest: int | None = None
        self.tally = Tally.none()
        # As long as the tally has all texts, it tells how many there are.
        self.sketch: DistinctSketch | None = None
        self.tokens = TokenCounts(limit) if has_tokens else None

    def add(self, values: Any) -> None:
        """Count the values of an Arrow array of texts, plain or with a dictionary."""
        self.rows += len(values)
        texts, weights = _texts_of(values)
        if not len(texts):
            return
        self._measure(pc.utf8_length(texts).to_numpy(zero_copy_only=False), weights)
        if self.tokens is not None:
            self.tokens.add(texts, weights)
        texts, weights, long_texts = _split_long(texts, weights)
        if long_texts is not None:
            self.are_all_counted = False
            self._sketch().add(hash_array(long_texts))
        self._add_tally(tally_of(texts, weights))

    def merge(self, other: TextColumn) -> None:
        """Take what another has counted."""
        self.rows += other.rows
        self.count += other.count
        self.characters += other.characters
        self.longest = max(self.longest, other.longest)
        self.shortest = min((it.shortest for it in (self, other) if it.shortest is not None), default=None)
        self.are_all_counted &= other.are_all_counted
        if other.sketch is not None:
            self._sketch().merge(other.sketch)
        self._add_tally(other.tally)
        if self.tokens is not None and other.tokens is not None:
            self.tokens.merge(other.tokens)

    def result(self) -> ColumnStatistics:
        """Return what is known so far."""
        is_exact = self.sketch is None
        unique = len(self.tally.hashes) if self.sketch is None else min(self.sketch.estimate(), self.count)
        text = None
        if self.shortest is not None:
            text = TextStatistics(
                shortest=self.shortest, longest=self.longest, mean_length=self.characters / self.count
            )
        return ColumnStatistics(
            name=self.column.name,
            type=self.column.type,
            count=self.count,
            missing=self.rows - self.count,
            unique=unique,
            is_unique_exact=is_exact,
            text=text,
            vocabulary=self.tally.vocabulary(are_all_counted=self.are_all_counted),
            tokens=None if self.tokens is None else self.tokens.vocabulary(),
        )

    def _measure(self, lengths: Any, weights: Integers | None) -> None:
        self.count += len(lengths) if weights is None else int(weights.sum())
        self.characters += int(lengths.sum(dtype=np.int64) if weights is None else (lengths * weights).sum())
        shortest = int(lengths.min())
        self.shortest = shortest if self.shortest is None else min(self.shortest, shortest)
        self.longest = max(self.longest, int(lengths.max()))

    def _add_tally(self, tally: Tally) -> None:
        before = self.tally
        self.tally = before.merge(tally, self.limit)
        if self.sketch is not None:
            self.sketch.add(tally.hashes)
        elif not self.tally.is_complete:
            self.sketch = _sketch_of(before.hashes, tally.hashes)

    def _sketch(self) -> DistinctSketch:
        if self.sketch is None:
            self.sketch = _sketch_of(self.tally.hashes)
        return self.sketch


class TokenCounts:
    """Counts the words of texts."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.tally = Tally.none()
        self.are_all_counted = True

    def add(self, texts: Any, weights: Integers | None) -> None:
        """Count the words of texts, each of which may stand for several."""
        words, weights, long_words = _split_long(*tokens_of(texts, weights))
        self.are_all_counted &= long_words is None
        self.tally = self.tally.merge(tally_of(words, weights), self.limit)

    def merge(self, other: TokenCounts) -> None:
        """Take what another has counted."""
        self.are_all_counted &= other.are_all_counted
        self.tally = self.tally.merge(other.tally, self.limit)

    def vocabulary(self) -> Vocabulary:
        """Return the words, the most frequent first."""
        return self.tally.vocabulary(are_all_counted=self.are_all_counted)


def _sketch_of(*parts: Hashes) -> DistinctSketch:
    sketch = DistinctSketch()
    for hashes in parts:
        sketch.add(hashes)
    return sketch


def _texts_of(values: Any) -> tuple[Any, Integers | None]:
    """Return the texts that are not missing: of a dictionary, those that occur, and how often."""
    weights = None
    if kinds.is_null(values.type):
        return pa.array([], pa.large_string()), None
    if kinds.is_string_view(values.type):
        values = values.cast(pa.large_string())
    if kinds.is_dictionary(values.type):
        indices = values.indices.drop_null() if values.indices.null_count else values.indices
        values = values.dictionary.cast(pa.large_string())
        weights = np.bincount(indices.to_numpy(), minlength=len(values))
        if values.null_count:
            weights[values.is_null().to_numpy(zero_copy_only=False)] = 0
            values = values.fill_null("")
    elif values.null_count:
        values = values.drop_null()
    is_text = _lengths(values) > 0
    if weights is not None:
        is_text &= weights > 0
    return _filter(values, weights, is_text)


def _split_long(texts: Any, weights: Integers | None) -> tuple[Any, Integers | None, Any]:
    is_short = _lengths(texts) <= MOST_BYTES
    if is_short.all():
        return texts, weights, None
    return *_filter(texts, weights, is_short), texts.filter(pa.array(~is_short))


def _filter(texts: Any, weights: Integers | None, is_kept: Any) -> tuple[Any, Integers | None]:
    if is_kept.all():
        return texts, weights
    return texts.filter(pa.array(is_kept)), None if weights is None else weights[is_kept]


def _lengths(texts: Any) -> Integers:
    return np.diff(text_buffers(texts)[0])
