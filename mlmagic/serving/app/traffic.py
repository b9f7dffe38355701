"""Which version answers a request that names none."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Mapping
from hashlib import blake2b
from random import Random


class Split:
    """Numbers of versions with their percentages."""

    def __init__(self, traffic: Mapping[int, int], random: Random | None = None) -> None:
        shares = {number: share for number, share in sorted(traffic.items()) if share > 0}
        if not shares:
            raise ValueError(f"no version gets any traffic: {dict(traffic)}")
        self._shares = shares
        self._numbers = tuple(shares)
        self._bounds = tuple(itertools.accumulate(shares.values()))
        self._random = random or Random()  # noqa: S311 - it spreads load
        self.only = self._numbers[0] if len(shares) == 1 else None
        """The version that gets everything, if one does."""

    def pick(self) -> int:
        """Return each version as often as its share says."""
        return self._numbers[bisect.bisect(self._bounds, self._random.random() * self._bounds[-1])]

    def pick_for(self, key: bytes) -> int:
        """Return the same version for the same key, in every worker, as long as the split stays.

        A version whose share grows beside each other's keeps its keys (weighted rendezvous hashing: each version draws
        a number from the key and its own; the largest, scaled by its share, wins).
        """
        return max(self._numbers, key=lambda number: self._shares[number] / -math.log(_unit(key, number)))


def _unit(key: bytes, number: int) -> float:
    """Return a number between 0 and 1, neither included, that depends on both alone."""
    digest = blake2b(key, digest_size=8, salt=number.to_bytes(8, "big")).digest()
    return ((int.from_bytes(digest, "big") >> 12) + 0.5) / 2**52
