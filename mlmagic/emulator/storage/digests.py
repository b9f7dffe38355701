"""MD5 and CRC32C of what is written or read, as Cloud Storage tells them: in base64."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHUNK = 1 << 20
"""Bytes that are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """The two checksums of a file."""

    md5: str | None
    """None of an object that was composed."""
    crc32c: str


class RunningDigest:
    """The checksums of what has been added."""

    def __init__(self) -> None:
        import google_crc32c

        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc32c = google_crc32c.Checksum()

    def add(self, data: bytes) -> None:
        """Add bytes."""
        self._md5.update(data)
        self._crc32c.update(data)

    def result(self) -> Digest:
        """Return the checksums."""
        return Digest(
            md5=base64.b64encode(self._md5.digest()).decode(), crc32c=base64.b64encode(self._crc32c.digest()).decode()
        )


def digest_of(path: Path) -> Digest:
    """Read a file and return its checksums."""
    running = RunningDigest()
    with path.open("rb") as file:
        for data in chunks(file):
            running.add(data)
    return running.result()


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left of a file."""
    while data := file.read(CHUNK):
        yield data
