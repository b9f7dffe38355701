"""A bucket in memory that answers as the client of the Google backend does, and notes which bytes were asked for."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from google_crc32c import Checksum

from mlmagic.backends.google.client import GoogleClient
from mlmagic.backends.google.client.connection import Connection
from mlmagic.backends.google.client.storage import StorageCalls
from mlmagic.backends.google.remote import StoredObject
from mlmagic.backends.google.settings import GoogleSettings
from mlmagic.errors import ConflictError

START = datetime(2026, 1, 31, 12, tzinfo=UTC)


class MemoryBucket(GoogleClient):
    """`gs://b`; nothing of it is ever asked of Google."""

    def __init__(self) -> None:
        super().__init__(GoogleSettings(project="p", region="r", bucket="gs://b", poll_seconds=0.0))
        self.storage = _MemoryObjects(self)
        self.objects: dict[str, bytes] = {}
        self.read: list[tuple[str, int, int]] = []
        self._generations: dict[str, int] = {}

    def put(self, name: str, data: bytes) -> None:
        """Write an object, or write it again."""
        self.objects[name] = data
        self._generations[name] = self._generations.get(name, 0) + 1

    def stored(self, name: str) -> StoredObject:
        """Return what a list tells of an object."""
        data, generation = self.objects[name], self._generations[name]
        return StoredObject(
            bucket="b",
            name=name,
            size=len(data),
            generation=generation,
            crc32c=base64.b64encode(Checksum(data).digest()).decode(),
            update_time=START + timedelta(seconds=generation),
        )

    def generation(self, name: str) -> int:
        """Return how often an object was written."""
        return self._generations[name]


class _MemoryObjects(StorageCalls):
    def __init__(self, bucket: MemoryBucket) -> None:
        super().__init__(Connection(bucket.settings))
        self._memory = bucket

    def list_objects(self, folder: str) -> list[StoredObject]:
        prefix = folder.removeprefix("gs://b/")
        return [self._memory.stored(name) for name in sorted(self._memory.objects) if name.startswith(prefix)]

    def read_object(self, found: StoredObject, start: int, end: int) -> bytes:
        if self._memory.generation(found.name) != found.generation:
            raise ConflictError("it was written again")
        self._memory.read.append((found.name, start, end))
        return self._memory.objects[found.name][start:end]
