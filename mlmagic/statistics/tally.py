"""How often texts occur: exactly while there are at most so many different ones; then the frequent ones.

Beyond the limit this is Misra and Gries' summary, mergeable as Agarwal et al. showed, with one addition: each text
keeps its own error, the number of times that it may have occurred in parts in which it was dropped. So what is
frequent everywhere is counted exactly all the same. Texts are told apart by their 64-bit hashes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mlmagic.spec.statistics import ValueCount, Vocabulary
from mlmagic.statistics.hashing import Hashes, Integers, hash_array
from mlmagic.statistics.runs import starts_of_runs


@dataclass(frozen=True, slots=True)
class Tally:
    """Texts, by ascending hash. How often one occurs is at least `counts` and at most `counts` + `errors`."""

    hashes: Hashes
    counts: Integers
    errors: Integers
    source: Any
    """An Arrow array that has the texts among others: they are copied only if they stay."""
    rows: Integers
    """Where in it they are."""
    floor: int = 0
    """How often a text that is not here may have occurred; 0 as long as all are."""

    @staticmethod
    def none() -> Tally:
        """Nothing counted yet."""
        numbers = np.zeros(0, np.int64)
        return Tally(np.zeros(0, np.uint64), numbers, numbers, pa.array([], pa.large_string()), numbers)

    @property
    def is_complete(self) -> bool:
        """Tell whether no text was ever dropped."""
        return self.floor == 0

    def merge(self, other: Tally, limit: int) -> Tally:
        """Add up two tallies; of more than `limit` texts, only those stay that are more frequent than the next one."""
        mine, others = _matches(self.hashes, other.hashes)
        is_fresh = np.ones(len(other.hashes), np.bool_)
        is_fresh[others] = False
        fresh = np.flatnonzero(is_fresh)
        counts = np.concatenate([self.counts, other.counts[fresh]])
        counts[mine] += other.counts[others]
        errors = np.concatenate([self.errors + other.floor, other.errors[fresh] + self.floor])
        errors[mine] += other.errors[others] - other.floor
        kept, floor = _most_frequent(counts + errors, limit)
        floor = max(floor, self.floor + other.floor)
        hashes = np.concatenate([self.hashes, other.hashes[fresh]])[kept]
        order = np.argsort(hashes, kind="stable")
        kept = kept[order]
        source, rows = self._texts_with(other, fresh, kept)
        return Tally(hashes[order], counts[kept], errors[kept], source, rows, floor)

    def vocabulary(self, *, are_all_counted: bool = True) -> Vocabulary:
        """Return the texts, the most frequent first."""
        texts = self.source.take(pa.array(self.rows)).to_pylist()
        pairs = sorted(zip(texts, self.counts.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
        return Vocabulary(
            values=tuple(ValueCount(value=text, count=count) for text, count in pairs),
            is_complete=self.is_complete and are_all_counted,
            count_error=self.floor,
        )

    def _texts_with(self, other: Tally, fresh: Integers, kept: Integers) -> tuple[Any, Integers]:
        """Return an array that has the texts of `kept`, which counts first mine and then the fresh ones, and where."""
        known = len(self.hashes)
        is_fresh = kept >= known
        if not is_fresh.any() and len(kept) > len(self.source) // 2:
            return self.source, self.rows[kept]
        mine = self.source.take(pa.array(self.rows[kept[~is_fresh]]))
        added = other.source.take(pa.array(other.rows[fresh[kept[is_fresh] - known]]))
        rows = np.empty(len(kept), np.int64)
        rows[~is_fresh] = np.arange(len(mine))
        rows[is_fresh] = np.arange(len(mine), len(kept))
        return pa.concat_arrays([mine, added.cast(pa.large_string())]), rows


def tally_of(texts: Any, weights: Integers | None = None) -> Tally:
    """Count the texts of an Arrow array without nulls; each may stand for several."""
    hashes = hash_array(texts)
    order = _order(hashes)
    ordered = hashes[order]
    starts = starts_of_runs(ordered.view(np.int64))
    if weights is None:
        counts = np.diff(starts, append=len(order))
    else:
        counts = np.add.reduceat(weights[order], starts) if len(starts) else weights
    return Tally(ordered[starts], counts, np.zeros(len(starts), np.int64), texts, order[starts])


def _order(hashes: Hashes) -> Integers:
    """Return the order that sorts them: by sorting, which is faster, with the place in the last bits."""
    bits = np.uint64((1 << len(hashes).bit_length()) - 1)
    packed = np.sort((hashes & ~bits) | np.arange(len(hashes), dtype=np.uint64))
    order = (packed & bits).view(np.int64)
    ordered = hashes[order]
    # As good as always; else two differ in their last bits alone.
    return order if (ordered[1:] >= ordered[:-1]).all() else np.argsort(hashes)


def _matches(first: Hashes, second: Hashes) -> tuple[Integers, Integers]:
    """Return where the first and where the second has the hashes that both have."""
    if len(first) > len(second):
        found, sought = _matches(second, first)
        return sought, found
    places = np.searchsorted(second, first)
    is_found = places < len(second)
    is_found[is_found] = second[places[is_found]] == first[is_found]
    return np.flatnonzero(is_found), places[is_found]


def _most_frequent(counts: Integers, limit: int) -> tuple[Integers, int]:
    """Return which are more frequent than the one after the limit, and how frequent that is."""
    if len(counts) <= limit:
        return np.arange(len(counts)), 0
    place = len(counts) - limit - 1
    floor = int(np.partition(counts, place)[place])
    return np.flatnonzero(counts > floor), floor
