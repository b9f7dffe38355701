"""Calls to Cloud Storage: objects of the settings' bucket, and of others."""

from __future__ import annotations

import contextlib
import functools
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmagic.backends.google.client.connection import TIMEOUT_SECONDS, Connection
from mlmagic.backends.google.refusals import UnavailableError
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

    def begin_upload(self, name: str, size: int, crc32c: str) -> str:
        """Return the address of a new resumable upload of an object, which there must be none of when it is done.

        Raises:
            ConflictError: there is one already.
        """

        def call() -> str:
            blob = self._bucket.blob(name)
            blob.crc32c = crc32c  # what comes is compared with it before it becomes an object
            address = blob.create_resumable_upload_session(
                size=size,
                if_generation_match=0,
                timeout=TIMEOUT_SECONDS,
                retry=None,
                checksum=None,
                content_type="application/octet-stream",
            )
            return str(address)

        return self._connection.repeated(f"write {self._connection.settings.bucket}/{name}", call)

    def received_bytes(self, address: str, size: int) -> int | None:
        """Return how much of a resumable upload has come; None if it is done.

        Raises:
            NotFoundError: Cloud Storage does not remember it.
            ConflictError: it cannot be done any more: the object is there, or the bytes were others than announced.
        """
        return self._connection.repeated("go on with an upload", lambda: self._put(address, b"", f"bytes */{size}"))

    def send_piece(self, address: str, data: bytes, start: int, size: int) -> int | None:
        """Send the next bytes of a resumable upload, and return as `received_bytes` does."""
        words = f"bytes {start}-{start + len(data) - 1}/{size}"
        is_again = False

        def call() -> int | None:
            nonlocal is_again
            if is_again:
                # It may have come, or some of it, though no answer did.
                received = self._put(address, b"", f"bytes */{size}")
                if received != start:
                    return received
            is_again = True
            return self._put(address, data, words)

        return self._connection.repeated("upload a piece of a file", call)

    def _put(self, address: str, data: bytes, content_range: str) -> int | None:
        from google.api_core.exceptions import from_http_response

        answer = self._connection.session().put(
            address, data=data, headers={"Content-Range": content_range}, timeout=TIMEOUT_SECONDS
        )
        if answer.status_code in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return None
        if answer.status_code == HTTPStatus.PERMANENT_REDIRECT:
            received = answer.headers.get("Range")  # bytes=0-LAST; not there as long as nothing has come
            return int(received.rpartition("-")[2]) + 1 if received else 0
        if answer.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            raise NotFoundError("Cloud Storage does not remember the upload.")
        if answer.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.PRECONDITION_FAILED}:
            raise ConflictError(f"Cloud Storage does not take the upload any more: {_said(answer)}")
        if answer.status_code in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}:
            raise UnavailableError(f"Cloud Storage asks for patience: {_said(answer)}")
        raise from_http_response(answer)

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

    def delete_object(self, found: StoredObject) -> None:
        """Remove an object, of whatever bucket; one that is gone already is no error.

        Raises:
            ConflictError: it has been written again since it was found.
        """

        def call() -> None:
            with contextlib.suppress(NotFoundError), self._connection.asking("delete an object", is_repeated=True):
                blob = self._service.bucket(found.bucket).blob(found.name)
                blob.delete(if_generation_match=found.generation, timeout=TIMEOUT_SECONDS, retry=None)

        self._connection.repeated(f"delete gs://{found.bucket}/{found.name}", call)

    def delete_objects(self, prefix: str) -> None:
        """Remove all objects whose names begin so."""

        def call() -> None:
            for blob in list(self._bucket.list_blobs(prefix=prefix, timeout=TIMEOUT_SECONDS, retry=None)):
                with contextlib.suppress(NotFoundError), self._connection.asking("delete objects", is_repeated=True):
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


def _said(answer: Any) -> str:
    """Return why Cloud Storage refused something, in its own words."""
    try:
        words = str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):  # it is told in a page of HTML, or not at all
        words = str(answer.text)
    return " ".join(words.split())[:300] or f"it answers {answer.status_code}"


def _stored(bucket: str, blob: Any) -> StoredObject:
    return StoredObject(
        bucket=bucket,
        name=blob.name,
        size=blob.size,
        generation=blob.generation,
        crc32c=blob.crc32c,
        update_time=blob.updated,
    )
