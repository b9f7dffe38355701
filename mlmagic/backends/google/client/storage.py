"""Calls to Cloud Storage: objects of the settings' bucket, and of others."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.backends.google.client.connection import TIMEOUT_SECONDS, Connection
from mlmagic.backends.google.remote import StoredObject
from mlmagic.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from google.cloud.storage import Bucket
    from google.cloud.storage import Client as StorageClient

_CHUNK_BYTES = 8 << 20
"""What is larger is uploaded in pieces, of which a lost one is sent again."""


class StorageCalls:
    """Objects in buckets."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def bucket_location(self) -> str:
        """Return where the bucket is: `US-CENTRAL1`, or `US`, which is several regions.

        Raises:
            NotFoundError: there is no such bucket.
        """

        def call() -> str:
            bucket = self._bucket
            bucket.reload(timeout=TIMEOUT_SECONDS, retry=None)
            return str(bucket.location)

        return self._connection.repeated(f"look at the bucket {self._connection.settings.bucket}", call)

    def has_object(self, name: str) -> bool:
        """Say whether the bucket holds an object."""
        doing = f"look at {self._connection.settings.bucket}/{name}"
        return bool(
            self._connection.repeated(
                doing, lambda: self._bucket.blob(name).exists(timeout=TIMEOUT_SECONDS, retry=None)
            )
        )

    def put_object(self, name: str, data: bytes) -> bool:
        """Write an object, unless there is one of that name, and say whether there was none."""

        def call() -> bool:
            blob = self._bucket.blob(name, chunk_size=_CHUNK_BYTES if len(data) > _CHUNK_BYTES else None)
            blob.upload_from_string(data, if_generation_match=0, timeout=TIMEOUT_SECONDS, retry=None, checksum="crc32c")
            return True

        try:
            return self._connection.repeated(f"write {self._connection.settings.bucket}/{name}", call)
        except ConflictError:
            return False

    def list_objects(self, folder: str) -> list[StoredObject]:
        """Return what is below `gs://bucket/folder/`, of whatever bucket, in order of name; nothing if there is none.

        Raises:
            NotFoundError: there is no such bucket.
        """
        bucket, _, prefix = folder.removeprefix("gs://").partition("/")

        def call() -> list[StoredObject]:
            blobs = self._service.bucket(bucket).list_blobs(prefix=prefix, timeout=TIMEOUT_SECONDS, retry=None)
            return [_stored(bucket, blob) for blob in blobs]

        return self._connection.repeated(f"list {folder}", call)

    def read_object(self, found: StoredObject, start: int, end: int) -> bytes:
        """Return the bytes from `start` to before `end`.

        Raises:
            ConflictError, NotFoundError: it has been written again since, or is gone.
        """

        def call() -> bytes:
            data: bytes = (
                self._service.bucket(found.bucket)
                .blob(found.name)
                .download_as_bytes(
                    start=start,
                    end=end - 1,
                    if_generation_match=found.generation,
                    timeout=TIMEOUT_SECONDS,
                    retry=None,
                    checksum=None,  # there is one of the whole alone
                )
            )
            return data

        return self._connection.repeated(f"read gs://{found.bucket}/{found.name}", call)

    def checksum(self, path: Path) -> str:
        """Return what Cloud Storage would say of a file's bytes."""
        import base64

        from google_crc32c import Checksum

        checksum = Checksum()
        with path.open("rb") as file:
            for _ in checksum.consume(file, 1 << 20):
                pass
        return base64.b64encode(checksum.digest()).decode()

    def delete_objects(self, prefix: str) -> None:
        """Remove all objects whose names begin so."""

        def call() -> None:
            for blob in list(self._bucket.list_blobs(prefix=prefix, timeout=TIMEOUT_SECONDS, retry=None)):
                with contextlib.suppress(NotFoundError), self._connection.asking("delete objects"):
                    blob.delete(timeout=TIMEOUT_SECONDS, retry=None)

        self._connection.repeated(f"delete what is below {self._connection.settings.bucket}/{prefix}", call)

    @property
    def _bucket(self) -> Bucket:
        return self._service.bucket(self._connection.settings.bucket_name)

    @functools.cached_property
    def _service(self) -> StorageClient:
        with self._connection.lock:
            from google.cloud.storage import Client

            options = (
                {"api_endpoint": self._connection.settings.storage_endpoint}
                if self._connection.settings.storage_endpoint
                else None
            )
            return Client(
                project=self._connection.settings.project,
                credentials=self._connection.credentials,
                client_options=options,
            )


def _stored(bucket: str, blob: Any) -> StoredObject:
    return StoredObject(
        bucket=bucket,
        name=blob.name,
        size=blob.size,
        generation=blob.generation,
        crc32c=blob.crc32c,
        update_time=blob.updated,
    )
