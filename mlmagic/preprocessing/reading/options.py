"""How the input is to be read, as far as the user says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mlmagic.spec.dataset import ColumnType

NULL_VALUES = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")


class Format(StrEnum):
    """What kind of files the input is."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    TFRECORD = "tfrecord"
    """Of serialized `tf.train.Example`s."""
    BIGQUERY = "bigquery"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What the user says; what is left open is found out from the files."""

    format: Format | None = None
    has_header: bool = True
    column_names: tuple[str, ...] = ()
    """In place of the names in the header, if there is one."""
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    """Of some columns. In JSON lines and Examples they may be ones that the samples do not show."""
    delimiter: str | None = None
    null_values: tuple[str, ...] = NULL_VALUES
    """What stands for a missing value: in text columns where it is not quoted, in others everywhere."""
    has_quoted_newlines: bool | None = None
    """None: found out, by reading a CSV file once if quotes are seen at its head, middle or end."""
