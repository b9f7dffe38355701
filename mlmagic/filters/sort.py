"""`--sort-by`: by which keys, and in which direction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SortKey:
    """A key to sort by, in the terms of the filter language."""

    key: str
    is_descending: bool = False
