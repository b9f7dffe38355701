"""What the program that reads files for monitoring is asked, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlmagic.spec.dataset import ColumnType
from mlmagic.spec.noun import Noun


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Noun):
    """What is to be read."""

    paths: tuple[str, ...]
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    """As what columns are read; those that are not in the files do not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Noun):
    """What became of it."""

    error: str | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)
    """How many rows could not be read, by reason."""
