"""What all nouns share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """A frozen record. `extra` holds fields that a newer version wrote, so that reading and writing keeps them."""

    extra: Mapping[str, object] = field(default_factory=dict, repr=False)
