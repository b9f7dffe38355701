"""Input files → instances, as the model's server takes them, and what the output tells of each."""

from __future__ import annotations

import base64
import csv
import gzip
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mlmagic.emulator.batch.request import BatchRequest, InstancesFormat

_HEADER, _LENGTH = 12, 8
"""Of a TFRecord: length and its checksum; the data's own checksum follows the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One instance. A line that is none has an `error` in place of a `sent`."""

    sent: Any = None
    """What the model gets."""
    told: Any = None
    """What the output tells of it: the instance as it was, or the value of the key field."""
    error: str | None = None


def read_instances(path: Path, request: BatchRequest) -> Iterator[Instance]:
    """Read a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not of its format as a whole.
    """
    match request.instances_format:
        case InstancesFormat.JSONL:
            return _jsonl(path, request)
        case InstancesFormat.CSV:
            return _csv(path, request)
        case _:
            return _records(path, is_zipped=request.instances_format is InstancesFormat.TF_RECORD_GZIP)


def _jsonl(path: Path, request: BatchRequest) -> Iterator[Instance]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield _shaped(json.loads(line), request)
            except ValueError as error:
                text = line.decode(errors="replace").rstrip("\n")
                yield Instance(told=text, error=f"{path.name}, line {number}: {error}")


def _csv(path: Path, request: BatchRequest) -> Iterator[Instance]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        names = next(rows, None)
        if names is None:
            raise ValueError(f"{path.name} has no header")
        if request.key_field is not None and request.key_field not in names:
            raise ValueError(f"{path.name} has no column {request.key_field!r}, the key field")
        for row in rows:
            if not row:
                continue
            if len(row) != len(names):
                why = f"{path.name}, line {rows.line_num}: {len(row)} values for {len(names)} columns"
                yield Instance(told=row, error=why)
                continue
            fields = dict(zip(names, (_value(text) for text in row), strict=True))
            told = fields if request.key_field is None else fields[request.key_field]
            kept = _kept(fields, request)
            yield Instance(sent=kept if request.instance_type == "object" else list(kept.values()), told=told)


def _shaped(value: Any, request: BatchRequest) -> Instance:
    """Return an instance with the fields and in the form that are wanted.

    Raises:
        ValueError: it has not these fields.
    """
    wants_fields = request.key_field or request.included_fields or request.excluded_fields
    if not isinstance(value, dict):
        if wants_fields or request.instance_type == "object":
            raise ValueError("it is not a JSON object, which key_field, included_fields and excluded_fields need")
        return Instance(sent=value, told=value)
    if request.key_field is not None and request.key_field not in value:
        raise ValueError(f"it has no key field {request.key_field!r}")
    told = value if request.key_field is None else value[request.key_field]
    kept = _kept(value, request)
    return Instance(sent=list(kept.values()) if request.instance_type == "array" else kept, told=told)


def _kept(fields: Mapping[str, Any], request: BatchRequest) -> dict[str, Any]:
    if request.included_fields:
        if missing := [name for name in request.included_fields if name not in fields]:
            raise ValueError(f"it has no field {', '.join(missing)}")
        return {name: fields[name] for name in request.included_fields}
    left_out = {*request.excluded_fields, request.key_field}
    return {name: value for name, value in fields.items() if name not in left_out}


def _value(text: str) -> Any:
    """Return a number where the text is one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _records(path: Path, *, is_zipped: bool) -> Iterator[Instance]:
    with gzip.open(path, "rb") if is_zipped else path.open("rb") as file:
        for data in _read_records(file, path.name):
            sent = {"b64": base64.b64encode(data).decode()}
            yield Instance(sent=sent, told=sent)


def _read_records(file: Any, name: str) -> Iterator[bytes]:
    while header := _exactly(file, _HEADER, name):
        (length,) = struct.unpack("<Q", header[:_LENGTH])
        data = _exactly(file, length + 4, name)
        yield data[:length]


def _exactly(file: BinaryIO, count: int, name: str) -> bytes:
    data = file.read(count)
    if data and len(data) < count:
        raise ValueError(f"{name} ends in the middle of a record")
    return data
