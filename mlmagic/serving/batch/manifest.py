"""What a pipeline elsewhere has finished, as it tells who brings it here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlmagic.serving.batch.work import UnitRecord
from mlmagic.spec.noun import Noun
from mlmagic.workspace.layout import MANIFEST

__all__ = ["MANIFEST", "Manifest", "Shard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard(Noun):
    """A unit that is finished, and where its files are."""

    record: UnitRecord
    predictions: str = ""
    """The name of the file; empty where it is in its place."""
    errors: str | None = None
    """The same of the rejected rows; None if there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Noun):
    """`manifest.json` beside the files of shards. It comes last: what it names is whole."""

    label: str
    """Of the version: `taxi@2`."""
    format: str
    """Of what was written."""
    columns: tuple[str, ...]
    """Of it."""
    units: int
    """How many there are, those that were finished before among them."""
    fingerprint: Mapping[str, str]
    """Of all that the predictions depend on."""
    shards: tuple[Shard, ...] = field(default_factory=tuple)
