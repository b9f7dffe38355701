"""Rows as a model's server elsewhere takes them: a JSON object a line, under a key that tells its content."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson

from mlmagic.spec.batch import KEY_FIELD

FILE_BYTES = 64 << 20
"""About so large is a file of instances."""

Array = np.ndarray[Any, Any]


def keyed_instances(columns: Mapping[str, Array]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of a model's inputs with their keys, which are the same for the same values.

    What is no number is null: JSON has nothing else for it, and servers read it as missing.
    """
    rows = zip(*(_plain(column.tolist()) for column in columns.values()), strict=True)
    for values in rows:
        row = dict(zip(columns, values, strict=True))
        yield hashlib.blake2b(orjson.dumps(row), digest_size=16).hexdigest(), row


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"b64": base64.b64encode(value).decode()}
    return value


class InstanceFiles:
    """The files `instances-00000.jsonl`, … of a folder. The same row comes once in each, however often it is there."""

    def __init__(self, folder: Path) -> None:
        self.paths: list[Path] = []
        self.count = 0
        self._folder = folder
        self._file: BinaryIO | None = None
        self._seen: set[str] = set()

    def write(self, columns: Mapping[str, Array]) -> None:
        """Append rows."""
        lines = []
        for key, row in keyed_instances(columns):
            if key not in self._seen:
                self._seen.add(key)
                lines.append(orjson.dumps({KEY_FIELD: key, **row}, option=orjson.OPT_APPEND_NEWLINE))
        if lines:
            file = self._open()
            file.writelines(lines)
            self.count += len(lines)
            if file.tell() >= FILE_BYTES:
                self.close()

    def close(self) -> None:
        """End the file; what comes next begins another."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._seen.clear()

    def _open(self) -> BinaryIO:
        if self._file is None:
            self.paths.append(self._folder / f"instances-{len(self.paths):05d}.jsonl")
            self._file = self.paths[-1].open("wb")
        return self._file
