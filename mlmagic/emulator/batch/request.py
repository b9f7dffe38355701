"""What a batch prediction's process is told, and what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mlmagic.spec.model import Signature
from mlmagic.spec.noun import Noun

PROGRESS = "progress.json"


class InstancesFormat(StrEnum):
    """Of input files."""

    JSONL = "jsonl"
    CSV = "csv"
    TF_RECORD = "tf-record"
    TF_RECORD_GZIP = "tf-record-gzip"


class PredictionsFormat(StrEnum):
    """Of output files."""

    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest(Noun):
    """`request.json` of a batch prediction."""

    artifact: str
    """The folder of the SavedModel."""
    label: str
    """What errors call the model."""
    signature: Signature | None = None
    sources: tuple[str, ...]
    """URIs, as they were given: their last part may have wildcards."""
    buckets: str
    """The folder of all buckets."""
    output: str
    """The folder that gets the files."""
    instances_format: InstancesFormat
    predictions_format: PredictionsFormat
    instance_type: str | None = None
    """`object` or `array`; None: as the format has it."""
    key_field: str | None = None
    included_fields: tuple[str, ...] = ()
    excluded_fields: tuple[str, ...] = ()
    parameters: Mapping[str, Any] | None = None
    batch_size: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Noun):
    """`progress.json`: how far it is."""

    successful: int = 0
    failed: int = 0
    failures: tuple[str, ...] = ()
    """Files that could not be read: at most 20."""
